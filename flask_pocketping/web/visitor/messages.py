"""The visitor API for messages, typing and receipts. Only a handle opens a session here."""

from __future__ import annotations

from typing import Any

from ...chat import messages, presence, visitors
from ...chat.history import find_position
from ...errors import InvalidRequest
from ...schemas import backoffice, visitor
from ...schemas.base import AcceptedResponse
from ...schemas.visitor import visitor_messages
from ...values import MessageType
from ..operation_limits import Limit
from ..operations import Call, Routes
from ..streams.cursors import OVERLAP, before_missed, earlier, time_cursor
from .identity import page_identity
from .prechat import check_contact

routes = Routes(caller="visitor")

#: The limit of conversations in which visitors write.
_CONVERSATIONS = Limit("visitor_session_limit", "sessions")


@routes(
    "POST /message",
    body=visitor.VisitorSendRequest,
    response=visitor.VisitorSendResponse,
    session="required",
    limit=Limit("visitor_message_limit", "messages"),
)
def send_visitor_message(call: Call, session_id: str) -> Any:
    """Send a message as the visitor. A repeat with the same `clientId` gives the first answer."""
    check_contact(call, session_id)
    sent = messages.send_message(
        call.state.db,
        session_id,
        call.body["content"],
        type=MessageType.VISITOR,
        reply_to=call.body["replyTo"],
        attachment_ids=call.body["attachmentIds"] or (),
        client_id=call.body["clientId"],
        before=call.state.before_message,
        on_first=lambda: _CONVERSATIONS.count(call.state),
    )
    return {"messageId": sent.id, "timestamp": sent.created_at, "attachments": sent.attachments}


@routes(
    "GET /messages", query=visitor.VisitorMessagesQuery, response=visitor.VisitorMessagesResponse, session="required"
)
def list_visitor_messages(call: Call, session_id: str) -> Any:
    """List messages after or before a message id or seq, those that changed since a time, or the newest page."""
    handle = call.query["sessionId"]
    after, before, limit = call.query.get("after"), call.query.get("before"), call.query["limit"]
    if after:
        # A page that asks for new messages polls.
        presence.polled(call.state.db, session_id)
    if not after or after.isdecimal() or after.startswith("msg_"):
        page = messages.list_messages(
            call.state.db, session_id, after=after or None, before=before or None, limit=limit, internal=False
        )
    elif before:
        raise InvalidRequest.field("before", "Can't be combined with a time.")
    else:
        try:
            moment = time_cursor(after)
        except ValueError:
            raise InvalidRequest.field("after", "Neither an ISO 8601 time nor a message id nor a seq.") from None
        repeat_from = before_missed(call.state, session_id, earlier(moment, OVERLAP))
        page = messages.messages_changed_since(call.state.db, session_id, moment, repeat_from=repeat_from, limit=limit)
    return {"messages": visitor_messages(page, handle, call.state.urls), "hasMore": page.has_more}


@routes(
    "PATCH /message/<message_id>",
    body=visitor.VisitorEditRequest,
    response=visitor.VisitorEditResponse,
    session="required",
    limit=Limit("visitor_message_limit", "edits"),
)
def edit_visitor_message(call: Call, session_id: str, message_id: str) -> Any:
    """Edit a message of the visitor."""
    return messages.edit_message(
        call.state.db,
        session_id,
        message_id,
        call.body["content"],
        by=MessageType.VISITOR,
        before=call.state.before_message,
    )


@routes("DELETE /message/<message_id>", query=visitor.HandleQuery, response=visitor.DeletedResponse, session="required")
def delete_visitor_message(call: Call, session_id: str, message_id: str) -> Any:
    """Delete a message of the visitor."""
    messages.delete_message(call.state.db, session_id, message_id, by=MessageType.VISITOR)
    return True


@routes("POST /typing", body=visitor.VisitorTypingRequest, response=AcceptedResponse, session="required")
def visitor_typing(call: Call, session_id: str) -> Any:
    """Tell the operators that the visitor is typing or has stopped."""
    place = find_position(call.state.db, session_id)
    call.state.announcer.typing(place.project_id, session_id, "visitor", call.body["isTyping"])


@routes("POST /read", body=visitor.VisitorReadRequest, response=backoffice.UpdatedResponse, session="required")
def visitor_read(call: Call, session_id: str) -> Any:
    """Mark messages of the other side as delivered or read."""
    return messages.mark_messages(
        call.state.db,
        session_id,
        reader=MessageType.VISITOR,
        status=call.body["status"],
        message_ids=call.body["messageIds"],
    )


@routes(
    "POST /identify",
    body=visitor.VisitorIdentifyRequest,
    response=AcceptedResponse,
    session="required",
    limit=Limit("visitor_message_limit", "identify"),
)
def identify_from_page(call: Call, session_id: str) -> Any:
    """Store the identity that a page reports for its visitor, as unverified."""
    identity = page_identity(call.body["identity"])
    if identity is None:
        raise InvalidRequest.field("identity", "Nothing in it can be used.")
    visitors.identify(call.state.db, session_id, identity)
