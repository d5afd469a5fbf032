"""Tests of keeping to Discord's rate limits, with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_pocketping.bridges.discord import rate_limits
from flask_pocketping.bridges.discord.rate_limits import RateLimits
from flask_pocketping.bridges.platform import Throttled


class Clock:
    """A monotonic clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def headers(remaining: int, after: float, bucket: str | None = None) -> dict[str, str]:
    found = {"X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset-After": str(after)}
    return found if bucket is None else {**found, "X-RateLimit-Bucket": bucket}


def wait_of(action: Callable[[], None]) -> tuple[float, bool]:
    with pytest.raises(Throttled) as throttled:
        action()
    return throttled.value.after, throttled.value.everywhere


def test_an_empty_bucket_waits_until_it_is_full(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.update("POST", "/channels/1/messages", 200, headers(0, 2.5))
    assert wait_of(lambda: limits.take("POST", "/channels/1/messages")) == (2.5, False)
    limits.take("POST", "/channels/2/messages")
    limits.take("GET", "/channels/1/messages")
    clock.now += 2.5
    limits.take("POST", "/channels/1/messages")


def test_requests_under_way_count(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.update("POST", "/channels/1/messages", 200, headers(2, 5))
    limits.take("POST", "/channels/1/messages")
    limits.take("POST", "/channels/1/messages")
    assert wait_of(lambda: limits.take("POST", "/channels/1/messages")) == (5, False)


def test_routes_share_a_bucket(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.update("PATCH", "/channels/1/messages/2", 200, headers(5, 5, "abc"))
    limits.update("DELETE", "/channels/1/messages/2", 200, headers(0, 5, "abc"))
    assert wait_of(lambda: limits.take("PATCH", "/channels/1/messages/3")) == (5, False)
    limits.take("PATCH", "/channels/9/messages/3")


def test_a_global_limit_holds_everything(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.wait("POST", "/channels/1/messages", 3, everywhere=True)
    assert wait_of(lambda: limits.take("GET", "/users/@me")) == (3, True)
    clock.now += 3
    limits.take("GET", "/users/@me")


def test_refusals_are_limited_but_shared_limits_are_none(clock: Clock) -> None:
    limits = RateLimits(clock)
    for _ in range(rate_limits.MAX_REFUSALS - 1):
        limits.update("GET", "/channels/1", 403, {})
        limits.update("GET", "/channels/1", 429, {"X-RateLimit-Scope": "shared"})
        clock.now += 0.1
    limits.take("GET", "/channels/1")
    limits.update("GET", "/channels/1", 401, {})
    after, everywhere = wait_of(lambda: limits.take("GET", "/users/@me"))
    assert everywhere
    assert 500 < after < 600
    clock.now += 600
    limits.take("GET", "/users/@me")


def test_hostile_headers_are_ignored(clock: Clock) -> None:
    limits = RateLimits(clock)
    for value in ("nan", "-1", "1e400", "soon", ""):
        limits.update("GET", "/channels/1", 200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": value})
        limits.take("GET", "/channels/1")


def test_old_limits_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MAX_BUCKETS", 10)
    limits = RateLimits(clock)
    for number in range(100):
        limits.update("GET", f"/channels/{number}", 200, headers(0, 5))
        clock.now += 1
    assert len(limits._buckets) <= 10
