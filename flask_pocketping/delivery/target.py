"""`Target`, the interface of targets for the worker, and `Outcome`, the result of an attempt."""

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
    """A rate limit for deliveries: at most `limit` within any `period`, over all processes.

    :ivar key: the key of the pace, up to 100 characters. All targets and recipients with the same key share a pace.
    :ivar limit: the maximum number of deliveries.
    :ivar period: the period in seconds.
    """

    key: str
    limit: int
    period: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt. Create it with `succeeded`, `retry`, `throttled`, `failed`, `maybe` or `cancelled`.

    :ivar ok: whether it was delivered.
    :ivar duration_ms: the duration of the attempt in milliseconds.
    :ivar status_code: the status code of the response, if there is one.
    :ivar error: the error for people, up to 500 characters.
    :ivar response: the beginning of the response as text.
    :ivar retry_after: the minimum delay in seconds that the server asked for, if it did.
    :ivar give_up: the reason for making no further attempt.
    :ivar unknown: whether the delivery may have arrived, because the request was sent but got no response.
    :ivar put_off: whether the server asked to wait, so that the attempt does not count as a retry.
    :ivar obsolete: the reason why the delivery is no longer needed.
    :ivar holds: the keys of paces that also wait for `retry_after`.
    :ivar calls: the number of requests. Those after the first also count for the pace.
    :ivar note: the new `Batch.note` for the next attempt, or `None` to keep the current one.
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
        """Return that it was delivered.

        :param more: other fields, such as `status_code`.
        """
        return cls(ok=True, **more)

    @classmethod
    def retry(cls, error: str, *, after: float | None = None, unknown: bool = False, **more: Any) -> Self:
        """Return that it was not delivered. It is retried after the next of the target's `delays`.

        :param error: the error for people.
        :param after: the minimum delay in seconds.
        :param unknown: whether it may have arrived anyway. The next attempt then has `Batch.uncertain` set.
        :param more: other fields.
        """
        return cls(ok=False, error=error, retry_after=after, unknown=unknown, **more)

    @classmethod
    def throttled(cls, after: float, error: str = "Asked to wait", *, holds: Iterable[str] = (), **more: Any) -> Self:
        """Return that the server asked to wait. It is retried then, and this attempt does not count.

        :param after: the delay in seconds.
        :param error: the error for people.
        :param holds: the keys of paces whose deliveries also wait. Without any, only this delivery waits.
        :param more: other fields.
        """
        return cls(ok=False, error=error, retry_after=after, put_off=True, holds=tuple(holds), **more)

    @classmethod
    def failed(cls, reason: str, **more: Any) -> Self:
        """Return that it can't be delivered, so that it is not retried.

        :param reason: the reason for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, give_up=reason, **more)

    @classmethod
    def maybe(cls, reason: str, **more: Any) -> Self:
        """Return that it may have been delivered, for targets where repeating it would be worse than losing it.

        The delivery becomes `failed` with `uncertain` set.

        :param reason: the reason for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, give_up=reason, unknown=True, **more)

    @classmethod
    def cancelled(cls, reason: str, **more: Any) -> Self:
        """Return that it was not delivered and is no longer needed.

        :param reason: the reason for people.
        :param more: other fields.
        """
        return cls(ok=False, error=reason, obsolete=reason, **more)

    def timed(self, duration_ms: int) -> Self:
        """Return a copy with the duration of the attempt.

        :param duration_ms: the duration in milliseconds.
        """
        return replace(self, duration_ms=duration_ms)


class Target:
    """A service that gets events of conversations. Subclass it, and pass it to `PocketPing(targets=[…])`.

    `follow` returns the deliveries for each event, in the transaction of the event. A worker calls `send` for each
    delivery, outside of transactions, until it succeeds or is given up.
    """

    #: The name of the target in the database, up to 20 characters. It must not change.
    name: str = ""
    #: Whether deliveries to one recipient about one subject stay in order even after failures, as a chat needs it. If
    #: not, later deliveries overtake one that has failed.
    strict_order: bool = True
    #: The maximum number of concurrent attempts to one recipient (`target_id`), for different subjects.
    at_once: int = 8
    #: The maximum number of deliveries in a batch. More than one needs `strict_order`.
    batch_size: int = 1
    #: The maximum duration of `send` in seconds. Another worker takes over only later. With 0,
    #: `POCKETPING_WORKER_LEASE` applies.
    timeout: float = 15.0
    #: Seconds between each attempt and the one before it. After the last attempt, the delivery is given up.
    delays: Sequence[float] = DELAYS

    def follow(self, event: values.Event, tx: Transaction) -> Iterable[Deliver | Cancel]:
        """Return the deliveries and cancellations for an event. Called in the transaction of every event, so be quick.

        Return cancellations before new deliveries. This is not called for events that came from a target of this name.

        :param event: the event, with the `payload` that receivers of its signal get.
        :param tx: the open transaction, for queries only.
        """
        raise NotImplementedError

    def send(self, batch: Batch) -> Outcome:
        """Make a delivery. Called in a thread of the worker, in the app's context, outside of transactions.

        An exception counts as a failed attempt, which is retried.

        :param batch: one delivery, or consecutive ones of one subject.
        """
        raise NotImplementedError

    def joins(self, earlier: Job, later: Job) -> bool:
        """Return whether two consecutive deliveries may be sent together, if `batch_size` allows it.

        :param earlier: the earlier delivery.
        :param later: the next one.
        """
        return True

    def paces(self, target_id: str) -> Sequence[Pace]:
        """Return the rate limits of deliveries to a recipient. By default, there are none.

        :param target_id: the id of the recipient.
        """
        return ()

    def next_delay(self, attempts: int, retry_after: float | None) -> float | None:
        """Return the seconds until the next attempt, or `None` to give up. The default uses `delays` with jitter.

        :param attempts: the number of attempts, without throttled ones.
        :param retry_after: the delay in seconds that the server asked for, if it did.
        """
        return next_delay(attempts, retry_after=retry_after, delays=self.delays)

    def prepare(self, connection: Connection, target_ids: Sequence[str]) -> Mapping[str, Any]:
        """Read data of recipients for `send` (`Batch.prepared`), in the transaction that claims deliveries.

        :param connection: the connection, for queries only.
        :param target_ids: the ids of the recipients.
        :return: the data by recipient. Deliveries to a recipient without an entry are cancelled.
        """
        return dict.fromkeys(target_ids)

    def settle(self, tx: Transaction, batch: Batch, outcome: Outcome) -> Callable[[], None] | None:
        """Update the target's own tables after an attempt, in the transaction that records it.

        :param tx: the open transaction. It must not lock conversations.
        :param batch: the batch that was sent.
        :param outcome: the result of `send`.
        :return: a function to call after the commit, if needed.
        """
        return None

    def given_up(self, batch: Batch, outcome: Outcome) -> None:
        """Called after deliveries have finally failed and this is recorded. The default does nothing.

        :param batch: the failed batch.
        :param outcome: the outcome of the last attempt. `unknown` is set if it may have arrived.
        """
