"""Tests what strangers can do with the address that Slack sends events to, and with requests that they have seen."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import Serve
from tests.support.clients import Api
from tests.support.servers import make_app, serving
from tests.support.slack import FakeSlack
from tests.support.slack.events import signed
from tests.support.slack.workspace import SIGNING_SECRET

from .test_conversation import Room, for_events, getting_requests


class Eavesdropper:
    """Sees the requests of Slack, and sends what it likes."""

    def __init__(self, slack: FakeSlack, api: Api) -> None:
        self.api = api
        self.seen: list[tuple[bytes, dict[str, str]]] = []
        slack.workspace.listeners.append(self._see)

    def _see(self, envelope: dict[str, Any]) -> None:
        body = json.dumps(envelope).encode()
        self.seen.append((body, signed(body)))

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        return requests.post(f"{self.api.url}/bridges/slack", data=body, headers=headers, timeout=30).status_code

    def event(self, room: Room, text: str, **more: Any) -> bytes:
        """The body of a message event."""
        message = {"type": "message", "channel": room.channel, "thread_ts": room.root, "user": "U0ANA", "text": text}
        event = {**message, "ts": f"{time.time():.6f}", **more}
        return json.dumps({"type": "event_callback", "event_id": f"Ev{time.time_ns()}", "event": event}).encode()


@pytest.fixture
def by_requests(slack: FakeSlack, serve: Serve) -> Iterator[Api]:
    with getting_requests(slack, serve, operators_edit="all") as api:
        yield api


@pytest.fixture
def stranger(slack: FakeSlack, by_requests: Api) -> Eavesdropper:
    return Eavesdropper(slack, by_requests)


@pytest.fixture
def room(slack: FakeSlack, by_requests: Api) -> Room:
    return Room(by_requests, slack, "Hello")


# --- Replays


def test_a_replayed_edit_is_not_applied_again(slack: FakeSlack, room: Room, stranger: Eavesdropper) -> None:
    """Slack's signature lasts five minutes. What was changed in the inbox since then stays."""
    ts = room.answer("It is blue")
    room.until(lambda: room.shown() == ["Hello", "It is blue"], "the answer")
    stranger.seen.clear()
    slack.workspace.edit(room.channel, ts, "It is green")
    room.until(lambda: room.shown()[-1] == "It is green", "the edit")
    slack.events.wait_idle()
    [replay] = stranger.seen
    path = f"/sessions/{room.visitor.session_id}/messages/{room.visitor.messages()[-1]['id']}"
    room.api.ok("PATCH", path, {"content": "It is red"})
    assert stranger.send(*replay) == 200
    assert room.shown()[-1] == "It is red"


def test_an_older_edit_does_not_undo_a_later_one_in_any_process(slack: FakeSlack, tmp_path: Path, sqlite: str) -> None:
    """Another process, or one that was started anew, remembers nothing of the events before."""
    settings = for_events(slack)
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        assert slack.events.verify(f"{api.url}/bridges/slack")
        room, stranger = Room(api, slack, "Hello"), Eavesdropper(slack, api)
        ts = room.answer("one")
        room.until(lambda: room.shown() == ["Hello", "one"], "the answer")
        stranger.seen.clear()
        for text in ("two", "three"):
            slack.workspace.edit(room.channel, ts, text)
            room.until(lambda text=text: room.shown()[-1] == text, text)  # type: ignore[misc]
        slack.events.wait_idle()
        slack.events.url = None
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        room.api = stranger.api = api
        room.visitor.url = api.url
        for replay in stranger.seen:
            assert stranger.send(*replay) == 200
            assert room.shown() == ["Hello", "three"]


