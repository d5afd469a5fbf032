"""One WebSocket connection: a single writer, a bounded queue, pings, and the codes it is closed with."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from simple_websocket import ConnectionClosed, Server
from wsproto.utilities import LocalProtocolError

from ..chat.presence import Presence
from ..errors import RateLimited
from ..realtime.hub import Encoder
from .frames import PING, Frame

logger = logging.getLogger("flask_pocketping")

TOO_BIG = 1009
UNAUTHORIZED = 4401
AUTH_TIMEOUT = 4408
TOO_MANY = 4429
INTERNAL_ERROR = 1011
RESTARTING = 1012
TOO_SLOW = 1013

MAX_FRAME = 64 * 1024
PING_INTERVAL = 25.0
#: Seconds without progress after which the line to a client that does not read is cut; also what it has to take
#: its goodbye.
PATIENCE = 10.0
#: Seconds that each step of a goodbye may take.
GOODBYE = 1.0
#: Seconds that a stop waits for the connections to end.
STOP_WAIT = 5.0
#: Bytes handed to the system at once.
CHUNK = 64 * 1024
#: Frames of a client that may wait to be handled.
MAX_WAITING = 100


class Open(Protocol):
    """A connection that stays open, as those see it who look after all of them."""

    #: Whom it counts for, against the bounds of `Sockets`.
    owner: str | None
    #: The hash of the API key that let it in.
    key_hash: str | None
    #: What tells other processes of it, and the lock of whoever is about to tell them.
    presence: Presence | None
    presence_lock: threading.Lock

    @property
    def is_ending(self) -> bool:
        """Whether it is to be closed."""

    @property
    def stuck_for(self) -> float:
        """Seconds since the other side took anything, while something is to be sent."""

    def end(self, code: int, reason: str) -> None:
        """Have it closed by the thread that runs it."""

    def cut(self) -> None:
        """End it without a word."""


class Closed(Exception):
    """The connection has to end."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Line:
    """A socket that is written to by one thread at a time, each time to the end, and that tells when it is stuck.

    `simple_websocket` answers pings from a thread of its own and takes a short write for a whole one. When that
    thread ends it closes the socket, which would cut off a goodbye on its way, and may tell nobody.

    :param on_end: called when the reader has ended.
    """

    def __init__(self, sock: socket.socket, on_end: Callable[[], None]) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._on_end = on_end
        self._waits_since: float | None = None

    def send(self, data: bytes) -> int:
        if not self._lock.acquire(timeout=PATIENCE):
            raise TimeoutError
        try:
            rest = memoryview(data)
            while rest:
                self._waits_since = time.monotonic()
                rest = rest[self._sock.send(rest[:CHUNK]) :]
        finally:
            self._waits_since = None
            self._lock.release()
        return len(data)

    def close(self) -> None:
        self._on_end()

    def stuck_for(self) -> float:
        """Seconds since the other side took anything, while something is to be sent."""
        since = self._waits_since
        return 0.0 if since is None else time.monotonic() - since

    def drain(self, seconds: float) -> None:
        """Read to the end and throw away: closing with anything unread would destroy what was sent last."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(CHUNK):
                    return

    def cut(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Inbox(list[str | bytes]):
    """The frames of a client that wait. The reader fills it however busy the connection's own thread is."""

    def __init__(self, frames: Iterable[str | bytes], on_full: Callable[[], None]) -> None:
        super().__init__(frames)
        self._on_full = on_full

    def append(self, frame: str | bytes) -> None:
        if len(self) < MAX_WAITING:
            super().append(frame)
        else:
            self._on_full()


