"""Requests that may be repeated: the answer is kept in the transaction that does the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database, Transaction
from ..errors import IdempotencyConflict
from ..models import IdempotencyKey, table

LIFETIME = timedelta(hours=24)

keys = table(IdempotencyKey)


class AlreadyAnswered(Exception):
    """Another request with this key was faster; its answer is the answer."""


@dataclass(frozen=True)
class IdempotentRequest:
    """One request with an `Idempotency-Key`.

    :param fingerprint: a hash of all that makes the request what it is.
    :param answer: makes status and body of the answer from what the work returned.
    """

    project_id: str
    key: str
    fingerprint: str
    answer: Callable[[Any], tuple[int, str]]

    def claim(self, tx: Transaction) -> None:
        """Take the key, first thing in the work's transaction.

        :raises AlreadyAnswered: if it is taken; the transaction is lost then.
        """
        tx.execute(delete(keys).where(*self._mine(), keys.c.created_at < clock.now() - LIFETIME))
        row = {
            "project_id": self.project_id,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "status": 0,
            "body": "",
            "created_at": clock.now(),
        }
        try:
            tx.execute(insert(keys), row)
        except IntegrityError:
            raise AlreadyAnswered from None

    def keep(self, tx: Transaction, result: Any) -> None:
        """Keep the answer, last thing in the work's transaction."""
        status, body = self.answer(result)
        tx.execute(update(keys).where(*self._mine()).values(status=status, body=body))

    def kept(self, db: Database) -> tuple[int, str] | None:
        """The answer that was given before, if one was.

        :raises IdempotencyConflict: if it was to another request.
        """
        with db.read() as connection:
            row = connection.execute(
                select(keys).where(*self._mine(), keys.c.created_at >= clock.now() - LIFETIME)
            ).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise IdempotencyConflict
        return row.status, row.body

    def _mine(self) -> tuple[Any, Any]:
        return keys.c.project_id == self.project_id, keys.c.key == self.key


def forget_old(db: Database) -> None:
    """Remove the answers that are past their time."""
    with db.transaction() as tx:
        tx.execute(delete(keys).where(keys.c.created_at < clock.now() - LIFETIME))
