"""Tests which connection a transaction uses, and that none stays locked, leaks or is shared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from flask_pocketping.db import Database, Transaction, own_engine

#: A nested transaction waits for the outer one this many seconds.
SHORT = {"connect_args": {"timeout": 0.2}}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(lambda: own_engine(f"sqlite:///{tmp_path / 'chat.db'}", SHORT), upgrades_itself=True)
    yield made
    made.dispose()


def connection_of(tx: Transaction) -> object:
    return tx.connection.connection.dbapi_connection


def write(db: Database) -> object:
    with db.transaction() as tx:
        tx.execute(text("UPDATE pocketping_project SET name = 'Shop'"))
        return connection_of(tx)


def checked_out(db: Database) -> int:
    assert isinstance(db.engine.pool, QueuePool)
    return db.engine.pool.checkedout()


def test_one_connection_writes_to_a_sqlite_file(db: Database) -> None:
    first = write(db)
    with db.read() as reading:
        assert reading.connection.dbapi_connection is not first
    assert write(db) is first
    assert checked_out(db) == 1
    db.close_writer()
    assert checked_out(db) == 0


def test_a_failed_transaction_returns_its_connection(db: Database) -> None:
    write(db)

    def fail() -> None:
        with db.transaction() as tx:
            tx.execute(text("UPDATE pocketping_project SET name = 'Lost'"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert checked_out(db) == 0
    write(db)
    with db.read() as reading:
        assert reading.execute(text("SELECT name FROM pocketping_project")).scalar_one() == "Shop"


def test_no_lock_is_held_between_transactions(db: Database, tmp_path: Path) -> None:
    write(db)
    with closing(sqlite3.connect(tmp_path / "chat.db", timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE pocketping_project SET name = 'Elsewhere'")
        other.execute("COMMIT")
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_a_nested_transaction_fails_and_leaves_the_outer_one_as_it_is(db: Database) -> None:
    write(db)
    with db.transaction() as outer:
        kept = connection_of(outer)
        with pytest.raises(OperationalError, match="locked"), db.transaction():
            pytest.fail("SQLite allows one transaction at a time")
        assert connection_of(outer) is kept
        outer.execute(text("UPDATE pocketping_project SET name = 'Outer'"))
    assert checked_out(db) == 1
    with db.read() as reading:
        assert reading.execute(text("SELECT name FROM pocketping_project")).scalar_one() == "Outer"


def test_each_engine_has_its_own_connections(db: Database, tmp_path: Path) -> None:
    first = write(db)
    engine = own_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with db.using(engine):
        other = write(db)
        assert other is not first
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedout() == 0
    engine.dispose()
    assert write(db) is not other
    assert checked_out(db) == 1


def test_a_closed_database_reopens(db: Database) -> None:
    first = write(db)
    db.dispose()
    assert write(db) is not first


def test_an_in_memory_database_has_one_connection() -> None:
    db = Database(lambda: own_engine("sqlite://"), upgrades_itself=True)
    first = write(db)
    with db.read() as reading:
        assert reading.connection.dbapi_connection is first
    assert write(db) is first
    db.dispose()
