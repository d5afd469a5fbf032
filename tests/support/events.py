"""A client of server-sent events as a dialogue: what comes in, and with which name and id."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from .clients import BROWSER, Visitor


class Told(NamedTuple):
    """One event, or a comment: then there is neither name nor frame."""

    name: str
    id: str | None
    frame: dict[str, Any]
    comment: bool = False


class EventSource:
    """A stream of events.

    :param page: whose it is.
    :param after: where it goes on.
    :param headers: further headers of the request.
    :param receive_buffer: bytes that the system keeps for a client that does not read; small for a slow one.
    """

    def __init__(
        self,
        page: Visitor,
        *,
        after: str | None = None,
        headers: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        parts = urlsplit(page.url)
        query = urlencode({"sessionId": page.handle, **({"after": after} if after is not None else {})})
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        self._connection.sock = sock = socket.socket()
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect((parts.hostname, parts.port))
        self._connection.request(
            "GET", f"{parts.path}/stream?{query}", headers={"User-Agent": BROWSER} | (headers or {})
        )
        self.sock = sock
        self.response = self._connection.getresponse()
        #: The id of the last event that had one: where a browser would go on.
        self.last_id: str | None = None

    def __enter__(self) -> EventSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def json(self) -> Any:
        """The body of an answer that is no stream."""
        return json.loads(self.response.read())

    def next(self, timeout: float = 10.0) -> Told | None:
        """The next event or comment; nothing at the end of the stream."""
        fields: dict[str, str] = {}
        while True:
            line = self._line(timeout)
            if not line:
                return None
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                return Told(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
            elif "" in fields:
                return Told("", None, {}, True)
            else:
                fields = {}

    def receive(self, timeout: float = 10.0) -> dict[str, Any]:
        """The next frame; comments, and the first frame, are passed over."""
        while True:
            told = self.next(timeout)
            assert told is not None, "the stream ended"
            if not told.comment and told.name != "connected":
                return told.frame

    def expect(self, type: str) -> dict[str, Any]:
        """The next frame of a type; others before it are passed over."""
        return self.collect(lambda frames: frames[-1]["type"] == type)[-1]

    def collect(self, enough: Callable[[list[dict[str, Any]]], bool], timeout: float = 10.0) -> list[dict[str, Any]]:
        """Frames until there are enough of them."""
        deadline = time.monotonic() + timeout
        frames: list[dict[str, Any]] = []
        while not frames or not enough(frames):
            left = deadline - time.monotonic()
            assert left > 0, f"not within {timeout} s; got {[frame['type'] for frame in frames]}"
            frames.append(self.receive(left))
        return frames

    def rest(self, timeout: float = 10.0) -> list[Told]:
        """All up to the end of the stream."""
        found = []
        while (told := self.next(timeout)) is not None:
            found.append(told)
        return found

    def close(self) -> None:
        self.response.close()
        self._connection.close()

    def _line(self, timeout: float) -> bytes:
        if self.sock.fileno() >= 0:
            self.sock.settimeout(max(0.001, timeout))
        try:
            return self.response.readline()
        except (TimeoutError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise AssertionError(f"nothing more came within {timeout:.1f} s") from None
            return b""
        except http.client.IncompleteRead:
            return b""
