"""Tests the event loop and the pool alone: they start, end and restart, and errors do not end them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from flask_pocketping.realtime.connection import Connection
from flask_pocketping.realtime.event_loop import TICK, Loop
from flask_pocketping.realtime.open_connections import Sockets
from flask_pocketping.realtime.thread_pool import Pool

from ..support.servers import wait_until


def runs(call: Callable[[Callable[[], None]], None]) -> bool:
    """Whether a function that is handed over there is run."""
    done = threading.Event()
    call(done.set)
    return done.wait(20)


def test_a_call_while_the_thread_ends_starts_a_new_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_pocketping.realtime.event_loop.LINGER", 0.0)
    loop = Loop()

    def call_often() -> bool:
        return all(runs(loop.call) for _ in range(500))

    with ThreadPoolExecutor(4) as executor:
        assert all(made.result(60) for made in [executor.submit(call_often) for _ in range(4)])
    loop.close()


class Refusing(threading.Thread):
    """What `threading.Thread` is where the system starts no further one."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_a_loop_retries_to_start_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", Refusing)
        with pytest.raises(RuntimeError):
            loop.call(lambda: None)
    assert runs(loop.call)
    loop.close()


def test_a_socket_that_fails_in_every_way_does_not_end_the_loop() -> None:
    class Failing:
        number, due = 1, 0.0

        def on_time(self, now: float) -> float:
            raise ValueError("first")

        def on_error(self) -> None:
            raise ValueError("second")

    loop = Loop()
    member: Any = Failing()
    assert runs(loop.call)
    loop._members[1] = member
    loop.call(lambda: loop._due.append((0.0, 1)))
    assert runs(loop.call)
    assert runs(loop.call)
    loop._members.clear()
    loop.close()


def test_sockets_due_at_nearly_the_same_time_are_served_together() -> None:
    """To wake up for each of many sockets would cost more than what there is to do."""
    called_at: dict[int, float] = {}

    class Timed:
        def __init__(self, number: int, due: float) -> None:
            self.number, self.due = number, due
            self.sock, self._other_end = socket.socketpair()

        def on_time(self, now: float) -> float:
            called_at[self.number] = now
            return now + 3600

        def close(self) -> None:
            self.sock.close()
            self._other_end.close()

    loop = Loop()
    tick = (time.monotonic() // TICK + 2) * TICK
    members: list[Any] = [Timed(number, tick + share * TICK) for number, share in enumerate((0.1, 0.5, 0.9))]

    def add_all() -> None:
        for member in members:
            loop.add(member)

    loop.call(add_all)
    wait_until(lambda: len(called_at) == 3, "all are called", 20, lambda: called_at)
    assert len(set(called_at.values())) == 1
    assert min(called_at.values()) >= tick + 0.9 * TICK
    for member in members:
        loop.call(partial(loop.remove, member))
    assert runs(loop.call)
    loop.close()
    for member in members:
        member.close()


def test_a_job_that_ends_its_thread_makes_room_for_a_new_thread() -> None:
    pool = Pool(size=1)

    def leave() -> None:
        raise SystemExit

    pool.submit(leave)
    assert runs(pool.submit)
    pool.close()


def test_a_pool_that_cannot_start_a_thread_uses_its_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever submits must not wait: it may be the event loop."""
    pool = Pool()
    go, done = threading.Event(), threading.Event()
    names: list[str] = []

    def note() -> None:
        names.append(threading.current_thread().name)
        done.set()

    def hang() -> None:
        go.wait(60)

    pool.submit(hang)
    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", Refusing)
        pool.submit(note)
    go.set()
    assert done.wait(20)
    assert names == ["pocketping-socket"]
    pool.close()


def test_a_pool_without_threads_runs_jobs_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", Refusing)
    assert runs(Pool().submit)


def test_closing_a_pool_does_not_wait_for_hanging_jobs() -> None:
    size = 20
    pool = Pool(size)
    go = threading.Event()

    def hang() -> None:
        go.wait(60)

    for _ in range(size):
        pool.submit(hang)
    began = time.monotonic()
    pool.close(1.0)
    took = time.monotonic() - began
    go.set()
    assert took < size / 2, "the time is for all of them, not for each"


def test_a_forked_process_starts_without_threads_and_sockets() -> None:
    sockets = Sockets(100)
    assert runs(sockets.loop.call)
    assert runs(sockets.pool.submit)
    theirs: Any = object.__new__(Connection)
    theirs.owners = ()
    sockets.add(theirs, ("somebody",))
    with sockets.loop._lock, sockets.pool._changed, sockets._lock:
        # What other threads hold at this moment is never given back in the new process.
        pid = os.fork()
        if pid == 0:
            try:
                fresh = not sockets.all() and not sockets._counts
                os._exit(0 if fresh and runs(sockets.loop.call) and runs(sockets.pool.submit) else 1)
            finally:
                os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert sockets.all() == [theirs]
    sockets.remove(theirs)
    sockets.close_all()
