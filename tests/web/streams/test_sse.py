"""Tests `GET /stream` as server-sent events: the same conversation as over a WebSocket, and how the stream ends."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.chat import presence
from flask_pocketping.realtime import connection, eventstream
from flask_pocketping.state import State

from ...conftest import Serve
from ...support.clients import Api, Socket, Visitor
from ...support.connections import is_ending, stuck_for
from ...support.events import EventSource
from ...support.servers import make_app, serving, wait_until
from ...support.travel import Travel
from ..backoffice.test_presence import GRACE, expect_log, log_of, rows
from .test_back_office import stuff


def reply(api: Api, page: Visitor, content: str, **body: Any) -> dict[str, Any]:
    return dict(api.ok("POST", f"/sessions/{page.session_id}/messages", {"content": content, **body})["message"])


def state_of(app: Flask) -> State:
    state: State = app.extensions["pocketping"]
    return state


# --- What the page is told ---


def test_a_stream_sends_events(shared: Api) -> None:
    page = shared.visitor()
    with EventSource(page) as stream:
        head = stream.response
        assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream")
        assert (head.headers["Cache-Control"], head.headers["X-Accel-Buffering"]) == ("no-store", "no")
        first = stream.next()
        assert first is not None
        assert first[:3] == ("connected", "0", {"type": "connected", "data": {"cursor": "0"}, "cursor": "0"})
        mine = page.say("Hello\nthere")
        told = stream.next()
        assert told is not None
        assert (told.name, told.id, told.frame["type"], told.frame["cursor"]) == ("message", "3", "message", "3")
        assert told.frame["data"] == page.messages()[0]
        assert told.frame["data"]["id"] == mine["messageId"]
        reply(shared, page, "Hi!")
        shared.ok("POST", f"/sessions/{page.session_id}/csat")
        with shared.socket() as office:
            office.send({"type": "typing", "sessionId": page.session_id, "isTyping": True})
            found = [stream.next() for _ in range(4)]
        assert [(told.name, told.frame["type"], told.id) for told in found if told] == [
            ("message", "message", "4"),
            ("csat_request", "csat_request", "5"),
            ("message", "presence", None),
            ("message", "typing", None),
        ]


def test_a_stream_resumes_at_its_last_event(any_shared: Api) -> None:
    page = any_shared.visitor()
    with EventSource(page) as stream:
        page.say("0")
        stream.expect("message")
        last = stream.last_id
    for number in range(1, 4):
        reply(any_shared, page, str(number))
    headers = {"Last-Event-ID": str(last)}
    # A browser asks with its first address again; the header is newer.
    with EventSource(page, after="0", headers=headers) as stream:
        reply(any_shared, page, "4")
        frames = stream.collect(lambda frames: frames[-1]["data"].get("content") == "4")
    assert [frame["data"]["content"] for frame in frames] == ["1", "2", "3", "4"]


def test_no_event_is_lost_or_repeated_while_a_stream_connects(shared: Api) -> None:
    page = shared.visitor()
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            reply(shared, page, str(number))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    heard: list[str] = []
    last: str | None = "0"
    while len(heard) < 60:
        with EventSource(page, after=last) as stream:
            for _ in range(7):
                frame = stream.expect("message")
                heard.append(frame["data"]["content"])
                last = frame["cursor"]
                if len(heard) == 60:
                    break
    writer.join()
    assert heard == [str(number) for number in range(60)]


def test_a_stream_continues_after_a_time(any_shared: Api, travel: Travel) -> None:
    page = any_shared.visitor()
    old = reply(any_shared, page, "old")
    confirm(page)
    travel.forward(seconds=31)
    moment = reply(any_shared, page, "seen")["createdAt"]
    any_shared.ok("PATCH", f"/sessions/{page.session_id}/messages/{old['id']}", {"content": "edited"})
    reply(any_shared, page, "new")
    with EventSource(page, after=moment) as stream:
        frames = [stream.receive() for _ in range(4)]
    assert [frame["type"] for frame in frames] == ["message", "message_edited", "message", "message"]
    assert [frame["data"]["content"] for frame in frames] == ["seen", "edited", "edited", "new"]
    travel.forward(seconds=25)
    # The clock of a page may run ahead; it has nothing of the future all the same.
    with EventSource(page, after="2999-01-01T00:00:00Z") as stream:
        reply(any_shared, page, "later")
        frames = [stream.receive() for _ in range(5)]
    assert [frame["data"]["content"] for frame in frames] == ["seen", "edited", "edited", "new", "later"]
    confirm(page)
    travel.forward(seconds=31)
    with EventSource(page, after="2999-01-01T00:00:00Z") as stream:
        reply(any_shared, page, "now")
        assert stream.receive()["data"]["content"] == "now"
    with EventSource(page, after="0001-01-01T00:00:00Z") as stream:
        assert stream.receive()["data"]["content"] == "old"


def test_edits_and_deletions_are_also_sent_as_messages(shared: Api) -> None:
    page = shared.visitor()
    path = f"/sessions/{page.session_id}/messages"
    sent = reply(shared, page, "Hi ther")
    with EventSource(page) as stream:
        assert stream.receive()["data"]["id"] == sent["id"]
        shared.ok("PATCH", f"{path}/{sent['id']}", {"content": "Hi there"})
        edited = [stream.receive(), stream.receive()]
        (message,) = page.messages()
        shared.ok("DELETE", f"{path}/{sent['id']}")
        deleted = [stream.receive(), stream.receive()]
        (gone,) = page.messages()
    assert [frame["type"] for frame in (*edited, *deleted)] == [
        "message_edited",
        "message",
        "message_deleted",
        "message",
    ]
    assert edited[0]["cursor"] == edited[1]["cursor"] < deleted[0]["cursor"] == deleted[1]["cursor"]
    assert (edited[1]["data"], deleted[1]["data"]) == (message, gone)
    assert (message["id"], message["content"], gone["content"]) == (sent["id"], "Hi there", "")


@pytest.mark.parametrize("transport", ["websocket", "events"])
def test_without_a_cursor_a_stream_starts_a_minute_ago(any_shared: Api, travel: Travel, transport: str) -> None:
    page = any_shared.visitor()
    path = f"/sessions/{page.session_id}"
    reply(any_shared, page, "long ago")
    confirm(page)
    travel.forward(seconds=61)
    reply(any_shared, page, "just now")
    any_shared.ok("POST", f"{path}/events", {"name": "opened before"})
    any_shared.ok("POST", f"{path}/read")
    with opened(page, transport) as stream:
        any_shared.ok("POST", f"{path}/events", {"name": "opened now"})
        frames = stream.collect(lambda frames: frames[-1]["type"] == "event")
    assert [frame["data"].get("content") or frame["data"]["name"] for frame in frames] == ["just now", "opened now"]


@pytest.mark.parametrize("transport", ["websocket", "events"])
def test_without_a_cursor_a_stream_repeats_an_open_request_for_a_rating(
    any_shared: Api, travel: Travel, transport: str
) -> None:
    page = any_shared.visitor()
    any_shared.ok("POST", f"/sessions/{page.session_id}/csat")
    asked_at = any_shared.ok("GET", f"/sessions/{page.session_id}")["session"]["csatRequestedAt"]
    told = []
    for seconds in (0, 30, 60):
        travel.forward(seconds=seconds)
        reply(any_shared, page, "Hi!")
        with opened(page, transport) as stream:
            told += stream.collect(lambda frames: frames[-1]["data"].get("content") == "Hi!")
        confirm(page)
    asked = [frame["data"] for frame in told if frame["type"] == "csat_request"]
    assert asked == [{"requestedAt": asked_at}] * 3, "once each time"
    cursor = told[-1]["cursor"]
    reply(any_shared, page, "Still there?")
    with opened(page, transport, after=cursor) as stream:
        frames = stream.collect(lambda frames: frames[-1]["type"] == "message")
    assert frames[-1]["data"]["content"] == "Still there?"
    assert "csat_request" not in {frame["type"] for frame in frames}, "who has a cursor knows it"
    page.request("POST", "/csat", {"sessionId": page.handle, "score": 5})
    confirm(page)
    travel.forward(seconds=61)
    reply(any_shared, page, "Thank you!")
    with opened(page, transport) as stream:
        assert stream.receive()["data"]["content"] == "Thank you!"


@pytest.mark.parametrize("transport", ["websocket", "events"])
@pytest.mark.parametrize("ahead", [True, False])
def test_without_a_cursor_a_stream_starts_at_the_oldest_message_that_was_not_confirmed(
    any_shared: Api, travel: Travel, transport: str, ahead: bool
) -> None:
    page = any_shared.visitor()
    for content in ("of last week", "of yesterday", "of this morning"):
        reply(any_shared, page, content)
        if content == "of yesterday":
            confirm(page)
            reply(any_shared, page, "never seen")
            travel.forward(days=1)
            reply(any_shared, page, "missed")
            page.say("Hello?")
        travel.forward(hours=2)
    with opened(page, transport, after="2999-01-01T00:00:00Z" if ahead else "") as stream:
        reply(any_shared, page, "now")
        frames = stream.collect(lambda frames: frames[-1]["data"].get("content") == "now")
    said = [frame["data"]["content"] for frame in frames if frame["type"] == "message"]
    assert said == ["missed", "Hello?", "of this morning", "now"]
    polled = page.messages(after="2999-01-01T00:00:00Z")
    assert [message["content"] for message in polled] == ["missed", "Hello?", "of this morning", "now"]


def confirm(page: Visitor) -> None:
    """The page says that it has all messages."""
    ids = [message["id"] for message in page.messages(limit=100)]
    body = {"sessionId": page.handle, "messageIds": ids, "status": "delivered"}
    assert page.request("POST", "/read", body).status_code == 200


def opened(page: Visitor, transport: str, after: str = "") -> Socket | EventSource:
    """The page's stream; an empty cursor is none."""
    return page.stream(after=after) if transport == "websocket" else EventSource(page, after=after)


