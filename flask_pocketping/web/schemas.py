"""What requests must look like, and the envelopes of answers. The OpenAPI document is made from these."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, ValidationError, fields, validate, validates_schema

from .. import shapes
from ..chat.text import MAX_CONTENT, MAX_DEPTH, nested_within, storable, storable_json, storable_part
from ..values import EVENT_TYPES

SESSION_STATUSES = ("active", "closed")
DELIVERY_STATES = ("pending", "running", "succeeded", "failed", "cancelled")


class Text(fields.String):
    """Text that every database can store."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not storable(text):
            raise ValidationError("Has a character that can't be stored (NUL or half a surrogate pair).")
        return text


class Cut(fields.Field[str]):
    """Text of a page that nobody there could correct: cut to `size`, and left out where it is none."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)
        self.size = size

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return storable_part(value)[: self.size] if isinstance(value, str) else ""


class FreeObject(fields.Dict):
    """A JSON object of the caller's own, up to `MAX` bytes of JSON."""

    MAX = 8192

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return _checked(value, self.MAX)


class FreeValue(fields.Raw):
    """Any JSON value of the caller's own, up to `MAX` bytes of JSON."""

    MAX = 16384

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _checked(value, self.MAX)


def _checked(value: Any, size: int) -> Any:
    if not nested_within(value):
        raise ValidationError(f"Nested deeper than {MAX_DEPTH} levels.")
    if not storable_json(value):
        raise ValidationError("Has a character that can't be stored (NUL or half a surrogate pair).")
    if len(shapes.to_json(value).encode()) > size:
        raise ValidationError(f"Longer than {size} bytes of JSON.")
    return value


class Input(Schema):
    """A body or a query of the back office: what it does not know is an error."""

    class Meta:
        unknown = RAISE


class VisitorInput(Schema):
    """A body or a query of the visitor's wire: pages may send more than we know."""

    class Meta:
        unknown = EXCLUDE


def _pattern(pattern: str, error: str) -> dict[str, Any]:
    """For text that matches from end to end; `$` alone would let a line break pass."""
    return {"validate": validate.Regexp(rf"(?:{pattern})\Z", error=error), "metadata": {"pattern": f"^{pattern}$"}}


_VISITOR_ID = _pattern("[A-Za-z0-9_.:-]{1,64}", "1 to 64 of A-Z a-z 0-9 _ . : -")


def _line(size: int, **kwargs: Any) -> Text:
    return Text(validate=validate.Length(max=size), **kwargs)


def _optional(size: int, **kwargs: Any) -> Text:
    return _line(size, allow_none=True, **kwargs)


class Metadata(Schema):
    """What is known of a visitor's page. Further keys are kept as they come."""

    class Meta:
        unknown = EXCLUDE

    pageUrl = _optional(2048)
    pageTitle = _optional(500)
    referrer = _optional(2048)
    userAgent = _optional(500)
    language = _optional(35)
    timezone = _optional(64)
    screenResolution = _optional(32)
    country = _optional(64)
    device = _optional(32)
    browser = _optional(64)
    os = _optional(64)


class OpenMetadata(FreeObject):
    """The `metadata` of a session that a program opens: the known keys checked, others free."""

    _known = Metadata()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        known = self._known.load(found)
        return {key: item for key, item in {**found, **known}.items() if item is not None}


class IdentityInput(Input):
    email = Text(validate=[validate.Length(max=320), validate.Email()])
    name = Text(validate=validate.Length(1, 200))
    customerId = Text(validate=validate.Length(1, 255))
    metadata = FreeObject()

    @validates_schema
    def _something(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("At least one of email, name, customerId and metadata is needed.")


class OpenSession(Input):
    visitorId = Text(**_VISITOR_ID)
    metadata = OpenMetadata()
    identity = fields.Nested(IdentityInput)


class PageQuery(Input):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String()


class SessionsQuery(PageQuery):
    status = fields.String(validate=validate.OneOf(SESSION_STATUSES))
    unanswered = fields.Boolean()
    q = Text(validate=validate.Length(1, 200))


class MessagesQuery(Input):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    after = Text(metadata={"description": "A message id or a seq."})
    before = Text(metadata={"description": "A message id or a seq."})


class SendMessage(Input):
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})
    type = fields.String(load_default="operator", validate=validate.OneOf(("visitor", "operator", "ai", "system")))
    operatorName = Text(validate=validate.Length(1, 200))
    replyTo = Text(allow_none=True, load_default=None)
    attachmentIds = fields.List(Text(), load_default=list, validate=validate.Length(max=10))


class EditMessage(Input):
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})


class ToggleAI(Input):
    enabled = fields.Boolean(required=True, truthy={True}, falsy={False})


class MarkRead(Input):
    messageIds = fields.List(Text(), validate=validate.Length(max=500))


class SendEvent(Input):
    name = Text(required=True, validate=validate.Length(1, 100))
    data = FreeValue(allow_none=True, load_default=None)


_Events = fields.List(
    fields.String(validate=validate.OneOf(("*", *EVENT_TYPES))), validate=validate.Length(min=1, max=50)
)


