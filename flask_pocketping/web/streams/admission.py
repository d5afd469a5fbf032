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
    """A page that may listen."""

    session_id: str
    project_id: str
    start: StreamStart
    #: A rating that is still asked for, and that no event behind the start tells of.
    rating_asked_at: datetime | None
    #: What to tell it of its version first, if anything.
    warning: dict[str, str | bool] | None
    #: The address that its events count for.
    address: str

    @property
    def after(self) -> int:
        """The number of the last event that it has."""
        return self.start.after


def admit(state: State, *, count: bool = True) -> Admission:
    """Let the request's page listen to its conversation. Asked while an answer of HTTP can still refuse it.

    :param count: whether it is still to be counted against the limit of its address.
    :raises APIError: if it may not.
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
    """Count the connection that the request is to become.

    :param bounds: how many each of its owners may have.
    :raises RateLimited: if one of them has as many.
    :raises Unavailable: if the process has as many as it may.
    """
    # The view may run twice, where its first transaction lost a race.
    release_room(state)
    g.pocketping_reserved = state.sockets.reserve(bounds)


def reserved_room() -> tuple[str, ...]:
    """Whom the request's connection was counted for; from now on that is the connection's to undo."""
    owners: tuple[str, ...] = g.pop("pocketping_reserved")
    return owners


def release_room(state: State) -> None:
    """Count the request's connection no more, if it did not open."""
    owners = g.pop("pocketping_reserved", None)
    if owners is not None:
        state.sockets.release(owners)


def address_bounds(config: Config, address: str | None) -> dict[str, int]:
    """How many connections an address may have: for itself, and for the network that it is easily changed in."""
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
    """A page that listens, by whatever kind of connection: what happens at its beginning and its end.

    :param admission: what was found out before the connection opened.
    """

    __slots__ = ("_topics", "admission", "connection", "state")

    def __init__(self, state: State, connection: Connection, admission: Admission) -> None:
        self.state = state
        self.connection = connection
        self.admission = admission
        self._topics: list[Topic] = []

    def opened(self) -> None:
        """Subscribe, count as there, and send what the page missed."""
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
        """What the page is sent first."""
        return ()

    def closed(self) -> None:
        """Undo what `opened` did, however far it came."""
        for topic in self._topics:
            self.state.hub.unsubscribe(topic, self.connection)
        leave(self.state, self.connection)


def opening_frames(state: State, connection: Connection, admission: Admission) -> Iterator[Frame]:
    """What a page is told before what it missed, in the form that its connection has."""
    if admission.rating_asked_at is not None:
        asked_at = clock.format_utc(admission.rating_asked_at)
        yield state.frames.for_visitors("csat_request", requestedAt=asked_at)[connection.encoder]


def leave(state: State, connection: Connection) -> None:
    """Note that a connection is over."""
    with connection.presence_lock:
        left, connection.presence = connection.presence, None
        if left is not None:
            retried(lambda: presence.leave(state.db, left))
