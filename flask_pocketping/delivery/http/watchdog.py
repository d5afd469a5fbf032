"""Deadlines of requests: one thread in each process ends every connection whose time is over.

A timeout of a socket begins anew with each byte that arrives, and resolving a name takes none at all; so `adapter.py`
counts the whole request against one `Deadline`.
"""

from __future__ import annotations

import contextlib
import heapq
import socket
import threading
import time
from collections.abc import Callable

from ...host.forks import begin_anew_after_fork

#: Seconds between looks whether there is any alarm left; without one the thread ends.
LOOK = 0.1


class Alarm:
    """Something to do at a moment of the monotonic clock, unless it is cancelled before."""

    __slots__ = ("action", "moment")

    def __init__(self, moment: float, action: Callable[[], None]) -> None:
        self.moment = moment
        self.action: Callable[[], None] | None = action

    def __lt__(self, other: Alarm) -> bool:
        return self.moment < other.moment


class Watchdog:
    """Runs alarms in a thread that starts with the first of them."""

    def __init__(self) -> None:
        self._begin()
        begin_anew_after_fork(self, Watchdog._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._alarms: list[Alarm] = []
        self._active = 0
        self._thread: threading.Thread | None = None

    def set(self, moment: float, action: Callable[[], None]) -> Alarm:
        """Have an action run at a moment.

        :param moment: seconds of `time.monotonic`.
        :param action: must neither block nor raise; no other alarm is set or cancelled while it runs.
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
        """Forget an alarm: afterwards its action neither runs nor will run."""
        with self._changed:
            if alarm.action is not None:
                # It stays in the heap until it comes first, which costs less than to look for it.
                alarm.action = None
                self._active -= 1

    def _watch(self) -> None:
        with self._changed:
            while True:
                while self._alarms and self._alarms[0].moment <= time.monotonic():
                    self._run(heapq.heappop(self._alarms))
                seconds = self._alarms[0].moment - time.monotonic() if self._alarms else LOOK
                if not self._changed.wait(min(seconds, LOOK)) and not self._active:
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
    """The moment at which a request must be over.

    :param seconds: counted from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()
        self._alarm: Alarm | None = None

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def has_passed(self) -> bool:
        """Whether the time is over."""
        return self.elapsed() >= self.seconds

    def remaining(self) -> float:
        """Seconds until the end.

        :raises TimeoutError: if there are none.
        """
        remaining = self.seconds - self.elapsed()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def watch(self, sock: socket.socket) -> None:
        """Have a connection shut down at the end, which ends whatever waits for it.

        Ask for `remaining` after each read: what was cut off can look like the end of an answer.

        :param sock: must stay open until `release`.
        """
        self.release()
        self._alarm = watchdog.set(self._start + self.seconds, lambda: _shut_down(sock))

    def release(self) -> None:
        """Let the connection be."""
        if self._alarm is not None:
            watchdog.cancel(self._alarm)
            self._alarm = None


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
