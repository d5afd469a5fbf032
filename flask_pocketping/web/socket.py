"""The WebSocket routes: `/ws` for programs of the back office, `/stream` for a visitor's page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import g, request
from simple_websocket import ConnectionClosed, Server

from .. import clock, shapes
from ..chat import presence, visitors
from ..chat.sessions import get_session
from ..errors import APIError, Forbidden, InvalidRequest, RateLimited, Unauthorized
from ..realtime.hub import Topic
from . import schemas
from .admission import Admission, leave, listening
from .auth import Client, client_of
from .connections import AUTH_TIMEOUT, INTERNAL_ERROR, RESTARTING, TOO_MANY, UNAUTHORIZED, Closed, Connection
from .frames import error_frame, operator_frame, visitor_frame
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
_AVAILABLE = schemas.SocketAvailable()
_OPERATOR = shapes.OperatorShape()
_EVENT = schemas.PageEvent()


def serve_back_office(state: State, ws: Server) -> None:
    """One connection to `/ws`."""
    connection = Connection(ws, state.frames.operator, state.config.socket_queue)
    connection.owner = address_key(request.remote_addr)
    _guarded(state, connection, lambda: _BackOffice(state, connection).run())


def serve_visitor(state: State, ws: Server) -> None:
    """One connection to `/stream`; `g.pocketping_admission` was given before the upgrade."""
    connection = Connection(ws, state.frames.visitor, state.config.socket_queue)
    admission: Admission = g.pocketping_admission
    connection.owner = admission.session_id
    _guarded(state, connection, lambda: _Visitor(state, connection, admission).run())


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
        self.client = Client("", ())

    def run(self) -> None:
        hello = self._authenticate()
        after: int | None = hello["after"]
        self._let_in(client_of(self.state, hello["apiKey"]))
        # It counts for its address only until it is known.
        self.connection.owner = None
        self._count()
        topic = Topic("project", self.project_id)
        hub = self.state.hub
        snapshot = hub.subscribe(topic, self.connection)
        try:
            was_online = presence.operator_online(self.state.db, self.project_id)
            self.connection.presence = presence.arrive(
                self.state.db, self.project_id, operator=self.client.operator, available=hello["available"]
            )
            # Whoever goes away before the replay is over must not resume behind what it did not get.
            cursor = snapshot.cursor if after is None else min(after, snapshot.cursor)
            self._tell_presence(was_online, but=self.connection)
            self.connection.send(operator_frame("auth.ok", **self._who(), cursor=str(cursor)))
            if after is not None:
                found = hub.replay(topic, after, snapshot)
                self.connection.send_all(self.state.frames.operator(event, at) for event, at in found)
            self.connection.run(self._handle)
        finally:
            hub.unsubscribe(topic, self.connection)
            was_online = presence.operator_online(self.state.db, self.project_id)
            leave(self.state, self.connection)
            self._tell_presence(was_online)

    @property
    def project_id(self) -> str:
        return self.client.project_id

    def _let_in(self, client: Client) -> None:
        self.client, self.connection.key_hash = client, client.key_hash
        if client.expires_at is not None:
            self.connection.expires_at = time.monotonic() + (client.expires_at - clock.now()).total_seconds()

    def _who(self) -> dict[str, Any]:
        found: dict[str, Any] = {"projectId": self.project_id}
        if self.client.operator is not None:
            found["operator"] = _OPERATOR.dump(self.client.operator)
        return found

    def _tell_presence(self, was_online: bool, but: Connection | None = None) -> None:
        online = presence.operator_online(self.state.db, self.project_id)
        if online == was_online and self.client.operator is None:
            return
        known = presence.connected_operators(self.state.db, self.project_id)
        self.state.presence(self.project_id, online, known, visitors=online != was_online, but=but)

    def _authenticate(self) -> dict[str, Any]:
        raw = self.connection.receive(AUTH_WAIT)
        if raw is None:
            raise Closed(AUTH_TIMEOUT, "No auth frame within 10 seconds.")
        try:
            frame = parse_json(raw)
            if frame.get("type") != "auth":
                raise Closed(UNAUTHORIZED, "The first frame must be of type auth.")
            found = load(_AUTH, frame)
            self._filter(found)
            after = _cursor(found["after"]) if found["after"] is not None else None
            return {**found, "after": after}
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
            elif kind == "available":
                self._set_available(load(_AVAILABLE, frame)["available"])
            elif kind == "auth":
                self._renew(load(_AUTH, frame)["apiKey"])
            else:
                raise InvalidRequest.field("type", "Not one of ping, typing, subscribe, available, auth.")
        except Exception as error:
            self.connection.send(error_frame(_told(error)))

    def _typing(self, frame: dict[str, Any]) -> None:
        session = get_session(self.state.db, frame["sessionId"], self.project_id)
        self.state.typing(
            self.project_id,
            session.id,
            "operator",
            frame["isTyping"],
            operator=self.client.operator,
            but=self.connection,
        )

    def _set_available(self, available: bool) -> None:
        was_online = presence.operator_online(self.state.db, self.project_id)
        with self.connection.presence_lock:
            if self.connection.presence is None or self.connection.presence.available == available:
                return
            self.connection.presence = presence.set_available(self.state.db, self.connection.presence, available)
        self._tell_presence(was_online)

    def _renew(self, key: str) -> None:
        """Go on with a further token. It may change when the connection ends, and neither whose nor where it is."""
        if self.client.operator is None:
            raise InvalidRequest.field("type", "A connection with an API key needs no renewal.")
        client = client_of(self.state, key)
        if client.operator is None or client.counted != self.client.counted:
            raise Forbidden("A connection can only be renewed by a token of the same operator.")
        self._let_in(client)
        self.connection.send(operator_frame("auth.ok", **self._who()))

    def _filter(self, found: dict[str, Any]) -> None:
        wanted = found.get("events")
        self.connection.wanted = frozenset(wanted) if wanted and "*" not in wanted else None
        self.connection.session_id = found.get("sessionId")

    def _count(self) -> None:
        self.state.limiter.hit(self.state.config.rate_limit, *self.client.counted)


class _Visitor:
    def __init__(self, state: State, connection: Connection, admission: Admission) -> None:
        self.state = state
        self.connection = connection
        self.admission = admission
        self.session_id = admission.session_id

    def run(self) -> None:
        with listening(self.state, self.connection, self.admission) as missed:
            if self.admission.warning:
                self.connection.send(visitor_frame("version_warning", **self.admission.warning))
            frames = (self.state.frames.visitor(event, at) for event, at in missed)
            self.connection.send_all(frame for frame in frames if frame is not None)
            self.connection.run(self._handle)

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


def _told(error: Exception) -> APIError:
    if isinstance(error, ConnectionClosed | Closed):
        raise error
    return as_api_error(error)


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidRequest.field("after", "Not a cursor that this server gave.")
    return int(text)
