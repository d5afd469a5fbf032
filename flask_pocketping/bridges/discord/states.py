"""Whether somebody closed or reopened a thread on Discord. Its events don't say who did it, and the bridge and Discord
itself do it too. So the bridge marks what it does by the thread's `auto_archive_duration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from .snowflakes import time_of

#: Minutes without messages until Discord archives a thread, for threads that the bridge has opened: the longest time
#: that Discord allows.
OPEN = 10080
#: The same for threads that the bridge has closed.
CLOSED = 4320
#: The same for threads that the bridge has archived because the server had too many.
QUIET = 60
#: How much earlier than planned Discord itself archives a thread, at most, to have room for others.
EARLY = timedelta(hours=1)


def thread_change(thread: Mapping[str, Any]) -> Literal["closed", "reopened"] | None:
    """Return what somebody did with a thread, or `None` if it was nobody.

    :param thread: the thread, as Discord describes it.
    """
    state = thread.get("thread_metadata")
    state = state if isinstance(state, dict) else {}
    mark = int(state.get("auto_archive_duration") or 0)
    if not state.get("archived"):
        return "reopened" if mark == CLOSED and not state.get("locked") else None
    archived_at = parse_time(state.get("archive_timestamp"))
    if mark in {CLOSED, QUIET} or archived_at is None:
        return None
    if state.get("locked"):
        return "closed"
    active_at = time_of(str(thread.get("last_message_id") or thread.get("id")))
    return "closed" if archived_at - active_at < timedelta(minutes=mark) - EARLY else None


def parse_time(text: Any) -> datetime | None:
    """Return a time as Discord writes it, or `None` if it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
