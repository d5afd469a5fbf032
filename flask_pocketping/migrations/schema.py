"""Inspects the tables without Alembic: their revision, and what they lack."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
)

from .. import clock
from ..errors import SchemaError, SchemaMissing, SchemaOutdated, SchemaTooNew
from ..models import DEFAULT_PROJECT, PASSAGE_WORDS, Base, Project, table

FOLDER = Path(__file__).parent / "versions"

#: The ids of all revisions, oldest first.
REVISIONS = sorted(path.name.partition("_")[0] for path in FOLDER.glob("[0-9]*.py"))
#: The revision whose tables `models` describes.
HEAD = REVISIONS[-1]

#: Where the revision is kept; the host app's Alembic has another table.
VERSION_TABLE = "pocketping_alembic_version"

# As Alembic makes it.
_VERSION = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

_DEFAULT_PROJECT = select(table(Project).c.id).where(table(Project).c.id == DEFAULT_PROJECT)


def read_revision(connection: Connection) -> str | None:
    """Return the recorded revision, if any."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalars().first()


def write_revision(connection: Connection, revision: str | None) -> None:
    """Record a revision, or none."""
    _VERSION.create(connection, checkfirst=True)
    connection.execute(delete(_VERSION))
    if revision is not None:
        connection.execute(insert(_VERSION).values(version_num=revision))


def tables_present(connection: Connection) -> set[str]:
    """Return the names of our tables in the database, at any revision, without those of SQLite's full text index."""
    return {
        name
        for name in inspect(connection).get_table_names()
        if name.startswith("pocketping_") and name != VERSION_TABLE and not name.startswith(PASSAGE_WORDS)
    }


def missing_parts(connection: Connection) -> list[str]:
    """Return what the database lacks: names of tables, and of columns as `table.column`."""
    found = {
        name: {column["name"] for column in columns}
        for (_, name), columns in inspect(connection).get_multi_columns(filter_names=list(Base.metadata.tables)).items()
    }
    missing = []
    for name, described in Base.metadata.tables.items():
        if name not in found:
            missing.append(name)
        else:
            missing.extend(f"{name}.{column.name}" for column in described.columns if column.name not in found[name])
    return missing


def find_problem(connection: Connection, *, closely: bool = False) -> SchemaError | None:
    """Find out what prevents this version from using the tables.

    Tables without a recorded revision were created by `create_all` or by the host app's own migrations. They are
    judged by their content.

    :param closely: whether to inspect the tables even if their revision is right.
    :return: an error that names the command to run, or `None`.
    """
    revision = read_revision(connection)
    if revision is not None and revision not in REVISIONS:
        return SchemaTooNew(too_new(revision))
    if revision not in {None, HEAD}:
        return SchemaOutdated(
            f"The tables of Flask-PocketPing are at revision {revision}, and this version needs {HEAD}. "
            "Upgrade them with: flask pocketping db upgrade"
        )
    if revision == HEAD and not closely:
        return None
    missing = missing_parts(connection)
    if not missing:
        return None
    if not tables_present(connection):
        return SchemaMissing(
            "The tables of Flask-PocketPing are missing. Create them with: flask pocketping init-db "
            "(or with your app's own migrations, where these manage them)"
        )
    return SchemaOutdated(altered(missing) if revision else f"{_lack(missing)} {_UPGRADE}")


def has_default_project(connection: Connection) -> bool:
    """Return whether the default project exists."""
    return connection.execute(_DEFAULT_PROJECT).first() is not None


def ensure_default_project(connection: Connection) -> None:
    """Create the default project if it is missing."""
    if not has_default_project(connection):
        row = {"id": DEFAULT_PROJECT, "name": "Default", "created_at": clock.now()}
        connection.execute(insert(table(Project)), row)


def too_new(revision: str) -> str:
    """Return the message for a database that a newer version has upgraded."""
    return (
        f"The tables of Flask-PocketPing are at revision {revision}, which this version does not know (its newest is "
        f"{HEAD}): a newer version upgraded them. Install that version again, or let it take the tables back with: "
        f"flask pocketping db downgrade {HEAD}"
    )


def altered(missing: list[str]) -> str:
    """Return the message for tables that something else has changed."""
    return f"{_lack(missing)} Something else changed the tables: restore them from a backup."


_UPGRADE = (
    "Upgrade them with: flask pocketping db upgrade "
    "(or with your app's own migrations, where these manage them: flask db migrate, then flask db upgrade)"
)


def _lack(missing: list[str]) -> str:
    named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return f"The tables of Flask-PocketPing lack {named}."
