"""The revisions of the tables, and what brings a database from one to another. `db` and the commands call it.

Nothing here imports Alembic before a revision runs: `schema` reads the state of the tables without it.

To change the tables, change `models.py` and add a revision:

1. Write `versions/NNNN_what_it_does.py`, with the next number. It says `revision = "NNNN"`, `down_revision` (the number
   before), `upgrade(op)` and `downgrade(op)`. Both get the operations as a parameter (`operations.py`); do not import
   `alembic.op`, which is one for the whole process and may be in use by the host app's own migrations.
2. A revision is a snapshot. It spells out columns and tables and never imports a table from `models.py`, which goes on
   changing. It may import `models.UTCDateTime`. A new table takes the same `mysql_…` options as those of revision 0001.
3. Operations skip what is done already, because MariaDB commits every statement by itself: after a crash a revision
   begins again. So put statements that change rows after those that change tables, and write them so that they may run
   twice. Use `op.batch_alter_table` on SQLite only, for what its `ALTER TABLE` can't do.
4. A new column that may not be empty needs a `server_default`: the tables have rows.
5. Tables without a recorded revision that have all that the models have count as the newest. So a revision that only
   changes rows does not reach those.

`tests/migrations/test_revisions.py` tests each revision: up, down and against the models, with rows, on every kind
of database. The row that each table gets there is made from the tables as they are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from ..errors import SchemaOutdated, SchemaTooNew
from ..models import Base
from . import schema
from .locks import locked

__all__ = ["downgrade", "include_name", "stamp", "upgrade"]

PREFIX = "pocketping_"


def include_name(name: str | None, type_: str, parent_names: Mapping[str, Any]) -> bool:
    """Exclude the tables of Flask-PocketPing and everything in them from another Alembic environment's autogenerate.

    This is an `include_name` hook. Alembic calls it with everything that it finds in the database.

    :param name: the name of the object.
    :param type_: its type: `table`, `column`, `index` and so on.
    :param parent_names: the names of its parents, including `table_name`.
    :return: whether the object belongs to the host app.
    """
    table_name = name if type_ == "table" else parent_names.get("table_name")
    return not str(table_name or "").startswith(PREFIX)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Create the tables, or upgrade them to a revision.

    You may repeat this, and two processes may do it at once.

    :param engine: the engine of the database.
    :param revision: such as `0001`, or `head` for the newest. Newer tables do not change.
    :raises SchemaTooNew: if the tables are at an unknown revision.
    :raises SchemaOutdated: if the tables lack something afterwards, because something else has changed them.
    :raises ValueError: if the revision does not exist.
    """
    target = _known(revision)
    with locked(engine) as connection:
        before = schema.read_revision(connection)
        if before is not None and before not in schema.REVISIONS:
            raise SchemaTooNew(schema.too_new(before))
        present = schema.tables_present(connection)
        if before is not None and not present:
            # Somebody dropped the tables and left their revision.
            schema.write_revision(connection, None)
            before = None
        if target == schema.HEAD and before is None and not schema.missing_parts(connection):
            # Made by create_all, or by the host's own migrations.
            schema.write_revision(connection, schema.HEAD)
        elif target == schema.HEAD and not present and connection.dialect.name in {"sqlite", "postgresql"}:
            # The same tables as all revisions give, in one go; on MariaDB a crash would leave some of them.
            Base.metadata.create_all(connection)
            schema.write_revision(connection, schema.HEAD)
        elif before is None or schema.REVISIONS.index(before) < schema.REVISIONS.index(target):
            from .runner import run

            # Without a revision, the operations skip existing tables and columns, so this is safe.
            run(connection, before, target)
        if target == schema.HEAD:
            if missing := schema.missing_parts(connection):
                raise SchemaOutdated(schema.altered(missing))
            schema.ensure_default_project(connection)


def downgrade(engine: Engine, revision: str) -> None:
    """Downgrade the tables to an older revision. Data that only newer tables have are lost.

    :param engine: the engine of the database.
    :param revision: such as `0001`, or `base` to drop all tables.
    :raises SchemaTooNew: if the tables are at an unknown revision.
    :raises ValueError: if the revision does not exist, or the tables have none.
    """
    target = None if revision == "base" else _known(revision)
    with locked(engine) as connection:
        before = schema.read_revision(connection)
        if before is None:
            raise ValueError("The tables have no revision. Record it first: flask pocketping db stamp")
        if before not in schema.REVISIONS:
            raise SchemaTooNew(schema.too_new(before))
        if target is None or schema.REVISIONS.index(target) < schema.REVISIONS.index(before):
            from .runner import run

            run(connection, before, target)


def stamp(engine: Engine, revision: str = "head") -> None:
    """Record the revision of the tables without changing them.

    :param engine: the engine of the database.
    :param revision: such as `0001`; `head` for the newest, `base` for none.
    :raises ValueError: if the revision does not exist.
    """
    target = None if revision == "base" else _known(revision)
    with locked(engine) as connection:
        schema.write_revision(connection, target)


def _known(revision: str) -> str:
    if revision == "head":
        return schema.HEAD
    if revision not in schema.REVISIONS:
        raise ValueError(f"There is no revision {revision}. There are: {', '.join(schema.REVISIONS)}.")
    return revision