class Connection:
    """A subscriber of the hub with a socket.

    :param ws: as flask-sock hands it over.
    :param encoder: what this side gets of an event.
    :param limit: frames that may wait to be sent.
    """

    def __init__(self, ws: Server, encoder: Encoder, limit: int) -> None:
        ws.max_message_size = MAX_FRAME
        self._line = _Line(ws.sock, ws.event.set)
        ws.sock = self._line
        ws.input_buffer = _Inbox(ws.input_buffer, lambda: self.end(TOO_MANY, "Too many frames at once."))
        self._ws = ws
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self._end: Closed | None = None
        self._ended_at = 0.0
        self._pinged_at = time.monotonic()
        self.encoder = encoder
        #: Event types to send; all if nothing.
        self.wanted: frozenset[str] | None = None
        #: The only session to send of; all if nothing.
        self.session_id: str | None = None
        #: When what let it in runs out, by the monotonic clock; never if nothing.
        self.expires_at: float | None = None
        #: What tells other processes of it, and the lock of whoever is about to tell them.
        self.presence: Presence | None = None
        self.presence_lock = threading.Lock()
        #: The hash of the API key that let it in.
        self.key_hash: str | None = None
        #: Whom it counts for, against the bounds of `Sockets`.
        self.owner: str | None = None

    @property
    def is_ending(self) -> bool:
        """Whether it is to be closed."""
        return self._end is not None

    @property
    def stuck_for(self) -> float:
        """Seconds since the other side took anything, or since it is to take its goodbye."""
        ending_for = time.monotonic() - self._ended_at if self.is_ending else 0.0
        return max(ending_for, self._line.stuck_for())

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
            self._ended_at = time.monotonic()
            self._end = Closed(code, reason)
        self._ws.event.set()

    def cut(self) -> None:
        """End the connection without a word."""
        self._line.cut()

    def receive(self, timeout: float) -> str | bytes | None:
        """Wait for one frame of the client; nothing if there was none in so many seconds."""
        deadline = time.monotonic() + timeout
        while True:
            self._check()
            if self._ws.input_buffer:
                return self._take()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._ws.event.wait(left)
            self._ws.event.clear()

    def run(self, handle: Callable[[str | bytes], None]) -> None:
        """Send what is offered and hand on what comes in, until the connection ends."""
        try:
            self._run(handle)
        except ConnectionClosed:
            # What came before the other side's goodbye counts.
            while self._ws.input_buffer:
                handle(self._take())
            raise

    def _run(self, handle: Callable[[str | bytes], None]) -> None:
        self._pinged_at = time.monotonic()
        while True:
            self._check()
            while self._ws.input_buffer:
                self._check()
                handle(self._take())
            self._flush()
            wait = self._pinged_at + PING_INTERVAL - time.monotonic()
            # Where the host's SOCK_SERVER_OPTIONS have flask-sock ping, a second one would take its pongs.
            if self._ws.ping_interval:
                wait = PING_INTERVAL
            if wait <= 0:
                self._ping()
                continue
            if self.expires_at is not None:
                wait = min(wait, max(0.0, self.expires_at - time.monotonic()))
            if not self._queue and not self._ws.input_buffer:
                self._ws.event.wait(wait)
            self._ws.event.clear()

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and cut the line where the other side does not."""
        with contextlib.suppress(ConnectionClosed, LocalProtocolError, OSError):
            self._line.settimeout(GOODBYE)
            self._ws.close(reason=code, message=reason[:120])
        # The reader ends when the client answers; if it does not, it must not stay for ever.
        self._ws.thread.join(GOODBYE)
        if not self._ws.thread.is_alive():
            self._line.drain(GOODBYE)
        self._line.cut()
        if self._ws.mode == "gevent":
            # The server of gevent itself lends a copy of its socket.
            self._line.release()

    def _take(self) -> str | bytes:
        frame: str | bytes = self._ws.input_buffer.pop(0)
        # The library counts characters, of which each may be four bytes.
        if isinstance(frame, str) and len(frame) > MAX_FRAME // 4 and len(frame.encode()) > MAX_FRAME:
            raise Closed(TOO_BIG, "Message is too big")
        return frame

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
                self._line.send(data)
            except OSError:
                raise ConnectionClosed(1006, "") from None

    def _ping(self) -> None:
        if not self._ws.pong_received:
            self._line.cut()
            raise ConnectionClosed(1006, "")
        self._ws.pong_received = False
        self._pinged_at = time.monotonic()
        self._write(PING)

    def _check(self) -> None:
        if self._end is not None:
            raise self._end
        if self.expires_at is not None and time.monotonic() >= self.expires_at:
            raise Closed(UNAUTHORIZED, "The operator's token ran out.")
        if not self._ws.connected:
            raise ConnectionClosed(self._ws.close_reason, self._ws.close_message)


class Sockets:
    """The open connections of one process.

    :param limit: how many one conversation may have, and one address that has not told its key yet.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[Open] = set()
        self._lock = threading.Lock()

    def add(self, connection: Open) -> None:
        with self._lock:
            self._open.add(connection)

    def remove(self, connection: Open) -> None:
        with self._lock:
            self._open.discard(connection)

    def all(self) -> list[Open]:
        """Those that are open now."""
        with self._lock:
            return list(self._open)

    def check_room(self, owner: str) -> None:
        """Refuse one more connection of an owner that has too many.

        :raises RateLimited: if it has.
        """
        if sum(connection.owner == owner for connection in self.all()) >= self._limit:
            raise RateLimited("Too many open connections.", headers={"Retry-After": "10"})

    def key_hashes(self) -> set[str]:
        """The keys that let in those that are open."""
        return {connection.key_hash for connection in self.all() if connection.key_hash}

    def end_of_key(self, key_hash: str) -> None:
        """Close those that a key let in which is not in force any more."""
        for connection in self.all():
            if connection.key_hash == key_hash:
                connection.end(UNAUTHORIZED, "The API key was revoked.")

    def cut_stuck(self) -> None:
        """Cut the lines on which nothing moves any more."""
        for connection in self.all():
            if connection.stuck_for > PATIENCE:
                connection.cut()

    def end_all(self) -> None:
        """Have all closed with 1012, so that the clients come back."""
        for connection in self.all():
            connection.end(RESTARTING, "The server restarts. Reconnect with the last cursor.")

    def close_all(self) -> None:
        """As `end_all`, and wait until they are gone; whoever is not by then is cut off."""
        for step in (self.end_all, self._cut_all):
            deadline = time.monotonic() + STOP_WAIT
            while self._open and time.monotonic() < deadline:
                # Over and over, since some may only just be coming in.
                step()
                time.sleep(0.02)

    def _cut_all(self) -> None:
        for connection in self.all():
            connection.cut()
