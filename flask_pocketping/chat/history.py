"""The events of one conversation after a cursor, for pages that poll or resume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from ..db import Database
from ..errors import SessionNotFound
from ..values import Event
from .log import events, read_events, sessions
from .paging import ITEM_BYTES, fit

_PLACE = select(sessions.c.project_id, sessions.c.seq, sessions.c.csat_requested_at, sessions.c.csat_score).where(
    sessions.c.id == bindparam("session_id")
)


@dataclass(frozen=True, slots=True)
class SessionPosition:
    """The current position of a session.

    :ivar project_id: its project.
    :ivar seq: the number of its newest event.
    :ivar rating_asked_at: when its visitor was asked for a rating, if they have not given one yet.
    """

    project_id: str
    seq: int
    rating_asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a cursor, oldest first. `has_more` says whether there are later ones."""

    events: list[Event]
    has_more: bool


def find_position(db: Database, session_id: str) -> SessionPosition:
    """Return the current position of a session.

    :raises SessionNotFound: if the session does not exist.
    """
    with db.read() as connection:
        row = connection.execute(_PLACE, {"session_id": session_id}).first()
    if row is None:
        raise SessionNotFound
    return SessionPosition(row.project_id, row.seq, row.csat_requested_at if row.csat_score is None else None)


def events_after(db: Database, session_id: str, seq: int, limit: int) -> EventPage:
    """Return the events of a session after a number. Sessions write in order, so no earlier event can still appear."""
    query = select(events).where(events.c.session_id == session_id, events.c.seq > seq).order_by(events.c.seq)
    with db.read() as connection:
        found = read_events(connection, query.limit(limit + 1))
    kept = fit(found[:limit], event_size)
    return EventPage(list(kept), len(found) > len(kept))


def event_size(event: Event) -> int:
    """Estimate the size of an event as JSON, in bytes."""
    return ITEM_BYTES + len(event.data.encode())


def seq_at(db: Database, session_id: str, moment: datetime) -> int:
    """Return the number of the last event of a session at a time, or 0."""
    mine = select(events.c.seq).where(events.c.session_id == session_id, events.c.created_at <= moment)
    with db.read() as connection:
        # Search from the end, because most clients were connected a moment ago.
        return connection.execute(mine.order_by(events.c.seq.desc()).limit(1)).scalar() or 0
