"""POST /connect: a page opens its conversation or continues it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import request

from ... import clock
from ...bounds import MAX_USER_AGENT, storable, storable_json
from ...chat import messages, pages, resume, sessions
from ...chat.projects import get_project, is_switched_on
from ...config import Config
from ...errors import RateLimited, Unavailable
from ...schemas import visitor
from ...schemas.visitor import visitor_messages
from ...values import Identity, MessagePage, Session
from ..operation_limits import Limit
from ..operations import Call, Routes
from . import user_agents
from .greeting import greeting
from .identity import page_identity
from .origin import origin_metadata

routes = Routes(caller="visitor")

#: How often to retry if another page of the same user opens a conversation at the same time.
TRIES = 3

#: The limit of conversations that pages open, including those without messages.
_OPENED = Limit("visitor_silent_session_limit", "opened")
#: The limit of page visits whose data is recorded.
_PAGES = Limit("visitor_message_limit", "pages")


@routes("POST /connect", body=visitor.ConnectRequest, response=visitor.ConnectResponse, session="optional")
def connect(call: Call, session_id: str | None) -> Any:
    """Open a conversation, or continue the one of a handle or a signed identity."""
    if (project_id := call.body["project"]) is not None:
        call = replace(call, project_id=get_project(call.state.db, project_id).id)
    for _ in range(TRIES):
        try:
            return _connect(call, session_id)
        except sessions.UnderWay:
            # Another tab of the same user was faster, so continue with its conversation.
            continue
    raise Unavailable("Your conversation is being opened elsewhere. Try again.")


def _connect(call: Call, session_id: str | None) -> dict[str, Any]:
    token = call.body["identityToken"]
    user = None if token is None else call.state.identities.read(token)
    said = page_identity(call.body["identity"] or {})
    header, named = request.headers.get("User-Agent") or "", call.body["metadata"].get("userAgent") or ""
    # A server may connect for a visitor, whose browser it names. Who asks is who makes the request.
    metadata = _metadata(call.body["metadata"], named or header) | origin_metadata(call.state, request.remote_addr)
    session = _go_on(call, session_id, metadata, user, said)
    if session is not None:
        return _connected(call, session, user, messages.list_messages(call.state.db, session.id, internal=False))
    if not call.body["create"]:
        return _unopened(call, None, user)
    if _is_crawler(call.state.config, header or named) and _leaves_out_crawlers(call):
        # This response works, but its handle opens nothing, and nothing is stored.
        return _unopened(call, call.state.handles.sign(clock.new_id("sess")), user)
    return _connected(call, _open(call, metadata, user, said), user, MessagePage([], False))


def _is_crawler(config: Config, agent: str) -> bool:
    lowered = agent.lower()
    if any(part in lowered for part in config.not_crawlers):
        return False
    return any(part in lowered for part in config.crawlers) or user_agents.is_crawler(agent)


def _leaves_out_crawlers(call: Call) -> bool:
    with call.state.db.read() as connection:
        return is_switched_on(connection, call.project_id, "botHeuristicsEnabled")


def _go_on(
    call: Call, session_id: str | None, metadata: Mapping[str, Any], user: Identity | None, said: Identity | None
) -> Session | None:
    """Continue the conversation of the handle, or else the open one of the customer."""
    db = call.state.db
    theirs = resume.find_open(db, call.project_id, str(user.customer_id)) if user else None
    session = None
    if session_id is not None:
        elsewhere = theirs not in {None, session_id}
        news, word = (metadata, said) if _may_tell(call, session_id) else ({}, None)
        # A page that names its project shows no conversation of another one.
        project_id = call.body["project"]
        session = resume.resume(
            db, session_id, news, user=user, said=word, unless_silent=elsewhere, project_id=project_id
        )
    if session is None and theirs is not None:
        session = resume.resume(db, theirs, metadata if _may_tell(call, theirs) else {}, user=user)
    return session


def _may_tell(call: Call, session_id: str) -> bool:
    """Return whether to record what the page reports. A page that connects too often is still admitted."""
    try:
        _PAGES.count(call.state, session_id)
    except RateLimited:
        return False
    return True


def _open(call: Call, metadata: Mapping[str, Any], user: Identity | None, said: Identity | None) -> Session:
    # Pages open a conversation for each visitor. Those with messages have another limit, see `POST /message`.
    _OPENED.count(call.state)
    url, title = metadata.get("pageUrl"), metadata.get("pageTitle")
    return sessions.open_session(
        call.state.db,
        project_id=call.project_id,
        visitor_id=call.body["visitorId"],
        metadata=metadata,
        identity=user or said,
        ai_enabled=call.state.config.ai_enabled,
        signed_in=user is not None,
        also=(lambda change: pages.note_first_visit(change, url, title)) if url else None,
    )


def _connected(call: Call, session: Session, user: Identity | None, page: MessagePage) -> dict[str, Any]:
    handle = call.state.handles.sign(session.id)
    return {
        **greeting(call, session),
        "sessionId": handle,
        "visitorId": session.visitor_id,
        "messages": visitor_messages(page, handle, call.state.urls),
        "hasMore": page.has_more,
        "identity": session.identity and _identity_for_page(session.identity),
        "user": user and call.state.identities.name_of(user),
        "cursor": str(session.seq),
    }


def _unopened(call: Call, handle: str | None, user: Identity | None) -> dict[str, Any]:
    return {
        **greeting(call, None),
        "sessionId": handle,
        "visitorId": call.body["visitorId"] or clock.new_id("vis"),
        "messages": [],
        "hasMore": False,
        "user": user and call.state.identities.name_of(user),
        "cursor": "0",
    }


def _identity_for_page(known: Identity) -> dict[str, Any]:
    """Return the part of the identity that the page may see, without notes of the back office."""
    fields: dict[str, Any] = {"id": known.customer_id, "email": known.email, "name": known.name}
    if not known.verified:
        fields |= known.metadata or {}
    return {**{name: value for name, value in fields.items() if value is not None}, "verified": known.verified}


def _metadata(page: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """Return a page's metadata with the names of the API, and the facts about its browser."""
    named = {("pageUrl" if key == "url" else key): value for key, value in page.items() if value}
    agent = agent[:MAX_USER_AGENT]
    found = {**named, "userAgent": agent, **user_agents.describe(agent)} if agent else named
    return {key: value for key, value in found.items() if storable(key) and storable_json(value)}
