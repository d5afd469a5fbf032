"""Tests the worker within one process: order, fairness between endpoints, and stopping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text

from flask_pocketping import clock
from flask_pocketping.chat.webhooks import TARGET, send_test
from flask_pocketping.db import Database
from flask_pocketping.delivery import worker
from flask_pocketping.delivery.http.client import GuardedClient
from flask_pocketping.delivery.worker import Worker
from flask_pocketping.outbox import deliveries, new_delivery
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.targets.webhooks import WebhookTarget

from ..conftest import LOCAL, Serve
from ..support.clients import Api
from ..support.hooks import Hook, moment
from ..support.receiver import Answer, Received, Receiver, receiving
from ..support.servers import make_app, serving, wait_until
from ..support.travel import Travel

# --- Order ---


def test_each_session_is_delivered_in_order_and_sessions_in_parallel(any_api: Api, receiver: Receiver) -> None:
    hold = threading.Event()
    receiver.answer = lambda received: Answer(hold=hold)
    Hook(any_api, receiver.url)
    in_parallel(5, lambda number: converse(any_api, 4))
    receiver.wait(5)
    look(any_api)
    held = list(receiver.received)
    assert [received.event for received in held] == ["session.created"] * 5, "one of each session, and no second"
    assert len({session_of(received) for received in held}) == 5

    hold.set()
    receiver.wait(25)
    for session_id in {session_of(received) for received in held}:
        assert numbers(receiver, session_id) == [1, 2, 3, 4, 5]


def test_a_failed_event_blocks_later_ones_only_for_its_first_attempt(
    api: Api, receiver: Receiver, travel: Travel
) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(500, hold=hold)]
    hook = Hook(api, receiver.url)
    converse(api, 3)
    receiver.wait(1)
    look(api)
    assert len(receiver.received) == 1
    hold.set()
    [failed, *_] = hook.wait_for("pending", "succeeded", "succeeded", "succeeded", attempts=1)
    travel.to(moment(failed["nextAttemptAt"]))
    hook.wait_for(*["succeeded"] * 4, attempts=1)
    [session_id] = {session_of(received) for received in receiver.received}
    assert numbers(receiver, session_id) == [1, 2, 3, 4, 1]


def test_a_session_waits_for_no_other_endpoint(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(hold=threading.Event())
    with receiving() as healthy:
        Hook(api, receiver.url)
        Hook(api, healthy.url)
        session_id = converse(api, 3)
        healthy.wait(4)
        assert numbers(healthy, session_id) == [1, 2, 3, 4]
        assert len(receiver.received) == 1


# --- Fairness ---


def test_a_thousand_deliveries_to_a_dead_endpoint_do_not_starve_a_healthy_one(
    app: Flask, api: Api, receiver: Receiver
) -> None:
    with receiving() as dead:
        dead.answer = lambda received: Answer(hold=threading.Event())
        silent = Hook(api, dead.url, ["ai.takeover"])
        backlog(app, silent.id, 1000)
        Hook(api, receiver.url, ["session.created"])
        silent.test()
        for _ in range(30):
            api.session()
        receiver.wait(30)
        assert len(dead.received) <= 8
        assert len(silent.deliveries(state="pending", limit=100)) == 100


@pytest.mark.parametrize("known", [True, False], ids=["one that answered before", "a new one"])
def test_many_hanging_endpoints_hardly_delay_one_that_responds(
    app: Flask, api: Api, receiver: Receiver, known: bool
) -> None:
    with receiving() as dead:
        dead.answer = lambda received: Answer(hold=threading.Event())
        silent = [Hook(api, dead.url, ["session.created"]) for _ in range(64)]
        hook = Hook(api, receiver.url, ["session.created"])
        if known:
            hook.test()
            receiver.wait(1)
        # Each of them has more waiting than there are places.
        for endpoint in silent:
            backlog(app, endpoint.id, 70)
        started = time.monotonic()
        for number in range(3):
            api.session()
            receiver.wait(known + number + 1)
        assert time.monotonic() - started < 8, "a receiver that hangs takes 15 s"
        wait_until(lambda: len(dead.received) >= 64, "an attempt for each that hangs", 10, lambda: len(dead.received))
        assert len(dead.received) < 64 + 16


def test_slow_endpoints_leave_capacity_for_fast_ones(
    app: Flask, api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They answer, and well: but so late that eight at once for each would fill all places."""
    monkeypatch.setattr(worker, "HANGS_AFTER", 0.2)
    monkeypatch.setattr(worker, "ANSWERS_WITHIN", 0.3)
    with receiving() as slow:
        first, second = threading.Event(), threading.Event()
        slow.answer = lambda received: Answer(hold=second if first.is_set() else first)
        slows = [Hook(api, slow.url, ["ai.takeover"]) for _ in range(40)]
        for endpoint in slows:
            endpoint.test()
        slow.wait(40)
        late = time.monotonic() + 0.4
        wait_until(lambda: time.monotonic() > late, "all take their time")
        first.set()
        for endpoint in slows:
            endpoint.wait_for("succeeded")
            backlog(app, endpoint.id, 20)
        slows[0].test()
        slow.wait(80)
        Hook(api, receiver.url, ["session.created"])
        started = time.monotonic()
        api.session()
        receiver.wait(1)
        assert time.monotonic() - started < 3
        assert len(slow.received) < 80 + 16
        second.set()


