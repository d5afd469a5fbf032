"""Counts the recent deliveries of each pace, in a database row that all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database, Transaction
from ..models import DeliveryPace, table
from .retry import LONGEST
from .target import Pace

rows = table(DeliveryPace)


def ensure_rows(db: Database, keys: Iterable[str]) -> None:
    """Create the rows of new keys."""
    for key in sorted(keys):
        with suppress(IntegrityError), db.transaction() as tx:
            if tx.execute(select(rows.c.key).where(rows.c.key == key)).first() is None:
                tx.execute(insert(rows), {"key": key, "times": []})


def seconds_until_free(connection: Connection, paces: Sequence[Pace]) -> float:
    """Return the seconds until another delivery may be made, for people who ask. This locks nothing.

    :param paces: the rate limits of the recipient.
    """
    now = clock.now()
    found = connection.execute(select(rows).where(rows.c.key.in_([pace.key for pace in paces]))).mappings()
    by_key = {row["key"]: row for row in found}
    free = now
    for pace in paces:
        row = by_key.get(pace.key)
        if row is None:
            continue
        free = max(free, _held_until(row, now) or now)
        if len(row["times"]) >= pace.limit:
            oldest = datetime.fromtimestamp(row["times"][-pace.limit], UTC)
            free = max(free, oldest + timedelta(seconds=pace.period))
    return (free - now).total_seconds()


class Budgets:
    """The remaining deliveries of some keys, whose rows stay locked until the transaction ends."""

    def __init__(self, tx: Transaction, keys: Iterable[str], now: datetime) -> None:
        self._tx = tx
        self._now = now
        wanted = sorted(set(keys))
        query = select(rows).where(rows.c.key.in_(wanted)).order_by(rows.c.key).with_for_update()
        found = tx.execute(query).mappings().all() if wanted else []
        # Ignore times that a fast clock has written.
        latest = (now + clock.TOLERANCE).timestamp()
        self._times = {row["key"]: [moment for moment in row["times"] if moment <= latest] for row in found}
        self._held = {row["key"]: _held_until(row, now) for row in found}
        self._changed: set[str] = set()

    def free_at(self, paces: Sequence[Pace]) -> datetime | None:
        """Return when another delivery may be made, or `None` if it may be made now."""
        latest = max((self._free_at(pace) for pace in paces), default=self._now)
        return latest if latest > self._now else None

    def spend(self, paces: Sequence[Pace], count: int = 1) -> None:
        """Count deliveries."""
        now = self._now.timestamp()
        for pace in paces:
            kept = [moment for moment in self._times.get(pace.key, []) if moment > now - pace.period]
            self._times[pace.key] = [*kept, *[now] * count][-max(pace.limit, 1) :]
            self._changed.add(pace.key)

    def hold(self, key: str, seconds: float) -> None:
        """Delay all deliveries of a key."""
        until = self._now + timedelta(seconds=min(seconds, LONGEST))
        self._held[key] = max(until, self._held.get(key) or until)
        self._changed.add(key)

    def write(self) -> None:
        """Write the changed rows."""
        for key in sorted(self._changed):
            values = {"times": self._times.get(key, []), "held_until": self._held.get(key), "dated_at": self._now}
            self._tx.execute(update(rows).where(rows.c.key == key).values(values))

    def _free_at(self, pace: Pace) -> datetime:
        free = self._held.get(pace.key) or self._now
        times = self._times.get(pace.key, [])
        if len(times) >= pace.limit:
            oldest = datetime.fromtimestamp(times[-pace.limit], UTC)
            free = max(free, oldest + timedelta(seconds=pace.period))
        return free


def _held_until(row: RowMapping, now: datetime) -> datetime | None:
    until: datetime | None = row["held_until"]
    dated: datetime | None = row["dated_at"]
    if until is None or dated is None:
        return None
    if dated > now + clock.TOLERANCE:
        until = now + (until - dated)
    return until if until > now else None
