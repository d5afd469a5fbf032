"""Reads server-sent events (HTML Living Standard, section 9.2) from bytes that arrive in parts of any size."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

#: The longest event in characters. A server that sends more is broken.
MAX_EVENT = 4 * 1024 * 1024


class EventTooLong(ValueError):
    """An event is longer than `MAX_EVENT`."""


def read_events(parts: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the name and the data of each event. The name is `message` unless the event has one.

    Bytes that are not UTF-8 become U+FFFD. An event without its final blank line is incomplete, and is dropped.

    :raises EventTooLong: if an event is too long.
    """
    data: list[str] = []
    name, size = "", 0
    for line in _lines(parts):
        size += len(line)
        if size > MAX_EVENT:
            raise EventTooLong
        if not line:
            if data:
                yield name or "message", "\n".join(data)
            name, data, size = "", [], 0
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        # A comment is a field without a name.
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value


def _lines(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield complete lines, which end with CR, LF or both."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    # The line so far, in parts: joined once, because it may arrive in many.
    begun_line: list[str] = []
    size = 0
    begun = after_cr = False
    for part in parts:
        text = decoder.decode(part)
        if text and not begun:
            begun, text = True, text.removeprefix("\ufeff")
        if text and after_cr:
            text, after_cr = text.removeprefix("\n"), False
        after_cr |= text.endswith("\r")
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            yield "".join([*begun_line, line])
            begun_line, size = [], 0
        begun_line.append(rest)
        size += len(rest)
        if size > MAX_EVENT:
            raise EventTooLong
