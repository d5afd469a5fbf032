"""The HTTP client for everything that goes out: webhooks, bridges and AI calls.

It is a hardened session of `requests`: it reaches public hosts only, follows no redirect, and comes back in time.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict, Unpack
from urllib.parse import urlencode

from ...host.forks import begin_anew_after_fork
from ...version import user_agent
from .addresses import Network, Origin, check_url, parse_origin
from .body import max_bytes
from .dialer import Dialer, Resolver, system_addresses
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
from .watchdog import Deadline

if TYPE_CHECKING:
    import requests

    from .adapter import GuardedSession

__all__ = [
    "AddressNotAllowed",
    "BadHeader",
    "BadResponse",
    "BadURL",
    "ConnectionFailed",
    "GuardedClient",
    "HTTPClientError",
    "NameNotResolved",
    "RequestOptions",
    "RequestTimedOut",
    "Response",
    "ResponseTooLarge",
    "StreamedResponse",
    "TLSFailed",
    "check_url",
    "default_tls",
    "system_addresses",
]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
#: Headers that only the client sets: whom a request is for, and where it ends.
_OWN_HEADERS = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "expect",
    "upgrade",
    "te",
}
#: Methods that may be repeated (RFC 9110, section 9.2.2).
_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
#: Bytes of an answer that are read at once.
_PART = 64 * 1024


class RequestOptions(TypedDict, total=False):
    """What a request may have besides its method and URL.

    `headers`: the client sets `Host`, `Accept-Encoding` and the length itself; those of the caller have no effect.
    `params`: are added to the URL's query.
    `json`, `data`, `files`: the body, as `requests` has it: a value to encode as JSON; bytes or the fields of a form;
    the files of a multipart form, each with name, content and media type.
    `timeout`: seconds for the whole request, from resolving the name to the end of the answer.
    `repeatable`: whether the other side may get the request twice, because it knows it again. It is sent anew if a kept
    connection turns out to be closed. By default that is so for GET, HEAD, PUT, DELETE and OPTIONS.
    """

    headers: Mapping[str, str]
    params: Mapping[str, str]
    json: Any
    data: bytes | Mapping[str, str]
    files: Mapping[str, tuple[str, bytes | BinaryIO, str]]
    timeout: float
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status.

    :ivar headers: a mapping that ignores the case of names.
    :ivar body: the bytes that were read.
    :ivar excerpt: their beginning as text, without NUL characters, which PostgreSQL can't store.
    :ivar duration_ms: milliseconds from the start of the request.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str
    duration_ms: int

    def json(self) -> Any:
        """The value that the body is as JSON.

        :raises BadResponse: if it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadResponse("The answer is not JSON.") from None


class StreamedResponse:
    """An answer whose body is read piece by piece: iterating gives bytes as they arrive.

    :ivar headers: a mapping that ignores the case of names.
    """

    def __init__(self, response: requests.Response, origin: Origin, max_response: int) -> None:
        self.status_code: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._body = response.raw
        self._origin = origin
        self._max_response = max_response

    def __iter__(self) -> Iterator[bytes]:
        """Read to the end of the body.

        :raises HTTPClientError: if the answer breaks off, is too large, or takes too long.
        """
        left = self._max_response
        while part := self._body.read(min(_PART, left + 1)):
            left -= len(part)
            if left < 0:
                raise ResponseTooLarge(
                    f"The answer of {self._origin.authority} is larger than {self._max_response} bytes."
                )
            yield part

    def read(self) -> bytes:
        """Read the whole body; raises as iterating does."""
        return b"".join(self)

    def read_beginning(self, size: int) -> bytes:
        """Read no more than the beginning of the body; raises as iterating does, but never for its size."""
        parts = bytearray()
        while len(parts) < size and (part := self._body.read(size - len(parts))):
            parts += part
        return bytes(parts)


