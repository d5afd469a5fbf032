"""The worker: it claims due deliveries, sends each one in a thread, and records the outcomes."""

from __future__ import annotations

import functools
import logging
import math
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import clock
from ..db import Database, retried
from ..errors import DeliveryCancelled, SchemaError
from ..values import DeliveryState
from . import leases
from .batch import Batch, Job, Reader
from .claims import Claimer, Others, Recipient
from .recorder import Finished, Recorded, Recorder
from .target import Outcome, Target
from .threads import ThreadPool

logger = logging.getLogger("flask_pocketping")

#: The maximum number of concurrent attempts of a worker, and of further ones that hang.
CONCURRENCY = 64
HANGING = 192
#: Seconds after which an attempt counts as hanging.
HANGS_AFTER = 1.0
#: Seconds to wait after a claim until half of the attempts have ended, so that the next claim takes several.
GATHER = 0.02
#: How many concurrent attempts are reserved for responsive recipients.
KEPT = 16
#: The maximum number of concurrent attempts to a recipient whose last attempt failed.
PER_FAILING = 1
#: The number of running attempts to other recipients from which on each of these gets only one at a time.
CROWD = 16
#: The maximum duration in seconds of a successful last attempt for a recipient to count as responsive.
ANSWERS_WITHIN = 5.0


@dataclass(eq=False, slots=True)
class _Attempt:
    """A running attempt, and the monotonic time of its start."""

    recipient: Recipient
    since: float


