"""The HTTP client for addresses that somebody else chose: it reaches public hosts only, follows no
redirect, and always comes back in time. Webhooks, bridges and AI calls go through it."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

from ..version import user_agent
from .addresses import Address, Network
from .errors import (
    AddressNotAllowed,
    BadHeader,
    BadResponse,
    BadURL,
    ConnectionFailed,
    HTTPClientError,
    NameNotResolved,
    RequestTimedOut,
    ResponseTooLarge,
    TLSFailed,
)
from .urls import Place, check_addresses, check_url, read_url
from .wire import Deadline, TooManyBytes, open_wire

if TYPE_CHECKING:
    from urllib3 import HTTPHeaderDict

__all__ = [
    "AddressNotAllowed",
    "BadHeader",
    "BadResponse",
    "BadURL",
    "ConnectionFailed",
    "GuardedClient",
    "HTTPClientError",
    "HTTPResult",
    "NameNotResolved",
    "RequestTimedOut",
    "ResponseTooLarge",
    "TLSFailed",
    "check_url",
    "default_tls",
    "system_addresses",
]

#: Turns a host name into the texts of its IP addresses; raises `OSError` where there are none.
Resolver = Callable[[str], Sequence[str]]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Without the bound, or with what `int` takes besides ("-1", "1_0"), a size could ask for any number of bytes.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LENGTH = re.compile("[0-9]{1,18}")

#: Bytes of a status line, headers and trailers, and of each line that is not the body's.
MAX_HEAD = 64 * 1024
#: Bytes of a chunk's first line: the size, and extensions that nobody uses.
MAX_CHUNK_LINE = 1024


@dataclass(frozen=True, slots=True)
class HTTPResult:
    """An answer, whatever its status.

    :ivar headers: a mapping that ignores the case of names.
    :ivar body: the bytes that were read.
    :ivar excerpt: their beginning as text, without NUL characters, which PostgreSQL can't store.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str
    duration_ms: int


def system_addresses(host: str) -> list[str]:
    """Resolve a name the way the operating system does.

    :raises OSError: if it has no address.
    """
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


