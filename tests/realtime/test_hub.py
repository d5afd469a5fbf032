"""Tests the hub with real logs: order, transactions that commit late or never, and cleaning up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, insert, select, text, update

from flask_pocketping import PocketPing, clock
from flask_pocketping.chat.log import change_session
from flask_pocketping.models import DEFAULT_PROJECT, Event, Session, table
from flask_pocketping.realtime import log_position
from flask_pocketping.realtime.bus import Bus
from flask_pocketping.realtime.hub import Encoder, Hub, Topic
from flask_pocketping.realtime.log_gaps import UNWRITTEN_WAIT
from flask_pocketping.state import State
from flask_pocketping.values import Event as EventValue

from ..support.servers import make_app, wait_until

PROJECT = Topic("project", DEFAULT_PROJECT)


def pair(event: EventValue, cursor: int) -> tuple[EventValue, int]:
    return event, cursor


class Ear:
    """A subscriber that keeps what it is handed."""

    def __init__(self, encoder: Encoder = pair) -> None:
        self.encoder = encoder
        self.heard: list[Any] = []

    def offer(self, encoded: Any) -> None:
        self.heard.append(encoded)

    def wait(self, count: int, timeout: float = 10.0) -> list[tuple[EventValue, int]]:
        """Wait until so many events came."""
        wait_until(lambda: len(self.heard) >= count, f"{count} events", timeout, lambda: self.heard)
        return list(self.heard)

    @property
    def ids(self) -> list[int]:
        return [event.id for event, _ in self.heard]


class Chat:
    """An app whose chat the test drives by the host's own calls."""

    def __init__(self, folder: Path, database: str | None = None, **settings: Any) -> None:
        self.app: Flask = make_app(folder, database, **settings)
        self.state: State = self.app.extensions["pocketping"]
        self.pocketping: PocketPing = self.app.extensions["test_pocketping"]

    @property
    def hub(self) -> Hub:
        return self.state.hub

    def session(self) -> str:
        with self.app.app_context():
            return self.pocketping.open_session().id

    def say(self, session_id: str, content: str = "Hello") -> None:
        with self.app.app_context():
            self.pocketping.send_message(session_id, content)

    @contextmanager
    def listening(self, topic: Topic = PROJECT) -> Iterator[Ear]:
        ear = Ear()
        self.hub.subscribe(topic, ear)
        try:
            yield ear
        finally:
            self.hub.unsubscribe(topic, ear)

    def cursor(self) -> int:
        """Where one who comes now would resume."""
        ear = Ear()
        snapshot = self.hub.subscribe(PROJECT, ear)
        self.hub.unsubscribe(PROJECT, ear)
        return snapshot.cursor

    @contextmanager
    def slow_transaction(self, session_id: str) -> Iterator[Callable[[], int]]:
        """A transaction with an event of its own, committed when the test calls what it gets and else rolled back."""
        with self.state.db.engine.connect() as connection:
            transaction = connection.begin()
            number = _write_by_hand(connection, session_id)

            def commit() -> int:
                transaction.commit()
                return number

            yield commit
            if transaction.is_active:
                transaction.rollback()


def _write_by_hand(connection: Connection, session_id: str) -> int:
    sessions, events = table(Session), table(Event)
    row = connection.execute(select(sessions).where(sessions.c.id == session_id).with_for_update()).one()
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(seq=row.seq + 1))
    result = connection.execute(
        insert(events),
        {
            "project_id": row.project_id,
            "session_id": session_id,
            "seq": row.seq + 1,
            "type": "event.sent",
            "created_at": clock.now(),
            "data": f'{{"sessionId":"{session_id}","name":"late","data":null}}',
        },
    )
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


Chats = Callable[..., Chat]


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Chats]:
    """Apps that are closed after the test."""
    made: list[Chat] = []

    def start(database: str | None = None, **settings: Any) -> Chat:
        made.append(Chat(tmp_path, database, **settings))
        return made[-1]

    yield start
    for chat in made:
        chat.state.runtime.close()


