"""Reading what the client of a WebSocket sends (RFC 6455, section 5), for `WebSocket`."""

from __future__ import annotations

from collections.abc import Iterator

from wsproto.connection import Connection as Parser
from wsproto.connection import ConnectionType
from wsproto.events import Event

PING_OPCODE, PONG_OPCODE = 0x9, 0xA
#: Bytes that a control frame may carry.
_MAX_CONTROL = 125
_FIN = 0x80
_MASKED = 0x80


class FrameReader:
    """Parses the frames of one client, and follows where they end.

    A parser takes more memory than all the rest of a connection. Its owner drops it when `at_frame_end` is true, and
    makes a new one for the next frame.
    """

    __slots__ = ("_header", "_parser", "_to_come")

    def __init__(self) -> None:
        self._parser = Parser(ConnectionType.SERVER)
        # The beginning of a frame whose length is not known yet, or how many bytes of a frame are still to come.
        self._header = b""
        self._to_come = 0

    def receive(self, data: bytes) -> Iterator[Event]:
        """Parse bytes.

        :return: the events that they complete. What breaks the protocol is a `CloseConnection` with its code.
        """
        self._follow(data)
        self._parser.receive_data(data)
        return self._parser.events()

    @property
    def at_frame_end(self) -> bool:
        """Whether everything received so far is whole frames."""
        return not self._header and not self._to_come

    def _follow(self, data: bytes) -> None:
        data = self._header + data
        end = self._to_come
        while end < len(data) and (size := _frame_size(data, end)) is not None:
            end += size
        self._header = data[end:]
        self._to_come = max(0, end - len(data))


def read_control_frame(data: bytes) -> tuple[int, bytes] | None:
    """Read a ping or a pong without a parser.

    :return: its opcode and payload; nothing if the bytes are anything but one such frame, whole, masked and valid.
    """
    size = len(data) - 6
    if not 0 <= size <= _MAX_CONTROL or data[1] != _MASKED | size:
        return None
    opcode = data[0] ^ _FIN
    # With another opcode, a reserved bit or without FIN this is another number.
    if opcode not in {PING_OPCODE, PONG_OPCODE}:
        return None
    if not size:
        return opcode, b""
    key = int.from_bytes((data[2:6] * (size // 4 + 1))[:size], "big")
    return opcode, (int.from_bytes(data[6:], "big") ^ key).to_bytes(size, "big")


def _frame_size(data: bytes, start: int) -> int | None:
    """Return the bytes of the masked frame that begins at `start`, or nothing if its length is not all there."""
    if len(data) < start + 2:
        return None
    size = data[start + 1] & 0x7F
    length_bytes = {126: 2, 127: 8}.get(size, 0)
    if len(data) < start + 2 + length_bytes:
        return None
    if length_bytes:
        size = int.from_bytes(data[start + 2 : start + 2 + length_bytes], "big")
    return 2 + length_bytes + 4 + size
