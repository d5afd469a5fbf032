"""Records attempts that end at about the same time in one transaction: each commit waits for the disk."""

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

#: Seconds that are waited for others before a transaction is begun: about as long as a commit takes.
GATHER = 0.004


class Recorded(NamedTuple):
    """Whether the attempt was this worker's to record, what its target does after the commit, and what came of it."""

    held: bool
    after: Callable[[], None] | None
    state: DeliveryState | None = None


@dataclass(eq=False, slots=True)
class Finished:
    """An attempt that has ended, how it was recorded, and whether recording it with others has failed."""

    batch: Batch
    outcome: Outcome
    started: datetime
    recorded: Recorded | None = None
    alone: bool = False


class Recorder:
    """Threads that record at the same time share a transaction: one of them writes for all that wait.

    :param settle: records attempts in one transaction, all of them or none.
    :param under_way: how many attempts may come to be recorded soon, with those that wait.
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
        """Record an attempt; returns after the commit.

        :raises Exception: whatever recording this attempt by itself raises.
        """
        with self._arrived:
            self._waiting.append(attempt)
            self._arrived.notify()
        with self._writing:
            # Another thread may have written it meanwhile, or tried to.
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
        # In one order everywhere, so that workers don't wait for each other in a circle.
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