@pytest.fixture(params=["postgresql", "mariadb"])
def server_database(request: pytest.FixtureRequest) -> str:
    """A database in which transactions may overlap."""
    return str(request.getfixturevalue(request.param))


def test_subscribers_get_their_events_in_order(any_database: str, chats: Chats) -> None:
    chat = chats(any_database, poll_interval=30)
    one, two = chat.session(), chat.session()
    with chat.listening() as office, chat.listening(Topic("session", one)) as page:
        for number in range(5):
            chat.say(one, f"to one {number}")
            chat.say(two, f"to two {number}")
        heard = office.wait(10)
        assert [event.seq for event, _ in heard if event.session_id == one] == [2, 3, 4, 5, 6]
        assert [event.seq for event, _ in heard if event.session_id == two] == [2, 3, 4, 5, 6]
        assert [cursor for _, cursor in heard] == office.ids == sorted(office.ids)
        assert [event.session_id for event, _ in page.wait(5)] == [one] * 5


def test_events_of_other_processes_are_read_from_the_log(any_database: str, chats: Chats) -> None:
    here, there = chats(any_database), chats(any_database)
    session_id = here.session()
    with here.listening() as ear:
        there.say(session_id, "from another process")
        here.say(session_id, "from this one")
        there.say(session_id, "and again")
        assert [event.seq for event, _ in ear.wait(3)] == [2, 3, 4]
    assert len(ear.heard) == 3


def test_a_transaction_that_commits_late_is_delivered(server_database: str, chats: Chats) -> None:
    chat = chats(server_database)
    slow, quick = chat.session(), chat.session()
    with chat.listening() as ear, chat.slow_transaction(slow) as commit:
        chat.say(quick, "overtakes")
        [(overtaker, cursor)] = ear.wait(1)
        late = commit()
        assert overtaker.id > late
        assert cursor == late - 1, "whoever resumes here must still get the late one"
        ear.wait(2)
        chat.say(quick, "afterwards")
        (_, _), (second, second_cursor), (third, third_cursor) = ear.wait(3)
        assert second.id == late <= second_cursor <= overtaker.id
        assert third_cursor == third.id
    assert len(ear.heard) == 3


def test_a_late_transaction_keeps_its_place_in_its_session(postgresql: str, chats: Chats) -> None:
    """Its session goes on as soon as it is committed, before anybody looked for it."""
    chat = chats(postgresql, poll_interval=30)
    slow, quick = chat.session(), chat.session()
    with chat.listening() as ear, chat.slow_transaction(slow) as commit:
        chat.say(quick, "overtakes")
        ear.wait(1)
        commit()
        chat.say(slow, "follows the late one")
        ear.wait(3)
        assert [event.seq for event, _ in ear.heard if event.session_id == slow] == [2, 3]


def test_a_transaction_that_was_open_when_the_hub_started_is_delivered(server_database: str, chats: Chats) -> None:
    chat = chats(server_database)
    # The conversations are old: nothing but the overtaker is fresh in the log.
    clock.set_clock(lambda: datetime.now(UTC) - timedelta(hours=1))
    slow, quick = chat.session(), chat.session()
    clock.set_clock(None)
    with chat.slow_transaction(slow) as commit:
        chat.say(quick, "overtakes")
        ear = Ear()
        snapshot = chat.hub.subscribe(PROJECT, ear)
        late = commit()
        assert snapshot.gaps == {late}
        assert snapshot.cursor == late - 1
        replayed = [event.id for event, _ in chat.hub.replay(PROJECT, 0, snapshot)]
        assert late not in replayed, "it would come twice"
        assert late + 1 in replayed
        ear.wait(1)
        assert ear.ids == [late]
        chat.hub.unsubscribe(PROJECT, ear)


