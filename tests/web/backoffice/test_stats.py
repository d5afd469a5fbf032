"""Tests statistics: they equal a count by hand over the conversations, and are read from an index alone."""

from __future__ import annotations

import random
import re
import statistics
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert

from flask_pocketping import clock
from flask_pocketping.chat import csat, messages, sessions
from flask_pocketping.chat.log import sessions as session_table
from flask_pocketping.chat.projects import create_project
from flask_pocketping.chat.stats import stats
from flask_pocketping.db import Database, own_engine
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.values import Message

from ...support.clients import Api
from ...support.services import fresh_database
from ...support.travel import Travel

TODAY = datetime(2031, 3, 5, tzinfo=UTC)
INDEX = "ix_pocketping_session_stats"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh_database(request.param, tmp_path) as url:
        made = Database(lambda: own_engine(url))
        made.create_tables()
        yield made
        made.dispose()


def say(db: Database, session_id: str, *types: str) -> None:
    for type in types:
        messages.send_message(db, session_id, "Hello", type=type)


def conversation(db: Database, *types: str) -> str:
    session_id = sessions.open_session(db).id
    say(db, session_id, *types)
    return session_id


def test_closing_and_reopening_do_not_count_as_a_reply(db: Database) -> None:
    session_id = conversation(db, "visitor")
    sessions.close_session(db, session_id)
    sessions.reopen_session(db, session_id)
    found = stats(db)
    assert (found.conversations, found.answered, found.median_first_response) == (1, 0, None)
    assert found.unanswered == 1


# --- Against a count by hand


def talk_at_random(db: Database, travel: Travel, choose: random.Random) -> list[str]:
    """Conversations of 50 days, with whatever may happen in one; the clock ends at noon of `TODAY`."""
    made = []
    moments = [TODAY - timedelta(days=span) * choose.random() for span in [7] * 40 + [38] * 40]
    moments += [TODAY - timedelta(days=6, microseconds=1), TODAY - timedelta(days=6), TODAY - timedelta(seconds=1)]
    for moment in sorted(moments):
        travel.to(moment)
        session_id = sessions.open_session(db).id
        made.append(session_id)
        for _ in range(choose.choice([0, 1, 1, 2, 3, 5])):
            kinds = ["visitor", "visitor", "visitor", "operator", "ai", "system"]
            say(db, session_id, choose.choice(kinds))
            travel.forward(milliseconds=choose.choice([5, 40_000, 9_000_000, 100_000_000]))
        if choose.random() < 0.2:
            sessions.close_session(db, session_id)
            sessions.reopen_session(db, session_id)
        if choose.random() < 0.7:
            csat.submit(db, session_id, choose.randint(1, 5))
    travel.to(TODAY + timedelta(hours=12))
    return made


def first_answer(said: list[Message]) -> tuple[date | None, float | None]:
    """By hand: the day of the visitor's first message, and the seconds until somebody answered it."""
    mine = next((item for item in said if item.type == "visitor"), None)
    if mine is None:
        return None, None
    theirs = [item for item in said if item.seq > mine.seq and item.type in {"operator", "ai"}]
    if not theirs:
        return mine.created_at.date(), None
    waited = theirs[0].created_at - mine.created_at
    return mine.created_at.date(), waited // timedelta(milliseconds=1) / 1000


