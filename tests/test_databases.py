"""Tests the databases of the tests: each test finds one as if it had just been made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import OperationalError

from flask_pocketping.chat.messages import send_message
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.db import Database, own_engine
from flask_pocketping.models import Base, Event, table

from .support.services import drop_databases, fresh_database


@pytest.fixture(params=["postgresql", "mariadb"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of which no other test's database is kept."""
    drop_databases()
    yield request.param
    drop_databases()


def fill(url: str) -> list[int]:
    """Write a conversation.

    :return: the numbers of its events.
    """
    db = Database(lambda: own_engine(url))
    session = open_session(db)
    send_message(db, session.id, "Hello", type="visitor")
    with db.read() as connection:
        numbers = list(connection.execute(select(table(Event).c.id).order_by(table(Event).c.id)).scalars())
    db.dispose()
    return numbers


def count_rows(url: str) -> dict[str, int]:
    """The numbers of rows, of the tables that have some."""
    engine = create_engine(url)
    with engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(found)).scalar_one()
            for name, found in Base.metadata.tables.items()
        }
    engine.dispose()
    return {name: count for name, count in counts.items() if count}


def test_a_database_is_used_again_without_what_the_last_test_left(kind: str, tmp_path: Path) -> None:
    with fresh_database(kind, tmp_path) as first:
        before = count_rows(first)
        numbers = fill(first)
        assert count_rows(first) != before
        engine = create_engine(first)
        left = engine.connect()
        left.execute(text("UPDATE pocketping_project SET name = 'Locked'"))
    with fresh_database(kind, tmp_path) as second:
        assert second == first
        with pytest.raises(OperationalError):
            left.execute(text("SELECT 1"))
        assert count_rows(second) == before == {"pocketping_project": 1}
        assert fill(second) == numbers
    with suppress(OperationalError):
        left.invalidate()
        left.close()
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("postgresql", "CREATE TABLE other (id INTEGER)"),
        ("postgresql", "ALTER TABLE pocketping_session ADD COLUMN other INTEGER"),
        ("postgresql", "DROP TABLE pocketping_presence"),
        ("mariadb", "CREATE INDEX other ON pocketping_session (status)"),
    ],
    indirect=["kind"],
)
def test_a_database_whose_tables_were_changed_is_not_used_again(kind: str, tmp_path: Path, change: str) -> None:
    with fresh_database(kind, tmp_path) as first, fresh_database(kind, tmp_path) as second:
        assert first != second
        engine = create_engine(first)
        with engine.begin() as connection:
            connection.execute(text(change))
        engine.dispose()
    with fresh_database(kind, tmp_path) as third, fresh_database(kind, tmp_path) as fourth:
        assert {third, fourth} & {first, second} == {second}
        assert count_rows(third) == count_rows(fourth) == {"pocketping_project": 1}
