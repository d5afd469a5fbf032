"""The search in conversations: which ones match a text, and the message of each that does. `sessions.py` calls it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from ..models import Message, table
from ..values import MessageType, SearchMatch
from .log import sessions

messages = table(Message)

#: Characters of an excerpt before the text that was searched for, and after it.
BEFORE = 40
AFTER = 120


def contains(q: str) -> ColumnElement[bool]:
    """Return the condition for sessions that have a text in the visitor's name or email or in a message."""
    said = messages.alias("said")
    in_message = exists().where(and_(said.c.session_id == sessions.c.id, _has(said.c.content, q)))
    return or_(_has(sessions.c.name, q), _has(sessions.c.email, q), in_message)


def find_matches(connection: Connection, session_ids: Sequence[str], q: str) -> tuple[SearchMatch, ...]:
    """Return the newest message with a text in each of these sessions that has one."""
    said = messages.alias("said")
    newest = (
        select(said.c.session_id, func.max(said.c.seq).label("seq"))
        .where(said.c.session_id.in_(list(session_ids)), _has(said.c.content, q))
        .group_by(said.c.session_id)
        .subquery()
    )
    query = select(
        messages.c.session_id,
        messages.c.id,
        messages.c.type,
        messages.c.operator_id,
        messages.c.operator_name,
        messages.c.content,
    ).join(newest, and_(messages.c.session_id == newest.c.session_id, messages.c.seq == newest.c.seq))
    return tuple(
        SearchMatch(
            row.session_id,
            row.id,
            MessageType(row.type),
            row.operator_id,
            row.operator_name,
            excerpt(row.content, q),
        )
        for row in connection.execute(query)
    )


def excerpt(content: str, q: str) -> str:
    """Return one line of a message around a text in it, with `…` where something was left out."""
    line, wanted = (" ".join(text.split()) for text in (content, q))
    at = max(0, line.lower().find(wanted.lower()))
    begin, end = max(0, at - BEFORE), at + len(wanted) + AFTER
    return ("…" if begin else "") + line[begin:end].strip() + ("…" if end < len(line) else "")


def _has(column: ColumnElement[str], q: str) -> ColumnElement[bool]:
    return column.icontains(q, autoescape=True)