@pytest.mark.parametrize(("period", "length"), [("7d", 7), ("30d", 30)])
def test_statistics_equal_a_count_by_hand(db: Database, travel: Travel, period: str, length: int) -> None:
    talks = talk_at_random(db, travel, random.Random(f"seed {length}"))
    days = [(TODAY - timedelta(days=back)).date() for back in reversed(range(length))]
    begun: dict[date, list[float | None]] = {day: [] for day in days}
    scores = []
    for session_id in talks:
        day, waited = first_answer(messages.list_messages(db, session_id).messages)
        if day in begun:
            begun[day].append(waited)
            rating = sessions.get_session(db, session_id).csat
            scores += [rating.score] if rating else []
    waits = [wait for day in days for wait in begun[day] if wait is not None]
    count = sum(len(begun[day]) for day in days)
    assert count > len(waits) > 2
    assert len(scores) > 2

    found = stats(db, period)
    assert (found.period, found.first_day, found.last_day) == (period, days[0], days[-1])
    assert [(day.day, day.conversations, day.answered) for day in found.days] == [
        (day, len(begun[day]), sum(wait is not None for wait in begun[day])) for day in days
    ]
    assert (found.conversations, found.answered) == (count, len(waits))
    waiting = [sessions.get_session(db, session_id) for session_id in talks]
    assert found.unanswered == sum(session.unanswered for session in waiting)
    assert found.response_rate == pytest.approx(len(waits) / count)
    assert found.median_first_response == pytest.approx(statistics.median(waits))
    assert found.csat.count == len(scores)
    assert found.csat.score == pytest.approx(statistics.mean(scores))
    assert found.csat.satisfied == pytest.approx(sum(score >= 4 for score in scores) / len(scores))
    assert found.csat.scores == {score: scores.count(score) for score in range(1, 6)}


def test_the_median_is_right_for_odd_and_even_numbers(db: Database, travel: Travel) -> None:
    travel.to(TODAY)
    for seconds, median in [(10, 10), (70, 40), (20, 20), (1000, 45)]:
        session_id = conversation(db, "visitor")
        travel.forward(seconds=seconds)
        say(db, session_id, "operator")
        assert stats(db).median_first_response == pytest.approx(median, abs=2)


# --- What counts, and what does not


def test_a_project_without_conversations_has_empty_statistics(db: Database, travel: Travel) -> None:
    travel.to(TODAY)
    sessions.open_session(db)
    found = stats(db, "30d")
    assert (found.conversations, found.response_rate, found.median_first_response) == (0, None, None)
    assert (found.csat.score, found.csat.satisfied, found.csat.count) == (None, None, 0)
    assert found.csat.scores == {1: 0, 2: 0, 3: 0, 4: 0, 5: 0}
    assert len(found.days) == 30


def test_only_conversations_of_visitors_and_replies_of_operators_or_the_ai_count(db: Database, travel: Travel) -> None:
    travel.to(TODAY)
    for types, figures in [
        (("operator",), (0, 0)),
        (("system", "operator"), (0, 0)),
        (("visitor",), (1, 0)),
        (("visitor", "system"), (2, 0)),
        (("operator", "visitor"), (3, 0)),
        (("visitor", "operator"), (4, 1)),
        (("visitor", "ai", "operator"), (5, 2)),
    ]:
        conversation(db, *types)
        found = stats(db)
        assert (found.conversations, found.answered) == figures, types


def test_a_late_reply_counts_for_the_day_of_the_first_message(db: Database, travel: Travel) -> None:
    travel.to(TODAY - timedelta(days=2))
    session_id = conversation(db, "visitor")
    travel.to(TODAY)
    say(db, session_id, "visitor", "operator")
    assert [day.answered for day in stats(db).days] == [0, 0, 0, 0, 1, 0, 0]
    assert stats(db).median_first_response == pytest.approx(2 * 86400, abs=2)


def test_another_projects_conversations_do_not_count(db: Database, travel: Travel) -> None:
    travel.to(TODAY)
    other = create_project(db, "Other").id
    say(db, sessions.open_session(db, project_id=other).id, "visitor")
    assert stats(db).conversations == 0
    assert stats(db, project_id=other).conversations == 1


def test_an_invalid_period_is_refused(db: Database) -> None:
    with pytest.raises(InvalidRequest, match="7d, 30d"):
        stats(db, "1y")


# --- What it costs


def a_years_sessions(count: int) -> list[dict[str, Any]]:
    """Rows of conversations that began in the year before `TODAY`."""
    choose = random.Random("a year")
    rows = []
    for _ in range(count):
        moment = TODAY - timedelta(days=365) * choose.random()
        waited = choose.choice([None, choose.randrange(10**7)])
        rows.append(
            {
                **{name: clock.new_id(prefix) for name, prefix in (("id", "sess"), ("visitor_id", "vis"))},
                **{"project_id": DEFAULT_PROJECT, "status": "active", "metadata": {"filler": "x" * 200}},
                **{"created_at": moment, "last_activity": moment, "first_message_at": moment},
                **{"started_on": moment.date(), "response_ms": waited},
                "csat_score": choose.choice([None, None, *range(1, 6)]),
            }
        )
    return rows


