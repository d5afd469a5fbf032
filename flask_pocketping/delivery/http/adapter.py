"""How `requests` reaches the network for `http.py`: connections to checked addresses only, kept and used again.

Imported with the first request, since `requests` takes a tenth of a second.
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

#: Connections that are kept open for further requests, and for how many seconds.
KEPT = 64
KEPT_SECONDS = 30.0
#: The same for requests that must not be repeated: servers close connections that were idle for longer.
KEPT_SECONDS_ONCE = 1.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the adapter has to know of a request besides its content.

    :ivar max_bytes: how many bytes of an answer are read at the most, with head and framing.
    :ivar repeatable: whether the other side may get the request twice.
    """

    origin: Origin
    deadline: Deadline
    max_bytes: int
    repeatable: bool


class GuardedSession(requests.Session):
    """A session that follows no redirect and takes nothing from the environment.

    :param dialer: opens the connections.
    :param tls: the authorities that are trusted, with all else about TLS; called with the first https request.
    """

    def __init__(self, dialer: Dialer, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.adapter = GuardedAdapter(dialer, tls)
        self.mount("https://", self.adapter)
        self.mount("http://", self.adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Let every redirect be a result. `allow_redirects=False` alone would still read the whole body of one."""
        return None


class GuardedAdapter(BaseAdapter):
    """Sends requests over urllib3's connections. Threads and greenlets may share it."""

    def __init__(self, dialer: Dialer, tls: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()
        self._dialer = dialer
        self._tls = tls
        self._kept = KeptConnections()

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, exchange: Exchange, **options: Any
    ) -> requests.Response:
        """Send a request and read the head of its answer.

        :raises HTTPClientError: one of its subclasses, if there is no answer.
        """
        with _failures_of(exchange):
            kept = self._kept.take(exchange.origin, KEPT_SECONDS if exchange.repeatable else KEPT_SECONDS_ONCE)
            if kept is not None:
                try:
                    return self._send_over(kept, request, exchange)
                except (ConnectionError, ssl.SSLError):
                    # The server may have closed it at this very moment.
                    if not exchange.repeatable or kept.received or exchange.deadline.has_passed():
                        raise
            return self._send_over(self._connect(exchange), request, exchange)

    def close_idle(self) -> None:
        """Close kept connections that were not used for a while."""
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

    :ivar sent: whether the last request went out whole.
    """

    def __init__(self, dial: Callable[[Deadline], socket.socket], origin: Origin, **options: Any) -> None:
        super().__init__(origin.host, origin.port, **options)
        self.origin = origin
        self.sent = False
        self._dial = dial
        self._exchange: Exchange | None = None
        self._source: BoundedSource | None = None
        #: The socket once more: TLS takes the first one away, and the watchdog must reach it during the handshake.
        self._control: socket.socket | None = None

    @property
    def received(self) -> int:
        """How many bytes came for the last request."""
        return self._source.received if self._source is not None else 0

    def exchange(self, request: requests.PreparedRequest, exchange: Exchange) -> http.client.HTTPResponse:
        """Send a request and read the head of its answer."""
        self._exchange, self._source, self.sent = exchange, None, False
        self.timeout = exchange.deadline.remaining()
        if self._control is None:
            self.connect()
        else:
            exchange.deadline.watch(self._control)
        # A server may answer and hang up before it has read everything.
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            self.request(request.method or "", request.path_url, request.body, request.headers)
            self.sent = True
        # Not by urllib3, which logs the whole URL, with any token in it, where a header can't be parsed.
        response = http.client.HTTPConnection.getresponse(self)
        exchange.deadline.remaining()
        if self._source is None or self._source.ended:
            raise http.client.IncompleteRead(b"")
        return response

    def response_class(  # type: ignore[override]
        self, sock: socket.socket, *args: Any, **options: Any
    ) -> http.client.HTTPResponse:
        """Make the response that `http.client` reads into."""
        assert self._exchange is not None
        self._source = BoundedSource(sock, self._exchange.max_bytes)
        return http.client.HTTPResponse(self._source, *args, **options)  # type: ignore[arg-type]

    def discard(self) -> None:
        """Close it for good."""
        self.close()
        if self._source is not None:
            # A response that failed would hold the socket open.
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
    """The same with TLS."""


class KeptConnections:
    """Connections that wait for a further request to their origin."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The connections and since when they wait, the oldest first.
        self._waiting: list[tuple[float, Connection]] = []
        # Without the lock, which may be held for ever in a process that was forked off.
        weakref.finalize(self, _discard_all, self._waiting)

    def take(self, origin: Origin, seconds: float) -> Connection | None:
        """Take out the connection that was used last, if the other side has not closed it.

        :param seconds: how long ago that may be.
        """
        while (connection := self._pop(origin, time.monotonic() - seconds)) is not None:
            if connection.is_connected:
                return connection
            connection.discard()
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection, instead of the oldest one if there are too many."""
        with self._lock:
            self._waiting.append((time.monotonic(), connection))
            oldest = self._waiting.pop(0)[1] if len(self._waiting) > KEPT else None
        if oldest is not None:
            oldest.discard()

    def close_older_than(self, seconds: float) -> None:
        """Close connections that have waited for longer."""
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
    """Turn what can go wrong into errors of our own, which name the host and nothing else."""
    try:
        yield
    except HTTPClientError:
        raise
    except (OSError, http.client.HTTPException) as error:
        raise _failure(exchange, error) from None


def _failure(exchange: Exchange, error: Exception) -> HTTPClientError:
    host, deadline = exchange.origin.authority, exchange.deadline
    # What the watchdog cuts off fails in many ways.
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
