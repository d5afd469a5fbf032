"""Requests and responses of the back office's API, in the order of the modules of `web/backoffice`."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from .. import bounds
from ..values import EVENT_TYPES, RECEIPTS, DeliveryState, MessageStatus, MessageType, SessionStatus
from .base import BackOfficeRequest, OutputSchema
from .fields import (
    PROJECT_ID,
    VISITOR_ID,
    FreeObject,
    FreeValue,
    StrictBoolean,
    Text,
    Time,
    content_field,
    count,
    length,
    line,
    matching,
    one_of,
    optional_line,
    page_size,
)
from .values import (
    BridgeDeliverySchema,
    BridgeThreadSchema,
    ClaimSchema,
    DeliverySchema,
    FactSchema,
    MessageSchema,
    OfficeMessageSchema,
    OperatorSchema,
    PageVisitSchema,
    PresentOperatorSchema,
    SavedReplySchema,
    SessionSchema,
    WebhookSchema,
)


class SessionMetadataSchema(Schema):
    """What is known of a visitor's page. Further keys are kept as they come."""

    class Meta:
        unknown = EXCLUDE

    pageUrl = optional_line(bounds.MAX_URL)
    pageTitle = optional_line(bounds.MAX_TITLE)
    referrer = optional_line(bounds.MAX_URL)
    userAgent = optional_line(bounds.MAX_USER_AGENT)
    language = optional_line(bounds.MAX_LANGUAGE)
    timezone = optional_line(bounds.MAX_TIMEZONE)
    screenResolution = optional_line(bounds.MAX_SCREEN_RESOLUTION)
    country = optional_line(bounds.MAX_COUNTRY)
    device = optional_line(bounds.MAX_DEVICE)
    browser = optional_line(bounds.MAX_BROWSER)
    os = optional_line(bounds.MAX_BROWSER)


class SessionMetadata(FreeObject):
    """The `metadata` of a session that a program opens: the known keys checked, others free."""

    _known = SessionMetadataSchema()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        known = self._known.load(found)
        return {key: item for key, item in {**found, **known}.items() if item is not None}


class CursorQuery(BackOfficeRequest):
    cursor = Text(validate=length(bounds.MAX_CURSOR))


class PageQuery(CursorQuery):
    limit = page_size()


