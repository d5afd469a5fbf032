"""Servers of models on this machine, for the three protocols: real HTTP, strict, and scripted by the test.

`openai_server.py`, `anthropic_server.py` and `gemini_server.py` know the protocols. The official packages judge them in
`tests/ai/test_fakes.py`.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .http_server import QuietHandler, http_server

KEY = "sk-test-0123456789abcdef"


@dataclass
class Reply:
    """What a model is to answer.

    :ivar text: the text.
    :ivar calls: the tools that it calls, each with its arguments.
    :ivar stop: why it ends: end, length, filtered or refusal.
    :ivar status: an error instead of an answer.
    :ivar retry_after: the header of the error.
    :ivar wait: seconds before the answer, or `hold` an event to wait for.
    :ivar stall: an event to wait for in the middle of a stream.
    :ivar cut: how many bytes of the stream are sent before the connection breaks.
    :ivar ends: whether the stream ends properly where it is cut.
    :ivar error_in_stream: whether an error comes in the middle of the stream.
    :ivar thought: an opaque block that belongs to the answer, and must come back unchanged.
    :ivar pieces: into how many parts the text is split in a stream.
    :ivar raw: the bytes of the body instead of all this.
    :ivar headers: further headers of `raw`.
    :ivar repeat: how often `raw` is sent, as a body that never says how long it is.
    """

    text: str = ""
    calls: Sequence[tuple[str, Mapping[str, Any]]] = ()
    stop: str = "end"
    status: int = 200
    retry_after: str | None = None
    wait: float = 0.0
    hold: threading.Event | None = None
    stall: threading.Event | None = None
    cut: int | None = None
    ends: bool = False
    error_in_stream: bool = False
    thought: str | None = None
    pieces: int = 3
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 0


@dataclass
class Asked:
    """A request that the server accepted or refused."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    refused: str | None = None
    at: float = field(default_factory=time.monotonic)


class Refusal(Exception):
    """The request is wrong. The status and the message are what the real server answers."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Dialect(Protocol):
    """One protocol."""

    def check(self, server: ModelServer, asked: Asked) -> None:
        """Refuse a request that the real server would refuse.

        :raises Refusal: if it is wrong.
        """

    def whole(self, server: ModelServer, asked: Asked, reply: Reply) -> dict[str, Any]:
        """Make the answer."""

    def streamed(self, server: ModelServer, asked: Asked, reply: Reply) -> Iterator[bytes]:
        """Make the parts of a streamed answer."""

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Make the body of an error."""

    def is_stream(self, asked: Asked) -> bool:
        """Return whether the answer is to be streamed."""


class ModelServer:
    """A model's server: what it was asked, and what it answers."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.port = 0
        self.asked: list[Asked] = []
        #: Replies to use up first; then `reply` chooses.
        self.replies: list[Reply] = []
        self.reply: Callable[[Asked], Reply] = lambda asked: Reply("Hello!")
        #: What was given out and must come back unchanged: ids of calls and opaque blocks.
        self.given: dict[str, Any] = {}
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._numbers = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> list[Asked]:
        return [asked for asked in list(self.asked) if asked.refused is None]

    @property
    def refusals(self) -> list[str]:
        return [asked.refused for asked in list(self.asked) if asked.refused is not None]

    def number(self) -> int:
        with self.lock:
            self._numbers += 1
            return self._numbers

    def take(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            if asked.refused is not None:
                return Reply()
            return self.replies.pop(0) if self.replies else self.reply(asked)

    def wait_for(self, event: threading.Event | None, seconds: float = 0.0) -> None:
        """Wait as a reply says, but never longer than the test."""
        until = time.monotonic() + seconds
        while not self.stopping.is_set() and (
            (event is not None and not event.is_set()) or (event is None and time.monotonic() < until)
        ):
            self.stopping.wait(0.02)


def pieces(text: str, count: int) -> list[str]:
    """Split a text into parts."""
    size = max(1, -(-len(text) // count))
    return [text[start : start + size] for start in range(0, len(text), size)]


def sse(data: Mapping[str, Any] | str, name: str | None = None) -> bytes:
    """Make a server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    if re.search("[\ud800-\udfff]", text):
        # Half of a surrogate pair can only be sent as its escape.
        text = json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


@contextmanager
def model_server(dialect: Dialect) -> Iterator[ModelServer]:
    """Serve a model on a free port."""
    made = ModelServer(dialect)

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, {})
            try:
                try:
                    asked.body = json.loads(raw)
                except ValueError:
                    raise Refusal("We could not parse the JSON body of your request.") from None
                if KEY in self.path:
                    raise Refusal("A key in the address")
                made.dialect.check(made, asked)
            except Refusal as refusal:
                asked.refused = str(refusal)
                made.take(asked)
                self._send(refusal.status, json.dumps(made.dialect.error(refusal.status, str(refusal))).encode())
                return
            reply = made.take(asked)
            made.wait_for(reply.hold, reply.wait)
            if reply.raw is not None and reply.repeat:
                self._repeat(reply.raw, reply.repeat)
            elif reply.raw is not None:
                self._send(reply.status, reply.raw, reply.headers)
            elif reply.status != 200:
                headers = {"Retry-After": reply.retry_after} if reply.retry_after else {}
                # As the real ones do, with a part of the key in it.
                body = made.dialect.error(reply.status, f"Something is wrong with {KEY[:7]}")
                self._send(reply.status, json.dumps(body).encode(), headers)
            elif made.dialect.is_stream(asked):
                self._stream(reply, made.dialect.streamed(made, asked, reply))
            else:
                self._send(200, json.dumps(made.dialect.whole(made, asked, reply), ensure_ascii=False).encode())

        def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            try:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def _repeat(self, raw: bytes, times: int) -> None:
            self.close_connection = True
            # Who reads no more has perhaps gone without saying so.
            self.connection.settimeout(0.5)
            try:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for _ in range(times):
                    if made.stopping.is_set():
                        return
                    self.wfile.write(raw)
            except OSError:
                pass

        def _stream(self, reply: Reply, parts: Iterator[bytes]) -> None:
            left = reply.cut
            try:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in parts:
                    sent = part if left is None else part[:left]
                    if sent:
                        self.wfile.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
                        self.wfile.flush()
                    if left is not None:
                        left -= len(sent)
                        if left <= 0 and reply.ends:
                            break
                        if left <= 0:
                            self.close_connection = True
                            return
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True

    with http_server(Handler, "model", waits=False) as server:
        made.port = server.server_port
        try:
            yield made
        finally:
            made.stopping.set()
