"""A connection that ends in time: what `http.py` sends a request over and reads its answer from."""

from __future__ import annotations

import io
import socket
import ssl
import time
from typing import Any, cast


class TooManyBytes(Exception):
    """The other side sent more than anything needs that is read here."""


class Deadline:
    """The moment at which a request must be over, on a clock that is never set back.

    :param seconds: counted from now.
    """

    def __init__(self, seconds: float) -> None:
        self._start = time.monotonic()
        self._seconds = seconds

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def remaining(self) -> float:
        """Seconds until the end.

        :raises TimeoutError: if there are none.
        """
        remaining = self._seconds - self.elapsed()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def open_wire(
    sock: socket.socket, deadline: Deadline, *, tls: ssl.SSLContext | None, name: str, most: int
) -> socket.socket:
    """Make a connected socket keep a deadline, and shake hands if there is TLS.

    :param tls: `None` for plain HTTP.
    :param name: whose certificate the other side must have.
    :param most: bytes that may be received after the handshake, TLS's own among them; reading more raises
        `TooManyBytes`.
    :returns: what `http.client` takes for a socket. Closing it has no effect: the socket stays the
        caller's.
    :raises OSError: if the handshake fails; `TimeoutError` and `ssl.SSLError` are of that kind.
    """
    counted = _Wire(sock, deadline)
    opened = wire = cast(socket.socket, counted)
    if tls is not None:
        from urllib3.util.ssltransport import SSLTransport

        opened = cast(socket.socket, SSLTransport(wire, tls, name))
    # The handshake's own size is bounded by OpenSSL.
    counted.left = most
    return opened


class _Wire:
    """The part of a socket that `http.client` and `SSLTransport` use, with each operation held to what
    remains of one deadline. An `SSLSocket` can't give that: gevent's starts its timeout anew with every
    few bytes that arrive."""

    # SSLTransport and SocketIO count here who still reads.
    _io_refs = 0

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self.left: int | None = None

    def _in_time(self) -> socket.socket:
        self._sock.settimeout(self._deadline.remaining())
        return self._sock

    def sendall(self, data: bytes) -> None:
        # SSLTransport sends nothing before each read. That would fail where the other side has closed
        # the connection, with its answer still to be read.
        if data:
            self._in_time().sendall(data)

    def recv(self, size: int) -> bytes:
        data = self._in_time().recv(size)
        self._count(len(data))
        return data

    def recv_into(self, buffer: memoryview) -> int:
        size = self._in_time().recv_into(buffer)
        self._count(size)
        return size

    def _count(self, size: int) -> None:
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                raise TooManyBytes

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(socket.SocketIO(cast(Any, self), "r"))

    def close(self) -> None:
        pass

    def _decref_socketios(self) -> None:
        pass
