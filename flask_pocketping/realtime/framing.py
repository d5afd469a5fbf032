"""Encodes the frames that the server sends over a WebSocket (RFC 6455, section 5.2) or in an event stream."""

from __future__ import annotations

from typing import NamedTuple

PING = b"\x89\x00"


class Frame(NamedTuple):
    """An encoded text frame or server-sent event, with the fields by which a connection filters."""

    type: str
    session_id: str | None
    data: bytes


def text_frame(text: str) -> bytes:
    """Encode a whole, unmasked text frame."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


def pong_frame(payload: bytes) -> bytes:
    """Encode the response to a ping.

    :param payload: the payload of the ping, at most 125 bytes.
    """
    return bytes((0x8A, len(payload))) + payload


def close_frame(code: int, reason: str) -> bytes:
    """Encode a close frame.

    :param reason: the reason; the frame has its first 123 bytes, which is the limit of a control frame.
    """
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return bytes((0x88, len(text) + 2)) + code.to_bytes(2, "big") + text
