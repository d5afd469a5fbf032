"""Tests that one process at a time has a lease, on each kind of database, whatever clocks and crashes do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from flask_pocketping import clock
from flask_pocketping.chat import bridge_state
from flask_pocketping.db import Database, own_engine
from flask_pocketping.leases import Lease, is_held, leases

from .support.services import fresh_database
from .support.travel import Travel


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def shared_db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(request.param, tmp_path_factory.mktemp("leases")) as url:
        db = Database(lambda: own_engine(url), upgrades_itself=True)
        db.upgrade()
        yield db
        db.dispose()


@pytest.fixture
def any_db(shared_db: Database) -> Database:
    with shared_db.transaction() as tx:
        tx.execute(delete(leases))
    return shared_db


def lease(db: Database, owner: str, key: str = "a task") -> Lease:
    return Lease(db, key, owner, 15)


def test_one_has_it_until_it_ends(any_db: Database, travel: Travel) -> None:
    one, other = lease(any_db, "one"), lease(any_db, "other")
    assert one.take() is True
    assert other.take() is False
    assert one.take() is True
    assert lease(any_db, "other", "another task").take() is True
    travel.forward(seconds=14)
    assert one.renew() is True
    travel.forward(seconds=14)
    assert other.take() is False
    travel.forward(seconds=2)
    assert other.take() is True
    # The first one was away for too long, and must notice it.
    assert one.renew() is False
    assert one.take() is False


def test_a_late_renewal_counts_while_nobody_else_wants_it(any_db: Database, travel: Travel) -> None:
    one, other = lease(any_db, "one"), lease(any_db, "other")
    assert one.take() is True
    travel.forward(hours=1)
    assert one.renew() is True
    assert other.take() is False


def test_what_is_given_back_is_free_at_once_and_keeps_its_note(any_db: Database) -> None:
    one, other = lease(any_db, "one"), lease(any_db, "other")
    assert one.note() is None
    one.take()
    # Only who has it can give it back.
    other.give_back("not done")
    assert other.take() is False
    one.give_back("done")
    assert one.renew() is False
    assert other.take() is True
    assert other.note() == "done"
    other.give_back()
    assert one.note() == "done"


def test_a_lease_of_a_fast_clock_holds_nobody_up(any_db: Database, travel: Travel) -> None:
    """A process whose clock is a day ahead dies. The others do not wait for a day."""
    travel.forward(days=1)
    assert lease(any_db, "ahead").take() is True
    assert lease(any_db, "ahead", "renewed").take() is True
    assert lease(any_db, "ahead", "renewed").renew() is True
    travel.forward(days=-1)
    assert lease(any_db, "other").take() is True
    assert lease(any_db, "other", "renewed").take() is True
    # Clocks differ by less than a second without a fault.
    travel.forward(seconds=0.5)
    assert lease(any_db, "ahead").take() is False
    assert lease(any_db, "other").take() is True
    travel.forward(seconds=-0.5)
    assert lease(any_db, "ahead").take() is False


@pytest.mark.parametrize("is_new", [True, False])
def test_of_many_that_come_at_once_one_is_first(any_db: Database, travel: Travel, is_new: bool) -> None:
    if not is_new:
        assert lease(any_db, "dead").take() is True
        travel.forward(seconds=16)
    ready = threading.Barrier(8)

    def come(number: int) -> bool:
        ready.wait()
        return lease(any_db, f"process {number}").take()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(come, range(8))) == [False] * 7 + [True]


def test_nobody_takes_it_during_a_transaction_that_relies_on_it(any_db: Database, travel: Travel) -> None:
    one, other = lease(any_db, "one"), lease(any_db, "other")
    one.take()
    travel.forward(seconds=16)
    taken: list[bool] = []
    with any_db.transaction() as tx:
        assert is_held(tx, one.key, "one")
        assert not is_held(tx, one.key, "other")
        thread = threading.Thread(target=lambda: taken.append(other.take()))
        thread.start()
        thread.join(0.5)
        assert taken == []
    thread.join(10)
    assert taken == [True]


def test_only_who_has_the_lease_of_a_bridge_saves_its_position(any_db: Database, travel: Travel) -> None:
    assert bridge_state.save_cursor(any_db, "telegram", "one", "1") is False
    one = bridge_state.lease_of(any_db, "telegram", "one", 15)
    one.take()
    assert bridge_state.save_cursor(any_db, "telegram", "one", "2") is True
    assert bridge_state.save_cursor(any_db, "slack", "one", "2") is False
    travel.forward(seconds=16)
    bridge_state.lease_of(any_db, "telegram", "other", 15).take()
    assert bridge_state.save_cursor(any_db, "telegram", "one", "3") is False
    assert bridge_state.read_cursor(any_db, "telegram") == "2"
    bridge_state.note_move(any_db, "telegram", "-1", "-1", "-2")
    assert bridge_state.save_cursor(any_db, "telegram", "other", "4") is True
    assert bridge_state.read_cursor(any_db, "telegram") == "4"
    assert bridge_state.current_channel(any_db, "telegram", "-1") == "-2"


def test_leases_end_by_the_clock(any_db: Database) -> None:
    lease(any_db, "one").take()
    with any_db.read() as connection:
        row = connection.execute(select(leases)).one()
    assert timedelta(seconds=10) < row.held_until - clock.now() <= timedelta(seconds=15)
    assert row.held_until - row.dated_at == timedelta(seconds=15)
