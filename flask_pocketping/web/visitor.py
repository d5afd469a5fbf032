"""The visitor's wire: what a chat widget calls. A handle opens one session and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import ValidationError

from .. import clock, shapes, useragent
from ..chat import messages, presence, sessions, visitors
from ..chat.text import storable, storable_json
from ..errors import InvalidRequest, SessionNotFound
from ..values import Identity, MessagePage, Session
from . import schemas
from .limiter import address_key
from .routing import Call, Routes
from .visitor_shapes import visitor_message

routes = Routes(caller="visitor")

_IDENTITY = schemas.IdentityInput()


class Connect(schemas.Connect):
    """`schemas.Connect` with the identity of a page, whose keys differ from those of the API."""

    identity = schemas.FreeObject(allow_none=True, load_default=None)


@routes("POST /connect", body=Connect, answer=schemas.ConnectAnswer)
def connect(call: Call) -> Any:
    """Open a conversation, or go on with the one that a handle opens."""
    agent = request.headers.get("User-Agent") or call.body["metadata"].get("userAgent") or ""
    if useragent.is_crawler(agent):
        return _for_crawler(call)
    identity = page_identity(call.body["identity"]) if call.body["identity"] else None
    session = _resume(call, identity)
    if session is None:
        call.state.limiter.hit(call.state.config.visitor_session_limit, "sessions", address_key(request.remote_addr))
        session = sessions.open_session(
            call.state.db,
            project_id=call.project_id,
            visitor_id=call.body["visitorId"],
            metadata=_metadata(call.body["metadata"], agent),
            identity=identity,
            ai_enabled=call.state.config.ai_enabled,
        )
        page = MessagePage([], False)
    else:
        page = messages.list_messages(call.state.db, session.id)
    return _connected(call, session, page)


@routes("POST /message", body=schemas.VisitorSend, answer=schemas.VisitorSendAnswer)
def send_visitor_message(call: Call) -> Any:
    """Send a message as the visitor. A repeat with the same `clientId` gives the first answer."""
    session_id = call.state.handles.read(call.body["sessionId"])
    call.state.limiter.hit(call.state.config.visitor_message_limit, "messages", session_id)
    sent = messages.send_message(
        call.state.db,
        session_id,
        call.body["content"],
        type="visitor",
        reply_to=call.body["replyTo"],
        attachment_ids=call.body["attachmentIds"] or (),
        client_id=call.body["clientId"],
        before=call.state.before_message,
    )
    return {"messageId": sent.id, "timestamp": sent.created_at}


@routes("GET /messages", query=schemas.VisitorMessagesQuery, answer=schemas.VisitorMessagesAnswer)
def list_visitor_messages(call: Call) -> Any:
    """Messages after a message id or a seq; after a time, all that changed since; else the newest page."""
    handle = call.query["sessionId"]
    session_id = call.state.handles.read(handle)
    after, limit = call.query.get("after"), call.query["limit"]
    if not after or after.isdecimal() or after.startswith("msg_"):
        page = messages.list_messages(call.state.db, session_id, after=after or None, limit=limit)
    else:
        try:
            moment = clock.from_wire(after)
        except ValueError:
            raise InvalidRequest.field("after", "Neither an ISO 8601 time nor a message id nor a seq.") from None
        page = messages.messages_changed_since(call.state.db, session_id, moment, limit=limit)
    return {"messages": _for_page(page, handle), "hasMore": page.has_more}


def page_identity(given: Mapping[str, Any]) -> Identity:
    """An identity as a page tells it, `id` and further keys included; nobody vouches for it.

    :raises InvalidRequest: if a field does not fit.
    """
    known = {"customerId": given.get("id"), "email": given.get("email"), "name": given.get("name")}
    fields = {key: str(value) if key == "customerId" else value for key, value in known.items() if value}
    further = {key: value for key, value in given.items() if key not in {"id", "email", "name"}}
    try:
        _IDENTITY.load({**fields, **({"metadata": further} if further else {})})
    except ValidationError as error:
        raise InvalidRequest("The identity does not fit.", details={"identity": [str(error)]}) from None
    return Identity(fields.get("customerId"), fields.get("email"), fields.get("name"), further or None)


def _resume(call: Call, identity: Identity | None) -> Session | None:
    """The session of the handle that came, brought up to date, or nothing if it opens none."""
    try:
        session_id = call.state.handles.read(call.body["sessionId"])
        agent = request.headers.get("User-Agent") or ""
        session = sessions.update_metadata(call.state.db, session_id, _metadata(call.body["metadata"], agent))
        if identity is not None:
            session = visitors.identify(call.state.db, session_id, identity)
        return session
    except SessionNotFound:
        return None


def _connected(call: Call, session: Session, page: MessagePage) -> dict[str, Any]:
    handle = call.state.handles.sign(session.id)
    identity = shapes.identity(session.identity)
    return {
        "sessionId": handle,
        "visitorId": session.visitor_id,
        "operatorOnline": presence.operator_online(call.state.db, session.project_id),
        "welcomeMessage": call.state.config.welcome_message,
        "messages": _for_page(page, handle),
        "identity": identity and {"id": identity.pop("customerId", None), **identity},
        "cursor": str(session.seq),
    }


def _for_crawler(call: Call) -> dict[str, Any]:
    """An answer that works and leaves no trace: its handle opens nothing."""
    return {
        "sessionId": call.state.handles.sign(clock.new_id("sess")),
        "visitorId": call.body["visitorId"] or clock.new_id("vis"),
        "operatorOnline": False,
        "messages": [],
        "cursor": "0",
    }


def _for_page(page: MessagePage, handle: str) -> list[dict[str, Any]]:
    return [visitor_message(shapes.message(item), handle) for item in page.messages]


def _metadata(page: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """A page's metadata with the API's names, and what its browser is."""
    named = {("pageUrl" if key == "url" else key): value for key, value in page.items() if value}
    agent = agent[:500] or named.get("userAgent", "")
    found = {**named, "userAgent": agent, **useragent.describe(agent)} if agent else named
    return {key: value for key, value in found.items() if storable(key) and storable_json(value)}
