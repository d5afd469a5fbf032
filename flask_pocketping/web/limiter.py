"""Rate limits, counted in Redis where there is one and in this process where not or while it is away."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Sequence

from limits import RateLimitItem
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from ..config import Rules
from ..errors import RateLimited

logger = logging.getLogger("flask_pocketping")


class Limiter:
    """Counts by the sliding window counter of `limits`.

    :param redis_url: where all processes count together.
    """

    RETRY = 10.0

    def __init__(self, redis_url: str | None = None) -> None:
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._redis_url = redis_url
        self._away_until = 0.0

    def hit(self, rules: Rules, *key: str) -> dict[str, str]:
        """Count one request.

        :param key: what is counted, and for whom.
        :return: the `RateLimit-*` headers of the answer, by the rule that leaves the least.
        :raises RateLimited: with `Retry-After`, if it is one too many.
        """
        headers: dict[str, str] = {}
        least = math.inf
        for rule in rules:
            allowed, left, reset = self._count(rule, key)
            if not allowed:
                raise RateLimited(
                    f"Too many requests: {rule.amount} per {rule.get_expiry()} s are allowed.",
                    headers={**_headers(rule, 0, reset), "Retry-After": str(reset)},
                )
            if left < least:
                least = left
                headers = _headers(rule, left, reset)
        return headers

    def _count(self, rule: RateLimitItem, key: Sequence[str]) -> tuple[bool, int, int]:
        if self._redis_url and time.monotonic() >= self._away_until:
            try:
                return _count_in(self._connect(), rule, key)
            except Exception as error:
                self._away_until = time.monotonic() + self.RETRY
                logger.warning("Rate limits are counted in this process: Redis is away (%s).", type(error).__name__)
        return _count_in(self._here, rule, key)

    def _connect(self) -> SlidingWindowCounterRateLimiter:
        if self._shared is None:
            options = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
            storage = storage_from_string(self._redis_url or "", wrap_exceptions=True, **options)
            self._shared = SlidingWindowCounterRateLimiter(storage)
        return self._shared


def _count_in(
    limiter: SlidingWindowCounterRateLimiter, rule: RateLimitItem, key: Sequence[str]
) -> tuple[bool, int, int]:
    allowed = limiter.hit(rule, *key)
    reset, left = limiter.get_window_stats(rule, *key)
    return allowed, left, max(1, math.ceil(reset - time.time()))


def _headers(rule: RateLimitItem, left: int, reset: int) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(rule.amount),
        "RateLimit-Remaining": str(max(0, left)),
        "RateLimit-Reset": str(reset),
    }


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
