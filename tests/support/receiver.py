"""A webhook receiver whose answer the test sets and which keeps what came."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .http_server import QuietHandler, http_server
from .servers import wait_until


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def event(self) -> str:
        return str(self.json["event"])


@dataclass
class Answer:
    """What the receiver says: a status, headers and a body, after waiting until `hold` is set."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    hold: threading.Event | None = None


class Receiver:
    """What came, in order, and what is answered to it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.port = 0
        self._lock = threading.Lock()
        #: Chooses the answer to a request; `answers` before it are used up first.
        self.answer: Callable[[Received], Answer] = lambda received: Answer()
        self.answers: list[Answer] = []
        self.stopping = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self) -> list[str]:
        """The types that came."""
        return [received.event for received in list(self.received)]

    def ids(self) -> list[str]:
        """The `webhook-id` of each."""
        return [received.headers["webhook-id"] for received in list(self.received)]

    def wait(self, count: int, timeout: float = 15.0) -> list[Received]:
        """Wait until so many requests came."""
        wait_until(lambda: len(self.received) >= count, f"{count} requests", timeout, self.events)
        return list(self.received)

    def take(self, received: Received) -> Answer:
        with self._lock:
            self.received.append(received)
            return self.answers.pop(0) if self.answers else self.answer(received)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.take(Received(self.path, dict(self.headers.items()), body))
            while answer.hold is not None and not answer.hold.wait(0.05) and not receiver.stopping.is_set():
                pass
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                pass

    with http_server(Handler, "receiver") as server:
        receiver.port = server.server_port
        try:
            yield receiver
        finally:
            receiver.stopping.set()
