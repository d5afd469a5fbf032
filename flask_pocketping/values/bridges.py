"""What became of conversations and messages on bridges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PostState(StrEnum):
    """What became of a message on a bridge."""

    QUEUED = "queued"
    SENT = "sent"
    MAYBE = "maybe"
    FAILED = "failed"


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
