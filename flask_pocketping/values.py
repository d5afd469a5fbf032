"""Frozen values: what `chat/` returns, what signals carry and what the schemas turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
    """Whether a conversation is open."""

    ACTIVE = "active"
    CLOSED = "closed"


#: The statuses that a receipt can report.
RECEIPTS = (MessageStatus.DELIVERED, MessageStatus.READ)


class DeliveryState(StrEnum):
    """Where a delivery is on its way."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: The states of deliveries that are still to be made, and those of deliveries that are finished.
OPEN_STATES = (DeliveryState.PENDING, DeliveryState.RUNNING)
FINISHED_STATES = (DeliveryState.SUCCEEDED, DeliveryState.FAILED, DeliveryState.CANCELLED)


class PostState(StrEnum):
    """What became of a message on a bridge."""

    QUEUED = "queued"
    SENT = "sent"
    MAYBE = "maybe"
    FAILED = "failed"


#: The system messages of the server, by the type of the event that each one announces.
NOTICES = {"session.closed": "Session closed", "session.reopened": "Session reopened"}
_KINDS = {text: kind for kind, text in NOTICES.items()}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a visitor is. At least one field besides `verified` is set.

    :ivar customer_id: the host's id of the customer, up to 255 characters.
    :ivar email: up to 320 characters.
    :ivar name: up to 200 characters.
    :ivar metadata: further facts, as JSON.
    :ivar verified: whether the host app has confirmed the identity. An identity from a page is not verified.
    """

    customer_id: str | None = None
    email: str | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who replies to visitors.

    :ivar id: the host's id of the person, up to 255 characters.
    :ivar name: the name that visitors see, up to 200 characters.
    :ivar avatar: the address of a picture, up to 2048 characters.
    :ivar projects: the ids of the projects whose inbox they may open, in the order of the inbox. Empty: the default
        project.
    """

    id: str
    name: str
    avatar: str | None = None
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PresentOperator:
    """An operator who is connected now.

    :ivar id: the host's id of the person.
    :ivar name: the name that visitors see.
    :ivar avatar: the address of a picture.
    :ivar available: whether visitors see the operator as online.
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
    :ivar filename: the name from its sender, without folders.
    :ivar mime_type: its media type, found in its content.
    :ivar size: its size in bytes.
    :ivar status: pending until it is stored, then ready.
    :ivar url: its address, which works for everyone who knows it.
    :ivar thumbnail_url: the address of its thumbnail, for an image.
    :ivar width: in pixels, for an image.
    :ivar height: in pixels, for an image.
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
    """A visitor's rating of a conversation.

    :ivar score: 1 (bad) to 5 (good).
    :ivar comment: the visitor's comment, if any.
    :ivar submitted_at: when the visitor rated the conversation.
    """

    score: int
    comment: str | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class BridgeDelivery:
    """What became of a message on a bridge.

    :ivar bridge: the name of the bridge.
    :ivar state: queued, sent, maybe (it may have arrived, and is not repeated for that reason) or failed.
    :ivar reason: why it failed or may have arrived, or what it waits for.
    :ivar wait_seconds: the estimated seconds until it is posted, while it is queued.
    """

    bridge: str
    state: PostState
    reason: str | None = None
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class BridgeThread:
    """The thread of a conversation on a bridge.

    :ivar bridge: the name of the bridge.
    :ivar state: `open`, or `closed` with its conversation.
    :ivar link: its address for operators, if the platform has one.
    """

    bridge: str
    state: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a conversation, because they answered first.

    :ivar name: the operator.
    :ivar bridge: the bridge that they answered from, if it was one.
    """

    name: str
    bridge: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message.

    :ivar id: the public id, `msg_…`.
    :ivar session_id: the public id of its session.
    :ivar seq: its position in the session: the number of its `message.created` event.
    :ivar content: 1 to 4000 characters; empty if it is deleted or has only attachments.
    :ivar type: visitor, operator, ai or system.
    :ivar created_at: when it was stored. All times are aware and in UTC.
    :ivar operator_name: the name that the visitor sees.
    :ivar operator_id: the host's id of the operator, if known. Visitors do not get it.
    :ivar source_bridge: the bridge that it came through.
    :ivar reply_to: the id of the quoted message.
    :ivar status: sent, delivered to the other side, or read there.
    :ivar delivered_at: when it reached the other side.
    :ivar read_at: when the other side read it.
    :ivar edited_at: when its text last changed.
    :ivar deleted_at: when it was deleted.
    :ivar attachments: its files, in the order of its sender.
    :ivar internal: true for a note that only operators see.
    :ivar deliveries: what became of it on each bridge, where that was asked for.
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
    internal: Literal[True] | None = None
    deliveries: tuple[BridgeDelivery, ...] = ()
    operator_id: str | None = None

    @property
    def kind(self) -> str | None:
        """The event that a system message announces, a key of `NOTICES`. Other messages have none."""
        return _KINDS.get(self.content) if self.type == MessageType.SYSTEM else None


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with one visitor.

    :ivar id: the public id, `sess_…`.
    :ivar visitor_id: the visitor, who may have several conversations.
    :ivar project_id: the project.
    :ivar status: active or closed.
    :ivar created_at: when it was opened.
    :ivar last_activity: when somebody last wrote.
    :ivar metadata: facts about the visitor's page, with the keys of the API (`pageUrl`, `userAgent`, …).
    :ivar identity: who the visitor is, if known.
    :ivar ai_enabled: whether the AI may reply.
    :ivar ai_active: whether the AI replies now.
    :ivar unread: the number of the visitor's messages that no operator has read.
    :ivar last_message: the newest message that is not one of `NOTICES`, if any.
    :ivar closed_at: when it was closed, if it is.
    :ivar seq: the number of its newest event.
    :ivar signed_in: whether it belongs to a customer of the host app. Then only this customer may continue it.
    :ivar unanswered: whether the last message is the visitor's.
    :ivar visitor_online: whether the visitor's page was connected when this was read.
    :ivar csat: the visitor's rating, if any.
    :ivar csat_requested_at: when the visitor was last asked for a rating, if ever.
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
    """A message before it is stored. A receiver of `message_received` may set only `content`.

    :ivar session_id: the public id of its session.
    :ivar content: 1 to 4000 characters.
    :ivar type: visitor, operator, ai or system.
    :ivar operator_name: the name that the visitor will see.
    :ivar reply_to: the id of the quoted message.
    :ivar attachments: its files.
    :ivar message_id: the edited message; `None` for a new message.
    :ivar operator_id: the host's id of the operator, if known.
    """

    session_id: str
    content: str
    type: MessageType
    operator_name: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    message_id: str | None = None
    operator_id: str | None = None


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A page that a visitor viewed.

    :ivar url: its address.
    :ivar title: its title, if known.
    :ivar visited_at: when the visitor opened it.
    """

    url: str
    title: str | None
    visited_at: datetime


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A text for frequent questions.

    :ivar id: the public id, `can_…`.
    :ivar shortcut: the shortcut to find it, 1 to 40 letters, digits, `-` and `_`.
    :ivar content: 1 to 4000 characters.
    :ivar created_at: when it was created.
    """

    id: str
    shortcut: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SavedReplyPage:
    """A page of the saved replies of a project.

    :ivar replies: sorted by shortcut.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    replies: list[SavedReply]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """The statistics of one day.

    :ivar day: the day, in UTC.
    :ivar conversations: the number of conversations that began.
    :ivar answered: how many of them have a response, from any day.
    """

    day: date
    conversations: int
    answered: int


@dataclass(frozen=True, slots=True)
class CSATSummary:
    """The ratings of the conversations of a period.

    :ivar score: the mean, 1 to 5; `None` without ratings.
    :ivar satisfied: the share of the ratings 4 and 5, 0 to 1; `None` without ratings.
    :ivar count: the number of ratings.
    :ivar scores: the number of each rating from 1 to 5.
    """

    score: float | None
    satisfied: float | None
    count: int
    scores: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """The statistics of a period, about the conversations that began in it.

    :ivar period: 7d or 30d; `custom` for the time between two moments.
    :ivar first_day: its first day, in UTC.
    :ivar last_day: its last day, which is today.
    :ivar conversations: the number of conversations that began.
    :ivar answered: how many of them an operator or the AI has answered.
    :ivar response_rate: `answered` divided by `conversations`, 0 to 1; `None` without conversations.
    :ivar median_first_response: the median time until the first response, in seconds; `None` without responses.
    :ivar unanswered: the number of open conversations that wait for a response now, from any day.
    :ivar csat: the ratings.
    :ivar days: all days of the period, oldest first.
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
    """An event of the log.

    :ivar id: orders the events of one session, and approximately those of all sessions.
    :ivar project_id: the project.
    :ivar session_id: the public id of its session.
    :ivar seq: its number in the session, from 1, without gaps.
    :ivar type: one of `EVENT_TYPES`.
    :ivar created_at: when it happened.
    :ivar data: what happened, as JSON text in the form that the API sends.
    :ivar payload: what happened, for receivers of signals; empty if the event was read from the log.
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
        """The id that sockets and webhooks show. Receivers use it to skip repeated events."""
        return f"evt_{self.id}"


@dataclass(frozen=True, slots=True)
class PageVisits:
    """A page of the pages that a visitor viewed.

    :ivar pages: newest first.
    :ivar has_more: whether there are older ones.
    """

    pages: list[PageVisit]
    has_more: bool


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page of messages.

    :ivar messages: oldest first.
    :ivar has_more: whether there are more in the same direction.
    """

    messages: list[Message]
    has_more: bool


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """The newest message of a conversation that contains the text of a search.

    :ivar session_id: the public id of its session.
    :ivar message_id: the public id of the message.
    :ivar type: who the message is from.
    :ivar operator_id: the host's id of its operator, if known.
    :ivar operator_name: the name of its operator, if known.
    :ivar excerpt: one line of the message around the text, with `…` where something was left out.
    """

    session_id: str
    message_id: str
    type: MessageType
    operator_id: str | None
    operator_name: str | None
    excerpt: str


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of conversations.

    :ivar sessions: the newest activity first.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    :ivar matches: for a search, the matching message of each conversation that has one.
    """

    sessions: list[Session]
    next_cursor: str | None
    matches: tuple[SearchMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How many conversations with messages a project has. No number is above `MAX_SESSION_COUNT`.

    :ivar open: the open ones.
    :ivar unanswered: the open ones whose last message is the visitor's.
    :ivar closed: the closed ones.
    """

    open: int
    unanswered: int
    closed: int


