"""Rate limits. They are counted in Redis if one is configured, and in this process without one or while it is away."""

from __future__ import annotations

import ipaddress
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from ..config_parsers import RateRule, Rules
from ..errors import RateLimited

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import SlidingWindowCounterRateLimiter

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")


class Limiter:
    """Counts by sliding windows: the requests of this window, and of the one before as much as is not over yet.

    :param redis_url: where all processes count together.
    :param name: what tells the counters of this app from those of others there.
    """

    #: Seconds for which Redis is left alone after it failed.
    RETRY = 10.0

    def __init__(self, redis_url: str | None = None, name: str = "pocketping") -> None:
        self._redis_url = redis_url
        self._name = name
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._redis: SlidingWindowCounterRateLimiter | None = None
        self._process: SlidingWindowCounterRateLimiter | None = None

    def hit(self, rules: Rules, *key: str, cost: int = 1) -> None:
        """Count one request.

        :param key: what is counted, and for whom.
        :param cost: what it counts as.
        :raises RateLimited: with `Retry-After`, if it is one too many.
        """
        for rule in rules:
            if not self._hit(rule, key, cost):
                raise self._refusal(rule, key)

    def hit_bytes(self, most: int, address: str, size: int) -> None:
        """Count what an address sends within a day.

        :param most: bytes that it may; any number if 0.
        :param size: bytes that it sends now.
        :raises RateLimited: if these are too many.
        """
        if most and size:
            self.hit(_a_day(most), "bytes", address, cost=size)

    def check(self, rules: Rules, *key: str) -> None:
        """As `hit`, without counting.

        :raises RateLimited: if one more would be too many.
        """
        for rule in rules:
            if not self._test(rule, key):
                raise self._refusal(rule, key)

    def headers(self, rules: Rules, *key: str) -> dict[str, str]:
        """The `RateLimit-*` headers of an answer, by the rule that leaves the least; none without rules."""
        found = [(rule, *self._stats(rule, key)) for rule in rules]
        return _headers(*min(found, key=lambda stats: stats[1])) if found else {}

    def _hit(self, rule: RateRule, key: Sequence[str], cost: int) -> bool:
        item = _item(rule)
        if self._redis_url is None:
            return self._in_process().hit(item, *key, cost=cost)
        return self._ask(lambda limiter, name: limiter.hit(item, *name, cost=cost), key)

    def _test(self, rule: RateRule, key: Sequence[str]) -> bool:
        item = _item(rule)
        return self._ask(lambda limiter, name: limiter.test(item, *name), key)

    def _refusal(self, rule: RateRule, key: Sequence[str]) -> RateLimited:
        _, reset = self._stats(rule, key)
        return RateLimited(
            f"Too many requests: {rule.amount} per {rule.seconds} s are allowed.",
            headers={**_headers(rule, 0, reset), "Retry-After": str(reset)},
        )

    def _stats(self, rule: RateRule, key: Sequence[str]) -> tuple[int, int]:
        """How many requests are left, and the seconds until there is room again."""
        item = _item(rule)
        reset, left = self._ask(lambda limiter, name: limiter.get_window_stats(item, *name), key)
        # At its end to the second there may be none yet.
        return left, max(1, math.floor(reset - time.time()) + 1)

    def _ask(self, question: Callable[[SlidingWindowCounterRateLimiter, Sequence[str]], T], key: Sequence[str]) -> T:
        if self._redis_url and time.monotonic() >= self._away_until:
            try:
                return question(self._in_redis(self._redis_url), (self._name, *key))
            except Exception as error:
                self._away_until = time.monotonic() + self.RETRY
                logger.warning(
                    "Rate limits are counted in this process: Redis is unavailable (%s).", type(error).__name__
                )
        return question(self._in_process(), key)

    def _in_redis(self, url: str) -> SlidingWindowCounterRateLimiter:
        if self._redis is None:
            from limits.storage import storage_from_string
            from limits.strategies import SlidingWindowCounterRateLimiter

            options = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
            storage = storage_from_string(url, wrap_exceptions=True, **options)
            self._redis = SlidingWindowCounterRateLimiter(storage)
        return self._redis

    def _in_process(self) -> SlidingWindowCounterRateLimiter:
        if self._process is None:
            from .process_counters import ProcessRateLimiter

            with self._lock:
                self._process = self._process or ProcessRateLimiter()
        return self._process


@lru_cache(maxsize=64)
def _item(rule: RateRule) -> RateLimitItem:
    from limits import parse

    return parse(f"{rule.amount} per {rule.multiples} {rule.unit}")


@lru_cache(maxsize=64)
def _a_day(amount: int) -> Rules:
    return (RateRule(amount, 1, "day"),)


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
