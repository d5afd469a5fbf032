"""One process at a time may change the tables: a connection with the lock of its kind of database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.pool import StaticPool

from ..errors import SchemaError, UncommittedChanges

# Any number that no other program is likely to take, for PostgreSQL.
_POSTGRESQL_LOCK = 0x706F636B6574
# Seconds that MariaDB waits for another process that is at it.
_MARIADB_WAIT = 600


def locked(engine: Engine) -> AbstractContextManager[Connection]:
    """A connection for changing the tables, while no other process does.

    On SQLite and PostgreSQL all of it is one transaction: it happens whole or not at all. MariaDB commits each change
    of a table by itself.

    :raises UncommittedChanges: if the engine is SQLite in memory, with a transaction of the host open on it.
    """
    if engine.dialect.name == "sqlite":
        return _sqlite(engine)
    return _postgresql(engine) if engine.dialect.name == "postgresql" else _mariadb(engine)


def check_idle(engine: Engine) -> None:
    """Refuse to share a connection in memory on which the host has a transaction open.

    Asked before the connection is taken: taking it, changing it and giving it back each end a transaction on it.

    :raises UncommittedChanges: if so: the changes would be committed with ours, or rolled back.
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
                    # An engine of the host may be set to leave out SQLAlchemy's own rollback.
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
