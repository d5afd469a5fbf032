"""An open connection, as the hub, the loop and its handler see it.

Any thread may write to it, and no write waits: what the system does not take at once is kept in a bounded buffer,
which the loop empties. What a client asks for is done by the connection's handler on the pool, in order.
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

#: Seconds without progress after which a client that does not read is cut off.
PATIENCE = 10.0
#: Seconds that a client has to hang up after the last byte was sent.
GOODBYE = 1.0
#: Bytes read at once: so few that no client holds up the others.
CHUNK = 16 * 1024
#: Bytes that may wait for a client that reads slowly.
MAX_BUFFER = 2 * 1024 * 1024
#: Bytes that wait before a replay pauses.
REPLAY_BUFFER = 256 * 1024
#: Seconds of a replay after which other connections get a turn on the pool.
REPLAY_TURN = 0.05
#: Bytes that a client may send in one second.
BYTES_PER_SECOND = 512 * 1024
#: Frames of a client that may wait to be handled, and their bytes: more than what it may send in a second.
MAX_WAITING = 100
MAX_WAITING_BYTES = 2 * BYTES_PER_SECOND

_numbers = itertools.count(1)


class Closed(Exception):
    """The connection has to end.

    :param code: of the close frame (RFC 6455, section 7.4), or of ours from 4000.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Handler(Protocol):
    """What a connection is for. Its methods are called on the pool, one after the other, and may wait."""

    @property
    def name(self) -> str:
        """What the log calls the connection."""

    def opened(self) -> None:
        """The handshake is over."""

    def received(self, raw: str | bytes) -> None:
        """A message came."""

    def closed(self) -> None:
        """The connection is gone; called once, whatever happened before."""

    def close_code(self, error: Exception) -> Closed | None:
        """How an error of the others ends the connection; nothing if it is one that nobody expected."""


