"""Tests sharing the host's database: its uncommitted changes stay separate, and errors name their likely cause."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import StaticPool

from flask_pocketping import ConfigurationError, PocketPing, UncommittedChanges
from flask_pocketping.testing import Refused, Visitor, api

from ..support.servers import KEY


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


class Shop:
    """A host with tables of its own, on a database that it lends to the chat."""

    def __init__(self, folder: Path, uri: str, **options: Any) -> None:
        self.db = SQLAlchemy(model_class=Base, engine_options=options)
        self.app = Flask("shop", instance_path=str(folder))
        self.app.config.update(
            SECRET_KEY="a secret of the shop",
            SQLALCHEMY_DATABASE_URI=uri,
            POCKETPING_WORKER="off",
            POCKETPING_API_KEY=KEY,
        )
        self.db.init_app(self.app)
        self.pocketping = PocketPing(self.app, db=self.db)
        with self.app.app_context():
            self.db.create_all()
        self.app.extensions["pocketping"].db.create_tables()

    def orders(self) -> int:
        return self.db.session.query(Order).count()


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, "sqlite://")
    with shop.app.app_context():
        yield shop
        shop.db.session.remove()
        shop.db.engine.dispose()


CALLS: dict[str, Callable[[Shop, str], Any]] = {
    "write": lambda shop, session_id: shop.pocketping.send_message(session_id, "Hello"),
    "read": lambda shop, session_id: shop.pocketping.get_session(session_id),
    "tables": lambda shop, session_id: shop.app.extensions["pocketping"].db.create_tables(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_uncommitted_changes_of_the_host_in_memory_are_kept(
    in_memory: Shop, call: Callable[..., Any], end: str
) -> None:
    session_id = in_memory.pocketping.open_session().id
    in_memory.db.session.add(Order(item="teapot"))
    in_memory.db.session.flush()
    with pytest.raises(UncommittedChanges, match="Commit or roll back before you call Flask-PocketPing"):
        call(in_memory, session_id)
    getattr(in_memory.db.session, end)()
    assert in_memory.orders() == (1 if end == "commit" else 0)
    call(in_memory, session_id)


def test_a_request_during_uncommitted_changes_is_told_to_retry(
    in_memory: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(in_memory.app)
    in_memory.db.session.add(Order(item="teapot"))
    in_memory.db.session.flush()
    with pytest.raises(Refused) as caught:
        visitor.send("Hello")
    assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
    assert "SQLite database in memory has one connection" in caplog.text
    in_memory.db.session.rollback()
    assert in_memory.orders() == 0
    visitor.send("Hello")


def test_reading_opens_no_blocking_transaction(in_memory: Shop) -> None:
    assert in_memory.orders() == 0
    session_id = in_memory.pocketping.open_session().id
    assert in_memory.pocketping.get_session(session_id).id == session_id


def test_an_in_memory_database_per_thread_is_refused(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with pytest.raises(ConfigurationError, match=r"engine=….*poolclass=StaticPool"):
        PocketPing(engine=engine)
    shared = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    app = Flask("memory", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the host", POCKETPING_WORKER="off")
    PocketPing(app, engine=shared)
    app.extensions["pocketping"].db.create_tables()
    Visitor(app).send("Hello")
    shared.dispose()


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, "sqlite:///shop.db", connect_args={"timeout": 0.1})
    with shop.app.app_context():
        yield shop
        shop.db.session.remove()
        shop.db.engine.dispose()


def test_the_error_of_a_locked_database_names_the_likely_cause(on_file: Shop, caplog: pytest.LogCaptureFixture) -> None:
    visitor = Visitor(on_file.app)
    on_file.db.session.add(Order(item="teapot"))
    on_file.db.session.flush()
    with pytest.raises(OperationalError, match="database is locked") as raised:
        on_file.pocketping.send_message(visitor.session_id, "Hello")
    assert "commit or roll back before you call Flask-PocketPing" in raised.value.__notes__[0]
    with caplog.at_level(logging.ERROR), pytest.raises(Refused, match="503"):
        visitor.send("Hello")
    assert "Most often it is the app's own session" in caplog.records[-1].getMessage()
    told = on_file.app.test_cli_runner().invoke(args=["pocketping", "keys", "create"])
    assert (told.exit_code, "Most often it is the app's own session" in told.output) == (1, True)
    on_file.db.session.commit()
    visitor.send("Hello")


def test_other_errors_of_statements_have_no_such_note(on_file: Shop) -> None:
    @event.listens_for(on_file.db.engine, "before_cursor_execute")
    def fail(*args: Any) -> None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    with pytest.raises(OperationalError) as raised:
        on_file.pocketping.list_sessions()
    assert getattr(raised.value, "__notes__", []) == []
    event.remove(on_file.db.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize("key", ["POCKETPING_DATABASE_URI", "SQLALCHEMY_DATABASE_URI"])
@pytest.mark.parametrize(
    ("uri", "driver", "told"),
    [
        ("postgresql+psycopg://u:swordfish@host/name", "psycopg", "pip install 'flask-pocketping[postgresql]'."),
        ("mysql+pymysql://u:swordfish@host/name", "pymysql", "pip install 'flask-pocketping[mysql]'."),
        ("mariadb+pymysql://u:swordfish@host/name", "pymysql", "pip install 'flask-pocketping[mysql]'."),
        ("postgresql+psycopg2://u:swordfish@host/name", "psycopg2", "write postgresql+psycopg://…"),
        ("postgresql+asyncpg://u:swordfish@host/name", "asyncpg", "write postgresql+psycopg://…"),
        ("mysql://u:swordfish@host/name", "mysqldb", "write mysql+pymysql://…"),
    ],
)
def test_the_error_of_a_missing_driver_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, uri: str, driver: str, told: str
) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb" if driver == "mysqldb" else driver, None)
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update({"SECRET_KEY": "a secret of the host", key: uri})
    with pytest.raises(ConfigurationError) as caught:
        PocketPing(app)
    assert str(caught.value).startswith(f"{key} needs the driver {driver}, which is not installed")
    assert told in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_the_api_sees_changes_that_the_host_committed(on_file: Shop) -> None:
    on_file.db.session.add(Order(item="teapot"))
    on_file.db.session.commit()
    assert api(on_file.app).get("/pocketping/sessions").status_code == 200
    assert on_file.orders() == 1
