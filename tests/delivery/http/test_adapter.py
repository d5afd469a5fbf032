"""Tests the connections of the HTTP client: how they are kept, ended and separated, and what is never logged."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flask_pocketping.delivery.http import adapter, dialer
from flask_pocketping.delivery.http.client import (
    BadResponse,
    ConnectionFailed,
    HTTPClientError,
    RequestTimedOut,
    ResponseTooLarge,
)

from .test_client import CHUNKED, OK, SECRET, Flood, Receiver, Script, answers, client, hangs, in_good_time, post, sends

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def keeps_answering(*answers: bytes) -> Script:
    """Answer one request after the other on each connection, until the client closes it."""

    def script(receiver: Receiver, connection: socket.socket) -> None:
        for answer in answers:
            if not connection.recv(1, socket.MSG_PEEK):
                return
            receiver.read(connection)
            connection.sendall(answer)

    return script


# Kept connections


@pytest.mark.parametrize(
    "answer",
    [OK, EMPTY, CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"],
    ids=["length", "empty", "chunked", "no content"],
)
def test_a_connection_is_reused(answer: bytes) -> None:
    with Receiver(keeps_answering(*[answer] * 5)) as receiver:
        one_client = client()
        for _ in range(5):
            one_client.post(receiver.url(), data=b"{}")
        one_client.close()
    assert (receiver.connections, len(receiver.requests)) == (1, 5)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
    ],
    ids=["close", "HTTP/1.0", "not read to its end"],
)
def test_a_connection_that_cannot_be_reused_is_closed(answer: bytes) -> None:
    with Receiver(keeps_answering(answer, answer)) as receiver:
        one_client = client()
        assert [one_client.post(receiver.url(), data=b"{}").status_code for _ in range(2)] == [200, 200]
    assert receiver.connections == 2


def test_a_connection_of_another_origin_is_not_reused() -> None:
    with Receiver(sends(OK)) as receiver, Receiver(keeps_answering(OK, OK)) as other:
        one_client = client(resolve=lambda host: ["127.0.0.1"])
        assert post(one_client, other.url("one.test")) == 200
        one_client.close()
        assert post(one_client, receiver.url("two.test")) == 200
    assert len(other.requests) == len(receiver.requests) == 1


def hangs_up_on_the_second_request(receiver: Receiver, connection: socket.socket) -> None:
    receiver.read(connection)
    connection.sendall(OK)
    if receiver.connections == 1:
        receiver.read(connection)


def test_a_repeatable_request_is_sent_again_if_a_kept_connection_was_closed() -> None:
    with Receiver(hangs_up_on_the_second_request) as receiver:
        one_client = client()
        statuses = [one_client.post(receiver.url(), data=b"{}", repeatable=True).status_code for _ in range(2)]
    assert statuses == [200, 200]
    assert (receiver.connections, len(receiver.requests)) == (2, 3)


def test_a_request_that_is_not_repeatable_is_sent_once() -> None:
    with Receiver(hangs_up_on_the_second_request) as receiver:
        one_client = client()
        one_client.post(receiver.url(), data=b"{}")
        with pytest.raises(ConnectionFailed, match="closed by the other side"):
            one_client.post(receiver.url(), data=b"{}")
    assert (receiver.connections, len(receiver.requests)) == (1, 2)


def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()

    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(OK)
        assert connection.recv(1) == b""
        closed.set()

    with Receiver(script) as receiver:
        one_client = client()
        post(one_client, receiver.url())
        one_client.close_idle()
        assert not closed.wait(0.05)
        monkeypatch.setattr(adapter, "KEPT_SECONDS", 0.0)
        one_client.close_idle()
        assert closed.wait(5)


def test_the_number_of_kept_connections_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "KEPT", 0)
    with Receiver(keeps_answering(OK, OK)) as receiver:
        one_client = client()
        assert [post(one_client, receiver.url()) for _ in range(2)] == [200, 200]
    assert receiver.connections == 2


def test_a_forked_process_has_its_own_connections() -> None:
    code = """
import os
from tests.delivery.http.test_client import client
from tests.delivery.http.test_adapter import OK, Receiver, keeps_answering
with Receiver(keeps_answering(OK, OK)) as receiver:
    one_client = client()
    one_client.post(receiver.url(), data=b"parent")
    if not os.fork():
        status = one_client.post(receiver.url(), data=b"child", timeout=5).status_code
        os._exit(0 if status == 200 else 1)
    one_client.close()
    status = os.waitstatus_to_exitcode(os.wait()[1])
print(status, receiver.connections)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "0 2\n", done.stderr


# What an answer can do


def test_the_body_of_a_redirect_is_not_read() -> None:
    start = b"HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 1000000000\r\n\r\n"
    flood = Flood(start, b"x" * 65536)
    with Receiver(flood) as receiver, in_good_time():
        assert post(client(), receiver.url()) == 302
    assert flood.sent < 20_000_000


