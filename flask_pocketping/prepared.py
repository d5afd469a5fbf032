"""Statements that run with every message: Core statements, compiled once and handed to the driver directly.

For statements as small as these, SQLAlchemy's own work around each execution takes longer than the database does: by
`make bench`, a visitor's message costs a third more processor time with `Connection.execute`, whose compiled cache is
warm. So statements bypass it while there are no observers: if the app listens to SQLAlchemy's events or logs its
statements, `Connection.execute` runs these like all others. Errors and types are SQLAlchemy's either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, TextClause, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Statement = Select[Any] | Insert | Update | Delete | TextClause


class Prepared:
    """A statement that runs often.

    :param statement: with a `bindparam` for each value that changes.
    :param columns: the columns that an INSERT sets.
    """

    def __init__(self, statement: Statement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: WeakKeyDictionary[Dialect, _Compiled] = WeakKeyDictionary()

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a SELECT finds."""
        if _is_watched(connection):
            return [dict(row) for row in connection.execute(self._statement, values).mappings()]
        compiled = self._for(connection.dialect)
        cursor = compiled.run(connection, values)
        found = [compiled.row(row) for row in cursor.fetchall()]
        cursor.close()
        return found

    def write(self, connection: Connection, values: Mapping[str, Any]) -> int | None:
        """Run anything else.

        :return: the key that the database chose, for an INSERT into a table whose keys it numbers.
        """
        if _is_watched(connection):
            return self._write_watched(connection, values)
        cursor = self._for(connection.dialect).run(connection, values)
        key: int | None = cursor.fetchone()[0] if cursor.description else getattr(cursor, "lastrowid", None)
        cursor.close()
        return key

    def _write_watched(self, connection: Connection, values: Mapping[str, Any]) -> int | None:
        if not isinstance(self._statement, Insert):
            connection.execute(self._statement, values)
            return None
        columns = values if self._columns is None else self._columns
        key = connection.execute(self._statement, {name: values[name] for name in columns}).inserted_primary_key
        return key[0] if key else None

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = _Compiled(self._statement, self._columns, dialect)
        return compiled


class _Compiled:
    """The text of a statement for one dialect, and how values get into and out of it."""

    def __init__(self, statement: Statement, columns: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) if columns is not None else None)
        assert isinstance(compiled, SQLCompiler)
        self._text = str(compiled)
        types = {name: parameter.type.dialect_impl(dialect) for parameter, name in compiled.bind_names.items()}
        names = compiled.positiontup if compiled.positiontup is not None else list(types)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._parameters = [(name, types[name].bind_processor(dialect)) for name in names]
        self._positional = compiled.positional
        selected = list(statement.selected_columns) if isinstance(statement, Select) else []
        self._names = [str(column.key) for column in selected]
        converters = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected]
        self._converters = [(name, convert) for name, convert in zip(self._names, converters, strict=True) if convert]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        if self._fixed:
            values = {**self._fixed, **values}
        parameters: Any
        if self._positional:
            parameters = [convert(values[name]) if convert else values[name] for name, convert in self._parameters]
        else:
            parameters = {
                name: convert(values[name]) if convert else values[name] for name, convert in self._parameters
            }
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._text, parameters)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _explained(connection, cursor, self._text, error) from error
        return cursor

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        row = dict(zip(self._names, values, strict=True))
        for name, convert in self._converters:
            # None is None in every type of ours.
            if (value := row[name]) is not None:
                row[name] = convert(value)
        return row


def _is_watched(connection: Connection) -> bool:
    """Whether anyone listens to what SQLAlchemy executes, or has it logged; SQLAlchemy asks itself the same."""
    try:
        return (
            connection._has_events
            or connection.engine._has_events
            or connection.dialect._has_events
            or bool(connection._echo)
        )
    except AttributeError:
        # A SQLAlchemy that keeps it elsewhere: nothing may be missed.
        return True


def _explained(connection: Connection, cursor: Any, text: str, error: Any) -> DBAPIError:
    """A driver's error as SQLAlchemy's, and the connection marked where it is lost."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
    if lost:
        connection.invalidate(error)
    base = dialect.loaded_dbapi.Error
    made = DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    assert isinstance(made, DBAPIError)
    return made
