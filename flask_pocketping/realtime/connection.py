"""An open connection, which the hub, the event loop and a handler use.

Any thread may write to it, and writes never block: a bounded buffer keeps the bytes that the system can't take yet, and
the loop sends them later. The handler processes the client's messages on the pool, in order.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ..chat.presence import Presence
from .event_loop import Loop
from .framing import Frame
from .hub import Encoder
from .thread_pool import Job, Pool

logger = logging.getLogger("flask_pocketping")

TOO_BIG = 1009
FLOODING = 1008
UNAUTHORIZED = 4401
AUTH_TIMEOUT = 4408
TOO_MANY = 4429
INTERNAL_ERROR = 1011
RESTARTING = 1012
TOO_SLOW = 1013

#: Seconds without progress after which the connection of a client that does not read is aborted.
STALL_TIMEOUT = 10.0
#: Seconds that a client has to close the connection after the last byte was sent.
CLOSE_HANDSHAKE_TIMEOUT = 1.0
#: Bytes read at once. They are few, so that no client blocks the others.
CHUNK = 16 * 1024
#: The maximum number of buffered bytes for a client that reads slowly.
MAX_BUFFER = 2 * 1024 * 1024
#: The number of buffered bytes at which a replay pauses.
REPLAY_BUFFER = 256 * 1024
#: Seconds after which a replay lets other connections use the pool.
REPLAY_TURN = 0.05
#: The maximum number of bytes that a client may send per second.
BYTES_PER_SECOND = 512 * 1024
#: The maximum number of a client's messages that wait for the pool, and their bytes: more than it may send per second.
MAX_WAITING = 100
MAX_WAITING_BYTES = 2 * BYTES_PER_SECOND

_numbers = itertools.count(1)


class Closed(Exception):
    """Raised by a handler to close its connection.

    :param code: the code of the close frame (RFC 6455, section 7.4). Ours start at 4000.
    :param reason: the reason in the close frame.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Handler(Protocol):
    """Processes the messages of a connection. Its methods run on the pool, one at a time, and may block."""

    @property
    def name(self) -> str:
        """The name of the connection in the log."""

    def opened(self) -> None:
        """Called after the handshake."""

    def received(self, raw: str | bytes) -> None:
        """Called with each message."""

    def closed(self) -> None:
        """Called once when the connection is closed, also if `opened` has failed."""

    def close_code(self, error: Exception) -> Closed | None:
        """Return how an error of another method closes the connection, or `None` for an unexpected error."""