class Connection:
    """A subscriber of the hub with a socket.

    :param sock: of its own, no longer the server's.
    :param encoder: makes what this side gets of an event.
    :param limit: frames that may wait to be sent.
    :param on_gone: called when all is over and the handler has cleaned up.
    :param on_release: called when it is done with a socket that its server still holds and will close.
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
        "_sign_at",
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

    #: Seconds between the signs of life that the server gives.
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
        #: Event types to send; all if nothing.
        self.wanted: frozenset[str] | None = None
        #: The only session to send of; all if nothing.
        self.session_id: str | None = None
        #: What tells other processes of it, and the lock of whoever is about to tell them.
        self.presence: Presence | None = None
        self.presence_lock = threading.Lock()
        #: The hash of the API key that let it in.
        self.key_hash: str | None = None
        #: Whom it counts for, against the bounds of `Sockets`.
        self.owners: tuple[str, ...] = ()
        self._handler: Handler
        self._loop = loop
        self._pool = pool
        self._limit = limit
        self._on_gone = on_gone
        self._lock = threading.Lock()
        # What waits for the system to take it, since when, and what waits for the end of a replay.
        self._out: deque[memoryview] | None = None
        self._out_bytes = 0
        self._moved_at = 0.0
        self._held: list[bytes] | None = []
        self._held_bytes = 0
        self._replay: Iterator[Frame] | None = None
        # Whether the replay goes on when everything that waits is sent.
        self._paused = False
        # What waits for the pool.
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
        self._sign_at = self.due = time.monotonic() + self.interval

    # --- For its handler and for those who look after all connections; from any thread ---

    def start(self, handler: Handler) -> None:
        """Have the loop serve it from now on.

        :raises RuntimeError: if no thread can be started. The connection is closed then.
        """
        self._handler = handler
        # Before the loop knows of it, which may find at once that the client has gone and then queues what cleans up.
        self._jobs, self._busy = deque([handler.opened]), True
        try:
            self._loop.call(self._enter)
        except RuntimeError:
            # The system lets this process start no further thread.
            self._gone, self._end = True, Closed(1006, "")
            self._let_go()
            self._on_gone(self)
            raise
        self._pool.submit(self._work)

    @property
    def is_ending(self) -> bool:
        """Whether it is to be closed."""
        return self._end is not None

    @property
    def expires_at(self) -> float | None:
        """When it ends by itself, by `time.monotonic`, if it does."""
        deadline = self._deadline
        return None if deadline is None else deadline[0]

    @property
    def stuck_for(self) -> float:
        """Seconds since the other side took anything while something waits, or since it is to hang up."""
        now = time.monotonic()
        ending_for = now - self._ended_at if self._end is not None else 0.0
        return max(ending_for, now - self._moved_at if self._out else 0.0)

    def wants(self, frame: Frame) -> bool:
        """Whether the client asked for such frames."""
        if self.wanted is not None and frame.type not in self.wanted:
            return False
        return self.session_id is None or frame.session_id in {None, self.session_id}

    def offer(self, encoded: Frame) -> None:
        """Send an event, after what is replayed. A client that reads too slowly is closed, and resumes."""
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
        """Send a frame before what is still held back."""
        self._send(frame.data)

    def replay(self, frames: Iterable[Frame]) -> None:
        """Send these frames, as fast as the client takes them, and then go on live; only for its handler."""
        self._replay = iter(frames)
        self._pump()

    def set_deadline(self, seconds: float | None, code: int = UNAUTHORIZED, reason: str = "") -> None:
        """Close it after a while, unless another deadline is set before; never if nothing."""
        self._deadline = None if seconds is None else (time.monotonic() + seconds, code, reason)
        if seconds is not None:
            self._loop.call(lambda: self._loop.schedule(self, time.monotonic() + seconds))

    def end(self, code: int, reason: str) -> None:
        """Close it: what waits is still sent, then the reason."""
        with self._lock:
            self._finish_with(code, reason)

    def abort(self) -> None:
        """Cut it off without a word."""
        with self._lock:
            if self._end is None:
                self._end, self._ended_at = Closed(1006, ""), time.monotonic()
        # Without this, a slow database could have the loop's thread started anew while the interpreter exits.
        if not self._gone:
            self._loop.call(self._give_up)

    # --- For the loop; only on its thread ---

    def on_readable(self) -> None:
        """Read what has come, a little of it."""
        while True:
            try:
                # OpenSSL lets no two threads use a connection at once, and another one may be about to send.
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
        """Send what waits."""
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
        """Close what is over, cut off what is dead, and give a sign of life."""
        if self._end is None:
            self._check_time(now)
        if self._end is None:
            return self._next_time(now)
        if now - self._ended_at >= (GOODBYE if self._shut else PATIENCE):
            self._give_up()
        return now + GOODBYE / 2

    def on_error(self) -> None:
        """Give up."""
        self._give_up()

    # --- What the kinds of connections do differently ---

    def _received(self, data: bytes) -> None:
        """Take bytes of the client."""

    def _goodbye(self, code: int, reason: str) -> bytes:
        """Make what says that the connection ends."""
        return b""

    def _sign_of_life(self) -> bytes | None:
        """Make what shows both sides that the connection lives; nothing if the other one is dead."""
        raise NotImplementedError

    # --- Within ---

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
        """Send bytes, unless the connection ends: nothing may follow a close frame."""
        with self._lock:
            if self._end is None:
                self._write(data)

    def _write(self, data: bytes) -> None:
        """Send, or keep for later. The lock is held."""
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
            self._loop.schedule(self, self._moved_at + PATIENCE)

    def _too_slow(self) -> None:
        if self._out:
            # The first may have been sent in part, and the rest of it has to follow.
            self._out = deque([self._out[0]])
            self._out_bytes = len(self._out[0])
        self._finish_with(TOO_SLOW, "Too slow. Reconnect with the last cursor.")

    def _finish_with(self, code: int, reason: str) -> None:
        """Begin the end. The lock is held."""
        if self._end is not None:
            return
        self._end, self._ended_at = Closed(code, reason), time.monotonic()
        self._held = None
        if data := self._goodbye(code, reason):
            self._write(data)
        self._loop.call(self._see_off)

    def _break(self) -> None:
        """The line is gone. The lock is held."""
        self._out = None
        if self._end is None:
            # What the client sent before it went still counts.
            self._end, self._ended_at, self._theirs = Closed(1006, ""), time.monotonic(), True
        self._loop.call(self._give_up)

    def _see_off(self) -> None:
        """Hang up once everything is sent, and wait for the other side: to close with unread bytes loses the last."""
        if self._gone or not self._loop.serves(self):
            return
        now = time.monotonic()
        if self._out:
            self._loop.schedule(self, now + PATIENCE)
        elif not self._shut:
            self._shut = True
            self._ended_at = now
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)
            self._loop.schedule(self, now + GOODBYE)

    def _check_time(self, now: float) -> None:
        if self._out and now - self._moved_at >= PATIENCE:
            self._give_up()
        elif (deadline := self._deadline) is not None and now >= deadline[0]:
            self.end(deadline[1], deadline[2])

    def _next_time(self, now: float) -> float:
        """Give a sign of life where one is due.

        :return: when to look again.
        """
        if self._held is not None:
            # Until it is live, others see to it that it does not stay for ever.
            self._sign_at = now + self.interval
        if now >= self._sign_at and not self._out:
            sign = self._sign_of_life()
            if sign is None:
                self._give_up()
                return now
            self._sign_at = now + self.interval
            self._send(sign)
        due = self._moved_at + PATIENCE if self._out else self._sign_at
        deadline = self._deadline
        return min(due, deadline[0]) if deadline is not None else due

    def _count_bytes(self, size: int) -> None:
        """Bound what a client sends in a second; one that goes on while it is being closed is cut off."""
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
        """Begin to count anew."""

    def _give_up(self) -> None:
        """Close the socket, and have the handler clean up."""
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
        """Close the socket, or leave that to the server that still holds it."""
        with contextlib.suppress(OSError):
            # A forked process may have the socket, too: closing ours alone would not end the line.
            self.sock.shutdown(socket.SHUT_RDWR)
        if self._on_release is not None:
            self._on_release()
        else:
            self.sock.close()

    def _pump(self) -> None:
        """Send more of the replay, until it is over, the client has to catch up, or others have waited long enough."""
        if self._replay is None:
            # The connection ended meanwhile.
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
        """Send a part of the replay; after the last one, what was held back.

        :return: whether the rest has to wait for the client. `on_writable` then goes on with it.
        """
        with self._lock:
            if batch and self._end is None:
                self._write(b"".join(batch))
            if not last:
                self._paused = bool(self._out) and self._out_bytes > REPLAY_BUFFER
                return self._paused
            self._replay = None
            held, self._held = self._held, None
            self._sign_at = time.monotonic() + self.interval
            for data in held or ():
                if self._end is None:
                    self._write(data)
            return False

    def _do(self, job: Job) -> None:
        """Run a job on the pool, after those before it."""
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
        """Run one of the jobs that wait. The next one waits for its turn among those of other connections."""
        with self._lock:
            assert self._jobs
            job = self._jobs.popleft()
        try:
            # Once it is decided how it ends, nothing more is done for the client; its own goodbye comes after the rest.
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
