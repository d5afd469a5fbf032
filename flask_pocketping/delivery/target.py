"""What the worker asks of a target, and what the two exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from ..db import Target, Transaction
from ..values import Event


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that this worker holds.

    :ivar attempt: the number of this attempt, from 1.
    :ivar event: what to deliver, unless `payload` has it whole.
    :ivar prepared: what the target needs for it, as its `prepare` read it.
    """

    id: int
    project_id: str
    target: str
    target_id: str
    subject: str
    attempt: int
    event: Event | None
    payload: str | None
    prepared: Any = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    :ivar retry_after: seconds to wait at the least, if the other side said so.
    :ivar give_up: why no further attempt makes sense.
    """

    ok: bool
    duration_ms: int = 0
    status_code: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: float | None = None
    give_up: str | None = None


class DeliveryTarget(Target, Protocol):
    """A target as the worker sees it."""

    def prepare(self, connection: Connection, target_ids: list[str]) -> Mapping[str, Any]:
        """Read what sending will need, by target id; one that is missing there is gone."""

    def send(self, job: Job) -> Outcome:
        """Talk to the outside. No database session is open meanwhile."""

    def settle(self, tx: Transaction, job: Job, outcome: Outcome, now: datetime) -> Callable[[], None] | None:
        """Note what the outcome means for the target; may return what to do after the commit."""