def test_the_first_event_of_a_log_may_commit_late(postgresql: str, chats: Chats) -> None:
    chat = chats(postgresql)
    with chat.state.db.engine.connect() as connection, connection.begin() as transaction:
        moment = clock.now()
        row = dict.fromkeys(("customer_id", "email", "name", "last_message_id", "closed_at", "visitor_seen_at"))
        row |= {"id": "sess_slow", "project_id": DEFAULT_PROJECT, "visitor_id": "vis_1", "status": "active", "seq": 0}
        row |= {"created_at": moment, "last_activity": moment, "metadata": {}}
        connection.execute(insert(table(Session)), row)
        late = _write_by_hand(connection, "sess_slow")
        chat.session()
        with chat.listening() as ear:
            transaction.commit()
            assert [event.id for event, _ in ear.wait(1)] == [late]


def test_a_busy_log_is_not_delivered_twice(chats: Chats) -> None:
    chat, other_process = chats(), chats()
    session_id = chat.session()
    facts = {"project_id": DEFAULT_PROJECT, "session_id": session_id, "type": "event.sent", "created_at": clock.now()}
    with chat.state.db.transaction() as tx:
        data = f'{{"sessionId":"{session_id}","name":"old","data":null}}'
        tx.execute(insert(table(Event)), [{**facts, "seq": seq, "data": data} for seq in range(100, 1400)])
    with chat.listening() as ear:
        other_process.say(session_id)
        assert ear.wait(1)[0][0].type == "message.created"
    assert len(ear.heard) == 1


def test_a_rolled_back_transaction_delays_the_cursor_only_briefly(
    server_database: str, chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_position, "GAP_WAIT", 0.5)
    chat = chats(server_database)
    session_id = chat.session()
    with chat.listening() as ear:
        with chat.slow_transaction(session_id):
            pass
        chat.say(session_id, "after the gap")
        [(event, cursor)] = ear.wait(1)
        assert (event.seq, cursor) == (2, event.id - 2)
        wait_until(lambda: chat.cursor() == event.id, "the gap is given up", seen=chat.cursor)
        chat.say(session_id, "on we go")
        assert ear.wait(2)[-1][1] == event.id + 1


def test_a_replay_has_the_events_that_the_hub_does_not_deliver(any_database: str, chats: Chats) -> None:
    chat = chats(any_database)
    one, two = chat.session(), chat.session()
    for number in range(7):
        chat.say((one, two)[number % 2], str(number))
    ear = Ear()
    snapshot = chat.hub.subscribe(PROJECT, ear)
    chat.say(one, "live")
    ear.wait(1)
    everything = [event.id for event, _ in chat.hub.replay(PROJECT, 0, snapshot, page=2)]
    assert everything == list(range(everything[0], everything[0] + 9))
    assert ear.ids == [everything[-1] + 1]
    assert [event.id for event, _ in chat.hub.replay(PROJECT, everything[5], snapshot, page=2)] == everything[6:]
    of_one = chat.hub.replay(Topic("session", one), 2, snapshot, page=2)
    assert [event.seq for event, _ in of_one] == [3, 4, 5]
    assert list(chat.hub.replay(Topic("project", "proj_other"), 0, snapshot)) == []
    chat.hub.unsubscribe(PROJECT, ear)


def test_a_broadcast_reaches_all_but_its_sender(chats: Chats) -> None:
    chat = chats()

    def other(event: EventValue, cursor: int) -> None:
        return None

    sender, colleague, page, elsewhere = Ear(), Ear(), Ear(other), Ear()
    places = [
        (PROJECT, sender),
        (PROJECT, colleague),
        (Topic("session", "sess_1"), page),
        (Topic("session", "sess_2"), elsewhere),
    ]
    for topic, ear in places:
        chat.hub.subscribe(topic, ear)
    forms: dict[Encoder, str] = {pair: "for the office", other: "for the page"}
    chat.hub.broadcast([PROJECT, Topic("session", "sess_1")], forms.get, exclude=sender)
    assert [ear.heard for _, ear in places] == [[], ["for the office"], ["for the page"], []]
    for topic, ear in places:
        chat.hub.unsubscribe(topic, ear)


