"""The part of the response of `POST /connect` about who replies, the look of the chat and its forms."""

from __future__ import annotations

from typing import Any

from flask import request

from ...chat import presence
from ...chat.contact import missing_contact
from ...config import Config
from ...values import Session
from ..operations import Call
from ..streams.transports import transports


def greeting(call: Call, session: Session | None) -> dict[str, Any]:
    """Return the fields of `schemas.visitor.ConnectResponse` that are not part of the conversation.

    :param session: the conversation of the page, if any.
    """
    config = call.state.config
    project_id = session.project_id if session is not None else call.project_id
    online = presence.operator_online(call.state.db, project_id)
    named = presence.operators(call.state.db, project_id) if online else []
    name, avatar = (named[0].name, named[0].avatar) if named else (config.operator_name, config.operator_avatar)
    told: dict[str, Any] = {
        "operatorOnline": online,
        # Nobody learns of a message but those who are there.
        "operatorReachable": online,
        "operatorName": name,
        "operatorAvatar": avatar,
        "welcomeMessage": config.welcome_message,
        "primaryColor": config.primary_color,
        "headerColor": config.header_color,
        "footerColor": config.footer_color,
        "chatBackground": config.chat_background,
        "toggleColor": config.toggle_color,
        "preChatForm": pre_chat_form(config, session),
        "maxUploadSize": call.state.files.max_size if call.state.files is not None else None,
        "aiActive": session is not None and session.ai_active,
        # The names that the widget's own option has.
        "transports": ["ws" if name == "websocket" else name for name in transports(call.state, request.environ)],
    }
    if session is not None:
        told["status"] = session.status
        told["csatRequestedAt"] = session.csat_requested_at if session.csat is None else None
    return told


def pre_chat_form(config: Config, session: Session | None) -> dict[str, Any] | None:
    """Return the form for contact details, if the page must show one."""
    if config.prechat == "off":
        return None
    identity = session.identity if session is not None else None
    return {
        "enabled": True,
        "required": config.prechat == "required",
        "timing": config.prechat_timing,
        "fields": config.prechat_fields,
        "completed": not missing_contact(identity, config.prechat_fields),
    }
