"""Tests `flask pocketping …`: tables, projects and keys, for people and for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, inspect, select

from flask_pocketping import DEFAULT_PROJECT, PocketPing
from flask_pocketping.chat import messages, sessions, webhooks
from flask_pocketping.migrations.schema import VERSION_TABLE
from flask_pocketping.models import APIKey, Base, table

from .conftest import Serve
from .support.clients import Api
from .support.servers import KEY, ROOT, free_port, make_app, process_environment
from .support.services import empty_database
from .support.travel import Travel

Run = Callable[..., Result]
Of = Callable[[Flask], Run]


@pytest.fixture
def commands() -> Iterator[Of]:
    """Run commands of an app; what they leave open is closed after the test."""
    with ExitStack() as stack:

        def of(app: Flask) -> Run:
            runner = app.test_cli_runner()
            stack.callback(app.extensions["pocketping"].runtime.close)
            return lambda *arguments: runner.invoke(args=["pocketping", *arguments])

        yield of


@pytest.fixture
def run(app: Flask, commands: Of) -> Run:
    """Run a command of `app`."""
    return commands(app)


def without_tables(folder: Path, database: str) -> Flask:
    """An app on a database with nothing in it."""
    app = Flask("host", instance_path=str(folder))
    app.config.update(SECRET_KEY="x", POCKETPING_DATABASE_URI=database)
    PocketPing(app)
    return app


def answer(result: Result) -> Any:
    """The JSON that a command printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def flask(folder: Path, database: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "tests.support.wsgi:app", "pocketping", *arguments],
        env={**os.environ, **process_environment(folder, database, **settings)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_init_db_creates_the_tables_and_may_be_repeated(any_empty_database: str, tmp_path: Path, commands: Of) -> None:
    run = commands(without_tables(tmp_path, any_empty_database))
    for _ in range(2):
        result = run("init-db")
        assert (result.exit_code, result.output) == (0, "The tables are ready.\n")
    engine = create_engine(any_empty_database)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, VERSION_TABLE}
    engine.dispose()


def test_init_db_keeps_existing_data(run: Run, app: Flask) -> None:
    made = answer(run("projects", "create", "Shop", "--json"))
    assert run("init-db").exit_code == 0
    assert made in answer(run("projects", "list", "--json"))