def test_each_format_is_encoded_once_and_none_sends_nothing(chats: Chats) -> None:
    chat = chats()
    made: list[int] = []

    def counted(event: EventValue, cursor: int) -> str | None:
        made.append(event.seq)
        return None if event.type == "message.created" else event.type

    ears = [Ear(counted) for _ in range(3)]
    session_id = chat.session()
    for ear in ears:
        chat.hub.subscribe(PROJECT, ear)
    chat.say(session_id)
    with chat.app.app_context():
        chat.pocketping.close_session(session_id)
    wait_until(lambda: all(ear.heard for ear in ears), "each hears", seen=lambda: [ear.heard for ear in ears])
    assert [ear.heard for ear in ears] == [["session.closed"]] * 3
    # The message, the one that says that it is closed, and that it is.
    assert made == [2, 3, 4]
    for ear in ears:
        chat.hub.unsubscribe(PROJECT, ear)


def test_a_failing_subscriber_does_not_affect_others(chats: Chats, caplog: pytest.LogCaptureFixture) -> None:
    chat = chats()

    class Broken(Ear):
        def offer(self, encoded: Any) -> None:
            raise RuntimeError("broken")

    broken = Broken()
    chat.hub.subscribe(PROJECT, broken)
    with chat.listening() as ear:
        chat.session()
        chat.session()
        ear.wait(2)
    chat.hub.unsubscribe(PROJECT, broken)
    assert caplog.text.count("A live update could not be passed to a connection") == 2


def test_the_tick_is_called_however_busy_the_log_is(chats: Chats) -> None:
    """The rows that say who is connected run out unless they are renewed."""
    chat = chats()
    ticks: list[float] = []
    hub = Hub(chat.state.db, Bus(), poll=0.2, tick=lambda: ticks.append(time.monotonic()))
    session_id, ear = chat.session(), Ear()
    hub.subscribe(PROJECT, ear)
    with change_session(chat.state.db, session_id) as change:
        event = change.log("event.sent", {"name": "busy", "data": None})
    wait_until(lambda: event.id in ear.ids, "the first event", seen=lambda: ear.ids)
    ticks.clear()
    deadline = time.monotonic() + 20
    while len(ticks) < 3:
        assert time.monotonic() < deadline, f"it was done {len(ticks)} times only"
        with change_session(chat.state.db, session_id) as change:
            event = change.log("event.sent", {"name": "busy", "data": None})
        hub.notice([event])
    wait_until(lambda: event.id in ear.ids, "all events", seen=lambda: ear.ids[-1:])
    hub.unsubscribe(PROJECT, ear)
    hub.close()


def test_the_hub_recovers_when_the_database_comes_back(
    postgresql: str, chats: Chats, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = chats(postgresql), chats(postgresql)
    session_id = there.session()
    with here.listening() as ear:
        with there.state.db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE pocketping_event RENAME TO away"))
        wait_until(lambda: "Trying again" in caplog.text, "the hub notices")
        with there.state.db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO pocketping_event"))
        there.say(session_id)
        assert [event.seq for event, _ in ear.wait(1)] == [2]


def test_the_thread_ends_with_the_last_subscriber(chats: Chats) -> None:
    chat = chats(poll_interval=30)
    before = set(threading.enumerate())
    for _ in range(3):
        with chat.listening() as ear:
            assert chat.hub.count(PROJECT) == 1
            chat.session()
            ear.wait(1)
        assert chat.hub.count(PROJECT) == 0
        chat.session()
        wait_until(lambda: set(threading.enumerate()) <= before, "the tail ends", seen=threading.enumerate)


def test_the_next_subscriber_restarts_a_stopped_hub(chats: Chats) -> None:
    chat = chats()
    first = Ear()
    chat.hub.subscribe(PROJECT, first)
    chat.hub.close()
    second = Ear()
    chat.hub.subscribe(PROJECT, second)
    chat.session()
    second.wait(1)
    chat.hub.unsubscribe(PROJECT, first)
    chat.hub.unsubscribe(PROJECT, second)


def test_two_apps_in_one_process_are_separate(tmp_path: Path, chats: Chats) -> None:
    one = chats(f"sqlite:///{tmp_path / 'one.db'}")
    two = chats(f"sqlite:///{tmp_path / 'two.db'}")
    with one.listening() as ear, two.listening() as other:
        one.session()
        ear.wait(1)
        two.session()
        other.wait(1)
    assert len(ear.heard) == len(other.heard) == 1


def a_while(seconds: float) -> None:
    late = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > late, "a while")


