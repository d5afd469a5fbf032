"""The tables as SQLAlchemy models, for SQLite, PostgreSQL and MariaDB.

A host app may query them and join them to its own tables. Only `chat/` and `delivery/` write to them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from .bounds import (
    MAX_CLIENT_ID,
    MAX_CUSTOMER_ID,
    MAX_DESCRIPTION,
    MAX_DOCUMENT_KEY,
    MAX_EMAIL,
    MAX_EXTERNAL_ID,
    MAX_FILENAME,
    MAX_IDEMPOTENCY_KEY,
    MAX_NAME,
    MAX_SHORTCUT,
    MAX_TITLE,
    MAX_URL,
    MAX_VISITOR_ID,
)

#: The default project, which `POCKETPING_API_KEY` opens.
DEFAULT_PROJECT = "proj_default"


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC with microseconds on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        # For SQLite, SQLAlchemy puts each time together from seven numbers. This makes the same text in a quarter of
        # the time, and a message has five times in it.
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _sqlite_text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds").removesuffix("+00:00")


def _from_sqlite(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


# SQLite numbers only INTEGER keys automatically; MariaDB's TEXT ends at 64 kB.
BigKey = BigInteger().with_variant(Integer(), "sqlite")
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
SearchWords = Text().with_variant(LONGTEXT(), "mysql", "mariadb").with_variant(TSVECTOR(), "postgresql")
Id = String(40)
#: An id of a chat platform.
ExternalId = String(MAX_EXTERNAL_ID)
# Of all that a host app may join, the one whose own column may well have MariaDB's usual binary collation.
Email = String(MAX_EMAIL).with_variant(VARCHAR(MAX_EMAIL, collation="utf8mb4_bin"), "mysql", "mariadb")

# Text is compared to the letter, also where the server would fold its case or overlook blanks at its end.
_MARIADB = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_nopad_bin", "mysql_engine": "InnoDB"}


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime()}  # noqa: RUF012


class Project(Base):
    """A site with its own conversations and API keys. `switches` has those of `PROJECT_SWITCHES` that were set."""

    __tablename__ = "pocketping_project"
    __table_args__ = _MARIADB

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    created_at: Mapped[datetime]
    switches: Mapped[dict[str, bool] | None] = mapped_column(JSON(none_as_null=True))


class APIKey(Base):
    """An API key. The table has only its hash."""

    __tablename__ = "pocketping_api_key"
    __table_args__ = _MARIADB

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey(Project.id, ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    hint: Mapped[str] = mapped_column(String(20))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Session(Base):
    """A conversation with one visitor. `seq` is the number of its newest event, `changed_at` the time of it.

    A conversation starts with the visitor's first message, and `response_ms` is the time until the first response.
    With `signed_in`, only this customer of the host app may continue it. `ai_handed_over` keeps the AI silent until
    somebody allows it again.
    """

    __tablename__ = "pocketping_session"
    # The list and its filters each read one of these from its end; id settles equal times.
    __table_args__ = (
        Index(None, "project_id", "last_activity", "id"),
        Index(None, "project_id", "status", "last_activity", "id"),
        Index(None, "project_id", "unanswered", "last_activity", "id"),
        Index(None, "project_id", "visitor_id"),
        # All that statistics ask of a conversation, so that they read this and no row.
        Index("ix_pocketping_session_stats", "project_id", "started_on", "response_ms", "csat_score"),
        _MARIADB,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey(Project.id, ondelete="CASCADE"))
    visitor_id: Mapped[str] = mapped_column(String(MAX_VISITOR_ID))
    status: Mapped[str] = mapped_column(String(10))
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    last_activity: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSON)
    customer_id: Mapped[str | None] = mapped_column(String(MAX_CUSTOMER_ID), index=True)
    email: Mapped[str | None] = mapped_column(Email)
    name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    identity_details: Mapped[dict[str, Any] | None] = mapped_column("identity_metadata", JSON(none_as_null=True))
    identity_verified: Mapped[bool] = mapped_column(default=False, server_default=false())
    ai_enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    ai_active: Mapped[bool] = mapped_column(default=False, server_default=false())
    ai_handed_over: Mapped[bool] = mapped_column(default=False, server_default=false())
    unread: Mapped[int] = mapped_column(default=0)
    unanswered: Mapped[bool] = mapped_column(default=False, server_default=false())
    last_message_id: Mapped[str | None] = mapped_column(Id)
    visitor_online: Mapped[bool] = mapped_column(default=False, server_default=false(), index=True)
    visitor_seen_at: Mapped[datetime | None]
    signed_in: Mapped[bool] = mapped_column(default=False, server_default=false())
    first_message_at: Mapped[datetime | None]
    started_on: Mapped[date | None] = mapped_column(Date)
    response_ms: Mapped[int | None] = mapped_column(BigInteger)
    csat_requested_at: Mapped[datetime | None]
    csat_score: Mapped[int | None]
    csat_comment: Mapped[str | None] = mapped_column(Text)
    csat_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]


class Message(Base):
    """A message. `seq` is that of its `message.created` event, so it orders the conversation. `files` is the number of
    its attachments, to avoid queries for messages without any. Visitors do not see `internal` ones.
    """

    __tablename__ = "pocketping_message"
    __table_args__ = (
        UniqueConstraint("session_id", "seq"),
        UniqueConstraint("session_id", "client_id"),
        Index(None, "session_id", "changed_at"),
        _MARIADB,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    client_id: Mapped[str | None] = mapped_column(String(MAX_CLIENT_ID))
    type: Mapped[str] = mapped_column(String(10))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    operator_id: Mapped[str | None] = mapped_column(String(MAX_CUSTOMER_ID))
    operator_name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    source_bridge: Mapped[str | None] = mapped_column(String(20))
    reply_to: Mapped[str | None] = mapped_column(Id)
    status: Mapped[str] = mapped_column(String(10), default="sent")
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0, server_default="0")
    internal: Mapped[bool] = mapped_column(default=False, server_default=false())


class Attachment(Base):
    """A file of a conversation: announced (pending), stored (ready), and then part of a message.

    `key` is a secret in its address, and `path` is its path in the storage.
    """

    __tablename__ = "pocketping_attachment"
    # The index on status finds attachments to remove without reading those of messages.
    __table_args__ = (Index(None, "message_id", "created_at"), Index(None, "status"), _MARIADB)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"), index=True)
    message_id: Mapped[str | None] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    by: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(64))
    filename: Mapped[str] = mapped_column(String(MAX_FILENAME))
    mime_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(String(255))
    thumbnail_path: Mapped[str | None] = mapped_column(String(255))
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class PageVisit(Base):
    """A page that a visitor viewed during a conversation."""

    __tablename__ = "pocketping_page_visit"
    __table_args__ = (Index(None, "session_id", "id"), {"sqlite_autoincrement": True, **_MARIADB})

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(MAX_URL))
    title: Mapped[str | None] = mapped_column(String(MAX_TITLE))
    visited_at: Mapped[datetime]


class SavedReply(Base):
    """A text for frequent questions, which operators find by its shortcut."""

    __tablename__ = "pocketping_saved_reply"
    __table_args__ = (UniqueConstraint("project_id", "shortcut"), _MARIADB)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey(Project.id, ondelete="CASCADE"))
    shortcut: Mapped[str] = mapped_column(String(MAX_SHORTCUT))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Event(Base):
    """An event of the append-only log: what happened, as JSON in the form that the API sends.

    `seq` has no gaps within a session. `id` also orders the events of one session. Over all sessions, ids become
    visible in the order of commits, so a client that has seen the largest id may not have seen all.
    """

    __tablename__ = "pocketping_event"
    __table_args__ = (
        UniqueConstraint("session_id", "seq"),
        Index(None, "project_id", "id"),
        {"sqlite_autoincrement": True, **_MARIADB},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(Id)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    data: Mapped[str] = mapped_column(LongText)


class WebhookEndpoint(Base):
    """A URL that receives events. The table has its secret in readable form, because it signs requests."""

    __tablename__ = "pocketping_webhook"
    __table_args__ = _MARIADB

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey(Project.id, ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(MAX_URL))
    events: Mapped[list[str]] = mapped_column(JSON)
    description: Mapped[str] = mapped_column(String(MAX_DESCRIPTION))
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    disabled_reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    secret: Mapped[str] = mapped_column(String(100))
    previous_secret: Mapped[str | None] = mapped_column(String(100))
    previous_secret_until: Mapped[datetime | None]


class Delivery(Base):
    """One event for one target.

    `due_at` says when a worker may take it up; while one has it (`state` running), when its lease ends. `dated_at` is
    the time that this was counted from. `waits_for` is the id of the delivery that must be finished before, or 0.
    `batch_id` is the first of those that are sent together, once that may not change any more. `uncertain` marks one
    that may have arrived without an answer. `throttled` counts attempts that were put off, and `note` is the target's.
    """

    __tablename__ = "pocketping_delivery"
    __table_args__ = (
        Index(None, "state", "waits_for", "due_at", "id"),
        Index(None, "target_id", "id"),
        Index("ix_pocketping_delivery_lane", "subject", "target", "target_id", "state", "id"),
        {"sqlite_autoincrement": True, **_MARIADB},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(Id)
    target: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[str] = mapped_column(Id)
    subject: Mapped[str] = mapped_column(Id)
    event_id: Mapped[int | None] = mapped_column(ForeignKey(Event.id, ondelete="CASCADE"), index=True)
    payload: Mapped[str | None] = mapped_column(LongText)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    dated_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    waits_for: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    batch_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    uncertain: Mapped[bool] = mapped_column(default=False, server_default=false())
    throttled: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None] = mapped_column(LongText)


class DeliveryPace(Base):
    """How fast the deliveries that share a key were made of late: `times` are seconds since 1970, oldest first.

    `held_until` is set where the other side asked for a pause, counted from `dated_at`.
    """

    __tablename__ = "pocketping_pace"
    __table_args__ = _MARIADB

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    times: Mapped[list[float]] = mapped_column(JSON)
    held_until: Mapped[datetime | None]
    dated_at: Mapped[datetime | None]


class Attempt(Base):
    """One attempt of a delivery and its result."""

    __tablename__ = "pocketping_attempt"
    __table_args__ = (UniqueConstraint("delivery_id", "number"), _MARIADB)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey(Delivery.id, ondelete="CASCADE"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(500))
    response: Mapped[str | None] = mapped_column(Text)


class Presence(Base):
    """An open connection: a visitor's if it has a session, else an operator's.

    `operator_id` and the columns after it are set for known operators. One that is not `available` does not count as
    online.
    """

    __tablename__ = "pocketping_presence"
    __table_args__ = (Index(None, "project_id", "session_id"), _MARIADB)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id)
    session_id: Mapped[str | None] = mapped_column(Id, index=True)
    operator_id: Mapped[str | None] = mapped_column(String(MAX_CUSTOMER_ID))
    operator_name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    operator_avatar: Mapped[str | None] = mapped_column(String(MAX_URL))
    available: Mapped[bool] = mapped_column(default=True, server_default=true())
    seen_at: Mapped[datetime]


class Bridge(Base):
    """A bridge to a chat platform: how far its incoming messages are read.

    `moved_to` is the new id of the chat that the settings name as `channel`.
    """

    __tablename__ = "pocketping_bridge"
    __table_args__ = _MARIADB

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    channel: Mapped[str | None] = mapped_column(ExternalId)
    moved_to: Mapped[str | None] = mapped_column(ExternalId)
    cursor: Mapped[str | None] = mapped_column(LongText)


class BridgeThread(Base):
    """The thread of a conversation on a chat platform.

    `head_id` is the post that begins with the facts about the visitor, and `newest_id` the newest message that came in.
    `claimed_by` is the operator who answered first, `claim_shown` whether the thread says so, and `warned` whether it
    says that nobody can answer here.
    """

    __tablename__ = "pocketping_bridge_thread"
    __table_args__ = (
        UniqueConstraint("bridge", "channel", "thread_id"),
        Index(None, "session_id"),
        Index(None, "bridge", "state", "used_at"),
        _MARIADB,
    )

    bridge: Mapped[str] = mapped_column(String(20), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(ExternalId)
    thread_id: Mapped[str] = mapped_column(ExternalId)
    state: Mapped[str] = mapped_column(String(10))
    head_id: Mapped[str | None] = mapped_column(ExternalId)
    newest_id: Mapped[str | None] = mapped_column(ExternalId)
    claimed_by: Mapped[str | None] = mapped_column(String(MAX_NAME))
    claim_shown: Mapped[bool] = mapped_column(default=False, server_default=false())
    warned: Mapped[bool] = mapped_column(default=False, server_default=false())
    opened_at: Mapped[datetime]
    used_at: Mapped[datetime]


class BridgePost(Base):
    """What became of a message on a bridge. `shown` is a hash of the text that was posted last."""

    __tablename__ = "pocketping_bridge_post"
    __table_args__ = (Index(None, "session_id", "bridge"), _MARIADB)

    message_id: Mapped[str] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"), primary_key=True)
    bridge: Mapped[str] = mapped_column(String(20), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(500))
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    shown: Mapped[str | None] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class BridgeItem(Base):
    """A message of a platform and the message that it belongs to: posted by a bridge, or `incoming`.

    One that came in is here once, before its message is stored. A long one has several parts, and so has a post of
    several joined messages. `position` orders the items of a message, and `edited` is the platform's sign of its newest
    edit, which sorts by time.
    """

    __tablename__ = "pocketping_bridge_item"
    __table_args__ = (
        Index(None, "message_id", "bridge"),
        Index(None, "session_id"),
        _MARIADB,
    )

    bridge: Mapped[str] = mapped_column(String(20), primary_key=True)
    channel: Mapped[str] = mapped_column(ExternalId, primary_key=True)
    external_id: Mapped[str] = mapped_column(ExternalId, primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    message_id: Mapped[str | None] = mapped_column(ForeignKey(Message.id, ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    incoming: Mapped[bool] = mapped_column(default=False, server_default=false())
    edited: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]


class AIAnswer(Base):
    """One attempt of the AI to answer: what it used, what it called and which passages it got.

    `outcome` is empty while it runs. `message_id` or `draft_id` is what came of it.
    """

    __tablename__ = "pocketping_ai_answer"
    __table_args__ = (
        Index(None, "project_id", "created_at"),
        Index(None, "session_id"),
        Index(None, "message_id"),
        _MARIADB,
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(Id)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    message_id: Mapped[str | None] = mapped_column(Id)
    draft_id: Mapped[str | None] = mapped_column(Id)
    outcome: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(500))
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    duration_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    passages: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    calls: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class AIDraft(Base):
    """An answer of the AI that waits for an operator, or what became of it."""

    __tablename__ = "pocketping_ai_draft"
    __table_args__ = (Index(None, "session_id", "state"), _MARIADB)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    content: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    passages: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    message_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AIAction(Base):
    """A call of a tool with effects that waits for somebody's yes, or what became of it."""

    __tablename__ = "pocketping_ai_action"
    __table_args__ = (Index(None, "session_id", "state"), _MARIADB)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    tool: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    question: Mapped[str] = mapped_column(Text)
    asks: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    result: Mapped[str | None] = mapped_column(LongText)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AIBudget(Base):
    """How many tokens a key has used, with those that are reserved. `day` tells when the row can be deleted."""

    __tablename__ = "pocketping_ai_budget"
    __table_args__ = (Index(None, "day"), _MARIADB)

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    used: Mapped[int] = mapped_column(BigInteger, default=0)


