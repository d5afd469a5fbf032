"""Alembic's operations for revisions, which skip changes that are already done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.operations import MigrateOperation, Operations, ops
from sqlalchemy import Inspector, inspect


class RepeatableOperations(Operations):
    """Operations that may be repeated.

    MariaDB commits every change of a table immediately. So an interrupted revision has done some of its operations
    without recording itself. When it runs again, it skips those. This does not apply to operations of
    `batch_alter_table`.
    """

    def invoke(self, operation: MigrateOperation) -> Any:
        """Run an operation, unless the tables are as it would leave them."""
        is_done = _DONE.get(type(operation))
        if is_done is not None and is_done(inspect(self.get_bind()), operation):
            return None
        return super().invoke(operation)


def _column_names(inspector: Inspector, table_name: str) -> set[str]:
    return {column["name"] for column in inspector.get_columns(table_name)}


def _index_names(inspector: Inspector, table_name: str) -> set[str | None]:
    return {index["name"] for index in inspector.get_indexes(table_name)}


def _constraint_names(inspector: Inspector, table_name: str) -> set[str | None]:
    named = [*inspector.get_unique_constraints(table_name), *inspector.get_foreign_keys(table_name)]
    return {str(item["name"]) for item in named}


def _is_renamed(inspector: Inspector, op: Any) -> bool:
    if op.modify_name is None:
        return False
    names = _column_names(inspector, op.table_name)
    return op.modify_name in names and op.column_name not in names


_DONE: dict[type[MigrateOperation], Callable[[Inspector, Any], bool]] = {
    ops.CreateTableOp: lambda inspector, op: inspector.has_table(op.table_name),
    ops.DropTableOp: lambda inspector, op: not inspector.has_table(op.table_name),
    ops.RenameTableOp: lambda inspector, op: (
        inspector.has_table(op.new_table_name) and not inspector.has_table(op.table_name)
    ),
    ops.AddColumnOp: lambda inspector, op: op.column.name in _column_names(inspector, op.table_name),
    ops.DropColumnOp: lambda inspector, op: op.column_name not in _column_names(inspector, op.table_name),
    ops.AlterColumnOp: _is_renamed,
    ops.CreateIndexOp: lambda inspector, op: op.index_name in _index_names(inspector, op.table_name),
    ops.DropIndexOp: lambda inspector, op: op.index_name not in _index_names(inspector, op.table_name),
    ops.CreateUniqueConstraintOp: lambda inspector, op: (
        op.constraint_name in _constraint_names(inspector, op.table_name)
    ),
    ops.CreateForeignKeyOp: lambda inspector, op: op.constraint_name in _constraint_names(inspector, op.source_table),
    ops.DropConstraintOp: lambda inspector, op: op.constraint_name not in _constraint_names(inspector, op.table_name),
}
