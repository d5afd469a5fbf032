"""Admits streams of visitors over any transport, and handles their beginning and end."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import g, request

from ... import clock
from ...chat import presence
from ...chat.history import find_position
from ...config import Config
from ...db import retried
from ...realtime.connection import Connection
from ...realtime.framing import Frame
from ...realtime.hub import Topic
from ...security.rate_limits import address_key
from ...state import State
from ..operation_limits import ADDRESS
from .cursors import StreamStart, stream_start


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of admitting a page to a stream."""

    session_id: str
    project_id: str
    start: StreamStart
    #: When the back office asked for a rating, if it is still open and the stream will not contain that event.
    rating_asked_at: datetime | None
    #: The warning about the widget's version, if there is one.
    warning: dict[str, str | bool] | None
    #: The address whose limits the page's events count against.
    address: str

    @property
    def after(self) -> int:
        """The number of the last event that the page has."""
        return self.start.after


def admit(state: State, *, count: bool = True) -> Admission:
    """Admit the request's page to the stream of its conversation, while an HTTP response can still refuse it.

    :param count: whether to count the request against the limit of its address.
    :raises APIError: if the page is refused.
    """
    address = address_key(request.remote_addr)
    if count:
        ADDRESS.count(state)
    session_id = state.handles.read(request.args.get("sessionId"))
    place = find_position(state.db, session_id)
    # A browser that reconnects uses its first address again, and sends its last cursor in a header.
    text = request.headers.get("Last-Event-ID") or request.args.get("after")
    start = stream_start(state, session_id, place, text)
    asked = place.rating_asked_at
    if asked is not None and (start.since is None or asked > start.since):
        asked = None
    bounds = {session_id: state.config.socket_limit, **address_bounds(state.config, request.remote_addr)}
    reserve_room(state, bounds)
    return Admission(session_id, place.project_id, start, asked, g.pocketping_version_status.warning, address)


def reserve_room(state: State, bounds: dict[str, int]) -> None:
    """Count the connection that the request will become.

    :param bounds: the owners of the connection, and how many connections each may have.
    :raises RateLimited: if an owner has reached its limit.
    :raises Unavailable: if the process has reached its limit.
    """
    # The view may run twice, if its first transaction lost a race.
    release_room(state)
    g.pocketping_reserved = state.sockets.reserve(bounds)


def reserved_room() -> tuple[str, ...]:
    """Return the owners that `reserve_room` counted. From now on, the connection releases them."""
    owners: tuple[str, ...] = g.pop("pocketping_reserved")
    return owners


def release_room(state: State) -> None:
    """Undo `reserve_room` if the connection did not open."""
    owners = g.pop("pocketping_reserved", None)
    if owners is not None:
        state.sockets.release(owners)


def address_bounds(config: Config, address: str | None) -> dict[str, int]:
    """Return the connection limits of an address, and of its IPv6 network, where clients can change their address."""
    bounds = {f"address {address_key(address)}": config.address_socket_limit}
    try:
        parsed = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return bounds
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        network = ipaddress.ip_network((parsed, 48), strict=False)
        bounds[f"network {network}"] = 4 * config.address_socket_limit
    return bounds


class Listener:
    """The handler for the stream of a page, over any kind of connection.

    :param admission: the result of `admit`.
    """

    __slots__ = ("_topics", "admission", "connection", "state")

    def __init__(self, state: State, connection: Connection, admission: Admission) -> None:
        self.state = state
        self.connection = connection
        self.admission = admission
        self._topics: list[Topic] = []

    def opened(self) -> None:
        """Subscribe, mark the visitor as connected, and send the missed events."""
        hub, admission = self.state.hub, self.admission
        topic, everyone = Topic("session", admission.session_id), Topic("visitors", admission.project_id)
        snapshot = hub.subscribe(topic, self.connection)
        self._topics = [topic]
        hub.join(everyone, self.connection)
        self._topics = [topic, everyone]
        self.connection.presence = retried(
            lambda: presence.arrive(self.state.db, admission.project_id, admission.session_id)
        )
        for frame in (*self.greeting(), *opening_frames(self.state, self.connection, admission)):
            self.connection.send(frame)
        encoded = (
            self.connection.encoder(event, cursor)
            for event, cursor in hub.replay(topic, admission.after, snapshot)
            if admission.start.wants(event)
        )
        self.connection.replay(frame for frame in encoded if frame is not None)

    def greeting(self) -> Iterable[Frame]:
        """Return the first frames of the stream."""
        return ()

    def closed(self) -> None:
        """Undo `opened`, also if it failed halfway."""
        for topic in self._topics:
            self.state.hub.unsubscribe(topic, self.connection)
        leave(self.state, self.connection)


def opening_frames(state: State, connection: Connection, admission: Admission) -> Iterator[Frame]:
    """Return the frames that a page gets before the missed events, in the format of its connection."""
    if admission.rating_asked_at is not None:
        asked_at = clock.format_utc(admission.rating_asked_at)
        yield state.frames.for_visitors("csat_request", requestedAt=asked_at)[connection.encoder]


def leave(state: State, connection: Connection) -> None:
    """Record that a connection is closed."""
    with connection.presence_lock:
        left, connection.presence = connection.presence, None
        if left is not None:
            retried(lambda: presence.leave(state.db, left))
