"""Tests the revisions of the tables on each kind of database, with rows. New revisions are included automatically."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import alembic.op
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.pool import StaticPool

from flask_pocketping import PocketPing, SchemaMissing, SchemaOutdated, SchemaTooNew
from flask_pocketping.db import Database, own_engine
from flask_pocketping.errors import UncommittedChanges
from flask_pocketping.migrations import downgrade, schema, upgrade
from flask_pocketping.migrations.locks import locked
from flask_pocketping.migrations.runner import differences, run
from flask_pocketping.models import Base, Project, Session, table

from ..conftest import Serve
from ..support.servers import KEY, ROOT, process_environment
from ..support.services import empty_database

KINDS = ["sqlite", "postgresql", "mariadb"]

#: Columns as `table.column` whose values a revision rewrites, so that rows are not the same before and after.
REWRITTEN: set[str] = set()

LATER = """
import sqlalchemy as sa

revision = "9999"
down_revision = "{head}"


def upgrade(op):
    op.add_column("pocketping_session", sa.Column("later", sa.String(20), server_default="soon", nullable=False))
    op.create_index("ix_pocketping_session_later", "pocketping_session", ["later"])


def downgrade(op):
    op.drop_index("ix_pocketping_session_later", "pocketping_session")
    op.drop_column("pocketping_session", "later")
"""


@pytest.fixture
def engine(any_empty_database: str) -> Iterator[Engine]:
    made = own_engine(any_empty_database)
    yield made
    made.dispose()


@pytest.fixture
def later_version(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if this were a later version, whose newest revision adds a column."""
    with later_revision(LATER, tmp_path_factory, monkeypatch):
        sessions = table(Session)
        column: Column[str] = Column("later", String(20), server_default="soon", nullable=False)
        sessions.append_column(column)
        try:
            yield
        finally:
            sessions._columns.remove(column)


@contextmanager
def later_revision(code: str, folders: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = folders.mktemp("later") / "versions"
    shutil.copytree(schema.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "9999_later.py").write_text(code.format(head=schema.HEAD))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "REVISIONS", [*schema.REVISIONS, "9999"])
        patch.setattr(schema, "HEAD", "9999")
        patch.setattr(schema, "FOLDER", folder)
        yield


# --- Each revision


def go_to(engine: Engine, revision: str | None) -> None:
    """Run the revisions themselves, without the short way for an empty database."""
    with locked(engine) as connection:
        run(connection, schema.read_revision(connection), revision)


def before(revision: str) -> str | None:
    index = schema.REVISIONS.index(revision)
    return schema.REVISIONS[index - 1] if index else None


