"""Lets only one process at a time change the tables, with a lock of the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.pool import StaticPool

from ..errors import SchemaError, UncommittedChanges

# The number of the lock in PostgreSQL, which no other program is likely to use.
_POSTGRESQL_LOCK = 0x706F636B6574
# Seconds that MariaDB waits for another process.
_MARIADB_WAIT = 600


def locked(engine: Engine) -> AbstractContextManager[Connection]:
    """Open a connection to change the tables, while no other process does.

    On SQLite and PostgreSQL, this is one transaction. MariaDB commits each change of a table separately.

    :raises UncommittedChanges: if the engine is SQLite in memory and the host has an open transaction on it.
    """
    if engine.dialect.name == "sqlite":
        return _sqlite(engine)
    return _postgresql(engine) if engine.dialect.name == "postgresql" else _mariadb(engine)


def check_idle(engine: Engine) -> None:
    """Refuse to share an in-memory connection on which the host has an open transaction.

    Call this before taking the connection: taking it, changing it and returning it each end a transaction on it.

    :raises UncommittedChanges: because the host's changes would be committed or rolled back with ours.
    """
    if not isinstance(engine.pool, StaticPool):
        return
    connection: Any = engine.pool.connection.dbapi_connection
    if connection is not None and connection.in_transaction:
        raise UncommittedChanges(
            "The app has uncommitted changes, and its SQLite database in memory has one connection, which "
            "Flask-PocketPing shares. Commit or roll back before you call Flask-PocketPing, or use a database file."
        )


@contextmanager
def _sqlite(engine: Engine) -> Iterator[Connection]:
    check_idle(engine)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        # With foreign keys on, replacing a table would delete the rows that refer to it. Only possible outside of a
        # transaction.
        enforced = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
        try:
            with connection.begin():
                connection.execute(text("BEGIN IMMEDIATE"))
                try:
                    yield connection
                except BaseException:
                    # The host may have disabled SQLAlchemy's own rollback for its engine.
                    connection.connection.rollback()
                    raise
        finally:
            connection.exec_driver_sql(f"PRAGMA foreign_keys = {int(bool(enforced))}")
            connection.commit()


@contextmanager
def _postgresql(engine: Engine) -> Iterator[Connection]:
    # READ COMMITTED, to see what the process before did while this one waited.
    with (
        engine.connect().execution_options(isolation_level="READ COMMITTED") as connection,
        connection.begin(),
    ):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})
        yield connection


@contextmanager
def _mariadb(engine: Engine) -> Iterator[Connection]:
    # The lock is one of the whole server, so it is named after the database.
    name = "pocketping:" + hashlib.sha256(str(engine.url.database).encode()).hexdigest()[:32]
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        got = connection.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": _MARIADB_WAIT}).scalar()
        if got != 1:
            raise SchemaError("Another process is changing the tables of Flask-PocketPing and does not come to an end.")
        connection.commit()
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
            connection.commit()
