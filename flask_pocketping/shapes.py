"""The shapes of the contract as marshmallow schemas: the one way from a value to its JSON.

The log stores them, and answers, sockets and webhooks send what it stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from marshmallow import Schema, fields

from . import clock
from .values import Identity, Message, Session

Writer = Callable[[Any], Any]


class Time(fields.DateTime):
    """A UTC time in ISO 8601 with `Z`."""


class Shape(Schema):
    """A schema whose `optional` fields are left out when they are empty."""

    optional: ClassVar[frozenset[str]] = frozenset()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As marshmallow does, in a tenth of its time: the values are typed, so most are JSON as they are."""
        if many:
            return [self.dump(item) for item in obj]
        data = {}
        for name, attribute, write in self._writers:
            value = obj.get(attribute) if isinstance(obj, dict) else getattr(obj, attribute)
            if value is not None:
                data[name] = write(value) if write else value
            elif name not in self.optional:
                data[name] = None
        return data

    @cached_property
    def _writers(self) -> list[tuple[str, str, Writer | None]]:
        fields = self.dump_fields.items()
        return [(field.data_key or name, field.attribute or name, _writer(field)) for name, field in fields]


def _writer(field: fields.Field[Any]) -> Writer | None:
    """What makes JSON of a field's value, where that is something to do."""
    if isinstance(field, Time):
        return clock.to_wire
    if isinstance(field, fields.Nested):
        return field.schema.dump
    if isinstance(field, fields.List) and (write := _writer(field.inner)):
        return lambda values: [write(value) for value in values]
    return None


class IdentityShape(Shape):
    optional = frozenset({"customerId", "email", "name", "metadata"})

    customerId = fields.String(attribute="customer_id")
    email = fields.String()
    name = fields.String()
    metadata = fields.Raw(metadata={"type": "object"})
    verified = fields.Boolean(required=True, metadata={"description": "The host app vouches for it."})


class MessageShape(Shape):
    optional = frozenset({"operatorName", "sourceBridge", "replyTo", "deliveredAt", "readAt", "editedAt", "deletedAt"})

    id = fields.String(required=True)
    sessionId = fields.String(attribute="session_id", required=True)
    seq = fields.Integer(required=True)
    content = fields.String(required=True)
    type = fields.String(required=True, metadata={"enum": ["visitor", "operator", "ai", "system"]})
    createdAt = Time(attribute="created_at", required=True)
    operatorName = fields.String(attribute="operator_name")
    sourceBridge = fields.String(attribute="source_bridge")
    replyTo = fields.String(attribute="reply_to")
    status = fields.String(required=True, metadata={"enum": ["sent", "delivered", "read"]})
    deliveredAt = Time(attribute="delivered_at")
    readAt = Time(attribute="read_at")
    editedAt = Time(attribute="edited_at")
    deletedAt = Time(attribute="deleted_at")


class SessionShape(Shape):
    id = fields.String(required=True)
    visitorId = fields.String(attribute="visitor_id", required=True)
    projectId = fields.String(attribute="project_id", required=True)
    status = fields.String(required=True, metadata={"enum": ["active", "closed"]})
    createdAt = Time(attribute="created_at", required=True)
    lastActivity = Time(attribute="last_activity", required=True)
    metadata = fields.Raw(required=True, metadata={"type": "object"})
    identity = fields.Nested(IdentityShape, allow_none=True, required=True)
    aiEnabled = fields.Boolean(attribute="ai_enabled", required=True)
    aiActive = fields.Boolean(attribute="ai_active", required=True)
    unread = fields.Integer(required=True)
    lastMessage = fields.Nested(MessageShape, attribute="last_message", allow_none=True, required=True)
    closedAt = Time(attribute="closed_at", allow_none=True, required=True)


class WebhookShape(Shape):
    optional = frozenset({"disabledReason", "secret"})

    id = fields.String(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    description = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    createdAt = Time(attribute="created_at", required=True)
    disabledReason = fields.String(attribute="disabled_reason")
    secret = fields.String(metadata={"description": "Shown once: when made and when rotated."})


class AttemptShape(Shape):
    number = fields.Integer(required=True)
    startedAt = Time(attribute="started_at", required=True)
    duration = fields.Integer(attribute="duration_ms", required=True, metadata={"description": "ms"})
    statusCode = fields.Integer(attribute="status_code", allow_none=True, required=True)
    error = fields.String(allow_none=True, required=True)
    response = fields.String(allow_none=True, required=True, metadata={"description": "The first 2 kB of the answer."})


class DeliveryShape(Shape):
    optional = frozenset({"sessionId"})

    id = fields.String(required=True)
    webhookId = fields.String(attribute="target_id", required=True)
    event = fields.String(attribute="event_type", required=True)
    eventId = fields.String(attribute="event_id", required=True)
    sessionId = fields.String(attribute="session_id")
    state = fields.String(required=True, metadata={"enum": ["pending", "running", "succeeded", "failed", "cancelled"]})
    createdAt = Time(attribute="created_at", required=True)
    nextAttemptAt = Time(attribute="next_attempt_at", allow_none=True, required=True)
    attempts = fields.List(fields.Nested(AttemptShape), required=True)


_identity = IdentityShape()
_message = MessageShape()
_session = SessionShape()


def identity(value: Identity | None) -> dict[str, Any] | None:
    """The JSON object of an identity."""
    return None if value is None else dict(_identity.dump(value))


def message(value: Message) -> dict[str, Any]:
    """The JSON object of a message."""
    return dict(_message.dump(value))


def session(value: Session) -> dict[str, Any]:
    """The JSON object of a session."""
    return dict(_session.dump(value))


def to_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Compact JSON text; characters beyond ASCII stay as they are."""
    return _encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold.")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
