"""Tests `/ws` as a dialogue: authentication, frames, closing, and cleaning up."""

from __future__ import annotations

import contextlib
import gc
import json
import select
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from simple_websocket import Server
from sqlalchemy import text

from flask_pocketping import PocketPing
from flask_pocketping.chat.projects import create_key, create_project, revoke_key
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.realtime import connection, open_connections
from flask_pocketping.realtime import websocket as websocket_module
from flask_pocketping.realtime.connection import Connection
from flask_pocketping.state import State
from flask_pocketping.web.streams import websockets as socket_module

from ...conftest import Serve
from ...support.clients import Api, Socket
from ...support.connections import is_ending, stuck_for
from ...support.servers import KEY, make_app, wait_until
from ...support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, WireFrame

COMMON = {"type", "id", "sessionId", "seq", "timestamp", "cursor"}


def state_of(app: Flask) -> State:
    state: State = app.extensions["pocketping"]
    return state


def host_of(app: Flask) -> PocketPing:
    pocketping: PocketPing = app.extensions["test_pocketping"]
    return pocketping


def opened(api: Api, **options: Any) -> Wire:
    """A connection to `/ws` that is let in, whose client does only what the test says."""
    wire = Wire(api.url + "/ws", **options)
    wire.send({"type": "auth", "apiKey": api.key})
    assert expect(wire, TEXT).json["type"] == "auth.ok"
    return wire


def expect(wire: Wire, opcode: int, timeout: float = 10.0) -> WireFrame:
    frame = wire.receive(timeout)
    assert frame is not None, "the stream ended"
    assert frame.opcode == opcode, f"got {frame}"
    return frame


def close_frame(wire: Wire) -> WireFrame:
    """The close frame, which is answered; behind it nothing may come."""
    frame = wire.receive()
    while frame is not None and frame.opcode != CLOSE:
        frame = wire.receive()
    assert frame is not None, "the stream ended without a word"
    with contextlib.suppress(OSError):
        wire.send(frame.payload, CLOSE)
    assert wire.rest() == []
    return frame


# --- Being let in ---


def test_the_first_frame_is_the_key(api: Api) -> None:
    with api.socket() as office:
        assert office.hello == {"type": "auth.ok", "projectId": DEFAULT_PROJECT, "cursor": "0"}
        api.session()
        frame = office.expect("session.created")
    with api.socket() as office:
        assert office.hello["cursor"] == frame["cursor"]


def test_auth_ok_has_no_cursor_after_the_replay(api: Api) -> None:
    """A client may go away before the replay begins, and resumes with the last cursor that it was told."""
    for _ in range(3):
        api.session()
    with api.socket(after="1") as office:
        assert office.hello["cursor"] == "1"
        assert [office.receive()["cursor"] for _ in range(2)] == ["2", "3"]
    with api.socket(after="99") as office:
        assert office.hello["cursor"] == "3", "there is nothing behind it yet"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "auth", "apiKey": "wrong-key-0123456789"},
        {"type": "auth", "apiKey": ""},
        {"type": "auth", "apiKey": None},
        {"type": "auth", "apiKey": ["test-key-0123456789"]},
        {"type": "auth"},
        {"type": "ping"},
        {"type": "subscribe", "apiKey": KEY},
        {"apiKey": KEY},
        "not JSON",
        "[]",
        '"auth"',
        '{"type":"auth","apiKey":"\\ud800"}',
        {"type": "auth", "apiKey": KEY, "after": "last tuesday"},
        {"type": "auth", "apiKey": KEY, "after": "-1"},
        {"type": "auth", "apiKey": KEY, "after": "9" * 30},
        {"type": "auth", "apiKey": KEY, "after": "٣"},
        {"type": "auth", "apiKey": KEY, "after": {}},
        {"type": "auth", "apiKey": KEY, "events": "message.created"},
    ],
)
def test_any_other_first_frame_is_4401(shared: Api, frame: Any) -> None:
    with shared.socket(auth=False) as office:
        office.send(frame)
        assert office.close_code() == 4401


