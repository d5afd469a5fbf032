"""Tests clients that send as much as they can or send no valid handshake: they do not affect other clients."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from flask_pocketping.state import state_of
from flask_pocketping.web.streams.admission import address_bounds

from ...conftest import Serve
from ...support.clients import Api
from ...support.servers import Process, gunicorn, make_app
from ...support.wire import CLOSE, CONTINUATION, PING, PONG, TEXT, Wire, masked

#: Seconds that `/health` may take while somebody floods.
PATIENCE = 0.3


def pings() -> bytes:
    return masked(b"", PING) * 500


def pongs() -> bytes:
    return masked(b"", PONG) * 500


def tiny_frames() -> bytes:
    return masked(b"x", TEXT) * 500


def fragments() -> bytes:
    return masked(b"", TEXT, fin=False) + masked(b"", CONTINUATION, fin=False) * 500


@contextmanager
def flooding(wires: list[Wire], data: bytes) -> Iterator[None]:
    """Send this over and over to all of these, whatever the server says."""
    stopping = threading.Event()

    def send(wire: Wire) -> None:
        while not stopping.is_set():
            try:
                wire.sock.sendall(data)
            except OSError:
                return

    threads = [threading.Thread(target=send, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for wire in wires:
            wire.sock.close()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module", params=["sync", "gthread", "gevent"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Process]]:
    """One worker of each class, in turn."""
    folder: Path = tmp_path_factory.mktemp("flooded")
    database = f"sqlite:///{folder / 'pocketping.db'}"
    make_app(folder, database).extensions["pocketping"].runtime.close()
    with gunicorn(folder, database=database, worker_class=request.param, threads=4) as made:
        yield made


@pytest.mark.parametrize("flood", [pings, pongs, tiny_frames, fragments])
def test_a_flood_without_a_key_is_disconnected_and_delays_nobody(
    server: tuple[Api, Process], flood: Callable[[], bytes]
) -> None:
    api, process = server
    wires = [Wire(api.url + "/ws") for _ in range(3)]
    with flooding(wires, flood()):
        times = []
        for _ in range(10):
            began = time.perf_counter()
            assert requests.get(api.url + "/health", timeout=10).status_code == 200
            times.append(time.perf_counter() - began)
    # The machine does other things, too: one of several tells what the server can do.
    assert sorted(times)[2] < PATIENCE, times
    assert "Traceback" not in process.log.read_text()


@pytest.mark.parametrize("flood", [pings, pongs, tiny_frames, fragments])
def test_a_flood_is_closed_with_1008(shared: Api, flood: Callable[[], bytes]) -> None:
    visitor = shared.visitor()
    with Wire(f"{shared.url}/stream?sessionId={visitor.handle}") as wire:
        wire.sock.sendall(flood())
        frames = [frame for frame in wire.rest() if frame.opcode == CLOSE]
        assert [frame.code for frame in frames] in ([1008], [4429])


def test_the_bytes_per_second_are_limited(shared: Api) -> None:
    """Whole frames, each of a size that is allowed."""
    visitor = shared.visitor()
    with Wire(f"{shared.url}/stream?sessionId={visitor.handle}") as wire:
        data = masked(b" " * 60_000, TEXT) * 20
        sender = threading.Thread(target=lambda: ignore(lambda: wire.sock.sendall(data)))
        sender.start()
        codes = [frame.code for frame in wire.rest() if frame.opcode == CLOSE]
        sender.join()
        assert codes == [1008]


def ignore(work: Callable[[], object]) -> None:
    with suppress(OSError):
        work()


@pytest.mark.parametrize("size", [4097, 1 << 20, 1 << 62])
def test_an_incomplete_first_frame_takes_no_memory(shared_app: Flask, shared: Api, size: int) -> None:
    """It announces much, and goes on and on."""
    with Wire(shared.url + "/ws") as wire:
        length = (
            bytes([0x80 | 126]) + size.to_bytes(2, "big")
            if size < 1 << 16
            else (bytes([0x80 | 127]) + size.to_bytes(8, "big"))
        )
        wire.sock.sendall(b"\x81" + length + bytes(4) + b"x" * 4097)
        assert [frame.code for frame in wire.rest() if frame.opcode == CLOSE] == [1009]


def test_a_first_frame_of_4_kb_is_accepted(shared: Api) -> None:
    with Wire(shared.url + "/ws") as wire:
        wire.send(b'{"type":"auth","apiKey":"%s"}' % shared.key.encode().ljust(10) + b" " * 4000)  # type: ignore[union-attr]
        frame = wire.receive()
        assert frame is not None
        assert frame.opcode == TEXT


# --- Handshakes that are none ---


def shake_hands(api: Api, path: str, **headers: str) -> tuple[int, bytes]:
    """Send an upgrade with these headers besides the usual ones.

    :return: the status and the whole answer.
    """
    parts = urlsplit(api.url)
    usual = {
        "Host": parts.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    named = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items() if value), "", ""]
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as sock:
        sock.sendall("\r\n".join(lines).encode("latin-1"))
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                break
            data += more
    return int(data.split(b" ")[1]), data


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ"}, 400),
        ({"Sec_WebSocket_Key": "é" * 24}, 400),
        ({"Sec_WebSocket_Version": ""}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "14"}, 426),
        ({"Sec_WebSocket_Protocol": "chat, é, \x01"}, 101),
        ({"Sec_WebSocket_Protocol": "chat"}, 101),
        ({"Sec_WebSocket_Extensions": "permessage-deflate; bad=\x7f"}, 101),
        ({"Cookie": "a=" + "x" * 20_000}, 101),
        ({"Connection": "keep-alive, Upgrade"}, 101),
    ],
)
def test_an_invalid_upgrade_gets_an_http_response(
    shared: Api, headers: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answered, data = shake_hands(shared, "/ws", **headers)
    assert answered == status, data
    if status == 426:
        assert b"Sec-WebSocket-Version: 13" in data
    if status >= 400:
        assert b"Content-Type: application/json" in data
    if status == 101:
        assert b"permessage" not in data
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in data
    assert "Traceback" not in caplog.text


# --- Many from one address ---


def test_connections_of_one_address_are_limited(serve: Serve) -> None:
    api = serve(address_socket_limit=3, visitor_session_limit="off")
    visitors = [api.visitor() for _ in range(4)]
    with visitors[0].stream(), visitors[1].stream(), api.socket(auth=False):
        with Wire(f"{api.url}/stream?sessionId={visitors[2].handle}") as refused:
            assert refused.status == 429
        assert visitors[3].request("GET", f"/stream?sessionId={visitors[3].handle}").status_code == 429
        with Wire(api.url + "/ws") as refused:
            assert refused.status == 429


def test_authenticated_programs_do_not_count_for_their_address(serve: Serve) -> None:
    api = serve(address_socket_limit=2)
    with api.socket(), api.socket(), api.socket() as third:
        third.send({"type": "ping"})
        assert third.receive() == {"type": "pong"}


def test_connections_of_an_ipv6_network_are_limited(app: Flask) -> None:
    config = state_of(app).config
    one, two = address_bounds(config, "2001:db8:1:1::5"), address_bounds(config, "2001:db8:1:2::5")
    assert one.keys() & two.keys() == {"network 2001:db8:1::/48"}
    assert one["network 2001:db8:1::/48"] == 4 * one["address 2001:db8:1:1::/64"]
    assert address_bounds(config, "192.0.2.7").keys() == {"address 192.0.2.7"}
    assert address_bounds(config, "::ffff:192.0.2.7").keys() == {"address 192.0.2.7"}
    assert len(address_bounds(config, None)) == 1


def test_events_over_a_socket_count_against_the_limit_of_the_address(serve: Serve) -> None:
    api = serve(visitor_address_limit="8/minute", visitor_message_limit="off")
    visitor = api.visitor()
    with visitor.stream() as page:
        for number in range(8):
            page.send({"type": "event", "data": {"name": f"event {number}"}})
        assert page.close_code() == 4429


def test_simultaneous_handshakes_do_not_exceed_the_limit(serve: Serve) -> None:
    api = serve(address_socket_limit=3)
    visitor = api.visitor()
    barrier = threading.Barrier(12)
    opened: list[Wire] = []

    def shake() -> None:
        barrier.wait()
        opened.append(Wire(f"{api.url}/stream?sessionId={visitor.handle}"))

    threads = [threading.Thread(target=shake) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert sorted(wire.status for wire in opened) == [101] * 3 + [429] * 9
    finally:
        for wire in opened:
            wire.vanish()


def test_a_refused_handshake_is_not_counted(app: Flask, api: Api) -> None:
    visitor = api.visitor()
    for _ in range(3):
        assert shake_hands(api, "/ws", Sec_WebSocket_Key="")[0] == 400
        assert shake_hands(api, f"/stream?sessionId={visitor.handle}x")[0] == 404
        assert visitor.request("HEAD", f"/stream?sessionId={visitor.handle}").status_code == 200
    sockets = state_of(app).sockets
    assert (sockets._reserved, dict(sockets._counts)) == (0, {})
