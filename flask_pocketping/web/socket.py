"""The WebSocket routes: `/ws` for programs of the back office, `/stream` for a visitor's page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import g, request
from simple_websocket import ConnectionClosed, Server

from ..chat import presence, visitors
from ..chat.sessions import get_session
from ..db import retried
from ..errors import APIError, InvalidRequest, RateLimited, Unauthorized
from ..realtime.hub import Topic
from ..values import Session
from . import schemas
from .auth import project_of
from .connections import AUTH_TIMEOUT, INTERNAL_ERROR, RESTARTING, TOO_MANY, UNAUTHORIZED, Closed, Connection
from .frames import error_frame, operator_frame
from .limiter import address_key
from .responses import as_api_error
from .routing import load, parse_json
from .state import State

logger = logging.getLogger("flask_pocketping")

#: Seconds that a client of `/ws` has for its first frame.
AUTH_WAIT = 10.0

_AUTH = schemas.SocketAuth()
_FILTER = schemas.SocketFilter()
_TYPING = schemas.SocketTyping()
_EVENT = schemas.PageEvent()


def serve_back_office(state: State, ws: Server) -> None:
    """One connection to `/ws`."""
    connection = Connection(ws, state.frames.operator, state.config.socket_queue)
    connection.owner = address_key(request.remote_addr)
    _guarded(state, connection, lambda: _BackOffice(state, connection).run())


def serve_visitor(state: State, ws: Server) -> None:
    """One connection to `/stream`; `g.pocketping_session` was found by the handle before the upgrade."""
    connection = Connection(ws, state.frames.visitor, state.config.socket_queue)
    connection.owner = g.pocketping_session.id
    _guarded(state, connection, lambda: _Visitor(state, connection, g.pocketping_session).run())


def _guarded(state: State, connection: Connection, run: Callable[[], None]) -> None:
    """Run a connection; whatever happens ends in a close code and never in an answer of HTTP."""
    code, reason = 1000, ""
    state.sockets.add(connection)
    try:
        run()
    except ConnectionClosed:
        return
    except Closed as closed:
        code, reason = closed.code, closed.reason
    except Unauthorized as error:
        code, reason = UNAUTHORIZED, error.message
    except RateLimited as error:
        code, reason = TOO_MANY, error.message
    except Exception:
        logger.exception("A WebSocket on %s failed.", request.path)
        code, reason = INTERNAL_ERROR, "Something went wrong on the server."
    except BaseException:
        # The server ends this thread or greenlet because it stops.
        code, reason = RESTARTING, "The server restarts."
    finally:
        connection.close(code, reason)
        state.sockets.remove(connection)


class _BackOffice:
    def __init__(self, state: State, connection: Connection) -> None:
        self.state = state
        self.connection = connection
        self.project_id = ""
        self.key_name = ""

    def run(self) -> None:
        after, key = self._authenticate()
        self.project_id, self.key_name = project_of(self.state, key)
        # It counts for its address only until it is known.
        self.connection.key_hash, self.connection.owner = self.key_name, None
        self._count()
        topic = Topic("project", self.project_id)
        hub = self.state.hub
        snapshot = hub.subscribe(topic, self.connection)
        try:
            was_online = presence.operator_online(self.state.db, self.project_id)
            self.connection.presence = presence.arrive(self.state.db, self.project_id)
            # Whoever goes away before the replay is over must not resume behind what it did not get.
            cursor = snapshot.cursor if after is None else min(after, snapshot.cursor)
            self.connection.send(operator_frame("auth.ok", projectId=self.project_id, cursor=str(cursor)))
            if not was_online:
                self.state.presence(self.project_id, True, but=self.connection)
            if after is not None:
                found = hub.replay(topic, after, snapshot)
                self.connection.send_all(self.state.frames.operator(event, at) for event, at in found)
            self.connection.run(self._handle)
        finally:
            hub.unsubscribe(topic, self.connection)
            _leave(self.state, self.connection)
            if not presence.operator_online(self.state.db, self.project_id):
                self.state.presence(self.project_id, False)

    def _authenticate(self) -> tuple[int | None, str]:
        raw = self.connection.receive(AUTH_WAIT)
        if raw is None:
            raise Closed(AUTH_TIMEOUT, "No auth frame within 10 seconds.")
        try:
            frame = parse_json(raw)
            if frame.get("type") != "auth":
                raise Closed(UNAUTHORIZED, "The first frame must be of type auth.")
            found = load(_AUTH, frame)
            self._filter(found)
            return _cursor(found["after"]) if found["after"] is not None else None, found["apiKey"]
        except APIError as error:
            raise Closed(UNAUTHORIZED, error.message) from None

    def _handle(self, raw: str | bytes) -> None:
        self._count()
        try:
            frame = parse_json(raw)
            kind = frame.get("type")
            if kind == "ping":
                self.connection.send(operator_frame("pong"))
            elif kind == "typing":
                self._typing(load(_TYPING, frame))
            elif kind == "subscribe":
                self._filter(load(_FILTER, frame))
            else:
                raise InvalidRequest.field("type", "Not one of ping, typing, subscribe.")
        except Exception as error:
            self.connection.send(error_frame(_told(error)))

    def _typing(self, frame: dict[str, Any]) -> None:
        session = get_session(self.state.db, frame["sessionId"], self.project_id)
        self.state.typing(self.project_id, session.id, "operator", frame["isTyping"], but=self.connection)

    def _filter(self, found: dict[str, Any]) -> None:
        wanted = found.get("events")
        self.connection.wanted = frozenset(wanted) if wanted and "*" not in wanted else None
        self.connection.session_id = found.get("sessionId")

    def _count(self) -> None:
        self.state.limiter.hit(self.state.config.rate_limit, "key", self.key_name)


class _Visitor:
    def __init__(self, state: State, connection: Connection, session: Session) -> None:
        self.state = state
        self.connection = connection
        self.session = session
        self.session_id = session.id

    def run(self) -> None:
        # Without a cursor it begins where the handshake found the log, so that nothing falls between.
        after = _cursor(request.args.get("after") or str(self.session.seq))
        topic = Topic("session", self.session_id)
        hub = self.state.hub
        everyone = Topic("visitors", self.session.project_id)
        snapshot = hub.subscribe(topic, self.connection)
        hub.join(everyone, self.connection)
        try:
            self.connection.presence = retried(
                lambda: presence.arrive(self.state.db, self.session.project_id, self.session_id)
            )
            found = hub.replay(topic, after, snapshot)
            frames = (self.state.frames.visitor(event, at) for event, at in found)
            self.connection.send_all(frame for frame in frames if frame is not None)
            self.connection.run(self._handle)
        finally:
            hub.unsubscribe(topic, self.connection)
            hub.unsubscribe(everyone, self.connection)
            _leave(self.state, self.connection)

    def _handle(self, raw: str | bytes) -> None:
        self.state.limiter.hit(self.state.config.visitor_message_limit, "event", self.session_id)
        try:
            frame = parse_json(raw)
            if frame.get("type") != "event":
                raise InvalidRequest.field("type", "Not event.")
            event = load(_EVENT, frame.get("data"))
            visitors.receive_event(self.state.db, self.session_id, event["name"], event["data"])
        except Exception as error:
            self.connection.send(error_frame(_told(error)))


def _leave(state: State, connection: Connection) -> None:
    with connection.presence_lock:
        left, connection.presence = connection.presence, None
        if left is not None:
            retried(lambda: presence.leave(state.db, left))


def _told(error: Exception) -> APIError:
    if isinstance(error, ConnectionClosed | Closed):
        raise error
    return as_api_error(error)


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidRequest.field("after", "Not a cursor that this server gave.")
    return int(text)
