"""Tests `/events`: what a polling page gets, and that all three transports send the same frames."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.chat import presence

from ...conftest import Serve
from ...support.clients import Api, Visitor
from ...support.events import EventSource
from ...support.servers import make_app, wait_until
from ...support.travel import Travel
from ..backoffice.test_presence import GRACE, database_of, expect_log, log_of, rows


def poll(page: Visitor, **query: Any) -> dict[str, Any]:
    answer = page.request("GET", "/events", params={"sessionId": page.handle, **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def poll_all(page: Visitor, after: str, limit: int = 100) -> list[dict[str, Any]]:
    """Frames up to the end, page by page."""
    frames: list[dict[str, Any]] = []
    while True:
        found = poll(page, after=after, limit=limit)
        frames += found["frames"]
        after = found["cursor"]
        if not found["hasMore"]:
            return frames


def reply(api: Api, page: Visitor, content: str) -> str:
    return str(api.ok("POST", f"/sessions/{page.session_id}/messages", {"content": content})["message"]["id"])


# --- What the page is told ---


def test_a_polling_page_gets_its_conversation(any_shared: Api) -> None:
    page = any_shared.visitor()
    found = poll(page, after=page.hello["cursor"])
    assert (found["frames"], found["hasMore"], found["operatorOnline"]) == ([], False, False)
    mine = page.say("Hello")
    found = poll(page, after=found["cursor"])
    assert [frame["type"] for frame in found["frames"]] == ["message"]
    assert found["frames"][0]["data"] == page.messages()[0]
    assert found["frames"][0]["data"]["id"] == mine["messageId"]
    assert found["frames"][0]["cursor"] == found["cursor"]
    assert poll(page, after=found["cursor"])["frames"] == []
    with any_shared.socket():
        assert poll(page, after=found["cursor"])["operatorOnline"] is True


def test_without_a_cursor_polling_starts_now(shared: Api) -> None:
    page = shared.visitor()
    page.say("before")
    begun = poll(page)
    assert begun["frames"] == []
    page.say("after")
    (frame,) = poll(page, after=begun["cursor"])["frames"]
    assert frame["data"]["content"] == "after"


def test_a_cursor_from_before_a_restore_is_reset(shared: Api) -> None:
    page = shared.visitor()
    found = poll(page, after="1000")
    page.say("Hello")
    (frame,) = poll(page, after=found["cursor"])["frames"]
    assert frame["data"]["content"] == "Hello"


@pytest.mark.parametrize("query", [{"after": "nonsense"}, {"after": "-1"}, {"limit": 0}, {"limit": 501}])
def test_invalid_parameters_are_refused(shared: Api, query: dict[str, Any]) -> None:
    page = shared.visitor()
    answer = page.request("GET", "/events", params={"sessionId": page.handle, **query})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("seed", [1, 2])
def test_all_transports_send_the_same_frames(any_shared: Api, seed: int) -> None:
    chance = random.Random(seed)
    page = any_shared.visitor()
    path = f"/sessions/{page.session_id}"
    cursor = page.hello["cursor"]
    with page.stream(after=cursor) as live, EventSource(page, after=cursor) as events:
        live_through(any_shared, page, path, chance)
        any_shared.ok("POST", f"{path}/events", {"name": "end"})

        def is_over(frames: list[dict[str, Any]]) -> bool:
            return bool(frames[-1]["data"].get("name") == "end")

        heard = [logged(live.collect(is_over)), without_repeats(events.collect(is_over))]
        cut = heard[0][chance.randrange(len(heard[0]))]["cursor"]
        with page.stream(after=cut) as again, EventSource(page, after=cut) as events_again:
            resumed = [logged(again.collect(is_over)), without_repeats(events_again.collect(is_over))]
    heard += [poll_all(page, cursor), poll_all(page, cursor, limit=3)]
    resumed += [poll_all(page, cut)]
    assert {frame["type"] for frame in heard[0]} == {
        *("message", "message_edited", "message_deleted", "read", "event", "csat_request")
    }
    assert all(told == heard[0] for told in heard)
    behind = [frame for frame in heard[0] if int(frame["cursor"]) > int(cut)]
    assert all(told == behind for told in resumed)
    assert shown(heard[0]) == {message["id"]: message["content"] for message in page.messages(limit=100)}


def logged(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that stand for events."""
    return [frame for frame in frames if "cursor" in frame]


