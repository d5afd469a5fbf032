"""How many conversations a project has in each state. The tabs of the inbox show it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from ..bounds import MAX_SESSION_COUNT
from ..db import Database
from ..values import SessionCounts, SessionStatus
from .log import sessions


def count_by_state(db: Database, project_id: str) -> SessionCounts:
    """Count the conversations of a project that have messages. The database stops at `MAX_SESSION_COUNT`."""
    is_open = sessions.c.status == SessionStatus.ACTIVE
    wanted = {
        "open": (is_open,),
        "unanswered": (is_open, sessions.c.unanswered),
        "closed": (sessions.c.status == SessionStatus.CLOSED,),
    }
    with db.read() as connection:
        found = {
            name: connection.execute(_count(sessions.c.project_id == project_id, *conditions)).scalar_one()
            for name, conditions in wanted.items()
        }
    return SessionCounts(**found)


def _count(*conditions: ColumnElement[bool]) -> Select[Any]:
    some = select(sessions.c.id).where(*conditions, sessions.c.last_message_id.is_not(None)).limit(MAX_SESSION_COUNT)
    return select(func.count()).select_from(some.subquery())