class CreateWebhook(Input):
    url = Text(required=True)
    events = fields.List(
        fields.String(validate=validate.OneOf(("*", *EVENT_TYPES))),
        required=True,
        validate=validate.Length(min=1, max=50),
    )
    description = _line(500, load_default="")


class UpdateWebhook(Input):
    url = Text()
    events = _Events
    description = _line(500)
    enabled = fields.Boolean(truthy={True}, falsy={False})


class DeliveriesQuery(PageQuery):
    state = fields.String(validate=validate.OneOf(DELIVERY_STATES))


class PageMetadata(VisitorInput):
    """What the widget says of its page; `url` is its name for `pageUrl`."""

    url = Cut(2048)
    referrer = Cut(2048)
    pageTitle = Cut(500)
    userAgent = Cut(500)
    timezone = Cut(64)
    language = Cut(35)
    screenResolution = Cut(32)


class Connect(VisitorInput):
    visitorId = Text(
        allow_none=True,
        load_default=None,
        **_VISITOR_ID,
    )
    sessionId = fields.Raw(allow_none=True, load_default=None)
    metadata = fields.Nested(PageMetadata, load_default=dict)
    identity = FreeObject(allow_none=True, load_default=None)


class VisitorSend(VisitorInput):
    sessionId = fields.Raw(required=True)
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})
    sender = fields.String(
        load_default="visitor", validate=validate.OneOf(("visitor",), error="A page can only send as visitor.")
    )
    replyTo = Text(allow_none=True, load_default=None)
    attachmentIds = fields.List(Text(), allow_none=True, load_default=list, validate=validate.Length(max=10))
    clientId = Text(
        allow_none=True,
        load_default=None,
        **_pattern("[!-~]{1,64}", "1 to 64 printable ASCII characters without spaces."),
    )


class VisitorMessagesQuery(VisitorInput):
    sessionId = fields.Raw(required=True)
    after = Text(metadata={"description": "An ISO time, a message id or a seq."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class SocketFilter(VisitorInput):
    events = fields.List(fields.String(), allow_none=True, validate=validate.Length(max=50))
    sessionId = fields.String(allow_none=True)


class SocketAuth(SocketFilter):
    apiKey = fields.String(required=True)
    after = fields.String(allow_none=True, load_default=None)


class SocketTyping(VisitorInput):
    sessionId = Text(required=True)
    isTyping = fields.Boolean(required=True, truthy={True}, falsy={False})


class PageEvent(VisitorInput):
    name = Text(required=True, validate=validate.Length(1, 100))
    data = FreeValue(allow_none=True, load_default=None)


class ErrorShape(Schema):
    class Meta:
        # `/health` adds which part fails.
        unknown = INCLUDE

    error = fields.String(required=True)
    message = fields.String(required=True)
    code = fields.String(required=True)
    details = fields.Dict(keys=fields.String())


class Answer(shapes.Shape):
    """An envelope around shapes."""

    optional: ClassVar[frozenset[str]] = frozenset()


class SessionAnswer(Answer):
    session = fields.Nested(shapes.SessionShape, required=True)


class SessionsAnswer(Answer):
    sessions = fields.List(fields.Nested(shapes.SessionShape), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class MessageAnswer(Answer):
    message = fields.Nested(shapes.MessageShape, required=True)


class MessagesAnswer(Answer):
    messages = fields.List(fields.Nested(shapes.MessageShape), required=True)
    hasMore = fields.Boolean(attribute="has_more", required=True)


class UpdatedAnswer(Answer):
    updated = fields.Integer(required=True)


class AcceptedAnswer(Answer):
    ok = fields.Boolean(required=True)


class WebhookAnswer(Answer):
    webhook = fields.Nested(shapes.WebhookShape, required=True)


class WebhooksAnswer(Answer):
    webhooks = fields.List(fields.Nested(shapes.WebhookShape), required=True)


class DeliveryAnswer(Answer):
    delivery = fields.Nested(shapes.DeliveryShape, required=True)


class DeliveriesAnswer(Answer):
    deliveries = fields.List(fields.Nested(shapes.DeliveryShape), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class HealthAnswer(Answer):
    optional = frozenset({"failing"})

    status = fields.String(required=True)
    failing = fields.String(metadata={"description": "The part that fails."})


class ConnectAnswer(Answer):
    optional = frozenset({"welcomeMessage", "identity", "operatorName"})

    sessionId = fields.String(required=True, metadata={"description": "The handle; keep it."})
    visitorId = fields.String(required=True)
    operatorOnline = fields.Boolean(required=True)
    welcomeMessage = fields.String()
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    identity = fields.Raw(metadata={"type": "object"})
    cursor = fields.String(required=True, metadata={"description": "Where `/stream` goes on: its `after`."})


class VisitorSendAnswer(Answer):
    messageId = fields.String(required=True)
    timestamp = shapes.Time(required=True)


class VisitorMessagesAnswer(Answer):
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    hasMore = fields.Boolean(required=True)
