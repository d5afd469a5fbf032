"""Calculates when a failed delivery is retried, for the worker."""

from __future__ import annotations

import random as _random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Seconds between each attempt and the one before it: the example schedule of the Standard Webhooks specification.
DELAYS = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)

#: The relative random change of a delay in both directions, so that deliveries that failed together are not all retried
#: at the same time.
JITTER = 0.2

#: The longest wait in seconds that a `Retry-After` can ask for.
LONGEST = 24 * 3600

_DELAY_SECONDS = re.compile(r"[0-9]+")


def next_delay(
    attempts_made: int,
    *,
    retry_after: float | None = None,
    random: Callable[[], float] = _random.random,
    delays: Sequence[float] = DELAYS,
) -> float | None:
    """Return the delay before the next attempt.

    :param attempts_made: the number of attempts so far.
    :param retry_after: the minimum delay in seconds that the last response asked for, limited to 24 hours.
    :param random: returns a number from 0 up to 1, which chooses the jitter.
    :param delays: seconds between each attempt and the one before it.
    :returns: the delay in seconds, or `None` after the last attempt.
    :raises ValueError: if `attempts_made` is negative.
    """
    if attempts_made < 0:
        raise ValueError("attempts_made can't be negative")
    if attempts_made >= len(delays):
        return None
    delay = delays[attempts_made] * (1 - JITTER + 2 * JITTER * random())
    return min(max(delay, retry_after or 0.0), LONGEST)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a `Retry-After` header (RFC 9110, section 10.2.3): seconds or an HTTP-date.

    :param value: the header's value, if there is one.
    :param now: the current time, aware.
    :returns: seconds from now, 0 for a date in the past, or `None` for an invalid value.
    """
    text = (value or "").strip()
    if _DELAY_SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
