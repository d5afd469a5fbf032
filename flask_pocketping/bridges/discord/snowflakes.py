"""Discord's ids, which contain the time: https://docs.discord.com/developers/reference#snowflakes"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: Milliseconds from 1970 to the beginning of Discord's ids.
EPOCH = 1420070400000


def time_of(snowflake: str) -> datetime:
    """Return when something was made, by its id."""
    return datetime.fromtimestamp(((int(snowflake) >> 22) + EPOCH) / 1000, UTC)


def snowflake_at(moment: datetime) -> int:
    """Return the lowest id of what is made at a moment."""
    return max(0, int(moment.timestamp() * 1000) - EPOCH) << 22


def number(text: Any) -> int:
    """Return an id as a number, or 0 if it is none."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() else 0