def test_an_idle_stream_gets_comments(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventstream, "KEEPALIVE_INTERVAL", 0.05)
    page = shared.visitor()
    with EventSource(page) as stream:
        told = [stream.next() for _ in range(3)]
        assert [item.comment for item in told if item] == [False, True, True]
        reply(shared, page, "Hi!")
        assert stream.receive()["data"]["content"] == "Hi!"


# --- Who is let in ---


@pytest.mark.parametrize("after", ["-1", "nonsense", "9" * 19, "1e3", "\uff12"])
def test_an_invalid_cursor_is_refused(shared: Api, after: str) -> None:
    with EventSource(shared.visitor(), after=after) as stream:
        assert (stream.response.status, stream.json()["code"]) == (400, "INVALID_REQUEST")


def test_only_pages_of_listed_origins_may_stream(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example")
    page = api.visitor()
    with EventSource(page, headers={"Origin": "https://evil.example"}) as stream:
        assert (stream.response.status, stream.json()["code"]) == (403, "FORBIDDEN")
    for origin in ("https://shop.example", api.url):
        with EventSource(page, headers={"Origin": origin}) as stream:
            assert stream.response.status == 200
            listed = origin if origin != api.url else None
            assert stream.response.headers["Access-Control-Allow-Origin"] == listed


def test_websockets_and_event_streams_share_a_limit(serve: Serve) -> None:
    api = serve(socket_limit=2)
    page, other = api.visitor(), api.visitor()
    with page.stream(), EventSource(page) as one:
        one.next()
        with EventSource(page) as refused:
            assert (refused.response.status, refused.json()["code"]) == (429, "RATE_LIMITED")
            assert refused.response.headers["Retry-After"]
        with EventSource(other) as free:
            assert free.response.status == 200


# --- How it ends ---


def test_a_disconnected_client_is_noticed(app: Flask, api: Api) -> None:
    page = api.visitor()
    stream = EventSource(page)
    stream.next()
    wait_until(lambda: rows(app) == 1, "it is there")
    stream.close()
    wait_until(lambda: rows(app) == 0, "it is gone")
    assert state_of(app).sockets.all() == []


def test_a_stop_ends_streams_and_they_reconnect(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with serving(app) as api:
        page = api.visitor()
        with EventSource(page) as stream:
            stream.next()
            state_of(app).runtime.close()
            assert stream.rest() == []
        assert rows(app) == 0
        reply(api, page, "meanwhile")
        # The process serves on, so the next stream begins all anew.
        with EventSource(page, after=stream.last_id) as again:
            assert again.receive()["data"]["content"] == "meanwhile"


def test_a_client_that_reads_too_slowly_resumes(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, socket_queue=50)
    page = serve(app).visitor()
    with EventSource(page, receive_buffer=4096) as slow:
        slow.next()
        wait_until(lambda: rows(app) == 1, "it is there")
        sent = stuff(app, page.session_id, lambda: any(is_ending(line) for line in state_of(app).sockets.all()))
        told = [int(item.id) for item in slow.rest() if item.id]
    assert told == list(range(3, len(told) + 3)), "what came, came in order"
    assert len(told) < sent, "and was not all"
    with EventSource(page, after=slow.last_id) as again:
        frames = again.collect(lambda frames: int(frames[-1]["cursor"]) == sent + 2)
    assert [int(frame["cursor"]) for frame in frames] == list(range(len(told) + 3, sent + 3))


def test_a_stuck_connection_is_aborted(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_TIMEOUT", 0.5)
    page = api.visitor()
    with EventSource(page, receive_buffer=4096) as stuck:
        stuck.next()
        wait_until(lambda: rows(app) == 1, "it is there")
        stuff(app, page.session_id, lambda: any(stuck_for(line) > 0.2 for line in state_of(app).sockets.all()))
        wait_until(lambda: rows(app) == 0, "it is gone", 20)
        # It tells other processes first.
        wait_until(lambda: not state_of(app).sockets.all(), "it is forgotten")


def test_an_unread_stream_leaves_nothing_behind(app: Flask, api: Api) -> None:
    page = api.visitor()
    answer = page.request("HEAD", "/stream", params={"sessionId": page.handle})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert rows(app) == 0
    assert state_of(app).sockets.all() == []


def test_a_reset_connection_leaves_nothing_behind(app: Flask, api: Api) -> None:
    page = api.visitor()
    stream = EventSource(page)
    stream.next()
    wait_until(lambda: rows(app) == 1, "it is there")
    stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    stream.close()
    wait_until(lambda: rows(app) == 0, "it is gone")


# --- Being there ---


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, disconnect_grace=GRACE)


def test_moving_to_another_page_does_not_count_as_leaving(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    for _ in range(3):
        with EventSource(page) as stream:
            stream.next()
            wait_until(lambda: rows(app) == 1, "the page is there")
            travel.forward(seconds=presence.RENEWAL)
        wait_until(lambda: rows(app) == 0, "the page is gone")
        travel.forward(seconds=GRACE * 0.3)
        presence.sweep(state_of(app).db, GRACE)
    assert log_of(app, page) == ["visitor.connected"]
    travel.forward(seconds=GRACE)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")


def test_the_presence_of_a_long_stream_is_renewed(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    upkeep: Any = state_of(app).hub._tick
    with EventSource(page) as stream:
        stream.next()
        for _ in range(3):
            travel.forward(seconds=presence.LIFETIME * 0.9)
            upkeep._next_renewal = 0.0
            wait_until(lambda: upkeep._next_renewal > 0, "the renewal")
        presence.sweep(state_of(app).db, GRACE)
        assert log_of(app, page) == ["visitor.connected"]