def test_a_revoked_key_is_4401(app: Flask, api: Api) -> None:
    key = create_key(state_of(app).db, "office")
    with api.with_key(key.key).socket() as office:
        assert office.hello["projectId"] == DEFAULT_PROJECT
    revoke_key(state_of(app).db, key.id)
    with api.socket(auth=False) as office:
        office.send({"type": "auth", "apiKey": key.key})
        assert office.close_code() == 4401


def test_a_client_that_sends_nothing_is_closed_with_4408(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "AUTH_WAIT", 0.3)
    with shared.socket(auth=False) as silent:
        assert silent.close_code() == 4408


def test_pings_do_not_extend_the_time_to_authenticate(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_module, "AUTH_WAIT", 0.5)
    with Wire(shared.url + "/ws") as wire:
        frame = None
        end = time.monotonic() + 20
        while frame is None or frame.opcode == PONG:
            assert time.monotonic() < end
            wire.send(b"", PING)
            frame = wire.receive()
            # Not as many in a second as would count as a flood.
            select.select([wire.sock], [], [], 0.02)
        assert frame.code == 4408


# --- What is told ---


def test_the_three_frames_of_the_reference(shared: Api) -> None:
    with shared.socket() as office:
        session_id = shared.session(metadata={"pageUrl": "https://example.com/pricing"})
        created = office.receive()
        message = shared.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hé ✓", "type": "visitor"})[
            "message"
        ]
        sent = office.receive()
        shared.ok("POST", f"/sessions/{session_id}/close")
        announced, closed = office.receive(), office.receive()
    assert (announced["type"], announced["message"]["type"]) == ("message.created", "system")
    assert announced["message"]["content"] == "Session closed"
    assert [created["type"], sent["type"], closed["type"]] == ["session.created", "message.created", "session.closed"]
    assert set(created) == COMMON | {"session"}
    assert created["session"]["id"] == session_id
    assert created["session"]["metadata"] == {"pageUrl": "https://example.com/pricing"}
    assert set(sent) == COMMON | {"message"}
    assert sent["message"] == message
    assert set(closed) == COMMON
    frames = [created, sent, announced, closed]
    assert [frame["sessionId"] for frame in frames] == [session_id] * 4
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
    assert len({frame["id"] for frame in frames}) == 4
    assert all(frame["id"].startswith("evt_") and isinstance(frame["cursor"], str) for frame in frames)
    assert all(frame["timestamp"].endswith("Z") for frame in frames)
    assert [datetime.fromisoformat(frame["timestamp"]) for frame in frames] == sorted(
        datetime.fromisoformat(frame["timestamp"]) for frame in frames
    )
    assert sent["timestamp"] == message["createdAt"]


def test_a_socket_gets_every_type_of_event(shared: Api) -> None:
    with shared.socket() as office:
        visitor = shared.visitor(metadata={"url": "https://example.com/"})
        path = f"/sessions/{visitor.session_id}"
        office.expect("session.created")
        asked = visitor.say("Hello?")["messageId"]
        office.expect("message.created")

        shared.ok("PATCH", f"{path}/messages/{asked}", {"content": "Hello!"})
        edited = office.receive()
        assert (edited["type"], edited["message"]["content"]) == ("message.updated", "Hello!")
        assert edited["message"]["editedAt"] == edited["timestamp"]

        assert shared.ok("POST", f"{path}/read") == {"updated": 1}
        read = office.receive()
        assert set(read) == COMMON | {"messageIds", "status", "readAt"}
        assert (read["type"], read["messageIds"], read["status"]) == ("message.read", [asked], "read")

        shared.ok("DELETE", f"{path}/messages/{asked}")
        deleted = office.receive()
        assert (deleted["type"], deleted["message"]["content"]) == ("message.deleted", "")
        assert deleted["message"]["deletedAt"] == deleted["timestamp"]

        shared.ok("POST", f"{path}/identify", {"email": "a@example.com"})
        identified = office.receive()
        assert (identified["type"], identified["identity"]) == (
            "visitor.identified",
            {"email": "a@example.com", "verified": True},
        )

        shared.ok("POST", f"{path}/ai", {"enabled": False})
        toggled = office.receive()
        assert (toggled["type"], toggled["enabled"]) == ("ai.toggled", False)

        for action, done in (("close", "session.closed"), ("reopen", "session.reopened")):
            shared.ok("POST", f"{path}/{action}")
            announced = office.receive()
            assert (announced["type"], announced["message"]["kind"]) == ("message.created", done)
            assert office.receive()["type"] == done

        next_page = {"sessionId": visitor.handle, "metadata": {"url": "https://example.com/buy"}}
        visitor.request("POST", "/connect", next_page)
        updated = office.receive()
        assert updated["type"] == "session.updated"
        assert updated["session"]["metadata"]["pageUrl"] == "https://example.com/buy"

        with visitor.stream() as page:
            assert office.receive()["type"] == "visitor.connected"
            page.send({"type": "event", "data": {"name": "clicked", "data": {"on": "buy"}}})
            received = office.receive()
            assert (received["type"], received["name"], received["data"]) == (
                "event.received",
                "clicked",
                {"on": "buy"},
            )
        shared.ok("POST", f"{path}/events", {"name": "highlight", "data": 7})
        sent = office.receive()
        assert (sent["type"], sent["name"], sent["data"]) == ("event.sent", "highlight", 7)


