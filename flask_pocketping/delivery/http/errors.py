"""The errors of the guarded HTTP client. `http.py` exports them."""

from __future__ import annotations

from ...errors import PocketPingError


class HTTPClientError(PocketPingError):
    """Base of all errors of a request.

    The text is for people. It may name the host, but never a path, a header or a body.

    :ivar maybe_sent: whether the server may have received the request. If not, repeating it is safe.
    """

    maybe_sent = False


class BadURL(HTTPClientError, ValueError):
    """The URL is invalid."""


class AddressNotAllowed(HTTPClientError, ValueError):
    """The host has an address that is neither public nor allowed by the settings."""


class BadHeader(HTTPClientError, ValueError):
    """A header has characters that HTTP does not allow there."""


class NameNotResolved(HTTPClientError):
    """The host name has no address."""


class RequestTimedOut(HTTPClientError):
    """The response was not complete before the timeout."""


class ConnectionFailed(HTTPClientError):
    """The connection could not be opened, or was lost."""


class TLSFailed(ConnectionFailed):
    """The server has no valid certificate, or does not support TLS."""


class BadResponse(HTTPClientError):
    """The response is not valid HTTP, or is incomplete."""


class ResponseTooLarge(HTTPClientError):
    """The response is larger than the caller allows."""

    maybe_sent = True