def test_a_dead_endpoint_is_tried_one_by_one(serve: Serve, app: Flask) -> None:
    with receiving() as dead:
        api = serve(app)
        holds = [threading.Event() for _ in range(2)]
        dead.answers = [Answer(500), *(Answer(500, hold=hold) for hold in holds)]
        hook = Hook(api, dead.url, ["ai.takeover"])
        hook.test()
        hook.wait_for("pending", attempts=1)
        backlog(app, hook.id, 20)
        hook.test()
        for count, hold in enumerate(holds, start=2):
            dead.wait(count)
            look(api)
            assert len(dead.received) == count, "after a failure one at a time is enough"
            hold.set()
        dead.wait(22)


def test_a_slow_receiver_delays_no_visitor(any_api: Api, receiver: Receiver) -> None:
    hold = threading.Event()
    receiver.answer = lambda received: Answer(hold=hold)
    hook = Hook(any_api, receiver.url)
    visitors = [any_api.visitor() for _ in range(4)]
    receiver.wait(1)
    for visitor in visitors:
        for number in range(5):
            visitor.say(f"Message {number}")
    assert [len(visitor.messages()) for visitor in visitors] == [5] * 4
    finished = {delivery["state"] for delivery in hook.deliveries()}
    assert finished == {"running", "pending"}, "all was accepted before the receiver had answered anything"
    hold.set()
    receiver.wait(24)


# --- Stopping ---


def test_stopping_finishes_running_deliveries(app: Flask, receiver: Receiver) -> None:
    state = app.extensions["pocketping"]
    holds = [threading.Event(), threading.Event()]
    receiver.answers = [Answer(hold=hold) for hold in holds]
    with serving(app) as api:
        hook = Hook(api, receiver.url)
        api.session()
        api.session()
        receiver.wait(2)
        closing = threading.Thread(target=state.runtime.close)
        closing.start()
        wait_until(lambda: not worker_threads(), "the worker takes up nothing more")
        send_test(state.db, hook.id)
        for hold in holds:
            closing.join(0.2)
            assert closing.is_alive(), "a delivery was under way"
            hold.set()
        closing.join(10)
        assert states(state.db) == ["succeeded", "succeeded", "pending"]
        assert len(receiver.received) == 2


def test_stopping_waits_for_a_claim_and_its_deliveries(postgresql: str, tmp_path: Path, receiver: Receiver) -> None:
    app = make_app(tmp_path, postgresql, worker="off", **LOCAL)
    db: Database = app.extensions["pocketping"].db
    hold = threading.Event()
    receiver.answer = lambda received: Answer(hold=hold)
    with serving(app) as api:
        Hook(api, receiver.url).test()
        worker = new_worker(db)
        stopped: list[bool] = []
        stopping = threading.Thread(target=lambda: stopped.append(worker.stop(10)))
        with db.transaction() as tx:
            tx.execute(select(deliveries).with_for_update())
            worker.start()
            wait_until(lambda: blocked(db), "the worker waits for its claim")
            stopping.start()
            stopping.join(0.2)
        receiver.wait(1)
        stopping.join(0.2)
        assert stopped == [], "a delivery was under way"
        hold.set()
        stopping.join(10)
        assert stopped == [True]
        assert states(db) == ["succeeded"]


