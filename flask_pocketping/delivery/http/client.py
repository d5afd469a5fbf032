"""The HTTP client for all outgoing requests: webhooks, bridges and AI calls.

It is a hardened session of `requests`: it connects only to public hosts, follows no redirects, and has a total timeout.
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
#: Headers that only the client sets, for the host and the framing of a request.
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
#: The idempotent methods (RFC 9110, section 9.2.2).
_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
#: How many bytes of a response are read at once.
_PART = 64 * 1024


class RequestOptions(TypedDict, total=False):
    """The options of a request besides its method and URL.

    `headers`: the client sets `Host`, `Accept-Encoding` and the length itself, and ignores those of the caller.
    `params`: parameters to add to the URL's query.
    `json`, `data`, `files`: the body, as in `requests`: a value to encode as JSON, bytes or the fields of a form, or
    the files of a multipart form, each with name, content and media type.
    `timeout`: seconds for the whole request, from resolving the name to the end of the response.
    `repeatable`: whether the server may get the request twice, because it recognizes repeats. The client then sends it
    again if a kept connection was closed. The default is true for GET, HEAD, PUT, DELETE and OPTIONS.
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
    """A response with any status.

    :ivar headers: a mapping that ignores the case of names.
    :ivar body: the bytes that were read.
    :ivar excerpt: the beginning of the body as text, without NUL, which PostgreSQL can't store.
    :ivar duration_ms: milliseconds from the start of the request.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str
    duration_ms: int

    def json(self) -> Any:
        """Parse the body as JSON.

        :raises BadResponse: if it is not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadResponse("The answer is not JSON.") from None


class StreamedResponse:
    """A response whose body is read in parts. Iterating returns bytes as they arrive.

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

        :raises HTTPClientError: if the response is incomplete, too large or too slow.
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
        """Read the whole body. This raises the same errors as iterating."""
        return b"".join(self)

    def read_beginning(self, size: int) -> bytes:
        """Read only the beginning of the body. This raises the same errors as iterating, except for the size."""
        parts = bytearray()
        while len(parts) < size and (part := self._body.read(size - len(parts))):
            parts += part
        return bytes(parts)


@functools.cache  # reading the authorities takes a tenth of a second
def default_tls() -> ssl.SSLContext:
    """Return TLS settings that trust certifi's authorities, and those of the system or of `SSL_CERT_FILE`."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class GuardedClient:
    """Sends requests to public addresses. Threads and greenlets may share a client.

    A name is resolved once per connection and refused if any of its addresses is not allowed. The certificate must
    match the name. Connections are reused. Redirects are returned as responses. Proxies and `.netrc` of the environment
    are ignored, and cookies are not stored. Errors name only the host.

    :param allow_http: whether http is allowed besides https.
    :param allow_networks: networks that are allowed although they are not public.
    :param user_agent: the default `User-Agent`. If empty, it is that of the package.
    :param timeout: the default timeout of a whole request in seconds.
    :param excerpt: the maximum size of an excerpt in bytes.
    :param resolve: returns the addresses of a name.
    :param tls: the TLS settings with the trusted authorities, by default `default_tls`.
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
        """Send a POST request and read only the excerpt of its response. This raises the same errors as `request`."""
        return self.request("POST", url, **options)

    def request(
        self, method: str, url: str, *, max_response: int | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a request and read its response, with any status. A compressed response is not decompressed.

        :param max_response: the maximum size of the body in bytes. Without it, only the excerpt is read.
        :raises HTTPClientError: a subclass, if there is no response.
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
        """Send a request, and read its response in the block as it arrives.

        The timeout includes reading the body and the caller's own time in the block.

        :param max_response: the maximum size of the body in bytes.
        :raises HTTPClientError: a subclass, if there is no response.
        """
        deadline = Deadline(options.get("timeout", self._timeout))
        with self._open(method, url, deadline, max_response, options) as response:
            yield response

    def close_idle(self) -> None:
        """Close connections that have been idle for a while."""
        if self._session is not None:
            self._session.adapter.close_idle()

    def close(self) -> None:
        """Close idle connections. The client can still be used."""
        if self._session is not None:
            self._session.adapter.close()

    def prepare(self, method: str, url: str, **options: Unpack[RequestOptions]) -> requests.PreparedRequest:
        """Create a request without sending it.

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
        # Use the checked URL, because `requests` would resolve dots and quote it again.
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
                # Only processes that send requests load this.
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
