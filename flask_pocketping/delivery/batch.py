"""The deliveries that a worker has leased and passes to a target: a `Batch` of one or several `Job`s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DeliveryCancelled
from ..values import Event, Message, Session

if TYPE_CHECKING:
    from ..db import Database, Transaction


class Reader(Protocol):
    """Reads conversations as values, for targets."""

    def payload(self, event: Event) -> Mapping[str, Any]:
        """Return the payload of an event in the log, as it was when the event was written."""

    def session(self, session_id: str) -> Session | None:
        """Return the current state of a conversation, if it exists."""

    def messages(self, session_id: str, message_ids: Sequence[str]) -> list[Message]:
        """Return the current messages with these ids, in order. Deleted ones are empty."""


class StoredPayload(Mapping[str, Any]):
    """The payload of an event in the log, read on first access."""

    def __init__(self, reader: Reader, event: Event) -> None:
        self._reader = reader
        self._event = event

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        return self._reader.payload(self._event)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that this worker has leased.

    :ivar id: the number of its row.
    :ivar project_id: the project that it belongs to.
    :ivar target: the name of the target.
    :ivar target_id: the id of the recipient.
    :ivar subject: the subject, which is the id of a conversation unless the target sets another one.
    :ivar attempt: the number of this attempt, from 1.
    :ivar event: the event, with typed values in `payload`, or `None` for a delivery without an event.
    :ivar payload: the text to deliver, for a delivery without an event.
    :ivar throttled: how many earlier attempts were throttled.
    :ivar uncertain: whether an earlier attempt may have arrived, because it got no response or its worker was killed.
    :ivar note: the target's note of the last attempt.
    """

    id: int
    project_id: str
    target: str
    target_id: str
    subject: str
    attempt: int
    event: Event | None
    payload: str | None
    throttled: int = 0
    uncertain: bool = False
    note: str | None = None


class Batch:
    """One or several consecutive deliveries of one recipient and subject, which are sent together.

    If the outcome of an attempt is unknown, the next one has the same deliveries, except cancelled ones.

    :ivar jobs: the deliveries, oldest first.
    :ivar prepared: the value that the target's `prepare` returned for the recipient.
    """

    def __init__(
        self, jobs: Sequence[Job], prepared: Any, *, db: Database, owner: str, reader: Reader | None = None
    ) -> None:
        self.jobs = tuple(jobs)
        self.prepared = prepared
        self._db = db
        self._owner = owner
        self._reader = reader
        self._finished = False
        self._note = self.first.note

    @property
    def first(self) -> Job:
        """The first delivery, whose id identifies the batch."""
        return self.jobs[0]

    @property
    def target_id(self) -> str:
        """The id of the recipient."""
        return self.first.target_id

    @property
    def subject(self) -> str:
        """The subject of the deliveries."""
        return self.first.subject

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.first.attempt

    @property
    def note(self) -> str | None:
        """The target's note of the last attempt, such as its progress."""
        return self._note

    @property
    def uncertain(self) -> bool:
        """Whether an earlier attempt may have arrived. The target must check this, or give up with `Outcome.maybe`."""
        return any(job.uncertain for job in self.jobs)

    @property
    def owner(self) -> str:
        """The name of the worker that has leased the batch."""
        return self._owner

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._finished

    @property
    def events(self) -> list[Event]:
        """The events, oldest first."""
        return [job.event for job in self.jobs if job.event is not None]

    def session(self) -> Session | None:
        """Return the current state of the conversation, if it exists."""
        session_id = next((event.session_id for event in self.events), self.subject)
        return None if self._reader is None else self._reader.session(session_id)

    def messages(self) -> list[Message]:
        """Return the current messages of the events, in order. Deleted ones are empty."""
        found = [event.payload["message"] for event in self.events if "message" in event.payload]
        if self._reader is None or not found:
            return []
        return self._reader.messages(found[0].session_id, list(dict.fromkeys(message.id for message in found)))

    def still_wanted(self) -> bool:
        """Return whether nothing was cancelled so far, and this worker still has the lease."""
        from .leases import still_held

        with self._db.read() as connection:
            return still_held(connection, self)

    @property
    def reader(self) -> Reader | None:
        """Reads conversations, if the worker can."""
        return self._reader

    def save(self, note: str, tx: Transaction | None = None) -> None:
        """Store the progress of the attempt, for the next attempt if this one is interrupted.

        :param note: text in any format of the target.
        :param tx: an open transaction to store it in, together with other changes of the target.
        """
        from .leases import save_note

        if tx is not None:
            save_note(tx, self, note)
        else:
            with self._db.transaction() as own:
                save_note(own, self, note)
        self._note = note

    def finish(self, tx: Transaction) -> None:
        """Record success in the transaction in which the target writes its result, to commit both or neither.

        This is for targets that write to the conversation itself. They lock its session, so no event can cancel the
        delivery between this check and the commit.

        :param tx: the open transaction.
        :raises DeliveryCancelled: if the delivery was cancelled, or this worker has lost the lease.
        """
        from .leases import finish

        if not finish(tx, self):
            raise DeliveryCancelled
        self._finished = True
