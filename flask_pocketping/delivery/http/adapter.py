"""Connects `requests` to the network for `http.py`: only to checked addresses, with reused connections.

The first request imports this module, because importing `requests` takes a tenth of a second.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection

from .addresses import Origin
from .body import Body, BoundedSource, TooManyBytes
from .dialer import Dialer
from .errors import BadResponse, ConnectionFailed, HTTPClientError, RequestTimedOut, TLSFailed
from .watchdog import Deadline

#: How many connections are kept open for further requests, and for how many seconds.
KEPT = 64
KEPT_SECONDS = 30.0
#: The seconds for requests that must not be repeated, because servers close connections that were idle for longer.
KEPT_SECONDS_ONCE = 1.0


@dataclass(slots=True)
class Exchange:
    """Options of a request for the adapter, and how far it got.

    :ivar max_bytes: the maximum number of bytes to read of a response, with head and framing.
    :ivar repeatable: whether the server may get the request twice.
    :ivar maybe_sent: whether the server may have received something of it.
    """

    origin: Origin
    deadline: Deadline
    max_bytes: int
    repeatable: bool
    maybe_sent: bool = False


class GuardedSession(requests.Session):
    """A session that follows no redirects and ignores the environment.

    :param dialer: opens the connections.
    :param tls: returns the TLS settings with the trusted authorities. Called with the first https request.
    """

    def __init__(self, dialer: Dialer, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.adapter = GuardedAdapter(dialer, tls)
        self.mount("https://", self.adapter)
        self.mount("http://", self.adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return `None`, so that redirects are results. `allow_redirects=False` alone would read their bodies."""
        return None


class GuardedAdapter(BaseAdapter):
    """Sends requests over connections of urllib3. Threads and greenlets may share it."""

    def __init__(self, dialer: Dialer, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()
        self._dialer = dialer
        self._tls = tls
        self._kept = KeptConnections()

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, exchange: Exchange, **options: Any
    ) -> requests.Response:
        """Send a request and read the head of its response.

        :raises HTTPClientError: a subclass, if there is no response.
        """
        with _failures_of(exchange):
            kept = self._kept.take(exchange.origin, KEPT_SECONDS if exchange.repeatable else KEPT_SECONDS_ONCE)
            if kept is not None:
                try:
                    return self._send_over(kept, request, exchange)
                except (ConnectionError, ssl.SSLError):
                    # The server may have just closed it.
                    if not exchange.repeatable or kept.received or exchange.deadline.has_passed():
                        raise
            return self._send_over(self._connect(exchange), request, exchange)

    def close_idle(self) -> None:
        """Close kept connections that have been idle for a while."""
        self._kept.close_older_than(KEPT_SECONDS)

    def close(self) -> None:
        """Close all kept connections."""
        self._kept.close_older_than(0.0)

    def _connect(self, exchange: Exchange) -> Connection:
        origin = exchange.origin
        dial = functools.partial(self._dialer.connect, origin)
        if origin.scheme == "https":
            return TLSConnection(dial, origin, ssl_context=self._tls())
        return Connection(dial, origin)

    def _send_over(
        self, connection: Connection, request: requests.PreparedRequest, exchange: Exchange
    ) -> requests.Response:
        def release(reusable: bool) -> None:
            exchange.deadline.release()
            if reusable and connection.sent:
                self._kept.put(connection)
            else:
                connection.discard()

        try:
            head = connection.exchange(request, exchange)
            body = Body(head, exchange.deadline.remaining, lambda: _failures_of(exchange), release)
        except BaseException:
            release(False)
            raise
        response = requests.Response()
        response.status_code = head.status
        response.reason = head.reason
        response.headers = CaseInsensitiveDict(HTTPHeaderDict(head.getheaders()))
        response.request = request
        response.url = request.url or ""
        response.raw = body
        return response


