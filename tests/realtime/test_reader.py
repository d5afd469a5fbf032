"""Tests the parsing of client frames: with and without a parser, whole and in pieces, valid and invalid."""

from __future__ import annotations

import pytest
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage

from flask_pocketping.realtime.frame_reader import PING_OPCODE, PONG_OPCODE, FrameReader, read_control_frame

from ..support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, masked


@pytest.mark.parametrize("payload", [b"", b"x", b"abcd", b"abcde", bytes(range(125))], ids=len)
@pytest.mark.parametrize(("opcode", "number"), [(PING, PING_OPCODE), (PONG, PONG_OPCODE)])
def test_a_single_ping_or_pong_needs_no_parser(opcode: int, number: int, payload: bytes) -> None:
    frame = masked(payload, opcode)
    assert read_control_frame(frame) == (number, payload)
    (event,) = FrameReader().receive(frame)
    assert isinstance(event, Ping if opcode == PING else Pong)
    assert bytes(event.payload) == payload, "a parser reads the same"


PONG_FRAME = masked(b"abc", PONG)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x8a",
        PONG_FRAME[:-1],
        PONG_FRAME + b"\x8a",
        PONG_FRAME * 2,
        b"\x8a\x03abc",
        b"\x8a\x06abcdef",
        masked(b"abc", PONG, fin=False),
        bytes([PONG_FRAME[0] | 0x40]) + PONG_FRAME[1:],
        bytes([PONG_FRAME[0] | 0x20]) + PONG_FRAME[1:],
        bytes([PONG_FRAME[0] | 0x10]) + PONG_FRAME[1:],
        masked(b"x" * 126, PONG),
        b"\x8a\xfe\x00\x03\0\0\0\0abc",
        masked(b"abc", TEXT),
        masked(b"abc", CLOSE),
        masked(b"abc", 0xB),
    ],
    ids=[
        *("nothing", "one byte", "not all there", "more behind it", "two", "not masked", "not masked, six bytes long"),
        *("in parts", "a reserved bit", "the second", "the third", "too long", "a longer length", "text", "a close"),
        "no opcode",
    ],
)
def test_anything_but_a_ping_or_pong_needs_a_parser(data: bytes) -> None:
    assert read_control_frame(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x8a\x03abc",
        masked(b"abc", PONG, fin=False),
        bytes([PONG_FRAME[0] | 0x40]) + PONG_FRAME[1:],
        masked(b"x" * 126, PONG),
        masked(b"abc", 0xB),
    ],
    ids=["not masked", "in parts", "a reserved bit", "too long", "no opcode"],
)
def test_a_protocol_error_is_a_close(data: bytes) -> None:
    (event,) = FrameReader().receive(data)
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


STREAM = [
    masked(b"", TEXT),
    masked(b"hello", TEXT),
    masked(b"x" * 126, BINARY),
    masked(b"", PING),
    masked(b"y" * 70_000, TEXT, fin=False),
    masked(b"between", PONG),
    masked(b"z", CONTINUATION),
]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_reader_knows_where_frames_end(step: int) -> None:
    reader = FrameReader()
    ends, end = set(), 0
    for frame in STREAM:
        end += len(frame)
        ends.add(end)
    stream = b"".join(STREAM)
    events: list[Event] = []
    for start in range(0, len(stream), step):
        events += reader.receive(stream[start : start + step])
        assert reader.at_frame_end == (min(start + step, len(stream)) in ends)
    assert sum(isinstance(event, TextMessage) and event.message_finished for event in events) == 3
