"""Databases and Redis of this machine: each test has its own, and a run leaves nothing behind."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Connection, NullPool, create_engine, delete, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from flask_pocketping import migrations
from flask_pocketping.migrations import schema
from flask_pocketping.models import Base

POSTGRES = os.environ.get("POCKETPING_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1/postgres")
MARIADB = os.environ.get("POCKETPING_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1/test")
REDIS = os.environ.get("POCKETPING_TEST_REDIS", "redis://127.0.0.1:6379/0")


def missing(service: str, error: Exception) -> None:
    """Skip for want of a service, or fail where all are required."""
    reason = f"{service} can't be reached: {type(error).__name__}"
    if os.environ.get("POCKETPING_TEST_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a new database without tables: sqlite, postgresql or mariadb."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'pocketping.db'}"
        return
    database = _ServerDatabase(kind)
    try:
        yield database.url
    finally:
        database.drop()


#: Databases that have all tables and that no test uses now, by kind.
_unused: dict[str, list[_ServerDatabase]] = {"postgresql": [], "mariadb": []}


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a database with all tables and without conversations: sqlite, postgresql or mariadb.

    On SQLite the app creates the tables. A server needs seconds to create and drop them, so what a test has written
    there is deleted before the next one.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'pocketping.db'}"
        return
    database = _take(kind)
    try:
        yield database.url
    finally:
        _unused[kind].append(database)


def _take(kind: str) -> _ServerDatabase:
    while _unused[kind]:
        database = _unused[kind].pop()
        if database.clear():
            return database
        database.drop()
    database = _ServerDatabase(kind)
    database.create_tables()
    return database


def drop_databases() -> None:
    """Drop the databases that were kept for the next test."""
    for databases in _unused.values():
        while databases:
            databases.pop().drop()


class _ServerDatabase:
    """A new database of PostgreSQL or MariaDB."""

    def __init__(self, kind: str) -> None:
        self._postgresql = kind == "postgresql"
        self._name = f"pocketping_test_{secrets.token_hex(6)}"
        server = make_url(POSTGRES if self._postgresql else MARIADB)
        url = server.set(database=self._name)
        self.url = url.render_as_string(hide_password=False)
        self._server = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._engine = create_engine(url, poolclass=NullPool)
        self._tables: list[Any] = []
        try:
            with self._server.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {self._name}"))
        except OperationalError as error:
            missing(kind, error)

    def create_tables(self) -> None:
        migrations.upgrade(self._engine)
        with self._engine.connect() as connection:
            self._tables = self._find_tables(connection)

    def clear(self) -> bool:
        """End the connections that a test has left, and delete all that it has written.

        :return: whether the database is as it was made. It is not if the test has changed its tables.
        """
        with self._server.connect() as connection:
            self._end_others(connection)
        with self._engine.begin() as connection:
            if self._find_tables(connection) != self._tables:
                return False
            if not self._postgresql:
                # It looks at each row alone, so that a message could not go before its reply.
                connection.execute(text("SET foreign_key_checks = 0"))
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(delete(table))
            self._count_anew(connection)
            schema.write_revision(connection, schema.HEAD)
            schema.ensure_default_project(connection)
        return True

    def drop(self) -> None:
        force = " WITH (FORCE)" if self._postgresql else ""
        with self._server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {self._name}{force}"))

    def _end_others(self, connection: Connection) -> None:
        name = {"name": self._name}
        if self._postgresql:
            others = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(others), name)
            return
        others = "SELECT id FROM information_schema.processlist WHERE db = :name"
        deadline = time.monotonic() + 10
        while found := connection.execute(text(others), name).scalars().all():
            if time.monotonic() > deadline:
                raise AssertionError(f"connections that do not end: {found}")
            for number in found:
                # It may have ended meanwhile.
                with suppress(OperationalError):
                    connection.execute(text(f"KILL {number}"))

    def _find_tables(self, connection: Connection) -> list[Any]:
        """The columns, indexes and triggers of all tables."""
        schemas = "= current_schema()" if self._postgresql else "= database()"
        columns = (
            "SELECT table_name, column_name, column_default, is_nullable, data_type, character_maximum_length "
            f"FROM information_schema.columns WHERE table_schema {schemas} ORDER BY 1, 2"
        )
        indexes = (
            f"SELECT indexname, indexdef FROM pg_indexes WHERE schemaname {schemas} ORDER BY 1"
            if self._postgresql
            else "SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics "
            f"WHERE table_schema {schemas} ORDER BY 1, 2, 3"
        )
        triggers = f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema {schemas} ORDER BY 1"
        return [tuple(row) for query in (columns, indexes, triggers) for row in connection.execute(text(query))]

    def _count_anew(self, connection: Connection) -> None:
        """Let the numbers that the database gives begin with 1 again."""
        if self._postgresql:
            sequences = "SELECT setval(c.oid::regclass, 1, false) FROM pg_class AS c WHERE c.relkind = 'S'"
            connection.execute(text(sequences))
            return
        numbered = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND auto_increment > 1"
        )
        for name in connection.execute(text(numbered)).scalars().all():
            connection.execute(text(f"ALTER TABLE {name} AUTO_INCREMENT = 1"))


def redis_url() -> str:
    """The URL of the Redis of this machine. Keys and channels are named after secrets, which differ by test."""
    client = redis.Redis.from_url(REDIS)
    try:
        client.ping()
    except redis.RedisError as error:
        missing("Redis", error)
    finally:
        client.close()
    return REDIS
