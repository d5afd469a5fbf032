"""One WebSocket connection: a single writer, a bounded queue, pings, and the codes it is closed with."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from simple_websocket import ConnectionClosed, Server

from ..realtime.hub import Encoder
from .frames import PING, Frame

logger = logging.getLogger("flask_pocketping")

UNAUTHORIZED = 4401
AUTH_TIMEOUT = 4408
TOO_MANY = 4429
INTERNAL_ERROR = 1011
RESTARTING = 1012
TOO_SLOW = 1013

MAX_FRAME = 64 * 1024
PING_INTERVAL = 25.0
#: Seconds that a slow client has to read on before its line is cut.
PATIENCE = 10.0
#: Frames of a client that may wait to be handled.
MAX_WAITING = 100


class Closed(Exception):
    """The connection has to end."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _OneWriter:
    """A socket that is written to by one thread at a time, each time to the end.

    `simple_websocket` answers pings from a thread of its own and takes a short write for a whole one.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._sock.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Connection:
    """A subscriber of the hub with a socket.

    :param ws: as flask-sock hands it over.
    :param encoder: what this side gets of an event.
    :param limit: frames that may wait to be sent.
    """

    def __init__(self, ws: Server, encoder: Encoder, limit: int) -> None:
        ws.max_message_size = MAX_FRAME
        ws.sock = _OneWriter(ws.sock)
        self._ws = ws
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._end: Closed | None = None
        self._pinged_at = time.monotonic()
        self.encoder = encoder
        #: Event types to send; all if nothing.
        self.wanted: frozenset[str] | None = None
        #: The only session to send of; all if nothing.
        self.session_id: str | None = None
        #: The row that tells other processes of it.
        self.presence_id: str | None = None

    def wants(self, frame: Frame) -> bool:
        """Whether the client asked for such frames."""
        if self.wanted is not None and frame.type not in self.wanted:
            return False
        return self.session_id is None or frame.session_id in {None, self.session_id}

    def offer(self, encoded: Frame) -> None:
        """Queue a frame. Never waits; a client that reads too slowly is closed and resumes by its cursor."""
        if self._end is not None or not self.wants(encoded):
            return
        if len(self._queue) >= self._limit:
            self._queue.clear()
            self.end(TOO_SLOW, "Too slow. Reconnect with the last cursor.")
            timer = threading.Timer(PATIENCE, self._cut)
            timer.daemon = True
            timer.start()
            return
        self._queue.append(encoded.data)
        self._ws.event.set()

    def send(self, frame: Frame) -> None:
        """Send a frame at once; only for the thread that runs the connection."""
        self._write(frame.data)

    def send_all(self, frames: Iterable[Frame]) -> None:
        """Send many frames, leaving out what the client did not ask for."""
        batch: list[bytes] = []
        for frame in frames:
            if self.wants(frame):
                batch.append(frame.data)
            if len(batch) >= 100:
                self._write(b"".join(batch))
                batch = []
                self._check()
        self._write(b"".join(batch))

    def end(self, code: int, reason: str) -> None:
        """Have the connection closed by the thread that runs it."""
        if self._end is None:
            self._end = Closed(code, reason)
        self._ws.event.set()

    def receive(self, timeout: float) -> str | bytes | None:
        """Wait for one frame of the client; nothing if there was none in so many seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._check()
            if self._ws.input_buffer:
                text: str | bytes = self._ws.input_buffer.pop(0)
                return text
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._ws.event.wait(left)
            self._ws.event.clear()

    def run(self, handle: Callable[[str | bytes], None]) -> None:
        """Send what is offered and hand on what comes in, until the connection ends."""
        self._pinged_at = time.monotonic()
        while True:
            self._check()
            if len(self._ws.input_buffer) > MAX_WAITING:
                raise Closed(TOO_MANY, "Too many frames at once.")
            while self._ws.input_buffer:
                handle(self._ws.input_buffer.pop(0))
            self._flush()
            wait = self._pinged_at + PING_INTERVAL - time.monotonic()
            if wait <= 0:
                self._ping()
                continue
            if not self._queue and not self._ws.input_buffer:
                self._ws.event.wait(wait)
            self._ws.event.clear()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and cut the line where the other side does not."""
        with contextlib.suppress(ConnectionClosed, OSError):
            self._ws.close(reason=code, message=reason[:120])
        # The reader ends when the client answers; if it does not, it must not stay for ever.
        self._ws.thread.join(1.0)
        self._cut()

    def _flush(self) -> None:
        frames = []
        while self._queue:
            frames.append(self._queue.popleft())
        if frames:
            self._write(b"".join(frames))

    def _write(self, data: bytes) -> None:
        if data:
            self._check()
            try:
                self._ws.sock.send(data)
            except OSError:
                raise ConnectionClosed(1006, "") from None

    def _ping(self) -> None:
        if not self._ws.pong_received:
            self._cut()
            raise ConnectionClosed(1006, "")
        self._ws.pong_received = False
        self._pinged_at = time.monotonic()
        self._write(PING)

    def _check(self) -> None:
        if self._end is not None:
            raise self._end
        if not self._ws.connected:
            raise ConnectionClosed(self._ws.close_reason, self._ws.close_message)

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self._ws.sock.shutdown(socket.SHUT_RDWR)


class Sockets:
    """The open connections of one process."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._lock = threading.Lock()

    def add(self, connection: Connection) -> None:
        with self._lock:
            self._open.add(connection)

    def remove(self, connection: Connection) -> None:
        with self._lock:
            self._open.discard(connection)

    def presence_ids(self) -> list[str]:
        """The rows that have to be renewed while these connections live."""
        with self._lock:
            return [connection.presence_id for connection in self._open if connection.presence_id]

    def close_all(self, timeout: float = 5.0) -> None:
        """Close all with 1012, so that the clients come back, and wait until they are gone."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.end(RESTARTING, "The server restarts. Reconnect with the last cursor.")
        deadline = time.monotonic() + timeout
        while self._open and time.monotonic() < deadline:
            time.sleep(0.02)
