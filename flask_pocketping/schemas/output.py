"""The shapes of the contract as marshmallow schemas: the one way from a value to its JSON.

The log stores them, and answers, sockets and webhooks send what it stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, ClassVar

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from .. import clock
from ..values import NOTICES, Attachment, Identity, Message, Session

Writer = Callable[[Any], Any]


class Time(fields.DateTime):
    """A UTC time in ISO 8601 with `Z`."""


class Day(fields.Date):
    """A day in ISO 8601."""


class OutputSchema(Schema):
    """A schema whose `optional` fields are left out when they are empty.

    It takes what `dump` knows of marshmallow, and nothing else.

    :raises TypeError: if marshmallow would write a field otherwise than `dump` does.
    """

    optional: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for reason in _unknown(self):
            raise TypeError(f"{type(self).__name__}: {reason}, which OutputSchema.dump does not know.")

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As marshmallow does, in a tenth of its time: the values are typed, so most are JSON as they are."""
        if self.many if many is None else many:
            return [self.dump(item, many=False) for item in obj]
        data = {}
        is_dict = isinstance(obj, dict)
        for name, attribute, is_optional, write in self._writers:
            value = obj.get(attribute) if is_dict else getattr(obj, attribute)
            if is_optional and (value is None or value == ()):
                continue
            data[name] = write(value) if write and value is not None else value
        return data

    @cached_property
    def _writers(self) -> list[tuple[str, str, bool, Writer | None]]:
        named = [(field.data_key or name, field.attribute or name, field) for name, field in self.dump_fields.items()]
        return [(name, attribute, name in self.optional, _writer(field)) for name, attribute, field in named]


#: Fields whose values are JSON as they are.
_PLAIN = (fields.String, fields.Integer, fields.Float, fields.Boolean, fields.Raw)


def _unknown(schema: Schema) -> Iterator[str]:
    """What a schema asks of marshmallow that `OutputSchema.dump` would silently leave out."""
    for hook in (PRE_DUMP, POST_DUMP):
        if schema._hooks[hook]:
            yield f"it has a {hook} hook"
    if type(schema).get_attribute is not Schema.get_attribute:
        yield "it has a get_attribute of its own"
    for name, field in schema.dump_fields.items():
        if field.attribute and "." in field.attribute:
            yield f"{name} has an attribute of an attribute"
        if field.dump_default is not missing:
            yield f"{name} has a dump_default"
        if reason := _unknown_kind(field):
            yield f"{name} is {reason}"


def _unknown_kind(field: fields.Field[Any]) -> str | None:
    if type(field) is fields.List:
        inner = _unknown_kind(field.inner)
        return f"a list of what is {inner}" if inner else None
    if isinstance(field, Time | Day):
        return None if field.format in {None, "iso"} else f"a {type(field).__name__} of the format {field.format}"
    if type(field) not in {*_PLAIN, fields.Nested}:
        return f"a {type(field).__name__}"
    return "a number as text" if getattr(field, "as_string", False) else None


def _writer(field: fields.Field[Any]) -> Writer | None:
    """What makes JSON of a field's value, where that is something to do."""
    if isinstance(field, Time):
        return clock.format_utc
    if isinstance(field, Day):
        return str
    if isinstance(field, fields.Nested):
        return field.schema.dump
    if isinstance(field, fields.List) and (write := _writer(field.inner)):
        return lambda values: [write(value) for value in values]
    return None


class IdentitySchema(OutputSchema):
    optional = frozenset({"customerId", "email", "name", "metadata"})

    customerId = fields.String(attribute="customer_id")
    email = fields.String()
    name = fields.String()
    metadata = fields.Raw(metadata={"type": "object"})
    verified = fields.Boolean(required=True, metadata={"description": "The host app vouches for it."})


