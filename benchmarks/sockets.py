"""Many WebSockets of one server, opened and read by one thread, cheap enough not to be what is measured."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
#: Bytes read at once; a larger buffer takes longer to be had than to be filled.
_CHUNK = 8192
#: Handshakes under way at once.
_AT_ONCE = 16


class Crowd:
    """The clients of one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._unread: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, paths: Sequence[str], hello: dict[str, Any] | None = None) -> None:
        """Open a socket to each of these paths.

        :param hello: the first frame of each; the server's answer to it is waited for.
        """
        for start in range(0, len(paths), _AT_ONCE):
            new = [self._connect(path) for path in paths[start : start + _AT_ONCE]]
            for sock in new:
                self._shake_hands(sock)
            if hello is not None:
                for sock in new:
                    sock.send(_frame(_TEXT, json.dumps(hello).encode()))
                self.collect(b'"auth.ok"', {sock.fileno() for sock in new})
            # Opening many takes longer than the server waits for the answer to its ping.
            self.idle(0.001)

    def close(self, count: int = 0) -> None:
        """Close sockets, the newest first, until only so many are left."""
        while len(self._open) > count:
            number, sock = self._open.popitem()
            del self._unread[number]
            self._epoll.unregister(sock)
            sock.close()

    def collect(self, part: bytes, numbers: set[int] | None = None, timeout: float = 60.0) -> list[float]:
        """Wait until a text frame that has `part` in it came to every socket.

        :param numbers: only to these.
        :return: when, by `time.perf_counter`, for each.
        """
        missing = set(self._open) if numbers is None else set(numbers)
        arrived = []
        deadline = time.perf_counter() + timeout
        # The server must not wait for this program, so what is looked up for each frame is looked up before.
        readers = {number: sock.recv for number, sock in self._open.items()}
        unread, clock, poll, has = self._unread, time.perf_counter, self._epoll.poll, self._has
        while missing:
            ready = poll(max(0.0, deadline - clock()))
            if not ready:
                raise RuntimeError(f"{len(missing)} of {len(self._open)} sockets did not get a frame with {part!r}")
            for number, _ in ready:
                data = readers[number](_CHUNK)
                now = clock()
                # Most are one whole text frame of a medium size.
                if data[:2] == b"\x81\x7e" and not unread[number] and int.from_bytes(data[2:4], "big") == len(data) - 4:
                    found = part in data
                else:
                    found = has(number, data, part)
                if found and number in missing:
                    missing.remove(number)
                    arrived.append(now)
        return arrived

    def idle(self, seconds: float) -> None:
        """Let time pass; pings are answered."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            for number, _ in self._epoll.poll(left):
                self._has(number, self._open[number].recv(_CHUNK), b"")

    def _connect(self, path: str) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = (
            *(f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"),
            *("Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"),
        )
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        return sock

    def _shake_hands(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(4096)
            head += data
            if not data or not head.startswith(b"HTTP/1.1 101"[: len(head)]):
                raise RuntimeError(f"A socket was refused: {head[:500]!r}")
        self._open[sock.fileno()] = sock
        self._unread[sock.fileno()] = head.partition(b"\r\n\r\n")[2]
        self._epoll.register(sock, select.EPOLLIN)

    def _has(self, number: int, data: bytes, part: bytes) -> bool:
        """Take what came on a socket; tell whether a text frame had `part` in it."""
        if not data:
            raise RuntimeError("The server cut a socket.")
        unread = self._unread[number] + data
        found = False
        while (size := _size(unread)) is not None:
            frame, unread = unread[:size], unread[size:]
            opcode = frame[0] & 0xF
            if opcode == _TEXT:
                found = found or part in frame
            elif opcode == _PING:
                self._open[number].send(_frame(_PONG, frame[2:]))
            elif opcode == _CLOSE:
                raise RuntimeError(f"The server closed a socket: {frame!r}")
        self._unread[number] = unread
        return found


def _size(data: bytes) -> int | None:
    """How long the first frame of some bytes is, if it is whole."""
    if len(data) < 2:
        return None
    short = data[1] & 0x7F
    head = 2 if short < 126 else 4 if short == 126 else 10
    size = head + (short if short < 126 else int.from_bytes(data[2:head], "big"))
    return size if len(data) >= size else None


def _frame(opcode: int, content: bytes) -> bytes:
    """A frame of a client: masked, as RFC 6455 wants it, by zeros, which change nothing."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + content
