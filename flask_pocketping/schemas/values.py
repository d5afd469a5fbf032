"""The JSON objects of the frozen values, for the REST API, frames and webhooks. The log keeps them in this form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from marshmallow import fields

from ..bounds import STATS_PERIODS
from ..values import (
    NOTICES,
    Attachment,
    AttachmentStatus,
    DeliveryState,
    Identity,
    Message,
    MessageStatus,
    MessageType,
    PostState,
    Session,
    SessionStatus,
)
from .base import OutputSchema
from .fields import Day, Time


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
    url = fields.String(required=True, metadata={"description": "This address works for everyone who knows it."})
    thumbnailUrl = fields.String(attribute="thumbnail_url")
    status = fields.String(required=True, metadata={"enum": list(AttachmentStatus)})
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
            *("kind", "operatorId", "operatorName", "sourceBridge", "replyTo", "attachments", "internal"),
            *("deliveredAt", "readAt", "editedAt", "deletedAt"),
        }
    )

    id = fields.String(required=True)
    sessionId = fields.String(attribute="session_id", required=True)
    seq = fields.Integer(required=True)
    content = fields.String(required=True)
    type = fields.String(required=True, metadata={"enum": list(MessageType)})
    kind = fields.String(
        metadata={"enum": list(NOTICES), "description": "The event that a system message of the server announces."}
    )
    createdAt = Time(attribute="created_at", required=True)
    operatorId = fields.String(attribute="operator_id", metadata={"description": "Visitors do not get it."})
    operatorName = fields.String(attribute="operator_name")
    sourceBridge = fields.String(attribute="source_bridge")
    replyTo = fields.String(attribute="reply_to")
    status = fields.String(required=True, metadata={"enum": list(MessageStatus)})
    deliveredAt = Time(attribute="delivered_at")
    readAt = Time(attribute="read_at")
    editedAt = Time(attribute="edited_at")
    deletedAt = Time(attribute="deleted_at")
    attachments = fields.List(fields.Nested(AttachmentSchema))
    internal = fields.Boolean(metadata={"description": "True for a note that visitors do not see."})


class BridgeDeliverySchema(OutputSchema):
    optional = frozenset({"reason", "waitSeconds"})

    bridge = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(PostState)})
    reason = fields.String(metadata={"description": "Why it failed, may have arrived or waits."})
    waitSeconds = fields.Integer(attribute="wait_seconds", metadata={"description": "Estimated, while it is queued."})


class BridgeThreadSchema(OutputSchema):
    optional = frozenset({"link"})

    bridge = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["open", "closed"]})
    link = fields.String(metadata={"description": "Its address on the platform, for operators."})


class ClaimSchema(OutputSchema):
    optional = frozenset({"bridge"})

    name = fields.String(required=True)
    bridge = fields.String(metadata={"description": "Absent if the operator did not answer from a bridge."})


class OfficeMessageSchema(MessageSchema):
    """A message with what became of it on each bridge, for operators."""

    optional = MessageSchema.optional | {"deliveries"}

    deliveries = fields.List(fields.Nested(BridgeDeliverySchema))


class SessionSchema(OutputSchema):
    optional = frozenset({"csat", "csatRequestedAt", "aiHandedOver"})

    id = fields.String(required=True)
    visitorId = fields.String(attribute="visitor_id", required=True)
    projectId = fields.String(attribute="project_id", required=True)
    status = fields.String(required=True, metadata={"enum": list(SessionStatus)})
    createdAt = Time(attribute="created_at", required=True)
    lastActivity = Time(attribute="last_activity", required=True)
    metadata = fields.Raw(required=True, metadata={"type": "object"})
    identity = fields.Nested(IdentitySchema, allow_none=True, required=True)
    aiEnabled = fields.Boolean(attribute="ai_enabled", required=True)
    aiActive = fields.Boolean(attribute="ai_active", required=True)
    aiHandedOver = fields.Boolean(
        attribute="ai_handed_over", metadata={"description": "True while the AI is silent because it handed over."}
    )
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
    period = fields.String(required=True, metadata={"enum": list(STATS_PERIODS)})
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
    state = fields.String(required=True, metadata={"enum": list(DeliveryState)})
    createdAt = Time(attribute="created_at", required=True)
    nextAttemptAt = Time(attribute="next_attempt_at", allow_none=True, required=True)
    attempts = fields.List(fields.Nested(AttemptSchema), required=True)


class FactSchema(OutputSchema):
    optional = frozenset({"url"})

    label = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "Text, a number, true, false or null."})
    url = fields.String(metadata={"description": "Where there is more about it."})


@cache
def _writer_of(schema: type[OutputSchema]) -> Callable[[Any], dict[str, Any]]:
    return schema().dump


def dump_attachment(value: Attachment) -> dict[str, Any]:
    """Make the JSON object of an attachment."""
    return _writer_of(AttachmentSchema)(value)


def dump_identity(value: Identity | None) -> dict[str, Any] | None:
    """Make the JSON object of an identity."""
    return None if value is None else _writer_of(IdentitySchema)(value)


def dump_message(value: Message) -> dict[str, Any]:
    """Make the JSON object of a message."""
    return _writer_of(MessageSchema)(value)


def dump_session(value: Session) -> dict[str, Any]:
    """Make the JSON object of a session."""
    return _writer_of(SessionSchema)(value)