def test_a_site_can_be_set_up_from_the_shell(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    assert flask(tmp_path, sqlite, "init-db").stdout == "The tables are ready.\n"
    created = flask(tmp_path, sqlite, "keys", "create", "--name", "CRM", "--json")
    assert (created.returncode, created.stderr) == (0, "")
    key = json.loads(created.stdout)
    api = serve(make_app(tmp_path, sqlite)).with_key(key["key"])
    session_id = api.session()
    assert api.with_key(KEY).get(f"/sessions/{session_id}").status_code == 200
    assert flask(tmp_path, sqlite, "keys", "revoke", key["id"]).returncode == 0
    assert api.get("/sessions").status_code == 401


def test_a_key_is_shown_once_and_stored_as_a_hash(run: Run, app: Flask, api: Api) -> None:
    made = answer(run("keys", "create", "--name", "CRM", "--json"))
    assert made.keys() == {"id", "projectId", "name", "hint", "createdAt", "key", "revokedAt"}
    key = made.pop("key")
    assert len(key) >= 40
    assert (made["name"], made["projectId"], made["revokedAt"]) == ("CRM", DEFAULT_PROJECT, None)
    assert key.startswith(made["hint"].split("…")[0])
    assert key.endswith(made["hint"].split("…")[1])
    assert len(made["hint"]) < 15
    assert api.with_key(key).get("/sessions").status_code == 200
    assert answer(run("keys", "list", "--json")) == [made]
    assert key not in run("keys", "list").output
    with app.extensions["pocketping"].db.read() as connection:
        dump = "\n".join(
            str(tuple(row)) for found in Base.metadata.sorted_tables for row in connection.execute(select(found))
        )
        assert connection.execute(select(table(APIKey).c.key_hash)).scalar_one() in dump
    assert made["id"] in dump
    assert key not in dump
    assert key.removeprefix("pp_") not in dump


def test_a_key_is_printed_on_its_own_line(run: Run, api: Api) -> None:
    key, _, note = run("keys", "create").stdout.split("\n", 2)
    assert api.with_key(key).get("/sessions").status_code == 200
    assert "not shown again" in note
    listed = run("keys", "list").stdout
    assert "active" in listed
    key_id = listed.split()[0]
    assert run("keys", "revoke", key_id).output == f"Key {key_id} is revoked.\n"
    assert "revoked 2" in run("keys", "list").stdout


def test_a_revoked_key_is_refused_immediately(run: Run, app: Flask, api: Api) -> None:
    made = answer(run("keys", "create", "--json"))
    with_it = api.with_key(made["key"])
    assert with_it.get("/sessions").status_code == 200
    assert run("keys", "revoke", made["id"]).exit_code == 0
    refused = with_it.get("/sessions")
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")
    assert with_it.post("/sessions").status_code == 401
    (listed,) = answer(run("keys", "list", "--json"))
    assert listed["revokedAt"]
    assert api.get("/sessions").status_code == 200


def test_keys_and_conversations_belong_to_a_project(run: Run, api: Api) -> None:
    run("init-db")
    project = answer(run("projects", "create", "Second shop", "--json"))
    assert project.keys() == {"id", "name", "createdAt"}
    key = answer(run("keys", "create", "--project", project["id"], "--json"))
    second = api.with_key(key["key"])
    session = second.ok("POST", "/sessions")["session"]
    assert session["projectId"] == project["id"]
    assert api.get(f"/sessions/{session['id']}").status_code == 404
    assert [found["id"] for found in answer(run("keys", "list", "--project", project["id"], "--json"))] == [key["id"]]
    assert answer(run("keys", "list", "--project", DEFAULT_PROJECT, "--json")) == []
    assert [found["id"] for found in answer(run("projects", "list", "--json"))] == [DEFAULT_PROJECT, project["id"]]
    shown = run("projects", "create", "Third shop").stdout.split("\n")[0]
    assert f"{shown}  Third shop\n" in run("projects", "list").stdout


def test_the_empty_list_of_keys_says_how_to_create_one(run: Run) -> None:
    assert "flask pocketping keys create" in run("keys", "list").stdout
    assert answer(run("keys", "list", "--json")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keys", "create", "--project", "proj_none"], "Project not found"),
        (["keys", "create", "--name", ""], "name"),
        (["keys", "create", "--name", "n" * 201], "name"),
        (["keys", "create", "--name", "a\x00b"], "name"),
        (["keys", "revoke", "key_none"], "API key not found"),
        (["projects", "create", " "], "name"),
        (["projects", "create", "n" * 201], "name"),
        (["projects", "create", "a\x00b"], "name"),
    ],
)
def test_a_mistake_is_an_error_of_one_line(run: Run, arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert said in result.output
    assert result.output.count("\n") == 1


BAD_SETTINGS = [["check"], ["init-db"], ["worker"], ["keys", "list"]]


@pytest.mark.parametrize("arguments", BAD_SETTINGS, ids=" ".join)
def test_an_invalid_setting_is_an_error_of_one_line(tmp_path: Path, sqlite: str, arguments: list[str]) -> None:
    result = flask(tmp_path, sqlite, *arguments, worker="sometimes")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "Error: POCKETPING_WORKER must be thread or off, not 'sometimes'.\n"


COMMANDS = [
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke", "x"],
    ["projects", "create", "x"],
    ["projects", "list"],
]


@pytest.fixture(scope="module")
def without_any(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database without tables, in which no command makes any."""
    with empty_database("postgresql", tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_without_tables_every_command_names_the_command_that_creates_them(
    tmp_path: Path, without_any: str, commands: Of, arguments: list[str]
) -> None:
    result = commands(without_tables(tmp_path, without_any))(*arguments)
    assert result.exit_code == 1
    assert "flask pocketping init-db" in result.output


def test_an_unreachable_database_is_reported_without_its_password(tmp_path: Path, commands: Of) -> None:
    run = commands(without_tables(tmp_path, f"postgresql+psycopg://user:swordfish@127.0.0.1:{free_port()}/x"))
    for arguments in (["init-db"], ["keys", "list"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert result.output.startswith("Error: The database can't be used:")
        assert "swordfish" not in result.output


def test_commands_leave_no_thread_running(run: Run) -> None:
    threads = threading.enumerate()
    assert run("keys", "create").exit_code == 0
    assert run("projects", "create", "Shop").exit_code == 0
    assert threading.enumerate() == threads


# --- Deliveries


@pytest.fixture
def talked(app: Flask) -> Flask:
    """An app with three deliveries: to a webhook whose first attempt failed, and two that nobody has made."""
    db = app.extensions["pocketping"].db
    webhooks.create_webhook(db, "https://example.com/hook", ["session.created", "message.created"])
    session_id = sessions.open_session(db).id
    messages.send_message(db, session_id, "Hello")
    sessions.open_session(db)
    return app


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_deliveries_are_listed_newest_first_and_filtered(talked: Flask, commands: Of) -> None:
    run = commands(talked)
    assert [line.split()[0] for line in lines(run("deliveries", "list"))] == ["dlv_3", "dlv_2", "dlv_1"]
    found = answer(run("deliveries", "list", "--json", "--target", "webhook", "--state", "pending", "--limit", "2"))
    assert [delivery["id"] for delivery in found["deliveries"]] == ["dlv_3", "dlv_2"]
    assert {"state": "pending", "target": "webhook", "eventType": "message.created"}.items() <= found["deliveries"][
        1
    ].items()
    rest = run("deliveries", "list", "--limit", "2", "--cursor", found["nextCursor"])
    assert [line.split()[0] for line in lines(rest)] == ["dlv_1"]
    mine = answer(run("deliveries", "list", "--json", "--session", found["deliveries"][1]["sessionId"]))
    assert [delivery["id"] for delivery in mine["deliveries"]] == ["dlv_2", "dlv_1"]
    assert lines(run("deliveries", "list", "--target", "email")) == ["No deliveries."]
    assert run("deliveries", "list", "--state", "lost").exit_code == 2
    assert run("deliveries", "list", "--limit", "501").exit_code == 2
    assert run("deliveries", "list", "--cursor", "x").exit_code == 1


def test_a_delivery_can_be_shown_cancelled_and_retried(talked: Flask, commands: Of) -> None:
    run = commands(talked)
    assert "dlv_1  cancelled" in lines(run("deliveries", "cancel", "dlv_1"))[0]
    assert answer(run("deliveries", "show", "dlv_1", "--json"))["state"] == "cancelled"
    shown = lines(run("deliveries", "show", "dlv_1"))
    assert "  eventType: session.created" in shown
    assert "dlv_1  pending" in lines(run("deliveries", "retry", "dlv_1"))[0]
    for command in ("show", "cancel", "retry"):
        result = run("deliveries", command, "dlv_99")
        assert result.exit_code == 1
        assert "Error:" in result.output


def test_only_finished_deliveries_are_deleted(talked: Flask, commands: Of, travel: Travel) -> None:
    run = commands(talked)
    run("deliveries", "cancel", "dlv_1")
    travel.forward(days=2)
    run("deliveries", "cancel", "dlv_2")
    travel.forward(days=2)
    assert lines(run("deliveries", "purge", "--older-than", "3", "--target", "email", "--yes")) == ["0 deleted."]
    assert run("deliveries", "purge", "--older-than", "3").exit_code == 1, "it asks first"
    assert lines(run("deliveries", "purge", "--older-than", "3", "--yes")) == ["1 deleted."]
    travel.forward(days=9)
    assert lines(run("deliveries", "purge", "--older-than", "0", "--yes")) == ["1 deleted."]
    assert [line.split()[:2] for line in lines(run("deliveries", "list"))] == [["dlv_3", "pending"]]
    assert run("deliveries", "purge", "--yes").exit_code == 2
