"""Servers that the tests of a module share, for those that no earlier conversation disturbs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from ..conftest import LOCAL
from ..support.clients import Api
from ..support.servers import make_app, serving
from ..support.services import fresh_database


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(
        tmp_path_factory.mktemp("shared"), **LOCAL, visitor_session_limit="off", visitor_silent_session_limit="off"
    )


@pytest.fixture(scope="module")
def shared(shared_app: Flask) -> Iterator[Api]:
    """A server on embedded SQLite."""
    with serving(shared_app) as made:
        # With the first request all threads begin, so that none of them is news to a test.
        made.get("/health")
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def any_shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server on each kind of database in turn."""
    folder = tmp_path_factory.mktemp("shared")
    with (
        fresh_database(request.param, folder) as url,
        serving(
            make_app(folder, url, **LOCAL, visitor_session_limit="off", visitor_silent_session_limit="off")
        ) as made,
    ):
        made.get("/health")
        yield made
