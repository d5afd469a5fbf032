"""`Target`: what a road to the outside tells the worker about itself, and `Outcome`, what came of an attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection

from .. import values
from ..values import Cancel, Deliver
from .retry import DELAYS, next_delay

if TYPE_CHECKING:
    from ..db import Transaction
    from .batch import Batch, Job


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast deliveries may be made: never more than `limit` within any `period`, over all processes.

    :ivar key: up to 100 characters; all targets and recipients that name the same key share one pace.
    :ivar limit: how many.
    :ivar period: in seconds.
    """

    key: str
    limit: int
    period: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. Make one with `succeeded`, `retry`, `throttled`, `failed`, `maybe` or `cancelled`.

    :ivar ok: whether it was delivered.
    :ivar duration_ms: how long the attempt took, in milliseconds.
    :ivar status_code: of the answer, if it has one.
    :ivar error: what went wrong, for people, up to 500 characters.
    :ivar response: the beginning of the answer as text.
    :ivar retry_after: seconds to wait at the least, if the other side said so.
    :ivar give_up: why no further attempt makes sense.
    :ivar unknown: whether it may have arrived: the request was sent, and no answer came.
    :ivar put_off: whether the other side only asked for patience, so that the attempt does not count for the retries.
    :ivar obsolete: why nothing needs to be delivered any more.
    :ivar holds: keys of paces that wait for `retry_after` too.
    :ivar calls: how many requests it took; those beyond the first count for the pace as well.
    :ivar note: what `Batch.note` has at the next attempt; unset, it stays as it is.
    """

    ok: bool
    duration_ms: int = 0
    status_code: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: float | None = None
    give_up: str | None = None
    unknown: bool = False
    put_off: bool = False
    obsolete: str | None = None
    holds: tuple[str, ...] = ()
    calls: int = 1
    note: str | None = None

    @classmethod
    def succeeded(cls, **more: Any) -> Self:
        """It was delivered.

        :param more: other fields, such as `status_code`.
        """
        return cls(ok=True, **more)

    @classmethod
    def retry(cls, error: str, *, after: float | None = None, unknown: bool = False, **more: Any) -> Self:
        """It was not delivered, and is tried again after the next of the target's `delays`.

        :param error: what went wrong, for people.
        :param after: seconds to wait at the least.
        :param unknown: whether it may have arrived all the same. The next attempt has `Batch.uncertain` set.
        :param more: other fields.
        """
        return cls(ok=False, error=error, retry_after=after, unknown=unknown, **more)

    @classmethod
    def throttled(cls, after: float, error: str = "Asked to wait", *, holds: Iterable[str] = (), **more: Any) -> Self:
        """The other side asks for patience. It is tried again then, and this attempt does not count.

        :param after: seconds to wait.
        :param error: what was said, for people.
        :param holds: keys of paces all of whose deliveries wait as long; without any this delivery only.
        :param more: other fields.
        """
        return cls(ok=False, error=error, retry_after=after, put_off=True, holds=tuple(holds), **more)

    @classmethod
    def failed(cls, reason: str, **more: Any) -> Self:
        """It can't be delivered: no further attempt makes sense.

        :param reason: for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, give_up=reason, **more)

    @classmethod
    def maybe(cls, reason: str, **more: Any) -> Self:
        """It may have been delivered, nobody can tell, and to repeat it would be worse than not to.

        The delivery becomes `failed` with `uncertain` set.

        :param reason: for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, give_up=reason, unknown=True, **more)

    @classmethod
    def cancelled(cls, reason: str, **more: Any) -> Self:
        """Nothing was delivered, and nothing needs to be any more.

        :param reason: for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, obsolete=reason, **more)

    def timed(self, duration_ms: int) -> Self:
        """The same, with how long the attempt took.

        :param duration_ms: in milliseconds.
        """
        return replace(self, duration_ms=duration_ms)


class Target:
    """Somewhere outside that gets what happens in conversations. Subclass it, and pass it to `PocketPing(targets=[…])`.

    `follow` says, in the transaction of each event, which deliveries follow from it. A worker calls `send` for each of
    them, outside of any transaction, until it succeeds or is given up.
    """

    #: Names it in the database, in up to 20 characters, and must not change.
    name: str = ""
    #: Whether deliveries to one recipient about one subject wait for each other also through failures, as a chat needs
    #: it. If not, one that failed once is out of the order, and later ones overtake it.
    strict_order: bool = True
    #: How many attempts to one recipient (`target_id`) there may be at once, for different subjects.
    at_once: int = 8
    #: How many deliveries `send` may get together. More than one needs `strict_order`.
    batch_size: int = 1
    #: Seconds that `send` takes at the most; another worker takes over only later than that. 0 where
    #: `POCKETPING_WORKER_LEASE` is always enough.
    timeout: float = 15.0
    #: Seconds before each attempt, counted from the one before it; after the last it is given up.
    delays: Sequence[float] = DELAYS

    def follow(self, event: values.Event, tx: Transaction) -> Iterable[Deliver | Cancel]:
        """Say what follows from an event. Called for every event, in the transaction that writes it: be quick.

        What is cancelled is cancelled before anything is added. An event that came in from a target of this name is
        not asked about.

        :param event: with `payload` filled as for a receiver of its signal.
        :param tx: the open transaction, for queries only.
        """
        raise NotImplementedError

    def send(self, batch: Batch) -> Outcome:
        """Deliver. Called in a thread of the worker, in the app's context, with no transaction open.

        An exception counts as a failed attempt, after which it is tried again.

        :param batch: one delivery, or adjacent ones of one subject.
        """
        raise NotImplementedError

    def joins(self, earlier: Job, later: Job) -> bool:
        """Whether two deliveries that follow each other may be sent together, where `batch_size` allows it.

        :param earlier: the one that was asked for first.
        :param later: the next one.
        """
        return True

    def paces(self, target_id: str) -> Sequence[Pace]:
        """The paces that deliveries to a recipient keep. None by default.

        :param target_id: the recipient.
        """
        return ()

    def next_delay(self, attempts: int, retry_after: float | None) -> float | None:
        """Seconds until the next attempt, or `None` to give up; by `delays`, a little earlier or later.

        :param attempts: how many there were; those that were throttled do not count.
        :param retry_after: seconds that the other side asked for, if it did.
        """
        return next_delay(attempts, retry_after=retry_after, delays=self.delays)

    def prepare(self, connection: Connection, target_ids: Sequence[str]) -> Mapping[str, Any]:
        """Read what `send` will need of its recipients (`Batch.prepared`), in the transaction that takes deliveries up.

        :param connection: for queries only.
        :param target_ids: the recipients.
        :return: by recipient. Deliveries to one that is missing here are cancelled: it is gone.
        """
        return dict.fromkeys(target_ids)

    def settle(self, tx: Transaction, batch: Batch, outcome: Outcome) -> Callable[[], None] | None:
        """Note what an attempt means for the target's own tables, in the transaction that records it.

        :param tx: the open transaction. Lock no conversation in it.
        :param batch: what was sent.
        :param outcome: what `send` returned.
        :return: what to do after the commit, if anything.
        """
        return None

    def given_up(self, batch: Batch, outcome: Outcome) -> None:
        """Do what is to be done when deliveries have failed for good, after that is recorded. Nothing by default.

        :param batch: what was sent.
        :param outcome: of the last attempt; `unknown` where it may have arrived.
        """