def test_an_incomplete_head_is_a_bad_response() -> None:
    with answers(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n") as receiver, pytest.raises(BadResponse):
        post(client(), receiver.url())


def test_different_content_lengths_are_a_bad_response() -> None:
    with (
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nok") as receiver,
        pytest.raises(BadResponse),
    ):
        post(client(), receiver.url())


def test_logs_and_errors_never_contain_the_url(caplog: pytest.LogCaptureFixture) -> None:
    malformed = b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 0\r\n\r\n"
    with caplog.at_level(logging.DEBUG):
        with answers(malformed) as receiver:
            post(client(), receiver.url())
        with Receiver(Receiver.read) as receiver, pytest.raises(ConnectionFailed) as caught:
            post(client(), receiver.url())
    assert SECRET not in caplog.text
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# Requests of every kind


def test_a_request_can_have_json_a_form_files_or_parameters() -> None:
    with Receiver(keeps_answering(*[OK] * 4)) as receiver:
        one_client = client()
        one_client.post(receiver.url(), json={"text": "hé"})
        one_client.post(receiver.url(), data={"a": "1 2"})
        one_client.post(receiver.url(), data={"chat": "7"}, files={"file": ("a.txt", b"content", "text/plain")})
        one_client.request("GET", receiver.url() + "#fragment", params={"after": "a&b"})
        one_client.close()
    as_json, form, multipart, query = receiver.requests
    assert json.loads(as_json.partition(b"\r\n\r\n")[2]) == {"text": "hé"}
    assert b"Content-Type: application/json\r\n" in as_json
    assert form.endswith(b"\r\n\r\na=1+2")
    assert b'name="chat"\r\n\r\n7\r\n' in multipart
    assert b'filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n' in multipart
    assert query.startswith(f"GET /hook/{SECRET}?a=b&after=a%26b HTTP/1.1\r\n".encode())


def test_a_response_that_is_not_json_is_a_bad_response() -> None:
    with Receiver(keeps_answering(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}', OK)) as receiver:
        one_client = client()
        assert one_client.request("GET", receiver.url(), max_response=100).json() == {"a": 1}
        with pytest.raises(BadResponse, match="not JSON"):
            one_client.request("GET", receiver.url(), max_response=100).json()
        one_client.close()


def test_a_request_can_have_its_own_timeout() -> None:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        receiver.stopping.wait(0.4)
        connection.sendall(OK)

    with Receiver(script) as receiver:
        impatient = client(timeout=0.2)
        assert impatient.request("GET", receiver.url(), timeout=10).status_code == 200
        with pytest.raises(RequestTimedOut, match=r"within 0\.2 seconds"):
            impatient.request("GET", receiver.url())


# Streams


def test_a_stream_returns_bytes_as_they_arrive() -> None:
    proceed = threading.Event()

    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(CHUNKED + b"5\r\nfirst\r\n")
        proceed.wait(5)
        connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    with Receiver(script) as receiver, client().stream("POST", receiver.url(), json={}, max_response=100) as response:
        parts = iter(response)
        assert (response.status_code, next(parts)) == (200, b"first")
        proceed.set()
        assert b"".join(parts) == b"second"


def test_a_stream_ends_at_its_limit() -> None:
    flood = Flood(CHUNKED, b"400\r\n" + b"x" * 1024 + b"\r\n")
    with (
        Receiver(flood) as receiver,
        in_good_time(),
        client().stream("GET", receiver.url(), max_response=10_000) as response,
        pytest.raises(ResponseTooLarge, match="larger than 10000 bytes"),
    ):
        response.read()


def test_a_stream_ends_at_its_deadline() -> None:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        receiver.drip(connection, b"x")

    with (
        Receiver(script) as receiver,
        in_good_time(),
        client().stream("GET", receiver.url(), max_response=10_000, timeout=0.5) as response,
        pytest.raises(RequestTimedOut),
    ):
        response.read()


def test_an_error_of_the_caller_is_raised_unchanged() -> None:
    with (
        answers(OK) as receiver,
        pytest.raises(OSError, match="the disk is full"),
        client().stream("GET", receiver.url(), max_response=100),
    ):
        raise OSError("the disk is full")


# Names


def test_the_number_of_hanging_lookups_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "LOOKUPS", 2)
    release = threading.Event()
    begun: list[str] = []

    def resolve(host: str) -> list[str]:
        begun.append(host)
        release.wait(10)
        return ["127.0.0.1"]

    one_client = client(timeout=0.2, resolve=resolve)
    errors = [attempt(one_client, f"http://{number}.test/") for number in range(4)]
    release.set()
    assert errors == [RequestTimedOut] * 4
    assert begun == ["0.test", "1.test"]
    with answers(OK) as receiver:
        deadline = time.monotonic() + 5
        while attempt(one_client, receiver.url("hooks.test")) is not None:
            assert time.monotonic() < deadline, "no lookup became free"


def attempt(one_client: Any, url: str) -> type[HTTPClientError] | None:
    try:
        one_client.request("GET", url)
    except HTTPClientError as error:
        return type(error)
    return None


def test_a_hanging_request_does_not_delay_others() -> None:
    with Receiver(hangs) as silent, answers(OK) as receiver, in_good_time(4.0):
        one_client = client(timeout=1.5)
        waiting = threading.Thread(target=attempt, args=(one_client, silent.url()))
        waiting.start()
        assert post(one_client, receiver.url()) == 200
        assert waiting.is_alive()
        waiting.join(5)
