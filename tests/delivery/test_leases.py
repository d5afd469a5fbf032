"""Tests leases on each kind of database: only one worker gets a delivery, and only the lease's owner settles it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from flask_pocketping import clock
from flask_pocketping.chat import messages, sessions, webhooks
from flask_pocketping.chat.deliveries import attempts
from flask_pocketping.chat.webhooks import endpoints
from flask_pocketping.db import Database, retried
from flask_pocketping.delivery import claims, leases
from flask_pocketping.delivery.batch import Batch, Job
from flask_pocketping.delivery.http.client import GuardedClient
from flask_pocketping.delivery.target import Outcome
from flask_pocketping.outbox import deliveries
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.targets.webhooks import WebhookTarget

from ..conftest import LOCAL
from ..support.hooks import Hook, moment
from ..support.receiver import Answer, Receiver
from ..support.servers import make_app, serving, wait_until, worker
from ..support.travel import Travel

OK = Outcome(ok=True, status_code=200)
FAILED = Outcome(ok=False, status_code=500, error="HTTP 500")
URL = "https://yoursite.com/webhook"


class Claimer:
    """A worker's part in leases, on connections of its own."""

    def __init__(self, db: Database, name: str) -> None:
        self.db = db
        self.name = name
        client = GuardedClient(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")], user_agent="Tests")
        self.target = WebhookTarget(client, PublicURLs("/pocketping"))

        self.batches: dict[int, Batch] = {}

    def claim(self, limit: int = 64, lease: float = 60.0, room: Mapping[str, int] | None = None) -> list[Job]:
        mine = {("webhook", target_id): left for target_id, left in (room or {}).items()}
        claimer = claims.Claimer(self.db, {"webhook": self.target}, self.name, lease)
        batches = retried(lambda: claimer.claim(limit=limit, room=mine, default_room=1000))
        self.batches |= {id(batch.first): batch for batch in batches}
        return [batch.first for batch in batches]

    def settle(self, job: Job, outcome: Outcome = OK) -> bool:
        now = clock.now()
        batch = self.batches[id(job)]

        def record() -> bool:
            with self.db.transaction() as tx:
                if leases.settle(tx, self.target, batch, outcome, now, now) is None:
                    return False
                self.target.settle(tx, batch, outcome)
                return True

        return retried(record)


@contextmanager
def two_claimers(folder: Path, database: str) -> Iterator[tuple[Claimer, Claimer]]:
    """Two workers on one database, each with an engine of its own as if in processes of their own."""
    states = [make_app(folder, database, worker="off").extensions["pocketping"] for _ in range(2)]
    try:
        yield Claimer(states[0].db, "first"), Claimer(states[1].db, "second")
    finally:
        for state in states:
            state.runtime.close()


@pytest.fixture
def claimers(any_database: str, tmp_path: Path) -> Iterator[tuple[Claimer, Claimer]]:
    with two_claimers(tmp_path, any_database) as made:
        yield made


def test_only_one_of_two_workers_gets_a_delivery(claimers: tuple[Claimer, Claimer]) -> None:
    db = claimers[0].db
    webhooks.create_webhook(db, URL, ["*"])
    for _ in range(20):
        sessions.open_session(db)
    barrier = threading.Barrier(2)
    won: list[int] = []

    def run(claimer: Claimer) -> None:
        for _ in range(10):
            barrier.wait(10)
            won.extend(job.id for job in claimer.claim(limit=3))

    together(*[partial(run, claimer) for claimer in claimers])
    assert sorted(won) == column(db, "id")
    assert column(db, "state") == ["running"] * 20
    assert column(db, "attempts") == [1] * 20


def test_deliveries_of_a_session_are_made_one_by_one_over_all_workers(claimers: tuple[Claimer, Claimer]) -> None:
    db = claimers[0].db
    webhooks.create_webhook(db, URL, ["*"])
    for _ in range(3):
        converse(db, 4)
    lock = threading.Lock()
    under_way: set[str] = set()
    order: dict[str, list[int]] = {}
    overlaps: list[str] = []

    def run(claimer: Claimer) -> None:
        while sum(map(len, order.values())) < 15:
            jobs = claimer.claim()
            with lock:
                overlaps.extend(job.subject for job in jobs if job.subject in under_way)
                under_way.update(job.subject for job in jobs)
                for job in jobs:
                    order.setdefault(job.subject, []).append(seq(job))
            for job in jobs:
                with lock:
                    under_way.discard(job.subject)
                assert claimer.settle(job)

    together(*[partial(run, claimer) for claimer in claimers])
    assert overlaps == []
    assert list(order.values()) == [[1, 2, 3, 4, 5]] * 3


def test_an_expired_lease_is_free_and_its_former_owner_cannot_settle(
    claimers: tuple[Claimer, Claimer], travel: Travel
) -> None:
    first, second = claimers
    webhooks.create_webhook(first.db, URL, ["session.created", "session.closed"])
    session = sessions.open_session(first.db)
    sessions.close_session(first.db, session.id)
    [lost] = first.claim(lease=10)
    travel.forward(seconds=9)
    assert second.claim() == []
    travel.forward(seconds=1.1)
    [taken] = second.claim(lease=10)
    assert (taken.id, taken.attempt, taken.event) == (lost.id, 2, lost.event)
    assert first.settle(lost, FAILED) is False
    assert column(first.db, "state") == ["running", "pending"]
    assert second.settle(taken) is True
    assert first.settle(lost, FAILED) is False
    assert column(first.db, "state") == ["succeeded", "pending"]
    with first.db.read() as connection:
        recorded = connection.execute(select(attempts.c.number, attempts.c.status_code)).all()
        assert [tuple(row) for row in recorded] == [(2, 200)]
        assert connection.execute(select(endpoints.c.failing_since)).scalars().all() == [None]
    assert [job.subject for job in first.claim()] == [session.id]


def test_a_worker_cannot_settle_an_attempt_that_it_lost(claimers: tuple[Claimer, Claimer], travel: Travel) -> None:
    claimer = claimers[0]
    webhooks.create_webhook(claimer.db, URL, ["*"])
    sessions.open_session(claimer.db)
    [lost] = claimer.claim(lease=10)
    travel.forward(seconds=11)
    [again] = claimer.claim(lease=10)
    assert claimer.settle(lost, FAILED) is False
    assert claimer.settle(again) is True
    assert claimer.settle(again) is False


def test_the_lease_starts_when_the_claim_is_written(sqlite: str, tmp_path: Path, travel: Travel) -> None:
    with two_claimers(tmp_path, sqlite) as (first, second):
        webhooks.create_webhook(first.db, URL, ["*"])
        sessions.open_session(first.db)
        claimed: list[Job] = []
        claiming = threading.Thread(target=lambda: claimed.extend(first.claim(lease=10)))
        with second.db.transaction():
            claiming.start()
            claiming.join(0.2)
            assert claiming.is_alive()
            travel.forward(seconds=20)
        claiming.join(10)
        assert len(claimed) == 1
        assert second.claim() == []


def test_the_concurrent_deliveries_of_a_target_are_limited(claimers: tuple[Claimer, Claimer]) -> None:
    claimer = claimers[0]
    crowded = webhooks.create_webhook(claimer.db, URL, ["*"]).id
    roomy = webhooks.create_webhook(claimer.db, URL, ["*"]).id
    for _ in range(5):
        sessions.open_session(claimer.db)
    got = [job.target_id for job in claimer.claim(room={crowded: 2})]
    assert (got.count(crowded), got.count(roomy)) == (2, 5)
    assert claimer.claim(room={crowded: 0}) == []
    assert len(claimer.claim()) == 3


def test_failed_deliveries_do_not_block_later_ones(claimers: tuple[Claimer, Claimer], travel: Travel) -> None:
    first, second = claimers
    webhooks.create_webhook(first.db, URL, ["*"])
    converse(first.db, 2)
    [one] = first.claim()
    assert second.claim() == []
    assert first.settle(one, FAILED)
    [two] = second.claim()
    assert (seq(one), seq(two)) == (1, 2)
    travel.forward(seconds=7)
    [again] = first.claim()
    assert (seq(again), again.attempt) == (1, 2)
    assert second.settle(two)
    assert second.claim() == [], "the third waits while the first is under way"
    assert first.settle(again, FAILED)
    [three] = second.claim()
    assert seq(three) == 3


def test_deliveries_of_a_deleted_endpoint_are_cancelled(claimers: tuple[Claimer, Claimer]) -> None:
    first, second = claimers
    webhooks.create_webhook(first.db, URL, ["*"])
    for _ in range(3):
        sessions.open_session(first.db)
    gone = column(first.db, "id")[:2]
    with first.db.transaction() as tx:
        tx.execute(update(deliveries).where(deliveries.c.id.in_(gone)).values(target_id="whk_gone"))
    assert len(first.claim(limit=1)) == 1, "it was to look on behind those that are gone"
    assert second.claim() == []
    assert column(first.db, "state") == ["cancelled", "cancelled", "running"]


def test_settling_while_disabling_leaves_no_pending_delivery(claimers: tuple[Claimer, Claimer]) -> None:
    first, second = claimers
    for _ in range(8):
        hook = webhooks.create_webhook(first.db, URL, ["*"])
        for _ in range(6):
            sessions.open_session(first.db)
        jobs = first.claim(limit=3)
        disable = partial(webhooks.update_webhook, second.db, hook.id, {"enabled": False})
        together(lambda: [first.settle(job, FAILED) for job in jobs], partial(retried, disable))  # noqa: B023
        assert set(column(first.db, "state")) == {"cancelled"}
        webhooks.delete_webhook(first.db, hook.id)


# --- Workers in two processes: this one and another ---


def test_two_workers_deliver_once_until_one_is_killed(any_database: str, tmp_path: Path, receiver: Receiver) -> None:
    settings = {**LOCAL, "webhook_timeout": 3, "worker_lease": 4}
    hold = threading.Event()
    receiver.answer = lambda received: Answer(hold=hold)
    app = make_app(tmp_path, any_database, **settings)
    state = app.extensions["pocketping"]
    with serving(app) as api, worker(tmp_path, database=any_database, **settings) as other:
        hook = Hook(api, receiver.url)
        for _ in range(16):
            converse(state.db, 1)
        receiver.wait(16)
        assert len(set(receiver.ids())) == 16, "the same thing was under way twice"
        assert receiver.events() == ["session.created"] * 16, "eight of each worker, and one of each session"
        hold.set()
        hook.wait_for(*["succeeded"] * 32, attempts=1)
        assert len(receiver.ids()) == len(set(receiver.ids())) == 32

        state.runtime.close()
        receiver.answers = [Answer(hold=threading.Event())]
        converse(state.db, 1)
        receiver.wait(33)
        other.kill()
        [end_of_lease, _] = column(state.db, "due_at")[-2:]
        *_, taken_over, later = hook.wait_for(*["succeeded"] * 34, attempts=1)
    [lost, again, last] = receiver.received[32:]
    assert (lost.event, again.event, last.event) == ("session.created", "session.created", "message.created")
    assert (lost.headers["webhook-id"], lost.body) == (again.headers["webhook-id"], again.body)
    assert [attempt["number"] for attempt in taken_over["attempts"]] == [2]
    assert moment(taken_over["attempts"][0]["startedAt"]) >= end_of_lease
    assert [attempt["number"] for attempt in later["attempts"]] == [1]


def test_a_worker_whose_lease_expired_cannot_settle(postgresql: str, tmp_path: Path, receiver: Receiver) -> None:
    settings = {**LOCAL, "webhook_timeout": 1, "worker_lease": 2}
    receiver.answers = [Answer(500, hold=threading.Event())]
    app = make_app(tmp_path, postgresql, **settings)
    state = app.extensions["pocketping"]
    with serving(app) as api, worker(tmp_path, database=postgresql, **settings) as other:
        hook = Hook(api, receiver.url, ["session.created"])
        state.runtime.close()
        sessions.open_session(state.db)
        receiver.wait(1)
        other.popen.send_signal(signal.SIGSTOP)
        hook.wait_for("succeeded", attempts=1)
        other.popen.send_signal(signal.SIGCONT)
        wait_until(lambda: "not belong to this worker" in other.log.read_text(), "the late worker's word", 10)
        [delivery] = hook.deliveries()
    assert (delivery["state"], [attempt["number"] for attempt in delivery["attempts"]]) == ("succeeded", [2])
    assert len(receiver.received) == 2


def converse(db: Database, count: int) -> None:
    session = sessions.open_session(db)
    for number in range(count):
        messages.send_message(db, session.id, f"Message {number}")


def seq(job: Job) -> int:
    assert job.event is not None
    return job.event.seq


def together(*works: Callable[[], object]) -> None:
    """Do things in threads that begin together; what one raises fails the test."""
    barrier = threading.Barrier(len(works))
    raised: list[BaseException] = []

    def begin(work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:
            raised.append(error)
            barrier.abort()

    threads = [threading.Thread(target=begin, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def column(db: Database, name: str) -> list[Any]:
    """A column of all deliveries, oldest first."""
    with db.read() as connection:
        return list(connection.execute(select(deliveries.c[name]).order_by(deliveries.c.id)).scalars())
