"""Tests `/stream`: what a visitor's page gets, what it may send, and which pages are admitted."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import websocket
from flask import Flask
from sqlalchemy import select, text

from flask_pocketping import PocketPing
from flask_pocketping.models import Message, table
from flask_pocketping.realtime import websocket as websocket_module
from flask_pocketping.state import State

from ...conftest import Serve
from ...support.clients import BROWSER, Api, Socket, Visitor
from ...support.servers import wait_until
from ...support.wire import BINARY, TEXT, Wire


def refused(url: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """The answer that a browser's handshake gets instead of a socket."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Socket(url, **options)
    return caught.value.status_code, json.loads(caught.value.resp_body or b"")


def refused_code(url: str, **options: Any) -> tuple[int, str]:
    status, body = refused(url, **options)
    assert body.keys() >= {"error", "message", "code"}
    return status, body["code"]


def send(api: Api, visitor: Visitor, content: str, **body: Any) -> dict[str, Any]:
    sent = api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": content, **body})
    return dict(sent["message"])


# --- What the page is told ---


def test_a_page_gets_the_frames_of_its_conversation(shared: Api) -> None:
    visitor = shared.visitor()
    path = f"/sessions/{visitor.session_id}"
    with visitor.stream() as page:
        with shared.socket(after="0", sessionId=visitor.session_id) as office:
            office.expect("visitor.connected")
        assert [page.receive() for _ in range(2)] == [
            {"type": "presence", "data": {"online": True}},
            {"type": "presence", "data": {"online": False}},
        ]
        mine = visitor.say("Hello", clientId="draft-1")
        assert page.receive() == {
            "type": "message",
            "cursor": "3",
            "data": {
                "id": mine["messageId"],
                "sessionId": visitor.handle,
                "seq": 3,
                "content": "Hello",
                "sender": "visitor",
                "timestamp": mine["timestamp"],
                "status": "sent",
            },
        }
        theirs = send(shared, visitor, "Hi!", operatorName="Ann", replyTo=mine["messageId"])
        frame = page.receive()
        assert frame["data"] == {
            "id": theirs["id"],
            "sessionId": visitor.handle,
            "seq": 4,
            "content": "Hi!",
            "sender": "operator",
            "timestamp": theirs["createdAt"],
            "replyTo": mine["messageId"],
            "operatorName": "Ann",
            "status": "sent",
        }
        assert frame["data"] == visitor.messages()[-1], "polling shows the same"

        edited = shared.ok("PATCH", f"{path}/messages/{theirs['id']}", {"content": "Hi there!"})["message"]
        assert page.receive() == {
            "type": "message_edited",
            "cursor": "5",
            "data": {"messageId": theirs["id"], "content": "Hi there!", "editedAt": edited["editedAt"]},
        }
        shared.ok("POST", f"{path}/read")
        frame = page.receive()
        assert (frame["type"], frame["data"].keys()) == ("read", {"messageIds", "status", "readAt"})
        assert (frame["data"]["messageIds"], frame["data"]["status"]) == ([mine["messageId"]], "read")

        deleted = shared.ok("DELETE", f"{path}/messages/{theirs['id']}")["message"]
        assert page.receive() == {
            "type": "message_deleted",
            "cursor": "7",
            "data": {"messageId": theirs["id"], "deletedAt": deleted["deletedAt"]},
        }
        send(shared, visitor, "I am a robot", type="ai")
        assert page.receive()["data"]["sender"] == "ai"
        send(shared, visitor, "The conversation was moved", type="system")
        system = page.receive()["data"]
        assert (system["sender"], system["metadata"]) == ("operator", {"system": True})

        assert shared.ok("POST", f"{path}/events", {"name": "highlight", "data": {"on": "#buy"}}) == {"ok": True}
        frame = page.receive()
        assert (frame["type"], frame["cursor"]) == ("event", "10")
        assert frame["data"] == {"name": "highlight", "data": {"on": "#buy"}, "timestamp": frame["data"]["timestamp"]}
        assert frame["data"]["timestamp"].endswith("Z")