@functools.cache  # reading the authorities takes a tenth of a second
def default_tls() -> ssl.SSLContext:
    """TLS that trusts certifi's authorities, and those of the system or of `SSL_CERT_FILE`."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@dataclass(frozen=True, kw_only=True)
class GuardedClient:
    """Sends requests to public addresses, each over a connection of its own.

    A name is resolved once, refused if any of its addresses is not allowed, and connected to by
    address, so a name that changes in between (DNS rebinding) leads nowhere else; certificate and
    `Host` header are still those of the name. Redirects come back as results. Proxies and `.netrc`
    of the environment are not used, cookies are not kept. Threads and greenlets may share a client.

    :param allow_http: whether http is as good as https.
    :param allow_networks: networks that are allowed although they are not public.
    :param user_agent: the `User-Agent` of requests that bring none; the package's if unset.
    :param timeout: seconds for the whole request, from resolving the name to the end of the answer.
    :param excerpt: how many bytes of an answer go into its excerpt.
    :param resolve: finds the addresses of a name.
    :param tls: the authorities that are trusted, with all else about TLS; by default `default_tls`.
    """

    allow_http: bool
    allow_networks: Sequence[Network]
    user_agent: str = ""
    timeout: float = 15.0
    excerpt: int = 2048
    resolve: Resolver = system_addresses
    tls: ssl.SSLContext | None = None

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> HTTPResult:
        """Post a body and read no more of the answer than its excerpt; raises as `request` does."""
        return self.request("POST", url, body=body, headers=headers)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_response: int | None = None,
    ) -> HTTPResult:
        """Send a request and read its answer, of any status.

        The client sets `Host`, `Connection`, `Accept-Encoding` and the length itself (RFC 9110);
        the same headers from the caller have no effect. A compressed answer is not unpacked.

        :param max_response: how many bytes the answer's body may have; without it, only the excerpt
            is read and the rest left.
        :raises HTTPClientError: one of its subclasses, if there is no answer.
        """
        # Loaded by processes that send something only.
        from urllib3 import HTTPHeaderDict

        deadline = Deadline(self.timeout)
        place = read_url(url, allow_http=self.allow_http)
        fields = self._fields(place, headers or {})
        with _failures_of(place, self.timeout), contextlib.ExitStack() as stack:
            sock = stack.enter_context(self._connect(place, deadline))
            tls = (self.tls or default_tls()) if place.tls else None
            most = self.excerpt if max_response is None else max_response + 1
            # Small chunks take several times the bytes that they carry; an honest sender makes none so small.
            wire = open_wire(sock, deadline, tls=tls, name=place.name, most=2 * MAX_HEAD + 2 * most)
            response = stack.enter_context(_exchange(wire, place, method, body, fields))
            content = _read(response, most)
        if max_response is not None and len(content) > max_response:
            raise ResponseTooLarge(f"The answer of {place.authority} is larger than {max_response} bytes.")
        return HTTPResult(
            status_code=response.status,
            headers=HTTPHeaderDict(response.getheaders()),
            body=content,
            excerpt=content[: self.excerpt].decode("utf-8", "replace").replace("\0", ""),
            duration_ms=round(deadline.elapsed() * 1000),
        )

    def _fields(self, place: Place, headers: Mapping[str, str]) -> HTTPHeaderDict:
        from urllib3 import HTTPHeaderDict

        fields = HTTPHeaderDict(headers)
        fields.setdefault("User-Agent", self.user_agent or user_agent())
        fields.discard("Content-Length")
        fields.discard("Transfer-Encoding")
        fields["Host"] = place.authority
        fields["Connection"] = "close"
        fields["Accept-Encoding"] = "identity"
        for name, value in fields.items():
            if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                raise BadHeader(f"The header {name!r} has characters that HTTP does not allow.")
        return fields

    def _connect(self, place: Place, deadline: Deadline) -> socket.socket:
        addresses = [place.address] if place.address else self._resolve(place, deadline)
        check_addresses(place, addresses, self.allow_networks)
        failure: OSError | None = None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                sock = socket.create_connection((str(address), place.port), deadline.remaining() / left)
            except OSError as error:
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
        raise failure or OSError("no address to connect to")

    def _resolve(self, place: Place, deadline: Deadline) -> list[Address]:
        answers: Sequence[str] = ()
        failure: Exception | None = None

        def look_up() -> None:
            nonlocal answers, failure
            try:
                answers = self.resolve(place.host)
            except (OSError, UnicodeError) as error:
                failure = error

        # getaddrinfo takes no timeout. One that hangs is left to end by itself.
        thread = Thread(target=look_up, name="pocketping-resolve", daemon=True)
        thread.start()
        thread.join(deadline.remaining())
        if thread.is_alive():
            raise TimeoutError
        if not answers:
            raise NameNotResolved(f"The name {place.host} could not be resolved.") from failure
        return [ip_address(answer) for answer in answers]


def _exchange(
    wire: socket.socket, place: Place, method: str, body: bytes | None, fields: HTTPHeaderDict
) -> HTTPResponse:
    # Not urllib3's connection: that one logs the whole URL, and so any token in it, when a header
    # of the answer can't be parsed.
    connection = HTTPConnection(place.host, place.port)
    connection.sock = wire
    # A server may answer and hang up before it has read everything.
    with contextlib.suppress(ConnectionError):
        connection.request(method, place.target, body, fields)
    return connection.getresponse()


def _read(response: HTTPResponse, limit: int) -> bytes:
    if response.chunked:
        return _read_chunks(response.fp, limit)
    if any(not _LENGTH.fullmatch(length) for length in response.headers.get_all("Content-Length", [])):
        raise HTTPException("a Content-Length that is no number")
    content = response.read(limit)
    if len(content) < limit and response.length:
        raise IncompleteRead(content, response.length)
    return content


def _read_chunks(stream: BinaryIO, limit: int) -> bytes:
    """Read a chunked body (RFC 9112, section 7.1), up to `limit` bytes of it.

    Not by `http.client`: it takes a negative size for "all that comes".
    """
    content = bytearray()
    while True:
        line = stream.readline(MAX_CHUNK_LINE)
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise HTTPException("a chunk without a size")
        size = int(match[1], 16)
        if not size:
            return bytes(content)
        wanted = min(size, limit - len(content))
        part = stream.read(wanted)
        content += part
        if len(part) < wanted:
            raise IncompleteRead(bytes(content), size - len(part))
        if len(content) >= limit:
            return bytes(content)
        if stream.readline(3) not in {b"\r\n", b"\n"}:
            raise HTTPException("a chunk that is longer than its size")


@contextlib.contextmanager
def _failures_of(place: Place, timeout: float) -> Iterator[None]:
    host = place.authority
    try:
        yield
    except TimeoutError as error:
        raise RequestTimedOut(f"Timeout: {host} gave no complete answer within {timeout:g} seconds.") from error
    except ssl.SSLCertVerificationError as error:
        raise TLSFailed(f"The TLS certificate of {host} was refused: {error.verify_message}.") from error
    except ssl.SSLError as error:
        raise TLSFailed(f"TLS with {host} failed: {error.reason or 'it broke off'}.") from error
    except OSError as error:
        reason = error.strerror or "closed by the other side"
        raise ConnectionFailed(f"The connection to {host} failed: {reason}.") from error
    except TooManyBytes as error:
        raise BadResponse(f"The answer of {host} has too many bytes around its body.") from error
    except HTTPException as error:
        raise BadResponse(f"The answer of {host} is not complete HTTP.") from error
