"""Fixtures of the tests of routes: a server for each module, in which each test has a project of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import LOCAL
from ..support.office import Office, office_on


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server on SQLite."""
    with office_on("sqlite", tmp_path_factory.mktemp("office"), **LOCAL) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def any_office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server on each kind of database in turn."""
    with office_on(request.param, tmp_path_factory.mktemp("office"), **LOCAL) as made:
        yield made
