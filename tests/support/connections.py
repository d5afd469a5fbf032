"""What tests want to know of an open connection."""

from __future__ import annotations

import time

from flask_pocketping.realtime.connection import Connection


def is_ending(connection: Connection) -> bool:
    """Whether it is closing or closed."""
    return connection._end is not None


def stuck_for(connection: Connection) -> float:
    """Seconds without progress while bytes are buffered, or since the closing began."""
    now = time.monotonic()
    ending_for = now - connection._ended_at if connection._end is not None else 0.0
    return max(ending_for, now - connection._moved_at if connection._out else 0.0)