class Connection(HTTPConnection):
    """A connection to a checked address, with the host's name in `Host` and certificate.

    :ivar sent: whether the last request was sent completely.
    """

    def __init__(self, dial: Callable[[Deadline], socket.socket], origin: Origin, **options: Any) -> None:
        super().__init__(origin.host, origin.port, **options)
        self.origin = origin
        self.sent = False
        self._dial = dial
        self._exchange: Exchange | None = None
        self._source: BoundedSource | None = None
        #: A duplicate of the socket, which TLS takes over. The watchdog needs it during the handshake.
        self._control: socket.socket | None = None

    @property
    def received(self) -> int:
        """How many bytes of the response to the last request were received."""
        return self._source.received if self._source is not None else 0

    def exchange(self, request: requests.PreparedRequest, exchange: Exchange) -> http.client.HTTPResponse:
        """Send a request and read the head of its response."""
        self._exchange, self._source, self.sent = exchange, None, False
        self.timeout = exchange.deadline.remaining()
        if self._control is None:
            self.connect()
        else:
            exchange.deadline.watch(self._control)
        exchange.maybe_sent = True
        # A server may respond and close the connection before it has read the whole request.
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            self.request(request.method or "", request.path_url, request.body, request.headers)
            self.sent = True
        # Not with urllib3, which logs the URL with its tokens if it can't parse a header.
        response = http.client.HTTPConnection.getresponse(self)
        exchange.deadline.remaining()
        if self._source is None or self._source.ended:
            raise http.client.IncompleteRead(b"")
        return response

    def response_class(  # type: ignore[override]
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> http.client.HTTPResponse:
        """Create the response for `http.client`."""
        assert self._exchange is not None
        self._source = BoundedSource(sock, self._exchange.max_bytes)
        return http.client.HTTPResponse(self._source, *args, **options)  # type: ignore[arg-type]

    def discard(self) -> None:
        """Close the connection without keeping it."""
        self.close()
        if self._source is not None:
            # Else, a failed response would keep the socket open.
            self._source.close()
        if self._control is not None:
            self._control.close()

    def _new_conn(self) -> socket.socket:
        assert self._exchange is not None
        sock = self._dial(self._exchange.deadline)
        try:
            self._control = sock.dup()
        except OSError:
            sock.close()
            raise
        self._exchange.deadline.watch(self._control)
        return sock


class TLSConnection(Connection, HTTPSConnection):
    """A connection with TLS."""


class KeptConnections:
    """Idle connections that can be reused for their origin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The connections and the times since which they are idle, oldest first.
        self._waiting: list[tuple[float, Connection]] = []
        # This uses no lock, because a lock may stay held forever in a forked process.
        weakref.finalize(self, _discard_all, self._waiting)

    def take(self, origin: Origin, seconds: float) -> Connection | None:
        """Remove and return the most recently used connection that the server has not closed.

        :param seconds: the maximum idle time.
        """
        while (connection := self._pop(origin, time.monotonic() - seconds)) is not None:
            if connection.is_connected:
                return connection
            connection.discard()
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection. If there are too many, this closes the oldest one."""
        with self._lock:
            self._waiting.append((time.monotonic(), connection))
            oldest = self._waiting.pop(0)[1] if len(self._waiting) > KEPT else None
        if oldest is not None:
            oldest.discard()

    def close_older_than(self, seconds: float) -> None:
        """Close connections that have been idle for longer."""
        limit = time.monotonic() - seconds
        with self._lock:
            old = [entry for entry in self._waiting if entry[0] <= limit]
            del self._waiting[: len(old)]
        _discard_all(old)

    def _pop(self, origin: Origin, after: float) -> Connection | None:
        with self._lock:
            for index in range(len(self._waiting) - 1, -1, -1):
                since, connection = self._waiting[index]
                if connection.origin == origin and since > after:
                    del self._waiting[index]
                    return connection
        return None


def _discard_all(waiting: list[tuple[float, Connection]]) -> None:
    for _, connection in waiting:
        connection.discard()


@contextlib.contextmanager
def _failures_of(exchange: Exchange) -> Iterator[None]:
    """Convert errors of a request to our own, which name only the host."""
    try:
        yield
    except HTTPClientError as error:
        error.maybe_sent = exchange.maybe_sent
        raise
    except (OSError, http.client.HTTPException) as error:
        failure = _failure(exchange, error)
        failure.maybe_sent = exchange.maybe_sent
        raise failure from None


def _failure(exchange: Exchange, error: Exception) -> HTTPClientError:
    host, deadline = exchange.origin.authority, exchange.deadline
    # A connection that the watchdog has shut down raises various errors.
    if isinstance(error, TimeoutError) or deadline.has_passed():
        return RequestTimedOut(f"Timeout: {host} gave no complete answer within {deadline.seconds:g} seconds.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return TLSFailed(f"The TLS certificate of {host} was refused: {error.verify_message}.")
    if isinstance(error, ssl.SSLError):
        return TLSFailed(f"TLS with {host} failed: {error.reason or 'it broke off'}.")
    if isinstance(error, OSError):
        return ConnectionFailed(f"The connection to {host} failed: {error.strerror or 'closed by the other side'}.")
    if isinstance(error, TooManyBytes):
        return BadResponse(f"The answer of {host} has too many bytes around its body.")
    return BadResponse(f"The answer of {host} is not complete HTTP.")
