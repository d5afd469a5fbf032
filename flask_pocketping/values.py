"""Frozen values: what `chat/` returns, signals carry and the wire is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

MessageType = Literal["visitor", "operator", "ai", "system"]
MessageStatus = Literal["sent", "delivered", "read"]
SessionStatus = Literal["active", "closed"]
DeliveryState = Literal["pending", "running", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a visitor is. `verified` is true only where the host app vouches for it."""

    customer_id: str | None = None
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    session_id: str
    seq: int
    content: str
    type: MessageType
    created_at: datetime
    operator_name: str | None = None
    source_bridge: str | None = None
    reply_to: str | None = None
    status: MessageStatus = "sent"
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation. `metadata` has the wire's keys (`pageUrl`, `userAgent`, …)."""

    id: str
    visitor_id: str
    project_id: str
    status: SessionStatus
    created_at: datetime
    last_activity: datetime
    metadata: Mapping[str, Any]
    identity: Identity | None
    ai_enabled: bool
    ai_active: bool
    unread: int
    last_message: Message | None
    closed_at: datetime | None
    seq: int


@dataclass(slots=True)
class MessageDraft:
    """A message before it is stored. A receiver of `message_received` may set `content`."""

    session_id: str
    content: str
    type: MessageType
    operator_name: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log. `data` is its JSON as on the wire; `payload` the same for receivers of signals."""

    id: int
    project_id: str
    session_id: str
    seq: int
    type: str
    created_at: datetime
    data: str
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def public_id(self) -> str:
        """The id that sockets and webhooks show; receivers drop what they have by it."""
        return f"evt_{self.id}"


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: list[Message]
    has_more: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    sessions: list[Session]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class APIKey:
    """A key of the back office. `key` is known only to whoever has just made it."""

    id: str
    project_id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint. `secret` is set only when it was made or rotated just now."""

    id: str
    project_id: str
    url: str
    events: list[str]
    description: str
    enabled: bool
    created_at: datetime
    disabled_reason: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one target, with the attempts so far, oldest first."""

    id: str
    target_id: str
    event_type: str
    event_id: str
    session_id: str | None
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    deliveries: list[Delivery]
    next_cursor: str | None


#: Every type of event in the log. Webhooks may ask for each; `typing` and `presence` are not logged.
EVENT_TYPES = (
    "session.created",
    "session.closed",
    "session.reopened",
    "session.updated",
    "message.created",
    "message.updated",
    "message.deleted",
    "message.read",
    "visitor.identified",
    "visitor.connected",
    "visitor.disconnected",
    "ai.toggled",
    "ai.takeover",
    "event.received",
    "event.sent",
    "csat.submitted",
)
