"""Records attempts that end at about the same time in one transaction, because each commit waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..db import retried
from ..values import DeliveryState
from .batch import Batch
from .target import Outcome

#: Seconds to wait for other attempts before starting a transaction: about as long as a commit takes.
GATHER = 0.004


class Recorded(NamedTuple):
    """Whether the worker still held the lease, the function to call after the commit, and the delivery's new state."""

    held: bool
    after: Callable[[], None] | None
    state: DeliveryState | None = None


@dataclass(eq=False, slots=True)
class Finished:
    """A finished attempt, the result of recording it, and whether recording it together with others has failed."""

    batch: Batch
    outcome: Outcome
    started: datetime
    recorded: Recorded | None = None
    alone: bool = False


class Recorder:
    """Lets threads that record at the same time share a transaction. One of them writes for all that wait.

    :param settle: records attempts in one transaction, all or none.
    :param under_way: returns how many attempts are running or waiting to be recorded.
    """

    def __init__(
        self,
        settle: Callable[[Sequence[Finished]], list[Recorded]],
        under_way: Callable[[], int] = lambda: 0,
    ) -> None:
        self._settle = settle
        self._under_way = under_way
        self._arrived = threading.Condition()
        self._writing = threading.Lock()
        self._waiting: list[Finished] = []

    def record(self, attempt: Finished) -> Recorded:
        """Record an attempt, and return after the commit.

        :raises Exception: the error of recording this attempt alone.
        """
        with self._arrived:
            self._waiting.append(attempt)
            self._arrived.notify()
        with self._writing:
            # Another thread may have written it in the meantime, or tried to.
            if attempt.recorded is None and not attempt.alone:
                self._write_waiting()
            if attempt.recorded is None:
                self._write([attempt])
        assert attempt.recorded is not None
        return attempt.recorded

    def _write_waiting(self) -> None:
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._waiting) >= self._under_way(), GATHER)
            batch, self._waiting = self._waiting, []
        # All workers use the same order, to avoid deadlocks.
        batch.sort(key=lambda attempt: attempt.batch.first.id)
        try:
            self._write(batch)
        except Exception:
            for attempt in batch:
                attempt.alone = True

    def _write(self, batch: Sequence[Finished]) -> None:
        results = retried(lambda: self._settle(batch))
        for attempt, recorded in zip(batch, results, strict=True):
            attempt.recorded = recorded
