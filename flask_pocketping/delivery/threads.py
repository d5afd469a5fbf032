"""Threads that make attempts: started when they are needed, and used again by the worker."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

#: Seconds after which a thread without work ends.
IDLE = 0.5


class ThreadPool:
    """Runs tasks in threads, each task at once: as many threads as there are tasks.

    :param name: of the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._tasks: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._closing = False

    def run(self, task: Callable[[], None]) -> None:
        """Run a task, which must not raise, in a thread.

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
        """End the threads that have nothing to do, and the others when they are done."""
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
