"""How far a conversation's log is and what came behind a cursor, for those who ask again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from ..db import Database
from ..errors import SessionNotFound
from ..values import Event
from .log import events, read_events, sessions

_PLACE = select(sessions.c.project_id, sessions.c.seq).where(sessions.c.id == bindparam("session_id"))


@dataclass(frozen=True, slots=True)
class Place:
    """Which project a session belongs to, and the number of its newest event."""

    project_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events behind a cursor, oldest first; `has_more` if there are later ones."""

    events: list[Event]
    has_more: bool


def find_place(db: Database, session_id: str) -> Place:
    """Where a session is.

    :raises SessionNotFound: if there is none such.
    """
    with db.read() as connection:
        row = connection.execute(_PLACE, {"session_id": session_id}).first()
    if row is None:
        raise SessionNotFound
    return Place(row.project_id, row.seq)


def events_after(db: Database, session_id: str, seq: int, limit: int) -> EventPage:
    """What a session's log has behind a number. It is written in order, so nothing can still come in between."""
    query = select(events).where(events.c.session_id == session_id, events.c.seq > seq).order_by(events.c.seq)
    with db.read() as connection:
        found = read_events(connection, query.limit(limit + 1))
    return EventPage(found[:limit], len(found) > limit)


def seq_at(db: Database, session_id: str, moment: datetime) -> int | None:
    """The number behind which a session's log has all that happened after a time; nothing if nothing did."""
    query = select(func.min(events.c.seq)).where(events.c.session_id == session_id, events.c.created_at > moment)
    with db.read() as connection:
        first = connection.execute(query).scalar()
    return None if first is None else int(first) - 1
