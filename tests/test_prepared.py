"""Tests statements that go directly to the driver: listeners of SQLAlchemy still see all of them."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select, text

from flask_pocketping import prepared
from flask_pocketping.chat.log import events
from flask_pocketping.chat.messages import messages
from flask_pocketping.db import Database
from flask_pocketping.prepared import Prepared

from .conftest import LOCAL
from .support.clients import Api
from .support.servers import make_app, serving

SEND = ["SELECT session", "INSERT message", "INSERT event", "SELECT webhook", "UPDATE session"]


@pytest.fixture
def app(any_database: str, tmp_path: Path) -> Flask:
    """An app on each kind of database, in which nothing happens beside what a test does."""
    return make_app(tmp_path, any_database, worker="off", poll_interval=60, **LOCAL)


@pytest.fixture
def api(app: Flask) -> Iterator[Api]:
    with serving(app) as made:
        yield made


def database(app: Flask) -> Database:
    found = app.extensions["pocketping"].db
    assert isinstance(found, Database)
    return found


@contextmanager
def listening(engine: Engine, name: str, listener: Callable[..., Any]) -> Iterator[None]:
    event.listen(engine, name, listener)
    try:
        yield
    finally:
        event.remove(engine, name, listener)


def short(statement: str) -> str:
    verb, table = re.match(r"(\w+)\s.*?\bpocketping_(\w+)", statement, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{verb} {table}"


def test_a_listener_sees_every_statement_of_a_message(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("Nobody listens")
    seen: list[str] = []
    done: list[str] = []

    def before(connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        seen.append(statement)

    def after(connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        done.append(statement)

    engine = database(app).engine
    with listening(engine, "before_cursor_execute", before), listening(engine, "after_cursor_execute", after):
        visitor.say("Somebody listens")
    assert [short(one) for one in seen if one != "BEGIN IMMEDIATE"] == SEND
    assert done == seen
    assert [found["content"] for found in visitor.messages()] == ["Nobody listens", "Somebody listens"]


def test_both_ways_write_the_same_rows(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("Hello", clientId="a")
    with listening(database(app).engine, "before_cursor_execute", lambda *args: None):
        visitor.say("Hello", clientId="b")
    with database(app).read() as connection:
        for table, own in ((messages, {"id", "client_id"}), (events, {"id", "data"})):
            of_session = select(table).where(table.c.session_id == visitor.session_id).order_by(table.c.seq.desc())
            second, first = connection.execute(of_session.limit(2)).mappings().all()
            ours = own | {"seq", "created_at", "changed_at"}
            assert {name: value for name, value in first.items() if name not in ours} == {
                name: value for name, value in second.items() if name not in ours
            }
            assert second["seq"] == first["seq"] + 1
            assert second["created_at"] > first["created_at"]


@pytest.mark.parametrize("watched", [False, True])
def test_errors_of_the_driver_are_handled_like_sqlalchemys(app: Flask, api: Api, watched: bool) -> None:
    visitor = api.visitor()
    failed: list[str] = []

    def fail(context: Any) -> None:
        failed.append(short(context.statement))

    first = visitor.say("Hello", clientId="twice")
    if watched:
        with listening(database(app).engine, "handle_error", fail):
            second = visitor.say("Hello", clientId="twice")
    else:
        second = visitor.say("Hello", clientId="twice")
    assert second["messageId"] == first["messageId"]
    assert failed == (["INSERT message"] if watched else [])


def test_sqlalchemys_log_has_the_statements(app: Flask, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    visitor = api.visitor()
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"):
        # A connection asks once whether it is to log.
        database(app).close_writer()
        visitor.say("My password is swordfish")
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("sqlalchemy.engine")]
    assert [short(one) for one in logged if "pocketping_" in one] == SEND
    assert "swordfish" not in "\n".join(logged)


def test_without_listeners_sqlalchemy_is_bypassed(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = api.visitor()
    visitor.say("Hello")

    def refuse(self: object, *args: Any) -> None:
        raise AssertionError("A hot statement went through SQLAlchemy.")

    with database(app).read() as connection:
        assert not prepared._is_watched(connection)
        monkeypatch.setattr(type(connection), "execute", refuse)
    visitor.say("Hello again")


def test_an_unknown_sqlalchemy_version_is_not_bypassed(tmp_path: Path) -> None:
    class Unknown:
        def execute(self, statement: Any, values: Any) -> Any:
            raise LookupError("asked")

    with pytest.raises(LookupError, match="asked"):
        Prepared(text("SELECT 1")).write(Unknown(), {})  # type: ignore[arg-type]


TRACED = """
import json
import sentry_sdk
from flask import Flask
from flask_pocketping import PocketPing
from flask_pocketping.testing import Visitor

app = Flask("traced", instance_path="{folder}")
app.config.update(SECRET_KEY="a secret of the host", POCKETPING_WORKER="off")
pocketping = PocketPing(app)

def show(transaction, hint):
    if transaction["transaction"].endswith("send_visitor_message"):
        print(json.dumps([span["description"] for span in transaction["spans"] if span["op"] == "db"]))

sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, before_send_transaction=show)
Visitor(app).send("My password is swordfish")
sentry_sdk.get_client().close()
pocketping.close(app)
"""


def test_tracing_by_sentry_has_a_span_for_each_statement(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRACED.replace("{folder}", str(tmp_path))], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [short(one) for one in json.loads(done.stdout) if "pocketping_" in one] == SEND
    assert "swordfish" not in done.stdout