def plans(db: Database, period: str) -> list[str]:
    """How the database goes about each statement of the figures."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        stats(db, period)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if db.is_sqlite else "EXPLAIN"
    with db.read() as connection:
        return [
            "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))
            for statement, parameters in asked
        ]


def test_statistics_are_read_from_the_index_alone(db: Database, travel: Travel) -> None:
    travel.to(TODAY + timedelta(hours=12))
    rows = a_years_sessions(4000)
    with db.transaction() as tx:
        for start in range(0, len(rows), 1000):
            tx.execute(insert(session_table), rows[start : start + 1000])
    kind = db.engine.dialect.name
    tidy = {"sqlite": "ANALYZE", "postgresql": "VACUUM ANALYZE", "mysql": "ANALYZE TABLE pocketping_session"}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(tidy["mysql" if kind == "mariadb" else kind])
    waiting = "ix_pocketping_session_project_id_unanswered_last_activity_id"
    for period in ("7d", "30d"):
        found = plans(db, period)
        assert len(found) == 3
        for plan, index in zip(found, (INDEX, waiting, INDEX), strict=True):
            told = {"sqlite": f"USING COVERING INDEX {index}", "postgresql": f"Index Only Scan using {index}"}
            assert index in plan, plan
            # MariaDB's "Using index condition" is something else: it reads rows as well.
            assert re.search(told.get(kind, "Using index(?! condition)"), plan), plan
            assert "pocketping_message" not in plan
            assert "Seq Scan" not in plan


def test_all_waiting_visitors_are_counted_whatever_the_period(db: Database, travel: Travel) -> None:
    travel.to(TODAY - timedelta(days=90))
    old, closed, answered = (conversation(db, "visitor") for _ in range(3))
    travel.to(TODAY)
    say(db, answered, "operator")
    sessions.close_session(db, closed)
    assert stats(db).unanswered == 1
    say(db, old, "ai")
    say(db, old, "visitor")
    assert stats(db).unanswered == 1
    for session_id in (closed, answered):
        sessions.close_session(db, session_id)
        sessions.reopen_session(db, session_id)
    assert stats(db).unanswered == 2, "one that is open again waits as it did before"


# --- The route


def test_the_route_returns_the_statistics(shared: Api) -> None:
    visitor = shared.visitor()
    visitor.say("Hello")
    shared.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hi"})
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 5})
    shared.visitor().say("Anybody?")
    found = shared.ok("GET", "/stats")
    today = clock.now().date()
    assert (found["period"], found["to"]) == ("7d", str(today))
    assert found["from"] == str(today - timedelta(days=6))
    assert (found["conversations"], found["answered"], found["unanswered"]) == (2, 1, 1)
    assert found["responseRate"] == 0.5
    assert 0 <= found["medianFirstResponse"] < 60
    scores = {"1": 0, "2": 0, "3": 0, "4": 0, "5": 1}
    assert found["csat"] == {"score": 5.0, "satisfied": 1.0, "count": 1, "scores": scores}
    assert found["days"][-1] == {"date": str(today), "conversations": 2, "answered": 1}
    assert len(shared.ok("GET", "/stats", params={"period": "30d"})["days"]) == 30
    assert list(shared.get("/stats", params={"period": "90d"}).json()["details"]) == ["period"]
    assert shared.with_key(None).get("/stats").status_code == 401


def test_the_python_api_returns_the_same_statistics(shared: Api, shared_app: Flask) -> None:
    with shared_app.app_context():
        found = shared_app.extensions["test_pocketping"].stats("30d")
    assert found.conversations == shared.ok("GET", "/stats", params={"period": "30d"})["conversations"]
