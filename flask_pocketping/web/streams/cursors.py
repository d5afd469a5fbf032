"""Reads the cursors of both APIs, which say where a stream or a poll continues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ... import clock
from ...chat.history import SessionPosition, seq_at
from ...chat.messages import oldest_undelivered
from ...errors import InvalidRequest
from ...state import State
from ...values import Event

#: How much earlier than a time cursor a page continues, because pages mix the server's clock with their own.
OVERLAP = timedelta(seconds=30)
#: How far back a stream without a cursor starts.
LOOK_BACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StreamStart:
    """Where a page continues.

    :ivar after: the number of the last event that the page has.
    :ivar custom_after: the number of the last custom event that the page has. These have no id to skip repeats.
    :ivar since: for a page without a cursor of this server: the time from which it gets events.
    """

    after: int
    custom_after: int
    since: datetime | None = None

    def wants(self, event: Event) -> bool:
        """Return whether to send an event after `after`."""
        return event.type != "event.sent" or event.seq > self.custom_after


def stream_start(state: State, session_id: str, place: SessionPosition, text: str | None) -> StreamStart:
    """Read the cursor of a page.

    :param place: the session's position, read before: newer events are unknown to the page.
    :param text: a cursor of this server, an ISO 8601 time, or nothing.
    :raises InvalidRequest: if it is neither.
    """
    if text and text.isascii() and text.isdecimal() and len(text) <= 18:
        return StreamStart(int(text), int(text))
    if not text:
        since, custom_after = clock.now() - LOOK_BACK, place.seq
    else:
        try:
            moment = time_cursor(text)
        except ValueError:
            raise InvalidRequest.field(
                "after", "Neither a cursor that this server gave nor an ISO 8601 time."
            ) from None
        since, custom_after = earlier(moment, OVERLAP), seq_at(state.db, session_id, moment)
    since = before_missed(state, session_id, since)
    return StreamStart(min(seq_at(state.db, session_id, since), place.seq), min(custom_after, place.seq), since)


def before_missed(state: State, session_id: str, since: datetime) -> datetime:
    """Return a time, or an earlier one before the oldest message that the page has not confirmed.

    A page without a cursor of this server may have been away for longer than it says: its clock may run ahead.
    """
    missed = oldest_undelivered(state.db, session_id)
    return since if missed is None else min(since, earlier(missed, timedelta(milliseconds=1)))


def time_cursor(text: str) -> datetime:
    """Read a time as a cursor. A time in the future counts as now.

    :raises ValueError: if it is no ISO 8601 time.
    """
    return min(clock.parse_utc(text), clock.now())


def earlier(moment: datetime, span: timedelta) -> datetime:
    """Return an earlier time, within the calendar."""
    try:
        return moment - span
    except OverflowError:
        return moment


def project_cursor(text: str) -> int:
    """Return the event id in a cursor of the back office.

    :raises InvalidRequest: if the cursor is invalid.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidRequest.field("after", "Not a cursor that this server gave.")
    return int(text)
