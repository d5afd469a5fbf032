"""The forms for visitors: contact details (`POST /prechat`) and ratings (`POST /csat`)."""

from __future__ import annotations

from typing import Any

from ...chat import csat, sessions
from ...chat.contact import missing_contact, note_contact
from ...errors import InvalidRequest
from ...schemas import visitor
from ...schemas.base import AcceptedResponse
from ..operation_limits import Limit
from ..operations import Call, Routes

routes = Routes(caller="visitor")

_ASKED = {"email": "your email address", "phone": "your phone number"}


@routes(
    "POST /prechat",
    body=visitor.PreChatRequest,
    response=AcceptedResponse,
    session="required",
    limit=Limit("visitor_message_limit", "identify"),
)
def pre_chat(call: Call, session_id: str) -> Any:
    """Store the visitor's contact details."""
    email, phone, country = (call.body[name] for name in ("email", "phone", "phoneCountry"))
    note_contact(call.state.db, session_id, email=email, phone=phone, phone_country=country)


@routes("POST /csat", body=visitor.RateConversationRequest, response=visitor.RatedResponse, session="required")
def rate_conversation(call: Call, session_id: str) -> Any:
    """Rate the conversation. Only the first rating counts."""
    noted = csat.submit(call.state.db, session_id, call.body["score"], call.body["comment"])
    return {"alreadyRated": None if noted else True}


def check_contact(call: Call, session_id: str) -> None:
    """Refuse a message from a visitor who must enter contact details first.

    :raises InvalidRequest: if they are missing.
    """
    config = call.state.config
    if config.prechat != "required" or config.prechat_timing != "before-first-message":
        return
    identity = sessions.get_session(call.state.db, session_id).identity
    missing = missing_contact(identity, config.prechat_fields)
    if missing:
        link = " or " if config.prechat_fields == "email-or-phone" else " and "
        wanted = link.join(_ASKED[name] for name in missing)
        raise InvalidRequest(f"Please leave {wanted} first.")
