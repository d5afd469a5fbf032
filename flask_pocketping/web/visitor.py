"""The visitor's wire: what a chat widget calls. A handle opens one session and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

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


@routes("POST /connect", body=schemas.Connect, answer=schemas.ConnectAnswer)
def connect(call: Call) -> Any:
    """Open a conversation, or go on with the one that a handle opens."""
    agent = request.headers.get("User-Agent") or call.body["metadata"].get("userAgent") or ""
    identity = page_identity(call.body["identity"] or {})
    session = _resume(call, identity)
    if session is None:
        if useragent.is_crawler(agent):
            return _for_crawler(call)
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


def page_identity(given: Mapping[str, Any]) -> Identity | None:
    """An identity as a page tells it, `id` and further keys included; nobody vouches for it.

    What does not fit is left out: a visitor could not correct what the page says of them.
    """
    number = given.get("id")
    known: dict[str, Any] = {
        "customerId": str(number) if isinstance(number, int) and not isinstance(number, bool) else number,
        "email": given.get("email"),
        "name": given.get("name"),
        "metadata": {key: value for key, value in given.items() if key not in {"id", "email", "name"}} or None,
    }
    fields = {name: value for name, value in known.items() if value is not None and _fits(name, value)}
    if not fields:
        return None
    return Identity(fields.get("customerId"), fields.get("email"), fields.get("name"), fields.get("metadata"))


def _fits(name: str, value: Any) -> bool:
    return not _IDENTITY.validate({name: value})


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
    return {
        "sessionId": handle,
        "visitorId": session.visitor_id,
        "operatorOnline": presence.operator_online(call.state.db, session.project_id),
        "welcomeMessage": call.state.config.welcome_message,
        "messages": _for_page(page, handle),
        "identity": session.identity and _identity_for_page(session.identity),
        "cursor": str(session.seq),
    }


def _identity_for_page(known: Identity) -> dict[str, Any]:
    """What the page may know of its visitor's identity. What the back office noted about them is not for the page."""
    told: dict[str, Any] = {"id": known.customer_id, "email": known.email, "name": known.name}
    if not known.verified:
        told |= known.metadata or {}
    return {**{name: value for name, value in told.items() if value is not None}, "verified": known.verified}


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
