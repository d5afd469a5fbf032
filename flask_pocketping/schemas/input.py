"""What requests must look like, and the envelopes of answers. The OpenAPI document is made from these."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, ValidationError, fields, validate, validates_schema

from ..bounds import (
    MAX_COMMENT,
    MAX_CONTENT,
    MAX_DEPTH,
    STATS_PERIODS,
    nested_within,
    storable,
    storable_json,
    storable_part,
)
from ..values import EVENT_TYPES
from . import output

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


class StrictBoolean(fields.Boolean):
    """True or false in JSON, and nothing that Python takes for either: 0 equals False there."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is True or value is False:
            return value
        raise self.make_error("invalid", input=value)


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
    if len(output.to_json(value).encode()) > size:
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


class CursorQuery(Input):
    cursor = Text(validate=validate.Length(max=1000))


class PageQuery(CursorQuery):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class SessionsQuery(PageQuery):
    status = fields.String(validate=validate.OneOf(SESSION_STATUSES))
    unanswered = fields.Boolean()
    started = fields.Boolean()
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
    enabled = StrictBoolean(required=True)


class MarkRead(Input):
    status = fields.String(load_default="read", validate=validate.OneOf(("delivered", "read")))
    messageIds = fields.List(Text(), validate=validate.Length(max=500))


class PagesQuery(Input):
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class CreateSavedReply(Input):
    shortcut = Text(required=True, metadata={"minLength": 1, "maxLength": 40})
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})


class UpdateSavedReply(Input):
    shortcut = Text(metadata={"minLength": 1, "maxLength": 40})
    content = Text(metadata={"minLength": 1, "maxLength": MAX_CONTENT})

    @validates_schema
    def _something(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("At least one of shortcut and content is needed.")


class StatsQuery(Input):
    period = fields.String(load_default="7d", validate=validate.OneOf(STATS_PERIODS))


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
    enabled = StrictBoolean()


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
    identityToken = fields.Raw(allow_none=True, load_default=None)
    create = StrictBoolean(load_default=True)


def _page_is_visitor() -> fields.String:
    """The `sender` of what a page says."""
    only = validate.OneOf(("visitor",), error="A page can only send as visitor.")
    return fields.String(load_default="visitor", validate=only)


class VisitorSend(VisitorInput):
    sessionId = fields.Raw(required=True)
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})
    sender = _page_is_visitor()
    replyTo = Text(allow_none=True, load_default=None)
    attachmentIds = fields.List(Text(), allow_none=True, load_default=list, validate=validate.Length(max=10))
    clientId = Text(
        allow_none=True,
        load_default=None,
        **_pattern("[!-~]{1,64}", "1 to 64 printable ASCII characters without spaces."),
    )


class AnnounceUpload(VisitorInput):
    sessionId = fields.Raw(required=True)
    filename = Text(required=True, validate=validate.Length(1, 1000))
    mimeType = fields.Raw(allow_none=True, metadata={"description": "Not believed: what it is tells its content."})
    size = fields.Integer(required=True, strict=True, metadata={"description": "In bytes."})


class CompleteUpload(VisitorInput):
    sessionId = fields.Raw(required=True)
    attachmentId = Text(required=True)


class DownloadQuery(VisitorInput):
    download = fields.Raw(metadata={"description": "Given with any value, the file is saved and not shown."})


class AddAttachmentQuery(Input):
    filename = Text(required=True, validate=validate.Length(1, 1000))


