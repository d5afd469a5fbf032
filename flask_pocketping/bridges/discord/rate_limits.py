"""Keeps to Discord's rate limits, as its responses tell them, and stops asking after many refusals."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...host.forks import begin_anew_after_fork
from ..platform import Throttled

#: How many refused requests (401, 403, 429) this process makes within how many seconds. Discord bans an address that
#: makes 10,000 in this time, and other processes and programs may share the address.
MAX_REFUSALS = 500
REFUSALS_PERIOD = 600.0
#: How many limits are remembered before those that are over are forgotten.
MAX_BUCKETS = 1000
#: The longest wait in seconds that is believed.
LONGEST = 24 * 3600.0

_ID = re.compile(r"/[0-9]+")
_MAJOR = re.compile(r"/(?:channels|guilds)/([0-9]+)")


@dataclass(slots=True)
class Bucket:
    """A rate limit.

    :ivar remaining: how many requests it still allows.
    :ivar resets_at: when it allows more, by the monotonic clock.
    """

    remaining: int
    resets_at: float


class RateLimits:
    """The limits of one bot in this process. Threads may share it.

    :param now: the monotonic clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begin()
        begin_anew_after_fork(self, RateLimits._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        #: The bucket of each route that has one. Routes can share one.
        self._names: dict[str, str] = {}
        #: By bucket or route, and the channel or guild in the path.
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._held_until = 0.0
        self._refusals: deque[float] = deque(maxlen=MAX_REFUSALS)

    def take(self, method: str, path: str) -> None:
        """Count a request before it is made.

        :param path: the path of the request, with ids.
        :raises Throttled: if it must wait.
        """
        with self._lock:
            now = self._now()
            if self._held_until > now:
                raise Throttled(self._held_until - now, everywhere=True)
            bucket = self._buckets.get(self._key(method, path))
            if bucket is None or bucket.resets_at <= now:
                return
            if bucket.remaining <= 0:
                raise Throttled(bucket.resets_at - now, everywhere=False)
            bucket.remaining -= 1

    def update(self, method: str, path: str, status: int, headers: Mapping[str, str]) -> None:
        """Remember what a response told.

        :param headers: its headers, in a mapping that ignores the case of names.
        """
        with self._lock:
            now = self._now()
            if status in {401, 403} or (status == 429 and headers.get("X-RateLimit-Scope") != "shared"):
                self._count_refusal(now)
            if (name := headers.get("X-RateLimit-Bucket")) is not None:
                self._names[_route(method, path)] = name[:100]
            remaining = _number(headers.get("X-RateLimit-Remaining"))
            after = _number(headers.get("X-RateLimit-Reset-After"))
            if remaining is not None and after is not None and status != 429:
                self._put(self._key(method, path), Bucket(int(remaining), now + after))

    def wait(self, method: str, path: str, seconds: float, *, everywhere: bool) -> None:
        """Allow no request for a while, because Discord answered 429.

        :param everywhere: whether this holds for all requests.
        """
        with self._lock:
            until = self._now() + min(seconds, LONGEST)
            if everywhere:
                self._held_until = max(self._held_until, until)
            else:
                self._put(self._key(method, path), Bucket(0, until))

    def _key(self, method: str, path: str) -> tuple[str, str]:
        route = _route(method, path)
        major = _MAJOR.match(path)
        return self._names.get(route, route), major[1] if major else ""

    def _put(self, key: tuple[str, str], bucket: Bucket) -> None:
        if len(self._buckets) >= MAX_BUCKETS:
            now = self._now()
            self._buckets = {key: kept for key, kept in self._buckets.items() if kept.resets_at > now}
        self._buckets[key] = bucket

    def _count_refusal(self, now: float) -> None:
        self._refusals.append(now)
        if len(self._refusals) == MAX_REFUSALS:
            self._held_until = max(self._held_until, self._refusals[0] + REFUSALS_PERIOD)


def _route(method: str, path: str) -> str:
    return f"{method} {_ID.sub('/:id', path)}"


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number <= LONGEST else None