def test_replayed_messages_commands_and_deletions_do_nothing_more(
    slack: FakeSlack, by_requests: Api, room: Room, stranger: Eavesdropper
) -> None:
    deleted = room.answer("oops")
    room.answer("It is blue")
    room.answer("!close")
    slack.workspace.remove(room.channel, deleted)
    session = f"/sessions/{room.visitor.session_id}"

    def status() -> str:
        return str(by_requests.ok("GET", session)["session"]["status"])

    room.until(lambda: status() == "closed" and "oops" not in room.shown(), "all is done")
    slack.events.wait_idle()
    by_requests.ok("POST", f"{session}/reopen")
    shown = room.shown()
    for replay in list(stranger.seen) * 2:
        assert stranger.send(*replay) == 200
    room.answer("The end")
    room.until(lambda: room.shown()[-1] == "The end", "what comes after it")
    assert room.shown() == [*shown, "The end"]
    assert status() == "active"


# --- Forged, stale, changed


def test_a_request_that_slack_did_not_make_does_nothing(room: Room, stranger: Eavesdropper) -> None:
    body = stranger.event(room, "Forged")
    good, now = signed(body), time.time()
    signature, timestamp = good["X-Slack-Signature"], good["X-Slack-Request-Timestamp"]
    for headers in (
        {},
        {"Content-Type": "application/json"},
        signed(body, secret="a guess"),
        signed(body, secret=""),
        signed(stranger.event(room, "Another")),
        signed(body + b" "),
        # Stale ones, and those of a clock that is far ahead.
        signed(body, at=now - 301),
        signed(body, at=now + 310),
        signed(body, at=0),
        # The time belongs to what is signed.
        {**signed(body, at=now - 600), "X-Slack-Request-Timestamp": timestamp},
        {**good, "X-Slack-Signature": signature.upper()},
        {**good, "X-Slack-Signature": f"{signature},{signature}"},
        {**good, "X-Slack-Request-Timestamp": f"{timestamp}.0"},
        {**good, "X-Slack-Request-Timestamp": ""},
    ):
        assert stranger.send(body, headers) == 401, headers
    assert room.shown() == ["Hello"]
    assert stranger.send(body, good) == 200
    assert room.shown() == ["Hello", "Forged"]