# --- What is asked for ---


def test_only_the_requested_types_are_sent(shared: Api) -> None:
    with shared.socket(events=["message.created", "session.closed"]) as office:
        session_id = shared.session()
        shared.ok("POST", f"/sessions/{session_id}/messages", {"content": "one"})
        shared.ok("POST", f"/sessions/{session_id}/ai", {"enabled": False})
        shared.ok("POST", f"/sessions/{session_id}/close")
        kinds = [office.receive()["type"] for _ in range(3)]
        assert kinds == ["message.created", "message.created", "session.closed"]

        office.send({"type": "subscribe", "events": ["session.created"]})
        assert_answers(office)
        other = shared.session()
        assert office.receive()["session"]["id"] == other
        office.send({"type": "subscribe", "events": ["*"]})
        assert_answers(office)
        shared.ok("POST", f"/sessions/{other}/messages", {"content": "two"})
        assert office.receive()["type"] == "message.created"
        office.send({"type": "subscribe", "events": "all"})
        assert office.receive()["code"] == "INVALID_REQUEST"
        office.send({"type": "subscribe", "events": ["message.deleted"]})
        office.send({"type": "subscribe"})
        assert_answers(office)
        shared.ok("POST", f"/sessions/{other}/close")
        assert [office.receive()["type"] for _ in range(2)] == ["message.created", "session.closed"]


def test_only_the_requested_session_is_sent(shared: Api) -> None:
    mine, other = shared.session(), shared.session()
    with shared.socket(sessionId=mine) as office, shared.socket() as colleague:
        colleague.send({"type": "typing", "sessionId": other, "isTyping": True})
        colleague.send({"type": "typing", "sessionId": mine, "isTyping": True})
        assert office.receive()["sessionId"] == mine
        shared.ok("POST", f"/sessions/{other}/messages", {"content": "elsewhere"})
        shared.ok("POST", f"/sessions/{mine}/messages", {"content": "here"})
        assert office.receive()["message"]["content"] == "here"
        office.send({"type": "subscribe", "sessionId": other})
        assert_answers(office)
        shared.ok("POST", f"/sessions/{mine}/messages", {"content": "here again"})
        shared.ok("POST", f"/sessions/{other}/messages", {"content": "elsewhere again"})
        assert office.receive()["message"]["content"] == "elsewhere again"


def test_a_replay_is_filtered_too(api: Api) -> None:
    first, second = api.session(), api.session()
    for session_id in (first, second, first):
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": session_id})
    with api.socket(after="0", events=["message.created"], sessionId=first) as office:
        assert [office.receive()["message"]["sessionId"] for _ in range(2)] == [first, first]
        assert_answers(office)


def assert_answers(office: Socket) -> None:
    """What was sent before is dealt with, and nothing else came."""
    office.send({"type": "ping"})
    assert office.receive() == {"type": "pong"}


# --- What a client may say ---


