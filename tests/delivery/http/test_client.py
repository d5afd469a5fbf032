"""Tests the guarded HTTP client with real servers: requests, responses, timeouts, TLS, and forbidden addresses."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Self

import pytest

from flask_pocketping.delivery.http.client import (
    AddressNotAllowed,
    BadHeader,
    BadResponse,
    BadURL,
    ConnectionFailed,
    GuardedClient,
    HTTPClientError,
    NameNotResolved,
    RequestTimedOut,
    ResponseTooLarge,
    TLSFailed,
)

OPENSSL_OPTIONS = (
    "req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
    "-subj /CN=hooks.test -addext subjectAltName=DNS:hooks.test"
)
THIS_MACHINE = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = "bot123:token"


class Receiver:
    """A server on a free port of this machine that plays its script for each connection in turn."""

    def __init__(self, script: Callable[[Receiver, socket.socket], None]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="receiver")

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/hook/{SECRET}?a=b"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._thread.join(10)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    self._script(self, connection)

    def read(self, connection: socket.socket) -> None:
        """Read one request, headers and body."""
        with connection.makefile("rb") as stream:
            head = b"".join(iter(stream.readline, b"\r\n"))
            length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
            self.requests.append(head + b"\r\n" + stream.read(int(length[1]) if length else 0))

    def drip(self, connection: socket.socket, piece: bytes) -> None:
        """Send a little every 20 ms, for ten seconds at most."""
        for _ in range(500):
            connection.sendall(piece)
            if self.stopping.wait(0.02):
                return


Script = Callable[[Receiver, socket.socket], None]


def sends(answer: bytes) -> Script:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(answer)

    return script


def answers(answer: bytes) -> Receiver:
    return Receiver(sends(answer))


def drips(start: bytes, piece: bytes) -> Script:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(start)
        receiver.drip(connection, piece)

    return script


def client(**options: Any) -> GuardedClient:
    settings: dict[str, Any] = {
        "allow_http": True,
        "allow_networks": THIS_MACHINE,
        "user_agent": "PocketPing-Test/1",
        "timeout": 5.0,
    }
    return GuardedClient(**(settings | options))


def post(client: GuardedClient, url: str) -> int:
    return client.post(url, data=b"{}", repeatable=True).status_code


@contextlib.contextmanager
def in_good_time(seconds: float = 3.0) -> Iterator[None]:
    started = time.monotonic()
    yield
    elapsed = time.monotonic() - started
    assert elapsed < seconds, f"took {elapsed:.1f} s"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for hooks.test, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [openssl, *OPENSSL_OPTIONS.split(), "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"


def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def trusting(certificate: tuple[Path, Path]) -> GuardedClient:
    """A client that trusts the certificate and finds every name on this machine."""
    tls = ssl.create_default_context(cafile=certificate[0])
    return client(resolve=lambda host: ["127.0.0.1"], tls=tls)


def answers_with_tls(certificate: tuple[Path, Path], names: list[str | None]) -> Receiver:
    context = server_tls(certificate)
    context.sni_callback = lambda connection, name, context: names.append(name)

    def script(receiver: Receiver, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            receiver.read(secure)
            secure.sendall(OK)

    return Receiver(script)


# What is sent and what comes back


def test_a_post_arrives_as_it_was_sent() -> None:
    with answers(OK) as receiver:
        headers = {"Content-Type": "application/json", "webhook-id": "evt_1"}
        result = client().post(receiver.url(), data=b'{"a":1}', headers=headers)
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    assert line == f"POST /hook/{SECRET}?a=b HTTP/1.1"
    assert body == b'{"a":1}'
    assert dict(field.split(": ", 1) for field in fields) == {
        "Host": f"127.0.0.1:{receiver.port}",
        "User-Agent": "PocketPing-Test/1",
        "Accept-Encoding": "identity",
        "Content-Length": "7",
        "Content-Type": "application/json",
        "webhook-id": "evt_1",
    }
    assert (result.status_code, result.excerpt, result.body) == (200, "ok", b"ok")
    assert 0 <= result.duration_ms < 5000


def test_header_names_of_a_response_ignore_case() -> None:
    with answers(b"HTTP/1.1 429 Slow\r\nretry-AFTER: 7\r\nContent-Length: 0\r\n\r\n") as receiver:
        result = client().post(receiver.url(), data=b"", headers={})
    assert result.status_code == 429
    assert result.headers["Retry-After"] == result.headers.get("retry-after") == "7"


def test_the_caller_cannot_set_the_host_or_the_framing() -> None:
    headers = {"host": "inner.test", "content-length": "1", "Transfer-Encoding": "chunked"}
    with answers(OK) as receiver:
        client().post(receiver.url(), data=b"{}", headers=headers)
    sent = receiver.requests[0].lower()
    assert b"inner.test" not in sent
    assert b"transfer-encoding" not in sent
    assert sent.count(b"content-length: 2\r\n") == sent.count(b"content-length") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", f"{SECRET}\r\nX-B: 1"),
        ("X-A", f"{SECRET}\nX-B: 1"),
        ("X-A", f"{SECRET}\r"),
        ("X-A", f"{SECRET}\0"),
        ("X-A", f"{SECRET}…"),
        ("X-A\r\nX-B", SECRET),
        ("X-A:", SECRET),
        ("", SECRET),
    ],
)
def test_a_header_cannot_contain_a_second_one(name: str, value: str) -> None:
    with answers(OK) as receiver:
        with pytest.raises(BadHeader) as caught:
            client().post(receiver.url(), data=b"{}", headers={name: value})
        assert SECRET not in str(caught.value)
    assert receiver.connections == 0


def test_a_redirect_is_returned_as_a_response() -> None:
    with answers(OK) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url()}\r\nContent-Length: 0\r\n\r\n"
        with answers(moved.encode()) as receiver:
            result = client().post(receiver.url(), data=b"{}", headers={})
    assert result.status_code == 302
    assert result.headers["location"] == elsewhere.url()
    assert elsewhere.connections == 0


def test_cookies_are_not_kept() -> None:
    with answers(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n") as receiver:
        one_client = client()
        assert [post(one_client, receiver.url()) for _ in range(2)] == [200, 200]
    assert not any(b"cookie" in request.lower() for request in receiver.requests)


def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine hooks.test login us password secret\ndefault login us password s\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with answers(OK) as receiver, answers(OK) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        resolving = client(resolve=lambda host: ["127.0.0.1"])
        assert post(resolving, receiver.url("hooks.test")) == 200
    assert proxy.connections == 0
    assert b"authorization" not in receiver.requests[0].lower()


def test_only_the_beginning_of_a_large_response_is_read() -> None:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not receiver.stopping.is_set():
            connection.sendall(b"x" * 65536)

    with Receiver(script) as receiver, in_good_time():
        result = client().post(receiver.url(), data=b"{}", headers={})
    assert result.excerpt == "x" * 2048
    assert len(result.body) == 2048


def test_excerpts_can_be_stored_in_a_database() -> None:
    answer = b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n\xff a\0\0b \xc3\xa9"
    with answers(answer) as receiver:
        result = client().post(receiver.url(), data=b"{}", headers={})
    assert result.excerpt == "\ufffd ab é"


def test_a_compressed_response_is_not_decompressed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bzz"
    with answers(answer) as receiver:
        assert client().post(receiver.url(), data=b"{}", headers={}).body == b"\x1f\x8bzz"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
        CHUNKED + b"4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n0123456789",
    ],
    ids=["length", "chunked", "until close"],
)
def test_a_complete_response_is_read_up_to_the_requested_limit(answer: bytes) -> None:
    with answers(answer) as receiver:
        reader = client(excerpt=4)
        result = reader.request("GET", receiver.url(), max_response=10)
        assert (result.body, result.excerpt) == (b"0123456789", "0123")
        with pytest.raises(ResponseTooLarge, match="larger than 9 bytes"):
            reader.request("GET", receiver.url(), max_response=9)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("size", [2, 20_000_000])
def test_a_response_before_the_end_of_the_request_is_accepted(
    scheme: str, size: int, certificate: tuple[Path, Path]
) -> None:
    context = server_tls(certificate)

    def script(receiver: Receiver, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    with Receiver(script) as receiver:
        url = receiver.url("hooks.test", scheme)
        result = trusting(certificate).post(url, data=b"x" * size, headers={})
    assert result.status_code == 413


# Failures


def hangs(receiver: Receiver, connection: socket.socket) -> None:
    receiver.read(connection)
    receiver.stopping.wait(10)


def reads_nothing(receiver: Receiver, connection: socket.socket) -> None:
    receiver.stopping.wait(10)


def reads_slowly(receiver: Receiver, connection: socket.socket) -> None:
    for _ in range(500):
        connection.recv(1024)
        if receiver.stopping.wait(0.02):
            return


@pytest.mark.parametrize(
    ("script", "size"),
    [
        pytest.param(hangs, 2, id="hang"),
        pytest.param(reads_nothing, 20_000_000, id="no reading"),
        pytest.param(reads_slowly, 20_000_000, id="slow reading"),
        pytest.param(drips(b"", b"H"), 2, id="status line"),
        pytest.param(drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), 2, id="100 continue"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), 2, id="header"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", b"x"), 2, id="body"),
        pytest.param(drips(CHUNKED, b"1\r\nx\r\n"), 2, id="chunks"),
    ],
)
def test_a_slow_receiver_is_disconnected_at_the_timeout(script: Script, size: int) -> None:
    with (
        Receiver(script) as receiver,
        in_good_time(),
        pytest.raises(RequestTimedOut, match=r"^Timeout: .* within 0\.5 seconds") as caught,
    ):
        client(timeout=0.5).post(receiver.url(), data=b"x" * size, headers={})
    assert SECRET not in str(caught.value)


def test_a_slow_tls_handshake_is_disconnected_at_the_timeout() -> None:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        receiver.drip(connection, b"\x03")

    with Receiver(script) as receiver, in_good_time(), pytest.raises(RequestTimedOut):
        post(client(timeout=0.5), receiver.url(scheme="https"))


def test_a_hanging_resolver_is_given_up() -> None:
    release = threading.Event()

    def resolve(host: str) -> list[str]:
        release.wait(10)
        return ["127.0.0.1"]

    with in_good_time(), pytest.raises(RequestTimedOut, match=r"hooks\.test"):
        post(client(timeout=0.3, resolve=resolve), "https://hooks.test/")
    release.set()
    for thread in threading.enumerate():
        if thread.name == "pocketping-resolve":
            thread.join(5)


@pytest.mark.parametrize(
    ("script", "error", "text"),
    [
        (Receiver.read, ConnectionFailed, "closed by the other side"),
        (sends(b"SSH-2.0-OpenSSH\r\n"), BadResponse, "not complete HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"), BadResponse, "not complete"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), BadResponse, "not complete"),
        (sends(CHUNKED + b"zz\r\n"), BadResponse, "not complete"),
    ],
    ids=["nothing", "no HTTP", "many headers", "cut short", "bad chunk"],
)
def test_an_incomplete_response_is_a_failure(script: Script, error: type[HTTPClientError], text: str) -> None:
    with Receiver(script) as receiver, pytest.raises(error, match=text) as caught:
        post(client(), receiver.url())
    assert SECRET not in str(caught.value)


class Flood:
    """Sends an answer's beginning and then the same piece for as long as anybody takes it, and counts the bytes."""

    def __init__(self, start: bytes, piece: bytes) -> None:
        self.start, self.piece = start, piece
        self.sent = 0

    def __call__(self, receiver: Receiver, connection: socket.socket) -> None:
        receiver.read(connection)
        connection.sendall(self.start)
        while not receiver.stopping.is_set() and self.sent < 200_000_000:
            self.sent += connection.send(self.piece)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(CHUNKED + b"-1\r\n", b"x" * 65536, id="negative chunk"),
        pytest.param(CHUNKED, b"1;" + b"e" * 60_000 + b"\r\nx\r\n", id="chunk extensions"),
        pytest.param(CHUNKED, b"0" * 65536, id="endless chunk size"),
        pytest.param(CHUNKED + b"5\r\n", b"x" * 65536, id="chunk beyond its size"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"x" * 65536, id="negative length"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, id="100 continue"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"x" * 60_000 + b"\r\n", id="headers"),
    ],
)
@pytest.mark.parametrize("max_response", [None, 10_000])
def test_a_malformed_response_is_read_up_to_its_limit_and_fails(
    start: bytes, piece: bytes, max_response: int | None
) -> None:
    flood = Flood(start, piece)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Receiver(flood) as receiver, in_good_time(), pytest.raises(BadResponse, match="The answer of") as caught:
        client().request("POST", receiver.url(), data=b"{}", max_response=max_response)
    assert SECRET not in str(caught.value)
    # What the system's own buffers took counts as sent too.
    assert flood.sent < 20_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("size", [b"-1", b"+5", b"1_0", b"0x5", b"", b"f" * 17])
