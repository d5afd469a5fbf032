"""`Lease`, for a task that one process at a time does: reading what comes in from a platform, indexing a folder.

The deliveries of the worker have leases of their own in `delivery/`: each is one with the state of its delivery.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from . import clock
from .db import Database, Transaction
from .models import Lease as LeaseModel
from .models import table

leases = table(LeaseModel)


class Lease:
    """The lease of one task, for one process.

    :param key: names the task, in up to 100 characters.
    :param owner: names the process, in up to 40 characters.
    :param seconds: how long it holds. Another process may take it afterwards.
    """

    def __init__(self, db: Database, key: str, owner: str, seconds: float) -> None:
        self._db = db
        self.key = key
        self.owner = owner
        self._seconds = seconds
        self._row = leases.c.key == key
        self._mine = self._row & (leases.c.owner == owner)

    def take(self) -> bool:
        """Take or renew it, and return whether this process has it. Of two processes, one is first."""
        now = clock.now()
        held = {"owner": self.owner, "held_until": now + timedelta(seconds=self._seconds), "dated_at": now}
        free = or_(
            leases.c.owner == self.owner,
            leases.c.owner.is_(None),
            leases.c.held_until <= now,
            # A clock that was ahead has written it.
            leases.c.dated_at > now + clock.TOLERANCE,
        )
        with self._db.transaction() as tx:
            if tx.execute(update(leases).where(self._row, free).values(held)).rowcount:
                return True
            if tx.execute(select(leases.c.key).where(self._row)).first() is not None:
                return False
        try:
            with self._db.transaction() as tx:
                tx.execute(insert(leases), {"key": self.key, **held})
        except IntegrityError:
            # Another process was faster.
            return False
        return True

    def renew(self) -> bool:
        """Let it begin anew, unless another process has taken it meanwhile. Return whether this process has it."""
        now = clock.now()
        held = {"held_until": now + timedelta(seconds=self._seconds), "dated_at": now}
        with self._db.transaction() as tx:
            return tx.execute(update(leases).where(self._mine).values(held)).rowcount == 1

    def give_back(self, note: str | None = None) -> None:
        """Let another process go on at once.

        :param note: what was done, in up to 100 characters. Without one, the last note stays.
        """
        values = {"owner": None, "held_until": None, "dated_at": None, **({"note": note} if note else {})}
        with self._db.transaction() as tx:
            tx.execute(update(leases).where(self._mine).values(values))

    def note(self) -> str | None:
        """Return what was done last, by whichever process."""
        with self._db.read() as connection:
            return connection.execute(select(leases.c.note).where(self._row)).scalar()


def is_held(tx: Transaction, key: str, owner: str) -> bool:
    """Return whether a process has a lease, so that no other one takes it before the transaction ends.

    :param key: names the task.
    :param owner: names the process.
    """
    query = select(leases.c.owner).where(leases.c.key == key).with_for_update()
    return tx.execute(query).scalar() == owner
