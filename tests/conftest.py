"""Fixtures of all tests, and the detector of what they leave behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping import clock

from .support.clients import Api
from .support.receiver import Receiver, receiving
from .support.servers import expect_no_threads_but, make_app, serving, sharing
from .support.services import drop_databases, empty_database, fresh_database
from .support.services import redis_url as find_redis
from .support.travel import Travel

LOCAL: dict[str, Any] = {"webhook_allow_http": True, "webhook_allow_networks": "127.0.0.0/8"}


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """A test that leaves a thread running, or the clock set, fails."""
    before = set(threading.enumerate())
    yield
    clock.set_clock(None)
    expect_no_threads_but(before)


def pytest_sessionfinish() -> None:
    drop_databases()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without conversations, of each kind in turn."""
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def any_empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, of each kind in turn."""
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    with fresh_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[str]:
    with fresh_database("mariadb", tmp_path) as url:
        yield url


@pytest.fixture
def empty_postgresql(tmp_path: Path) -> Iterator[str]:
    with empty_database("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
def empty_mariadb(tmp_path: Path) -> Iterator[str]:
    with empty_database("mariadb", tmp_path) as url:
        yield url


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pocketping.db'}"


@pytest.fixture
def redis_url() -> str:
    return find_redis()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def travel() -> Travel:
    """The clock, to be moved by the test."""
    return Travel()


Serve = Callable[..., Api]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve an app: one that is given, or a new one with these settings. All are stopped after the test."""
    with ExitStack() as stack:

        def start(app: Flask | None = None, **settings: Any) -> Api:
            return stack.enter_context(serving(app or make_app(tmp_path, **{**LOCAL, **settings})))

        yield start


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """A host app with the extension at the root, on embedded SQLite."""
    return make_app(tmp_path, **LOCAL)


@pytest.fixture
def api(app: Flask, serve: Serve) -> Api:
    """`app`, served."""
    return serve(app)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def any_api(request: pytest.FixtureRequest, tmp_path: Path, serve: Serve) -> Iterator[Api]:
    """An app served on each kind of database in turn."""
    with fresh_database(request.param, tmp_path) as url, serving(make_app(tmp_path, url, **LOCAL)) as made:
        yield made


# --- Servers that the tests of a module share, for those that no earlier conversation disturbs ---


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(
        tmp_path_factory.mktemp("shared"), **LOCAL, visitor_session_limit="off", visitor_silent_session_limit="off"
    )


@pytest.fixture(scope="module")
def shared(shared_app: Flask) -> Iterator[Api]:
    """A server on embedded SQLite."""
    with sharing(shared_app) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def any_shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server on each kind of database in turn."""
    folder = tmp_path_factory.mktemp("shared")
    with (
        fresh_database(request.param, folder) as url,
        sharing(
            make_app(folder, url, **LOCAL, visitor_session_limit="off", visitor_silent_session_limit="off")
        ) as made,
    ):
        yield made
