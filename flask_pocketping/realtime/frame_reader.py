"""Parses the frames of a WebSocket client (RFC 6455, section 5), for `WebSocket`."""

from __future__ import annotations

from collections.abc import Iterator

from wsproto.connection import Connection as Parser
from wsproto.connection import ConnectionType
from wsproto.events import Event

PING_OPCODE, PONG_OPCODE = 0x9, 0xA
#: The maximum payload of a control frame, in bytes.
_MAX_CONTROL = 125
_FIN = 0x80
_MASKED = 0x80


class FrameReader:
    """Parses the frames of one client and tracks where they end.

    A parser needs more memory than the rest of a connection. Its owner drops it when `at_frame_end` is true, and
    creates a new one for the next frame.
    """

    __slots__ = ("_header", "_parser", "_to_come")

    def __init__(self) -> None:
        self._parser = Parser(ConnectionType.SERVER)
        # The start of a frame whose length is not known yet, and how many bytes of a frame are still missing.
        self._header = b""
        self._to_come = 0

    def receive(self, data: bytes) -> Iterator[Event]:
        """Parse bytes.

        :return: the completed events. A protocol error is a `CloseConnection` with the close code.
        """
        self._follow(data)
        self._parser.receive_data(data)
        return self._parser.events()

    @property
    def at_frame_end(self) -> bool:
        """Whether the received bytes end with a complete frame."""
        return not self._header and not self._to_come

    def _follow(self, data: bytes) -> None:
        data = self._header + data
        end = self._to_come
        while end < len(data) and (size := _frame_size(data, end)) is not None:
            end += size
        self._header = data[end:]
        self._to_come = max(0, end - len(data))


def read_control_frame(data: bytes) -> tuple[int, bytes] | None:
    """Read a ping or pong without a parser.

    :return: its opcode and payload, or `None` if the bytes are not exactly one valid, masked ping or pong.
    """
    size = len(data) - 6
    if not 0 <= size <= _MAX_CONTROL or data[1] != _MASKED | size:
        return None
    opcode = data[0] ^ _FIN
    # Another opcode, a reserved bit or a missing FIN bit gives another number.
    if opcode not in {PING_OPCODE, PONG_OPCODE}:
        return None
    if not size:
        return opcode, b""
    key = int.from_bytes((data[2:6] * (size // 4 + 1))[:size], "big")
    return opcode, (int.from_bytes(data[6:], "big") ^ key).to_bytes(size, "big")


def _frame_size(data: bytes, start: int) -> int | None:
    """Return the size in bytes of the masked frame at `start`, or `None` if its length is not complete."""
    if len(data) < start + 2:
        return None
    size = data[start + 1] & 0x7F
    length_bytes = {126: 2, 127: 8}.get(size, 0)
    if len(data) < start + 2 + length_bytes:
        return None
    if length_bytes:
        size = int.from_bytes(data[start + 2 : start + 2 + length_bytes], "big")
    return 2 + length_bytes + 4 + size
