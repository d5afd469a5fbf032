"""The one clock: aware UTC times, ids that sort by time, and the text form of times in the APIs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: How far a stored time may be in the future before it counts as written by a fast clock.
TOLERANCE = timedelta(seconds=1)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]

_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 -- replaced by set_clock


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return _now()


def set_clock(source: Callable[[], datetime] | None) -> None:
    """Let tests set the time. `None` restores the real clock.

    :param source: returns an aware UTC time for each call.
    """
    global _now
    _now = source or (lambda: datetime.now(UTC))


def format_utc(moment: datetime) -> str:
    """Write a time as ISO 8601 in UTC with a `Z` and microseconds (RFC 3339)."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_utc(text: str) -> datetime:
    """Read an ISO 8601 time. A time without an offset counts as UTC.

    :raises ValueError: if the text is no such time.
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"beyond the calendar: {text}") from None


def ago(**span: float) -> datetime:
    """Return the time that is so long before now. This takes the arguments of `timedelta`."""
    return now() - timedelta(**span)


def new_id(prefix: str) -> str:
    """Return a new id such as `msg_01jd…`: 48 bits of time in ms and 80 random bits, so ids sort by age.

    This is the layout of ULID. The random part makes ids unguessable, but no id is a secret here.
    """
    number = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    text = "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{text}"