def test_an_invalid_chunk_size_is_a_failure(size: bytes) -> None:
    with answers(CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n") as receiver, pytest.raises(BadResponse):
        client().post(receiver.url(), data=b"{}", headers={})


def test_chunks_may_have_extensions_and_trailers() -> None:
    with answers(CHUNKED + b"4;name=value\r\n0123\r\n0006\r\n456789\r\n0\r\nX-Sum: 1\r\n\r\n") as receiver:
        assert client().post(receiver.url(), data=b"{}", headers={}).body == b"0123456789"


def test_a_refused_connection_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{port} failed: Connection refused"):
        post(client(), f"http://127.0.0.1:{port}/")


# Addresses


def test_a_name_that_resolves_to_this_machine_is_refused() -> None:
    with answers(OK) as receiver:
        with pytest.raises(AddressNotAllowed, match=f"^localhost:{receiver.port} is not allowed"):
            post(client(allow_networks=[]), receiver.url("localhost"))
        assert receiver.connections == 0
        assert post(client(), receiver.url("localhost")) == 200


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1", "10.0.0.1"],
        ["127.0.0.1", "fe80::1%lo"],
        ["127.0.0.1", "::ffff:169.254.169.254"],
        ["93.184.216.34", "127.0.0.1", "192.168.0.1"],
    ],
)
def test_a_name_with_one_forbidden_address_is_refused(answer: list[str]) -> None:
    with answers(OK) as receiver:
        with pytest.raises(AddressNotAllowed) as caught:
            post(client(resolve=lambda host: answer), receiver.url("hooks.test"))
        assert not any(address in str(caught.value) for address in answer)
    assert receiver.connections == 0


