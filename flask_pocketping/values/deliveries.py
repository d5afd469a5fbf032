"""What targets want to deliver, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


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
class DeliveryPage:
    """A page of deliveries.

    :ivar deliveries: newest first.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    deliveries: list[Delivery]
    next_cursor: str | None
