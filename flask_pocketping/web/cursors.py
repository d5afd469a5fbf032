"""Cursors of both APIs: where a stream or a poll goes on."""

from __future__ import annotations

from .. import clock
from ..chat.history import Place, seq_at
from ..errors import InvalidRequest
from .state import State


def position_after(state: State, session_id: str, place: Place, text: str | None) -> int:
    """The number of the last event that a page has.

    :param place: of the session, taken before; without a cursor the page goes on from there.
    :param text: a cursor that this server gave, or an ISO 8601 time: behind what had happened then.
    :raises InvalidRequest: if it is neither.
    """
    if not text:
        return place.seq
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    try:
        moment = clock.from_wire(text)
    except ValueError:
        raise InvalidRequest.field("after", "Neither a cursor that this server gave nor an ISO 8601 time.") from None
    found = seq_at(state.db, session_id, moment)
    return place.seq if found is None else min(found, place.seq)


def project_cursor(text: str) -> int:
    """The event id that a cursor of the back office names.

    :raises InvalidRequest: if this server never gives such a cursor.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InvalidRequest.field("after", "Not a cursor that this server gave.")
    return int(text)
