"""Tests Flask-Migrate and Alembic in the host app, with their default templates and the code of the guide."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, inspect, select, text

from flask_pocketping.migrations import include_name, schema
from flask_pocketping.models import PASSAGE_WORDS, Base, Project, Session, table

from ..support.pages import DOCS, Block, blocks, sections
from ..support.scripts import environment, replaced
from ..support.services import empty_database

# Each command is a process of its own, as a person runs it; a dozen of them take long on a busy machine.
pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]

PAGE = DOCS / "embedding.md"

OPEN = """
from store import app, pocketping
with app.app_context():
    pocketping.send_message(pocketping.open_session().id, "Hello", type="visitor")
    print(len(pocketping.list_sessions(started=True).sessions), app.test_client().get("/pocketping/health").status_code)
"""

STOCK = """

class Stock(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), index=True)
"""

MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Stock(Base):
    __tablename__ = "stock"

    id: Mapped[int] = mapped_column(primary_key=True)
"""


def block(name: str, part: str | None) -> Block:
    (found,) = [found for found in blocks(PAGE, "python") if (found.name, found.part) == (name, part)]
    return found


class Store:
    """The app of the guide in a folder, on a database, and its commands."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.engine = create_engine(url)
        self._environment = environment(FLASK_APP="store", FLASK_SECRET_KEY="s", FLASK_SQLALCHEMY_DATABASE_URI=url)
        self._environment["PYTHONPATH"] += f":{folder}"
        self.app = folder / "store.py"
        self.app.write_text(block("store.py", None).text + STOCK)

    def run(self, *command: str, code: int = 0) -> str:
        """What a command prints, errors included."""
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def talk(self) -> str:
        """Use the chat in a process of its own."""
        return self.run("python", "-c", OPEN).strip()

    def written(self) -> str:
        """The migrations in the host's folder."""
        return "\n".join(path.read_text() for path in sorted((self.folder / "migrations" / "versions").glob("*.py")))

    def tables(self) -> set[str]:
        return set(inspect(self.engine).get_table_names())

    def our_indexes(self) -> set[str | None]:
        inspector = inspect(self.engine)
        return {found["name"] for name in Base.metadata.tables for found in inspector.get_indexes(name)}

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the stock templates, in which the old text must be."""
        file = self.folder / path
        file.write_text(replaced(file.read_text(), {old: new}))


@pytest.fixture
def open_store(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Store]:
    def open_(kind: str) -> Store:
        manager = empty_database(kind, tmp_path)
        url = manager.__enter__()
        store = Store(tmp_path, url)

        def close() -> None:
            store.engine.dispose()
            manager.__exit__(None, None, None)

        request.addfinalizer(close)
        return store

    return open_


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def store(request: pytest.FixtureRequest, open_store: Callable[[str], Store]) -> Store:
    return open_store(request.param)


def commands_of(heading: str) -> list[list[str]]:
    """The commands that a section of the guide shows."""
    return [
        line.removeprefix("$ ").replace("--app store ", "").split()
        for line in sections(PAGE)[heading].splitlines()
        if line.startswith("$ ")
    ]


def test_flask_migrate_ignores_the_chats_tables(store: Store) -> None:
    store.run("flask", "db", "init")
    assert store.run("flask", "pocketping", "init-db") == "The tables are ready.\n"
    assert store.talk() == "1 200"
    store.run("flask", "db", "migrate", "-m", "Stock")
    for command in commands_of("Let the chat manage its tables"):
        store.run(*command)
    assert "stock" in store.written()
    assert "pocketping" not in store.written()
    assert "No changes in schema detected." in store.run("flask", "db", "migrate")
    assert {"stock", "alembic_version", schema.VERSION_TABLE, *Base.metadata.tables} == store.tables()
    assert {index.name for found in Base.metadata.tables.values() for index in found.indexes} <= store.our_indexes()
    assert store.talk() == "2 200"
    store.run("flask", "pocketping", "db", "check")


def test_without_the_hook_init_db_warns_that_the_chats_tables_would_be_dropped(
    open_store: Callable[[str], Store],
) -> None:
    store = open_store("sqlite")
    store.edit("store.py", ", include_name=PocketPing.include_name", "")
    store.run("flask", "db", "init")
    warned = store.run("flask", "pocketping", "init-db")
    assert "Warning: Flask-Migrate manages this database" in warned
    assert "include_name=PocketPing.include_name" in warned
    assert "The tables are ready.\n" in warned
    store.run("flask", "db", "migrate")
    assert "op.drop_table('pocketping_session')" in store.written()


HOOKS = {
    "a hook of the host's that calls ours": "include_name=lambda *a: PocketPing.include_name(*a) and a[0] != 'x'",
    "include_object": "include_object=lambda o, name, *rest: not name.startswith('pocketping_')",
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_init_db_does_not_warn_if_our_tables_are_excluded(open_store: Callable[[str], Store], hook: str) -> None:
    store = open_store("sqlite")
    store.edit("store.py", "include_name=PocketPing.include_name", hook)
    assert store.run("flask", "pocketping", "init-db") == "The tables are ready.\n"


def test_init_db_does_not_warn_about_another_database(open_store: Callable[[str], Store]) -> None:
    store = open_store("sqlite")
    store.edit("store.py", ", include_name=PocketPing.include_name", "")
    store.edit("store.py", "PocketPing(app, db=db)", "PocketPing(app)")
    store.edit(
        "store.py",
        "db = SQLAlchemy(app)",
        "app.config['POCKETPING_DATABASE_URI'] = 'sqlite:///chat.db'\ndb = SQLAlchemy(app)",
    )
    assert store.run("flask", "pocketping", "init-db") == "The tables are ready.\n"


def add_import(store: Store) -> None:
    (line,) = [found.text for found in blocks(PAGE, "text") if "flask_pocketping" in found.text]
    store.edit("migrations/script.py.mako", "import sqlalchemy as sa\n", f"import sqlalchemy as sa\n{line}")


def default_projects(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table(Project))).scalar_one())


def test_flask_migrate_manages_the_chats_tables_too(store: Store) -> None:
    store.edit("store.py", ", include_name=PocketPing.include_name", "")
    store.run("flask", "db", "init")
    env = (store.folder / "migrations/env.py").read_text()
    (stock,) = re.findall(r"^def get_metadata\(\):\n(?:    .*\n)+", env, re.MULTILINE)
    store.edit("migrations/env.py", stock, block("migrations/env.py", "in place of get_metadata").text)
    add_import(store)
    told = store.run("flask", "pocketping", "init-db", code=1)
    assert "tables of Flask-PocketPing are missing" in told
    assert "run flask db migrate, then flask db upgrade" in told
    store.run("flask", "db", "migrate")
    store.run("flask", "db", "upgrade")
    assert store.talk() == "1 200"
    assert default_projects(store) == 1
    assert "No changes in schema detected." in store.run("flask", "db", "migrate")
    assert "The app's own migrations manage the tables" in store.run("flask", "pocketping", "init-db")
    assert {"stock", "alembic_version", *Base.metadata.tables} == store.tables()
    store.run("flask", "pocketping", "db", "check")
    if store.engine.dialect.name in {"sqlite", "postgresql"}:
        # MariaDB refuses the order in which autogenerate drops an index and the foreign key that needs it.
        store.run("flask", "db", "downgrade")
        assert store.tables() == {"alembic_version"}


LEARN = """
from store import app, pocketping
with app.app_context():
    pocketping.add_knowledge("returns", "Returns", "Send it back.")
    print(len(pocketping.search_knowledge("send back")))
