"""Tests a connection over a socket pair with a real loop and pool: the order of frames, and how it closes."""

from __future__ import annotations

import socket
import threading
import time
from _socket import socket as RawSocket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flask_pocketping.realtime import websocket
from flask_pocketping.realtime.connection import Closed
from flask_pocketping.realtime.framing import Frame, text_frame
from flask_pocketping.realtime.open_connections import Sockets
from flask_pocketping.realtime.websocket import MAX_FRAME, WebSocket

from ..support.connections import is_ending
from ..support.servers import wait_until
from ..support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WireFrame, cut_frame, masked


class Side:
    """What a connection is for, and its other end."""

    name = "A test's connection"

    def __init__(self, sockets: Sockets, opened: Callable[[WebSocket], None] = lambda connection: None) -> None:
        ours, self.sock = socket.socketpair()
        self.sock.settimeout(10)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.gone = threading.Event()
        self.heard: list[str | bytes] = []
        self._opened = opened
        self._buffer = b""
        self.connection = WebSocket(
            RawSocket(fileno=ours.detach()),
            loop=sockets.loop,
            pool=sockets.pool,
            encoder=lambda event, cursor: None,
            limit=1000,
            on_gone=sockets.remove,
        )
        self.connection.max_frame = MAX_FRAME
        sockets.add(self.connection, ())

    def start(self) -> Side:
        self.connection.start(self)
        return self

    def opened(self) -> None:
        self._opened(self.connection)

    def received(self, raw: str | bytes) -> None:
        self.heard.append(raw)

    def closed(self) -> None:
        self.gone.set()

    def close_code(self, error: Exception) -> Closed | None:
        return None

    def receive(self) -> WireFrame | None:
        """The next frame that came; nothing at the end."""
        while (found := cut_frame(self._buffer)) is None:
            more = self.sock.recv(65536)
            if not more:
                return None
            self._buffer += more
        frame, self._buffer = found
        return frame

    def rest(self) -> list[WireFrame]:
        frames = []
        while (frame := self.receive()) is not None:
            frames.append(frame)
        return frames


@contextmanager
def running() -> Iterator[Sockets]:
    made = Sockets(100)
    try:
        yield made
    finally:
        made.close_all()


def frame(text: str) -> Frame:
    return Frame("message", None, text_frame(text))


def test_a_replay_continues_live_after_the_client_caught_up() -> None:
    caught_up = threading.Event()

    def frames() -> Iterator[Frame]:
        for number in range(5):
            yield frame(f"{number}{'x' * 20_000}")
        assert caught_up.wait(10)
        yield frame("last of the replay")

    with running() as sockets:
        side = Side(sockets, lambda connection: connection.replay(frames())).start()
        side.connection.offer(frame("held"))
        for _ in range(5):
            side.receive()
        wait_until(lambda: side.connection._out is None, "all is sent")
        caught_up.set()
        found = [side.receive(), side.receive()]
        side.connection.offer(frame("live"))
        found.append(side.receive())
        assert [(one.opcode, one.payload) for one in found if one] == [
            (TEXT, b"last of the replay"),
            (TEXT, b"held"),
            (TEXT, b"live"),
        ]
        wait_until(lambda: not side.connection._busy, "nothing more is to be done")
        assert not is_ending(side.connection)
        side.sock.close()


def test_a_client_with_many_frames_does_not_delay_others() -> None:
    order: list[str] = []
    go = threading.Event()

    class Slow(Side):
        def received(self, raw: str | bytes) -> None:
            assert go.wait(20)
            order.append("busy")

    with running() as sockets:
        busy = [Slow(sockets).start() for _ in range(4)]
        for side in busy:
            side.sock.sendall(masked(b"x", TEXT) * 50)
        wait_until(lambda: all(side.connection._waiting() == 49 for side in busy), "they are at work")
        late = Side(sockets, lambda connection: order.append("late")).start()
        go.set()
        wait_until(lambda: len(order) == 201, "all is done")
        assert order.index("late") < 100
        for side in (*busy, late):
            side.sock.close()