@functools.cache  # reading the authorities takes a tenth of a second
def default_tls() -> ssl.SSLContext:
    """TLS that trusts certifi's authorities, and those of the system or of `SSL_CERT_FILE`."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class GuardedClient:
    """Sends requests to public addresses. Threads and greenlets may share a client.

    A name is resolved once for each connection and refused if any of its addresses is not allowed; certificate and
    `Host` header are those of the name. Connections are kept for further requests. Redirects come back as results.
    Proxies and `.netrc` of the environment are not used, cookies are not kept. Errors name the host and nothing else.

    :param allow_http: whether http is allowed besides https.
    :param allow_networks: networks that are allowed although they are not public.
    :param user_agent: the `User-Agent` of requests that bring none; the package's if unset.
    :param timeout: seconds for the whole of a request that brings no timeout.
    :param excerpt: how many bytes of an answer go into its excerpt.
    :param resolve: finds the addresses of a name.
    :param tls: the authorities that are trusted, with all else about TLS; by default `default_tls`.
    """

    def __init__(
        self,
        *,
        allow_http: bool,
        allow_networks: Sequence[Network],
        user_agent: str = "",
        timeout: float = 15.0,
        excerpt: int = 2048,
        resolve: Resolver = system_addresses,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_http = allow_http
        self._allow_networks = allow_networks
        self._user_agent = user_agent
        self._timeout = timeout
        self._excerpt = excerpt
        self._resolve = resolve
        self._tls = tls
        self._begin()
        begin_anew_after_fork(self, GuardedClient._begin)

    def post(self, url: str, **options: Unpack[RequestOptions]) -> Response:
        """Post something and read no more of the answer than its excerpt; raises as `request` does."""
        return self.request("POST", url, **options)

    def request(
        self, method: str, url: str, *, max_response: int | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a request and read its answer, of any status. A compressed answer is not unpacked.

        :param max_response: how many bytes the answer's body may have; without it, only the excerpt is read and the
            rest left.
        :raises HTTPClientError: one of its subclasses, if there is no answer.
        """
        deadline = Deadline(options.get("timeout", self._timeout))
        most = self._excerpt if max_response is None else max_response
        with self._open(method, url, deadline, most, options) as response:
            body = response.read_beginning(most) if max_response is None else response.read()
        return Response(
            status_code=response.status_code,
            headers=response.headers,
            body=body,
            excerpt=body[: self._excerpt].decode("utf-8", "replace").replace("\0", ""),
            duration_ms=round(deadline.elapsed() * 1000),
        )

    @contextlib.contextmanager
    def stream(
        self, method: str, url: str, *, max_response: int, **options: Unpack[RequestOptions]
    ) -> Iterator[StreamedResponse]:
        """Send a request and read its answer within the block, as it arrives.

        The timeout counts from here to the end of the body, and the time that the caller takes counts too.

        :param max_response: how many bytes the answer's body may have.
        :raises HTTPClientError: one of its subclasses, if there is no answer.
        """
        deadline = Deadline(options.get("timeout", self._timeout))
        with self._open(method, url, deadline, max_response, options) as response:
            yield response

    def close_idle(self) -> None:
        """Close connections that were not used for a while."""
        if self._session is not None:
            self._session.adapter.close_idle()

    def close(self) -> None:
        """Close the connections that no request uses. The client can still be used."""
        if self._session is not None:
            self._session.adapter.close()

    def prepare(self, method: str, url: str, **options: Unpack[RequestOptions]) -> requests.PreparedRequest:
        """Make a request without sending it.

        :raises HTTPClientError: if URL or headers can't be sent.
        """
        import requests

        origin = parse_origin(url, allow_http=self._allow_http)
        request = self._get_session().prepare_request(
            requests.Request(
                method,
                f"{origin.scheme}://{origin.authority}/",
                headers=self._headers(options.get("headers", {})),
                json=options.get("json"),
                data=options.get("data"),
                files=options.get("files"),
            )
        )
        # As it was checked: `requests` would resolve its dots and quote it anew.
        url = url.partition("#")[0]
        if params := options.get("params"):
            url += ("&" if "?" in url else "?") + urlencode(params)
        request.url = url
        return request

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._session: GuardedSession | None = None

    def _get_session(self) -> GuardedSession:
        with self._lock:
            if self._session is None:
                # Loaded by processes that send something only.
                from .adapter import GuardedSession

                dialer = Dialer(self._allow_networks, self._resolve)
                self._session = GuardedSession(dialer, lambda: self._tls or default_tls())
            return self._session

    @contextlib.contextmanager
    def _open(
        self, method: str, url: str, deadline: Deadline, most: int, options: RequestOptions
    ) -> Iterator[StreamedResponse]:
        request = self.prepare(method, url, **options)
        from .adapter import Exchange

        origin = parse_origin(url, allow_http=self._allow_http)
        repeatable = options.get("repeatable", method in _IDEMPOTENT)
        exchange = Exchange(origin, deadline, max_bytes(most), repeatable)
        session = self._get_session()
        with session.send(request, stream=True, allow_redirects=False, exchange=exchange) as response:
            yield StreamedResponse(response, origin, most)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        fields = {name: value for name, value in headers.items() if name.lower() not in _OWN_HEADERS}
        for name, value in fields.items():
            if not _FIELD_NAME.fullmatch(name) or not _FIELD_VALUE.fullmatch(value) or value[:1] in {" ", "\t"}:
                raise BadHeader(f"The header {name!r} has characters that HTTP does not allow.")
        if not any(name.lower() == "user-agent" for name in fields):
            fields["User-Agent"] = self._user_agent or user_agent()
        return {**fields, "Accept-Encoding": "identity"}