"""


def test_migrations_of_the_host_leave_the_full_text_index_of_sqlite_alone(open_store: Callable[[str], Store]) -> None:
    store = open_store("sqlite")
    stock = "migrate = Migrate(app, db, include_name=PocketPing.include_name)"
    store.edit("store.py", stock, block("store.py", "in place of migrate").text)
    store.run("flask", "db", "init")
    env = (store.folder / "migrations/env.py").read_text()
    (get_metadata,) = re.findall(r"^def get_metadata\(\):\n(?:    .*\n)+", env, re.MULTILINE)
    store.edit("migrations/env.py", get_metadata, block("migrations/env.py", "in place of get_metadata").text)
    add_import(store)
    store.run("flask", "db", "migrate")
    store.run("flask", "db", "upgrade")
    assert store.run("python", "-c", LEARN).strip() == "1"
    assert "No changes in schema detected." in store.run("flask", "db", "migrate")
    assert PASSAGE_WORDS in store.tables()


def test_plain_alembic_ignores_the_chats_tables(open_store: Callable[[str], Store]) -> None:
    store = open_store("postgresql")
    plain_alembic(store)
    (hook,) = re.findall(r"^    (include_name=.*)\n", block("migrations/env.py", "both calls").text, re.MULTILINE)
    env = (store.folder / "migrations/env.py").read_text()
    assert env.count("target_metadata=target_metadata") == 2
    store.edit("migrations/env.py", "target_metadata=target_metadata", f"target_metadata=target_metadata, {hook[:-1]}")
    store.edit(
        "migrations/env.py",
        "target_metadata = None\n",
        "from flask_pocketping import PocketPing\nfrom models import Base\ntarget_metadata = Base.metadata\n",
    )
    store.run("flask", "pocketping", "db", "upgrade")
    store.run("alembic", "revision", "--autogenerate", "-m", "Stock")
    store.run("alembic", "upgrade", "head")
    assert "pocketping" not in store.written()
    store.run("alembic", "check")
    assert store.talk() == "1 200"
    assert schema.VERSION_TABLE in store.tables()


def test_plain_alembic_manages_the_chats_tables_too(open_store: Callable[[str], Store]) -> None:
    store = open_store("mariadb")
    plain_alembic(store)
    part = block("migrations/env.py", "in place of target_metadata").text
    store.edit("migrations/env.py", "target_metadata = None\n", part)
    add_import(store)
    store.run("alembic", "revision", "--autogenerate")
    store.run("alembic", "upgrade", "head")
    store.run("alembic", "check")
    assert store.talk() == "1 200"
    with store.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(table(Session))).scalar() == 1
        assert connection.execute(text("SELECT count(*) FROM stock")).scalar() == 0


def plain_alembic(store: Store) -> None:
    """`alembic init`, for a host with models of its own and no Flask-Migrate."""
    store.run("alembic", "init", "migrations")
    url = store.engine.url.render_as_string(hide_password=False)
    store.edit("alembic.ini", "driver://user:pass@localhost/dbname", url)
    (store.folder / "models.py").write_text(MODELS)
    store.edit("store.py", "migrate = Migrate(app, db, include_name=PocketPing.include_name)", "")


@pytest.mark.parametrize(
    ("name", "type_", "parents", "kept"),
    [
        ("pocketping_session", "table", {}, False),
        (schema.VERSION_TABLE, "table", {}, False),
        ("ix_pocketping_session_stats", "index", {"table_name": "pocketping_session"}, False),
        ("email", "column", {"table_name": "pocketping_session"}, False),
        ("stock", "table", {}, True),
        ("pocketping_note", "column", {"table_name": "stock"}, True),
        (None, "schema", {}, True),
        (None, "unique_constraint", {"table_name": "stock"}, True),
    ],
)
def test_the_hook_excludes_only_our_tables(name: str | None, type_: str, parents: dict[str, Any], kept: bool) -> None:
    assert include_name(name, type_, parents) is kept
