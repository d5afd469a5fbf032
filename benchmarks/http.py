"""A load of HTTP requests over keep-alive connections, cheap enough not to be what is measured."""

from __future__ import annotations

import http.client
import itertools
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any


def call(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """One request and the JSON of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        text = json.dumps(body) if body is not None else None
        connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
    return json.loads(content)


def request_bytes(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> bytes:
    """A whole request, ready to be written."""
    content = json.dumps(body).encode() if body is not None else b""
    head = {"Host": "127.0.0.1", "User-Agent": "benchmark", **(headers or {})}
    if content:
        head |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Line:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""

    def exchange(self, request: bytes) -> float:
        """Send one request and wait for its answer.

        :return: the seconds that it took.
        """
        began = time.perf_counter()
        self.sock.sendall(request)
        while not self.read():
            pass
        return time.perf_counter() - began

    def read(self) -> bool:
        """Read what there is; tell whether an answer is complete.

        :raises RuntimeError: if it is no success.
        """
        data = self.sock.recv(1 << 20)
        if not data:
            raise RuntimeError("The server closed a connection.")
        self._data = data = self._data + data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            return False
        at = data.lower().find(b"content-length:", 0, head)
        size = int(data[at + 15 : data.find(b"\r", at)])
        if len(data) < head + 4 + size:
            return False
        if not data.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"The server answered {data[:500]!r}")
        self._data = b""
        return True

    def close(self) -> None:
        self.sock.close()


def load(port: int, requests: Sequence[Sequence[bytes]], seconds: float) -> tuple[int, float]:
    """Send requests for a while, on each connection one after the other.

    :param requests: for each connection what it sends in turn.
    :return: how many were answered, and in how many seconds.
    """
    lines: list[tuple[Line, Iterator[bytes]]] = [(Line(port), itertools.cycle(own)) for own in requests]
    with selectors.DefaultSelector() as selector:
        try:
            return _pump(selector, lines, seconds)
        finally:
            for line, _ in lines:
                line.close()


def _pump(
    selector: selectors.BaseSelector, lines: list[tuple[Line, Iterator[bytes]]], seconds: float
) -> tuple[int, float]:
    began = time.perf_counter()
    deadline = began + seconds
    for pair in lines:
        selector.register(pair[0].sock, selectors.EVENT_READ, pair)
        pair[0].sock.send(next(pair[1]))
    answered, waiting, now = 0, len(lines), began
    while waiting:
        ready = selector.select(60)
        if not ready:
            raise RuntimeError("The server has not answered for a minute.")
        for key, _ in ready:
            line, own = key.data
            if not line.read():
                continue
            answered += 1
            now = time.perf_counter()
            if now < deadline:
                line.sock.send(next(own))
            else:
                waiting -= 1
    return answered, now - began
