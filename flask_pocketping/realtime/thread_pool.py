"""A few threads for work that would block the event loop: work that waits for a database, a lock or the network."""

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
    """Runs jobs on daemon threads, which start on demand and end when they are idle.

    The standard library's executor never ends idle threads. At the interpreter's exit, it refuses new jobs, but open
    connections need jobs then to clean up.

    :param size: the maximum number of threads.
    :param linger: seconds that an idle thread waits for another job.
    """

    _threads: set[threading.Thread]

    def __init__(self, size: int = 4, linger: float = 2.0) -> None:
        self._size = size
        self._linger = linger
        self._begin()
        begin_anew_after_fork(self, Pool._begin)

    def submit(self, job: Job) -> None:
        """Run a job soon on a thread of the pool. If no thread can be started, run it now."""
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
            # The interpreter exits, or this process has reached its limit of threads.
            with self._changed:
                self._threads.discard(thread)
                if self._threads:
                    # One of the others runs the job.
                    return
            self._run_rest()

    def close(self, timeout: float = 5.0) -> None:
        """Finish the queued jobs and end the threads.

        :param timeout: seconds to wait for all threads.
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

        :return: the job, or `None` if the thread must end.
        """
        with self._changed:
            if not self._jobs and me in self._threads:
                self._idle += 1
                self._changed.wait(self._linger)
                self._idle -= 1
            if not self._jobs:
                # While the lock is held, so that `submit` does not rely on a thread that ends.
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
        # Code of the host may raise a BaseException, for example gevent's Timeout. The jobs of others must still run.
        logger.exception("A background job of a connection failed.")
