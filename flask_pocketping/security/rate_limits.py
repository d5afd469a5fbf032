"""Rate limits, counted in Redis where there is one and in this process where not or while it is away."""

from __future__ import annotations

import ipaddress
import logging
import math
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from ..config_parsers import RateRule, Rules
from ..errors import RateLimited

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import SlidingWindowCounterRateLimiter

logger = logging.getLogger("flask_pocketping")


#: Whether a request is allowed, how many more are, and the seconds until there is room again.
Count = tuple[bool, int, int]
Name = tuple[int | str, ...]


class Limiter:
    """Counts by sliding windows: the requests of this window, and of the one before as much as is not over yet.

    :param redis_url: where all processes count together.
    :param name: what tells the counters of this app from those of others there.
    """

    RETRY = 10.0

    def __init__(self, redis_url: str | None = None, name: str = "pocketping") -> None:
        self._here = _Counters()
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._redis_url = redis_url
        self._name = name
        self._away_until = 0.0

    def hit(self, rules: Rules, *key: str, cost: int = 1) -> dict[str, str]:
        """Count one request.

        :param key: what is counted, and for whom.
        :param cost: what it counts as.
        :return: the `RateLimit-*` headers of the answer, by the rule that leaves the least.
        :raises RateLimited: with `Retry-After`, if it is one too many.
        """
        headers: dict[str, str] = {}
        least = math.inf
        for rule in rules:
            allowed, left, reset = self._count(rule, key, cost)
            if not allowed:
                raise _refusal(rule, reset)
            if left < least:
                least = left
                headers = _headers(rule, left, reset)
        return headers

    def hit_bytes(self, most: int, address: str, size: int) -> None:
        """Count what an address sends within a day.

        :param most: bytes that it may; any number if 0.
        :raises RateLimited: if these are too many.
        """
        if most and size:
            self.hit((RateRule(most, 1, "day"),), "bytes", address, cost=size)

    def check(self, rules: Rules, *key: str) -> None:
        """As `hit`, without counting.

        :raises RateLimited: if one more would be too many.
        """
        for rule in rules:
            allowed, _, reset = self._count(rule, key, 0)
            if not allowed:
                raise _refusal(rule, reset)

    def _count(self, rule: RateRule, key: Sequence[str], cost: int) -> Count:
        if self._redis_url and time.monotonic() >= self._away_until:
            try:
                return _count_in(self._connect(), rule, (self._name, *key), cost)
            except Exception as error:
                self._away_until = time.monotonic() + self.RETRY
                logger.warning("Rate limits are counted in this process: Redis is away (%s).", type(error).__name__)
        return self._here.count(rule, key, cost)

    def _connect(self) -> SlidingWindowCounterRateLimiter:
        if self._shared is None:
            # Loaded by those who count in Redis only.
            from limits.storage import storage_from_string
            from limits.strategies import SlidingWindowCounterRateLimiter

            options = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
            storage = storage_from_string(self._redis_url or "", wrap_exceptions=True, **options)
            self._shared = SlidingWindowCounterRateLimiter(storage)
        return self._shared


class _Counters:
    """The counters of this process.

    `limits` has a storage in memory too; under load that starts a thread every 10 ms which looks at every key.
    """

    #: Seconds between looks for counters that are over.
    SWEEP = 60.0
    #: Counters that are kept. Somebody with many addresses could fill the memory with them.
    MOST = 100_000

    def __init__(self) -> None:
        # By key: the window's number and length, the count of the window before, and its own.
        self._windows: dict[Name, tuple[int, int, int, int]] = {}
        self._sweep_at = 0.0
        self._lock = threading.Lock()

    def count(self, rule: RateRule, key: Sequence[str], cost: int) -> Count:
        """Count `cost` more, or none of it where that would be too many; with 0, look whether there is room for 1."""
        now = time.time()
        length, amount = rule.seconds, rule.amount
        number, passed = int(now // length), now % length
        name: Name = (amount, length, *key)
        with self._lock:
            if time.monotonic() >= self._sweep_at or len(self._windows) >= self.MOST:
                self._sweep(now)
            newest, _, before, count = self._windows.get(name, (number, length, 0, 0))
            if newest != number:
                before, count = (count if newest == number - 1 else 0), 0
            weight = before * (1 - passed / length) + count
            # A fraction of the window before leaves room for one more, as it always did.
            allowed = weight + max(cost, 1) < amount + 1
            if allowed and cost:
                count += cost
                self._windows[name] = number, length, before, count
        room = amount - count - max(cost, 1) + 1
        wait = length - passed
        if not allowed and before and 0 < room <= before:
            # Enough of the window before is over sooner than this one ends.
            wait = length * (1 - room / before) - passed
        return allowed, amount - math.floor(weight) - cost if allowed else 0, math.floor(wait) + 1

    def _sweep(self, now: float) -> None:
        # Not by the clock, which may be set back.
        self._sweep_at = time.monotonic() + self.SWEEP
        for name, (number, length, _, _) in list(self._windows.items()):
            if now >= (number + 2) * length or now < (number - 1) * length:
                del self._windows[name]
        if len(self._windows) >= self.MOST:
            # Those that began first are over first, by and large.
            for name in list(islice(self._windows, self.MOST // 4)):
                del self._windows[name]


def _refusal(rule: RateRule, reset: int) -> RateLimited:
    return RateLimited(
        f"Too many requests: {rule.amount} per {rule.seconds} s are allowed.",
        headers={**_headers(rule, 0, reset), "Retry-After": str(reset)},
    )


def _count_in(limiter: SlidingWindowCounterRateLimiter, rule: RateRule, key: Sequence[str], cost: int) -> Count:
    item = _item(rule)
    allowed = limiter.hit(item, *key, cost=cost) if cost else limiter.test(item, *key)
    reset, left = limiter.get_window_stats(item, *key)
    return allowed, left, max(1, math.ceil(reset - time.time()))


@lru_cache(maxsize=64)
def _item(rule: RateRule) -> RateLimitItem:
    from limits import parse

    return parse(f"{rule.amount} per {rule.multiples} {rule.unit}")


def _headers(rule: RateRule, left: int, reset: int) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(rule.amount),
        "RateLimit-Remaining": str(max(0, left)),
        "RateLimit-Reset": str(reset),
    }


@lru_cache(maxsize=4096)
def address_key(address: str | None) -> str:
    """What one visitor's address counts as: an IPv6 network of 64 bits is one household, so one caller."""
    try:
        parsed = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
