"""The visitor's wire: what a chat widget calls. A handle opens one session and nothing else does."""

from __future__ import annotations

from typing import Any

from flask import request

from ...chat import messages, presence, visitors
from ...chat.history import find_position
from ...errors import InvalidRequest
from ...schemas import backoffice, visitor
from ...schemas.base import AcceptedResponse
from ...schemas.visitor import visitor_messages
from ...security.rate_limits import address_key
from ...values import MessageType
from ..operations import Call, Routes
from ..streams.cursors import OVERLAP, earlier, time_cursor
from .identity import page_identity
from .prechat import check_contact

routes = Routes(caller="visitor")


@routes("POST /message", body=visitor.VisitorSendRequest, response=visitor.VisitorSendResponse)
def send_visitor_message(call: Call) -> Any:
    """Send a message as the visitor. A repeat with the same `clientId` gives the first answer."""
    session_id = call.state.handles.read(call.body["sessionId"])
    call.state.limiter.hit(call.state.config.visitor_message_limit, "messages", session_id)
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
        on_first=lambda: _count_conversation(call),
    )
    return {"messageId": sent.id, "timestamp": sent.created_at, "attachments": sent.attachments}


def _count_conversation(call: Call) -> None:
    call.state.limiter.hit(call.state.config.visitor_session_limit, "sessions", address_key(request.remote_addr))


@routes("GET /messages", query=visitor.VisitorMessagesQuery, response=visitor.VisitorMessagesResponse)
def list_visitor_messages(call: Call) -> Any:
    """Messages after or before a message id or a seq; after a time, all that changed since; else the newest page."""
    handle = call.query["sessionId"]
    session_id = call.state.handles.read(handle)
    after, before, limit = call.query.get("after"), call.query.get("before"), call.query["limit"]
    if after:
        # Whoever asks what is new asks again and again.
        presence.polled(call.state.db, session_id)
    if not after or after.isdecimal() or after.startswith("msg_"):
        page = messages.list_messages(
            call.state.db, session_id, after=after or None, before=before or None, limit=limit
        )
    elif before:
        raise InvalidRequest.field("before", "Can't be joined with a time.")
    else:
        try:
            moment = time_cursor(after)
        except ValueError:
            raise InvalidRequest.field("after", "Neither an ISO 8601 time nor a message id nor a seq.") from None
        page = messages.messages_changed_since(
            call.state.db, session_id, moment, repeat_from=earlier(moment, OVERLAP), limit=limit
        )
    return {"messages": visitor_messages(page, handle, call.state.urls), "hasMore": page.has_more}


@routes("PATCH /message/<message_id>", body=visitor.VisitorEditRequest, response=visitor.VisitorEditResponse)
def edit_visitor_message(call: Call, message_id: str) -> Any:
    """Change the text of a message of the visitor's own."""
    session_id = call.state.handles.read(call.body["sessionId"])
    call.state.limiter.hit(call.state.config.visitor_message_limit, "edits", session_id)
    edited = messages.edit_message(
        call.state.db,
        session_id,
        message_id,
        call.body["content"],
        by=MessageType.VISITOR,
        before=call.state.before_message,
    )
    return {"message": edited}


@routes("DELETE /message/<message_id>", query=visitor.HandleQuery, response=visitor.DeletedResponse)
def delete_visitor_message(call: Call, message_id: str) -> Any:
    """Delete a message of the visitor's own."""
    session_id = call.state.handles.read(call.query["sessionId"])
    messages.delete_message(call.state.db, session_id, message_id, by=MessageType.VISITOR)
    return {"deleted": True}


@routes("POST /typing", body=visitor.VisitorTypingRequest, response=AcceptedResponse)
def visitor_typing(call: Call) -> Any:
    """Tell the operators that the visitor types, or has stopped."""
    session_id = call.state.handles.read(call.body["sessionId"])
    place = find_position(call.state.db, session_id)
    call.state.announcer.typing(place.project_id, session_id, "visitor", call.body["isTyping"])
    return {"ok": True}


@routes("POST /read", body=visitor.VisitorReadRequest, response=backoffice.UpdatedResponse)
def visitor_read(call: Call) -> Any:
    """Note that messages of the other side arrived at the page, or were read there."""
    session_id = call.state.handles.read(call.body["sessionId"])
    updated = messages.mark_messages(
        call.state.db,
        session_id,
        reader=MessageType.VISITOR,
        status=call.body["status"],
        message_ids=call.body["messageIds"],
    )
    return {"updated": updated}


@routes("POST /identify", body=visitor.VisitorIdentifyRequest, response=AcceptedResponse)
def identify_from_page(call: Call) -> Any:
    """What a page says of its visitor; nobody vouches for it."""
    session_id = call.state.handles.read(call.body["sessionId"])
    call.state.limiter.hit(call.state.config.visitor_message_limit, "identify", session_id)
    identity = page_identity(call.body["identity"])
    if identity is None:
        raise InvalidRequest.field("identity", "Nothing in it can be used.")
    visitors.identify(call.state.db, session_id, identity)
    return {"ok": True}