def without_repeats(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As a page that goes by the cursor: of a message that was changed and comes whole too it takes the first."""
    found: list[dict[str, Any]] = []
    for frame in logged(frames):
        if not found or found[-1]["cursor"] != frame["cursor"]:
            found.append(frame)
    return found


def shown(frames: list[dict[str, Any]]) -> dict[str, str]:
    """The contents of the messages that a page shows, from frames alone."""
    found: dict[str, str] = {}
    for frame in frames:
        data = frame["data"]
        if frame["type"] == "message":
            found[data["id"]] = data["content"]
        elif frame["type"] == "message_edited":
            found[data["messageId"]] = data["content"]
        elif frame["type"] == "message_deleted":
            found[data["messageId"]] = ""
    return found


def live_through(api: Api, page: Visitor, path: str, chance: random.Random) -> None:
    """All that a conversation may see, in an order of chance; each at least once."""
    kinds = ["say", "reply", "edit", "delete", "read", "receipt", "event", "page event", "csat", "identify"]
    order = kinds + chance.choices(kinds, k=12)
    chance.shuffle(order)
    for kind in order:
        mine, theirs = page.say("Hello")["messageId"], reply(api, page, "Hi!")
        if kind == "edit":
            page.request("PATCH", f"/message/{mine}", {"sessionId": page.handle, "content": "Hello!"})
            api.ok("PATCH", f"{path}/messages/{theirs}", {"content": "Hi there!"})
        elif kind == "delete":
            page.request("DELETE", f"/message/{mine}", params={"sessionId": page.handle})
            api.ok("DELETE", f"{path}/messages/{theirs}")
        elif kind == "read":
            api.ok("POST", f"{path}/read")
        elif kind == "receipt":
            page.request("POST", "/read", {"sessionId": page.handle, "messageIds": [theirs], "status": "delivered"})
        elif kind == "event":
            api.ok("POST", f"{path}/events", {"name": "highlight", "data": {"on": chance.random()}})
        elif kind == "page event":
            page.request("POST", "/events", {"sessionId": page.handle, "name": "clicked"})
        elif kind == "csat":
            api.ok("POST", f"{path}/csat")
        elif kind == "identify":
            page.request("POST", "/identify", {"sessionId": page.handle, "identity": {"name": str(chance.random())}})


# --- What it says ---


def test_a_custom_event_of_the_page_needs_no_socket(any_shared: Api) -> None:
    page = any_shared.visitor()
    with any_shared.socket(events=["event.received"], sessionId=page.session_id) as office:
        body = {"sessionId": page.handle, "name": "clicked", "data": {"on": "#buy"}}
        answer = page.request("POST", "/events", body)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        frame = office.receive()
        assert (frame["name"], frame["data"]) == ("clicked", {"on": "#buy"})


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": "x", "data": "y" * 20_000}])
def test_an_invalid_event_is_refused(shared: Api, body: dict[str, Any]) -> None:
    page = shared.visitor()
    answer = page.request("POST", "/events", {"sessionId": page.handle, **body})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_a_repeated_message_is_announced_once(shared: Api) -> None:
    page = shared.visitor()
    first = page.say("Hello", clientId="draft-1")
    assert page.say("Hello", clientId="draft-1") == first
    page.say("Hello", clientId="draft-2")
    told = poll_all(page, page.hello["cursor"])
    assert [frame["data"]["content"] for frame in told] == ["Hello", "Hello"]
    assert len({frame["data"]["id"] for frame in told}) == 2


# --- Being there ---


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, disconnect_grace=GRACE)


def beacon(page: Visitor) -> None:
    assert page.request("POST", "/disconnect", {"sessionId": page.handle, "reason": "unload"}).json() == {"ok": True}


def test_a_polling_visitor_is_connected(any_database: str, tmp_path: Path, serve: Serve, travel: Travel) -> None:
    app = make_app(tmp_path, any_database, disconnect_grace=GRACE, worker="off")
    api = serve(app)
    page = api.visitor()
    for _ in range(10):
        poll(page, after="0")
        page.messages(after="0")
        travel.forward(seconds=presence.LIFETIME / 4)
        presence.sweep(database_of(app), GRACE)
    assert rows(app) == 1
    expect_log(api, page, "visitor.connected")
    travel.forward(seconds=presence.LIFETIME)
    presence.sweep(database_of(app), GRACE)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")
    page.messages(after="0")
    expect_log(api, page, "visitor.connected", "visitor.disconnected", "visitor.connected")


def test_concurrent_polls_of_tabs_are_recorded_once(any_shared: Api) -> None:
    page = any_shared.visitor()
    query = {"sessionId": page.handle}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: page.request("GET", "/events", params=query), range(24)))
    assert {answer.status_code for answer in found} == {200}
    expect_log(any_shared, page, "visitor.connected")


def test_a_visitor_who_does_not_poll_is_not_recorded(shared_app: Flask, shared: Api) -> None:
    page = shared.visitor()
    page.messages()
    page.say("Hello")
    assert log_of(shared_app, page) == ["message.created"]


def test_moving_to_another_page_does_not_count_as_leaving(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    for _ in range(3):
        poll(page)
        travel.forward(seconds=GRACE * 5)
        beacon(page)
        assert rows(app) == 0
        travel.forward(seconds=GRACE * 0.3)
        presence.sweep(database_of(app), GRACE)
    assert log_of(app, page) == ["visitor.connected"]
    travel.forward(seconds=GRACE)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")


def test_leaving_one_page_keeps_the_other_pages_connected(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    with page.stream():
        wait_until(lambda: rows(app) == 1, "the stream is there")
        poll(page)
        assert rows(app) == 2
        beacon(page)
        assert rows(app) == 1
        travel.forward(seconds=GRACE * 3)
        presence.sweep(database_of(app), GRACE)
        assert log_of(app, page) == ["visitor.connected"]
