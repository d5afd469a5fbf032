"""The usual reply time that a page is told when it connects."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from flask_pocketping.chat import projects

from ...support.clients import Api
from ...support.travel import Travel


@pytest.fixture
def travel() -> Any:
    """The clock, from noon on: what happens within minutes stays within a day."""
    travel = Travel()
    travel.to(travel.now().replace(hour=12, minute=0))
    return travel


def replied(api: Api, travel: Travel, *waits: float) -> None:
    """Hold conversations whose first replies take so many seconds."""
    for seconds in waits:
        session = api.session()
        api.ok("POST", f"/sessions/{session}/messages", {"content": "Hello?", "type": "visitor"})
        travel.forward(seconds=seconds)
        api.ok("POST", f"/sessions/{session}/messages", {"content": "Hello!"})


def told(api: Api) -> Any:
    return api.visitor().hello.get("replyTime")


def test_a_page_learns_the_median_of_the_first_replies(api: Api, travel: Travel) -> None:
    replied(api, travel, 20, 40, 100, 300, 900)
    assert 100 <= told(api) <= 110


def test_few_replies_are_not_usual(api: Api, travel: Travel) -> None:
    replied(api, travel, 20, 40, 100, 300)
    assert told(api) is None


def test_replies_of_long_ago_and_of_other_projects_do_not_count(app: Flask, api: Api, travel: Travel) -> None:
    replied(api, travel, 20, 40, 100, 300, 900)
    state = app.extensions["pocketping"]
    other = api.with_key(projects.create_key(state.db, "Key", projects.create_project(state.db, "Other").id).key)
    handle = state.handles.sign(other.session())
    assert "replyTime" not in api.visitor(sessionId=handle).hello
    travel.forward(days=7)
    assert told(api) is None


def test_a_page_is_not_told_that_it_takes_days(api: Api, travel: Travel) -> None:
    replied(api, travel, *[90_000] * 5)
    assert told(api) is None


def test_the_database_is_asked_once_in_ten_minutes(app: Flask, api: Api, travel: Travel) -> None:
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "count(" in statement and "response_ms" in statement:
            asked.append(statement)

    assert told(api) is None
    event.listen(app.extensions["pocketping"].db.engine, "before_cursor_execute", note)
    replied(api, travel, 2, 2, 2, 2, 2)
    for _ in range(3):
        assert told(api) is None
    assert asked == []
    travel.forward(minutes=10)
    for _ in range(3):
        assert 2 <= told(api) <= 12
    assert len(asked) == 1