def test_typing_is_sent_to_everyone_but_its_sender(shared: Api) -> None:
    visitor, other_visitor = shared.visitor(), shared.visitor()
    with (
        shared.socket() as typist,
        shared.socket() as colleague,
        visitor.stream() as page,
        other_visitor.stream() as other,
    ):
        for office in (typist, colleague):
            office.collect(lambda frames: [frame["type"] for frame in frames].count("visitor.connected") == 2)
        typist.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": True})
        typing = {"type": "typing", "sessionId": visitor.session_id, "sender": "operator", "isTyping": True}
        assert colleague.receive() == typing
        assert page.receive() == {"type": "typing", "data": {"sender": "operator", "isTyping": True}}
        typist.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": False})
        assert colleague.receive() == {**typing, "isTyping": False}
        assert page.receive() == {"type": "typing", "data": {"sender": "operator", "isTyping": False}}
        assert_answers(typist)
        other.silent(0.2)


def test_typing_in_an_unknown_session_is_an_error(shared: Api) -> None:
    with shared.socket() as office:
        office.send({"type": "typing", "sessionId": "sess_nowhere", "isTyping": True})
        frame = office.receive()
        assert (frame["type"], frame["code"]) == ("error", "SESSION_NOT_FOUND")
        office.send({"type": "typing", "sessionId": shared.session(), "isTyping": "yes"})
        assert office.expect("error")["details"].keys() == {"isTyping"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "auth", "apiKey": KEY}, "INVALID_REQUEST"),
        ({"type": "message.created"}, "INVALID_REQUEST"),
        ({"type": None}, "INVALID_REQUEST"),
        ({"type": ["ping"]}, "INVALID_REQUEST"),
        ({}, "INVALID_REQUEST"),
        ("", "INVALID_JSON"),
        ("{", "INVALID_JSON"),
        ("[]", "INVALID_JSON"),
        ("null", "INVALID_JSON"),
        ('{"type":NaN}', "INVALID_JSON"),
        ("[" * 20_000, "INVALID_JSON"),
        ({"type": "typing"}, "INVALID_REQUEST"),
        ({"type": "subscribe", "sessionId": 7}, "INVALID_REQUEST"),
    ],
)
def test_an_invalid_frame_gets_an_error_and_the_socket_stays_open(shared: Api, frame: Any, code: str) -> None:
    with shared.socket() as office:
        office.send(frame)
        answer = office.receive()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert answer.keys() - {"details"} == {"type", "error", "message", "code"}
        assert_answers(office)


def test_a_message_may_be_binary_or_fragmented(shared: Api) -> None:
    with opened(shared) as wire:
        wire.send({"type": "ping"}, BINARY)
        assert expect(wire, TEXT).json == {"type": "pong"}
        wire.send(b"\xff\xfe\x00", BINARY)
        assert expect(wire, TEXT).json["code"] == "INVALID_JSON"
        for opcode in (TEXT, BINARY):
            wire.send(b'{"ty', opcode, fin=False)
            wire.send(b"", CONTINUATION, fin=False)
            wire.send(b"between", PING)
            assert expect(wire, PONG).payload == b"between"
            wire.send(b'pe":"pi', CONTINUATION, fin=False)
            wire.send(b'ng"}', CONTINUATION)
            assert expect(wire, TEXT).json == {"type": "pong"}


def test_two_frames_in_one_packet_and_one_frame_in_many(shared: Api) -> None:
    with opened(shared) as wire:
        wire.send({"type": "ping"})
        single = b"\x81\x8f\0\0\0\0" + b'{"type":"ping"}'
        wire.sock.sendall(single * 3)
        for byte in single:
            wire.sock.sendall(bytes([byte]))
        assert [expect(wire, TEXT).json["type"] for _ in range(5)] == ["pong"] * 5


def test_a_protocol_error_closes_the_socket(shared: Api) -> None:
    with opened(shared) as wire:
        wire.send(b"\xff\xff", TEXT)
        assert close_frame(wire).code == 1007
    with opened(shared) as wire:
        wire.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert close_frame(wire).code == 1002


