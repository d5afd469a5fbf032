"""Messages, drafts before they are stored, and pages of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from .attachments import Attachment
from .bridges import BridgeDelivery


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


#: The statuses that a receipt can report.
RECEIPTS = (MessageStatus.DELIVERED, MessageStatus.READ)

#: The system messages of the server, by the type of the event that each one announces.
NOTICES = {"session.closed": "Session closed", "session.reopened": "Session reopened"}

_KINDS = {text: kind for kind, text in NOTICES.items()}


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
