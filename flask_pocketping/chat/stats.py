"""Statistics of a project: conversations, response times and ratings.

A conversation begins with the visitor's first message and counts for this day, even if it is answered or rated later.
The queries read only indexes.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, true

from .. import clock
from ..bounds import MAX_STATS_DAYS, STATS_PERIODS
from ..db import Database
from ..errors import InvalidRequest
from ..models import DEFAULT_PROJECT, Message, table
from ..values import CSATSummary, Day, MessageType, Stats
from .log import sessions

messages = table(Message)

#: Fewer first replies than these tell nothing of what is usual.
ENOUGH_REPLIES = 5

_WAITING = select(func.count()).where(sessions.c.project_id == bindparam("project_id"), sessions.c.unanswered == true())


def stats(db: Database, period: str = "7d", project_id: str = DEFAULT_PROJECT) -> Stats:
    """Return the statistics of the last days.

    :param period: 7d or 30d.
    :raises InvalidRequest: if the period is another one.
    """
    if period not in STATS_PERIODS:
        raise InvalidRequest.field("period", f"Must be one of {', '.join(STATS_PERIODS)}.")
    last = clock.now().date()
    first = last - timedelta(days=STATS_PERIODS[period] - 1)
    return _figures(db, period, first, last, project_id)


def stats_between(db: Database, start: datetime, end: datetime, project_id: str = DEFAULT_PROJECT) -> Stats:
    """The figures of the conversations that began within a time; its `period` is `custom`.

    :param start: the first moment that counts.
    :param end: the first moment that does not count any more; at most `MAX_STATS_DAYS` days later.
    :raises InvalidRequest: if it does not come after `start`, or too long after it.
    """
    if not start < end <= start + timedelta(days=MAX_STATS_DAYS):
        raise InvalidRequest.field("to", f"Must be after `from`, and at most {MAX_STATS_DAYS} days after it.")
    began = (sessions.c.first_message_at >= start, sessions.c.first_message_at < end)
    last = (end - timedelta(microseconds=1)).date()
    return _figures(db, "custom", start.date(), last, project_id, *began)


def count_messages(db: Database, start: datetime, end: datetime, project_id: str = DEFAULT_PROJECT) -> int:
    """Count what visitors, operators and the AI wrote from one moment to another."""
    query = select(func.count()).select_from(messages.join(sessions, sessions.c.id == messages.c.session_id))
    wanted = (
        sessions.c.project_id == project_id,
        messages.c.type != MessageType.SYSTEM,
        messages.c.created_at >= start,
        messages.c.created_at < end,
        # Both are implied by what precedes them, and have indexes.
        sessions.c.last_activity >= start,
        messages.c.changed_at >= start,
    )
    with db.read() as connection:
        return connection.execute(query.where(*wanted)).scalar_one()


def _figures(
    db: Database, period: str, first: date, last: date, project_id: str, *further: ColumnElement[bool]
) -> Stats:
    wanted = (sessions.c.project_id == project_id, sessions.c.started_on.between(first, last), *further)
    begun: Counter[date] = Counter()
    answered: Counter[date] = Counter()
    scores: Counter[int] = Counter()
    with db.read() as connection:
        for row in connection.execute(_counts(*wanted)):
            begun[row.started_on] += row.begun
            answered[row.started_on] += row.answered
            if row.csat_score is not None:
                scores[row.csat_score] += row.begun
        waiting = connection.execute(_WAITING, {"project_id": project_id}).scalar_one()
        median = _median(connection, answered.total(), *wanted)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return Stats(
        period=period,
        first_day=first,
        last_day=last,
        conversations=begun.total(),
        answered=answered.total(),
        response_rate=answered.total() / begun.total() if begun else None,
        median_first_response=median,
        unanswered=waiting,
        csat=_contentment(scores),
        days=tuple(Day(day, begun[day], answered[day]) for day in days),
    )


def usual_reply_time(db: Database, project_id: str) -> int | None:
    """The time in which half of the first replies of the last seven days came.

    :return: seconds; nothing where fewer than five conversations were answered, or where it took more than a day.
    """
    last = clock.now().date()
    wanted = (sessions.c.project_id == project_id, sessions.c.started_on.between(last - timedelta(days=6), last))
    with db.read() as connection:
        answered = connection.execute(select(func.count(sessions.c.response_ms)).where(*wanted)).scalar_one()
        if answered < ENOUGH_REPLIES:
            return None
        median = _median(connection, answered, *wanted) or 0
    return math.ceil(median) if median <= timedelta(days=1).total_seconds() else None


def _counts(*wanted: ColumnElement[bool]) -> Select[Any]:
    """Return for each day and score how many conversations began, and how many of them were answered."""
    groups = (sessions.c.started_on, sessions.c.csat_score)
    counts = (func.count().label("begun"), func.count(sessions.c.response_ms).label("answered"))
    return select(*groups, *counts).where(*wanted).group_by(*groups)


def _median(connection: Connection, count: int, *wanted: ColumnElement[bool]) -> float | None:
    """Return the median response time in seconds."""
    answered = select(sessions.c.response_ms).where(*wanted, sessions.c.response_ms.is_not(None))
    middle = answered.order_by(sessions.c.response_ms).offset((count - 1) // 2).limit(1 if count % 2 else 2)
    found = connection.execute(middle).scalars().all() if count else ()
    return sum(found) / len(found) / 1000 if found else None


def _contentment(scores: Counter[int]) -> CSATSummary:
    count = scores.total()
    return CSATSummary(
        score=sum(score * number for score, number in scores.items()) / count if count else None,
        satisfied=(scores[4] + scores[5]) / count if count else None,
        count=count,
        scores={score: scores[score] for score in range(1, 6)},
    )
