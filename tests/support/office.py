"""A server that many tests share; each gets a project of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from flask_pocketping.chat import projects
from flask_pocketping.db import Database
from flask_pocketping.models import Event, table

from .contract import CheckedApi
from .servers import make_app, sharing
from .services import fresh_database

events = table(Event)


class Office:
    """The server of one database.

    :param app: in this process, so that tests can look into its database.
    """

    def __init__(self, app: Flask, api: CheckedApi) -> None:
        self.app = app
        self.api = api
        self.db: Database = app.extensions["pocketping"].db

    def new_project(self) -> CheckedApi:
        """The back office of a project in which nothing has happened yet."""
        project = projects.create_project(self.db, "A test")
        key = projects.create_key(self.db, "A test", project.id).key
        return self.api.with_key(key)

    def events_of(self, session_id: str) -> list[str]:
        """The types of a session's events; their numbers must have no gap."""
        query = select(events.c.seq, events.c.type).where(events.c.session_id == session_id).order_by(events.c.seq)
        with self.db.read() as connection:
            rows = connection.execute(query).all()
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        return [row.type for row in rows]


@contextmanager
def office_on(kind: str, folder: Path, **settings: Any) -> Iterator[Office]:
    """Serve an app on an empty database: sqlite, postgresql or mariadb."""
    with fresh_database(kind, folder) as url:
        app = make_app(folder, url, **settings)
        with sharing(app) as api:
            # With the first request all threads begin, so that none of them is news to a test.
            yield Office(app, CheckedApi(api.url, api.key))
