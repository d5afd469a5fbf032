"""What the AI may use and has used, and whether its model works: shared by all processes, so kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database, retried
from ..models import AIBudget, AICircuit, table

budgets = table(AIBudget)
circuits = table(AICircuit)

#: Failures in a row that open the circuit, and seconds between two tries while it is open.
FAILURES = 5
TRY_EVERY = 60.0
#: Days to keep counts.
KEPT_DAYS = 90


class BudgetExhausted(Exception):
    """A budget does not allow another call. The message names it, for operators."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that are reserved for a call.

    :ivar keys: the budgets that count it.
    :ivar tokens: how many.
    """

    keys: tuple[str, ...]
    tokens: int


def budget_keys(project_id: str, session_id: str, visitor_id: str) -> dict[str, str]:
    """Return the key of each budget of a conversation: those of `session`, `visitor` and `day`."""
    today = clock.now().date().isoformat()
    return {
        "session": f"session:{session_id}",
        "visitor": f"visitor:{today}:{project_id}:{visitor_id}"[:120],
        "day": f"day:{today}",
    }


def reserve(db: Database, limits: Mapping[str, tuple[str, int | None]], tokens: int) -> Reservation:
    """Reserve tokens in several budgets, in all or none.

    :param limits: by key, what people call the budget and how many tokens it has; `None` only counts.
    :raises BudgetExhausted: if one of them has not enough left.
    """
    for key in limits:
        _ensure(db, key)

    def work() -> None:
        today = clock.now().date()
        with db.transaction() as tx:
            # In the same order everywhere, so that two transactions never wait for each other.
            for key in sorted(limits):
                name, limit = limits[key]
                mine = [budgets.c.key == key]
                if limit is not None:
                    mine.append(budgets.c.used + tokens <= limit)
                changed = tx.execute(update(budgets).where(*mine).values(used=budgets.c.used + tokens, day=today))
                if changed.rowcount != 1:
                    raise BudgetExhausted(f"The {name} is used up.")

    retried(work)
    return Reservation(tuple(sorted(limits)), tokens)


def settle(db: Database, reservation: Reservation, used: int) -> None:
    """Replace a reservation by what was used.

    One that is never settled, because its process died, stays counted: the call may have been made.
    """

    def work() -> None:
        with db.transaction() as tx:
            for key in reservation.keys:
                change = budgets.c.used + (used - reservation.tokens)
                tx.execute(update(budgets).where(budgets.c.key == key).values(used=change))

    if used != reservation.tokens:
        retried(work)


def used_on(db: Database, day: date) -> int:
    """Return the tokens that were used on a day, in UTC."""
    query = select(budgets.c.used).where(budgets.c.key == f"day:{day.isoformat()}")
    with db.read() as connection:
        return int(connection.execute(query).scalar() or 0)


def forget_old(db: Database) -> None:
    """Delete counts that nobody needs any more."""
    with db.transaction() as tx:
        tx.execute(delete(budgets).where(budgets.c.day < clock.ago(days=KEPT_DAYS).date()))


def may_try(db: Database, key: str) -> bool:
    """Return whether the model may be asked: always, or once a minute after too many failures in a row."""
    with db.read() as connection:
        row = connection.execute(select(circuits).where(circuits.c.key == key)).first()
    if row is None or row.failures < FAILURES:
        return True
    now = clock.now()
    # A clock that was ahead has written a time in the future.
    free = or_(circuits.c.next_try_at <= now, circuits.c.dated_at > now + clock.TOLERANCE)
    with db.transaction() as tx:
        mine = {"next_try_at": now + timedelta(seconds=TRY_EVERY), "dated_at": now}
        return tx.execute(update(circuits).where(circuits.c.key == key, free).values(mine)).rowcount == 1


def note_success(db: Database, key: str) -> None:
    """Record that the model has answered."""
    with db.read() as connection:
        failures = connection.execute(select(circuits.c.failures).where(circuits.c.key == key)).scalar()
    if failures:
        with db.transaction() as tx:
            tx.execute(update(circuits).where(circuits.c.key == key).values(failures=0, next_try_at=None))


def note_failure(db: Database, key: str) -> None:
    """Record that the model has failed."""
    now = clock.now()
    values = {"next_try_at": now + timedelta(seconds=TRY_EVERY), "dated_at": now}
    mine = update(circuits).where(circuits.c.key == key).values(failures=circuits.c.failures + 1, **values)
    try:
        with db.transaction() as tx:
            if not tx.execute(mine).rowcount:
                tx.execute(insert(circuits), {"key": key, "failures": 1, **values})
    except IntegrityError:
        # Another process was faster.
        with db.transaction() as tx:
            tx.execute(mine)


def _ensure(db: Database, key: str) -> None:
    with db.read() as connection:
        if connection.execute(select(budgets.c.key).where(budgets.c.key == key)).first() is not None:
            return
    try:
        with db.transaction() as tx:
            tx.execute(insert(budgets), {"key": key, "day": clock.now().date(), "used": 0})
    except IntegrityError:
        # Another process was faster.
        pass