def test_an_offer_of_compression_is_accepted_without_it(shared: Api) -> None:
    offer = "permessage-deflate; client_max_window_bits"
    with opened(shared, Sec_WebSocket_Extensions=offer) as wire:
        assert b"sec-websocket-extensions" not in wire.head.lower()
        shared.session(metadata={"pageUrl": "https://example.com/" + "a" * 500})
        frame = expect(wire, TEXT)
        assert (frame.reserved, frame.json["type"]) == (0, "session.created")


# --- How it ends ---


def filler(size: int, letter: str = "x") -> bytes:
    """JSON of just so many bytes."""
    frame = b'{"type":"ping","filler":"%s"}'
    room = size - len(frame) + 2
    return frame % (letter * (room // len(letter.encode()))).encode().ljust(room)


def test_a_frame_of_64_kb_is_accepted(shared: Api) -> None:
    with opened(shared) as wire:
        wire.send(filler(64 * 1024))
        assert expect(wire, TEXT).json == {"type": "pong"}


@pytest.mark.parametrize(
    "payload", [filler(64 * 1024 + 1), filler(1024 * 1024), filler(100_000, "€")], ids=["a byte", "1 MB", "not ASCII"]
)
@pytest.mark.parametrize("authenticated", [True, False])
def test_a_frame_over_64_kb_is_1009(shared_app: Flask, shared: Api, payload: bytes, authenticated: bool) -> None:
    with opened(shared) if authenticated else Wire(shared.url + "/ws") as wire:
        wire.send(payload)
        assert close_frame(wire).code == 1009
    wait_until(lambda: nothing_left(shared_app), "the server is done with it", 20, lambda: what_is_left(shared_app))


def test_fragments_over_64_kb_in_total_are_1009(shared: Api) -> None:
    with opened(shared) as wire:
        for number in range(20):
            wire.send(b" " * 4096, CONTINUATION if number else TEXT, fin=False)
        assert close_frame(wire).code == 1009


def test_too_many_frames_are_4429(serve: Serve) -> None:
    api = serve(rate_limit="5/minute")
    with api.socket() as office:
        for _ in range(4):
            assert_answers(office)
        office.send({"type": "ping"})
        assert office.close_code() == 4429
    with api.socket(auth=False) as office:
        office.send({"type": "auth", "apiKey": KEY})
        assert office.close_code() == 4429


def test_without_a_rate_limit_many_frames_are_accepted(shared: Api) -> None:
    with opened(shared) as wire:
        for _ in range(60):
            wire.send({"type": "ping"})
        assert [expect(wire, TEXT).json["type"] for _ in range(60)] == ["pong"] * 60


def test_an_internal_error_is_1011_and_not_http(app: Flask, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    state = state_of(app)
    with Wire(api.url + "/ws") as wire:
        with state.db.transaction() as tx:
            tx.execute(text("ALTER TABLE pocketping_presence RENAME TO away"))
        wire.send({"type": "auth", "apiKey": api.key})
        closed = close_frame(wire)
        assert closed.code == 1011
        assert b"away" not in closed.payload
        assert b"presence" not in closed.payload
    assert "A WebSocket on /ws failed" in caplog.text
    with state.db.transaction() as tx:
        tx.execute(text("ALTER TABLE away RENAME TO pocketping_presence"))
    with api.socket() as office:
        assert_answers(office)


def test_an_error_of_one_frame_leaves_the_socket_open(app: Flask, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    session_id = api.session()
    state = state_of(app)
    with api.socket() as office:
        with state.db.transaction() as tx:
            tx.execute(text("ALTER TABLE pocketping_session RENAME TO away"))
        office.send({"type": "typing", "sessionId": session_id, "isTyping": True})
        frame = office.expect("error")
        assert frame["code"] in {"INTERNAL_ERROR", "UNAVAILABLE"}
        assert "pocketping_session" not in json.dumps(frame)
        with state.db.transaction() as tx:
            tx.execute(text("ALTER TABLE away RENAME TO pocketping_session"))
        assert_answers(office)


def test_a_stopping_server_closes_with_1012(app: Flask, api: Api) -> None:
    sockets = [opened(api) for _ in range(3)]
    unauthenticated = Wire(api.url + "/ws")
    stream = Wire(f"{api.url}/stream?sessionId={api.visitor().handle}")
    cursor = sockets[0].receive()
    assert cursor is not None
    wait_until(lambda: len(state_of(app).sockets.all()) == 5, "all are there")
    state_of(app).runtime.close()
    for wire in (*sockets, unauthenticated, stream):
        assert close_frame(wire).code == 1012
        wire.vanish()
    session_id = api.session()
    with api.socket(after=cursor.json["cursor"], events=["session.created"]) as office:
        assert office.receive()["session"]["id"] == session_id


def test_a_stop_does_not_wait_for_clients_that_do_not_read(
    app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_connections, "STOP_WAIT", 1.0)
    session_id = api.session()
    with opened(api, receive_buffer=4096):
        stuff(app, session_id, lambda: writes_block(app))
        began = time.monotonic()
        state_of(app).runtime.close()
        assert time.monotonic() - began < connection.STALL_TIMEOUT, "it had that long, but for the stop"
        wait_until(lambda: nothing_left(app), "the connection is gone", 20, lambda: what_is_left(app))


def test_a_slow_reader_is_closed_with_1013_and_delays_nobody(serve: Serve, tmp_path: Path) -> None:
    app = make_app(tmp_path, socket_queue=50)
    api = serve(app)
    session_id = api.session()
    with opened(api, receive_buffer=4096) as slow, api.socket() as quick:
        seen: list[dict[str, Any]] = []
        reader = threading.Thread(target=lambda: seen.extend(quick.collect(closed, 60)))
        reader.start()
        sent = stuff(app, session_id, lambda: any(is_ending(line) for line in state_of(app).sockets.all()))
        with app.app_context():
            host_of(app).close_session(session_id)
        reader.join()
        assert [frame["seq"] for frame in seen] == list(range(2, sent + 4)), "the quick one got everything at once"
        frames = slow.rest(20)
        assert frames[-1].code == 1013
        told = [frame.json for frame in frames[:-1]]
        assert [frame["seq"] for frame in told] == list(range(2, len(told) + 2))
    with api.socket(after=told[-1]["cursor"]) as again:
        missed = again.collect(closed)
    assert [frame["seq"] for frame in missed] == list(range(len(told) + 2, sent + 4))
    wait_until(lambda: nothing_left(app), "nothing is left", 20, lambda: what_is_left(app))


def test_a_client_that_stops_reading_is_disconnected(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer frames wait than are allowed, and no ping gets through to find that nobody is there."""
    monkeypatch.setattr(connection, "STALL_TIMEOUT", 0.5)
    session_id = api.session()
    with opened(api, receive_buffer=4096), api.socket() as quick:
        reader = threading.Thread(target=lambda: quick.collect(closed, 60))
        reader.start()
        stuff(app, session_id, lambda: writes_block(app))
        wait_until(lambda: len(state_of(app).sockets.all()) == 1, "only the other is left", 20)
        with app.app_context():
            host_of(app).close_session(session_id)
        reader.join()
        wait_until(lambda: presence_rows(app) == 1, "its row is gone", 20, lambda: presence_rows(app))


def test_dead_clients_are_found_by_ping(app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "PING_INTERVAL", 0.8)
    with opened(api) as dead, opened(api) as alive:
        assert expect(dead, PING).payload == b""
        for _ in range(4):
            alive.send(expect(alive, PING).payload, PONG)
        assert dead.rest() == []
        assert len(state_of(app).sockets.all()) == 1
        assert presence_rows(app) == 1
        alive.send(expect(alive, PING).payload, PONG)
        alive.send({"type": "ping"})
        assert expect(alive, TEXT).json == {"type": "pong"}


# --- What is left ---


def test_closed_sockets_leave_nothing_behind(app: Flask, api: Api) -> None:
    # Those of earlier tests are no matter of this one. As long as this list has them, their ids are not used again.
    earlier = in_memory()
    known = {id(found) for found in earlier}

    def new_in_memory() -> list[object]:
        return [found for found in in_memory() if id(found) not in known]

    visitor = api.visitor()
    stream = f"{api.url}/stream?sessionId={visitor.handle}"
    with opened(api):
        pass
    wait_until(lambda: nothing_left(app), "the first is gone", 20, lambda: what_is_left(app))
    before = set(threading.enumerate())
    for _ in range(5):
        office = api.socket()
        page = visitor.stream()
        vanished, unauthenticated, unfinished = opened(api), Wire(api.url + "/ws"), opened(api)
        vanished_page = Wire(stream)
        reset = opened(api)
        wait_until(lambda: presence_rows(app) == 6, "all are there", 20, lambda: presence_rows(app))
        office.close()
        page.close()
        for wire in (vanished, unauthenticated, vanished_page):
            wire.vanish()
        unfinished.sock.sendall(b"\x81\xfe\x10\x00abcdef")
        unfinished.vanish()
        reset.reset()
    wait_until(lambda: nothing_left(app), "nothing is left", 20, lambda: what_is_left(app))
    wait_until(lambda: set(threading.enumerate()) <= before, "the threads end", 20, threading.enumerate)
    wait_until(lambda: not new_in_memory(), "they can be forgotten", 20, new_in_memory)


def nothing_left(app: Flask) -> bool:
    return not any(what_is_left(app).values())


def what_is_left(app: Flask) -> dict[str, Any]:
    """What lives as long as a connection."""
    state = state_of(app)
    return {
        "sockets": len(state.sockets.all()),
        "subscribers": sum(len(found) for found in state.hub._subscribers.values()),
        "topics": len(state.hub._subscribers),
        "rows": presence_rows(app),
    }


def in_memory() -> list[object]:
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, Connection | Server)]


def presence_rows(app: Flask) -> int:
    with state_of(app).db.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pocketping_presence")).scalar_one())


def stuff(app: Flask, session_id: str, enough: Callable[[], bool]) -> int:
    """Send events of 16 kB until it is enough; tell how many."""
    deadline = time.monotonic() + 60
    sent = 0
    with app.app_context():
        while not enough():
            assert time.monotonic() < deadline
            host_of(app).send_event(session_id, "stuffing", "x" * 16_000)
            sent += 1
    return sent


def writes_block(app: Flask) -> bool:
    """Whether a client has taken nothing for a while."""
    return any(stuck_for(line) > 0.2 for line in state_of(app).sockets.all())


def closed(frames: list[dict[str, Any]]) -> bool:
    return bool(frames[-1]["type"] == "session.closed")


# --- Projects ---


def test_projects_get_no_events_of_each_other(app: Flask, api: Api) -> None:
    state = state_of(app)
    project = create_project(state.db, "Other")
    key = create_key(state.db, "other", project.id).key
    other_api = api.with_key(key)
    mine, theirs = api.session(), other_api.session()
    with api.socket(after="0") as office, other_api.socket(after="0") as other, other_api.socket(sessionId=mine) as spy:
        assert other.hello["projectId"] == project.id
        assert office.receive()["session"]["id"] == mine
        assert other.receive()["session"]["id"] == theirs
        api.ok("POST", f"/sessions/{mine}/messages", {"content": "mine"})
        other_api.ok("POST", f"/sessions/{theirs}/messages", {"content": "theirs"})
        assert office.receive()["message"]["content"] == "mine"
        assert other.receive()["message"]["content"] == "theirs"
        office.send({"type": "typing", "sessionId": theirs, "isTyping": True})
        assert office.receive()["code"] == "SESSION_NOT_FOUND"
        office.send({"type": "typing", "sessionId": mine, "isTyping": True})
        for socket in (office, other):
            assert_answers(socket)
        spy.send({"type": "subscribe", "sessionId": mine})
        api.ok("POST", f"/sessions/{mine}/messages", {"content": "again"})
        office.expect("message.created")
        assert_answers(spy)


def test_another_project_gets_no_events_of_the_default_project(app: Flask, api: Api) -> None:
    state = state_of(app)
    key = create_key(state.db, "other", create_project(state.db, "Other").id).key
    with api.with_key(key).socket(after="0") as other, api.socket() as office:
        visitor = api.visitor()
        with visitor.stream() as page:
            office.expect("visitor.connected")
            page.send({"type": "event", "data": {"name": "x"}})
            office.expect("event.received")
        assert_answers(other)
