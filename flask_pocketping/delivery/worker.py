"""The worker: claims what is due, sends each in a thread of its own, and records what came of it."""

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
from ..errors import SchemaError
from . import leases
from .recorder import Finished, Recorded, Recorder
from .target import DeliveryTarget, Job, Outcome
from .threads import ThreadPool

logger = logging.getLogger("flask_pocketping")

#: Attempts under way at once in one worker. Those that hang have further places of their own.
CONCURRENCY = 64
HANGING = 192
#: Seconds after which an attempt counts as one that hangs.
HANGS_AFTER = 1.0
#: Seconds that are waited after a claim for half of the attempts to end, so that the next claim takes several.
GATHER = 0.02
#: Of the places, those that are kept for targets that answer.
KEPT = 16
#: Attempts at once to one target, and to one that failed last.
PER_TARGET = 8
PER_FAILING_TARGET = 1
#: Attempts under way to targets that are not known to answer, from which on each of these gets one at a time.
CROWD = 16
#: Seconds within which a target's last attempt must have succeeded for it to count as one that answers.
ANSWERS_WITHIN = 5.0


@dataclass(eq=False, slots=True)
class _Attempt:
    """An attempt that is being made, and when it began by the monotonic clock."""

    target_id: str
    since: float


class Worker:
    """Delivers until it is stopped.

    :param poll: seconds between looks for what other processes wrote.
    :param lease: seconds after which another worker may take over what this one left undone.
    :param run: calls a function in the context that signals and logs need.
    :param announce: told of each attempt that was recorded: the job and its outcome.
    :param chores: what else is to be done, each with the seconds between.
    """

    def __init__(
        self,
        db: Database,
        targets: Sequence[DeliveryTarget],
        *,
        poll: float,
        lease: float,
        run: Callable[[Callable[[], None]], None] = lambda work: work(),
        announce: Callable[[Job, Outcome], None] = lambda job, outcome: None,
        chores: Sequence[tuple[float, Callable[[], None]]] = (),
    ) -> None:
        self.owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._db = db
        self._targets = {target.name: target for target in targets}
        self._poll = poll
        self._lease = lease
        self._run = run
        self._announce = announce
        self._chores = chores
        self._done_at = [-math.inf] * len(chores)
        self._changed = threading.Condition()
        self._work_waits = True
        self._stopping = False
        self._complained = False
        self._under_way: set[_Attempt] = set()
        #: Targets whose last attempt here was a quick success, and those where it failed. Of others nothing is known,
        #: or that they take their time.
        self._answering: set[str] = set()
        self._failing: set[str] = set()
        self._threads = ThreadPool("pocketping-delivery")
        self._recorder = Recorder(self._settle, lambda: len(self._under_way))
        self._thread: threading.Thread | None = None
        self._loop: int | None = None

    def start(self) -> None:
        """Work in a thread from now on."""
        self._thread = threading.Thread(target=self.work, name="pocketping-worker", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for work now instead of at the next poll."""
        with self._changed:
            self._work_waits = True
            self._changed.notify_all()

    def stop(self, timeout: float = 20.0) -> bool:
        """Take up nothing more and wait for what is under way.

        :param timeout: seconds to wait at the most; the leases of the rest run out by themselves.
        :return: whether all was finished.
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
            logger.warning("Deliveries were still under way after %g s; they are made again.", timeout)
        return finished

    def drain(self) -> int:
        """Deliver in this thread, one after the other, until nothing is due any more.

        :return: how many attempts were made.
        """
        attempts = 0
        while jobs := leases.claim(
            self._db, self._targets, self.owner, self._lease, limit=1, room={}, default_room=PER_TARGET
        ):
            for job in jobs:
                with self._changed:
                    attempt = self._begin(job)
                self._deliver(job, attempt)
            attempts += len(jobs)
        return attempts

    def work(self) -> None:
        """Work in this thread until `stop` is called."""
        self._loop = threading.get_ident()
        try:
            while not self._stopping:
                self._look()
        finally:
            with self._changed:
                self._loop = None
                self._changed.notify_all()

    def _has_finished(self) -> bool:
        # The loop may be claiming: what it gets counts as under way only afterwards.
        return not self._under_way and self._loop in {None, threading.get_ident()}

    def _look(self) -> None:
        try:
            claimed = self._take_up()
            self._do_chores()
            self._complained = False
        except Exception as error:
            claimed = 0
            # Once, not at each look, until it works again.
            if not self._complained:
                trace = None if isinstance(error, SchemaError) else error
                logger.error("The delivery worker waits for its database: %s", error, exc_info=trace)
            self._complained = True
        with self._changed:
            if not claimed and not self._work_waits and not self._stopping:
                # An attempt that begins to hang frees its place without a word.
                self._changed.wait(min(self._poll, HANGS_AFTER) if self._under_way else self._poll)
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
            counts = Counter(attempt.target_id for attempt in self._under_way)
            room = {target_id: PER_TARGET - count for target_id, count in counts.items()}
            for target_id in self._failing:
                room[target_id] = PER_FAILING_TARGET - counts[target_id]
        jobs = retried(
            lambda: leases.claim(
                self._db,
                self._targets,
                self.owner,
                self._lease,
                limit=free,
                room=room,
                default_room=PER_TARGET,
                others=others,
            )
        )
        with self._changed:
            begun = [(job, self._begin(job)) for job in jobs]
        for job, attempt in begun:
            deliver = functools.partial(self._deliver, job, attempt)
            try:
                self._threads.run(deliver)
            except RuntimeError:
                # There are too many threads already, or the interpreter is about to end.
                deliver()
        return len(jobs)

    def _free_places(self) -> tuple[int, leases.Others]:
        """How many more attempts there may be now, and how many of them to targets that are not known to answer."""
        before = time.monotonic() - HANGS_AFTER
        quick = [attempt for attempt in self._under_way if attempt.since > before]
        hanging = len(self._under_way) - len(quick)
        to_others = [attempt for attempt in self._under_way if attempt.target_id not in self._answering]
        quick_to_others = sum(attempt.since > before for attempt in to_others)
        free = min(CONCURRENCY - len(quick), CONCURRENCY + HANGING - len(self._under_way))
        return free, leases.Others(
            preferred=frozenset(self._answering),
            left=min(free, CONCURRENCY - KEPT - quick_to_others, HANGING - hanging),
            spare=max(0, CROWD - len(to_others)),
            served=frozenset(attempt.target_id for attempt in to_others),
        )

    def _begin(self, job: Job) -> _Attempt:
        attempt = _Attempt(job.target_id, time.monotonic())
        self._under_way.add(attempt)
        return attempt

    def _deliver(self, job: Job, attempt: _Attempt) -> None:
        ok = False
        try:
            started = clock.now()
            outcome = self._send(job)
            ok = outcome.ok
            self._run(lambda: self._record(job, outcome, started))
        except Exception:
            logger.exception("Delivery %s could not be recorded; it is tried again when its lease ends.", job.id)
        finally:
            with self._changed:
                self._under_way.discard(attempt)
                self._note(job.target_id, ok, quick=time.monotonic() - attempt.since <= ANSWERS_WITHIN)
                self._work_waits = True
                self._changed.notify_all()

    def _note(self, target_id: str, ok: bool, *, quick: bool) -> None:
        (self._failing.discard if ok else self._failing.add)(target_id)
        (self._answering.add if ok and quick else self._answering.discard)(target_id)

    def _send(self, job: Job) -> Outcome:
        try:
            return self._targets[job.target].send(job)
        except Exception as error:
            logger.exception("Delivery %s failed by a fault of its target %s.", job.id, job.target)
            return Outcome(ok=False, error=f"Internal fault: {type(error).__name__}")

    def _record(self, job: Job, outcome: Outcome, started: datetime) -> None:
        held, after = self._recorder.record(Finished(job, outcome, started))
        if not held:
            logger.warning("Delivery %s is not this worker's any more: its lease ended, or it was deleted.", job.id)
            return
        try:
            self._announce(job, outcome)
        finally:
            if after:
                after()

    def _settle(self, finished: Sequence[Finished]) -> list[Recorded]:
        """Record attempts in one transaction."""
        now = clock.now()
        recorded = []
        with self._db.transaction() as tx:
            for attempt in finished:
                job, outcome = attempt.job, attempt.outcome
                held = leases.settle(tx, job, outcome, self.owner, attempt.started, now)
                after = self._targets[job.target].settle(tx, job, outcome, now) if held else None
                recorded.append(Recorded(held, after))
        return recorded

    def _do_chores(self) -> None:
        for index, (interval, chore) in enumerate(self._chores):
            if time.monotonic() - self._done_at[index] >= interval:
                self._done_at[index] = time.monotonic()
                self._run(chore)
