"""Tests how attempts that end together are recorded, and the threads that make them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine

from flask_pocketping.db import Database
from flask_pocketping.delivery.batch import Batch, Job
from flask_pocketping.delivery.recorder import Finished, Recorded, Recorder
from flask_pocketping.delivery.target import Outcome
from flask_pocketping.delivery.threads import ThreadPool

from ..support.servers import wait_until

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
NOWHERE = Database(lambda: create_engine("sqlite://"))


def finished(number: int) -> Finished:
    job = Job(number, "proj_default", "webhook", "wh_1", "", 1, None, "{}")
    return Finished(Batch([job], None, db=NOWHERE, owner="tests"), Outcome(ok=True), MOMENT)


def in_threads(count: int, work: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, count + 1)]
    for thread in threads:
        thread.start()
    return threads


def test_attempts_that_end_during_a_write_share_the_next_transaction() -> None:
    written: list[list[int]] = []
    first, proceed = threading.Event(), threading.Event()

    def settle(batch: Sequence[Finished]) -> list[Recorded]:
        written.append([attempt.batch.first.id for attempt in batch])
        first.set()
        proceed.wait(5)
        return [Recorded(attempt.batch.first.id != 3, None) for attempt in batch]

    recorder = Recorder(settle)
    results: dict[int, bool] = {}

    def record(number: int) -> None:
        results[number] = recorder.record(finished(number)).held

    [leader] = in_threads(1, lambda _: record(9))
    assert first.wait(5)
    others = in_threads(4, record)
    wait_until(lambda: len(recorder._waiting) == 4, "four that wait")
    proceed.set()
    for thread in (leader, *others):
        thread.join(5)
    assert written == [[9], [1, 2, 3, 4]]
    assert results == {9: True, 1: True, 2: True, 3: False, 4: True}


def test_an_attempt_that_cannot_be_recorded_does_not_affect_others() -> None:
    first, proceed = threading.Event(), threading.Event()

    def settle(batch: Sequence[Finished]) -> list[Recorded]:
        first.set()
        proceed.wait(5)
        if any(attempt.batch.first.id == 2 for attempt in batch):
            raise ValueError("a fault of its target")
        return [Recorded(True, None) for _ in batch]

    recorder = Recorder(settle)
    results: dict[int, object] = {}

    def record(number: int) -> None:
        try:
            results[number] = recorder.record(finished(number)).held
        except ValueError as error:
            results[number] = str(error)

    [leader] = in_threads(1, lambda _: record(9))
    assert first.wait(5)
    others = in_threads(3, record)
    wait_until(lambda: len(recorder._waiting) == 3, "three that wait")
    proceed.set()
    for thread in (leader, *others):
        thread.join(5)
    assert results == {9: True, 1: True, 2: "a fault of its target", 3: True}


def test_an_error_of_a_single_attempt_is_raised() -> None:
    def settle(batch: Sequence[Finished]) -> list[Recorded]:
        raise ValueError("a fault of its target")

    with pytest.raises(ValueError, match="a fault of its target"):
        Recorder(settle).record(finished(1))


def test_threads_are_reused_and_no_task_waits_for_another() -> None:
    pool = ThreadPool("test-pool")
    names: list[int] = []
    hold = threading.Event()

    def note() -> None:
        names.append(threading.get_ident())

    def hang() -> None:
        hold.wait(5)

    for count in range(1, 6):
        pool.run(note)
        wait_until(lambda count=count: len(names) == count and pool._idle == 1, "a thread that is free")  # type: ignore[misc]
    assert len(set(names)) == 1
    for _ in range(4):
        pool.run(hang)
    pool.run(note)
    wait_until(lambda: len(names) == 6, "a task beside four that hang")
    hold.set()
    pool.close()