class AttachmentSchema(OutputSchema):
    optional = frozenset({"thumbnailUrl", "width", "height"})

    id = fields.String(required=True)
    filename = fields.String(required=True)
    mimeType = fields.String(
        attribute="mime_type", required=True, metadata={"description": "What it is by its content."}
    )
    size = fields.Integer(required=True, metadata={"description": "bytes"})
    url = fields.String(required=True, metadata={"description": "Whoever knows this address may fetch it."})
    thumbnailUrl = fields.String(attribute="thumbnail_url")
    status = fields.String(required=True, metadata={"enum": ["pending", "ready"]})
    width = fields.Integer(metadata={"description": "pixels"})
    height = fields.Integer(metadata={"description": "pixels"})


class CSATSchema(OutputSchema):
    optional = frozenset({"comment"})

    score = fields.Integer(required=True, metadata={"minimum": 1, "maximum": 5})
    comment = fields.String()
    submittedAt = Time(attribute="submitted_at", required=True)


class MessageSchema(OutputSchema):
    optional = frozenset(
        {
            *("kind", "operatorName", "sourceBridge", "replyTo", "attachments"),
            *("deliveredAt", "readAt", "editedAt", "deletedAt"),
        }
    )

    id = fields.String(required=True)
    sessionId = fields.String(attribute="session_id", required=True)
    seq = fields.Integer(required=True)
    content = fields.String(required=True)
    type = fields.String(required=True, metadata={"enum": ["visitor", "operator", "ai", "system"]})
    kind = fields.String(
        metadata={"enum": list(NOTICES), "description": "The event that a system message of the server announces."}
    )
    createdAt = Time(attribute="created_at", required=True)
    operatorName = fields.String(attribute="operator_name")
    sourceBridge = fields.String(attribute="source_bridge")
    replyTo = fields.String(attribute="reply_to")
    status = fields.String(required=True, metadata={"enum": ["sent", "delivered", "read"]})
    deliveredAt = Time(attribute="delivered_at")
    readAt = Time(attribute="read_at")
    editedAt = Time(attribute="edited_at")
    deletedAt = Time(attribute="deleted_at")
    attachments = fields.List(fields.Nested(AttachmentSchema))


class SessionSchema(OutputSchema):
    optional = frozenset({"csat", "csatRequestedAt"})

    id = fields.String(required=True)
    visitorId = fields.String(attribute="visitor_id", required=True)
    projectId = fields.String(attribute="project_id", required=True)
    status = fields.String(required=True, metadata={"enum": ["active", "closed"]})
    createdAt = Time(attribute="created_at", required=True)
    lastActivity = Time(attribute="last_activity", required=True)
    metadata = fields.Raw(required=True, metadata={"type": "object"})
    identity = fields.Nested(IdentitySchema, allow_none=True, required=True)
    aiEnabled = fields.Boolean(attribute="ai_enabled", required=True)
    aiActive = fields.Boolean(attribute="ai_active", required=True)
    unread = fields.Integer(required=True)
    lastMessage = fields.Nested(MessageSchema, attribute="last_message", allow_none=True, required=True)
    closedAt = Time(attribute="closed_at", allow_none=True, required=True)
    unanswered = fields.Boolean(required=True, metadata={"description": "The last word is the visitor's."})
    visitorOnline = fields.Boolean(attribute="visitor_online", required=True)
    csat = fields.Nested(CSATSchema)
    csatRequestedAt = Time(attribute="csat_requested_at")


class OperatorSchema(OutputSchema):
    optional = frozenset({"avatar"})

    id = fields.String(required=True)
    name = fields.String(required=True)
    avatar = fields.String(metadata={"description": "The address of a picture."})


class PresentOperatorSchema(OperatorSchema):
    available = fields.Boolean(required=True, metadata={"description": "Visitors see them as online."})


class PageVisitSchema(OutputSchema):
    optional = frozenset({"title"})

    url = fields.String(required=True)
    title = fields.String()
    visitedAt = Time(attribute="visited_at", required=True)


