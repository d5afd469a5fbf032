"""Tests that lists are limited in bytes: a page ends at about 256 kB, and paging by its cursor misses nothing."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import insert

from flask_pocketping import clock
from flask_pocketping.chat import messages, visitors
from flask_pocketping.chat.history import events_after
from flask_pocketping.db import Database
from flask_pocketping.models import DEFAULT_PROJECT, Delivery, SavedReply, WebhookEndpoint, table
from flask_pocketping.models import Attempt as AttemptModel

from ..conftest import Serve
from ..support.bulk import add_sessions
from ..support.clients import Api, Visitor

#: As large as a text can be on the wire: each character has four bytes.
LONG = "\N{PILE OF POO}" * 4000
PAGE = 256 * 1024
#: What "about" means: the item that goes over is left out, and sizes are estimated closely.
MOST = PAGE * 1.25


def database(app: Flask) -> Database:
    db: Database = app.extensions["pocketping"].db
    return db


def fill(app: Flask, session_id: str, count: int, *, type: Any = "operator") -> list[str]:
    """Long messages, and their ids."""
    return [messages.send_message(database(app), session_id, LONG, type=type).id for _ in range(count)]


def get(api: Api, path: str, **query: Any) -> dict[str, Any]:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < MOST, f"{path} has {len(answer.content)} bytes"
    return dict(answer.json())


def ask(visitor: Visitor, path: str, **query: Any) -> dict[str, Any]:
    answer = visitor.request("GET", path, params={"sessionId": visitor.handle, **query})
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < MOST, f"{path} has {len(answer.content)} bytes"
    return dict(answer.json())


def test_pages_of_messages_are_limited_in_bytes_in_both_directions(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    sent = fill(app, visitor.session_id, 40)
    ask_office = partial(get, api, f"/sessions/{visitor.session_id}/messages", limit=100)
    ask_page = partial(ask, visitor, "/messages", limit=100)
    for ask_for in (ask_office, ask_page):
        page = ask_for(after="0")
        found = [message["id"] for message in page["messages"]]
        while page["hasMore"]:
            page = ask_for(after=found[-1])
            assert page["messages"], "a page that has more has something"
            found += [message["id"] for message in page["messages"]]
        assert found == sent
        page = ask_for()
        found = [message["id"] for message in page["messages"]]
        assert page["hasMore"]
        while page["hasMore"]:
            page = ask_for(before=found[0])
            found = [message["id"] for message in page["messages"]] + found
        assert found == sent
    hello = visitor.request("POST", "/connect", {"sessionId": visitor.handle})
    assert hello.json()["hasMore"]
    assert len(hello.content) < MOST


def test_polling_by_time_returns_all_receipts_in_pages(app: Flask, api: Api) -> None:
    """All are read at once, which is more than one page."""
    visitor = api.visitor()
    sent = fill(app, visitor.session_id, 100)
    before = clock.format_utc(clock.now())
    answer = visitor.request("POST", "/read", {"sessionId": visitor.handle, "messageIds": sent})
    assert answer.json() == {"updated": 100}
    found: dict[str, str] = {}
    after, pages = before, 0
    while True:
        page = messages.messages_changed_since(database(app), visitor.session_id, clock.parse_utc(after))
        found |= {message.id: message.status for message in page.messages}
        assert sum(len(message.content.encode()) for message in page.messages) < MOST
        pages += 1
        if not page.has_more:
            break
        times = [message.read_at for message in page.messages if message.read_at]
        after = clock.format_utc(max(times))
    assert found == dict.fromkeys(sent, "read")
    assert pages > 5
    ask(visitor, "/messages", after=before)
    receipts = events_after(database(app), visitor.session_id, 101, 500).events
    told = [
        message_id
        for event in receipts
        if event.type == "message.read"
        for message_id in json.loads(event.data)["messageIds"]
    ]
    assert told == sent


def test_pages_of_events_are_limited_in_bytes(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    for number in range(60):
        visitors.send_event(database(app), visitor.session_id, f"number {number}", "x" * 16_000)
    names: list[str] = []
    page = ask(visitor, "/events", after="0", limit=500)
    while True:
        names += [frame["data"]["name"] for frame in page["frames"] if frame["type"] == "event"]
        if not page["hasMore"]:
            break
        page = ask(visitor, "/events", after=page["cursor"], limit=500)
    assert names == [f"number {number}" for number in range(60)]


def test_pages_of_sessions_are_limited_in_bytes(app: Flask, api: Api) -> None:
    add_sessions(database(app), 3)
    ids = [api.session(metadata={"note": "x" * 8000}, identity={"metadata": {"note": "y" * 8000}}) for _ in range(40)]
    for session_id in ids:
        messages.send_message(database(app), session_id, LONG, type="visitor")
    found: list[str] = []
    page = get(api, "/sessions", limit=100)
    while True:
        found += [session["id"] for session in page["sessions"]]
        if page["nextCursor"] is None:
            break
        page = get(api, "/sessions", limit=100, cursor=page["nextCursor"])
    assert found[:40] == ids[::-1]
    assert len(found) == len(set(found)) == 43


def test_pages_of_saved_replies_are_limited_in_bytes(app: Flask, api: Api) -> None:
    rows = [
        {"id": clock.new_id("can"), "project_id": DEFAULT_PROJECT, "shortcut": name, "content": LONG}
        for number in range(20)
        for name in (f"Ä{number}", f"ä{number}", f"z-{number}")
    ]
    with database(app).transaction() as tx:
        tx.execute(insert(table(SavedReply)), [{**row, "created_at": clock.now()} for row in rows])
    found: list[str] = []
    page = get(api, "/saved-replies")
    while True:
        found += [answer["shortcut"] for answer in page["savedReplies"]]
        if "nextCursor" not in page:
            break
        page = get(api, "/saved-replies", cursor=page["nextCursor"])
    assert sorted(found) == sorted(row["shortcut"] for row in rows)
    assert found == sorted(found, key=lambda name: (name.casefold(), name))
    assert api.get("/saved-replies", params={"cursor": "!"}).status_code == 400


def test_pages_of_webhooks_are_limited_in_bytes(app: Flask, api: Api) -> None:
    rows = [
        {
            "id": clock.new_id("whk"),
            "project_id": DEFAULT_PROJECT,
            "url": "https://example.com/" + "x" * 2000,
            "events": ["message.created"] * 50,
            "description": "\N{PILE OF POO}" * 500,
            "created_at": clock.now(),
            "secret": "whsec_",
        }
        for _ in range(150)
    ]
    with database(app).transaction() as tx:
        tx.execute(insert(table(WebhookEndpoint)), rows)
    found: list[str] = []
    page = get(api, "/webhooks")
    while True:
        found += [webhook["id"] for webhook in page["webhooks"]]
        if "nextCursor" not in page:
            break
        page = get(api, "/webhooks", cursor=page["nextCursor"])
    assert found == sorted(str(row["id"]) for row in rows)


def test_pages_of_deliveries_are_limited_in_bytes(app: Flask, api: Api) -> None:
    made = api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["ai.takeover"]})["webhook"]
    moment = clock.now()
    row = {
        **{"project_id": DEFAULT_PROJECT, "target": "webhook", "target_id": made["id"], "subject": "", "payload": "{}"},
        **{"state": "failed", "attempts": 8, "due_at": moment, "created_at": moment, "finished_at": moment},
    }
    with database(app).transaction() as tx:
        keys = [tx.execute(insert(table(Delivery)), row).inserted_primary_key[0] for _ in range(50)]  # type: ignore[index]
        attempts = [
            {
                **{"delivery_id": key, "number": number, "started_at": moment, "duration_ms": 1, "status_code": 500},
                **{"error": "HTTP 500", "response": "r" * 2048},
            }
            for key in keys
            for number in range(1, 9)
        ]
        tx.execute(insert(table(AttemptModel)), attempts)
    found: list[str] = []
    page = get(api, f"/webhooks/{made['id']}/deliveries", limit=100)
    while True:
        found += [delivery["id"] for delivery in page["deliveries"]]
        assert all(len(delivery["attempts"]) == 8 for delivery in page["deliveries"])
        if page["nextCursor"] is None:
            break
        page = get(api, f"/webhooks/{made['id']}/deliveries", limit=100, cursor=page["nextCursor"])
    assert found == [f"dlv_{key}" for key in sorted(keys, reverse=True)]


def test_pages_of_viewed_pages_are_limited_in_bytes(app: Flask, serve: Serve, api: Api) -> None:
    visitor = api.visitor()
    for number in range(55):
        metadata = {"url": f"https://shop.example/{number}/" + "\N{PILE OF POO}" * 2000, "pageTitle": "t" * 500}
        visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": metadata})
    found = get(api, f"/sessions/{visitor.session_id}/pages", limit=100)
    assert found["hasMore"]
    assert found["pages"][0]["url"].startswith("https://shop.example/")
