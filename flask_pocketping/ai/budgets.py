"""Reserves tokens before each call of the model, and settles them after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..chat import ai_budget
from ..db import Database
from ..values import Session


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tokens may be used: for a conversation, for a visitor in a day, and in a day in all."""

    session: int | None = None
    visitor: int | None = None
    day: int | None = None


@dataclass(slots=True)
class Call:
    """A call of the model.

    :ivar used: the tokens that it used, once that is known.
    """

    used: int | None = None


class Budget:
    """What an answer may use. Without a database, it is not limited."""

    def __init__(self, db: Database | None = None, limits: Mapping[str, tuple[str, int | None]] | None = None) -> None:
        self._db = db
        self._limits = limits or {}

    @classmethod
    def of(cls, db: Database, limits: Limits, session: Session) -> Budget:
        """Return the budget of a conversation."""
        keys = ai_budget.budget_keys(session.project_id, session.id, session.visitor_id)
        return cls(
            db,
            {
                keys["session"]: ("AI budget of this conversation", limits.session),
                keys["visitor"]: ("AI budget of this visitor for today", limits.visitor),
                keys["day"]: ("AI budget of today", limits.day),
            },
        )

    @contextmanager
    def call(self, tokens: int) -> Iterator[Call]:
        """Reserve tokens for a call.

        :param tokens: the most that it may use.
        :raises BudgetExhausted: if there are not enough left.
        """
        call = Call()
        if self._db is None:
            yield call
            return
        reservation = ai_budget.reserve(self._db, self._limits, tokens)
        try:
            yield call
        finally:
            # What a failed call has cost is not known, so half of it is counted: it is paid for only in part.
            ai_budget.settle(self._db, reservation, call.used if call.used is not None else tokens // 2)
