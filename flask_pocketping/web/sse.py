"""`GET /stream` without an upgrade: the visitor's stream as server-sent events, for pages that get no WebSocket."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from flask import Response, request

from ..chat.presence import Presence
from . import schemas
from .admission import Admission, admit, listening
from .frames import Frame, event_frame
from .routing import Call, Routes
from .state import State

logger = logging.getLogger("flask_pocketping")

#: Seconds of silence after which a line is sent that says nothing: proxies and browsers end what is silent.
HEARTBEAT = 15.0
#: Seconds between looks whether the client is still there.
LOOK = 1.0
#: Bytes handed to the server at once.
CHUNK = 64 * 1024
#: What a stream begins with: milliseconds after which a browser comes back.
RETRY = b"retry: 2000\n\n"
SILENCE = b":\n\n"

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

routes = Routes(caller="visitor")


@routes("GET /stream", query=schemas.StreamQuery)
def stream_events(call: Call) -> Response:
    """The visitor's stream as server-sent events."""
    sock = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
    stream = EventStream(call.state, admit(call.state, count=False), sock)
    return Response(stream, headers=_HEADERS, direct_passthrough=True)


class EventStream:
    """A subscriber of the hub whose frames are an endless answer. The server's thread iterates over it.

    It begins with the first step of that, so one that a server never takes up leaves nothing behind.

    :param sock: the client's line, where the server lends it.
    """

    def __init__(self, state: State, admission: Admission, sock: socket.socket | None) -> None:
        self._state = state
        self._admission = admission
        self._sock = sock
        self._limit = state.config.socket_queue
        self._queue: deque[bytes] = deque()
        self._wake = threading.Event()
        self._ending = False
        self._handed_at: float | None = None
        self._parts = self._run()
        self.encoder = state.frames.visitor_event
        self.owner: str | None = admission.session_id
        self.key_hash: str | None = None
        self.presence: Presence | None = None
        self.presence_lock = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._handed_at = None
        part = next(self._parts)
        self._handed_at = time.monotonic()
        return part

    def close(self) -> None:
        """The server is done with it; the client has gone, if it did not end by itself."""
        self._parts.close()

    @property
    def is_ending(self) -> bool:
        """Whether it is to be closed."""
        return self._ending

    @property
    def stuck_for(self) -> float:
        """Seconds that the server has been trying to send the same part."""
        since = self._handed_at
        return 0.0 if since is None else time.monotonic() - since

    def offer(self, encoded: Frame) -> None:
        """Queue a frame. Never waits; a client that reads too slowly is cut off and resumes by its cursor."""
        if self._ending:
            return
        if len(self._queue) >= self._limit:
            self._queue.clear()
            self._ending = True
        else:
            self._queue.append(encoded.data)
        self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Have it ended by the thread that runs it; the client comes back. There is no way to tell it why."""
        self._ending = True
        self._wake.set()

    def cut(self) -> None:
        """End the line, where the server lends it."""
        self._ending = True
        self._wake.set()
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> Generator[bytes, None, None]:
        self._state.sockets.add(self)
        try:
            with listening(self._state, self, self._admission) as missed:
                yield self._hello()
                encoded = (self.encoder(event, at) for event, at in missed)
                yield from self._batches(frame.data for frame in encoded if frame is not None)
                yield from self._live()
        except Exception:
            logger.exception("A stream of events failed.")
        finally:
            self._state.sockets.remove(self)

    def _hello(self) -> bytes:
        cursor = str(self._admission.after)
        hello = event_frame("connected", {"cursor": cursor}, cursor).data
        warning = self._admission.warning
        return RETRY + (event_frame("version_warning", warning).data if warning else b"") + hello

    def _batches(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        batch: list[bytes] = []
        size = 0
        for frame in frames:
            if self._ending:
                return
            batch.append(frame)
            size += len(frame)
            if size >= CHUNK:
                yield b"".join(batch)
                batch, size = [], 0
        if batch:
            yield b"".join(batch)

    def _live(self) -> Iterator[bytes]:
        spoke_at = time.monotonic()
        while not self._ending:
            if self._queue:
                yield from self._batches(self._queued())
                spoke_at = time.monotonic()
            elif time.monotonic() - spoke_at >= HEARTBEAT:
                yield SILENCE
                spoke_at = time.monotonic()
            else:
                if not self._wake.wait(min(LOOK, HEARTBEAT)) and _has_hung_up(self._sock):
                    return
                self._wake.clear()

    def _queued(self) -> Iterator[bytes]:
        while self._queue:
            yield self._queue.popleft()


def _has_hung_up(sock: Any) -> bool:
    """Whether the client closed its line. One that is gone would not be noticed before the second heartbeat."""
    if sock is None or not hasattr(select, "poll"):
        return False
    try:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0)) and not sock.recv(1, socket.MSG_PEEK)
    except ValueError:
        # A line with TLS can't be looked into.
        return False
    except OSError:
        return True
