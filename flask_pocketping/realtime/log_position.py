"""Tracks how far a reader is in the log, whose ids become visible out of order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

#: Seconds after which a missing id counts as rolled back, for databases that can't tell. Transactions of `chat/` take
#: milliseconds.
GAP_WAIT = 30.0
#: The same for a database that reports an open transaction that may still commit the id. It may be a transaction of the
#: host app, which may run for hours.
LONGEST_WAIT = 600.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reader's position at one moment: it has read all ids up to `newest`, except `gaps`."""

    newest: int
    gaps: frozenset[int]

    @property
    def cursor(self) -> int:
        """The last id before the first gap."""
        return min(self.gaps) - 1 if self.gaps else self.newest


class Position:
    """The largest id that was read, and the ids below it that are still missing.

    A missing id belongs to a transaction that is not committed yet or was rolled back. The cursor stays below it until
    it appears, is known to be rolled back, or times out. So a client that resumes at a cursor misses nothing.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.newest = 0
        self._gaps: dict[int, float] = {}
        self._monotonic = monotonic

    def start(self, newest: int, missing: Mapping[int, float]) -> None:
        """Start after `newest`.

        :param missing: ids that may still appear, with the seconds since each one is missing.
        """
        now = self._monotonic()
        self.newest = newest
        self._gaps = {event_id: now - age for event_id, age in missing.items()}

    def is_next(self, event_id: int) -> bool:
        """Return whether an id directly follows, so that no earlier event of its session can be missing."""
        return event_id == self.newest + 1 and not self._gaps

    def is_new(self, event_id: int) -> bool:
        """Return whether an id was not read yet."""
        return event_id > self.newest or event_id in self._gaps

    @property
    def cursor(self) -> int:
        """The last id before the first missing one."""
        return min(self._gaps) - 1 if self._gaps else self.newest

    def see(self, event_id: int) -> bool:
        """Record that an id was read.

        :return: whether it is new.
        """
        if event_id > self.newest:
            now = self._monotonic()
            # A large jump comes from a sequence's cache or a restore, not from that many open transactions.
            first = max(self.newest + 1, event_id - 1000)
            self._gaps.update(dict.fromkeys(range(first, event_id), now))
            self.newest = event_id
            return True
        return self._gaps.pop(event_id, None) is not None

    def missing(self, timeout: float | None = None) -> list[int]:
        """Give up overdue ids, and return the ids that may still appear.

        :param timeout: seconds after which an id is overdue, by default `GAP_WAIT`.
        """
        limit = self._monotonic() - (GAP_WAIT if timeout is None else timeout)
        self._gaps = {event_id: since for event_id, since in self._gaps.items() if since > limit}
        return list(self._gaps)

    def waiting(self) -> dict[int, float]:
        """Return the ids that may still appear, with the seconds since each one is missing."""
        now = self._monotonic()
        return {event_id: now - since for event_id, since in self._gaps.items()}

    def give_up(self, event_ids: Iterable[int]) -> None:
        """Stop waiting for ids that were rolled back."""
        for event_id in event_ids:
            self._gaps.pop(event_id, None)

    def snapshot(self) -> Snapshot:
        return Snapshot(self.newest, frozenset(self._gaps))
