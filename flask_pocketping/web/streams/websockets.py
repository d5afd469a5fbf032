"""The WebSocket routes: `/ws` for the back office, and `/stream` for a visitor's page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import g, request

from ... import clock
from ...chat import presence, visitors
from ...chat.sessions import get_session
from ...errors import APIError, Forbidden, InvalidRequest, RateLimited, Unauthorized
from ...realtime.connection import AUTH_TIMEOUT, TOO_MANY, UNAUTHORIZED, Closed, Connection
from ...realtime.encoders import error_frame, operator_frame, visitor_frame
from ...realtime.framing import Frame
from ...realtime.hub import Encoder, Topic
from ...realtime.websocket import MAX_FRAME, WebSocket
from ...schemas import sockets
from ...schemas.values import OperatorSchema
from ...state import State
from ..authentication import Client, client_of
from ..parsing import load, parse_json
from ..responses import as_api_error
from .admission import Admission, Listener, leave, reserved_room
from .cursors import project_cursor
from .takeover import Takeover

#: Seconds that a client of `/ws` has to send its first frame.
AUTH_WAIT = 10.0

_AUTH = sockets.AuthFrame()
_FILTER = sockets.SubscribeFrame()
_TYPING = sockets.TypingFrame()
_AVAILABLE = sockets.AvailableFrame()
_OPERATOR = OperatorSchema()
_EVENT = sockets.EventFrame()


def serve_back_office(state: State) -> None:
    """Start serving a WebSocket on `/ws`."""
    connection = _open(state, state.frames.operator)
    connection.set_deadline(AUTH_WAIT, AUTH_TIMEOUT, f"No auth frame within {AUTH_WAIT:g} seconds.")
    connection.start(_BackOffice(state, connection, request.remote_addr))


def serve_visitor(state: State) -> None:
    """Start serving a WebSocket on `/stream`. `g.pocketping_admission` was set before the upgrade."""
    admission: Admission = g.pocketping_admission
    connection = _open(state, state.frames.visitor)
    connection.max_frame = MAX_FRAME
    connection.start(_Visitor(state, connection, admission))


def _open(state: State, encoder: Encoder) -> WebSocket:
    takeover: Takeover = g.pocketping_takeover
    connection = WebSocket(
        takeover.take(),
        loop=state.sockets.loop,
        pool=state.sockets.pool,
        encoder=encoder,
        limit=state.config.socket_queue,
        on_gone=state.sockets.remove,
        on_release=takeover.on_release,
    )
    state.sockets.add(connection, reserved_room())
    return connection


def _close_code(error: Exception) -> Closed | None:
    if isinstance(error, Unauthorized):
        return Closed(UNAUTHORIZED, error.message)
    if isinstance(error, RateLimited):
        return Closed(TOO_MANY, error.message)
    return None


class _BackOffice:
    __slots__ = ("_topic", "address", "client", "connection", "state")

    name = "A WebSocket on /ws"

    def __init__(self, state: State, connection: WebSocket, address: str | None) -> None:
        self.state = state
        self.address = address
        self.connection = connection
        self.client: Client | None = None
        self._topic: Topic | None = None

    close_code = staticmethod(_close_code)

    def opened(self) -> None:
        """Wait for the first frame."""

    def received(self, raw: str | bytes) -> None:
        if self.client is None:
            self._begin(raw)
        else:
            self._handle(self.client, raw)

    def closed(self) -> None:
        if self.client is None or self._topic is None:
            return
        self.state.hub.unsubscribe(self._topic, self.connection)
        was_online = presence.operator_online(self.state.db, self.client.project_id)
        leave(self.state, self.connection)
        self._announce_presence(self.client, was_online)

    def _begin(self, raw: str | bytes) -> None:
        hello = self._authenticate(raw)
        after: int | None = hello["after"]
        client = client_of(self.state, hello["apiKey"], self.address)
        self._accept(client)
        # It counts against the limit of its address only until it is authenticated.
        self.state.sockets.disown(self.connection)
        self._count(client)
        self.connection.max_frame = MAX_FRAME
        self.client = client
        topic = Topic("project", client.project_id)
        snapshot = self.state.hub.subscribe(topic, self.connection)
        self._topic = topic
        was_online = presence.operator_online(self.state.db, client.project_id)
        self.connection.presence = presence.arrive(
            self.state.db, client.project_id, operator=client.operator, available=hello["available"]
        )
        # A client that leaves during the replay must not resume after events that it did not get.
        cursor = snapshot.cursor if after is None else min(after, snapshot.cursor)
        self._announce_presence(client, was_online, exclude=self.connection)
        self.connection.send(operator_frame("auth.ok", **self._who(client), cursor=str(cursor)))
        found = self.state.hub.replay(topic, after, snapshot) if after is not None else ()
        self.connection.replay(self.state.frames.operator(event, at) for event, at in found)

    def _accept(self, client: Client) -> None:
        self.client, self.connection.key_hash = client, client.key_hash
        left = None if client.expires_at is None else (client.expires_at - clock.now()).total_seconds()
        self.connection.set_deadline(left, UNAUTHORIZED, "The operator's token has expired.")

    def _who(self, client: Client) -> dict[str, Any]:
        found: dict[str, Any] = {"projectId": client.project_id}
        if client.operator is not None:
            found["operator"] = _OPERATOR.dump(client.operator)
        return found

    def _announce_presence(self, client: Client, was_online: bool, exclude: Connection | None = None) -> None:
        online = presence.operator_online(self.state.db, client.project_id)
        if online == was_online and client.operator is None:
            return
        known = presence.connected_operators(self.state.db, client.project_id)
        self.state.announcer.presence(client.project_id, online, known, visitors=online != was_online, exclude=exclude)

    def _authenticate(self, raw: str | bytes) -> dict[str, Any]:
        try:
            frame = parse_json(raw)
            if frame.get("type") != "auth":
                raise Closed(UNAUTHORIZED, "The first frame must be of type auth.")
            found = load(_AUTH, frame)
            self._filter(found)
            after = project_cursor(found["after"]) if found["after"] is not None else None
            return {**found, "after": after}
        except APIError as error:
            raise Closed(UNAUTHORIZED, error.message) from None

    def _handle(self, client: Client, raw: str | bytes) -> None:
        self._count(client)
        try:
            frame = parse_json(raw)
            kind = frame.get("type")
            if kind == "ping":
                self.connection.send(operator_frame("pong"))
            elif kind == "typing":
                self._typing(client, load(_TYPING, frame))
            elif kind == "subscribe":
                self._filter(load(_FILTER, frame))
            elif kind == "available":
                self._set_available(client, load(_AVAILABLE, frame)["available"])
            elif kind == "auth":
                self._renew(client, load(_AUTH, frame)["apiKey"])
            else:
                raise InvalidRequest.field("type", "Not one of ping, typing, subscribe, available, auth.")
        except Exception as error:
            self.connection.send(error_frame(as_api_error(error)))

    def _typing(self, client: Client, frame: dict[str, Any]) -> None:
        session = get_session(self.state.db, frame["sessionId"], client.project_id)
        self.state.announcer.typing(
            client.project_id,
            session.id,
            "operator",
            frame["isTyping"],
            operator=client.operator,
            exclude=self.connection,
        )

    def _set_available(self, client: Client, available: bool) -> None:
        was_online = presence.operator_online(self.state.db, client.project_id)
        with self.connection.presence_lock:
            if self.connection.presence is None or self.connection.presence.available == available:
                return
            self.connection.presence = presence.set_available(self.state.db, self.connection.presence, available)
        self._announce_presence(client, was_online)

    def _renew(self, client: Client, key: str) -> None:
        """Renew the connection with another token, which may only change when it expires."""
        if client.operator is None:
            raise InvalidRequest.field("type", "A connection with an API key needs no renewal.")
        renewed = client_of(self.state, key, self.address)
        if renewed.operator is None or renewed.counted != client.counted:
            raise Forbidden("A connection can only be renewed by a token of the same operator.")
        self._accept(renewed)
        self.connection.send(operator_frame("auth.ok", **self._who(renewed)))

    def _filter(self, found: dict[str, Any]) -> None:
        wanted = found.get("events")
        self.connection.wanted = frozenset(wanted) if wanted and "*" not in wanted else None
        self.connection.session_id = found.get("sessionId")

    def _count(self, client: Client) -> None:
        self.state.limiter.hit(self.state.config.rate_limit, *client.counted)


class _Visitor(Listener):
    __slots__ = ()

    name = "A WebSocket on /stream"

    close_code = staticmethod(_close_code)

    def greeting(self) -> Iterable[Frame]:
        warning = self.admission.warning
        return [visitor_frame("version_warning", **warning)] if warning else []

    def received(self, raw: str | bytes) -> None:
        limiter, config = self.state.limiter, self.state.config
        limiter.hit(config.visitor_address_limit, "address", self.admission.address)
        limiter.hit(config.visitor_message_limit, "event", self.admission.session_id)
        limiter.hit_bytes(config.visitor_daily_bytes, self.admission.address, len(raw))
        try:
            frame = parse_json(raw)
            if frame.get("type") != "event":
                raise InvalidRequest.field("type", "Not event.")
            event = load(_EVENT, frame.get("data"))
            visitors.receive_event(self.state.db, self.admission.session_id, event["name"], event["data"])
        except Exception as error:
            self.connection.send(error_frame(as_api_error(error)))
