"""Rate limits of the fake Discord: buckets by route and channel, and one for everything."""

from __future__ import annotations

import hashlib
import math
import re
import time
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """Whether a request may be made, and the headers of its response."""

    headers: dict[str, str]
    retry_after: float | None = None
    everywhere: bool = False


@dataclass
class Limits:
    """Counts requests.

    :ivar routes: how many requests in how many seconds a route allows for each channel.
    :ivar everything: the same for all together.
    :ivar exceeded: the routes of requests that got 429, in order.
    """

    routes: dict[str, tuple[int, float]] = field(
        default_factory=lambda: {"POST /channels/:id/messages": (5, 5.0), "DELETE /channels/:id/messages/:id": (5, 1.0)}
    )
    default: tuple[int, float] = (50, 1.0)
    everything: tuple[int, float] = (50, 1.0)
    exceeded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, method: str, path: str) -> Verdict:
        """Count a request."""
        route = f"{method} " + re.sub(r"/[0-9]+", "/:id", path)
        left = self._take("all", *self.everything)
        if left[0] < 0:
            self.exceeded.append("everything")
            after = left[1]
            headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global", "Retry-After": _whole(after)}
            return Verdict({**headers, "Via": "1.1 google"}, after, everywhere=True)
        limit, period = self.routes.get(route, self.default)
        major = re.match(r"/(?:channels|guilds)/([0-9]+)", path)
        remaining, after = self._take(f"{route} {major[1] if major else ''}", limit, period)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(remaining, 0)),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(route.encode()).hexdigest(),
            "Via": "1.1 google",
        }
        if remaining >= 0:
            return Verdict(headers)
        self.exceeded.append(route)
        return Verdict({**headers, "X-RateLimit-Scope": "user", "Retry-After": _whole(after)}, after)

    def _take(self, key: str, limit: int, period: float) -> tuple[int, float]:
        now = time.monotonic()
        start, used = self._windows.get(key, (now, 0))
        if now >= start + period:
            start, used = now, 0
        self._windows[key] = (start, used + 1)
        return limit - used - 1, start + period - now


def _whole(seconds: float) -> str:
    return str(math.ceil(seconds))