def test_a_name_is_resolved_once_per_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    lookups: list[str] = []
    real_lookup = socket.getaddrinfo

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    def lookup(host: str, *args: Any, **options: Any) -> Any:
        lookups.append(host)
        return real_lookup(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    rebound = client(resolve=resolve)
    with answers(OK) as receiver:
        assert post(rebound, receiver.url("rebind.test")) == 200
        assert asked == ["rebind.test"]
        with pytest.raises(AddressNotAllowed):
            post(rebound, receiver.url("rebind.test"))
    assert all(ip_address(host).is_loopback for host in lookups)
    assert f"Host: rebind.test:{receiver.port}".encode() in receiver.requests[0]
    assert receiver.connections == 1


def test_a_second_address_is_tried_when_the_first_refuses() -> None:
    with answers(OK) as receiver:
        both = client(resolve=lambda host: ["::1", "127.0.0.1"])
        assert post(both, receiver.url("hooks.test")) == 200


def test_a_silent_first_address_leaves_time_for_the_second() -> None:
    with answers(OK) as receiver, contextlib.ExitStack() as stack:
        try:
            silent = stack.enter_context(socket.create_server(("127.0.0.2", receiver.port)))
        except OSError:
            pytest.skip("needs a second loopback address")
        silent.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.2", receiver.port))
        both = client(timeout=1.0, resolve=lambda host: ["127.0.0.2", "127.0.0.1"])
        assert post(both, receiver.url("hooks.test")) == 200


def no_such_name(host: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("resolve", [no_such_name, lambda host: []])
def test_a_name_without_an_address_is_an_error(resolve: Callable[[str], list[str]]) -> None:
    with pytest.raises(NameNotResolved, match=r"nowhere\.test could not be resolved"):
        post(client(resolve=resolve), f"https://nowhere.test/{SECRET}")


# TLS


def test_the_certificate_and_the_host_header_belong_to_the_name(certificate: tuple[Path, Path]) -> None:
    names: list[str | None] = []
    with answers_with_tls(certificate, names) as receiver:
        assert post(trusting(certificate), receiver.url("hooks.test.", scheme="https")) == 200
        assert names == ["hooks.test"]
        assert f"Host: hooks.test:{receiver.port}\r\n".encode() in receiver.requests[0]
        with pytest.raises(TLSFailed, match=r"certificate of other\.test:\d+ was refused: Hostname"):
            post(trusting(certificate), receiver.url("other.test", scheme="https"))
        with pytest.raises(TLSFailed, match="IP address mismatch"):
            post(trusting(certificate), receiver.url(scheme="https"))


def test_a_self_signed_certificate_is_refused(certificate: tuple[Path, Path]) -> None:
    resolving = client(resolve=lambda host: ["127.0.0.1"])
    with (
        answers_with_tls(certificate, []) as receiver,
        pytest.raises(TLSFailed, match=r"certificate of hooks\.test.* self.signed") as caught,
    ):
        post(resolving, receiver.url("hooks.test", scheme="https"))
    assert SECRET not in str(caught.value)
    assert receiver.requests == []


@pytest.mark.parametrize("answer", [OK, b""])
def test_a_server_without_tls_is_an_error(answer: bytes) -> None:
    def script(receiver: Receiver, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with Receiver(script) as receiver, pytest.raises(TLSFailed, match=r"TLS with .* failed"):
        post(client(), receiver.url(scheme="https"))


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_an_address_in_the_url_is_checked(host: str) -> None:
    with answers(OK) as receiver:
        with pytest.raises(AddressNotAllowed):
            post(client(allow_networks=[]), receiver.url(host))
        assert receiver.connections == 0
        assert post(client(), receiver.url(host)) == 200


def test_the_url_is_checked_with_each_request() -> None:
    with pytest.raises(BadURL, match="must begin with https://"):
        post(client(allow_http=False), "http://127.0.0.1/")


# Under gevent


UNDER_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import contextlib, ipaddress, socket, ssl, sys, threading, time
import gevent
from flask_pocketping.delivery.http.client import GuardedClient, RequestTimedOut

def serve(start, piece, tls=None):
    listener = socket.create_server(("127.0.0.1", 0))

    def play(connection):
        with contextlib.suppress(OSError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            request = b""
            while not request.endswith(b"{}") and piece != b"\\x03":
                request += connection.recv(65536)
            connection.sendall(start)
            while piece:
                connection.sendall(piece)
                time.sleep(0.02)
        connection.close()

    def accept():
        while True:
            gevent.spawn(play, listener.accept()[0])

    gevent.spawn(accept)
    return listener.getsockname()[1]

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[1:3])
ok = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
slow = b"HTTP/1.1 200 OK\\r\\nX-Long: "
handshake = b"\\x16\\x03\\x03\\x40\\x00\\x02\\x00\\x3f\\xfc"
ports = [
    ("http", serve(ok, b""), "ok"),
    ("https", serve(ok, b"", context), "ok"),
    ("http", serve(slow, b"x"), "timeout"),
    ("https", serve(slow, b"x", context), "timeout"),
    ("https", serve(handshake, b"\\x03"), "timeout"),
]
client = GuardedClient(
    allow_http=True,
    allow_networks=[ipaddress.ip_network("127.0.0.0/8")],
    user_agent="Test",
    timeout=3.0,
    resolve=lambda host: ["127.0.0.1"],
    tls=ssl.create_default_context(cafile=sys.argv[1]),
)

def attempt(scheme, port):
    try:
        url = f"{scheme}://hooks.test:{port}/"
        return client.post(url, data=b"{}", headers={}).excerpt
    except RequestTimedOut:
        return "timeout"

ticks = 0
def tick():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1

ticking = gevent.spawn(tick)
started = time.monotonic()
jobs = [gevent.spawn(attempt, scheme, port) for scheme, port, _ in ports * 5]
gevent.joinall(jobs, raise_error=True)
# One after the other, the fifteen that time out would take 45 s.
assert time.monotonic() - started < 15, "slow"
outcomes = [job.value for job in jobs]
assert outcomes == [outcome for *_, outcome in ports * 5], outcomes
assert ticks > 20, "the loop stood still"
print("fine")
"""


def test_timeouts_work_for_greenlets(certificate: tuple[Path, Path]) -> None:
    pytest.importorskip("gevent")
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, *map(str, certificate)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "fine\n", done.stderr
