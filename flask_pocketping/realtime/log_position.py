"""How far a reader is in the log, given that ids become visible out of order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

#: Seconds after which a missing id counts as rolled back where the database does not say. Transactions of `chat/` take
#: milliseconds.
GAP_WAIT = 30.0
#: The same where the database says that a transaction runs which may still bring it. One of the host's can't be told
#: from ours, and may run for hours.
LONGEST_WAIT = 600.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A reader's position at one moment: all up to `newest` is seen, but for `gaps`."""

    newest: int
    gaps: frozenset[int]

    @property
    def cursor(self) -> int:
        """All up to here is seen for sure."""
        return min(self.gaps) - 1 if self.gaps else self.newest


class Position:
    """The largest id seen and the ids below it that are still missing.

    An id that is missing belongs to a transaction that is not committed yet, or never will be. The cursor
    stays below it until it appears, is known to have been rolled back, or its time is over. So whoever resumes at a
    cursor misses nothing.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.newest = 0
        self._gaps: dict[int, float] = {}
        self._monotonic = monotonic

    def start(self, newest: int, missing: Mapping[int, float]) -> None:
        """Begin behind `newest`, with ids that may still appear and the seconds since they are missing."""
        now = self._monotonic()
        self.newest = newest
        self._gaps = {event_id: now - age for event_id, age in missing.items()}

    def is_next(self, event_id: int) -> bool:
        """Whether the id follows so closely that nothing can come before it: a missing one may be of its session."""
        return event_id == self.newest + 1 and not self._gaps

    def is_new(self, event_id: int) -> bool:
        """Whether the id was not seen yet."""
        return event_id > self.newest or event_id in self._gaps

    @property
    def cursor(self) -> int:
        """All up to here is seen for sure."""
        return min(self._gaps) - 1 if self._gaps else self.newest

    def see(self, event_id: int) -> bool:
        """Note an id.

        :return: whether it is new.
        """
        if event_id > self.newest:
            now = self._monotonic()
            # A jump of many ids is a sequence's cache or a restore, not as many open transactions.
            first = max(self.newest + 1, event_id - 1000)
            self._gaps.update(dict.fromkeys(range(first, event_id), now))
            self.newest = event_id
            return True
        return self._gaps.pop(event_id, None) is not None

    def missing(self, patience: float | None = None) -> list[int]:
        """The ids that may still appear; those that are overdue are given up.

        :param patience: seconds until they are, if other than `GAP_WAIT`.
        """
        limit = self._monotonic() - (GAP_WAIT if patience is None else patience)
        self._gaps = {event_id: since for event_id, since in self._gaps.items() if since > limit}
        return list(self._gaps)

    def waiting(self) -> dict[int, float]:
        """The ids that may still appear, with the seconds since they are missing."""
        now = self._monotonic()
        return {event_id: now - since for event_id, since in self._gaps.items()}

    def give_up(self, event_ids: Iterable[int]) -> None:
        """Wait no longer for ids that were rolled back."""
        for event_id in event_ids:
            self._gaps.pop(event_id, None)

    def snapshot(self) -> Snapshot:
        return Snapshot(self.newest, frozenset(self._gaps))
