"""The record of what the AI answered, from which passages, with which tools and for how many tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select

from .. import clock
from ..bounds import check_limit
from ..db import Database, Transaction
from ..models import AIAnswer as AnswerModel
from ..models import table
from ..values import AIAnswer, AISource
from .mappers import Row
from .sessions import get_session

answers = table(AnswerModel)


def record(tx: Transaction, project_id: str, session_id: str, outcome: str, **values: Any) -> None:
    """Record an attempt to answer, in the transaction that stores what came of it.

    :param outcome: answered, drafted, asked, handed_over, outdated or failed.
    :param values: further columns.
    """
    reason = values.pop("reason", None)
    row: dict[str, Any] = {
        "id": clock.new_id("ans"),
        "project_id": project_id,
        "session_id": session_id,
        "message_id": None,
        "draft_id": None,
        "outcome": outcome,
        "reason": reason[:500] if reason else None,
        "input_tokens": 0,
        "output_tokens": 0,
        "duration_ms": 0,
        "passages": [],
        "calls": [],
        "created_at": clock.now(),
    }
    tx.execute(insert(answers), {**row, **values})


def list_answers(db: Database, session_id: str, project_id: str | None = None, *, limit: int = 50) -> list[AIAnswer]:
    """Return the attempts of the AI to answer in a conversation, newest first.

    :raises SessionNotFound: if the session does not exist in the project.
    """
    check_limit(limit)
    get_session(db, session_id, project_id)
    query = select(answers).where(answers.c.session_id == session_id).order_by(answers.c.id.desc()).limit(limit)
    with db.read() as connection:
        return [_value(row) for row in connection.execute(query).mappings()]


def passage_rows(passages: Sequence[AISource]) -> list[dict[str, Any]]:
    """Return passages as they are stored."""
    return [{"id": one.id, "version": one.version, "title": one.title, "url": one.url} for one in passages]


def passage_values(rows: Sequence[Mapping[str, Any]]) -> tuple[AISource, ...]:
    """Return stored passages."""
    return tuple(AISource(row["id"], row["version"], row["title"], row.get("url")) for row in rows)


def _value(row: Row) -> AIAnswer:
    names = ("id", "session_id", "message_id", "draft_id", "outcome", "reason", "input_tokens", "output_tokens")
    return AIAnswer(
        **{name: row[name] for name in (*names, "duration_ms", "created_at")},
        passages=passage_values(row["passages"]),
        calls=tuple(row["calls"]),
    )