@contextmanager
def killed_transaction(chat: Chat, session_id: str) -> Iterator[int]:
    """The id of an event whose transaction's connection is killed at the end, as a process that dies leaves it."""
    engine = chat.state.db.engine
    is_postgresql = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        connection.begin()
        number = _write_by_hand(connection, session_id)
        own_id = "SELECT pg_backend_pid()" if is_postgresql else "SELECT CONNECTION_ID()"
        process = connection.execute(text(own_id)).scalar_one()
        yield number
        with engine.connect() as killer:
            killer.execute(text(f"SELECT pg_terminate_backend({process})" if is_postgresql else f"KILL {process}"))
            killer.commit()
        connection.invalidate()


def test_a_gap_left_by_a_killed_process_is_skipped_at_once(server_database: str, chats: Chats) -> None:
    chat = chats(server_database)
    killed, quick = chat.session(), chat.session()
    with chat.listening() as ear:
        with killed_transaction(chat, killed) as lost:
            chat.say(quick, "meanwhile")
            [(event, cursor)] = ear.wait(1)
            assert cursor == lost - 1 < event.id
            # Longer than a gap without a transaction is waited for.
            a_while(UNWRITTEN_WAIT + 0.5)
            assert chat.cursor() == lost - 1, "it may still be committed"
        wait_until(lambda: chat.cursor() == event.id, "the gap is passed", 5, chat.cursor)
        chat.say(killed, "on we go")
        assert ear.wait(2)[-1][1] == event.id + 1


def test_a_hub_starts_after_old_gaps(server_database: str, chats: Chats) -> None:
    first, second = chats(server_database), chats(server_database)
    session_id = first.session()
    for _ in range(3):
        with first.slow_transaction(session_id):
            pass
        first.say(session_id, "after a gap")
    with first.listening(), first.state.db.read() as connection:
        newest = connection.execute(select(table(Event).c.id).order_by(table(Event).c.id.desc())).scalars().first()
        wait_until(lambda: second.cursor() == newest, "no gap is left", 20, second.cursor)


def test_nothing_is_skipped_while_writers_commit_roll_back_and_are_killed(any_database: str, chats: Chats) -> None:
    """Some transactions stay open for longer than any gap that nobody fills is waited for."""
    chat, other_process = chats(any_database), chats(any_database)
    sessions = [chat.session() for _ in range(6)]
    is_sqlite = chat.state.db.is_sqlite

    def write(number: int) -> None:
        dice = random.Random(number)
        for count in range(12):
            session_id = sessions[number]
            if is_sqlite or dice.random() < 0.6:
                (chat, other_process)[count % 2].say(session_id, f"{number} {count}")
            elif dice.random() < 0.3:
                with killed_transaction(chat, session_id):
                    pass
            else:
                with chat.slow_transaction(session_id) as commit:
                    # While this one is open, others overtake it.
                    a_while(dice.choice([0.0, 0.1, UNWRITTEN_WAIT + 0.5]))
                    if dice.random() < 0.7:
                        commit()

    with chat.listening() as here, other_process.listening() as there:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))
        with chat.state.db.read() as connection:
            query = select(table(Event).c.id).where(table(Event).c.type != "session.created")
            written = sorted(connection.execute(query).scalars())
        for ear in (here, there):
            ear.wait(len(written), 30)
            assert sorted(ear.ids) == written, "each came, and once"
            for session_id in sessions:
                numbers = [event.seq for event, _ in ear.heard if event.session_id == session_id]
                assert numbers == list(range(2, len(numbers) + 2))
        # A cursor was never beyond what came later.
        for ear in (here, there):
            ids = ear.ids
            for index, (_, cursor) in enumerate(ear.heard):
                assert all(later > cursor for later in ids[index + 1 :])
        wait_until(lambda: chat.cursor() == written[-1], "all gaps are passed", 10, chat.cursor)