def describe(engine: Engine) -> dict[str, Any]:
    """All that the database says of our tables."""
    found: dict[str, Any] = {}
    inspector = inspect(engine)
    for name in sorted(inspector.get_table_names()):
        if not name.startswith("pocketping_") or name == schema.VERSION_TABLE:
            continue
        options = inspector.get_table_options(name) if engine.dialect.name in {"mysql", "mariadb"} else {}
        found[name] = {
            "columns": {
                column["name"]: (repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            },
            "key": inspector.get_pk_constraint(name),
            "indexes": sorted(map(str, inspector.get_indexes(name))),
            "unique": sorted(map(str, inspector.get_unique_constraints(name))),
            "foreign keys": sorted(map(str, inspector.get_foreign_keys(name))),
            "options": {key: value for key, value in options.items() if key != "mysql_auto_increment"},
        }
    return found


def reflected(connection: Connection) -> list[Table]:
    """Our tables as they are in the database, those that others refer to first."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name.startswith("pocketping_") and name != schema.VERSION_TABLE)
    return metadata.sorted_tables


def fill(engine: Engine) -> None:
    """Put a row into each table, whatever its columns are."""
    with engine.begin() as connection:
        for found in reflected(connection):
            connection.execute(insert(found), {column.name: value_for(column) for column in found.columns})


def value_for(column: Column[Any]) -> Any:
    """A value that fits; the same for a key and what refers to it."""
    for key in column.foreign_keys:
        return value_for(key.column)
    kind = column.type
    if isinstance(kind, DateTime):
        return datetime(2026, 3, 29, 1, 30, tzinfo=UTC if kind.timezone else None)
    if isinstance(kind, Date):
        return date(2026, 3, 29)
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer):
        # Far from the numbers that the database gives by itself.
        return 1_000_000 if column.primary_key else 1
    # On MariaDB JSON is a text that is checked.
    length = getattr(kind, "length", None)
    return f"{column.name}-{column.table.name[11:]}"[: min(length, 20)] if length else "{}"


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            found.name: [
                {str(key): str(value) for key, value in row.items()}
                for row in connection.execute(select(found).order_by(*found.primary_key)).mappings()
            ]
            for found in reflected(connection)
        }


def assert_rows_are_kept(old: dict[str, list[dict[str, Any]]], new: dict[str, list[dict[str, Any]]]) -> None:
    assert sum(map(len, new.values())) >= sum(map(len, old.values()))
    for name in old.keys() & new.keys():
        assert len(new[name]) == len(old[name]), name
        for one, other in zip(old[name], new[name], strict=True):
            for column in {column for column in one.keys() & other.keys() if f"{name}.{column}" not in REWRITTEN}:
                assert one[column] == other[column], f"{name}.{column}"


@pytest.mark.parametrize("revision", schema.REVISIONS)
def test_a_revision_goes_up_and_down_and_keeps_the_rows(engine: Engine, revision: str) -> None:
    older = before(revision)
    if older is not None:
        go_to(engine, older)
        fill(engine)
    described, kept = describe(engine), rows(engine)
    go_to(engine, revision)
    if older is not None:
        assert_rows_are_kept(kept, rows(engine))
    else:
        fill(engine)
    newer, kept_newer = describe(engine), rows(engine)
    go_to(engine, older)
    assert describe(engine) == described
    if older is not None:
        assert {name: len(found) for name, found in rows(engine).items()} == {
            name: len(found) for name, found in kept.items()
        }
    go_to(engine, revision)
    assert describe(engine) == newer
    if older is not None:
        assert_rows_are_kept(rows(engine), kept_newer)


def test_ids_that_are_too_long_for_older_tables_are_forgotten(engine: Engine) -> None:
    """Before revision 0010 an id of a chat platform had up to 100 characters."""
    go_to(engine, "0010")
    fill(engine)
    long = "x" * 255
    with engine.begin() as connection:
        for name, column in (("thread", "newest_id"), ("item", "external_id")):
            connection.execute(text(f"UPDATE pocketping_bridge_{name} SET {column} = '{long}'"))
    go_to(engine, "0009")
    kept = rows(engine)
    assert kept["pocketping_bridge_item"] == []
    [thread] = kept["pocketping_bridge_thread"]
    assert (thread["newest_id"], thread["head_id"]) == ("None", "head_id-bridge_thread"[:20])


@pytest.mark.parametrize("kind", KINDS)
def test_the_revisions_give_the_tables_that_the_models_describe(kind: str, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with empty_database(kind, tmp_path) as url, empty_database(kind, tmp_path / "made") as made_url:
        by_revisions, by_models = own_engine(url), own_engine(made_url)
        go_to(by_revisions, schema.HEAD)
        upgrade(by_revisions)
        Base.metadata.create_all(by_models)
        assert list(describe(by_models)) == sorted(Base.metadata.tables)
        assert describe(by_revisions) == describe(by_models)
        with by_revisions.connect() as connection:
            assert differences(connection) == []
            assert schema.has_default_project(connection)
        by_revisions.dispose()
        by_models.dispose()


def test_the_revisions_are_linear_and_named_after_their_files() -> None:
    script = ScriptDirectory(schema.FOLDER.parent)
    assert [found.revision for found in script.walk_revisions()] == schema.REVISIONS[::-1]
    assert script.get_current_head() == schema.HEAD


def test_alembic_reads_the_revision_of_an_empty_database(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        assert context.get_current_revision() == schema.HEAD


# --- From one state to another


def sessions_and_later(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, later FROM pocketping_session")).all()
        return [(str(row[0]), str(row[1])) for row in found]


def test_tables_from_before_the_first_revision_are_upgraded(engine: Engine, request: Any) -> None:
    go_to(engine, "0001")
    fill(engine)
    with engine.begin() as connection:
        schema._VERSION.drop(connection)
    request.getfixturevalue("later_version")
    upgrade(engine)
    assert [later for _, later in sessions_and_later(engine)] == ["soon"]
    with engine.connect() as connection:
        assert schema.read_revision(connection) == "9999"


def test_complete_tables_only_get_a_revision(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    fill(engine)
    described = describe(engine)
    upgrade(engine)
    upgrade(engine)
    assert describe(engine) == described
    with engine.connect() as connection:
        assert schema.read_revision(connection) == schema.HEAD
        assert schema.has_default_project(connection)


@pytest.mark.parametrize("statement", [1, 9, 33])
def test_an_interrupted_upgrade_can_be_repeated(any_empty_database: str, statement: int) -> None:
    engine = create_engine(any_empty_database)
    done = 0

    def crash(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        nonlocal done
        done += sql.lstrip().startswith(("CREATE", "INSERT"))
        if done == statement:
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", crash)
    with pytest.raises(KeyboardInterrupt):
        go_to(engine, "0001")
    event.remove(engine, "before_cursor_execute", crash)
    if engine.dialect.name in {"sqlite", "postgresql"}:
        assert describe(engine) == {}
    upgrade(engine)
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


def test_an_interrupted_later_revision_can_be_repeated(
    empty_mariadb: str, later_version: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = own_engine(empty_mariadb)
    go_to(engine, before("9999"))
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE pocketping_session ADD COLUMN later VARCHAR(20) NOT NULL DEFAULT 'soon'"))
    upgrade(engine)
    with engine.connect() as connection:
        assert schema.read_revision(connection) == "9999"
    assert "ix_pocketping_session_later" in {
        found["name"] for found in inspect(engine).get_indexes("pocketping_session")
    }
    downgrade(engine, schema.REVISIONS[-2])
    assert "later" not in describe(engine)["pocketping_session"]["columns"]
    engine.dispose()


def test_dropped_tables_are_created_again(engine: Engine) -> None:
    upgrade(engine)
    Base.metadata.drop_all(engine)
    upgrade(engine)
    with engine.connect() as connection:
        assert differences(connection) == []
        assert schema.has_default_project(connection)


def test_tables_changed_by_others_are_not_ready(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE pocketping_project DROP COLUMN created_at"))
    with pytest.raises(SchemaOutdated, match=r"lack pocketping_project\.created_at"):
        upgrade(engine)


def test_a_database_of_a_newer_version_is_not_changed(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        schema.write_revision(connection, "9999")
    with pytest.raises(SchemaTooNew, match="at revision 9999, which this version does not know"):
        upgrade(engine)
    with pytest.raises(SchemaTooNew, match="at revision 9999"):
        downgrade(engine, "base")
    assert list(describe(engine)) == sorted(Base.metadata.tables)


REPLACING = """
import sqlalchemy as sa

revision = "9999"
down_revision = "{head}"


def upgrade(op):
    with op.batch_alter_table("pocketping_session", recreate="always") as batch:
        batch.alter_column("visitor_id", type_=sa.String(80), existing_nullable=False)
"""


def test_replacing_a_table_in_sqlite_keeps_references_to_it(
    sqlite: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = own_engine(sqlite)
    upgrade(engine)
    fill(engine)
    kept = rows(engine)
    with later_revision(REPLACING, tmp_path_factory, monkeypatch):
        upgrade(engine)
    assert rows(engine) == kept
    assert "length=80" in describe(engine)["pocketping_session"]["columns"]["visitor_id"][0]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


# --- One at a time


def test_a_second_upgrade_waits_for_the_first(engine: Engine) -> None:
    finished = threading.Event()

    def second() -> None:
        upgrade(engine)
        finished.set()

    thread = threading.Thread(target=second)
    with locked(engine):
        thread.start()
        assert not finished.wait(0.5)
    thread.join(30)
    assert finished.is_set()


def test_concurrent_first_uses_upgrade_an_old_file(sqlite: str, later_version: None) -> None:
    of_before(sqlite)
    opened = [Database(lambda: own_engine(sqlite), upgrades_itself=True) for _ in range(5)]
    barrier = threading.Barrier(len(opened))

    def first_use(db: Database) -> str:
        barrier.wait()
        with db.read() as connection:
            return str(connection.execute(text("SELECT later FROM pocketping_session")).scalar_one())

    with ThreadPoolExecutor(len(opened)) as pool:
        assert list(pool.map(first_use, opened)) == ["soon"] * len(opened)
    for db in opened:
        db.dispose()


def test_concurrent_upgrades_of_processes_succeed(any_empty_database: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "tests.support.wsgi:app", "pocketping", "init-db"]
    environment = process_environment(tmp_path, any_empty_database)
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        output, _ = process.communicate(timeout=90)
        assert (process.returncode, output) == (0, "The tables are ready.\n")
    engine = own_engine(any_empty_database)
    with engine.connect() as connection:
        assert differences(connection) == []
        assert connection.execute(select(func.count()).select_from(table(Project))).scalar() == 1
    engine.dispose()


# --- A good guest


def state_of_logging() -> dict[str, Any]:
    found: dict[str, Any] = {"": (logging.root.level, list(logging.root.handlers), logging.root.filters[:])}
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and not name.startswith("alembic"):
            found[name] = (logger.level, list(logger.handlers), logger.disabled, logger.propagate)
    return found


@pytest.mark.parametrize("any_empty_database", ["sqlite"], indirect=True)
def test_an_upgrade_does_not_change_the_hosts_logging(engine: Engine) -> None:
    logger = logging.getLogger("host.orders")
    logger.setLevel(logging.DEBUG)
    handler = logging.NullHandler()
    logger.addHandler(handler)
    try:
        was = state_of_logging()
        go_to(engine, schema.HEAD)
        upgrade(engine)
        found = state_of_logging()
        assert {name: found[name] for name in was} == was
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_an_upgrade_within_the_hosts_own_migration_does_not_disturb_it(engine: Engine, tmp_path: Path) -> None:
    theirs = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with theirs.connect() as connection, Operations.context(MigrationContext.configure(connection)):
        go_to(engine, schema.HEAD)
        assert alembic.op.get_bind() is connection
    theirs.dispose()


def test_the_settings_of_a_hosts_engine_are_restored(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}", poolclass=StaticPool)
    for enforced in (0, 1):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA foreign_keys = {enforced}")
        go_to(engine, schema.HEAD)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == enforced
            assert connection.connection.dbapi_connection.isolation_level == ""  # type: ignore[union-attr]
    engine.dispose()


def test_uncommitted_changes_of_the_host_in_memory_are_not_committed() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE stock (id INTEGER)"))
        connection.execute(text("INSERT INTO stock VALUES (1)"))
        with pytest.raises(UncommittedChanges):
            upgrade(engine)
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM stock")).scalar() == 0
    engine.dispose()


def test_a_first_start_needs_no_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.support.wsgi import app; "
        "app.extensions['test_pocketping'].upgrade(app); "
        "print(app.test_client().get('/health').json, 'alembic' in sys.modules)"
    )
    environment = process_environment(tmp_path, f"sqlite:///{tmp_path / 'chat.db'}")
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert shown.stdout == "{'status': 'ok'} False\n"


# --- In an app


def host(folder: Path, **settings: Any) -> tuple[Flask, PocketPing]:
    app = Flask("host", instance_path=str(folder))
    app.config.update(
        {"SECRET_KEY": "x", "POCKETPING_API_KEY": KEY, "POCKETPING_URL_PREFIX": "", "POCKETPING_WORKER": "off"},
        **settings,
    )
    return app, PocketPing(app)


def of_before(url: str) -> None:
    """Leave a database as the version before this one would, with rows."""
    engine = own_engine(url)
    go_to(engine, before(schema.HEAD))
    fill(engine)
    engine.dispose()


@pytest.mark.parametrize("configured", [False, True], ids=["the default file", "a file of POCKETPING_DATABASE_URI"])
def test_the_embedded_sqlite_file_is_upgraded_automatically(
    tmp_path: Path, serve: Serve, later_version: None, configured: bool
) -> None:
    url = f"sqlite:///{tmp_path / ('chat.db' if configured else 'pocketping.db')}"
    of_before(url)
    app, _ = host(tmp_path, **({"POCKETPING_DATABASE_URI": url} if configured else {}))
    assert serve(app).get("/sessions").status_code == 200
    engine = own_engine(url)
    assert [later for _, later in sessions_and_later(engine)] == ["soon"]
    engine.dispose()


@pytest.mark.parametrize("key", ["POCKETPING_DATABASE_URI", "SQLALCHEMY_DATABASE_URI"])
def test_an_embedded_in_memory_database_is_created_automatically(tmp_path: Path, serve: Serve, key: str) -> None:
    app, _ = host(tmp_path, **{key: "sqlite://"})
    api = serve(app)
    barrier = threading.Barrier(6)

    def open_session(number: int) -> int:
        barrier.wait()
        return api.post("/sessions").status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(open_session, range(6))) == {201}
    assert len(api.ok("GET", "/sessions")["sessions"]) == 6


def host_with(tmp_path: Path, url: str, lend: str) -> tuple[Flask, PocketPing]:
    if lend == "url":
        return host(tmp_path, SQLALCHEMY_DATABASE_URI=url)
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x", POCKETPING_API_KEY=KEY, POCKETPING_URL_PREFIX="", POCKETPING_WORKER="off")
    if lend == "engine":
        return app, PocketPing(app, engine=create_engine(url))
    db = SQLAlchemy()
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    return app, PocketPing(app, db=db)


@pytest.mark.parametrize(
    ("any_empty_database", "lend"),
    [("sqlite", "url"), ("postgresql", "url"), ("mariadb", "url"), ("postgresql", "engine"), ("sqlite", "db")],
    indirect=["any_empty_database"],
)
def test_other_databases_with_old_tables_get_an_error_with_the_command(
    any_empty_database: str,
    tmp_path: Path,
    serve: Serve,
    later_version: None,
    caplog: pytest.LogCaptureFixture,
    lend: str,
) -> None:
    of_before(any_empty_database)
    app, pocketping = host_with(tmp_path, any_empty_database, lend)
    api = serve(app)
    said = f"at revision {before(schema.HEAD)}, and this version needs 9999"
    with app.app_context(), pytest.raises(SchemaOutdated, match=said):
        pocketping.list_sessions()
    assert api.get("/sessions").json()["code"] == "UNAVAILABLE"
    assert "flask pocketping db upgrade" in caplog.text
    health = api.get("/health")
    assert (health.status_code, health.json()["failing"]) == (503, "database")
    assert "flask pocketping db upgrade" in health.json()["message"]
    assert app.test_cli_runner().invoke(args=["pocketping", "db", "upgrade"]).output == "The tables are ready.\n"
    assert api.get("/health").status_code == 200
    api.session()
    close(app)


def close(app: Flask) -> None:
    """Give back the connections of an engine that is the host's."""
    app.extensions["pocketping"].runtime.close()
    app.extensions["pocketping"].db.engine.dispose()


def test_old_tables_without_a_revision_are_an_error(
    empty_postgresql: str, tmp_path: Path, later_version: None, serve: Serve
) -> None:
    of_before(empty_postgresql)
    engine = own_engine(empty_postgresql)
    with engine.begin() as connection:
        schema._VERSION.drop(connection)
    engine.dispose()
    app, pocketping = host(tmp_path, POCKETPING_DATABASE_URI=empty_postgresql)
    with app.app_context(), pytest.raises(SchemaOutdated, match=r"lack pocketping_session\.later.*db upgrade"):
        pocketping.list_sessions()
    pocketping.upgrade(app)
    serve(app).session()


def test_tables_of_a_newer_version_are_an_error(engine: Engine, any_empty_database: str, tmp_path: Path) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        schema.write_revision(connection, "9999")
    app, pocketping = host(tmp_path, POCKETPING_DATABASE_URI=any_empty_database)
    with app.app_context(), pytest.raises(SchemaTooNew, match="a newer version upgraded them"):
        pocketping.list_sessions()
    health = app.test_client().get("/health")
    assert health.status_code == 503
    assert "at revision 9999" in health.json["message"]  # type: ignore[index]
    for arguments in (["init-db"], ["db", "upgrade"], ["db", "check"], ["db", "downgrade", "base", "--yes"]):
        result = app.test_cli_runner().invoke(args=["pocketping", *arguments])
        assert (result.exit_code, "at revision 9999" in result.output) == (1, True)
    app.extensions["pocketping"].runtime.close()


def test_an_app_without_flasks_commands_can_create_its_tables(
    any_empty_database: str, tmp_path: Path, serve: Serve
) -> None:
    app, pocketping = host(tmp_path, SQLALCHEMY_DATABASE_URI=any_empty_database)
    with app.app_context(), pytest.raises(SchemaMissing):
        pocketping.list_sessions()
    pocketping.create_tables(app)
    with app.app_context():
        pocketping.upgrade()
    serve(app).session()


# --- Commands


@pytest.fixture
def flask(any_empty_database: str, tmp_path: Path) -> Iterator[Callable[..., tuple[int, str]]]:
    """Run commands of an app on an empty database; gives exit code and output."""
    app, _ = host(tmp_path, SQLALCHEMY_DATABASE_URI=any_empty_database)

    def run(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["pocketping", "db", *arguments])
        return result.exit_code, result.output

    yield run
    app.extensions["pocketping"].runtime.close()


def test_the_commands_show_and_change_the_revision(
    flask: Callable[..., tuple[int, str]], any_empty_database: str
) -> None:
    head = schema.HEAD
    assert flask("current") == (0, f"no tables (newest: {head})\n")
    assert flask("check")[0] == 1
    assert flask("upgrade") == (0, "The tables are ready.\n")
    assert flask("current") == (0, f"{head} (newest: {head})\n")
    assert flask("check") == (0, "The tables are as this version needs them.\n")
    assert flask("stamp", "base")[0] == 0
    assert flask("current") == (0, f"none recorded (newest: {head})\n")
    assert flask("check")[0] == 0
    assert flask("stamp") == (0, f"Recorded: revision {head}.\n")
    assert flask("downgrade", "base", "--yes") == (0, "The tables are at revision base.\n")
    assert flask("current") == (0, f"no tables (newest: {head})\n")
    assert flask("upgrade", "0001")[0] == 0


def test_check_names_the_differences(flask: Callable[..., tuple[int, str]], any_empty_database: str) -> None:
    flask("upgrade")
    engine = create_engine(any_empty_database)
    on = " ON pocketping_attachment" if engine.dialect.name in {"mysql", "mariadb"} else ""
    with engine.begin() as connection:
        connection.execute(text(f"DROP INDEX ix_pocketping_attachment_status{on}"))
        connection.execute(text("CREATE INDEX of_the_host ON pocketping_session (email)"))
        connection.execute(text("CREATE TABLE stock (id INTEGER)"))
    code, output = flask("check")
    assert (code, output.count("\n")) == (1, 2)
    assert "add index: pocketping_attachment.ix_pocketping_attachment_status\n" in output
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE pocketping_presence"))
    assert "lack pocketping_presence" in flask("check")[1]
    engine.dispose()


# It is refused before any SQL.
@pytest.mark.parametrize("any_empty_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("arguments", [["upgrade", "7777"], ["downgrade", "7777", "--yes"], ["stamp", "7777"]])
def test_an_unknown_revision_is_an_error_of_one_line(
    flask: Callable[..., tuple[int, str]], arguments: list[str]
) -> None:
    code, output = flask(*arguments)
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("Error: There is no revision 7777. There are: 0001")


@pytest.mark.parametrize("any_empty_database", ["sqlite"], indirect=True)
def test_a_downgrade_asks_for_confirmation(flask: Callable[..., tuple[int, str]]) -> None:
    flask("upgrade")
    assert "Continue? [y/N]" in flask("downgrade", "base")[1]
    assert flask("check")[0] == 0
