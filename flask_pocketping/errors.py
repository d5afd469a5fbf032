"""Every error that the package raises on purpose, as one family.

Those that may reach a client carry their HTTP status and the code of the contract; `web/responses.py`
turns them into answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Details = Mapping[str, Any]


class PocketPingError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(PocketPingError):
    """A setting is missing, unknown or has a value that can't be used. Raised by `PocketPing` and `init_app`."""


class SchemaError(PocketPingError):
    """The tables in the database are not those that this version works with. Base of the three below."""


class SchemaMissing(SchemaError):
    """The tables are not in the database yet.

    Create them with `flask pocketping init-db`.
    """


class UncommittedChanges(PocketPingError):
    """The app has a transaction open on the one connection of its SQLite database in memory.

    Flask-PocketPing would commit it or roll it back, so it does nothing. End the transaction first, or use a file.
    """


class SchemaOutdated(SchemaError):
    """The tables are those of an older version.

    Upgrade them with `flask pocketping db upgrade`.
    """


class SchemaTooNew(SchemaError):
    """The tables were upgraded by a newer version than this one, which can't work with them."""


class APIError(PocketPingError):
    """An error with an HTTP status and a code for programs.

    :param message: a sentence for a person.
    :param details: for bad input, the reasons for each field.
    :param headers: further headers of the answer.
    """

    status = 500
    code = "INTERNAL_ERROR"
    default_message = "Something went wrong on the server."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Details | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.details = details
        self.headers = dict(headers or {})
        super().__init__(self.message)


class InvalidRequest(APIError):
    """The input does not fit; `details` says which field and why."""

    status = 400
    code = "INVALID_REQUEST"
    default_message = "The request is not valid."

    @classmethod
    def field(cls, name: str, reason: str) -> InvalidRequest:
        """The error for one bad field.

        :param name: of the field.
        :param reason: a sentence for a person.
        """
        return cls(f"{name}: {reason}", details={name: [reason]})


class InvalidJSON(APIError):
    """The body is not a JSON object."""

    status = 400
    code = "INVALID_JSON"
    default_message = "The body is not valid JSON."


class MessageRejected(InvalidRequest):
    """Raised by a receiver of `message_received` to refuse a message; its text goes to the sender."""

    default_message = "The message was not accepted."


class Unauthorized(APIError):
    """There is no API key, or none that is in force."""

    status = 401
    code = "UNAUTHORIZED"
    default_message = "An API key is needed: Authorization: Bearer YOUR_API_KEY."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer realm="PocketPing"'})


class TokenExpired(Unauthorized):
    """The operator's token was good, and its time is over."""


class Forbidden(APIError):
    """A page of an origin that is not listed asks, or somebody who may not."""

    status = 403
    code = "FORBIDDEN"
    default_message = "That is not allowed."


class NotFound(APIError):
    """There is nothing at the address. Base of what is not found."""

    status = 404
    code = "NOT_FOUND"
    default_message = "There is nothing at this address."


class ProjectNotFound(NotFound):
    """There is no such project."""

    default_message = "Project not found"


class SessionNotFound(NotFound):
    """There is no such session in the project, or a handle opens none."""

    code = "SESSION_NOT_FOUND"
    default_message = "Session not found"


class MessageNotFound(NotFound):
    """There is no such message in the session, or it is deleted."""

    code = "MESSAGE_NOT_FOUND"
    default_message = "Message not found"


class WebhookNotFound(NotFound):
    """There is no such webhook in the project."""

    code = "WEBHOOK_NOT_FOUND"
    default_message = "Webhook not found"


class SavedReplyNotFound(NotFound):
    """There is no such saved reply in the project."""

    code = "SAVED_REPLY_NOT_FOUND"
    default_message = "Saved reply not found"


class DeliveryNotFound(NotFound):
    """There is no such delivery of the webhook."""

    code = "DELIVERY_NOT_FOUND"
    default_message = "Delivery not found"


class AttachmentNotFound(NotFound):
    """There is no such attachment in the session."""

    code = "ATTACHMENT_NOT_FOUND"
    default_message = "Attachment not found"


class APIKeyNotFound(NotFound):
    """There is no such API key, or it is revoked already."""

    default_message = "API key not found"


class MethodNotAllowed(APIError):
    """The address takes other methods.

    :param allowed: those.
    """

    status = 405
    code = "METHOD_NOT_ALLOWED"
    default_message = "This method is not allowed here."

    def __init__(self, allowed: Sequence[str]) -> None:
        listed = ", ".join(sorted(allowed))
        super().__init__(f"This address takes {listed}.", headers={"Allow": listed})


class PayloadTooLarge(APIError):
    """The body is longer than `POCKETPING_MAX_BODY_SIZE`."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "The body is too large."


class RangeNotSatisfiable(APIError):
    """The part of a file that is asked for is not within it.

    :param size: of the file, in bytes.
    """

    status = 416
    code = "INVALID_REQUEST"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})


class UnsupportedMediaType(APIError):
    """The body is not sent as `application/json`."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "The body must be sent as Content-Type: application/json."


class SessionClosed(APIError):
    """The session is closed, and only the visitor's message would reopen it."""

    status = 409
    code = "SESSION_CLOSED"
    default_message = "The session is closed. Reopen it first."


class IdempotencyConflict(APIError):
    """The `Idempotency-Key` came with another request before, or that one is under way."""

    status = 409
    code = "IDEMPOTENCY_CONFLICT"
    default_message = "This Idempotency-Key was used before with another request."


class UpgradeRequired(APIError):
    """The page's chat widget is older than `POCKETPING_WIDGET_MIN_VERSION`, or a WebSocket is of another version."""

    status = 426
    code = "UPGRADE_REQUIRED"
    default_message = "This version of the chat widget is not supported any more."


class RateLimited(APIError):
    """Too many requests; the headers say when to come back."""

    status = 429
    code = "RATE_LIMITED"
    default_message = "Too many requests. Try again later."


class TransportUnsupported(APIError):
    """The web server can't carry live connections, or `POCKETPING_TRANSPORTS` leaves this kind out."""

    status = 501
    code = "TRANSPORT_UNSUPPORTED"
    default_message = "This server offers no connection of this kind. Poll instead."


class Unavailable(APIError):
    """The database or the storage fails, the tables are of another version, or too many connections are open."""

    status = 503
    code = "UNAVAILABLE"
    default_message = "The service is not available right now. Try again soon."