class Worker:
    """Makes deliveries until it is stopped.

    :param poll: seconds between polls for deliveries that other processes wrote.
    :param lease: seconds after which another worker may take over an unfinished delivery.
    :param run: calls a function in the context that signals and logs need.
    :param announce: called with the job and the outcome of each recorded attempt.
    :param periodic_tasks: other tasks, each with its interval in seconds.
    :param reader: reads conversations for the targets.
    """

    def __init__(
        self,
        db: Database,
        targets: Sequence[Target],
        *,
        poll: float,
        lease: float,
        run: Callable[[Callable[[], None]], None] = lambda work: work(),
        announce: Callable[[Job, Outcome], None] = lambda job, outcome: None,
        periodic_tasks: Sequence[tuple[float, Callable[[], None]]] = (),
        reader: Reader | None = None,
    ) -> None:
        self.owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._db = db
        self._targets = {target.name: target for target in targets}
        self._interval = poll
        self._claimer = Claimer(db, self._targets, self.owner, lease, reader)
        self._run = run
        self._announce = announce
        self._periodic_tasks = periodic_tasks
        self._done_at = [-math.inf] * len(periodic_tasks)
        self._changed = threading.Condition()
        self._work_waits = True
        self._stopping = False
        self._complained = False
        self._under_way: set[_Attempt] = set()
        #: Recipients whose last attempt was a fast success, and those whose last attempt failed. All others are
        #: unknown or slow.
        self._answering: set[Recipient] = set()
        self._failing: set[Recipient] = set()
        self._threads = ThreadPool("pocketping-delivery")
        self._recorder = Recorder(self._settle, lambda: len(self._under_way))
        self._thread: threading.Thread | None = None
        self._loop: int | None = None

    def start(self) -> None:
        """Start the worker's thread."""
        self._thread = threading.Thread(target=self.work, name="pocketping-worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Poll for deliveries now."""
        with self._changed:
            self._work_waits = True
            self._changed.notify_all()

    def stop(self, timeout: float = 20.0) -> bool:
        """Claim no more deliveries, and wait for running attempts.

        :param timeout: the maximum seconds to wait. The leases of attempts that take longer expire.
        :return: whether all attempts have finished.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            finished = self._changed.wait_for(self._has_finished, timeout)
        self._threads.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.1, deadline - time.monotonic()))
        if not finished:
            logger.warning("Deliveries were still running after %g s. They will be retried.", timeout)
        return finished

    def drain(self) -> int:
        """Make all due deliveries in this thread, one by one.

        :return: the number of attempts.
        """
        attempts = 0
        while batches := self._claimer.claim(limit=1):
            for batch in batches:
                with self._changed:
                    attempt = self._begin(batch)
                self._deliver(batch, attempt)
                attempts += len(batch.jobs)
        return attempts

    def work(self) -> None:
        """Run the worker in this thread until `stop` is called."""
        self._loop = threading.get_ident()
        try:
            while not self._stopping:
                self._poll()
        finally:
            with self._changed:
                self._loop = None
                self._changed.notify_all()

    def _has_finished(self) -> bool:
        # The loop may be claiming deliveries, which only count as running afterwards.
        return not self._under_way and self._loop in {None, threading.get_ident()}

    def _poll(self) -> None:
        try:
            claimed = self._take_up()
            self._do_periodic_tasks()
            self._complained = False
        except Exception as error:
            claimed = 0
            # Log this only once until the database works again.
            if not self._complained:
                trace = None if isinstance(error, SchemaError) else error
                logger.error("The delivery worker waits for its database: %s", error, exc_info=trace)
            self._complained = True
        with self._changed:
            if not claimed and not self._work_waits and not self._stopping:
                # An attempt that starts to hang makes room for others without a notification.
                self._changed.wait(min(self._interval, HANGS_AFTER) if self._under_way else self._interval)
            elif claimed and not self._stopping:
                half = len(self._under_way) // 2
                self._changed.wait_for(lambda: self._stopping or len(self._under_way) <= half, GATHER)
            self._work_waits = False

    def _take_up(self) -> int:
        with self._changed:
            free, others = self._free_places()
        if free <= 0 or (others.left <= 0 and not others.preferred):
            return 0
        with self._changed:
            counts = Counter(attempt.recipient for attempt in self._under_way)
            room = {one: self._targets[one[0]].at_once - count for one, count in counts.items()}
            for one in self._failing:
                room[one] = PER_FAILING - counts[one]
        batches = retried(lambda: self._claimer.claim(limit=free, room=room, others=others))
        with self._changed:
            begun = [(batch, self._begin(batch)) for batch in batches]
        for batch, attempt in begun:
            deliver = functools.partial(self._deliver, batch, attempt)
            try:
                self._threads.run(deliver)
            except RuntimeError:
                # There are too many threads, or the interpreter exits.
                deliver()
        return len(batches)

    def _free_places(self) -> tuple[int, Others]:
        """Return how many more attempts may start, and the limits for recipients not known to be responsive."""
        before = time.monotonic() - HANGS_AFTER
        quick = [attempt for attempt in self._under_way if attempt.since > before]
        hanging = len(self._under_way) - len(quick)
        to_others = [attempt for attempt in self._under_way if attempt.recipient not in self._answering]
        quick_to_others = sum(attempt.since > before for attempt in to_others)
        free = min(CONCURRENCY - len(quick), CONCURRENCY + HANGING - len(self._under_way))
        return free, Others(
            preferred=frozenset(self._answering),
            left=min(free, CONCURRENCY - KEPT - quick_to_others, HANGING - hanging),
            spare=max(0, CROWD - len(to_others)),
            served=frozenset(attempt.recipient for attempt in to_others),
        )

    def _begin(self, batch: Batch) -> _Attempt:
        attempt = _Attempt((batch.first.target, batch.target_id), time.monotonic())
        self._under_way.add(attempt)
        return attempt

    def _deliver(self, batch: Batch, attempt: _Attempt) -> None:
        answers: list[bool] = []

        def deliver() -> None:
            started = clock.now()
            outcome = self._send(batch)
            # A throttled or obsolete delivery does not count as a failure of the recipient.
            answers.append(outcome.ok or outcome.put_off or outcome.obsolete is not None)
            self._record(batch, outcome, started)

        try:
            self._run(deliver)
        except Exception:
            logger.exception("Delivery %s could not be recorded. It is retried when its lease expires.", batch.first.id)
        finally:
            with self._changed:
                self._under_way.discard(attempt)
                quick = time.monotonic() - attempt.since <= ANSWERS_WITHIN
                self._note(attempt.recipient, any(answers), quick=quick)
                self._work_waits = True
                self._changed.notify_all()

    def _note(self, recipient: Recipient, ok: bool, *, quick: bool) -> None:
        (self._failing.discard if ok else self._failing.add)(recipient)
        (self._answering.add if ok and quick else self._answering.discard)(recipient)

    def _send(self, batch: Batch) -> Outcome:
        target = self._targets[batch.first.target]
        try:
            outcome: object = target.send(batch)
            if isinstance(outcome, Outcome):
                return outcome
            raise TypeError(f"send() returned {type(outcome).__name__}, not an Outcome")
        except DeliveryCancelled:
            return Outcome.cancelled("Cancelled during the attempt.")
        except Exception as error:
            logger.exception("Delivery %s failed because of an error in its target %s.", batch.first.id, target.name)
            # The request may have been sent.
            return Outcome.retry(f"Internal fault: {type(error).__name__}", unknown=True)

    def _record(self, batch: Batch, outcome: Outcome, started: datetime) -> None:
        target = self._targets[batch.first.target]
        _, after, state = self._recorder.record(Finished(batch, outcome, started))
        if state is None:
            logger.warning(
                "Delivery %s does not belong to this worker any more: its lease expired, or it was deleted.",
                batch.first.id,
            )
            return
        try:
            if state != DeliveryState.CANCELLED:
                for job in batch.jobs:
                    self._announce(job, outcome)
        finally:
            if after:
                after()
            if state == DeliveryState.FAILED:
                target.given_up(batch, outcome)

    def _settle(self, finished: Sequence[Finished]) -> list[Recorded]:
        """Record attempts in one transaction."""
        now = clock.now()
        recorded = []
        with self._db.transaction() as tx:
            for attempt in finished:
                batch, outcome = attempt.batch, attempt.outcome
                target = self._targets[batch.first.target]
                state = leases.settle(tx, target, batch, outcome, attempt.started, now)
                # The outcome of a delivery that was cancelled during the attempt is ignored.
                ignored = state is None or (state == DeliveryState.CANCELLED and outcome.obsolete is None)
                after = None if ignored else target.settle(tx, batch, outcome)
                recorded.append(Recorded(state is not None, after, state))
        return recorded

    def _do_periodic_tasks(self) -> None:
        for index, (interval, task) in enumerate(self._periodic_tasks):
            if time.monotonic() - self._done_at[index] >= interval:
                self._done_at[index] = time.monotonic()
                self._run(task)
