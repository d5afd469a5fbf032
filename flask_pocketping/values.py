"""Frozen values: what `chat/` returns, what signals carry and what the schemas turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal


class MessageType(StrEnum):
    """Who a message is from."""

    VISITOR = "visitor"
    OPERATOR = "operator"
    AI = "ai"
    SYSTEM = "system"


class MessageStatus(StrEnum):
    """How far a message got to the other side."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


class AttachmentStatus(StrEnum):
    """Whether a file is stored, so that a message can have it."""

    PENDING = "pending"
    READY = "ready"


class SessionStatus(StrEnum):
    """Whether a conversation is under way."""

    ACTIVE = "active"
    CLOSED = "closed"


#: What a receipt may say of a message.
RECEIPTS = (MessageStatus.DELIVERED, MessageStatus.READ)

DeliveryState = Literal["pending", "running", "succeeded", "failed", "cancelled"]

#: The system messages that the server itself writes, by the type of the event that each one announces.
NOTICES = {"session.closed": "Session closed", "session.reopened": "Session reopened"}
_KINDS = {text: kind for kind, text in NOTICES.items()}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a visitor is. At least one field besides `verified` is set.

    :ivar customer_id: the host's own name for them, up to 255 characters.
    :ivar email: up to 320 characters.
    :ivar name: up to 200 characters.
    :ivar metadata: whatever else is known, as JSON can hold it.
    :ivar verified: whether the host app vouches for it; what a page says is not verified.
    """

    customer_id: str | None = None
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who answers.

    :ivar id: the host app's own name for them, up to 255 characters.
    :ivar name: shown to visitors, up to 200 characters.
    :ivar avatar: the address of a picture, up to 2048 characters.
    """

    id: str
    name: str
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class PresentOperator:
    """An operator who is connected now.

    :ivar id: the host app's own name for them.
    :ivar name: shown to visitors.
    :ivar avatar: the address of a picture.
    :ivar available: whether visitors see them as online.
    """

    id: str
    name: str
    avatar: str | None
    available: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a conversation.

    :ivar id: the public id, `att_…`.
    :ivar session_id: the public id of its session.
    :ivar filename: what its sender called it, without folders.
    :ivar mime_type: what it is by its content, whatever its sender said.
    :ivar size: in bytes.
    :ivar status: pending until it is stored, then ready.
    :ivar url: where it can be had; whoever knows the address needs nothing more.
    :ivar thumbnail_url: where a small picture of it can be had, if it is an image.
    :ivar width: in pixels, if it is an image.
    :ivar height: in pixels, if it is an image.
    """

    id: str
    session_id: str
    filename: str
    mime_type: str
    size: int
    status: AttachmentStatus
    # Within `chat/` both are paths below the API's root; `schemas.public_urls` makes addresses of them.
    url: str
    thumbnail_url: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class CSAT:
    """What a visitor thought of a conversation.

    :ivar score: 1 (bad) to 5 (good).
    :ivar comment: in their own words, if they gave any.
    :ivar submitted_at: when they rated it.
    """

    score: int
    comment: str | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is stored.

    :ivar id: the public id, `msg_…`.
    :ivar session_id: the public id of its session.
    :ivar seq: its place in the session: that of its `message.created` event.
    :ivar content: 1 to 4000 characters; empty once it is deleted, and where it has only attachments.
    :ivar type: visitor, operator, ai or system.
    :ivar created_at: aware, in UTC, like all times.
    :ivar operator_name: what the visitor sees of who wrote it.
    :ivar source_bridge: the bridge that it came through.
    :ivar reply_to: the id of the message that it answers.
    :ivar status: sent, delivered or read, by the other side.
    :ivar delivered_at: when it reached the other side.
    :ivar read_at: when the other side read it.
    :ivar edited_at: when its text was last changed.
    :ivar deleted_at: when it was emptied.
    :ivar attachments: its files, in the order in which they were given.
    """

    id: str
    session_id: str
    seq: int
    content: str
    type: MessageType
    created_at: datetime
    operator_name: str | None = None
    source_bridge: str | None = None
    reply_to: str | None = None
    status: MessageStatus = MessageStatus.SENT
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def kind(self) -> str | None:
        """The event that a system message of the server announces: a key of `NOTICES`. Other messages have none."""
        return _KINDS.get(self.content) if self.type == MessageType.SYSTEM else None


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with one visitor.

    :ivar id: the public id, `sess_…`.
    :ivar visitor_id: who it is with; a visitor may have several.
    :ivar project_id: the project that it belongs to.
    :ivar status: active or closed.
    :ivar created_at: when it was opened.
    :ivar last_activity: when anything was last said.
    :ivar metadata: of the visitor's page, with the keys of the API (`pageUrl`, `userAgent`, …).
    :ivar identity: who the visitor is, if that is known.
    :ivar ai_enabled: whether the AI may answer.
    :ivar ai_active: whether the AI answers now.
    :ivar unread: how many of the visitor's messages no operator has read.
    :ivar last_message: the newest message that is not one of `NOTICES`, if there is any.
    :ivar closed_at: when it was closed, if it is.
    :ivar seq: the number of its newest event.
    :ivar signed_in: whether it belongs to a user of the host app, and only that user may go on with it.
    :ivar unanswered: whether the last word is the visitor's.
    :ivar visitor_online: whether the visitor's page was connected when this was read.
    :ivar csat: the visitor's rating, if there is one.
    :ivar csat_requested_at: when the visitor was last asked for one, if ever.
    """

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
    signed_in: bool = False
    unanswered: bool = False
    visitor_online: bool = False
    csat: CSAT | None = None
    csat_requested_at: datetime | None = None


@dataclass(slots=True)
class MessageDraft:
    """A message before it is stored. A receiver of `message_received` may set `content`, and nothing else.

    :ivar session_id: the public id of the session that it is for.
    :ivar content: 1 to 4000 characters.
    :ivar type: visitor, operator, ai or system.
    :ivar operator_name: what the visitor will see of who wrote it.
    :ivar reply_to: the id of the message that it answers.
    :ivar attachments: the files that come with it.
    :ivar message_id: the message whose new text this is; `None` for a message that is new.
    """

    session_id: str
    content: str
    type: MessageType
    operator_name: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A page that a visitor was on.

    :ivar url: its address.
    :ivar title: its title, if it told one.
    :ivar visited_at: when they came to it.
    """

    url: str
    title: str | None
    visited_at: datetime


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A text that operators keep for answering.

    :ivar id: the public id, `can_…`.
    :ivar shortcut: what it is found by, 1 to 40 letters, digits, `-` and `_`.
    :ivar content: 1 to 4000 characters.
    :ivar created_at: when it was made.
    """

    id: str
    shortcut: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SavedReplyPage:
    """A page of the texts of a project.

    :ivar replies: by their shortcuts.
    :ivar next_cursor: asks for the next page; `None` on the last one.
    """

    replies: list[SavedReply]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """What began on one day.

    :ivar day: which one, in UTC.
    :ivar conversations: how many visitors began one.
    :ivar answered: how many of these were answered, whenever that was.
    """

    day: date
    conversations: int
    answered: int


@dataclass(frozen=True, slots=True)
class CSATSummary:
    """How content visitors were with the conversations of a period.

    :ivar score: the mean of the ratings, 1 to 5; `None` where there is none.
    :ivar satisfied: the share of the ratings 4 and 5, 0 to 1; `None` where there is none.
    :ivar count: how many ratings there are.
    :ivar scores: how many there are of each rating from 1 to 5.
    """

    score: float | None
    satisfied: float | None
    count: int
    scores: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of a period: of the conversations that visitors began in it.

    :ivar period: 7d or 30d.
    :ivar first_day: its first day, in UTC.
    :ivar last_day: its last day: today.
    :ivar conversations: how many began.
    :ivar answered: how many of these an operator or the AI answered.
    :ivar response_rate: the share of those, 0 to 1; `None` where nothing began.
    :ivar median_first_response: seconds from the visitor's first message to the first answer; `None` without one.
    :ivar unanswered: how many open ones wait for an answer now, whenever they began.
    :ivar csat: how content the visitors were.
    :ivar days: each day of the period, oldest first.
    """

    period: str
    first_day: date
    last_day: date
    conversations: int
    answered: int
    response_rate: float | None
    median_first_response: float | None
    unanswered: int
    csat: CSATSummary
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log.

    :ivar id: orders the events of one session, and roughly those of all.
    :ivar project_id: the project that it belongs to.
    :ivar session_id: the public id of its session.
    :ivar seq: its number in the session, from 1, without a gap.
    :ivar type: one of `EVENT_TYPES`.
    :ivar created_at: when it happened.
    :ivar data: what happened, as JSON text in the form that the API sends.
    :ivar payload: the same for receivers of signals; empty in an event that was read back from the log.
    """

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
class PageVisits:
    """A page of the pages that a visitor was on.

    :ivar pages: newest first.
    :ivar has_more: whether there are older ones.
    """

    pages: list[PageVisit]
    has_more: bool


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page of a conversation.

    :ivar messages: oldest first.
    :ivar has_more: whether there are more in the direction that was asked for.
    """

    messages: list[Message]
    has_more: bool


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of conversations.

    :ivar sessions: newest activity first.
    :ivar next_cursor: asks for the next page; `None` on the last one.
    """

    sessions: list[Session]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Project:
    """A site with conversations, webhooks and API keys of its own.

    :ivar id: `proj_…`.
    :ivar name: for people.
    :ivar created_at: when it was made.
    """

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class APIKey:
    """A key of the back office.

    :ivar id: `key_…`, by which it is revoked.
    :ivar project_id: the project that it opens.
    :ivar name: for people.
    :ivar hint: its beginning and its end.
    :ivar created_at: when it was made.
    :ivar revoked_at: when it was revoked, if it was.
    :ivar key: the key itself, known only to whoever has just made it.
    """

    id: str
    project_id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that wants events.

    :ivar id: the public id, `whk_…`.
    :ivar project_id: the project whose events it gets.
    :ivar url: where they are posted.
    :ivar events: the types that it wants; `"*"` stands for all.
    :ivar description: for people.
    :ivar enabled: whether it gets anything.
    :ivar created_at: when it was registered.
    :ivar disabled_reason: why it is not enabled, for people.
    :ivar secret: what signs its requests; set only when it was made or rotated just now.
    """

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
class WebhookPage:
    """A page of the webhooks of a project.

    :ivar webhooks: oldest first.
    :ivar next_cursor: asks for the next page; `None` on the last one.
    """

    webhooks: list[Webhook]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery.

    :ivar number: from 1.
    :ivar started_at: when it began.
    :ivar duration_ms: how long it took, in milliseconds.
    :ivar status_code: of the answer, if there was one.
    :ivar error: what went wrong, for people; `None` after a success.
    :ivar response: the first 2 kB of the answer's body as text.
    """

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one target.

    :ivar id: the public id, `dlv_…`.
    :ivar target_id: the id of the target, such as a webhook's.
    :ivar event_type: the type of the event, or `webhook.test`.
    :ivar event_id: what the receiver knows it by, the same at each attempt.
    :ivar session_id: the session that it is about, if it is about one.
    :ivar state: pending, running, succeeded, failed or cancelled.
    :ivar created_at: when the event was written.
    :ivar next_attempt_at: when it is tried next, while it is pending.
    :ivar attempts: those made so far, oldest first.
    """

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
    """A page of deliveries.

    :ivar deliveries: newest first.
    :ivar next_cursor: asks for the next page; `None` on the last one.
    """

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
    "csat.requested",
    "csat.submitted",
)