def test_the_page_gets_no_other_events(shared: Api) -> None:
    visitor, other = shared.visitor(), shared.visitor()
    path = f"/sessions/{visitor.session_id}"
    with visitor.stream() as page, other.stream() as other_page:
        shared.ok("POST", f"{path}/identify", {"email": "ann@example.com"})
        shared.ok("POST", f"{path}/ai", {"enabled": False})
        shared.ok("POST", f"{path}/close")
        shared.ok("POST", f"{path}/reopen")
        visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {"url": "https://x.example/"}})
        page.send({"type": "event", "data": {"name": "clicked"}})
        send(shared, other, "to the other")
        send(shared, visitor, "to the one")
        told = [page.receive()["data"] for _ in range(3)]
        assert [message["content"] for message in told] == ["Session closed", "Session reopened", "to the one"]
        assert other_page.receive()["data"]["content"] == "to the other"


def test_each_page_of_a_visitor_gets_the_events(shared: Api) -> None:
    visitor = shared.visitor()
    with visitor.stream() as one, visitor.stream() as two:
        visitor.say("Hello")
        send(shared, visitor, "Hi!")
        for page in (one, two):
            assert [page.receive()["data"]["content"] for _ in range(2)] == ["Hello", "Hi!"]


def test_frames_name_the_session_by_its_handle_only(shared: Api) -> None:
    visitor = shared.visitor()
    with visitor.stream() as page, shared.socket() as office:
        send(shared, visitor, "Hi!")
        office.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": True})
        shared.ok("POST", f"/sessions/{visitor.session_id}/events", {"name": "highlight"})
        frames = page.collect(lambda frames: {"message", "typing", "event"} <= {frame["type"] for frame in frames})
    told = json.dumps(frames).replace(visitor.handle, "HANDLE")
    assert visitor.session_id not in told


def test_events_during_the_handshake_are_sent(app: Flask, api: Api) -> None:
    """The page has read its messages before, and is not among the hub's subscribers yet."""
    state: State = app.extensions["pocketping"]
    host: PocketPing = app.extensions["test_pocketping"]
    visitor = api.visitor()

    def write() -> None:
        with app.app_context():
            host.send_message(visitor.session_id, "just now")

    def stored() -> bool:
        with state.db.read() as connection:
            return connection.execute(select(table(Message).c.id)).first() is not None

    writer = threading.Thread(target=write)
    # While the test holds the hub, nobody can subscribe, nor is anybody told of an event.
    with state.hub._lock, visitor.stream() as page:
        writer.start()
        wait_until(stored, "it is in the log")
        state.hub._lock.release()
        try:
            assert page.receive()["data"]["content"] == "just now"
        finally:
            state.hub._lock.acquire()
    writer.join()


