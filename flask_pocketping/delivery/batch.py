"""What a worker holds under its lease and hands to a target: a `Batch` of one `Job` or several."""

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
    """Reads conversations for targets, as values."""

    def payload(self, event: Event) -> Mapping[str, Any]:
        """What an event of the log tells of, as its `payload` had it when it was written."""

    def session(self, session_id: str) -> Session | None:
        """A conversation as it is now."""

    def messages(self, session_id: str, message_ids: Sequence[str]) -> list[Message]:
        """Messages as they are now, in order; those that are deleted are empty."""


class StoredPayload(Mapping[str, Any]):
    """The payload of an event of the log, read when it is asked for."""

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
    """A delivery that this worker holds.

    :ivar id: the number of its row.
    :ivar project_id: the project that it belongs to.
    :ivar target: the name of the target.
    :ivar target_id: the recipient.
    :ivar subject: what it is about: the id of a conversation, unless the target says otherwise.
    :ivar attempt: the number of this attempt, from 1.
    :ivar event: what it tells of, with typed values in `payload`; `None` where `payload` has all of it.
    :ivar payload: text to deliver as it is, for deliveries without an event.
    :ivar throttled: how many attempts before were only put off.
    :ivar uncertain: whether an earlier attempt may have arrived: its answer never came, or its worker was killed.
    :ivar note: what the target noted at the last attempt.
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
    """One delivery, or adjacent ones of one recipient and subject, that are sent together.

    After an attempt whose outcome is unknown the next one gets the same deliveries, but for those cancelled meanwhile.

    :ivar jobs: the deliveries, oldest first.
    :ivar prepared: what the target's `prepare` read for the recipient.
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
        """The first delivery, whose id names the batch."""
        return self.jobs[0]

    @property
    def target_id(self) -> str:
        """The recipient."""
        return self.first.target_id

    @property
    def subject(self) -> str:
        """What all of it is about."""
        return self.first.subject

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.first.attempt

    @property
    def note(self) -> str | None:
        """What the target noted at the last attempt, such as how far it got."""
        return self._note

    @property
    def uncertain(self) -> bool:
        """Whether an earlier attempt may have arrived: find out first, or give up with `Outcome.maybe`."""
        return any(job.uncertain for job in self.jobs)

    @property
    def owner(self) -> str:
        """Names the worker that holds it."""
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
        """The conversation as it is now, if the deliveries are about one that is still there."""
        session_id = next((event.session_id for event in self.events), self.subject)
        return None if self._reader is None else self._reader.session(session_id)

    def messages(self) -> list[Message]:
        """The messages that the events tell of, as they are now, in order; those that are deleted are empty."""
        found = [event.payload["message"] for event in self.events if "message" in event.payload]
        if self._reader is None or not found:
            return []
        return self._reader.messages(found[0].session_id, list(dict.fromkeys(message.id for message in found)))

    def still_wanted(self) -> bool:
        """Whether nothing has cancelled any of it so far, and the lease is still this worker's."""
        from .leases import still_held

        with self._db.read() as connection:
            return still_held(connection, self)

    def save(self, note: str) -> None:
        """Note how far the attempt got, for the next one if this one ends here.

        :param note: text that only the target understands.
        """
        from .leases import save_note

        with self._db.transaction() as tx:
            save_note(tx, self, note)
        self._note = note

    def finish(self, tx: Transaction) -> None:
        """Record success in the transaction that writes what the target makes of it: both happen, or neither.

        For targets that answer into the conversation itself: with its session locked, nothing that cancels the
        delivery can happen between this check and the commit.

        :param tx: the open transaction.
        :raises DeliveryCancelled: if something has cancelled it, or the lease is not this worker's any more.
        """
        from .leases import finish

        if not finish(tx, self):
            raise DeliveryCancelled
        self._finished = True
