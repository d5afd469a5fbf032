"""Tests the retry schedule and `Retry-After`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flask_pocketping.delivery.retry import next_delay, parse_retry_after

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR = 60, 3600
SPECIFIED = [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR]


def test_without_jitter_the_delays_match_the_contract() -> None:
    assert [next_delay(made, random=lambda: 0.5) for made in range(8)] == SPECIFIED


def test_there_is_no_ninth_attempt() -> None:
    assert next_delay(8) is None
    assert next_delay(100, retry_after=5) is None


@pytest.mark.parametrize(("made", "specified"), list(enumerate(SPECIFIED)))
def test_jitter_is_at_most_a_fifth_in_both_directions(made: int, specified: float) -> None:
    assert next_delay(made, random=lambda: 0.0) == pytest.approx(specified * 0.8)
    assert next_delay(made, random=lambda: 1.0) == pytest.approx(specified * 1.2)


def test_delays_differ_from_one_delivery_to_the_next() -> None:
    assert len({next_delay(3) for _ in range(50)}) > 1


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        next_delay(-1)


def test_a_later_retry_after_wins() -> None:
    assert next_delay(1, retry_after=90, random=lambda: 0.5) == 90
    assert next_delay(0, retry_after=90) == 90


def test_an_earlier_retry_after_does_not_shorten_the_delay() -> None:
    assert next_delay(3, retry_after=1, random=lambda: 0.5) == 30 * MINUTE
    assert next_delay(3, retry_after=0, random=lambda: 0.5) == 30 * MINUTE


@pytest.mark.parametrize("asked", [25 * HOUR, 10**9, float("inf")])
def test_retry_after_is_capped_at_a_day(asked: float) -> None:
    assert next_delay(1, retry_after=asked) == 24 * HOUR


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("Thu, 01 Jan 2026 12:02:00 GMT", 120),
        ("Thursday, 01-Jan-26 12:02:00 GMT", 120),
        ("Thu Jan  1 12:02:00 2026", 120),
        ("Thu, 01 Jan 2026 11:59:00 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ],
)
def test_retry_after_may_be_seconds_or_a_date(value: str, seconds: float) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-5",
        "+5",
        "1.5",
        "5 s",
        "5, 10",
        "٣",
        "2026-01-01",
        "Thu, 99 Jan 2026 12:02:00 GMT",
        "Thu, 01 Jan 99999 12:00:00 GMT",
        "1 Jan 26 1:2:3 +999999999999",
    ],
)
def test_an_invalid_retry_after_is_ignored(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None


def test_an_absurd_number_of_seconds_still_gives_a_delay() -> None:
    assert next_delay(1, retry_after=parse_retry_after("9" * 5000, NOW)) == 24 * HOUR