def test_a_page_continues_at_its_cursor(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    send(any_shared, visitor, "zero")
    hello = visitor.request("POST", "/connect", {"sessionId": visitor.handle}).json()
    send(any_shared, visitor, "one")
    with visitor.stream(after=hello["cursor"]) as page:
        frame = page.receive()
        assert frame["data"]["content"] == "one"
        send(any_shared, visitor, "two")
        assert page.receive()["data"]["content"] == "two"
    with visitor.stream(after=frame["cursor"]) as page:
        assert page.receive()["data"]["content"] == "two"
    with visitor.stream() as page:
        send(any_shared, visitor, "three")
        frames = page.collect(lambda frames: frames[-1]["data"]["content"] == "three")
        assert [frame["data"]["content"] for frame in frames] == ["zero", "one", "two", "three"], "of the last minute"
    with visitor.stream(after="0") as page:
        frames = page.collect(lambda frames: frames[-1]["data"]["content"] == "three")
        assert [frame["data"]["content"] for frame in frames] == ["zero", "one", "two", "three"]


def test_a_custom_event_waits_for_a_disconnected_page(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    with visitor.stream() as page:
        send(any_shared, visitor, "Hi!")
        cursor = page.receive()["cursor"]
    any_shared.ok("POST", f"/sessions/{visitor.session_id}/events", {"name": "open", "data": [1, None, "é"]})
    with visitor.stream(after=cursor) as page:
        frame = page.receive()
        assert (frame["type"], frame["data"]["name"], frame["data"]["data"]) == ("event", "open", [1, None, "é"])


# --- What the page may say ---


def test_custom_events_of_the_page_are_logged(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    with any_shared.socket(sessionId=visitor.session_id) as office, visitor.stream() as page:
        office.expect("visitor.connected")
        page.send(
            {"type": "event", "data": {"name": "clicked", "data": {"on": "#buy"}, "timestamp": "2024-01-15T10:30:00Z"}}
        )
        told = office.receive()
        assert (told["type"], told["name"], told["data"]) == ("event.received", "clicked", {"on": "#buy"})
        page.send({"type": "event", "data": {"name": "scrolled"}})
        told = office.receive()
        assert (told["name"], told["data"]) == ("scrolled", None)
    with any_shared.socket(after="0", sessionId=visitor.session_id, events=["event.received"]) as office:
        assert [office.receive()["name"] for _ in range(2)] == ["clicked", "scrolled"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "auth", "apiKey": "test-key-0123456789"}, "INVALID_REQUEST"),
        ({"type": "message", "data": {"content": "Hello", "sender": "operator"}}, "INVALID_REQUEST"),
        ({"type": "typing", "data": {"sender": "operator", "isTyping": True}}, "INVALID_REQUEST"),
        ({"type": "subscribe", "sessionId": "sess_other"}, "INVALID_REQUEST"),
        ({"type": "event"}, "INVALID_REQUEST"),
        ({"type": "event", "data": None}, "INVALID_REQUEST"),
        ({"type": "event", "data": []}, "INVALID_REQUEST"),
        ({"type": "event", "data": {"name": ""}}, "INVALID_REQUEST"),
        ({"type": "event", "data": {"name": "x" * 101}}, "INVALID_REQUEST"),
        ({"type": "event", "data": {"name": "a\x00b"}}, "INVALID_REQUEST"),
        ({"type": "event", "data": {"name": "x", "data": "\ud800"}}, "INVALID_REQUEST"),
        ({"type": "event", "data": {"name": "x", "data": "y" * 20_000}}, "INVALID_REQUEST"),
        ('{"type":"event","data":{"name":"x","data":Infinity}}', "INVALID_JSON"),
        ("broken", "INVALID_JSON"),
    ],
)
def test_an_invalid_frame_gets_an_error_and_the_stream_stays_open(shared: Api, frame: Any, code: str) -> None:
    visitor = shared.visitor()
    with visitor.stream() as page:
        page.send(frame)
        answer = page.receive()
        assert (answer["type"], answer["code"]) == ("error", code)
        send(shared, visitor, "still here")
        assert page.receive()["data"]["content"] == "still here"


def test_a_page_that_floods_is_closed(serve: Serve) -> None:
    api = serve(visitor_message_limit="3/minute")
    with api.visitor().stream() as page:
        for _ in range(4):
            page.send({"type": "event", "data": {"name": "x"}})
        assert page.close_code() == 4429


def test_a_large_frame_is_1009(shared: Api) -> None:
    with shared.visitor().stream() as page:
        page.send("x" * 70_000)
        assert page.close_code() == 1009


def test_a_frame_may_be_binary(shared: Api) -> None:
    visitor = shared.visitor()
    with (
        shared.socket(sessionId=visitor.session_id) as office,
        Wire(f"{shared.url}/stream?sessionId={visitor.handle}") as page,
    ):
        page.send({"type": "event", "data": {"name": "binary"}}, BINARY)
        assert office.expect("event.received")["name"] == "binary"


def test_an_offer_of_compression_is_accepted_without_it(shared: Api) -> None:
    visitor = shared.visitor()
    url = f"{shared.url}/stream?sessionId={visitor.handle}"
    with Wire(url, Sec_WebSocket_Extensions="permessage-deflate") as page:
        assert b"sec-websocket-extensions" not in page.head.lower()
        visitor.say("x" * 1000)
        frame = page.receive()
        assert frame is not None
        assert (frame.opcode, frame.reserved, frame.json["type"]) == (TEXT, 0, "message")