def test_the_address_answers_no_challenge_of_strangers(by_requests: Api) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "mine"}).encode()
    url = f"{by_requests.url}/bridges/slack"
    for headers in ({"Content-Type": "application/json"}, signed(body, secret="a guess")):
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        assert (answer.status_code, "mine" in answer.text) == (401, False)
    answer = requests.post(url, data=body, headers=signed(body), timeout=30)
    assert (answer.status_code, answer.json()) == (200, {"challenge": "mine"})
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("content_type", ["", "text/html", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_type_of_a_signed_body_does_not_matter(room: Room, stranger: Eavesdropper, content_type: str) -> None:
    """A form of a browser has no signature, and what has one must be answered."""
    for body in (stranger.event(room, "Typed"), b"payload=%7B%7D", b"--x\r\n", b"\xff\xfe"):
        assert stranger.send(body, {**signed(body), "Content-Type": content_type}) == 200
        assert stranger.send(body, {**signed(body, secret="a guess"), "Content-Type": content_type}) == 401
    assert room.shown() == ["Hello", "Typed"]


ODD: list[dict[str, Any]] = [
    {"user_profile": {"real_name": "\ud800\x00"}},
    {"user": "U\x00"},
    {"ts": "1.1\x00"},
    {"ts": "9" * 400 + ".1"},
    {"thread_ts": "1" * 10 + "." + "1" * 400},
    {"channel": "C" * 400},
    {"channel": "C\x00"},
    {"channel": "\ud800"},
    {"files": [{"id": "F\ud800", "name": "\x00" * 300}]},
    {"files": [{"id": "F1", "name": "a" * 5000, "size": -1}] * 3},
    {"blocks": [{"type": "rich_text", "elements": [[]] * 10}]},
    {"edited": {"user": "U0ANA", "ts": "\x00"}},
    {"user": "U" * 4000},
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_a_signed_event_of_any_content_is_answered_and_holds_nothing_up(
    room: Room, stranger: Eavesdropper, number: int
) -> None:
    for repeated in ({}, {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_error"}):
        body = stranger.event(room, "Odd", **ODD[number])
        assert stranger.send(body, {**signed(body), **repeated}) == 200
    room.answer("After it")
    room.until(lambda: room.shown()[-1] == "After it", "what comes after it")


# --- Slow, cut off, large


def raw(api: Api, *parts: bytes) -> socket.socket:
    """Send the parts of a request."""
    address = urlsplit(api.url)
    assert address.hostname is not None
    made = socket.create_connection((address.hostname, address.port or 80), timeout=30)
    made.sendall(b"".join(parts))
    return made


def head(headers: dict[str, str], size: int) -> bytes:
    lines = {**headers, "Host": "x", "Content-Length": str(size)}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /bridges/slack HTTP/1.1\r\n{text}\r\n".encode()


def status_of(connection: socket.socket) -> bytes:
    found = connection.recv(100)
    return found.split(b" ")[1] if found else b""


def test_a_body_is_not_read_without_a_signature_that_is_still_good(room: Room, stranger: Eavesdropper) -> None:
    body = stranger.event(room, "Never")
    for headers in ({}, signed(body, at=time.time() - 400), {**signed(body), "X-Slack-Signature": "v0=short"}):
        with raw(room.api, head(headers, len(body))) as connection:
            assert status_of(connection) == b"401"


def test_slow_requests_hold_up_nobody(room: Room, stranger: Eavesdropper) -> None:
    """Whoever sends a well-formed signature may take time for the body. Others are answered meanwhile."""
    body = stranger.event(room, "Slowly")
    slow = [raw(room.api, head(signed(body), len(body)), body[:10]) for _ in range(8)]
    began = time.monotonic()
    quick = stranger.event(room, "Quickly")
    assert stranger.send(quick, signed(quick)) == 200
    assert room.shown() == ["Hello", "Quickly"]
    assert time.monotonic() - began < 5
    for connection in slow:
        connection.sendall(body[10:])
    assert [status_of(connection) for connection in slow] == [b"200"] * 8
    for connection in slow:
        connection.close()
    assert room.shown() == ["Hello", "Quickly", "Slowly"]


def test_a_request_that_is_cut_off_stores_nothing(room: Room, stranger: Eavesdropper) -> None:
    body = stranger.event(room, "Cut off")
    for size, sent in ((len(body), body[:-5]), (len(body) + 100, body)):
        with raw(room.api, head(signed(body), size), sent) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert status_of(connection) in {b"400", b"401", b""}
    assert room.shown() == ["Hello"]


def test_large_bodies_are_refused(room: Room, stranger: Eavesdropper) -> None:
    large = stranger.event(room, "x" * (1024 * 1024))
    assert stranger.send(large, signed(large)) == 413
    # What is announced as too large is not waited for.
    with raw(room.api, head(signed(b""), 10**12)) as connection:
        assert status_of(connection) == b"413"
    near = stranger.event(room, "y" * 100_000)
    assert stranger.send(near, signed(near)) == 200
    room.until(lambda: len("".join(room.shown())) >= 100_000, "all parts")


def test_guesses_are_slowed_down_and_slack_is_not(slack: FakeSlack, serve: Serve) -> None:
    api = serve(**for_events(slack, failed_key_limit="3/minute"))
    api.get("/health")
    assert slack.events.verify(f"{api.url}/bridges/slack")
    room, stranger = Room(api, slack, "Hello"), Eavesdropper(slack, api)
    body = stranger.event(room, "Forged")
    found = [stranger.send(body, signed(body, secret=f"guess {number}")) for number in range(5)]
    assert found == [401, 401, 401, 429, 429]
    assert stranger.send(body, signed(body)) == 200
    slack.events.url = None
    slack.events.wait_idle()


def test_the_secret_is_in_no_answer(by_requests: Api) -> None:
    for body, headers in ((b"{}", {}), (b"{}", signed(b"{}")), (b"x" * 2_000_000, signed(b""))):
        answer = requests.post(f"{by_requests.url}/bridges/slack", data=body, headers=headers, timeout=30)
        assert SIGNING_SECRET not in f"{answer.text}{answer.headers}"
