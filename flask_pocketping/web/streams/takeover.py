"""Takes over a client's socket from the web server, so that the connection needs no thread of the server.

The server gets another socket instead. Our end of it receives anything that the server still writes, and the server
closes it as usual. So its thread or greenlet and the contexts of the request are free when the request ends.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
from _socket import socket as RawSocket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.wsgi import ClosingIterator

from ...errors import TransportUnsupported
from ...host.servers import gunicorn_worker, is_gevent_patched
from ...realtime.open_connections import HeldThreads
from .handshake import minimal_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The key of the environ in which simple-websocket looks for a socket first.
_HANDSHAKE_SOCKET = "werkzeug.socket"


class Takeover:
    """The takeover of one request's socket.

    :param environ: the WSGI environ of the request.
    :param held: counts the server threads that are blocked by sockets.
    :raises TransportUnsupported: if the server has no socket that can be taken over.
    :raises Unavailable: if this would block a thread of the server, and the limit of these is reached.
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
            # TLS state can't move to another socket, so this uses the server's socket, and the server's thread waits.
            held.take(threads_to_hold(environ))
            self._held = True
            self._over = threading.Event()

    def lend(self, key: str) -> dict[str, Any]:
        """Let flask-sock do the handshake, without reading from the socket.

        :param key: the key of the handshake.
        :return: the environ for flask-sock.
        """
        self._stand_in = _StandIn(self._sock)
        return {**minimal_environ(key), _HANDSHAKE_SOCKET: self._stand_in}

    def take(self) -> Any:
        """Take over the socket.

        :return: the socket, or another one for the same connection.
        """
        self.taken = True
        if self._stand_in is not None:
            self._stand_in.retire()
        if self._over is not None:
            return self._sock
        left, self._sink = socket.socketpair()
        mine = RawSocket(fileno=self._sock.detach())
        # The server may still set the timeout of its socket, shut it down and close it.
        type(self._sock).__init__(self._sock, fileno=left.detach())
        return mine

    @property
    def on_release(self) -> Callable[[], None] | None:
        """The function to call when the socket is no longer used, if the server waits for that."""
        return None if self._over is None else self._over.set

    def give_back(self) -> None:
        """Undo the takeover if the request ended before `take`."""
        if not self.taken:
            self._free()

    def answer(self) -> Iterator[bytes]:
        """Return the response body for the server, which ends its part of the request."""
        if self._over is not None:
            # The server always closes it, even if it does not iterate.
            return ClosingIterator(self._hold(self._over), [self._free])
        return ClosingIterator([], [self._sink.close] if self._sink is not None else [])

    def _free(self) -> None:
        held, self._held = self._held, False
        if held:
            self._held_threads.free()

    def _hold(self, over: threading.Event) -> Iterator[bytes]:
        over.wait()
        # The server must not write HTTP any more. It ignores this error, as if the client had disconnected.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        yield b""


class _StandIn:
    """The socket for the handshake of flask-sock. Reads return the end of the stream immediately."""

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
    """The response for the server after a WebSocket handshake. The client does not get it."""

    def __init__(self, takeover: Takeover) -> None:
        super().__init__(status=101)
        self._takeover = takeover

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
        return self._takeover.answer()


class StreamResponse(Response):
    """A response whose head the host app completes and whose body our connection sends.

    :param begin: starts the connection, with the socket and the bytes of the head.
    """

    def __init__(self, takeover: Takeover, begin: Callable[[Any, bytes], None], headers: dict[str, str]) -> None:
        super().__init__(headers=headers)
        # The body has no length and no chunks. It ends when the connection closes.
        self.automatically_set_content_length = False
        self._takeover = takeover
        self._begin = begin

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        headers = [(name, value) for name, value in self.get_wsgi_headers(environ) if name.lower() not in _HOP_BY_HOP]
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        # Encode the head before taking the socket, so that the server can respond if this fails.
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._begin(self._takeover.take(), head)
        start_response(self.status, headers)
        return self._takeover.answer()


# Headers that do not apply, because the server does not send the body: those of the connection and of compression.
_HOP_BY_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive"}


def find_socket(environ: WSGIEnvironment) -> socket.socket | None:
    """Return the client's socket if the server lends it and uses HTTP/1 on it.

    :param environ: the WSGI environ of a request.
    """
    if not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
        # An HTTP/2 connection also carries other requests.
        return None
    found = environ.get("gunicorn.socket") or environ.get("werkzeug.socket") or _socket_of_pywsgi(environ)
    return found if isinstance(found, socket.socket) else None


def _socket_of_pywsgi(environ: WSGIEnvironment) -> Any:
    """Return the socket of gevent's own server. Without its monkey patch, our threads would not be greenlets."""
    if not environ.get("SERVER_SOFTWARE", "").startswith("gevent/") or not is_gevent_patched():
        return None
    given = environ.get("wsgi.input")
    # For an upgrade, this is the file itself. Else, it is a wrapper that limits reads to the body.
    return getattr(getattr(getattr(given, "rfile", given), "raw", None), "_sock", None)


def threads_to_hold(environ: WSGIEnvironment) -> int:
    """Return how many threads of the server sockets may block: a quarter of them.

    :param environ: the WSGI environ of a request.
    """
    if not environ.get("wsgi.multithread"):
        return 0
    worker = gunicorn_worker()
    if worker is None:
        # Werkzeug's own server starts a thread for each connection.
        return 1000 if "werkzeug.socket" in environ else 0
    size = worker.cfg.threads if hasattr(worker, "tpool") else worker.cfg.worker_connections
    return int(size) // 4