# --- Who is let in ---


def test_only_a_handle_opens_a_stream(shared: Api) -> None:
    visitor = shared.visitor()
    visitor.say("private")
    for stranger in (visitor.session_id, visitor.session_id + ".", visitor.session_id + "." + "A" * 43, "", "%00"):
        url = f"{shared.url}/stream?sessionId={stranger}&after=0"
        assert refused_code(url) == (404, "SESSION_NOT_FOUND"), stranger
    assert refused_code(f"{shared.url}/stream") == (404, "SESSION_NOT_FOUND")
    assert refused_code(f"{shared.url}/stream?visitorId={visitor.hello['visitorId']}") == (404, "SESSION_NOT_FOUND")


def test_a_deleted_session_has_no_stream(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    state: State = app.extensions["pocketping"]
    with state.db.transaction() as tx:
        tx.execute(text("DELETE FROM pocketping_session"))
    assert refused_code(f"{api.url}/stream?sessionId={visitor.handle}") == (404, "SESSION_NOT_FOUND")


def test_the_handle_of_a_crawler_opens_no_stream(shared: Api) -> None:
    crawler = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
    hello = requests.post(f"{shared.url}/connect", json={"metadata": {}}, headers={"User-Agent": crawler}, timeout=30)
    url = f"{shared.url}/stream?sessionId={hello.json()['sessionId']}"
    assert refused_code(url) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "2024-13-45T10:30:00Z", "9" * 19, "%D9%A3"])
def test_a_bad_cursor_is_400(shared: Api, after: str) -> None:
    url = f"{shared.url}/stream?sessionId={shared.visitor().handle}&after={after}"
    status, body = refused(url)
    assert (status, body["code"], body["details"].keys()) == (400, "INVALID_REQUEST", {"after"})


def test_origins_are_checked(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example")
    url = f"{api.url}/stream?sessionId={api.visitor().handle}"
    host = urlsplit(api.url).netloc
    for origin in (f"http://{host}", f"https://{host}", "https://shop.example", "https://SHOP.example"):
        Socket(url, origin=origin).close()
    Socket(url, suppress_origin=True).close()
    for origin in (
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        f"https://{host}.evil.example",
        "http://127.0.0.1",
        "null",
        "file://",
    ):
        assert refused_code(url, origin=origin) == (403, "FORBIDDEN"), origin


def test_without_listed_origins_only_the_same_origin_is_allowed(shared: Api) -> None:
    url = f"{shared.url}/stream?sessionId={shared.visitor().handle}"
    Socket(url).close()
    assert refused_code(url, origin="https://shop.example") == (403, "FORBIDDEN")


def test_too_many_streams_of_one_address_are_429(serve: Serve) -> None:
    api = serve(visitor_address_limit="3/minute")
    visitor = api.visitor()
    for _ in range(2):
        visitor.stream().close()
    assert refused_code(f"{api.url}/stream?sessionId={visitor.handle}") == (429, "RATE_LIMITED")


def test_a_request_without_an_upgrade_gets_an_explanation(shared: Api) -> None:
    for path in ("/ws", "/stream"):
        answer = requests.get(shared.url + path, headers={"User-Agent": BROWSER}, timeout=30)
        assert answer.status_code in {400, 404}
        assert answer.headers["Content-Type"] == "application/json"


# --- How it ends ---


def test_an_internal_error_is_1011(app: Flask, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    visitor = api.visitor()
    state: State = app.extensions["pocketping"]
    with state.db.transaction() as tx:
        tx.execute(text("ALTER TABLE pocketping_presence RENAME TO away"))
    with Wire(f"{api.url}/stream?sessionId={visitor.handle}") as page:
        assert page.status == 101
        *_, last = page.rest()
        assert last.code == 1011
    assert "A WebSocket on /stream failed" in caplog.text


def test_a_page_that_does_not_respond_is_disconnected(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "PING_INTERVAL", 0.2)
    with Wire(f"{shared.url}/stream?sessionId={shared.visitor().handle}") as page:
        assert [frame.payload for frame in page.rest()] == [b""]