def test_stopping_has_a_timeout(tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(tmp_path, worker="off", **LOCAL)
    hold = threading.Event()
    receiver.answer = lambda received: Answer(hold=hold)
    db: Database = app.extensions["pocketping"].db
    with serving(app) as api:
        Hook(api, receiver.url).test()
        worker = new_worker(db)
        worker.start()
        receiver.wait(1)
        assert worker.stop(0.2) is False
        assert "still running" in caplog.text
        hold.set()
        assert worker.stop(10) is True
        assert states(db) == ["succeeded"]


def test_a_worker_stopped_before_its_start_does_nothing(app: Flask) -> None:
    worker = new_worker(app.extensions["pocketping"].db)
    assert worker.stop(1) is True
    worker.work()


def test_a_closed_app_restarts_with_its_next_request(app: Flask, api: Api, receiver: Receiver) -> None:
    Hook(api, receiver.url)
    api.session()
    receiver.wait(1)
    app.extensions["pocketping"].runtime.close()
    assert not worker_threads()
    api.session()
    receiver.wait(2)


def test_without_new_threads_deliveries_are_made_one_by_one(
    app: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "pocketping-delivery":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with serving(app) as api:
        hook = Hook(api, receiver.url)
        for _ in range(3):
            api.session()
        hook.wait_for(*["succeeded"] * 3, attempts=1)


def test_an_unavailable_database_is_retried(
    app: Flask, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    hook = Hook(api, receiver.url)
    db: Database = app.extensions["pocketping"].db
    with db.transaction() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE pocketping_delivery RENAME TO away")
    wait_until(lambda: "waits for its database" in caplog.text, "the worker's complaint")
    with db.transaction() as tx:
        tx.connection.exec_driver_sql("ALTER TABLE away RENAME TO pocketping_delivery")
    api.session()
    hook.wait_for("succeeded", attempts=1)


def in_parallel(count: int, work: Callable[[int], object]) -> None:
    """Do something in so many threads that begin together."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        barrier.wait()
        work(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def converse(api: Api, messages: int) -> str:
    """A session with so many messages."""
    session_id = api.session()
    for number in range(messages):
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": f"Message {number}"})
    return session_id


def look(api: Api) -> None:
    """Wait until the worker has looked for work, with room for more than it found."""
    with receiving() as bystander:
        Hook(api, bystander.url, ["ai.takeover"]).test()
        bystander.wait(1)


def worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pocketping-worker"]


def session_of(received: Received) -> str:
    return str(received.json["data"]["sessionId"])


def numbers(receiver: Receiver, session_id: str) -> list[int]:
    """The seqs of a session in the order in which they came."""
    data = [received.json["data"] for received in receiver.received if session_of(received) == session_id]
    return [item["message"]["seq"] if "message" in item else 1 for item in data]


def backlog(app: Flask, webhook_id: str, count: int) -> None:
    """Deliveries to one endpoint that are due already."""
    db: Database = app.extensions["pocketping"].db
    row = new_delivery("proj_default", TARGET, webhook_id, "", clock.ago(minutes=1)) | {"payload": "{}"}
    with db.transaction() as tx:
        tx.execute(insert(deliveries), [row] * count)


def states(db: Database) -> list[str]:
    with db.read() as connection:
        return list(connection.execute(select(deliveries.c.state).order_by(deliveries.c.id)).scalars())


def blocked(db: Database) -> bool:
    """Whether a transaction of this PostgreSQL database waits for a lock."""
    query = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with db.read() as connection:
        return connection.execute(query).first() is not None


def new_worker(db: Database, **options: Any) -> Worker:
    client = GuardedClient(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")], timeout=5, user_agent="Tests")
    return Worker(db, [WebhookTarget(client, PublicURLs("/pocketping"))], poll=0.05, lease=10, **options)
