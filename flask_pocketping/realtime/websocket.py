"""The server's side of a WebSocket after the handshake (RFC 6455)."""

from __future__ import annotations

from functools import partial
from typing import Any

from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from .connection import FLOODING, MAX_WAITING, MAX_WAITING_BYTES, TOO_BIG, TOO_MANY, Connection
from .frame_reader import PING_OPCODE, FrameReader, read_control_frame
from .framing import PING, close_frame, pong_frame

#: The maximum size of a client's message in bytes, and of a message from a client that is not authenticated yet.
MAX_FRAME = 64 * 1024
MAX_FIRST_FRAME = 4 * 1024
PING_INTERVAL = 25.0
#: How many frames a client may send per second, and how many of these may be pings and pongs.
FRAMES_PER_SECOND = 200
CONTROL_FRAMES_PER_SECOND = 100
#: Codes that a close frame must not contain (RFC 6455, section 7.4.1).
_NOT_SENT = {1005, 1006, 1015}


class WebSocket(Connection):
    """A WebSocket. It has the parameters of `Connection`."""

    __slots__ = ("_control", "_frames", "_message", "_reader", "_waiting_bytes", "max_frame")

    def __init__(self, sock: Any, **options: Any) -> None:
        self.interval = PING_INTERVAL
        super().__init__(sock, **options)
        #: The maximum size of a message in bytes.
        self.max_frame = MAX_FIRST_FRAME
        # Only set while a frame or message is incomplete, because most clients send only pongs for a long time.
        self._reader: FrameReader | None = None
        # The received part of an incomplete message.
        self._message: bytearray | None = None
        # The bytes of the messages that wait for the pool.
        self._waiting_bytes = 0
        self._frames = 0
        self._control = 0

    def _new_second(self) -> None:
        self._frames = self._control = 0

    def _close_frame(self, code: int, reason: str) -> bytes:
        return close_frame(1000 if code in _NOT_SENT else code, reason)

    def _keepalive_frame(self) -> bytes | None:
        if not self._fresh:
            return None
        self._fresh = False
        return PING

    def _received(self, data: bytes) -> None:
        if self._reader is None:
            # Idle clients send only pings and pongs.
            control = read_control_frame(data)
            if control is not None:
                self._take_control(*control)
                return
            self._reader = FrameReader()
        for event in self._reader.receive(data):
            self._take(event)
            # The rest is ignored when the connection is closing.
            if self._end is not None:
                return
        if self._message is None and self._reader.at_frame_end:
            self._reader = None

    def _take_control(self, opcode: int, payload: bytes) -> None:
        if self._count_frame(is_control=True) and opcode == PING_OPCODE:
            self._send(pong_frame(payload))

    def _take(self, event: object) -> None:
        if not self._count_frame(is_control=isinstance(event, Ping | Pong)):
            return
        if isinstance(event, TextMessage | BytesMessage):
            self._take_part(event)
        elif isinstance(event, Ping):
            self._send(pong_frame(bytes(event.payload)))
        elif isinstance(event, CloseConnection):
            self._theirs = True
            self.end(event.code, "")

    def _count_frame(self, *, is_control: bool) -> bool:
        """Count a frame, and close the connection if the client has sent too many this second.

        :return: whether the frame is within the limit.
        """
        self._frames += 1
        self._control += is_control
        if self._frames <= FRAMES_PER_SECOND and self._control <= CONTROL_FRAMES_PER_SECOND:
            return True
        self.end(FLOODING, "Too many frames at once.")
        return False

    def _take_part(self, event: TextMessage | BytesMessage) -> None:
        """Receive a message or a part of one."""
        is_text = isinstance(event, TextMessage)
        data = event.data.encode() if isinstance(event, TextMessage) else event.data
        if len(self._message or ()) + len(data) > self.max_frame:
            self.end(TOO_BIG, "Message is too big")
            return
        # One buffer, because a client may send single bytes or endless empty parts.
        if self._message is None:
            self._message = bytearray()
        self._message += data
        if not event.message_finished:
            return
        whole, self._message = bytes(self._message), None
        with self._lock:
            self._waiting_bytes += len(whole)
        if self._waiting() >= MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
            self.end(TOO_MANY, "Too many frames at once.")
        else:
            self._do(partial(self._handle_message, whole, is_text=is_text))

    def _handle_message(self, message: bytes, *, is_text: bool) -> None:
        """Pass a message to the handler. Runs on the pool."""
        with self._lock:
            self._waiting_bytes -= len(message)
        self._handler.received(message.decode() if is_text else message)
