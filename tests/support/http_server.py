"""Serves a handler of HTTP requests in a thread. The servers that play other people's services use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that writes no log."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 256


@contextmanager
def http_server(
    handler: type[BaseHTTPRequestHandler],
    name: str,
    port: int = 0,
    *,
    waits: bool = True,
    before_close: Callable[[], None] = lambda: None,
) -> Iterator[ThreadingHTTPServer]:
    """Serve a handler on this machine.

    :param name: the end of the name of its thread.
    :param port: its port, or 0 for a free one.
    :param waits: whether to wait at the end for requests that are under way.
    :param before_close: called when no new request is taken any more.
    """
    server = _Server(("127.0.0.1", port), handler)
    server.daemon_threads = not waits
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"test-{name}")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        before_close()
        server.server_close()
