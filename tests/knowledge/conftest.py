"""A knowledge base on each kind of database. Tests of one module share it, and each has its own project."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_pocketping.chat.projects import create_project
from flask_pocketping.db import Database, own_engine
from flask_pocketping.knowledge.base import KnowledgeBase

from ..support.services import fresh_database


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def any_db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with fresh_database(request.param, tmp_path_factory.mktemp("knowledge")) as url:
        db = Database(lambda: own_engine(url), upgrades_itself=True)
        db.upgrade()
        yield db
        db.dispose()


@pytest.fixture
def base(any_db: Database) -> KnowledgeBase:
    return KnowledgeBase(any_db)


@pytest.fixture
def project(any_db: Database) -> str:
    return create_project(any_db, "Shop").id
