"""What can go wrong with a request of the guarded HTTP client. `http.py` raises these and passes them on."""

from __future__ import annotations

from ...errors import PocketPingError


class HTTPClientError(PocketPingError):
    """Base of all that can go wrong with a request.

    The text is for a person. It names the host at most, never a path, a header or a body.
    """


class BadURL(HTTPClientError, ValueError):
    """The URL can't be used, whoever it leads to."""


class AddressNotAllowed(HTTPClientError, ValueError):
    """The URL leads to an address that is neither public nor listed as allowed."""


class BadHeader(HTTPClientError, ValueError):
    """A header has characters that HTTP does not allow there."""


class NameNotResolved(HTTPClientError):
    """The host name has no address."""


class RequestTimedOut(HTTPClientError):
    """The time was over before the answer was complete."""


class ConnectionFailed(HTTPClientError):
    """The connection could not be made, or broke."""


class TLSFailed(ConnectionFailed):
    """The other side could not prove who it is, or does not speak TLS."""


class BadResponse(HTTPClientError):
    """The answer is not HTTP, or ends too early."""


class ResponseTooLarge(HTTPClientError):
    """The answer is larger than the caller takes."""