class SavedReplySchema(OutputSchema):
    id = fields.String(required=True)
    shortcut = fields.String(required=True)
    content = fields.String(required=True)
    createdAt = Time(attribute="created_at", required=True)


class CSATSummarySchema(OutputSchema):
    score = fields.Float(required=True, allow_none=True, metadata={"description": "Mean of the ratings, 1 to 5."})
    satisfied = fields.Float(required=True, allow_none=True, metadata={"description": "Share of 4 and 5, 0 to 1."})
    count = fields.Integer(required=True)
    scores = fields.Raw(required=True, metadata={"type": "object", "description": "How many there are of each."})


class DaySchema(OutputSchema):
    date = Day(attribute="day", required=True)
    conversations = fields.Integer(required=True)
    answered = fields.Integer(required=True)


class StatsSchema(OutputSchema):
    period = fields.String(required=True, metadata={"enum": ["7d", "30d"]})
    first_day = Day(data_key="from", required=True)
    last_day = Day(data_key="to", required=True)
    conversations = fields.Integer(required=True, metadata={"description": "Those that visitors began."})
    answered = fields.Integer(required=True, metadata={"description": "By an operator or the AI."})
    responseRate = fields.Float(attribute="response_rate", required=True, allow_none=True)
    medianFirstResponse = fields.Float(
        attribute="median_first_response", required=True, allow_none=True, metadata={"description": "seconds"}
    )
    unanswered = fields.Integer(required=True)
    csat = fields.Nested(CSATSummarySchema, required=True)
    days = fields.List(fields.Nested(DaySchema), required=True)


class WebhookSchema(OutputSchema):
    optional = frozenset({"disabledReason", "secret"})

    id = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    description = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    createdAt = Time(attribute="created_at", required=True)
    disabledReason = fields.String(attribute="disabled_reason")
    secret = fields.String(metadata={"description": "Shown once: when made and when rotated."})


class AttemptSchema(OutputSchema):
    number = fields.Integer(required=True)
    startedAt = Time(attribute="started_at", required=True)
    duration = fields.Integer(attribute="duration_ms", required=True, metadata={"description": "ms"})
    statusCode = fields.Integer(attribute="status_code", allow_none=True, required=True)
    error = fields.String(allow_none=True, required=True)
    response = fields.String(allow_none=True, required=True, metadata={"description": "The first 2 kB of the answer."})


class DeliverySchema(OutputSchema):
    optional = frozenset({"sessionId"})

    id = fields.String(required=True)
    webhookId = fields.String(attribute="target_id", required=True)
    event = fields.String(attribute="event_type", required=True)
    eventId = fields.String(attribute="event_id", required=True)
    sessionId = fields.String(attribute="session_id")
    state = fields.String(required=True, metadata={"enum": ["pending", "running", "succeeded", "failed", "cancelled"]})
    createdAt = Time(attribute="created_at", required=True)
    nextAttemptAt = Time(attribute="next_attempt_at", allow_none=True, required=True)
    attempts = fields.List(fields.Nested(AttemptSchema), required=True)


@cache
def _writer_of(shape: type[OutputSchema]) -> Callable[[Any], dict[str, Any]]:
    return shape().dump


def attachment(value: Attachment) -> dict[str, Any]:
    """The JSON object of an attachment."""
    return _writer_of(AttachmentSchema)(value)


def identity(value: Identity | None) -> dict[str, Any] | None:
    """The JSON object of an identity."""
    return None if value is None else _writer_of(IdentitySchema)(value)


def message(value: Message) -> dict[str, Any]:
    """The JSON object of a message."""
    return _writer_of(MessageSchema)(value)


def session(value: Session) -> dict[str, Any]:
    """The JSON object of a session."""
    return _writer_of(SessionSchema)(value)


def to_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Compact JSON text; characters beyond ASCII stay as they are."""
    return _encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold.")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