class Connection:
    """A subscriber of the hub with a socket.

    :param sock: the socket, which the web server does not use any more.
    :param encoder: encodes events for the client.
    :param limit: the maximum number of buffered frames.
    :param on_gone: called when the connection is closed and the handler has cleaned up.
    :param on_release: called when it has finished using a socket that the web server will close.
    """

    __slots__ = (
        "_busy",
        "_bytes",
        "_deadline",
        "_end",
        "_ended_at",
        "_fresh",
        "_gone",
        "_handler",
        "_held",
        "_held_bytes",
        "_jobs",
        "_keepalive_at",
        "_limit",
        "_lock",
        "_loop",
        "_moved_at",
        "_on_gone",
        "_on_release",
        "_out",
        "_out_bytes",
        "_paused",
        "_pool",
        "_replay",
        "_second",
        "_shut",
        "_theirs",
        "due",
        "encoder",
        "interval",
        "key_hash",
        "number",
        "owners",
        "presence",
        "presence_lock",
        "session_id",
        "sock",
        "wanted",
    )

    #: Seconds between the keepalives that the server sends.
    interval: float

    def __init__(
        self,
        sock: Any,
        *,
        loop: Loop,
        pool: Pool,
        encoder: Encoder,
        limit: int,
        on_gone: Callable[[Connection], None],
        on_release: Callable[[], None] | None = None,
    ) -> None:
        self.number = next(_numbers)
        sock.setblocking(False)
        self.sock = sock
        self.encoder = encoder
        #: The event types to send, or `None` for all.
        self.wanted: frozenset[str] | None = None
        #: The only session whose events are sent, or `None` for all.
        self.session_id: str | None = None
        #: The row that shows the connection to other processes, and a lock for changing it.
        self.presence: Presence | None = None
        self.presence_lock = threading.Lock()
        #: The hash of the API key that authenticated it.
        self.key_hash: str | None = None
        #: The owners whose limits in `Sockets` it counts against.
        self.owners: tuple[str, ...] = ()
        self._handler: Handler
        self._loop = loop
        self._pool = pool
        self._limit = limit
        self._on_gone = on_gone
        self._lock = threading.Lock()
        # Bytes that the system could not take yet, the time of the last progress, and frames held back during a replay.
        self._out: deque[memoryview] | None = None
        self._out_bytes = 0
        self._moved_at = 0.0
        self._held: list[bytes] | None = []
        self._held_bytes = 0
        self._replay: Iterator[Frame] | None = None
        # Whether the replay continues when the buffer is empty.
        self._paused = False
        # Jobs that wait for the pool.
        self._jobs: deque[Job] | None = None
        self._busy = False
        self._end: Closed | None = None
        self._ended_at = 0.0
        self._theirs = False
        self._shut = False
        self._gone = False
        self._fresh = True
        self._deadline: tuple[float, int, str] | None = None
        self._second = 0
        self._bytes = 0
        self._on_release = on_release
        self._keepalive_at = self.due = time.monotonic() + self.interval

    # --- For the handler and for `Sockets`, on any thread ---

    def start(self, handler: Handler) -> None:
        """Start serving the connection on the loop.

        :raises RuntimeError: if no thread can be started. The connection is closed then.
        """
        self._handler = handler
        # Set before the loop serves it, because the loop may find a disconnected client at once and queue the cleanup.
        self._jobs, self._busy = deque([handler.opened]), True
        try:
            self._loop.call(self._enter)
        except RuntimeError:
            # The process has reached its limit of threads.
            self._gone, self._end = True, Closed(1006, "")
            self._let_go()
            self._on_gone(self)
            raise
        self._pool.submit(self._work)

    @property
    def expires_at(self) -> float | None:
        """The `time.monotonic` of its deadline, or `None`."""
        deadline = self._deadline
        return None if deadline is None else deadline[0]

    def wants(self, frame: Frame) -> bool:
        """Return whether the client's filter includes a frame."""
        if self.wanted is not None and frame.type not in self.wanted:
            return False
        return self.session_id is None or frame.session_id in {None, self.session_id}

    def offer(self, encoded: Frame) -> None:
        """Send an event after the replay. A client that reads too slowly is disconnected, and can resume."""
        with self._lock:
            if self._end is not None:
                return
            if (self.wanted is not None or self.session_id is not None) and not self.wants(encoded):
                return
            if self._held is None:
                self._write(encoded.data)
                return
            self._held.append(encoded.data)
            self._held_bytes += len(encoded.data)
            if len(self._held) > self._limit or self._held_bytes > MAX_BUFFER:
                self._too_slow()

    def send(self, frame: Frame) -> None:
        """Send a frame immediately, before events that wait for the end of a replay."""
        self._send(frame.data)

    def replay(self, frames: Iterable[Frame]) -> None:
        """Send frames as fast as the client reads them, then live events. Only the handler calls this."""
        self._replay = iter(frames)
        self._pump()

    def set_deadline(self, seconds: float | None, code: int = UNAUTHORIZED, reason: str = "") -> None:
        """Set or replace the time after which the connection closes.

        :param seconds: the time from now, or `None` for no deadline.
        :param code: the code of the close frame.
        :param reason: the reason in the close frame.
        """
        self._deadline = None if seconds is None else (time.monotonic() + seconds, code, reason)
        if seconds is not None:
            self._loop.call(lambda: self._loop.schedule(self, time.monotonic() + seconds))

    def end(self, code: int, reason: str) -> None:
        """Close the connection. Buffered frames are still sent, and then a close frame."""
        with self._lock:
            self._finish_with(code, reason)

    def abort(self) -> None:
        """Close the connection without a close frame."""
        with self._lock:
            if self._end is None:
                self._end, self._ended_at = Closed(1006, ""), time.monotonic()
        # Else, a slow database could restart the loop's thread while the interpreter exits.
        if not self._gone:
            self._loop.call(self._give_up)

    # --- For the loop, on its thread ---

    def on_readable(self) -> None:
        """Read received bytes, up to a limit."""
        while True:
            try:
                # OpenSSL does not allow two threads to use a connection at the same time, and another one may send now.
                with self._lock:
                    data = self.sock.recv(CHUNK)
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                data = b""
            if not data:
                self._give_up()
                return
            self._fresh = True
            self._count_bytes(len(data))
            if self._end is None:
                self._received(data)
            if not isinstance(self.sock, ssl.SSLSocket) or not self.sock.pending():
                return

    def on_writable(self) -> None:
        """Send buffered bytes."""
        with self._lock:
            self._flush()
            if self._out or self._gone:
                return
            self._out = None
            paused, self._paused = self._paused, False
        self._loop.watch(self, writing=False)
        if self._end is not None:
            self._see_off()
        elif paused:
            self._do(self._pump)

    def on_time(self, now: float) -> float:
        """Check deadlines, abort a dead connection, and send a keepalive."""
        if self._end is None:
            self._check_time(now)
        if self._end is None:
            return self._next_time(now)
        if now - self._ended_at >= (CLOSE_HANDSHAKE_TIMEOUT if self._shut else STALL_TIMEOUT):
            self._give_up()
        return now + CLOSE_HANDSHAKE_TIMEOUT / 2

    def on_error(self) -> None:
        """Abort the connection."""
        self._give_up()

    # --- For subclasses ---

    def _received(self, data: bytes) -> None:
        """Process bytes of the client."""

    def _close_frame(self, code: int, reason: str) -> bytes:
        """Return the bytes of a close frame, if the protocol has one."""
        return b""

    def _keepalive_frame(self) -> bytes | None:
        """Return the bytes of a keepalive, or `None` if the client did not respond to the last one."""
        raise NotImplementedError

    # --- Internal ---

    def _enter(self) -> None:
        if not self._gone:
            if (deadline := self._deadline) is not None:
                self.due = min(self.due, deadline[0])
            try:
                self._loop.add(self)
            except (OSError, ValueError, KeyError):
                self._give_up()
                raise
            with self._lock:
                waits = bool(self._out)
            if waits:
                self._loop.watch(self, writing=True)
            if self._end is not None:
                self._see_off()

    def _send(self, data: bytes) -> None:
        """Send bytes unless the connection is closing, because nothing may follow a close frame."""
        with self._lock:
            if self._end is None:
                self._write(data)

    def _write(self, data: bytes) -> None:
        """Send or buffer bytes. The caller holds the lock."""
        if self._out:
            self._keep(memoryview(data))
            return
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = 0
        except OSError:
            self._break()
            return
        if sent < len(data):
            self._moved_at = time.monotonic()
            self._keep(memoryview(data)[sent:])
            self._loop.call(self._watch)

    def _keep(self, data: memoryview) -> None:
        if self._out is None:
            self._out, self._out_bytes = deque(), 0
        self._out.append(data)
        self._out_bytes += len(data)
        if (len(self._out) > self._limit or self._out_bytes > MAX_BUFFER) and self._end is None:
            self._too_slow()

    def _flush(self) -> None:
        while self._out:
            try:
                sent = self.sock.send(self._out[0])
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                self._break()
                return
            self._moved_at = time.monotonic()
            self._out_bytes -= sent
            if sent == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = self._out[0][sent:]

    def _watch(self) -> None:
        if self._out and self._loop.serves(self):
            self._loop.watch(self, writing=True)
            self._loop.schedule(self, self._moved_at + STALL_TIMEOUT)

    def _too_slow(self) -> None:
        if self._out:
            # A part of the first frame may have been sent already, and its rest must follow.
            self._out = deque([self._out[0]])
            self._out_bytes = len(self._out[0])
        self._finish_with(TOO_SLOW, "Too slow. Reconnect with the last cursor.")

    def _finish_with(self, code: int, reason: str) -> None:
        """Start closing. The caller holds the lock."""
        if self._end is not None:
            return
        self._end, self._ended_at = Closed(code, reason), time.monotonic()
        self._held = None
        if data := self._close_frame(code, reason):
            self._write(data)
        self._loop.call(self._see_off)

    def _break(self) -> None:
        """Handle a broken connection. The caller holds the lock."""
        self._out = None
        if self._end is None:
            # The client's earlier messages are still processed.
            self._end, self._ended_at, self._theirs = Closed(1006, ""), time.monotonic(), True
        self._loop.call(self._give_up)

    def _see_off(self) -> None:
        """Shut down the sending side when the buffer is empty, and wait for the client to close.

        Closing a socket that has unread bytes could lose the last bytes that were sent.
        """
        if self._gone or not self._loop.serves(self):
            return
        now = time.monotonic()
        if self._out:
            self._loop.schedule(self, now + STALL_TIMEOUT)
        elif not self._shut:
            self._shut = True
            self._ended_at = now
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)
            self._loop.schedule(self, now + CLOSE_HANDSHAKE_TIMEOUT)

    def _check_time(self, now: float) -> None:
        if self._out and now - self._moved_at >= STALL_TIMEOUT:
            self._give_up()
        elif (deadline := self._deadline) is not None and now >= deadline[0]:
            self.end(deadline[1], deadline[2])

    def _next_time(self, now: float) -> float:
        """Send a keepalive if one is due.

        :return: the time of the next check.
        """
        if self._held is not None:
            # No keepalives are sent before live events begin. Other timeouts apply until then.
            self._keepalive_at = now + self.interval
        if now >= self._keepalive_at and not self._out:
            sign = self._keepalive_frame()
            if sign is None:
                self._give_up()
                return now
            self._keepalive_at = now + self.interval
            self._send(sign)
        due = self._moved_at + STALL_TIMEOUT if self._out else self._keepalive_at
        deadline = self._deadline
        return min(due, deadline[0]) if deadline is not None else due

    def _count_bytes(self, size: int) -> None:
        """Limit the bytes that a client sends per second. If it continues while closing, abort the connection."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._bytes = second, 0
            self._new_second()
        self._bytes += size
        if self._bytes > BYTES_PER_SECOND:
            if self._end is not None:
                self._give_up()
            self.end(FLOODING, "Too many bytes at once.")

    def _new_second(self) -> None:
        """Reset the counters of a second."""

    def _give_up(self) -> None:
        """Close the socket and let the handler clean up."""
        with self._lock:
            if self._gone:
                return
            self._gone = True
            self._out = self._held = None
            if self._end is None:
                # As in `_break`.
                self._end, self._ended_at, self._theirs = Closed(1006, ""), time.monotonic(), True
        self._loop.remove(self)
        self._let_go()
        self._do(self._leave)

    def _let_go(self) -> None:
        """Close the socket, or let the web server close it if it still uses it."""
        with contextlib.suppress(OSError):
            # A forked process may also have the socket, so closing it here would not end the connection.
            self.sock.shutdown(socket.SHUT_RDWR)
        if self._on_release is not None:
            self._on_release()
        else:
            self.sock.close()

    def _pump(self) -> None:
        """Send more of the replay until it ends, the buffer is full, or it is the turn of other connections."""
        if self._replay is None:
            # The connection was closed in the meantime.
            return
        turn_ends_at = time.monotonic() + REPLAY_TURN
        batch: list[bytes] = []
        size = 0
        for frame in self._replay:
            if self._end is not None:
                return
            if self.wants(frame):
                batch.append(frame.data)
                size += len(frame.data)
            if size >= CHUNK:
                if self._push(batch):
                    return
                batch, size = [], 0
            if time.monotonic() >= turn_ends_at:
                if not self._push(batch):
                    self._do(self._pump)
                return
        self._push(batch, last=True)

    def _push(self, batch: list[bytes], *, last: bool = False) -> bool:
        """Send a part of the replay, and after the last one the events that were held back.

        :return: whether the replay pauses until the buffer is empty. `on_writable` then continues it.
        """
        with self._lock:
            if batch and self._end is None:
                self._write(b"".join(batch))
            if not last:
                self._paused = bool(self._out) and self._out_bytes > REPLAY_BUFFER
                return self._paused
            self._replay = None
            held, self._held = self._held, None
            self._keepalive_at = time.monotonic() + self.interval
            for data in held or ():
                if self._end is None:
                    self._write(data)
            return False

    def _do(self, job: Job) -> None:
        """Run a job on the pool after all earlier ones."""
        with self._lock:
            if self._jobs is None:
                self._jobs = deque()
            self._jobs.append(job)
            if self._busy:
                return
            self._busy = True
        self._pool.submit(self._work)

    def _waiting(self) -> int:
        return len(self._jobs) if self._jobs else 0

    def _work(self) -> None:
        """Run the next job. Further jobs take turns with those of other connections."""
        with self._lock:
            assert self._jobs
            job = self._jobs.popleft()
        try:
            # If the server closes the connection, skip the client's messages. If the client closes it, process them.
            if self._end is None or self._theirs or job == self._leave:
                self._guard(job)
        finally:
            with self._lock:
                more = bool(self._jobs)
                if not more:
                    self._jobs, self._busy = None, False
            if more:
                self._pool.submit(self._work)

    def _guard(self, job: Job) -> None:
        try:
            job()
        except Closed as closed:
            self.end(closed.code, closed.reason)
        except Exception as error:
            known = self._handler.close_code(error)
            if known is None:
                logger.exception("%s failed.", self._handler.name)
                known = Closed(INTERNAL_ERROR, "Something went wrong on the server.")
            self.end(known.code, known.reason)

    def _leave(self) -> None:
        try:
            self._handler.closed()
        finally:
            self._replay = None
            self._on_gone(self)
