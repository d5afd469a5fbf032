"""Events and typing indicators for clients of the back office that poll."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from flask import request

from ...chat import presence
from ...chat.history import find_position
from ...chat.presence import Presence
from ...errors import SessionNotFound
from ...realtime.hub import Topic
from ...schemas import backoffice
from ...schemas.base import AcceptedResponse
from ...state import State
from ..operations import Call, Routes
from ..streams.cursors import project_cursor
from ..streams.transports import require_transport

#: The approximate maximum size of the events in one response, in bytes.
PAGE_BYTES = 256 * 1024

routes = Routes(caller="key")


class Page(NamedTuple):
    """Frames, and the cursor after them."""

    frames: list[dict[str, Any]]
    cursor: int
    has_more: bool


@routes("GET /updates", query=backoffice.UpdatesQuery, response=backoffice.UpdatesResponse)
def list_updates(call: Call) -> Any:
    """List the events since a cursor, as frames of `/ws`. A client that polls counts as connected."""
    require_transport(call.state, "poll", request.environ)
    text = call.query.get("after")
    page = _read_page(call.state, call.project_id, project_cursor(text) if text else None, call.query["limit"])
    client = Presence(_client_id(call), call.project_id, None, call.operator, call.query["available"])
    before, now = presence.operator_polled(call.state.db, client)
    call.state.announcer.attendance_changed(call.project_id, before, now)
    return {
        "frames": page.frames,
        "cursor": str(page.cursor),
        "hasMore": page.has_more,
        "online": now.online,
        "operators": now.operators,
    }


@routes("DELETE /updates", query=backoffice.ClientQuery, status=204)
def stop_polling(call: Call) -> Any:
    """Say that a client has stopped polling, so that it counts as disconnected immediately."""
    before, now = presence.operator_stopped_polling(call.state.db, call.project_id, _client_id(call))
    call.state.announcer.attendance_changed(call.project_id, before, now)


@routes(
    "POST /sessions/<session_id>/typing",
    body=backoffice.OperatorTypingRequest,
    response=AcceptedResponse,
    body_optional=True,
)
def operator_typing(call: Call, session_id: str) -> Any:
    """Tell the visitor and the other operators that an operator is typing or has stopped."""
    if find_position(call.state.db, session_id).project_id != call.project_id:
        raise SessionNotFound
    call.state.announcer.typing(call.project_id, session_id, "operator", call.body["isTyping"], operator=call.operator)


def _read_page(state: State, project_id: str, after: int | None, limit: int) -> Page:
    snapshot = state.hub.snapshot()
    # A cursor after the end of the log comes from before the database was restored.
    if after is None or after > snapshot.newest:
        return Page([], snapshot.cursor, False)
    frames: list[dict[str, Any]] = []
    size, reached = 0, after
    if after < snapshot.newest:
        for event, cursor in state.hub.replay(Topic("project", project_id), after, snapshot, page=limit + 1):
            # A cursor stays below a gap that an open transaction may fill. What lies behind the gap is sent again
            # with each page until then, so pages end there by their size only: they would not get beyond it.
            if size >= PAGE_BYTES or (len(frames) >= limit and reached > after):
                return Page(frames, reached, reached > after)
            frames.append(state.frames.operator_json(event, cursor))
            size += len(event.data.encode())
            reached = max(reached, cursor)
    return Page(frames, max(after, snapshot.cursor), False)


def _client_id(call: Call) -> str:
    """Return the id of a client's presence. No client with another key or project can use the same id."""
    text = "\0".join((call.project_id, *call.counted, call.query["client"]))
    return "poll_" + hashlib.sha256(text.encode()).hexdigest()[:32]
