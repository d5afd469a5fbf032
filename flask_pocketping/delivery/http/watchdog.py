"""Deadlines of requests: one thread of each process shuts down connections whose time is over.

A socket timeout restarts with each received byte, and resolving a name has no timeout. So `adapter.py` uses one
`Deadline` for the whole request.
"""

from __future__ import annotations

import contextlib
import heapq
import socket
import threading
import time
from collections.abc import Callable

from ...host.forks import begin_anew_after_fork

#: Seconds between checks for remaining alarms. Without any, the thread ends.
CHECK_INTERVAL = 0.1


class Alarm:
    """An action that runs at a moment of the monotonic clock, unless it is cancelled."""

    __slots__ = ("action", "moment")

    def __init__(self, moment: float, action: Callable[[], None]) -> None:
        self.moment = moment
        self.action: Callable[[], None] | None = action

    def __lt__(self, other: Alarm) -> bool:
        return self.moment < other.moment


class Watchdog:
    """Runs alarms in a thread that starts with the first one."""

    def __init__(self) -> None:
        self._begin()
        begin_anew_after_fork(self, Watchdog._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[Alarm] = []
        self._active = 0
        self._thread: threading.Thread | None = None

    def set(self, moment: float, action: Callable[[], None]) -> Alarm:
        """Schedule an action.

        :param moment: the `time.monotonic` at which it runs.
        :param action: must neither block nor raise. No other alarm can be set or cancelled while it runs.
        """
        alarm = Alarm(moment, action)
        with self._changed:
            heapq.heappush(self._alarms, alarm)
            self._active += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="pocketping-watchdog", daemon=True)
                self._thread.start()
            elif self._alarms[0] is alarm:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Cancel an alarm. After this returns, its action neither runs nor will run."""
        with self._changed:
            if alarm.action is not None:
                # It stays in the heap until it is the first, because searching for it would cost more.
                alarm.action = None
                self._active -= 1

    def _watch(self) -> None:
        with self._changed:
            while True:
                while self._alarms and self._alarms[0].moment <= time.monotonic():
                    self._run(heapq.heappop(self._alarms))
                seconds = self._alarms[0].moment - time.monotonic() if self._alarms else CHECK_INTERVAL
                if not self._changed.wait(min(seconds, CHECK_INTERVAL)) and not self._active:
                    self._alarms.clear()
                    self._thread = None
                    return

    def _run(self, alarm: Alarm) -> None:
        action, alarm.action = alarm.action, None
        if action is not None:
            self._active -= 1
            action()


watchdog = Watchdog()


class Deadline:
    """The moment at which a request must be finished.

    :param seconds: the time from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()
        self._alarm: Alarm | None = None

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._start

    def has_passed(self) -> bool:
        """Return whether the time is over."""
        return self.elapsed() >= self.seconds

    def remaining(self) -> float:
        """Return the remaining seconds.

        :raises TimeoutError: if there are none.
        """
        remaining = self.seconds - self.elapsed()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def watch(self, sock: socket.socket) -> None:
        """Shut down a connection at the deadline, which ends all blocking calls on it.

        Call `remaining` after each read, because a connection that was shut down can look like the end of a response.

        :param sock: the socket, which must stay open until `release`.
        """
        self.release()
        self._alarm = watchdog.set(self._start + self.seconds, lambda: _shut_down(sock))

    def release(self) -> None:
        """Stop watching the connection."""
        if self._alarm is not None:
            watchdog.cancel(self._alarm)
            self._alarm = None


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
