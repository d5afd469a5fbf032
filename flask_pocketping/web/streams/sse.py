"""`GET /stream` without an upgrade: the visitor's stream as server-sent events, for pages without a WebSocket."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from flask import Response, g, request

from ...realtime.connection import Closed
from ...realtime.encoders import event_frame
from ...realtime.eventstream import EventStream
from ...realtime.framing import Frame
from ...schemas import visitor
from ...state import State
from ..operations import Call, Routes
from .admission import Admission, Listener, admit, reserved_room
from .takeover import StreamResponse, Takeover
from .transports import require_transport

#: The start of a stream. It says after how many milliseconds a browser reconnects.
RETRY = b"retry: 2000\n\n"

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

routes = Routes(caller="visitor")


@routes("GET /stream", query=visitor.StreamQuery)
def stream_events(call: Call) -> Response:
    """Send the visitor's stream as server-sent events."""
    require_transport(call.state, "sse", request.environ)
    admission = admit(call.state, count=False)
    if request.method == "HEAD":
        return Response(headers=_HEADERS)
    g.pocketping_takeover = takeover = Takeover(request.environ, call.state.sockets.held_threads)
    return StreamResponse(takeover, partial(_begin, call.state, takeover, admission), _HEADERS)


def _begin(state: State, takeover: Takeover, admission: Admission, sock: Any, head: bytes) -> None:
    connection = EventStream(
        sock,
        loop=state.sockets.loop,
        pool=state.sockets.pool,
        encoder=state.frames.visitor_event,
        limit=state.config.socket_queue,
        on_gone=state.sockets.remove,
        on_release=takeover.on_release,
    )
    state.sockets.add(connection, reserved_room())
    connection.send(Frame("head", None, head + RETRY))
    connection.start(_Page(state, connection, admission))


class _Page(Listener):
    __slots__ = ()

    name = "An event stream"

    def greeting(self) -> Iterable[Frame]:
        cursor, warning = str(self.admission.after), self.admission.warning
        if warning:
            yield event_frame("version_warning", warning)
        yield event_frame("connected", {"cursor": cursor}, cursor)

    def received(self, raw: str | bytes) -> None:
        """Do nothing, because clients send nothing on an event stream."""

    def close_code(self, error: Exception) -> Closed | None:
        """Return `None`, because event streams have no close codes."""
        return None
