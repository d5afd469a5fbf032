"""The errors that the package raises, all below `PocketPingError`.

An `APIError` has an HTTP status and an error code of the API. `web/responses.py` turns it into a response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Details = Mapping[str, Any]


class PocketPingError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(PocketPingError):
    """A setting is missing, unknown or has an invalid value. `PocketPing` and `init_app` raise it."""


class SchemaError(PocketPingError):
    """The tables in the database do not fit this version. Base of the three errors about tables."""


class SchemaMissing(SchemaError):
    """The database has no tables of the chat yet.

    Create them with `flask pocketping init-db`.
    """


class UncommittedChanges(PocketPingError):
    """The app has an open transaction on the only connection of its in-memory SQLite database.

    Flask-PocketPing would commit it or roll it back, so it refuses to work. End the transaction first, or use a file.
    """


class DeliveryCancelled(PocketPingError):
    """A delivery that is being made is not wanted any more: something that happened meanwhile cancelled it."""


class SchemaOutdated(SchemaError):
    """The tables are from an older version.

    Upgrade them with `flask pocketping db upgrade`.
    """


class SchemaTooNew(SchemaError):
    """A newer version has upgraded the tables. This version can't work with them."""


class APIError(PocketPingError):
    """An error with an HTTP status and an error code.

    :param message: a sentence for people. Default: the `default_message` of the class.
    :param details: for invalid input, the reasons for each field.
    :param headers: additional headers of the response.
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
    """The input is invalid. `details` has the reasons for each field."""

    status = 400
    code = "INVALID_REQUEST"
    default_message = "The request is invalid."

    @classmethod
    def field(cls, name: str, reason: str) -> InvalidRequest:
        """Make the error for one invalid field.

        :param name: the field's name.
        :param reason: a sentence for people.
        """
        return cls(f"{name}: {reason}", details={name: [reason]})


class InvalidJSON(APIError):
    """The body is not a JSON object."""

    status = 400
    code = "INVALID_JSON"
    default_message = "The body is not valid JSON."


class MessageRejected(InvalidRequest):
    """A receiver of `message_received` raises this to refuse a message. The sender sees its text."""

    default_message = "The message was not accepted."


class Unauthorized(APIError):
    """The request has no API key, or one that is invalid or revoked."""

    status = 401
    code = "UNAUTHORIZED"
    default_message = "Send an API key: Authorization: Bearer YOUR_API_KEY."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer realm="PocketPing"'})


class TokenExpired(Unauthorized):
    """The operator's token has expired."""


class Forbidden(APIError):
    """The caller has no access, or the page's origin is not in `POCKETPING_CORS_ORIGINS`."""

    status = 403
    code = "FORBIDDEN"
    default_message = "You do not have access."


class NotFound(APIError):
    """There is nothing at this address. Base of the errors about missing things."""

    status = 404
    code = "NOT_FOUND"
    default_message = "There is nothing at this address."


class ProjectNotFound(NotFound):
    """The project does not exist."""

    default_message = "Project not found"


class SessionNotFound(NotFound):
    """The session does not exist in the project, or the handle is invalid."""

    code = "SESSION_NOT_FOUND"
    default_message = "Session not found"


class MessageNotFound(NotFound):
    """The message does not exist in the session, or it is deleted."""

    code = "MESSAGE_NOT_FOUND"
    default_message = "Message not found"


class WebhookNotFound(NotFound):
    """The webhook does not exist in the project."""

    code = "WEBHOOK_NOT_FOUND"
    default_message = "Webhook not found"


class SavedReplyNotFound(NotFound):
    """The saved reply does not exist in the project."""

    code = "SAVED_REPLY_NOT_FOUND"
    default_message = "Saved reply not found"


class DeliveryNotFound(NotFound):
    """The delivery does not exist for this webhook."""

    code = "DELIVERY_NOT_FOUND"
    default_message = "Delivery not found"


class AttachmentNotFound(NotFound):
    """The attachment does not exist in the session."""

    code = "ATTACHMENT_NOT_FOUND"
    default_message = "Attachment not found"


class DraftNotFound(NotFound):
    """The draft does not exist in the session."""

    default_message = "Draft not found"


class ActionNotFound(NotFound):
    """The action does not exist in the session."""

    default_message = "Action not found"


class APIKeyNotFound(NotFound):
    """The API key does not exist, or it is revoked already."""

    default_message = "API key not found"


class MethodNotAllowed(APIError):
    """The address does not allow this method.

    :param allowed: the methods that it allows.
    """

    status = 405
    code = "METHOD_NOT_ALLOWED"
    default_message = "This method is not allowed here."

    def __init__(self, allowed: Sequence[str]) -> None:
        listed = ", ".join(sorted(allowed))
        super().__init__(f"This address allows {listed}.", headers={"Allow": listed})


class PayloadTooLarge(APIError):
    """The body is longer than `POCKETPING_MAX_BODY_SIZE`."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "The body is too large."


class RangeNotSatisfiable(APIError):
    """The requested range is outside the file.

    :param size: the size of the file in bytes.
    """

    status = 416
    code = "INVALID_REQUEST"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})


class UnsupportedMediaType(APIError):
    """The content type of the body is not `application/json`."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "Send the body as Content-Type: application/json."


class SessionClosed(APIError):
    """The session is closed. Reopen it first; a message of the visitor reopens it too."""

    status = 409
    code = "SESSION_CLOSED"
    default_message = "The session is closed. Reopen it first."


class AlreadyDecided(APIError):
    """The draft or action was decided on already, or somebody has answered meanwhile."""

    status = 409
    code = "ALREADY_DECIDED"
    default_message = "This was decided already, or somebody has answered"


class IdempotencyConflict(APIError):
    """The `Idempotency-Key` belongs to another request, or to one that is still running."""

    status = 409
    code = "IDEMPOTENCY_CONFLICT"
    default_message = "This Idempotency-Key was used with another request."


class UpgradeRequired(APIError):
    """The widget is older than `POCKETPING_WIDGET_MIN_VERSION`, or the WebSocket version is not 13."""

    status = 426
    code = "UPGRADE_REQUIRED"
    default_message = "This version of the chat widget is no longer supported."


class RateLimited(APIError):
    """There were too many requests. `Retry-After` says when to try again."""

    status = 429
    code = "RATE_LIMITED"
    default_message = "Too many requests. Try again later."


class TransportUnsupported(APIError):
    """The web server can't hold live connections, or `POCKETPING_TRANSPORTS` excludes this kind."""

    status = 501
    code = "TRANSPORT_UNSUPPORTED"
    default_message = "This server does not support this kind of connection. Poll instead."


class Unavailable(APIError):
    """The database or the storage fails, the tables do not fit, or too many connections are open."""

    status = 503
    code = "UNAVAILABLE"
    default_message = "The service is unavailable right now. Try again soon."
