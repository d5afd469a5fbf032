"""Runs revisions with Alembic's Python interface.

There is no ini file, no `env.py` and no `alembic.op`, because the host app may use its own at the same time. The
host's logging does not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ..errors import SchemaError
from ..models import Base
from . import schema
from .operations import RepeatableOperations


def run(connection: Connection, before: str | None, target: str | None) -> None:
    """Run the revisions from one to another, up or down.

    :param connection: a connection of `locked`.
    :param before: the revision of the tables; `None` for none.
    :param target: the revision to reach; `None` for none.
    """
    script = ScriptDirectory(str(schema.FOLDER.parent), version_locations=[str(schema.FOLDER)])

    # Alembic's own commands find the steps by these two methods, and there are no public ones.
    def steps(heads: Any, context: MigrationContext) -> Iterable[MigrationStep]:
        if target is None or (before is not None and target < before):
            return script._downgrade_revs(target or "base", before)
        return script._upgrade_revs(target, heads)

    if connection.dialect.name not in {"sqlite", "postgresql"} and connection.in_transaction():
        # Without transactional changes of tables, each revision is a separate transaction.
        connection.commit()
    context = MigrationContext.configure(connection, opts={"fn": steps, "version_table": schema.VERSION_TABLE})
    context.run_migrations(op=RepeatableOperations(context))
    if connection.dialect.name == "sqlite":
        _check_foreign_keys(connection)


def differences(connection: Connection) -> list[str]:
    """List the differences between the tables and the models, one per line. Additional indexes do not count."""
    opts = {"version_table": schema.VERSION_TABLE, "include_name": _is_ours}
    context = MigrationContext.configure(connection, opts=opts)
    found: list[Any] = []
    for item in compare_metadata(context, Base.metadata):
        found += item if isinstance(item, list) else [item]
    return [_described(item) for item in found if item[0] != "remove_index"]


def _is_ours(name: str | None, type_: str, parent_names: Any) -> bool:
    return type_ != "table" or name in Base.metadata.tables


def _described(item: tuple[Any, ...]) -> str:
    what, *rest = item
    named = [str(part) for part in rest if isinstance(part, str)]
    last = rest[-1]
    if not named or hasattr(last, "name"):
        owner = getattr(last, "table", None)
        named += [f"{owner.name}.{last.name}"] if owner is not None and not named else [str(getattr(last, "name", ""))]
    return f"{what.replace('_', ' ')}: {'.'.join(named)}"


def _check_foreign_keys(connection: Connection) -> None:
    # They were off while the revisions ran.
    for name in sorted(schema.tables_present(connection)):
        if connection.exec_driver_sql(f"PRAGMA foreign_key_check({name})").first() is not None:
            raise SchemaError(
                f"After the upgrade, rows of {name} would refer to rows that are not there. It is undone."
            )
