"""Frames and custom events for pages that poll."""

from __future__ import annotations

from typing import Any

from flask import request

from ...chat import presence, visitors
from ...chat.history import EventPage, events_after, find_position
from ...schemas import visitor
from ...schemas.base import AcceptedResponse
from ..operation_limits import Limit
from ..operations import Call, Routes
from ..streams.cursors import StreamStart, stream_start
from ..streams.transports import require_transport

routes = Routes(caller="visitor")


@routes("GET /events", query=visitor.PollQuery, response=visitor.PollResponse, session="required")
def poll_events(call: Call, session_id: str) -> Any:
    """Get the frames after a cursor, as in the stream. A page that polls counts as connected."""
    require_transport(call.state, "poll", request.environ)
    db = call.state.db
    place = find_position(db, session_id)
    text = call.query.get("after")
    start = stream_start(call.state, session_id, place, text) if text else StreamStart(place.seq, place.seq)
    after = start.after
    presence.polled(db, session_id)
    nothing_new = after >= place.seq
    page = EventPage([], False) if nothing_new else events_after(db, session_id, after, call.query["limit"])
    made = [(call.state.frames.visitor_json(event), event.seq) for event in page.events if start.wants(event)]
    # A cursor after the end of the log is reset, because the database may have been restored.
    reached = page.events[-1].seq if page.events else min(after, place.seq)
    return {
        "frames": [{**frame, "cursor": str(seq)} for frame, seq in made if frame is not None],
        "cursor": str(reached),
        "hasMore": page.has_more,
        "operatorOnline": presence.operator_online(db, place.project_id),
    }


@routes(
    "POST /events",
    body=visitor.VisitorEventRequest,
    response=AcceptedResponse,
    session="required",
    limit=Limit("visitor_message_limit", "event"),
)
def receive_page_event(call: Call, session_id: str) -> Any:
    """Receive a custom event of the visitor's page, over any transport."""
    visitors.receive_event(call.state.db, session_id, call.body["name"], call.body["data"])
