"""Repeatable requests. The transaction that does the work also stores the response."""

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
    """Another request with this key was faster. Its response is the result."""


@dataclass(frozen=True)
class IdempotentRequest:
    """A request with an `Idempotency-Key`.

    :param fingerprint: a hash of everything that identifies the request.
    :param answer: makes the status and body of the response from the result of the work.
    """

    project_id: str
    key: str
    fingerprint: str
    answer: Callable[[Any], tuple[int, str]]

    def claim(self, tx: Transaction) -> None:
        """Claim the key as the first step of the transaction.

        :raises AlreadyAnswered: if the key is taken; the transaction can't continue then.
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
        """Store the response as the last step of the transaction."""
        status, body = self.answer(result)
        tx.execute(update(keys).where(*self._mine()).values(status=status, body=body))

    def kept(self, db: Database) -> tuple[int, str] | None:
        """Return the stored response, if there is one.

        :raises IdempotencyConflict: if it belongs to another request.
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
    """Delete expired responses."""
    with db.transaction(long=True) as tx:
        tx.execute(delete(keys).where(keys.c.created_at < clock.now() - LIFETIME))