class AICircuit(Base):
    """Failures in a row of the model, and when it may be asked again. `next_try_at` is counted from `dated_at`."""

    __tablename__ = "pocketping_ai_circuit"
    __table_args__ = _MARIADB

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    dated_at: Mapped[datetime | None]


class OperatorTyping(Base):
    """That an operator is typing in a conversation, so that the AI waits."""

    __tablename__ = "pocketping_operator_typing"
    __table_args__ = _MARIADB

    session_id: Mapped[str] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"), primary_key=True)
    typed_at: Mapped[datetime]


class IdempotencyKey(Base):
    """The response to a request with an `Idempotency-Key`, stored for 24 hours."""

    __tablename__ = "pocketping_idempotency_key"
    __table_args__ = (Index(None, "created_at"), _MARIADB)

    project_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(MAX_IDEMPOTENCY_KEY), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(LongText)
    created_at: Mapped[datetime]


class Passage(Base):
    """A part of a document of the knowledge base: what a search finds.

    `source` says where the document is from (`folder` or `code`), and `document` is its name there. `heading` has the
    headings above the text, and `hash` is that of the whole document. `words` is what the full text index of PostgreSQL
    and MariaDB has. On SQLite it is empty, and the words are in the virtual table `PASSAGE_WORDS`.
    """

    __tablename__ = "pocketping_passage"
    __table_args__ = (
        UniqueConstraint("project_id", "source", "document", "position"),
        Index(None, "words", postgresql_using="gin", mysql_prefix="FULLTEXT", mariadb_prefix="FULLTEXT"),
        {"sqlite_autoincrement": True, **_MARIADB},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey(Project.id, ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(10))
    document: Mapped[str] = mapped_column(String(MAX_DOCUMENT_KEY))
    position: Mapped[int]
    version: Mapped[int]
    title: Mapped[str] = mapped_column(String(MAX_TITLE))
    heading: Mapped[str] = mapped_column(String(MAX_TITLE))
    text: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(String(MAX_URL))
    hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    words: Mapped[str | None] = mapped_column(SearchWords)


#: SQLite's full text index of the passages, made with the first of them. It is a virtual table (FTS5), which SQLite
#: keeps in several tables whose names begin so. `Base.metadata` does not have them.
PASSAGE_WORDS = "pocketping_passage_words"


class Lease(Base):
    """A task that one process at a time does: who does it, until when, and what was done last.

    `held_until` is counted from `dated_at`.
    """

    __tablename__ = "pocketping_lease"
    __table_args__ = _MARIADB

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    owner: Mapped[str | None] = mapped_column(String(40))
    held_until: Mapped[datetime | None]
    dated_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(String(100))


def table(model: type[Base]) -> Table:
    """Return the Core table of a model, for statements."""
    return cast(Table, model.__table__)
