"""Tests strict order: in a conversation, no delivery overtakes an earlier one, even if that one fails."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, event, func, insert, select

from flask_pocketping import clock
from flask_pocketping.chat import deliveries as all_deliveries
from flask_pocketping.chat import messages, sessions
from flask_pocketping.db import Database
from flask_pocketping.delivery import leases
from flask_pocketping.delivery.target import Outcome, Pace
from flask_pocketping.outbox import deliveries, new_delivery
from flask_pocketping.values import DeliveryState

from ..support.recording import Line, Recorder
from ..support.servers import make_app
from ..support.travel import Travel


@pytest.fixture
def line(any_database: str, tmp_path: Path) -> Iterator[Line]:
    state = make_app(tmp_path, any_database, worker="off").extensions["pocketping"]
    yield Line(state.db, Recorder())
    state.runtime.close()


@pytest.fixture
def sqlite_line(sqlite: str, tmp_path: Path) -> Iterator[Line]:
    state = make_app(tmp_path, sqlite, worker="off").extensions["pocketping"]
    yield Line(state.db, Recorder())
    state.runtime.close()


def say(db: Database, session_id: str, *contents: str) -> None:
    for content in contents:
        messages.send_message(db, session_id, content)


def shown(db: Database) -> list[tuple[str, bool]]:
    """State of all deliveries, oldest first, and whether each waits for another."""
    page = all_deliveries.list_deliveries(db, limit=100)
    return [(str(delivery.state), delivery.waits) for delivery in reversed(page.deliveries)]


def test_a_failed_delivery_blocks_later_ones_of_its_conversation_only(line: Line, travel: Travel) -> None:
    first, second = sessions.open_session(line.db).id, sessions.open_session(line.db).id
    say(line.db, first, "1", "2", "3")
    say(line.db, second, "a", "b")
    line.target.outcomes = [Outcome.retry("away")]
    line.deliver()
    assert line.target.contents == ["1", "a", "b"]
    assert shown(line.db)[:3] == [("pending", False), ("pending", True), ("pending", True)]
    say(line.db, first, "4")
    assert line.deliver() == 0
    travel.forward(seconds=7)
    line.deliver()
    assert line.target.contents[3:] == ["1", "2", "3", "4"]
    assert {state for state, _ in shown(line.db)} == {"succeeded"}


def test_giving_up_a_delivery_releases_the_next_one(line: Line) -> None:
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2", "3")
    line.target.outcomes = [Outcome.failed("too long"), Outcome.maybe("no answer came")]
    line.deliver()
    assert line.target.contents == ["1", "2", "3"]
    assert [state for state, _ in shown(line.db)] == ["failed", "failed", "succeeded"]
    assert line.target.given == [["1"], ["2"]]
    found = reversed(all_deliveries.list_deliveries(line.db).deliveries)
    assert [delivery.uncertain for delivery in found] == [False, True, False]


def test_the_delays_of_the_target_decide_when_a_delivery_is_given_up(line: Line, travel: Travel) -> None:
    line.target.delays = (0, 10)
    line.target.answer = lambda batch: Outcome.retry("away")
    say(line.db, sessions.open_session(line.db).id, "1", "2")
    line.deliver()
    travel.forward(seconds=13)
    line.deliver()
    assert line.target.contents == ["1", "1", "2"]
    assert line.target.given == [["1"]]


def test_cancelling_a_delivery_in_the_middle_keeps_the_order(line: Line, travel: Travel) -> None:
    say(line.db, sessions.open_session(line.db).id, "1", "2", "3")
    line.target.outcomes = [Outcome.retry("away")]
    line.deliver()
    middle = all_deliveries.list_deliveries(line.db).deliveries[1]
    assert all_deliveries.cancel_delivery(line.db, middle.id).state is DeliveryState.CANCELLED
    assert line.deliver() == 0, "the third waits for the first now"
    travel.forward(seconds=7)
    line.deliver()
    assert line.target.contents == ["1", "1", "3"]


def test_cancelling_the_first_delivery_releases_the_next_one(line: Line) -> None:
    say(line.db, sessions.open_session(line.db).id, "1", "2")
    first = all_deliveries.list_deliveries(line.db).deliveries[-1]
    all_deliveries.cancel_delivery(line.db, first.id)
    line.deliver()
    assert line.target.contents == ["2"]


def test_an_expired_lease_is_taken_over_as_uncertain(line: Line, travel: Travel) -> None:
    say(line.db, sessions.open_session(line.db).id, "1", "2")
    [lost] = line.another()._claimer.claim(limit=1)
    assert line.deliver() == 0
    travel.forward(seconds=11)
    line.deliver()
    assert [(sent.contents, sent.attempt, sent.uncertain) for sent in line.target.sent] == [
        (["1"], 2, True),
        (["2"], 1, False),
    ]
    now = clock.now()
    with line.db.transaction() as tx:
        assert leases.settle(tx, line.target, lost, Outcome.retry("late"), now, now) is None


def test_messages_written_during_settling_are_delivered_once_in_order(line: Line) -> None:
    """Whoever finishes the last of a row and whoever adds one behind it meet at that row."""
    session_ids = [sessions.open_session(line.db).id for _ in range(2)]
    writing = threading.Event()

    def write(session_id: str) -> None:
        for number in range(25):
            say(line.db, session_id, f"{number}")

    writers = [threading.Thread(target=write, args=(session_id,)) for session_id in session_ids]

    def work() -> None:
        worker = line.another()
        while not writing.is_set():
            worker.drain()
        worker.drain()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for thread in [*writers, *workers]:
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in workers:
        thread.join()
    line.deliver()
    for session_id in session_ids:
        sent = [content for one in line.target.sent if one.subject == session_id for content in one.contents]
        assert sent == [str(number) for number in range(25)]
    assert {state for state, _ in shown(line.db)} == {"succeeded"}


def test_a_delivery_waiting_for_a_deleted_row_is_released(line: Line) -> None:
    say(line.db, sessions.open_session(line.db).id, "1", "2", "3")
    with line.db.transaction() as tx:
        first = tx.execute(select(func.min(deliveries.c.id))).scalar_one()
        tx.execute(delete(deliveries).where(deliveries.c.id == first))
    assert line.deliver() == 0
    leases.release_orphans(line.db)
    line.deliver()
    assert line.target.contents == ["2", "3"]


@pytest.mark.parametrize("paced", [False, True], ids=["behind a failed one", "behind a pace"])
def test_a_poll_costs_as_little_with_a_long_backlog_as_with_a_short_one(
    sqlite_line: Line, travel: Travel, paced: bool
) -> None:
    line = sqlite_line
    line.target.pace = [Pace("group", 1, 60)] if paced else []
    session_id = sessions.open_session(line.db).id
    line.target.outcomes = [Outcome.retry("away", after=3600)]
    say(line.db, session_id, "1")
    line.deliver()

    def wait(count: int) -> None:
        with line.db.transaction() as tx:
            last = tx.execute(select(func.max(deliveries.c.id))).scalar_one()
            row = new_delivery("proj_default", "recorder", "", session_id, clock.now())
            rows = [
                row | {"waits_for": 0 if paced else last + number, "subject": f"{number}"} for number in range(count)
            ]
            tx.execute(insert(deliveries), rows)

    wait(20)
    assert line.deliver() == 0
    short = instructions(line.db, line.deliver)
    wait(3000)
    # Those that wait for a pace are dated to their turns, once.
    travel.forward(minutes=2)
    line.target.outcomes = [Outcome.throttled(7200, holds=["group"])]
    line.deliver()
    assert instructions(line.db, line.deliver) < short + 3, "thousands of instructions of SQLite"


def instructions(db: Database, work: Callable[[], object]) -> int:
    """How many thousand instructions SQLite's machine runs."""
    found: list[int] = []

    def watch(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        connection.set_progress_handler(lambda: found.append(1), 1000)

    def unwatch(connection: sqlite3.Connection, record: object) -> None:
        connection.set_progress_handler(None, 1000)

    event.listen(db.engine, "checkout", watch)
    event.listen(db.engine, "checkin", unwatch)
    try:
        assert work() == 0
    finally:
        event.remove(db.engine, "checkout", watch)
        event.remove(db.engine, "checkin", unwatch)
    return len(found)
