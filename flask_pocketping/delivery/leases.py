"""Records the end of attempts for the owner of the lease, and has the periodic tasks for deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..models import Attempt, table
from ..outbox import deliveries, release
from ..values import FINISHED_STATES, OPEN_STATES, DeliveryState
from .batch import Batch, Job
from .pace import Budgets
from .target import Outcome, Target

attempts = table(Attempt)

_FINISH = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery_id"),
        deliveries.c.lease_owner == bindparam("owner"),
        deliveries.c.attempts == bindparam("number"),
    )
    .values(
        state=bindparam("new_state"),
        lease_owner=None,
        finished_at=bindparam("finished"),
        uncertain=bindparam("maybe"),
        note=bindparam("new_note"),
    )
)
_POSTPONE = _FINISH.values(
    due_at=bindparam("due"), dated_at=bindparam("now"), throttled=bindparam("put_off"), batch_id=bindparam("batch")
)
_ADD_ATTEMPT = insert(attempts)


def settle(
    tx: Transaction, target: Target, batch: Batch, outcome: Outcome, started: datetime, now: datetime
) -> DeliveryState | None:
    """Record an attempt, and schedule the next one.

    :return: the new state, or `None` if the worker has lost the lease or the delivery was deleted.
    """
    state, delay = _next(target, batch.first, outcome)
    held = [job for job in batch.jobs if _settle(tx, batch, job, outcome, state, delay, now)]
    for job in held:
        _record(tx, job, outcome, started)
    if not held:
        return _settle_the_rest(tx, batch, outcome, started)
    if target.strict_order and state not in OPEN_STATES:
        release(tx, [job.id for job in batch.jobs], now)
    _count(tx, target, batch, outcome, now)
    return state


def finish(tx: Transaction, batch: Batch) -> bool:
    """Record success if the worker still has the lease of the whole batch, and return whether it has."""
    now = clock.now()
    ids = [job.id for job in batch.jobs]
    mine = (deliveries.c.lease_owner == batch.owner, deliveries.c.attempts >= 1)
    query = select(deliveries.c.id, deliveries.c.attempts).where(deliveries.c.id.in_(ids), *mine)
    found = {row.id: row.attempts for row in tx.execute(query.order_by(deliveries.c.id).with_for_update())}
    if found != {job.id: job.attempt for job in batch.jobs}:
        return False
    done = {"state": DeliveryState.SUCCEEDED, "lease_owner": None, "finished_at": now, "uncertain": False}
    tx.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(done))
    release(tx, ids, now)
    return True


def still_held(connection: Connection, batch: Batch) -> bool:
    """Return whether the worker still has the lease of the whole batch."""
    query = select(deliveries.c.id, deliveries.c.attempts).where(
        deliveries.c.id.in_([job.id for job in batch.jobs]), deliveries.c.lease_owner == batch.owner
    )
    held = {row.id: row.attempts for row in connection.execute(query)}
    return held == {job.id: job.attempt for job in batch.jobs}


def save_note(tx: Transaction, batch: Batch, note: str) -> None:
    """Store a note with the first delivery of a batch."""
    mine = (deliveries.c.id == batch.first.id, deliveries.c.lease_owner == batch.owner)
    tx.execute(update(deliveries).where(*mine).values(note=note))


def date_anew(db: Database) -> None:
    """Correct the due times of deliveries that a fast clock has written, so that they wait for the intended time."""
    now = clock.now()
    ahead = (
        deliveries.c.state.in_(OPEN_STATES),
        deliveries.c.due_at > now,
        deliveries.c.dated_at > now + clock.TOLERANCE,
    )
    query = select(deliveries.c.id, deliveries.c.due_at, deliveries.c.dated_at).where(*ahead).limit(1000)
    while True:
        with db.read() as connection:
            found = connection.execute(query).all()
        if found:
            with db.transaction() as tx:
                for row in found:
                    # Skip it if it was claimed or rescheduled in the meantime.
                    same = (deliveries.c.id == row.id, deliveries.c.due_at == row.due_at)
                    due = now + (row.due_at - row.dated_at)
                    tx.execute(update(deliveries).where(*same).values(due_at=due, dated_at=now))
        if len(found) < 1000:
            return


def release_orphans(db: Database) -> None:
    """Release deliveries that wait for a finished or deleted one, for example after a manual purge."""
    before = deliveries.alias("before")
    goes_on = before.c.state.in_(OPEN_STATES) | (before.c.waits_for > 0)
    waited_for = exists().where(before.c.id == deliveries.c.waits_for, goes_on)
    links = (DeliveryState.PENDING, DeliveryState.CANCELLED)
    waiting = (deliveries.c.state.in_(links), deliveries.c.waits_for > 0)
    with db.read() as connection:
        ids = connection.execute(select(deliveries.c.id).where(*waiting, ~waited_for).limit(1000)).scalars().all()
    if ids:
        with db.transaction() as tx:
            tx.execute(update(deliveries).where(deliveries.c.id.in_(ids), *waiting).values(waits_for=0))
            tx.deliveries += 1


def forget_old(db: Database, days: float) -> None:
    """Delete old finished deliveries, a thousand at a time.

    :param days: the minimum age in days.
    """
    limit = clock.ago(days=days)
    query = select(deliveries.c.id).where(deliveries.c.state.in_(FINISHED_STATES), deliveries.c.due_at < limit)
    while True:
        with db.transaction(long=True) as tx:
            old = tx.execute(query.limit(1000)).scalars().all()
            tx.execute(delete(attempts).where(attempts.c.delivery_id.in_(old)))
            tx.execute(delete(deliveries).where(deliveries.c.id.in_(old)))
        if len(old) < 1000:
            return


def _next(target: Target, job: Job, outcome: Outcome) -> tuple[DeliveryState, float]:
    """Return the state after an attempt, and the seconds until the next one."""
    if outcome.ok:
        return DeliveryState.SUCCEEDED, 0.0
    if outcome.obsolete is not None:
        return DeliveryState.CANCELLED, 0.0
    if outcome.give_up is not None:
        return DeliveryState.FAILED, 0.0
    if outcome.put_off:
        return DeliveryState.PENDING, outcome.retry_after or 0.0
    delay = target.next_delay(job.attempt - job.throttled, outcome.retry_after)
    return (DeliveryState.FAILED, 0.0) if delay is None else (DeliveryState.PENDING, delay)


def _settle(
    tx: Transaction, batch: Batch, job: Job, outcome: Outcome, state: DeliveryState, delay: float, now: datetime
) -> bool:
    uncertain = not outcome.ok and (outcome.unknown or job.uncertain)
    note = batch.note if job is batch.first else job.note
    values = {
        "delivery_id": job.id,
        "owner": batch.owner,
        "number": job.attempt,
        "new_state": state,
        "finished": now,
        "maybe": uncertain,
        "new_note": note if outcome.note is None else outcome.note,
    }
    update_row = _FINISH
    if state == DeliveryState.PENDING:
        values |= {
            "finished": None,
            "due": now + timedelta(seconds=delay),
            "now": now,
            "put_off": job.throttled + outcome.put_off,
            # Deliveries that certainly did not arrive may join other batches.
            "batch": batch.first.id if uncertain else 0,
        }
        update_row = _POSTPONE
    return tx.execute(update_row, values).rowcount == 1


def _settle_the_rest(tx: Transaction, batch: Batch, outcome: Outcome, started: datetime) -> DeliveryState | None:
    """Record the attempt if the target has finished the batch itself, or it was cancelled during the attempt."""
    query = select(deliveries.c.id, deliveries.c.state, deliveries.c.attempts, deliveries.c.lease_owner)
    rows = {row.id: row for row in tx.execute(query.where(deliveries.c.id.in_([job.id for job in batch.jobs])))}
    over = {DeliveryState.CANCELLED, *([DeliveryState.SUCCEEDED] if batch.finished else [])}
    for job in batch.jobs:
        row = rows.get(job.id)
        if row is None or row.lease_owner is not None or row.attempts != job.attempt or row.state not in over:
            return None
    known = select(attempts.c.delivery_id).where(attempts.c.delivery_id.in_(list(rows)))
    recorded = {(row.delivery_id, row.number) for row in tx.execute(known.add_columns(attempts.c.number))}
    for job in batch.jobs:
        if (job.id, job.attempt) not in recorded:
            _record(tx, job, outcome, started)
    done = batch.finished and all(row.state == DeliveryState.SUCCEEDED for row in rows.values())
    return DeliveryState.SUCCEEDED if done else DeliveryState.CANCELLED


def _record(tx: Transaction, job: Job, outcome: Outcome, started: datetime) -> None:
    row = {
        "delivery_id": job.id,
        "number": job.attempt,
        "started_at": started,
        "duration_ms": outcome.duration_ms,
        "status_code": outcome.status_code,
        "error": outcome.error[:500] if outcome.error else None,
        "response": outcome.response,
    }
    tx.execute(_ADD_ATTEMPT, row)


def _count(tx: Transaction, target: Target, batch: Batch, outcome: Outcome, now: datetime) -> None:
    """Count the additional requests of an attempt, and delay the paces that the server asked to delay."""
    if outcome.calls <= 1 and not outcome.holds:
        return
    paces = target.paces(batch.target_id)
    budgets = Budgets(tx, (pace.key for pace in paces), now)
    budgets.spend(paces, outcome.calls - 1)
    for key in outcome.holds:
        budgets.hold(key, outcome.retry_after or 0.0)
    budgets.write()
