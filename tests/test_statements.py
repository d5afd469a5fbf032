"""Tests the cost of hot paths: the number of database statements, and how often a message is encoded as JSON."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from flask_pocketping.chat import projects
from flask_pocketping.db import Database
from flask_pocketping.realtime.encoders import Frames
from flask_pocketping.realtime.framing import Frame
from flask_pocketping.state import state_of
from flask_pocketping.values import Event, Identity

from .conftest import LOCAL, Serve
from .support.clients import Api
from .support.events import EventSource
from .support.servers import make_app

_STATEMENT = re.compile(
    r"\s*(?:(BEGIN|COMMIT|ROLLBACK)|(SELECT).*?\bFROM\s+(\w+)|(INSERT)\s+INTO\s+(\w+)|(UPDATE)\s+(\w+)|(DELETE)\s+FROM\s+(\w+)).*",
    re.DOTALL,
)


class Statements:
    """What SQLite itself was asked to do, in order."""

    def __init__(self) -> None:
        self.raw: list[str] = []

    @property
    def seen(self) -> list[str]:
        """In short, as in `INSERT event`."""
        return [_short(text) for text in self.raw]


def _short(text: str) -> str:
    match = _STATEMENT.fullmatch(text)
    assert match, text
    return " ".join(part for part in match.groups() if part).replace("pocketping_", "")


@contextmanager
def watched(app: Flask) -> Iterator[Statements]:
    """Note all statements of an app, whichever way they go to the driver."""
    found = Statements()
    db: Database = app.extensions["pocketping"].db
    # What a process does once, at the first use of the tables.
    db.ensure_tables()

    def watch(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        connection.set_trace_callback(found.raw.append)

    def unwatch(connection: sqlite3.Connection, record: object) -> None:
        connection.set_trace_callback(None)

    # The one that writes is kept, and would not be checked out again.
    db.close_writer()
    event.listen(db.engine, "checkout", watch)
    event.listen(db.engine, "checkin", unwatch)
    try:
        yield found
    finally:
        db.close_writer()
        event.remove(db.engine, "checkout", watch)
        event.remove(db.engine, "checkin", unwatch)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An app in which nothing happens beside what a test does."""
    return make_app(tmp_path, worker="off", poll_interval=60, **LOCAL)


SEND = ["BEGIN", "SELECT session", "INSERT message", "INSERT event", "SELECT webhook", "UPDATE session", "COMMIT"]

# What looks after the sockets every 20 seconds, however much is said on them.
UPKEEP = {"BEGIN", "COMMIT", "SELECT api_key", "UPDATE presence", "SELECT presence"}


def test_the_statements_of_a_visitors_message(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("The first")
    with watched(app) as statements:
        visitor.say("Hello")
    assert statements.seen == SEND


def test_the_statements_of_a_visitors_message_with_a_webhook(app: Flask, api: Api) -> None:
    api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["message.created"]})
    api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["*"]})
    visitor = api.visitor()
    with watched(app) as statements:
        visitor.say("Hello")
    expected = [*SEND]
    expected.insert(SEND.index("SELECT webhook") + 1, "INSERT delivery")
    rows = expected.index("INSERT delivery")
    assert statements.seen in (expected, [*expected[:rows], "INSERT delivery", *expected[rows:]])