def test_a_client_that_disconnects_immediately_is_cleaned_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon the loop finds out: what `opened` does must not come after what undoes it."""
    with running() as sockets:
        calls: list[str] = []

        class Gone(Side):
            def opened(self) -> None:
                calls.append("opened")

            def closed(self) -> None:
                calls.append("closed")
                super().closed()

        side = Gone(sockets)
        side.sock.close()
        call = sockets.loop.call

        def call_and_wait(function: Callable[[], None]) -> None:
            call(function)
            if threading.current_thread() is threading.main_thread():
                wait_until(lambda: side.connection._gone, "the loop has found out")

        monkeypatch.setattr(sockets.loop, "call", call_and_wait)
        side.start()
        assert side.gone.wait(20)
        wait_until(lambda: not side.connection._busy, "nothing more is to be done")
        assert calls == ["opened", "closed"]


def test_a_long_replay_does_not_delay_others() -> None:
    """Four of them take all threads of the pool."""
    stopping = threading.Event()

    def endless() -> Iterator[Frame]:
        while not stopping.is_set():
            # The client wants none of them.
            yield frame("x")._replace(type="other")

    def replay(connection: WebSocket) -> None:
        connection.wanted = frozenset({"message"})
        connection.replay(endless())

    opened = threading.Event()
    with running() as sockets:
        busy = [Side(sockets, replay).start() for _ in range(4)]
        late = Side(sockets, lambda connection: opened.set()).start()
        try:
            assert opened.wait(20)
        finally:
            stopping.set()
            for side in (*busy, late):
                side.sock.close()


def test_nothing_follows_the_close_frame() -> None:
    """Neither the answer to a ping nor a sign of life, when another thread has just decided to close."""
    with running() as sockets:
        side = Side(sockets).start()
        wait_until(lambda: sockets.loop.serves(side.connection), "it is served")
        end = side.connection.end
        check = side.connection._next_time

        def close_in_between(now: float) -> float:
            end(1000, "")
            return check(now)

        closed_at = time.monotonic() + side.connection.interval + 1
        done = threading.Event()

        def look() -> None:
            side.connection._fresh = True
            close_in_between(closed_at)
            done.set()

        sockets.loop.call(look)
        assert done.wait(20)
        assert [found.opcode for found in side.rest()] == [CLOSE]
        side.sock.close()


@pytest.mark.parametrize(("opcode", "whole"), [(TEXT, "añb"), (BINARY, "añb".encode())])
def test_a_message_in_many_parts_is_kept_in_one_buffer(opcode: int, whole: Any) -> None:
    """Empty parts, which a client may send for days, take no memory; characters may be cut anywhere."""
    data = "añb".encode()
    with running() as sockets:
        side = Side(sockets).start()
        side.sock.sendall(masked(b"", opcode, fin=False) + masked(b"", CONTINUATION, fin=False) * 100)
        side.sock.sendall(masked(b"", PONG))
        for number in range(len(data)):
            side.sock.sendall(masked(data[number : number + 1], CONTINUATION, fin=number == len(data) - 1))
        wait_until(lambda: bool(side.heard), "it is complete")
        assert side.heard == [whole]
        assert type(side.heard[0]) is type(whole)
        side.sock.close()


def test_empty_parts_take_no_memory() -> None:
    with running() as sockets:
        side = Side(sockets).start()
        side.sock.sendall(masked(b"", BINARY, fin=False) + masked(b"", CONTINUATION, fin=False) * 100)
        side.sock.sendall(masked(b"", PONG))
        wait_until(lambda: side.connection._frames >= 102, "all are read")
        kept = [getattr(side.connection, name) for name in WebSocket.__slots__ if hasattr(side.connection, name)]
        assert max(len(value) for value in kept if isinstance(value, list | bytearray)) == 0
        side.sock.close()


def test_a_connection_that_only_answers_pings_has_no_parser() -> None:
    """Not after a message, either; only while a frame or a message is not complete."""
    with running() as sockets:
        side = Side(sockets).start()

        def exchange(data: bytes) -> None:
            """Send bytes and a ping, and wait for the pong: the bytes are dealt with."""
            side.sock.sendall(data)
            side.sock.sendall(masked(b"dealt with?", PING))
            assert side.receive() == WireFrame(PONG, b"dealt with?")

        def has_no_parser() -> bool:
            return side.connection._reader is None

        for data in (masked(b"", PONG), masked(b"hello", TEXT)):
            exchange(data)
            wait_until(has_no_parser, "the parser is dropped")
        exchange(masked(b"hel", TEXT, fin=False))
        assert not has_no_parser()
        exchange(masked(b"lo", CONTINUATION))
        wait_until(has_no_parser, "the parser is dropped")
        whole = masked(b"in two packets", TEXT)
        side.sock.sendall(whole[:5])
        wait_until(lambda: not has_no_parser(), "the beginning is read")
        exchange(whole[5:])
        wait_until(has_no_parser, "the parser is dropped")
        wait_until(lambda: side.heard == ["hello", "hello", "in two packets"], "all is heard", 10, lambda: side.heard)
        side.sock.close()


def test_control_frames_that_need_no_parser_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CONTROL_FRAMES_PER_SECOND", 10)
    monkeypatch.setattr(websocket, "FRAMES_PER_SECOND", 1_000_000)
    with running() as sockets:
        side = Side(sockets).start()
        found = None
        deadline = time.monotonic() + 20
        while found is None or found.opcode == PONG:
            assert time.monotonic() < deadline
            side.sock.sendall(masked(b"", PING))
            found = side.receive()
            assert found is not None
            assert side.connection._reader is None
        assert found.code == 1008
        side.sock.close()


def test_the_bytes_of_waiting_messages_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large ones take as much memory as many small ones."""
    room = 4
    monkeypatch.setattr(websocket, "MAX_WAITING_BYTES", room * MAX_FRAME // 2)
    go = threading.Event()

    class Waiting(Side):
        def received(self, raw: str | bytes) -> None:
            assert go.wait(10)
            super().received(raw)

    size = MAX_FRAME // 2
    with running() as sockets:
        side = Waiting(sockets).start()
        side.sock.sendall(masked(b"x" * size, TEXT))
        wait_until(lambda: not side.connection._waiting(), "one is being handled")
        for _ in range(room):
            side.sock.sendall(masked(b"x" * size, TEXT))
        wait_until(lambda: side.connection._waiting() == room, "as many wait as may")
        assert not is_ending(side.connection)
        side.sock.sendall(masked(b"one more", TEXT))
        closed = side.receive()
        go.set()
        assert closed is not None
        assert (closed.opcode, closed.code) == (CLOSE, 4429)
        side.sock.close()
