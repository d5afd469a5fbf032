"""Streams of visitors, whatever transport they have: who may open one, and what it means that one is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from flask import g, request

from ..chat import presence
from ..chat.history import find_place
from ..db import retried
from ..errors import Forbidden
from ..realtime.hub import Subscriber, Topic
from ..values import Event
from .connections import Open
from .cursors import position_after
from .limiter import address_key
from .origins import origin_allowed
from .state import State


class Listener(Open, Subscriber, Protocol):
    """A connection that events are handed to."""


@dataclass(frozen=True)
class Admission:
    """A page that may listen."""

    session_id: str
    project_id: str
    #: The number of the last event that it has.
    after: int
    #: What to tell it of its version first, if anything.
    warning: dict[str, str] | None


def admit(state: State, *, count: bool = True) -> Admission:
    """Let the request's page listen to its conversation. Asked while an answer of HTTP can still refuse it.

    :param count: whether it is still to be counted against the limit of its address.
    :raises APIError: if it may not.
    """
    if not origin_allowed(state.config.cors_origins):
        raise Forbidden("Pages of this origin may not connect. See POCKETPING_CORS_ORIGINS.")
    if count:
        state.limiter.hit(state.config.visitor_address_limit, "address", address_key(request.remote_addr))
    session_id = state.handles.read(request.args.get("sessionId"))
    place = find_place(state.db, session_id)
    # A browser that comes back by itself asks with its first address, and says in a header how far it got.
    text = request.headers.get("Last-Event-ID") or request.args.get("after")
    after = position_after(state, session_id, place, text)
    state.sockets.check_room(session_id)
    return Admission(session_id, place.project_id, after, g.pocketping_standing.warning)


@contextmanager
def listening(state: State, connection: Listener, admission: Admission) -> Iterator[Iterator[tuple[Event, int]]]:
    """While this is open, the connection counts for its visitor and is handed what happens.

    :return: what happened since the page heard the last of it, with the cursor of each event.
    """
    topic, everyone = Topic("session", admission.session_id), Topic("visitors", admission.project_id)
    snapshot = state.hub.subscribe(topic, connection)
    state.hub.join(everyone, connection)
    try:
        connection.presence = retried(lambda: presence.arrive(state.db, admission.project_id, admission.session_id))
        yield state.hub.replay(topic, admission.after, snapshot)
    finally:
        state.hub.unsubscribe(topic, connection)
        state.hub.unsubscribe(everyone, connection)
        leave(state, connection)


def leave(state: State, connection: Open) -> None:
    """Note that a connection is over."""
    with connection.presence_lock:
        left, connection.presence = connection.presence, None
        if left is not None:
            retried(lambda: presence.leave(state.db, left))
