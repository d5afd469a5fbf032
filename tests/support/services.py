"""Databases and Redis of this machine: each test gets its own and leaves nothing behind."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

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
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database: sqlite, postgresql or mariadb."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'pocketping.db'}"
        return
    server = make_url(POSTGRES if kind == "postgresql" else MARIADB)
    name = f"pocketping_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        engine.dispose()
        missing(kind, error)
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()


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