class PreChat(VisitorInput):
    sessionId = fields.Raw(required=True, allow_none=True)
    email = Text(allow_none=True, load_default=None, validate=[validate.Length(max=320), validate.Email()])
    phone = Text(
        allow_none=True,
        load_default=None,
        **_pattern(r"\+[1-9][0-9]{5,14}", "Must be an international number such as +4930123456."),
    )
    phoneCountry = Text(
        allow_none=True,
        load_default=None,
        **_pattern("[A-Z]{2}", "Must be the two capital letters of a country, such as DE."),
    )

    @validates_schema
    def _something(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["email"] is None and data["phone"] is None:
            raise ValidationError("At least one of email and phone is needed.")


class RateConversation(VisitorInput):
    sessionId = fields.Raw(required=True, allow_none=True)
    score = fields.Integer(required=True, strict=True, validate=validate.Range(1, 5))
    comment = Text(allow_none=True, load_default=None, validate=validate.Length(max=MAX_COMMENT))


class VisitorMessagesQuery(VisitorInput):
    sessionId = fields.Raw(required=True)
    after = Text(metadata={"description": "An ISO time, a message id or a seq."})
    before = Text(metadata={"description": "A message id or a seq."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))


class HandleQuery(VisitorInput):
    sessionId = fields.Raw(required=True)


class Beacon(VisitorInput):
    sessionId = fields.Raw(required=True)


class VisitorEdit(VisitorInput):
    sessionId = fields.Raw(required=True)
    content = Text(required=True, metadata={"minLength": 1, "maxLength": MAX_CONTENT})


class VisitorTyping(VisitorInput):
    sessionId = fields.Raw(required=True)
    sender = _page_is_visitor()
    isTyping = StrictBoolean(load_default=True)


class VisitorRead(VisitorInput):
    sessionId = fields.Raw(required=True)
    messageIds = fields.List(Text(), required=True, validate=validate.Length(max=500))
    status = fields.String(load_default="read", validate=validate.OneOf(("delivered", "read")))


class VisitorIdentify(VisitorInput):
    sessionId = fields.Raw(required=True)
    identity = FreeObject(required=True)


class StreamQuery(VisitorInput):
    sessionId = fields.Raw(required=True)
    after = Text(metadata={"description": "A cursor, or an ISO time."})


class PollQuery(StreamQuery):
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class ClientQuery(Input):
    client = Text(
        load_default="",
        **_pattern("[A-Za-z0-9_-]{0,64}", "Must be up to 64 letters, digits, - and _."),
    )


class UpdatesQuery(ClientQuery):
    after = Text(metadata={"description": "A cursor."})
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    available = fields.Boolean(load_default=True)


class OperatorTyping(Input):
    isTyping = StrictBoolean(load_default=True)


class SocketFilter(VisitorInput):
    events = fields.List(fields.String(), allow_none=True, validate=validate.Length(max=50))
    sessionId = fields.String(allow_none=True)


class SocketAuth(SocketFilter):
    apiKey = fields.String(required=True)
    after = fields.String(allow_none=True, load_default=None)
    available = StrictBoolean(load_default=True)


class SocketTyping(VisitorInput):
    sessionId = Text(required=True)
    isTyping = StrictBoolean(required=True)


class SocketAvailable(VisitorInput):
    available = StrictBoolean(required=True)


class PageEvent(VisitorInput):
    name = Text(required=True, validate=validate.Length(1, 100))
    data = FreeValue(allow_none=True, load_default=None)


class VisitorEvent(PageEvent):
    sessionId = fields.Raw(required=True)


class ErrorSchema(Schema):
    class Meta:
        # `/health` adds which part fails.
        unknown = INCLUDE

    error = fields.String(required=True)
    message = fields.String(required=True)
    code = fields.String(required=True)
    details = fields.Dict(keys=fields.String())


class Envelope(output.OutputSchema):
    """An envelope around shapes."""

    optional: ClassVar[frozenset[str]] = frozenset()


class SessionResponse(Envelope):
    session = fields.Nested(output.SessionSchema, required=True)


class SessionsResponse(Envelope):
    sessions = fields.List(fields.Nested(output.SessionSchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class MessageResponse(Envelope):
    message = fields.Nested(output.MessageSchema, required=True)


class MessagesResponse(Envelope):
    messages = fields.List(fields.Nested(output.MessageSchema), required=True)
    hasMore = fields.Boolean(attribute="has_more", required=True)


class UpdatedResponse(Envelope):
    updated = fields.Integer(required=True)


class AcceptedResponse(Envelope):
    ok = fields.Boolean(required=True)


class RatedResponse(AcceptedResponse):
    optional = frozenset({"alreadyRated"})

    alreadyRated = fields.Boolean(metadata={"description": "There was a rating before; that one stands."})


class PagesResponse(Envelope):
    pages = fields.List(fields.Nested(output.PageVisitSchema), required=True)
    hasMore = fields.Boolean(attribute="has_more", required=True)


class SavedReplyResponse(Envelope):
    savedReply = fields.Nested(output.SavedReplySchema, required=True)


class SavedRepliesResponse(Envelope):
    optional = frozenset({"nextCursor"})

    savedReplies = fields.List(fields.Nested(output.SavedReplySchema), attribute="replies", required=True)
    nextCursor = fields.String(attribute="next_cursor", metadata={"description": "Only where there is more."})


class OperatorTokenResponse(Envelope):
    token = fields.String(required=True)
    expiresAt = output.Time(required=True)
    operator = fields.Nested(output.OperatorSchema, required=True)


class OperatorsResponse(Envelope):
    operators = fields.List(fields.Nested(output.PresentOperatorSchema), required=True)


class FactSchema(output.OutputSchema):
    optional = frozenset({"url"})

    label = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "Text, a number, true, false or null."})
    url = fields.String(metadata={"description": "Where there is more about it."})


class ContextResponse(Envelope):
    context = fields.List(fields.Nested(FactSchema), required=True)


class IdentityResponse(Envelope):
    identityToken = fields.String(required=True, allow_none=True, metadata={"description": "For `POST /connect`."})
    user = fields.String(required=True, allow_none=True, metadata={"description": "Names the customer, to compare."})


class WebhookResponse(Envelope):
    webhook = fields.Nested(output.WebhookSchema, required=True)


class WebhooksResponse(Envelope):
    optional = frozenset({"nextCursor"})

    webhooks = fields.List(fields.Nested(output.WebhookSchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", metadata={"description": "Only where there is more."})


class DeliveryResponse(Envelope):
    delivery = fields.Nested(output.DeliverySchema, required=True)


class DeliveriesResponse(Envelope):
    deliveries = fields.List(fields.Nested(output.DeliverySchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class HealthResponse(Envelope):
    optional = frozenset({"failing"})

    status = fields.String(required=True)
    failing = fields.String(metadata={"description": "The part that fails."})


class PreChatFormSchema(output.OutputSchema):
    enabled = fields.Boolean(required=True)
    required = fields.Boolean(required=True)
    timing = fields.String(required=True, metadata={"enum": ["before-first-message", "after-first-message"]})
    fields_ = fields.String(
        data_key="fields",
        attribute="fields",
        required=True,
        metadata={"enum": ["email-only", "phone-only", "email-or-phone", "email-and-phone"]},
    )
    completed = fields.Boolean(required=True, metadata={"description": "There is nothing left to ask for."})


class ConnectResponse(Envelope):
    optional = frozenset(
        {
            *("identity", "status", "csatRequestedAt", "preChatForm", "welcomeMessage", "operatorName"),
            *("operatorAvatar", "primaryColor", "headerColor", "footerColor", "chatBackground", "toggleColor"),
            *("operatorReachable", "aiActive", "hasMore", "transports", "user"),
        }
    )

    sessionId = fields.String(
        required=True, allow_none=True, metadata={"description": "The handle; keep it. Null where nothing was opened."}
    )
    visitorId = fields.String(required=True)
    status = fields.String(metadata={"enum": ["active", "closed"]})
    operatorOnline = fields.Boolean(required=True)
    operatorReachable = fields.Boolean(metadata={"description": "Somebody would learn of a message now."})
    operatorName = fields.String()
    operatorAvatar = fields.String()
    aiActive = fields.Boolean()
    welcomeMessage = fields.String()
    primaryColor = fields.String()
    headerColor = fields.String()
    footerColor = fields.String()
    chatBackground = fields.String()
    toggleColor = fields.String()
    preChatForm = fields.Nested(PreChatFormSchema)
    csatRequestedAt = output.Time(metadata={"description": "A rating was asked for and is not given yet."})
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    hasMore = fields.Boolean(metadata={"description": "There are older messages: `GET /messages` with `before`."})
    identity = fields.Raw(metadata={"type": "object"})
    user = fields.String(metadata={"description": "Names the customer of the `identityToken`, to compare."})
    cursor = fields.String(required=True, metadata={"description": "Where `/stream` goes on: its `after`."})
    transports = fields.List(
        fields.String(metadata={"enum": ["ws", "sse", "poll"]}),
        metadata={"description": "How pages may hear of events on this server."},
    )


class VisitorSendResponse(Envelope):
    optional = frozenset({"attachments"})

    messageId = fields.String(required=True)
    timestamp = output.Time(required=True)
    attachments = fields.List(fields.Nested(output.AttachmentSchema))


class UploadResponse(Envelope):
    attachmentId = fields.String(required=True)
    uploadUrl = fields.String(required=True, metadata={"description": "Takes the file's bytes by PUT."})
    expiresAt = output.Time(required=True)


class AttachmentResponse(Envelope):
    attachment = fields.Nested(output.AttachmentSchema, required=True)


class EditedMessage(Envelope):
    id = fields.String(required=True)
    content = fields.String(required=True)
    editedAt = output.Time(attribute="edited_at", required=True, allow_none=True)


class VisitorEditResponse(Envelope):
    message = fields.Nested(EditedMessage, required=True)


class DeletedResponse(Envelope):
    deleted = fields.Boolean(required=True)


class PollResponse(Envelope):
    frames = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    cursor = fields.String(required=True, metadata={"description": "Where the next call goes on: its `after`."})
    hasMore = fields.Boolean(required=True)
    operatorOnline = fields.Boolean(required=True)


class UpdatesResponse(Envelope):
    frames = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    cursor = fields.String(required=True, metadata={"description": "Where the next call goes on: its `after`."})
    hasMore = fields.Boolean(required=True)
    online = fields.Boolean(required=True, metadata={"description": "A client of the back office is available."})
    operators = fields.List(fields.Nested(output.PresentOperatorSchema), required=True)


class SomebodyThere(Envelope):
    optional = frozenset({"avatar"})

    name = fields.String(required=True)
    avatar = fields.String()


class PresenceResponse(Envelope):
    online = fields.Boolean(required=True)
    operators = fields.List(fields.Nested(SomebodyThere), required=True)
    aiEnabled = fields.Boolean(required=True)
    aiActiveAfter = fields.Float(
        required=True, allow_none=True, metadata={"description": "Seconds until the AI answers, or null."}
    )


class ScreenshotsResponse(Envelope):
    requests = fields.List(fields.Raw(metadata={"type": "object"}), required=True)


class VisitorMessagesResponse(Envelope):
    messages = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    hasMore = fields.Boolean(required=True)
