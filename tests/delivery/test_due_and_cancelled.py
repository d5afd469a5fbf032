"""Tests deliveries that are due later, cancelled, sent in batches, or limited by a pace."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from flask_pocketping import PocketPing, clock
from flask_pocketping.chat import deliveries as all_deliveries
from flask_pocketping.chat import messages, sessions
from flask_pocketping.chat.deliveries import attempts
from flask_pocketping.chat.log import lock_session
from flask_pocketping.db import Database
from flask_pocketping.delivery import leases
from flask_pocketping.delivery.batch import Batch
from flask_pocketping.delivery.target import Outcome, Pace
from flask_pocketping.errors import DeliveryCancelled
from flask_pocketping.outbox import deliveries
from flask_pocketping.values import Cancel, Deliver, Event, MessageType

from ..support.recording import Line, Recorder
from ..support.servers import make_app, wait_until
from ..support.travel import Travel


@pytest.fixture
def line(any_database: str, tmp_path: Path) -> Iterator[Line]:
    state = make_app(tmp_path, any_database, worker="off").extensions["pocketping"]
    yield Line(state.db, Recorder())
    state.runtime.close()


def say(db: Database, session_id: str, *contents: str, type: MessageType = MessageType.OPERATOR) -> None:
    for content in contents:
        messages.send_message(db, session_id, content, type=type)


def contents(db: Database, session_id: str) -> list[str]:
    """What was said in a conversation."""
    return [message.content for message in messages.list_messages(db, session_id).messages]


def states(db: Database) -> list[str]:
    """States of all deliveries, oldest first."""
    return [str(delivery.state) for delivery in reversed(all_deliveries.list_deliveries(db).deliveries)]


# --- Due later, and cancelled ---


def answer_in_five_minutes(event: Event) -> Iterable[Deliver | Cancel]:
    """As the AI has it: a visitor's message begins the wait anew, an operator's ends it."""
    if event.type != "message.created":
        return []
    visitor = event.payload["message"].type == MessageType.VISITOR
    return [Cancel(), *([Deliver(due=timedelta(minutes=5))] if visitor else [])]


def test_a_delivery_with_a_later_due_time_is_made_then(line: Line, travel: Travel) -> None:
    line.target.rules = answer_in_five_minutes
    say(line.db, sessions.open_session(line.db).id, "Hello?", type=MessageType.VISITOR)
    travel.forward(minutes=4)
    assert line.deliver() == 0
    travel.forward(minutes=2)
    assert line.deliver() == 1
    assert line.target.contents == ["Hello?"]


def test_events_cancel_deliveries_of_their_own_conversation_only(line: Line, travel: Travel) -> None:
    line.target.rules = answer_in_five_minutes
    first, second = sessions.open_session(line.db).id, sessions.open_session(line.db).id
    say(line.db, first, "Hello?", "Anybody?", type=MessageType.VISITOR)
    say(line.db, second, "And I?", type=MessageType.VISITOR)
    say(line.db, first, "Here I am")
    assert states(line.db) == ["cancelled", "cancelled", "pending"]
    travel.forward(minutes=6)
    line.deliver()
    assert line.target.contents == ["And I?"]


def test_a_transaction_that_fails_cancels_nothing(line: Line) -> None:
    line.target.rules = answer_in_five_minutes
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "Hello?", type=MessageType.VISITOR)

    def speak_and_fail() -> None:
        with line.db.transaction() as tx:
            lock_session(tx, session_id).log("message.created", {}, message=answer)
            assert tx.execute(select(deliveries.c.state)).scalars().all() == ["cancelled"]
            raise RuntimeError

    answer = messages.send_message(line.db, sessions.open_session(line.db).id, "An answer")
    with pytest.raises(RuntimeError):
        speak_and_fail()
    assert states(line.db) == ["pending"]


def test_the_outcome_of_a_delivery_cancelled_while_running_is_ignored(line: Line, travel: Travel) -> None:
    line.target.rules = answer_in_five_minutes
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "Hello?", type=MessageType.VISITOR)
    wanted: list[bool] = []

    def answer(batch: Batch) -> Outcome:
        wanted.append(batch.still_wanted())
        say(line.db, session_id, "Here I am")
        wanted.append(batch.still_wanted())
        return Outcome.failed("too late")

    line.target.answer = answer
    travel.forward(minutes=6)
    line.deliver()
    assert wanted == [True, False]
    assert states(line.db) == ["cancelled"]
    assert line.target.given == []
    with line.db.read() as connection:
        assert connection.execute(select(attempts.c.error)).scalars().all() == ["too late"]


def test_a_reply_is_stored_only_if_its_delivery_was_not_cancelled(line: Line, travel: Travel) -> None:
    line.target.rules = answer_in_five_minutes
    talked_over, free = sessions.open_session(line.db).id, sessions.open_session(line.db).id
    for session_id in (talked_over, free):
        say(line.db, session_id, "Hello?", type=MessageType.VISITOR)

    def answer(batch: Batch) -> Outcome:
        if batch.subject == talked_over:
            say(line.db, talked_over, "Here I am")
        messages.send_message(
            line.db, batch.subject, "I am a robot", type=MessageType.AI, source_bridge="recorder", confirm=batch.finish
        )
        return Outcome.succeeded()

    line.target.answer = answer
    travel.forward(minutes=6)
    line.deliver()
    said = {
        one: [message.content for message in messages.list_messages(line.db, one).messages]
        for one in (talked_over, free)
    }
    assert said == {talked_over: ["Hello?", "Here I am"], free: ["Hello?", "I am a robot"]}
    assert states(line.db) == ["cancelled", "succeeded"]
    with line.db.read() as connection:
        assert len(connection.execute(select(attempts)).all()) == 2


def test_a_reply_is_stored_once_even_if_its_worker_is_killed(line: Line, travel: Travel) -> None:
    line.target.rules = answer_in_five_minutes
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "Hello?", type=MessageType.VISITOR)
    travel.forward(minutes=6)
    [batch] = line.another()._claimer.claim(limit=1)
    messages.send_message(
        line.db, session_id, "Robot", type=MessageType.AI, source_bridge="recorder", confirm=batch.finish
    )
    travel.forward(seconds=30)
    assert line.deliver() == 0
    with pytest.raises(DeliveryCancelled):
        messages.send_message(line.db, session_id, "Robot", type=MessageType.AI, confirm=batch.finish)


def test_an_error_in_follow_does_not_prevent_storing_the_message(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> Iterable[Deliver]:
        raise KeyError("nothing")

    line.target.rules = broken
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "Stored")
    assert contents(line.db, session_id) == ["Stored"]
    assert "recorder raised an error for event evt_" in caplog.text


# --- Together ---


def test_waiting_deliveries_are_sent_in_batches_up_to_a_limit(line: Line) -> None:
    line.target.batch_size = 3
    first, second = sessions.open_session(line.db).id, sessions.open_session(line.db).id
    say(line.db, first, "1", "2", "3", "4")
    say(line.db, second, "a")
    line.deliver()
    assert [sent.contents for sent in line.target.sent] == [["1", "2", "3"], ["a"], ["4"]]
    assert set(states(line.db)) == {"succeeded"}


def test_only_deliveries_that_join_are_sent_together(line: Line) -> None:
    line.target.batch_size = 10
    line.target.join = lambda earlier, later: kind(earlier.event) == kind(later.event)
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2", type=MessageType.VISITOR)
    say(line.db, session_id, "3")
    say(line.db, session_id, "4", type=MessageType.VISITOR)
    line.deliver()
    assert [sent.contents for sent in line.target.sent] == [["1", "2"], ["3"], ["4"]]


def kind(event: Event | None) -> str:
    assert event is not None
    return str(event.payload["message"].type)


def test_a_batch_that_may_have_arrived_is_repeated_unchanged(line: Line, travel: Travel) -> None:
    line.target.batch_size = 10
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2")
    line.target.outcomes = [Outcome.retry("no answer", unknown=True, note="so far")]
    line.deliver()
    say(line.db, session_id, "3")
    travel.forward(seconds=7)
    line.deliver()
    assert [(sent.contents, sent.uncertain, sent.note) for sent in line.target.sent] == [
        (["1", "2"], False, None),
        (["1", "2"], True, "so far"),
        (["3"], False, None),
    ]


def test_a_refused_delivery_may_join_another_batch(line: Line, travel: Travel) -> None:
    line.target.batch_size = 10
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2")
    line.target.outcomes = [Outcome.retry("refused")]
    line.deliver()
    say(line.db, session_id, "3")
    travel.forward(seconds=7)
    line.deliver()
    assert [sent.contents for sent in line.target.sent] == [["1", "2"], ["1", "2", "3"]]


def test_a_batch_of_a_killed_worker_is_taken_over_completely(line: Line, travel: Travel) -> None:
    line.target.batch_size = 10
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2")
    [batch] = line.another()._claimer.claim(limit=1)
    batch.save("posted the first")
    say(line.db, session_id, "3")
    travel.forward(seconds=11)
    line.deliver()
    assert [(sent.contents, sent.uncertain, sent.note) for sent in line.target.sent] == [
        (["1", "2"], True, "posted the first"),
        (["3"], False, None),
    ]
    now = clock.now()
    with line.db.transaction() as tx:
        assert leases.settle(tx, line.target, batch, Outcome.succeeded(), now, now) is None


# --- Pace ---


def test_a_pace_is_kept_over_all_workers_and_conversations_take_turns(line: Line, travel: Travel) -> None:
    line.target.pace = [Pace("group", 3, 60)]
    first, second = sessions.open_session(line.db).id, sessions.open_session(line.db).id
    say(line.db, first, "1", "2", "3", "4")
    say(line.db, second, "a")
    workers = [line.another(), line.another()]
    barrier = threading.Barrier(2)

    def work(number: int) -> None:
        barrier.wait()
        workers[number].drain()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(line.target.sent) == 3
    assert "a" in line.target.contents, "a long conversation leaves some of the pace to others"
    travel.forward(seconds=30)
    assert line.deliver() == 0
    travel.forward(seconds=31)
    line.deliver()
    assert sorted(line.target.contents) == ["1", "2", "3", "4", "a"]


class Groups(Recorder):
    """Some of its messages are for a group whose pace is slow, others for one that has none."""

    def follow(self, event: Event, tx: object) -> Iterable[Deliver]:
        said = event.payload["message"].content if "message" in event.payload else None
        return [] if said is None else [Deliver("slow" if said < "3" else "quick")]

    def paces(self, target_id: str) -> Sequence[Pace]:
        return [Pace(target_id, 1, 60)] if target_id == "slow" else []


def test_an_exhausted_pace_does_not_delay_others(line: Line) -> None:
    line = Line(line.db, Groups())
    for content in ("1", "2", "3", "4"):
        say(line.db, sessions.open_session(line.db).id, content)
    line.deliver()
    assert line.target.contents == ["1", "3", "4"]


def test_throttling_applies_to_all_deliveries_with_the_same_pace(line: Line, travel: Travel) -> None:
    line.target.delays = (0,)
    line.target.pace = [Pace("group", 100, 1)]
    for content in ("1", "2"):
        say(line.db, sessions.open_session(line.db).id, content)
    line.target.outcomes = [Outcome.throttled(30, holds=["group"])]
    line.deliver()
    assert line.target.contents == ["1"]
    travel.forward(seconds=10)
    assert line.deliver() == 0
    travel.forward(seconds=21)
    line.deliver()
    assert sorted(line.target.contents) == ["1", "1", "2"], "waiting does not count as a failure"
    assert states(line.db) == ["succeeded", "succeeded"]


def test_a_throttled_attempt_does_not_count_as_a_retry(line: Line, travel: Travel) -> None:
    line.target.delays = (0, 5)
    say(line.db, sessions.open_session(line.db).id, "1")
    line.target.outcomes = [Outcome.throttled(30), Outcome.retry("away")]
    line.deliver()
    travel.forward(seconds=31)
    line.deliver()
    assert states(line.db) == ["pending"]
    travel.forward(seconds=7)
    line.deliver()
    assert states(line.db) == ["succeeded"]


def test_additional_requests_of_an_attempt_count_for_the_pace(line: Line, travel: Travel) -> None:
    line.target.pace = [Pace("group", 3, 60)]
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1", "2")
    line.target.outcomes = [Outcome.succeeded(calls=3)]
    line.deliver()
    assert line.target.contents == ["1"]
    travel.forward(seconds=61)
    line.deliver()
    assert line.target.contents == ["1", "2"]


def test_a_clock_set_back_does_not_block_a_pace(line: Line, travel: Travel) -> None:
    line.target.pace = [Pace("group", 1, 5)]
    travel.forward(hours=1)
    session_id = sessions.open_session(line.db).id
    say(line.db, session_id, "1")
    line.deliver()
    travel.forward(hours=-1)
    say(line.db, session_id, "2")
    line.deliver()
    travel.forward(seconds=6)
    line.deliver()
    assert line.target.contents == ["1", "2"]


def test_the_worker_of_a_running_app_delivers_to_a_target_of_the_host(any_database: str, tmp_path: Path) -> None:
    names: list[str] = []

    class Mine(Recorder):
        def send(self, batch: Batch) -> Outcome:
            names.append(current_app.name)
            session = batch.session()
            assert session is not None
            names.extend(message.content for message in batch.messages())
            return super().send(batch)

    target = Mine()
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="of the test", POCKETPING_DATABASE_URI=any_database, POCKETPING_POLL_INTERVAL=0.05)
    pocketping = PocketPing(app, targets=[target])
    pocketping.create_tables(app)
    try:
        with app.app_context():
            session_id = pocketping.open_session().id
            app.extensions["pocketping"].runtime.ensure_running()
            pocketping.send_message(session_id, "Hello")
        wait_until(lambda: target.contents == ["Hello"], "the delivery", seen=lambda: target.contents)
        assert names == ["host", "Hello"]
    finally:
        pocketping.close(app)
