"""A few threads for what the event loop must not do itself: whatever waits for a database, a lock or the network."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from ..host.forks import begin_anew_after_fork

logger = logging.getLogger("flask_pocketping")

Job = Callable[[], None]


class Pool:
    """Runs jobs on daemon threads, which start when there is work and end after a while without any.

    The standard library's executor keeps its threads for good and, at the interpreter's exit, refuses the jobs with
    which open sockets are given up.

    :param size: how many threads there may be.
    :param linger: seconds that a thread waits for a further job.
    """

    _threads: set[threading.Thread]

    def __init__(self, size: int = 4, linger: float = 2.0) -> None:
        self._size = size
        self._linger = linger
        self._begin()
        begin_anew_after_fork(self, Pool._begin)

    def submit(self, job: Job) -> None:
        """Run a job soon, on another thread where one can be started."""
        with self._changed:
            self._jobs.append(job)
            if self._idle >= len(self._jobs) or len(self._threads) >= self._size:
                self._changed.notify()
                return
            thread = threading.Thread(target=self._work, name="pocketping-socket", daemon=True)
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter exits and starts no threads any more, or the system has no more for this process.
            with self._changed:
                self._threads.discard(thread)
                if self._threads:
                    # Another one does it.
                    return
            self._run_rest()

    def close(self, timeout: float = 5.0) -> None:
        """Finish the jobs that wait, and end the threads.

        :param timeout: seconds to wait for all of them.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            threads, self._threads = self._threads, set()
            self._changed.notify_all()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._threads = set()
        self._idle = 0

    def _work(self) -> None:
        me = threading.current_thread()
        while (job := self._next_job(me)) is not None:
            _run(job)

    def _next_job(self, me: threading.Thread) -> Job | None:
        """Wait for a job.

        :return: nothing if the thread is to end.
        """
        with self._changed:
            if not self._jobs and me in self._threads:
                self._idle += 1
                self._changed.wait(self._linger)
                self._idle -= 1
            if not self._jobs:
                # With the lock held, so that nobody counts on this thread any more.
                self._threads.discard(me)
                return None
            return self._jobs.popleft()

    def _run_rest(self) -> None:
        while self._jobs:
            _run(self._jobs.popleft())


def _run(job: Job) -> None:
    try:
        job()
    except BaseException:
        # A host's code may raise what is no Exception, as gevent's time-outs; the jobs after it are others'.
        logger.exception("Work for a socket failed.")