def test_several_events_of_one_transaction_read_the_webhooks_once(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    api.ok("POST", f"/sessions/{visitor.session_id}/close")
    with watched(app) as statements:
        visitor.say("I am back")
    assert sorted(statements.seen) == sorted([*SEND, "INSERT message", "INSERT event", "INSERT event"])


def test_the_statements_of_a_visitors_message_with_a_client_id(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    with watched(app) as statements:
        visitor.say("Hello", clientId="c1")
    assert statements.seen == SEND


def test_the_statements_of_an_operators_message(app: Flask, api: Api) -> None:
    session_id = api.session()
    with watched(app) as statements:
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello"})
    assert statements.seen == SEND


def test_the_statements_of_an_operators_message_with_an_idempotency_key(app: Flask, api: Api) -> None:
    api = api.with_key(projects.create_key(app.extensions["pocketping"].db, "CRM").key)
    path, headers = f"/sessions/{api.session()}/messages", {"Idempotency-Key": "key"}
    with watched(app) as statements:
        api.ok("POST", path, {"content": "Hello"}, headers=headers)
    begin, lock, *rest, commit = SEND
    keep = ["DELETE idempotency_key", "INSERT idempotency_key"]
    asked = ["SELECT api_key", "SELECT idempotency_key"]
    assert sorted(statements.seen) == sorted([*asked, begin, lock, *keep, *rest, "UPDATE idempotency_key", commit])
    assert statements.seen[-1] == "COMMIT"
    with watched(app) as statements:
        api.ok("POST", path, {"content": "Hello"}, headers=headers)
    assert statements.seen == asked


@pytest.mark.parametrize("count", [1, 60])
def test_the_list_of_sessions_costs_one_statement_however_many_there_are(app: Flask, api: Api, count: int) -> None:
    for _ in range(count):
        session_id = api.session()
    api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello"})
    with watched(app) as statements:
        page = api.ok("GET", "/sessions", params={"limit": 50})
    assert len(page["sessions"]) == min(count, 50)
    assert statements.seen == ["SELECT session"]
    if page["nextCursor"]:
        with watched(app) as statements:
            api.ok("GET", "/sessions", params={"limit": 50, "cursor": page["nextCursor"], "q": "Hello"})
        assert statements.seen == ["SELECT session"]


@pytest.mark.parametrize("count", [1, 60])
def test_a_page_of_messages_costs_two_statements(app: Flask, api: Api, count: int) -> None:
    session_id = api.session()
    for number in range(count):
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": f"No. {number}"})
    with watched(app) as statements:
        page = api.ok("GET", f"/sessions/{session_id}/messages")
    assert statements.seen == ["SELECT session", "SELECT message"]
    with watched(app) as statements:
        api.ok("GET", f"/sessions/{session_id}/messages", params={"after": page["messages"][0]["seq"]})
    assert statements.seen == ["SELECT session", "SELECT message"]
    with watched(app) as statements:
        api.ok("GET", f"/sessions/{session_id}/messages", params={"after": page["messages"][0]["id"]})
    assert statements.seen == ["SELECT session", "SELECT message", "SELECT message"]


def test_one_session_costs_one_statement(app: Flask, api: Api) -> None:
    session_id = api.session()
    with watched(app) as statements:
        api.ok("GET", f"/sessions/{session_id}")
    assert statements.seen == ["SELECT session"]


def test_a_page_that_polls_costs_two_statements(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("Hello")
    with watched(app) as statements:
        assert len(visitor.messages()) == 1
    assert statements.seen == ["SELECT session", "SELECT message"]


IDLE_CONNECT = ["BEGIN", "SELECT session", "COMMIT", "SELECT session", "SELECT message", "SELECT presence"]


def learn_reply_time(api: Api) -> None:
    """Let the process read the usual reply time, which it does once in ten minutes."""
    api.visitor(create=False)


def test_a_page_that_opens_a_conversation(app: Flask, api: Api) -> None:
    learn_reply_time(api)
    with watched(app) as statements:
        api.visitor(metadata={"url": "https://shop.example/boots"})
    logged = ["INSERT session", "INSERT event", "SELECT webhook", "INSERT page_visit"]
    assert statements.seen == ["BEGIN", *logged, "COMMIT", "SELECT presence"]
    with watched(app) as statements:
        assert api.visitor(create=False).hello["sessionId"] is None
    assert statements.seen == ["SELECT presence"]


def test_a_returning_page_writes_nothing_unless_it_changed(app: Flask, api: Api) -> None:
    boots, cart = ({"url": f"https://shop.example/{name}"} for name in ("boots", "cart"))
    visitor = api.visitor(metadata=boots)
    with watched(app) as statements:
        api.visitor(sessionId=visitor.handle, metadata=boots)
    assert statements.seen == IDLE_CONNECT
    with watched(app) as statements:
        api.visitor(sessionId=visitor.handle, metadata=cart)
    visit = ["SELECT page_visit", "INSERT page_visit", "SELECT page_visit"]
    change = [*visit, "INSERT event", "SELECT webhook", "UPDATE session"]
    assert statements.seen == [*IDLE_CONNECT[:2], *change, *IDLE_CONNECT[2:]]


def test_the_statements_of_a_signed_in_user(app: Flask, api: Api) -> None:
    token = state_of(app).identities.make(Identity("7", verified=True))
    learn_reply_time(api)
    with watched(app) as statements:
        api.visitor(identityToken=token)
    looked = ["SELECT session", "BEGIN", "SELECT project", "SELECT session"]
    opened = ["INSERT session", "INSERT event", "SELECT webhook", "COMMIT", "SELECT presence"]
    assert statements.seen == [*looked, *opened]
    with watched(app) as statements:
        api.visitor(identityToken=token)
    assert statements.seen == ["SELECT session", *IDLE_CONNECT]


def test_the_statements_of_polling_messages(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("Hello")
    newest = visitor.messages(after="0")[-1]
    whole = ["SELECT presence", "SELECT session", "SELECT message"]
    # By a time, it also looks for what the page has not confirmed.
    by_time = ["SELECT presence", "SELECT message", "SELECT session", "SELECT message"]
    for after, found, expected in ((newest["seq"], [], whole), (newest["timestamp"], [newest], by_time)):
        with watched(app) as statements:
            assert visitor.messages(after=after) == found
        assert statements.seen == expected


def test_the_statements_of_polling_events(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    query = {"sessionId": visitor.handle, "after": "0"}
    visitor.request("GET", "/events", params=query)
    visitor.say("Hello")
    with watched(app) as statements:
        found = visitor.request("GET", "/events", params=query).json()
    assert [frame["type"] for frame in found["frames"]] == ["message"]
    assert statements.seen == ["SELECT session", "SELECT presence", "SELECT event", "SELECT presence"]
    with watched(app) as statements:
        found = visitor.request("GET", "/events", params={**query, "after": found["cursor"]}).json()
    assert found["frames"] == []
    assert statements.seen == ["SELECT session", "SELECT presence", "SELECT presence"]


def test_the_statements_of_a_polling_operator(app: Flask, api: Api) -> None:
    begun = api.ok("GET", "/updates")["cursor"]
    api.visitor()
    with watched(app) as statements:
        found = api.ok("GET", "/updates", params={"after": begun})
    assert [frame["type"] for frame in found["frames"]] == ["session.created"]
    assert statements.seen == ["SELECT event", "SELECT event", "SELECT presence"]
    with watched(app) as statements:
        assert api.ok("GET", "/updates", params={"after": found["cursor"]})["frames"] == []
    assert statements.seen == ["SELECT event", "SELECT presence"]


def test_the_statements_of_typing_and_reading(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hello"})
    with watched(app) as statements:
        visitor.request("POST", "/typing", {"sessionId": visitor.handle, "isTyping": True})
    assert statements.seen == ["SELECT session"]
    body = {"sessionId": visitor.handle, "messageIds": [visitor.messages()[0]["id"]]}
    with watched(app) as statements:
        assert visitor.request("POST", "/read", body).json() == {"updated": 1}
    begin = ["BEGIN", "SELECT session", "SELECT message"]
    marked = ["UPDATE message", "INSERT event", "SELECT webhook", "UPDATE session"]
    assert statements.seen == [*begin, *marked, "COMMIT"]
    with watched(app) as statements:
        assert visitor.request("POST", "/read", body).json() == {"updated": 0}
    assert statements.seen == [*begin, "COMMIT"]


@pytest.mark.parametrize("count", [1, 50])
def test_the_files_of_a_whole_list_cost_one_statement(app: Flask, api: Api, count: int) -> None:
    for _ in range(count):
        path = f"/sessions/{api.session()}"
        added = api.ok("POST", f"{path}/attachments", params={"filename": "a.txt"}, data=b"Hello")["attachment"]
        api.ok("POST", f"{path}/messages", {"content": "", "attachmentIds": [added["id"]]})
    with watched(app) as statements:
        page = api.ok("GET", "/sessions", params={"limit": 50})
    assert all(session["lastMessage"]["attachments"] for session in page["sessions"])
    assert statements.seen == ["SELECT session", "SELECT attachment"]
    with watched(app) as statements:
        api.ok("GET", f"{path}/messages")
    assert statements.seen == ["SELECT session", "SELECT message", "SELECT attachment"]


def test_statistics_cost_three_statements(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    visitor.say("Hello")
    api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hi"})
    with watched(app) as statements:
        assert api.ok("GET", "/stats")["answered"] == 1
    assert statements.seen == ["SELECT session"] * 3


def test_the_periodic_task_reads_no_file_with_a_message(app: Flask, api: Api) -> None:
    api.session()
    files = state_of(app).files
    assert files is not None
    with watched(app) as statements:
        files.sweep()
    (late,) = (statement for statement in statements.raw if statement.startswith("UPDATE"))
    with state_of(app).db.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {late}").all())
    assert "message_id=? AND created_at<?" in plan, plan


def test_open_sockets_add_no_statement_to_a_message(tmp_path: Path, serve: Serve) -> None:
    # Nobody else writes, so a look at what others wrote would only be counted with the rest.
    app = make_app(tmp_path, **{**LOCAL, "poll_interval": 60})
    api = serve(app)
    visitor = api.visitor()
    with ExitStack() as stack:
        offices = [stack.enter_context(api.socket()) for _ in range(5)]
        page = stack.enter_context(visitor.stream())
        for office in offices:
            office.expect("visitor.connected")
        with watched(app) as statements:
            for number in range(3):
                visitor.say(f"No. {number}")
                for office in offices:
                    assert office.expect("message.created")["message"]["content"] == f"No. {number}"
                assert page.expect("message")["data"]["content"] == f"No. {number}"
        assert [text for text in statements.seen if text not in UPKEEP] == [
            text for text in SEND if text not in UPKEEP
        ] * 3


def test_a_message_is_encoded_once_for_all_recipients(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []
    operator, visitor, visitor_event = Frames.operator, Frames.visitor, Frames.visitor_event

    def count_operator(self: Frames, event: Event, cursor: int) -> Frame:
        made.append(("operator", event.type))
        return operator(self, event, cursor)

    def count_visitor(self: Frames, event: Event, cursor: int) -> Frame | None:
        made.append(("visitor", event.type))
        return visitor(self, event, cursor)

    def count_visitor_event(self: Frames, event: Event, cursor: int) -> Frame | None:
        made.append(("visitor_event", event.type))
        return visitor_event(self, event, cursor)

    monkeypatch.setattr(Frames, "operator", count_operator)
    monkeypatch.setattr(Frames, "visitor", count_visitor)
    monkeypatch.setattr(Frames, "visitor_event", count_visitor_event)
    person = api.visitor()
    with ExitStack() as stack:
        offices = [stack.enter_context(api.socket()) for _ in range(10)]
        pages = [stack.enter_context(person.stream()) for _ in range(3)]
        sources = [stack.enter_context(EventSource(person)) for _ in range(3)]
        for source in sources:
            # Whoever connects after the message is told of it from the log, and that for itself.
            told = source.next()
            assert told is not None
            assert told.name == "connected"
        for office in offices:
            office.expect("visitor.connected")
        person.say("Hello")
        frames: list[Any] = [office.expect("message.created") for office in offices]
        frames += [page.expect("message") for page in pages]
        frames += [source.expect("message") for source in sources]
        assert len(frames) == 16
    assert sorted(entry for entry in made if entry[1] == "message.created") == [
        ("operator", "message.created"),
        ("visitor", "message.created"),
        ("visitor_event", "message.created"),
    ]


def test_events_without_subscribers_are_not_encoded(app: Flask, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def count(self: Frames, event: Event, cursor: int) -> Frame | None:
        made.append(event.type)
        return None

    monkeypatch.setattr(Frames, "operator", count)
    monkeypatch.setattr(Frames, "visitor", count)
    serve(app).visitor().say("Hello")
    assert made == []