class IdentifyRequest(BackOfficeRequest):
    email = Text(validate=[length(bounds.MAX_EMAIL), validate.Email()])
    name = Text(validate=length(bounds.MAX_NAME, least=1))
    customerId = Text(validate=length(bounds.MAX_CUSTOMER_ID, least=1))
    metadata = FreeObject()

    @validates_schema
    def _check_not_empty(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("Send at least one of email, name, customerId and metadata.")


class OpenSessionRequest(BackOfficeRequest):
    visitorId = Text(**VISITOR_ID)
    metadata = SessionMetadata()
    identity = fields.Nested(IdentifyRequest)


class SessionsQuery(PageQuery):
    status = one_of(SessionStatus)
    unanswered = fields.Boolean()
    started = fields.Boolean()
    q = Text(validate=length(bounds.MAX_SEARCH, least=1))


class SessionResponse(OutputSchema):
    holds = "session"

    session = fields.Nested(SessionSchema, required=True)


class OfficeSessionResponse(OutputSchema):
    optional = frozenset({"threads", "claim"})

    session = fields.Nested(SessionSchema, required=True)
    threads = fields.List(
        fields.Nested(BridgeThreadSchema), metadata={"description": "Its threads on bridges, if it has any."}
    )
    claim = fields.Nested(ClaimSchema, metadata={"description": "Who answered first, if it has a thread."})


class SearchMatchSchema(OutputSchema):
    optional = frozenset({"operatorId", "operatorName"})

    sessionId = fields.String(attribute="session_id", required=True)
    messageId = fields.String(attribute="message_id", required=True)
    type = fields.String(required=True, metadata={"enum": list(MessageType)})
    operatorId = fields.String(attribute="operator_id")
    operatorName = fields.String(attribute="operator_name")
    excerpt = fields.String(required=True, metadata={"description": "One line around what was searched for."})


class SessionsResponse(OutputSchema):
    optional = frozenset({"matches"})

    sessions = fields.List(fields.Nested(SessionSchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)
    matches = fields.List(
        fields.Nested(SearchMatchSchema), metadata={"description": "For a search: the newest message that matches."}
    )


class SessionCountsResponse(OutputSchema):
    open = fields.Integer(required=True, metadata={"maximum": bounds.MAX_SESSION_COUNT})
    unanswered = fields.Integer(required=True, metadata={"maximum": bounds.MAX_SESSION_COUNT})
    closed = fields.Integer(required=True, metadata={"maximum": bounds.MAX_SESSION_COUNT})


class ToggleAIRequest(BackOfficeRequest):
    enabled = StrictBoolean(required=True)


class SendEventRequest(BackOfficeRequest):
    name = Text(required=True, validate=length(bounds.MAX_EVENT_NAME, least=1))
    data = FreeValue(allow_none=True, load_default=None)


class PagesQuery(BackOfficeRequest):
    limit = page_size()


class PagesResponse(OutputSchema):
    pages = fields.List(fields.Nested(PageVisitSchema), required=True)
    hasMore = fields.Boolean(attribute="has_more", required=True)


class MessagesQuery(BackOfficeRequest):
    limit = page_size()
    after = Text(metadata={"description": "A message id or a seq."})
    before = Text(metadata={"description": "A message id or a seq."})


class MessageResponse(OutputSchema):
    holds = "message"

    message = fields.Nested(MessageSchema, required=True)


class MessageDeliveriesResponse(OutputSchema):
    holds = "deliveries"

    deliveries = fields.List(fields.Nested(BridgeDeliverySchema), required=True)


class MessagesResponse(OutputSchema):
    messages = fields.List(fields.Nested(OfficeMessageSchema), required=True)
    hasMore = fields.Boolean(attribute="has_more", required=True)


class SendMessageRequest(BackOfficeRequest):
    content = content_field(required=True)
    type = one_of(MessageType, load_default=MessageType.OPERATOR)
    operatorName = Text(validate=length(bounds.MAX_NAME, least=1))
    replyTo = Text(allow_none=True, load_default=None)
    attachmentIds = fields.List(Text(), load_default=list, validate=count(bounds.MAX_ATTACHMENTS))


class EditMessageRequest(BackOfficeRequest):
    content = content_field(required=True)


class MarkReadRequest(BackOfficeRequest):
    status = one_of(RECEIPTS, load_default=MessageStatus.READ)
    messageIds = fields.List(Text(), validate=count(bounds.MAX_RECEIPTS))


class UpdatedResponse(OutputSchema):
    holds = "updated"

    updated = fields.Integer(required=True)


class CreateSavedReplyRequest(BackOfficeRequest):
    shortcut = Text(required=True, metadata={"minLength": 1, "maxLength": bounds.MAX_SHORTCUT})
    content = content_field(required=True)


class UpdateSavedReplyRequest(BackOfficeRequest):
    shortcut = Text(metadata={"minLength": 1, "maxLength": bounds.MAX_SHORTCUT})
    content = content_field()

    @validates_schema
    def _check_not_empty(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("Send at least one of shortcut and content.")


class SavedReplyResponse(OutputSchema):
    holds = "savedReply"

    savedReply = fields.Nested(SavedReplySchema, required=True)


class SavedRepliesResponse(OutputSchema):
    optional = frozenset({"nextCursor"})

    savedReplies = fields.List(fields.Nested(SavedReplySchema), attribute="replies", required=True)
    nextCursor = fields.String(attribute="next_cursor", metadata={"description": "Only where there is more."})


class StatsQuery(BackOfficeRequest):
    period = one_of(bounds.STATS_PERIODS, load_default="7d")


def _event_types(**kwargs: Any) -> fields.List[str]:
    """Make a field for the types of events that a webhook wants."""
    return fields.List(one_of(("*", *EVENT_TYPES)), validate=count(bounds.MAX_EVENT_TYPES, least=1), **kwargs)


class CreateWebhookRequest(BackOfficeRequest):
    url = Text(required=True)
    events = _event_types(required=True)
    description = line(bounds.MAX_DESCRIPTION, load_default="")


class UpdateWebhookRequest(BackOfficeRequest):
    url = Text()
    events = _event_types()
    description = line(bounds.MAX_DESCRIPTION)
    enabled = StrictBoolean()


class WebhookResponse(OutputSchema):
    holds = "webhook"

    webhook = fields.Nested(WebhookSchema, required=True)


class WebhooksResponse(OutputSchema):
    optional = frozenset({"nextCursor"})

    webhooks = fields.List(fields.Nested(WebhookSchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", metadata={"description": "Only where there is more."})


class DeliveriesQuery(PageQuery):
    state = one_of(DeliveryState)


class DeliveryResponse(OutputSchema):
    holds = "delivery"

    delivery = fields.Nested(DeliverySchema, required=True)


class DeliveriesResponse(OutputSchema):
    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class OperatorTokenQuery(BackOfficeRequest):
    project = Text(load_default=None, **PROJECT_ID)


class ProjectNameSchema(OutputSchema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class CapabilitiesSchema(OutputSchema):
    optional = frozenset({"maxUploadSize"})

    ai = fields.Boolean(required=True, metadata={"description": "An AI can reply."})
    editOthers = fields.Boolean(
        required=True, metadata={"description": "Operators may edit and delete all messages of operators and the AI."}
    )
    maxUploadSize = fields.Integer(metadata={"description": "bytes; absent where uploads are off"})
    bridges = fields.List(fields.String(), required=True, metadata={"description": "The bridges that are set up."})


class OperatorTokenResponse(OutputSchema):
    token = fields.String(required=True)
    expiresAt = Time(required=True)
    operator = fields.Nested(OperatorSchema, required=True)
    project = fields.Nested(ProjectNameSchema, required=True)
    projects = fields.List(fields.Nested(ProjectNameSchema), required=True)
    capabilities = fields.Nested(CapabilitiesSchema, required=True)


class OperatorsResponse(OutputSchema):
    holds = "operators"

    operators = fields.List(fields.Nested(PresentOperatorSchema), required=True)


class AvailabilityRequest(BackOfficeRequest):
    available = StrictBoolean(required=True)
    seconds = fields.Integer(strict=True, allow_none=True, metadata={"minimum": 1})


class AttendanceResponse(OutputSchema):
    online = fields.Boolean(required=True)
    operators = fields.List(fields.Nested(PresentOperatorSchema), required=True)


class ContextResponse(OutputSchema):
    holds = "context"

    context = fields.List(fields.Nested(FactSchema), required=True)


class ClientQuery(BackOfficeRequest):
    client = Text(
        load_default="",
        **matching(
            f"[A-Za-z0-9_-]{{0,{bounds.MAX_CLIENT_ID}}}",
            f"Must be up to {bounds.MAX_CLIENT_ID} letters, digits, - and _.",
        ),
    )


class UpdatesQuery(ClientQuery):
    after = Text(metadata={"description": "A cursor."})
    limit = page_size(bounds.POLL_SIZE, bounds.MAX_POLL_SIZE)
    available = fields.Boolean(load_default=True)


class UpdatesResponse(OutputSchema):
    frames = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    cursor = fields.String(required=True, metadata={"description": "Where the next call goes on: its `after`."})
    hasMore = fields.Boolean(required=True)
    online = fields.Boolean(required=True, metadata={"description": "A client of the back office is available."})
    operators = fields.List(fields.Nested(PresentOperatorSchema), required=True)


class OperatorTypingRequest(BackOfficeRequest):
    isTyping = StrictBoolean(load_default=True)