#: What the management API may switch on or off for a project, and what holds until then.
PROJECT_SWITCHES = {
    "botHeuristicsEnabled": True,
    "telegramNotifyPresence": False,
    "discordNotifyPresence": False,
    "slackNotifyPresence": False,
    "hubspotNotifyPresence": False,
    "uaFilterEnabled": True,
    "ipFilterEnabled": True,
    "csatEnabled": True,
}


@dataclass(frozen=True, slots=True)
class Project:
    """A site with its own conversations, webhooks and API keys.

    :ivar id: `proj_…`.
    :ivar name: a label.
    :ivar created_at: when it was created.
    :ivar switches: the `PROJECT_SWITCHES` that the management API set.
    """

    id: str
    name: str
    created_at: datetime
    switches: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class APIKey:
    """An API key.

    :ivar id: `key_…`, to revoke it.
    :ivar project_id: the project that it opens.
    :ivar name: a label.
    :ivar hint: its beginning and its end.
    :ivar created_at: when it was created.
    :ivar revoked_at: when it was revoked, if it was.
    :ivar key: the key itself, only directly after its creation.
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
    """A URL that receives events.

    :ivar id: the public id, `whk_…`.
    :ivar project_id: the project whose events it receives.
    :ivar url: the URL.
    :ivar events: the types that it receives; `"*"` stands for all.
    :ivar description: a note.
    :ivar enabled: whether it receives events.
    :ivar created_at: when it was registered.
    :ivar disabled_reason: why it is disabled, in words.
    :ivar secret: the key of its signatures, only directly after it was created or rotated.
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
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    webhooks: list[Webhook]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery.

    :ivar number: from 1.
    :ivar started_at: when it began.
    :ivar duration_ms: its duration in milliseconds.
    :ivar status_code: the status of the response, if any.
    :ivar error: the error, in words; `None` after a success.
    :ivar response: the first 2 kB of the response's body, as text.
    """

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one target.

    :ivar id: the public id, `dlv_…`.
    :ivar target_id: whom the target delivers it to, such as the id of a webhook.
    :ivar event_type: the type of the event, or `webhook.test`.
    :ivar event_id: the id of the event for the receiver, the same in each attempt.
    :ivar session_id: the session of the event, if any.
    :ivar state: pending, running, succeeded, failed or cancelled.
    :ivar created_at: when the event was written.
    :ivar next_attempt_at: when the next attempt is due, while it is pending.
    :ivar attempts: the attempts, oldest first.
    :ivar target: the name of the target: `webhook` for webhooks.
    :ivar uncertain: whether it may have arrived although the answer to an attempt never came. If it is `failed`, it is
        not repeated for that reason.
    :ivar waits: whether it waits until an earlier one of the same conversation is finished.
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
    target: str = "webhook"
    uncertain: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """A delivery that follows from an event, as `Target.follow` asks for it.

    :ivar target_id: for whom it is, up to 40 characters; a target that has one recipient only needs none.
    :ivar subject: what it is about, up to 40 characters: deliveries to one `target_id` about one subject keep their
        order. The event's conversation if unset.
    :ivar due: when it is to be made: a time, or how long from now. At once if unset.
    """

    target_id: str = ""
    subject: str | None = None
    due: datetime | timedelta | None = None

    def __post_init__(self) -> None:
        if len(self.target_id) > 40 or len(self.subject or "") > 40:
            raise ValueError("target_id and subject must have at most 40 characters.")


@dataclass(frozen=True, slots=True)
class Cancel:
    """Deliveries of the target that an event cancels, as `Target.follow` asks for it: all that are not finished yet.

    :ivar target_id: only those for this recipient; for all if unset.
    :ivar subject: what they are about: the event's conversation if unset.
    """

    target_id: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries.

    :ivar deliveries: newest first.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    deliveries: list[Delivery]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AISource:
    """A passage of the knowledge base that the AI was given.

    :ivar id: the id of the passage.
    :ivar version: the version of its document, so that a later change can be told.
    :ivar title: its title.
    :ivar url: the address of its source, if it has one.
    """

    id: str
    version: str
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AIDraft:
    """An answer of the AI that waits for an operator.

    :ivar id: the public id, `drf_…`.
    :ivar session_id: the public id of its session.
    :ivar content: 1 to 4000 characters.
    :ivar state: pending, sent, dropped, or stale if somebody has answered meanwhile.
    :ivar passages: the passages that it is based on.
    :ivar message_id: the message that it became.
    :ivar created_at: when it was written.
    """

    id: str
    session_id: str
    content: str
    state: str
    passages: tuple[AISource, ...]
    message_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AIAction:
    """A call of a tool with effects by the AI.

    :ivar id: the public id, `act_…`.
    :ivar session_id: the public id of its session.
    :ivar tool: the name of the tool.
    :ivar arguments: the arguments that the model chose.
    :ivar question: what is asked before it is called.
    :ivar asks: whose yes it needs: visitor or operator.
    :ivar state: waiting, running, done, failed, refused or stale.
    :ivar result: what the tool returned, as text, once it was called.
    :ivar created_at: when it was asked for.
    """

    id: str
    session_id: str
    tool: str
    arguments: Mapping[str, Any]
    question: str
    asks: str
    state: str
    result: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AIAnswer:
    """An attempt of the AI to answer.

    :ivar id: the public id, `ans_…`.
    :ivar session_id: the public id of its session.
    :ivar message_id: the message that it became, if it did.
    :ivar draft_id: the draft that it became, if it did.
    :ivar outcome: answered, drafted, asked, handed_over, outdated or failed.
    :ivar reason: why it handed over or failed.
    :ivar input_tokens: the tokens that the model read.
    :ivar output_tokens: the tokens that it wrote.
    :ivar duration_ms: its duration in milliseconds.
    :ivar passages: the passages that it was given.
    :ivar calls: the tools that it called, each with `name` and `ok`.
    :ivar created_at: when it began.
    """

    id: str
    session_id: str
    message_id: str | None
    draft_id: str | None
    outcome: str
    reason: str | None
    input_tokens: int
    output_tokens: int
    duration_ms: int
    passages: tuple[AISource, ...]
    calls: tuple[Mapping[str, Any], ...]
    created_at: datetime


#: All types of events in the log. Webhooks can subscribe to each. `typing` and `presence` are not in the log.
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


@dataclass(frozen=True, slots=True)
class KnowledgeDocument:
    """A text for the knowledge base.

    :ivar key: its name, up to 255 characters. A document with the same name takes its place.
    :ivar title: up to 500 characters. Empty: the title that is in the text, else the key.
    :ivar text: up to 500,000 characters.
    :ivar url: the page where visitors can read it: an http(s) address, or a path of this site.
    :ivar format: `markdown`, `html` or `text`.
    """

    key: str
    title: str
    text: str
    url: str | None = None
    format: str = "markdown"


@dataclass(frozen=True, slots=True)
class KnowledgeChanges:
    """What a change of several documents did.

    :ivar added: the number of new documents.
    :ivar changed: the number of those that took the place of another version.
    :ivar removed: the number of those that were removed.
    :ivar unchanged: the number of those that were left as they are.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: KnowledgeChanges) -> KnowledgeChanges:
        return KnowledgeChanges(
            self.added + other.added,
            self.changed + other.changed,
            self.removed + other.removed,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that a search found.

    :ivar id: such as `psg_17`. A text keeps its id until its document changes, and no other text ever has it.
    :ivar version: of the document, which counts its changes from 1.
    :ivar title: the title of the document and the headings above the text, such as `Returns > Refunds`.
    :ivar text: Markdown, up to 1200 characters.
    :ivar url: the page where visitors can read it, if it is known.
    :ivar document: the document's key, or its path within the folder.
    :ivar source: `code` or `folder`.
    :ivar score: how well it fits; comparable within one search only.
    """

    id: str
    version: int
    title: str
    text: str
    url: str | None
    document: str
    source: str
    score: float
