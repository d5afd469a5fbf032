"""Rate limits counted in this process, by the storage in memory and the strategy of `limits`.

`rate_limits.py` imports this module with the first request that is counted, since `limits` is slow to import.

Nothing else knows how `limits` keeps its counters. Its storage starts a thread for every 10 ms in which something is
counted, which looks at every key; a host's process must not pay for that. It also loses counts when threads begin a
counter together, and it has no bound. So here the storage gets no timer, one lock guards it, and what has expired is
removed while something is counted.
"""

from __future__ import annotations

import threading
import time
from itertools import islice

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from limits.util import WindowStats

from ..host.forks import begin_anew_after_fork


class ProcessRateLimiter(SlidingWindowCounterRateLimiter):
    """The sliding windows of `limits`, exact under threads, within bounded memory and without a thread."""

    #: Seconds between removals of expired counters.
    PURGE_INTERVAL = 60.0
    #: Counters that are kept. Somebody with many addresses could fill the memory with them.
    MAX_COUNTERS = 100_000

    def __init__(self) -> None:
        self._counters = _storage_without_thread()
        super().__init__(self._counters)
        self._purge_at = 0.0
        self._longest = 0
        self._begin()
        begin_anew_after_fork(self, ProcessRateLimiter._begin)

    def __len__(self) -> int:
        """The number of counters that are kept."""
        return len(self._counters.expirations)

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        key, expiry = item.key_for(*identifiers), item.get_expiry()
        with self._lock:
            if expiry > self._longest:
                self._longest = expiry
            if time.monotonic() >= self._purge_at or len(self._counters.expirations) >= self.MAX_COUNTERS:
                self._purge()
            # As the strategy does it, in fewer calls: every request is counted several times.
            return self._counters.acquire_sliding_window_entry(key, item.amount, expiry, cost)

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        with self._lock:
            return super().test(item, *identifiers, cost=cost)

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        with self._lock:
            return super().get_window_stats(item, *identifiers)

    def _begin(self) -> None:
        # Another thread may have held the lock when this process was forked off.
        self._lock = threading.Lock()

    def _purge(self) -> None:
        # Not by the clock, which may be set back.
        self._purge_at = time.monotonic() + self.PURGE_INTERVAL
        now = time.time()
        # A counter lasts for two windows. One that would last longer is from before the clock was set back.
        latest = now + 2 * self._longest
        for key, expires_at in list(self._counters.expirations.items()):
            if not now < expires_at <= latest:
                self._counters.clear(key)
        if len(self) >= self.MAX_COUNTERS:
            # Those that began first expire first, by and large.
            for key in list(islice(self._counters.expirations, self.MAX_COUNTERS // 4)):
                self._counters.clear(key)


class _NoTimer(threading.Timer):
    """A timer that never runs. It claims to be running, so that the storage starts no other one."""

    def __init__(self) -> None:
        super().__init__(0, lambda: None)

    def is_alive(self) -> bool:
        return True


def _storage_without_thread() -> MemoryStorage:
    storage = MemoryStorage()
    storage.timer.cancel()
    storage.timer.join()
    storage.timer = _NoTimer()
    return storage
