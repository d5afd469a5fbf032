"""The event loop that serves all open sockets of one app in one process, on a single thread.

With gevent's monkey patch, the thread is a greenlet and the selector is gevent's. This is not asyncio, because a
running asyncio loop in gevent's only system thread would break the host's async views.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import math
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ..host.forks import begin_anew_after_fork

logger = logging.getLogger("flask_pocketping")

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
#: Seconds until the thread ends after the last socket was closed.
LINGER = 2.0
#: The maximum duration of one wait in seconds.
LONGEST = 3600.0
#: Seconds by which `on_time` may be late. Sockets that are due within that time are served together, because waking up
#: for each one would cost more than serving it. This is a power of two, so that divisions are exact.
TICK = 0.125


class Member(Protocol):
    """What the loop needs of a socket. It calls these methods on its thread, so they must not block."""

    #: The `time.monotonic` of the next call of `on_time`. The loop updates it.
    due: float
    #: The key of the socket in the loop.
    number: int

    @property
    def sock(self) -> Any: ...

    def on_readable(self) -> None:
        """Read received bytes."""

    def on_writable(self) -> None:
        """Send buffered bytes."""

    def on_time(self, now: float) -> float:
        """Do the work that is due.

        :param now: the current `time.monotonic`.
        :return: the time of the next call.
        """

    def on_error(self) -> None:
        """Close the socket, because another method raised an error."""


class Loop:
    """Waits for sockets and times. Its thread starts with the first socket and ends after the last one."""

    _woken: bool
    _stopping: bool

    def __init__(self) -> None:
        self._begin()
        begin_anew_after_fork(self, Loop._begin)

    def call(self, function: Callable[[], None]) -> None:
        """Run a function on the loop's thread soon. Any thread may call this.

        :raises RuntimeError: if the thread can't be started. The function is not run then.
        """
        with self._lock:
            if self._thread is None:
                self._start()
                self._calls.append(function)
                self._wake()
                return
            self._calls.append(function)
            if not self._woken:
                self._woken = True
                self._wake()

    def add(self, member: Member) -> None:
        """Start serving a socket. Call this only on the loop's thread.

        :raises OSError: if the system can't watch another socket.
        :raises ValueError: if the socket is closed. This can also be a KeyError.
        """
        self._selector.register(member.sock, READ, member)
        self._members[member.number] = member
        heapq.heappush(self._due, (member.due, member.number))

    def serves(self, member: Member) -> bool:
        """Return whether a socket was added and not removed."""
        return member.number in self._members

    def schedule(self, member: Member, due: float) -> None:
        """Call `on_time` of a socket at a time, or earlier if it is due then. Call this only on the loop's thread."""
        if due < member.due and member.number in self._members:
            member.due = due
            heapq.heappush(self._due, (due, member.number))

    def watch(self, member: Member, *, writing: bool) -> None:
        """Start or stop waiting until a socket is writable. Call this only on the loop's thread."""
        self._selector.modify(member.sock, READ | WRITE if writing else READ, member)

    def remove(self, member: Member) -> None:
        """Stop serving a socket, before it is closed. Call this only on the loop's thread."""
        if self._members.pop(member.number, None) is not None:
            self._selector.unregister(member.sock)

    def close(self, timeout: float = 5.0) -> None:
        """End the thread. Sockets that are still open stay open, but are not served.

        :param timeout: seconds to wait for the thread.
        """
        with self._lock:
            thread = self._thread
            self._stopping = thread is not None
            if thread is not None:
                self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self._members: dict[int, Member] = {}
        self._due: list[tuple[float, int]] = []
        self._woken = self._stopping = False

    def _start(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._waker, self._alarm = socket.socketpair()
        for end in (self._waker, self._alarm):
            end.setblocking(False)
        self._selector.register(self._alarm, READ, None)
        self._woken = self._stopping = False
        thread = threading.Thread(target=self._run, name="pocketping-loop", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._close_files()
            raise
        self._thread = thread

    def _wake(self) -> None:
        # If the buffer is full, the thread will wake up anyway.
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def _run(self) -> None:
        idle_since = time.monotonic()
        while True:
            for key, events in self._selector.select(self._wait(idle_since)):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        self._alarm.recv(4096)
                else:
                    self._serve(key.data, events)
            self._woken = False
            self._run_calls()
            now = time.monotonic()
            self._run_due(now)
            if self._members:
                idle_since = now
            if (self._stopping or now - idle_since >= LINGER) and self._end():
                return
            # This lets other greenlets run with gevent, and costs almost nothing otherwise.
            time.sleep(0)

    def _wait(self, idle_since: float) -> float:
        if self._calls:
            return 0.0
        if not self._members:
            until = idle_since + LINGER
        elif self._due:
            until = math.ceil(self._due[0][0] / TICK) * TICK
        else:
            return LONGEST
        return max(0.0, min(until - time.monotonic(), LONGEST))

    def _serve(self, member: Member, events: int) -> None:
        try:
            if events & WRITE:
                member.on_writable()
            if events & READ:
                member.on_readable()
        except Exception:
            self._give_up(member)

    def _give_up(self, member: Member) -> None:
        """Close a socket that raised an error. The error must not end the thread, which serves other sockets too."""
        logger.exception("A socket could not be served.")
        try:
            member.on_error()
        except Exception:
            logger.exception("A socket could not be closed after an error.")

    def _run_calls(self) -> None:
        for _ in range(len(self._calls)):
            function = self._calls.popleft()
            try:
                function()
            except Exception:
                logger.exception("A call of the event loop failed.")

    def _run_due(self, now: float) -> None:
        last = now // TICK * TICK
        while self._due and self._due[0][0] <= last:
            due, number = heapq.heappop(self._due)
            member = self._members.get(number)
            if member is None or member.due != due:
                # The socket is closed, or was scheduled for an earlier time.
                continue
            try:
                member.due = member.on_time(now)
            except Exception:
                self._give_up(member)
            else:
                if number in self._members:
                    heapq.heappush(self._due, (member.due, number))

    def _end(self) -> bool:
        with self._lock:
            if self._calls:
                return False
            self._thread = None
            self._members.clear()
            self._due.clear()
            # While the lock is held, because the next call opens new files.
            self._close_files()
        return True

    def _close_files(self) -> None:
        self._selector.close()
        self._waker.close()
        self._alarm.close()
