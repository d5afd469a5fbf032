"""A target that keeps what it gets and answers as the test says, and an app that delivers to it when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from flask_pocketping.chat.conversation_reader import ConversationReader
from flask_pocketping.db import Database, Transaction, retried
from flask_pocketping.delivery.batch import Batch, Job
from flask_pocketping.delivery.target import Outcome, Pace, Target
from flask_pocketping.delivery.worker import Worker
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.values import Cancel, Deliver, Event


@dataclass
class Sent:
    """One call of `send`."""

    subject: str
    contents: list[str]
    attempt: int
    uncertain: bool
    note: str | None


class Recorder(Target):
    """Wants the messages of conversations; what it answers, a test sets."""

    name = "recorder"
    timeout = 0.0

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.given: list[list[str]] = []
        #: Chooses the outcome of a call; `outcomes` before it are used up first.
        self.answer: Callable[[Batch], Outcome] = lambda batch: Outcome.succeeded()
        self.outcomes: list[Outcome] = []
        self.rules: Callable[[Event], Iterable[Deliver | Cancel]] = messages_only
        self.pace: Sequence[Pace] = ()
        self.join: Callable[[Job, Job], bool] = lambda earlier, later: True

    def follow(self, event: Event, tx: Transaction) -> Iterable[Deliver | Cancel]:
        return self.rules(event)

    def paces(self, target_id: str) -> Sequence[Pace]:
        return self.pace

    def joins(self, earlier: Job, later: Job) -> bool:
        return self.join(earlier, later)

    def send(self, batch: Batch) -> Outcome:
        contents = [said(event) for event in batch.events]
        self.sent.append(Sent(batch.subject, contents, batch.attempt, batch.uncertain, batch.note))
        return self.outcomes.pop(0) if self.outcomes else self.answer(batch)

    def given_up(self, batch: Batch, outcome: Outcome) -> None:
        self.given.append([said(event) for event in batch.events])

    @property
    def contents(self) -> list[str]:
        """What the messages said, in the order in which they came."""
        return [content for sent in self.sent for content in sent.contents]


@dataclass
class Line:
    """A worker's database and its one target."""

    db: Database
    target: Recorder
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self.db.targets[:] = [self.target]
        self.worker = self.another()

    def another(self) -> Worker:
        """A worker of another process."""
        return Worker(
            self.db, [self.target], poll=0.05, lease=10, reader=ConversationReader(self.db, PublicURLs("/pocketping"))
        )

    def deliver(self) -> int:
        """Deliver what is due now."""
        return retried(self.worker.drain)


def messages_only(event: Event) -> Iterable[Deliver]:
    """A delivery for each message."""
    return [Deliver()] if event.type == "message.created" else []


def said(event: Event) -> str:
    """What the message of an event says."""
    return str(event.payload["message"].content) if "message" in event.payload else event.type
