"""A WebSocket client that leaves everything to the test: single frames, pongs, how much it reads and when."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class WireFrame(NamedTuple):
    """A frame as it came (RFC 6455, section 5.2)."""

    opcode: int
    payload: bytes
    reserved: int = 0

    @property
    def code(self) -> int:
        """The code of a close frame."""
        return int.from_bytes(self.payload[:2], "big")

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))


class Wire:
    """One connection. It answers nothing by itself, neither pings nor a close.

    :param url: an address of http.
    :param receive_buffer: bytes that the system keeps for a client that does not read; small for a slow one.
    :param headers: further headers of the handshake.
    """

    def __init__(self, url: str, *, receive_buffer: int | None = None, **headers: str) -> None:
        parts = urlsplit(url)
        self.sock = socket.socket()
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(10)
        self.sock.connect((parts.hostname, parts.port))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [
            f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            *(f"{name}: {value}" for name, value in named.items()),
        ]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._more(10)
        self.head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    @property
    def status(self) -> int:
        """The status of the handshake's answer."""
        return int(self.head.split(b" ")[1])

    def send(self, frame: Any, opcode: int = TEXT, *, fin: bool = True) -> None:
        """Send one frame, masked as a client's must be."""
        payload = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        self.sock.sendall(masked(payload, opcode, fin=fin))

    def receive(self, timeout: float = 10.0) -> WireFrame | None:
        """The next frame, whatever it is; nothing at the end of the stream."""
        deadline = time.monotonic() + timeout
        while (found := self._cut_frame()) is None:
            if not self._more(deadline - time.monotonic()):
                assert not self._buffer, f"the stream ends within a frame: {self._buffer[:200]!r}"
                return None
        return found

    def rest(self, timeout: float = 10.0) -> list[WireFrame]:
        """All frames up to the end of the stream. Anything that is no frame fails."""
        deadline = time.monotonic() + timeout
        frames = []
        while (frame := self.receive(deadline - time.monotonic())) is not None:
            assert frame.opcode in {TEXT, CLOSE, PING, PONG}, f"no frame of ours: {frame}"
            assert frame.reserved == 0, f"no frame of ours: {frame}"
            frames.append(frame)
        return frames

    def vanish(self) -> None:
        """Go without a word, as a page does that is closed: no close frame, only the end of the stream."""
        self.sock.close()

    def reset(self) -> None:
        """Break off, so that the other side gets an error of the line."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self, timeout: float) -> bool:
        self.sock.settimeout(max(0.001, timeout))
        try:
            found = self.sock.recv(65536)
        except TimeoutError:
            raise AssertionError(f"nothing more came in time; so far {self._buffer[:200]!r}") from None
        self._buffer += found
        return bool(found)

    def _cut_frame(self) -> WireFrame | None:
        found = cut_frame(self._buffer)
        if found is None:
            return None
        frame, self._buffer = found
        return frame


def cut_frame(data: bytes) -> tuple[WireFrame, bytes] | None:
    """Cut the first frame off what a server sent.

    :return: the frame and what follows it; nothing if it is not all there.
    """
    if len(data) < 2:
        return None
    size, start = data[1] & 127, 2
    if size > 125:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big") if len(data) >= start else len(data)
    if len(data) < start + size:
        return None
    return WireFrame(data[0] & 15, data[start : start + size], data[0] & 0x70), data[start + size :]


def masked(payload: bytes, opcode: int, *, fin: bool = True) -> bytes:
    """The bytes of a client's frame."""
    size = len(payload)
    head = bytes([opcode | (0x80 if fin else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    key = os.urandom(4)
    repeated = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + (int.from_bytes(payload, "big") ^ repeated).to_bytes(size, "big")
