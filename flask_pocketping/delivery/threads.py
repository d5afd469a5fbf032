"""Threads that make attempts. They start on demand, and the worker reuses them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

#: Seconds after which an idle thread ends.
IDLE = 0.5


class ThreadPool:
    """Runs each task immediately in a thread, with as many threads as tasks.

    :param name: the name of the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._closing = False

    def run(self, task: Callable[[], None]) -> None:
        """Run a task in a thread. It must not raise an error.

        :raises RuntimeError: if no thread can be started.
        """
        with self._changed:
            self._tasks.append(task)
            if self._idle >= len(self._tasks):
                self._changed.notify()
                return
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:
            with self._changed:
                if task not in self._tasks:
                    return
                self._tasks.remove(task)
            raise

    def close(self) -> None:
        """End idle threads now, and the others when they have finished."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._tasks or self._closing, IDLE)
                self._idle -= 1
                if not self._tasks:
                    return
                task = self._tasks.popleft()
            task()
