"""Taking a client's socket out of the hands of the web server, so that nothing of the server stays with it.

The server is left with another socket, whose other end takes what it still writes, and closes that one in its own
time. So its thread or greenlet is free as soon as the request is over, and so are the contexts of the request.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
import threading
from _socket import socket as RawSocket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.wsgi import ClosingIterator

from ...errors import TransportUnsupported
from ...host.servers import gunicorn_worker
from ...realtime.open_connections import HeldThreads
from .handshake import minimal_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: Where the handshake of simple-websocket looks for a socket first.
_HANDSHAKE_SOCKET = "werkzeug.socket"


class Takeover:
    """The socket of one request, to be taken over.

    :param environ: of the request.
    :raises TransportUnsupported: if the server has no socket that can be taken.
    :raises Unavailable: if taking it holds a thread of the server, and no more of these may be held.
    """

    def __init__(self, environ: WSGIEnvironment, held: HeldThreads) -> None:
        sock = find_socket(environ)
        if sock is None:
            raise TransportUnsupported
        self.environ = environ
        self._sock = sock
        self._stand_in: _StandIn | None = None
        self._held_threads = held
        self._sink: socket.socket | None = None
        self._over: threading.Event | None = None
        self._held = False
        self.taken = False
        if isinstance(sock, ssl.SSLSocket):
            # What encrypts it can't be moved, so the server's own socket is used, and its thread waits.
            held.take(threads_to_hold(environ))
            self._held = True
            self._over = threading.Event()

    def lend(self, key: str) -> dict[str, Any]:
        """Let flask-sock shake hands, and read nothing.

        :param key: of the handshake.
        :return: the environ to do it with.
        """
        self._stand_in = _StandIn(self._sock)
        return {**minimal_environ(key), _HANDSHAKE_SOCKET: self._stand_in}

    def take(self) -> Any:
        """Take the socket.

        :return: it, or one for the same line.
        """
        self.taken = True
        if self._stand_in is not None:
            self._stand_in.retire()
        if self._over is not None:
            return self._sock
        left, self._sink = socket.socketpair()
        mine = RawSocket(fileno=self._sock.detach())
        # The server may still want to set its time-out, half-close it and close it.
        type(self._sock).__init__(self._sock, fileno=left.detach())
        return mine

    @property
    def on_release(self) -> Callable[[], None] | None:
        """What to call when the socket is no longer used, if the server waits for that."""
        return None if self._over is None else self._over.set

    def give_back(self) -> None:
        """Note that the request ended without its socket being taken."""
        if not self.taken:
            self._free()

    def answer(self) -> Iterator[bytes]:
        """The rest of the request, as the server sees it."""
        if self._over is not None:
            # Closed by the server in any case, also where it never iterates.
            return ClosingIterator(self._hold(self._over), [self._free])
        return ClosingIterator([], [self._sink.close] if self._sink is not None else [])

    def _free(self) -> None:
        held, self._held = self._held, False
        if held:
            self._held_threads.free()

    def _hold(self, over: threading.Event) -> Iterator[bytes]:
        over.wait()
        # Nothing of HTTP must be written any more. Servers pass over a client that has gone.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        yield b""


class _StandIn:
    """What flask-sock shakes hands through. Its reader is told at once that nothing more comes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock

    def send(self, data: bytes) -> int:
        if self._sock is not None:
            self._sock.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        pass

    def retire(self) -> None:
        self._sock = None


class SwitchedResponse(Response):
    """What the server is told after the handshake of a WebSocket. The client gets nothing of it."""

    def __init__(self, takeover: Takeover) -> None:
        super().__init__(status=101)
        self._takeover = takeover

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
        return self._takeover.answer()


class StreamResponse(Response):
    """An answer whose body is sent by a connection of ours, after the head that the host's app has finished.

    :param begin: takes the socket and its first bytes.
    """

    def __init__(self, takeover: Takeover, begin: Callable[[Any, bytes], None], headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        # There is no length, and no chunks: it ends with the line.
        self.automatically_set_content_length = False
        self._takeover = takeover
        self._begin = begin

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        headers = [(name, value) for name, value in self.get_wsgi_headers(environ) if name.lower() not in _HOP_BY_HOP]
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        # Before the socket is taken: a header that can't be encoded is the server's to answer.
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._begin(self._takeover.take(), head)
        start_response(self.status, headers)
        return self._takeover.answer()


# Headers of a body that is not sent by the server: those of its connection, and what compresses it.
_HOP_BY_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive"}


def find_socket(environ: WSGIEnvironment) -> socket.socket | None:
    """The client's socket, where the server lends it and speaks HTTP/1 on it.

    :param environ: of a request.
    """
    if not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
        # A connection of HTTP/2 carries other requests, too.
        return None
    found = environ.get("gunicorn.socket") or environ.get("werkzeug.socket") or _socket_of_pywsgi(environ)
    return found if isinstance(found, socket.socket) else None


def _socket_of_pywsgi(environ: WSGIEnvironment) -> Any:
    """The socket that gevent's own server reads from. Without its monkey patch our threads would not be its own."""
    if not environ.get("SERVER_SOFTWARE", "").startswith("gevent/") or not _is_patched():
        return None
    given = environ.get("wsgi.input")
    # With an upgrade it is the file itself, else what bounds it to the body.
    return getattr(getattr(getattr(given, "rfile", given), "raw", None), "_sock", None)


def _is_patched() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def threads_to_hold(environ: WSGIEnvironment) -> int:
    """How many threads of the server may wait for sockets: a quarter.

    :param environ: of a request.
    """
    if not environ.get("wsgi.multithread"):
        return 0
    worker = gunicorn_worker()
    if worker is None:
        # Werkzeug's own server starts a thread for each connection.
        return 1000 if "werkzeug.socket" in environ else 0
    size = worker.cfg.threads if hasattr(worker, "tpool") else worker.cfg.worker_connections
    return int(size) // 4
