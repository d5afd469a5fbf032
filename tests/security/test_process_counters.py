"""Tests the counters of a process, which use `limits` without its threads."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import RateLimitItem, parse

from flask_pocketping.config_parsers import RateRule
from flask_pocketping.errors import RateLimited
from flask_pocketping.security.process_counters import ProcessRateLimiter
from flask_pocketping.security.rate_limits import Limiter

SECOND, DAY = parse("5 per second"), parse("5 per day")


class Clock:
    """The two clocks, to be set by a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.running = 1_000_000.0, 0.0
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.running)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_counters_expire_and_are_limited(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(ProcessRateLimiter, "MAX_COUNTERS", 1000)
    limiter = ProcessRateLimiter()
    for number in range(500):
        assert limiter.hit(SECOND, str(number))
    # The clock is set back by a year, and all of them are over.
    clock.now -= 365 * 86400
    clock.running += 61
    limiter.hit(DAY, "one")
    assert len(limiter) == 1
    for number in range(5000):
        assert limiter.hit(DAY, "many", str(number))
        assert len(limiter) <= 1000


def test_expired_counters_are_removed_by_the_next_request(clock: Clock) -> None:
    limiter = ProcessRateLimiter()
    for number in range(500):
        assert limiter.hit(SECOND, str(number))
    limiter.hit(DAY, "one")
    assert len(limiter) == 501
    clock.now += 61
    clock.running += 61
    limiter.hit(DAY, "one")
    assert len(limiter) == 1


def test_counting_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = ProcessRateLimiter()
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    for item in (SECOND, DAY):
        for _ in range(20):
            limiter.hit(item, "one")
            limiter.test(item, "one")
            limiter.get_window_stats(item, "one")
    assert started == []


def test_the_first_request_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    Limiter().hit((RateRule(5, 1, "day"),), "one")
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("item", [SECOND, DAY], ids=str)
def test_concurrent_first_requests_are_counted_exactly(item: RateLimitItem, clock: Clock) -> None:
    usual = sys.getswitchinterval()
    # So that threads take turns within the few steps that count one request.
    sys.setswitchinterval(1e-6)
    limiter = ProcessRateLimiter()
    barrier = threading.Barrier(16)

    def hit_many(number: int) -> int:
        found = 0
        for counter in range(200):
            barrier.wait()
            found += limiter.hit(item, str(counter))
        return found

    try:
        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(hit_many, range(16))) == 200 * item.amount
    finally:
        sys.setswitchinterval(usual)


def test_a_part_of_the_last_window_still_counts(clock: Clock) -> None:
    limiter, rules = Limiter(), (RateRule(10, 1, "minute"),)
    clock.now = 600_000.0
    for _ in range(10):
        limiter.hit(rules, "one")
    assert limiter.headers(rules, "one")["RateLimit-Remaining"] == "0"
    # A quarter of the next window is over, so three quarters of the ten count.
    clock.now += 75
    assert limiter.headers(rules, "one")["RateLimit-Remaining"] == "3"
    for _ in range(3):
        limiter.hit(rules, "one")
    with pytest.raises(RateLimited) as refused:
        limiter.hit(rules, "one")
    # Each six seconds one of the ten is over.
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 6
    clock.now += int(refused.value.headers["Retry-After"])
    limiter.hit(rules, "one")


def test_a_request_with_a_cost_counts_completely_or_not_at_all(clock: Clock) -> None:
    limiter = Limiter()
    limiter.hit_bytes(100, "192.0.2.1", 60)
    for _ in range(3):
        with pytest.raises(RateLimited):
            limiter.hit_bytes(100, "192.0.2.1", 41)
    limiter.hit_bytes(100, "192.0.2.1", 40)
    limiter.hit_bytes(100, "192.0.2.2", 100)
    with pytest.raises(RateLimited):
        limiter.hit_bytes(100, "192.0.2.3", 101)


def test_checking_counts_nothing(clock: Clock) -> None:
    limiter, rules = Limiter(), (RateRule(2, 1, "hour"),)
    for _ in range(5):
        limiter.check(rules, "one")
    limiter.hit(rules, "one")
    limiter.check(rules, "one")
    limiter.hit(rules, "one")
    with pytest.raises(RateLimited):
        limiter.check(rules, "one")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_process_forked_during_a_count_can_count() -> None:
    limiter = ProcessRateLimiter()
    assert limiter.hit(DAY, "one")
    with limiter._lock:
        child = os.fork()
        if child == 0:
            # What was counted before counts there, too.
            counted = [limiter.hit(DAY, "one") for _ in range(5)]
            os._exit(0 if counted == [True] * 4 + [False] else 1)
    deadline = time.monotonic() + 10
    while (waited := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child waits for a lock of its parent's")
        time.sleep(0.01)
    assert waited[1] == 0
