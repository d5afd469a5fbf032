"""Who has which delivery: claimed by a guarded update, free again when the lease ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, insert, or_, select, tuple_, update

from .. import clock
from ..db import Database, Transaction
from ..models import Attempt, Delivery, Event, table
from ..values import Event as EventValue
from .retry import next_delay
from .target import DeliveryTarget, Job, Outcome

deliveries = table(Delivery)
attempts = table(Attempt)
events = table(Event)

_DUE = (
    select(
        deliveries.c.id,
        deliveries.c.target_id,
        deliveries.c.subject,
        deliveries.c.attempts,
        deliveries.c.due_at,
        deliveries.c.state,
    )
    .where(
        deliveries.c.state == bindparam("state"),
        deliveries.c.due_at <= bindparam("now"),
        deliveries.c.target_id.not_in(bindparam("busy", expanding=True)),
    )
    .order_by(deliveries.c.due_at, deliveries.c.id)
)
_LANE = tuple_(deliveries.c.target_id, deliveries.c.subject)
_RUNNING_LANES = select(deliveries.c.target_id, deliveries.c.subject).where(deliveries.c.state == "running")
#: How far the clocks of processes may differ without any delivery being dated anew.
CLOCK_TOLERANCE = timedelta(seconds=1)
#: Rows that are looked at in one go.
PAGE = 500
_CLAIM = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery_id"),
        deliveries.c.state == bindparam("seen_state"),
        deliveries.c.due_at == bindparam("seen_due"),
    )
    .values(
        state="running",
        lease_owner=bindparam("owner"),
        due_at=bindparam("until"),
        dated_at=bindparam("now"),
        attempts=deliveries.c.attempts + 1,
    )
)
_FINISH = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery_id"),
        deliveries.c.lease_owner == bindparam("owner"),
        deliveries.c.attempts == bindparam("number"),
    )
    .values(state=bindparam("new_state"), lease_owner=None, finished_at=bindparam("finished"))
)
_POSTPONE = _FINISH.values(due_at=bindparam("due"), dated_at=bindparam("now"))
_ADD_ATTEMPT = insert(attempts)
_LOAD = (
    select(deliveries, *[column.label(f"event_{column.key}") for column in events.c if column.key != "id"])
    .select_from(deliveries.outerjoin(events, events.c.id == deliveries.c.event_id))
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(deliveries.c.id)
)


@dataclass(slots=True)
class Others:
    """What targets get that are not known to answer.

    :ivar preferred: those that are.
    :ivar left: how many deliveries may be for others.
    :ivar spare: how many of them for others that have one under way already.
    :ivar served: those that have.
    """

    preferred: frozenset[str]
    left: int
    spare: int
    served: frozenset[str]


def claim(
    db: Database,
    targets: Mapping[str, DeliveryTarget],
    owner: str,
    lease: float,
    *,
    limit: int,
    room: Mapping[str, int],
    default_room: int,
    others: Others | None = None,
) -> list[Job]:
    """Take deliveries that are due, at most `limit`.

    :param owner: names the worker.
    :param lease: seconds that the worker has for each.
    :param room: how many more a target may get now, where it is not `default_room`.
    :param others: what is left for targets that are not known to answer; as much as for the others if unset.
    """
    busy = {target_id for target_id, left in room.items() if left <= 0}
    only = None
    if others is not None and others.left <= 0:
        only = others.preferred
    elif others is not None and others.spare <= 0:
        busy |= others.served
    while True:
        with db.read() as connection:
            due = _find_due(connection, busy, limit, only)
        shares = _Shares(dict(room), default_room, others and replace(others))
        won, jobs = _take(db, targets, owner, lease, due, shares) if due else (0, [])
        # Where all that was won is for targets that are gone, there may be more behind it.
        if jobs or not won:
            return jobs


@dataclass(slots=True)
class _Shares:
    """What may still be taken: for each target, and for all that are not known to answer."""

    room: dict[str, int]
    default_room: int
    others: Others | None

    def has(self, target_id: str) -> bool:
        if self.room.setdefault(target_id, self.default_room) <= 0:
            return False
        others = self.others
        if others is None or target_id in others.preferred:
            return True
        return others.left > 0 and (others.spare > 0 or target_id not in others.served)

    def take(self, target_id: str) -> None:
        self.room[target_id] -= 1
        others = self.others
        if others is not None and target_id not in others.preferred:
            others.left -= 1
            others.spare -= 1
            others.served |= {target_id}


def _take(
    db: Database, targets: Mapping[str, DeliveryTarget], owner: str, lease: float, due: Sequence[Any], shares: _Shares
) -> tuple[int, list[Job]]:
    won = []
    with db.transaction() as tx:
        # The lease begins now: the turn to write may have been long in coming.
        now = clock.now()
        for row in due:
            if not shares.has(row.target_id):
                continue
            values = {
                "delivery_id": row.id,
                "seen_state": row.state,
                "seen_due": row.due_at,
                "owner": owner,
                "until": now + timedelta(seconds=lease),
                "now": now,
            }
            if tx.execute(_CLAIM, values).rowcount == 1:
                shares.take(row.target_id)
                won.append(row.id)
        return len(won), _load(tx, targets, won, now) if won else []


def _find_due(connection: Connection, busy: Collection[str], limit: int, only: Collection[str] | None) -> list[Any]:
    """What may be taken up, oldest first; where targets are given, for these only.

    A target gets the events of one session in order while it is healthy: nothing of such a lane goes out for the
    first time beside or before an earlier one that is under way or was never tried. What failed once is out of the
    order. Each query reads an index from its beginning, so a long backlog costs no more than a short one.
    """
    values = {"now": clock.now(), "busy": list(busy)}
    wanted = _DUE if only is None else _DUE.where(deliveries.c.target_id.in_(list(only)))
    found = list(connection.execute(wanted.limit(limit), {**values, "state": "running"}))
    held = _running_lanes(connection)
    first: dict[tuple[str, str], Any] = {}
    query = wanted
    # Most often the first few are enough.
    size = min(PAGE, 2 * limit)
    while len(found) + len(first.keys() - held) < limit:
        page = connection.execute(query.limit(size), {**values, "state": "pending"}).all()
        for row in page:
            if row.subject == "" or row.attempts > 0:
                found.append(row)
            else:
                # By id: those of one session may have been dated by different clocks.
                lane = row.target_id, row.subject
                first[lane] = min(first.get(lane, row), row, key=lambda row: row.id)
        if len(page) < size:
            break
        size = PAGE
        last = page[-1]
        beyond = or_(
            deliveries.c.due_at > last.due_at, and_(deliveries.c.due_at == last.due_at, deliveries.c.id > last.id)
        )
        query = wanted.where(deliveries.c.due_at >= last.due_at, beyond)
        if first:
            query = query.where(or_(deliveries.c.attempts > 0, _LANE.not_in(list(first))))
    # Once more: whatever was taken up meanwhile is running by now.
    held |= _running_lanes(connection) if first else set()
    found += [row for lane, row in first.items() if lane not in held]
    return sorted(found, key=lambda row: (row.due_at, row.id))[:limit]


def _running_lanes(connection: Connection) -> set[tuple[str, str]]:
    return {(row.target_id, row.subject) for row in connection.execute(_RUNNING_LANES)}


def settle(tx: Transaction, job: Job, outcome: Outcome, owner: str, started: datetime, now: datetime) -> bool:
    """Record an attempt and what is next.

    :return: false if the lease was lost meanwhile, so that another worker's word counts.
    """
    delay = None
    if not outcome.ok and outcome.give_up is None:
        delay = next_delay(job.attempt, retry_after=outcome.retry_after)
    values = {
        "delivery_id": job.id,
        "owner": owner,
        "number": job.attempt,
        "new_state": "succeeded" if outcome.ok else "failed",
        "finished": now,
    }
    update_row = _FINISH
    if delay is not None:
        due = now + timedelta(seconds=delay)
        values |= {"new_state": "pending", "due": due, "now": now, "finished": None}
        update_row = _POSTPONE
    if tx.execute(update_row, values).rowcount != 1:
        return False
    tx.execute(
        _ADD_ATTEMPT,
        {
            "delivery_id": job.id,
            "number": job.attempt,
            "started_at": started,
            "duration_ms": outcome.duration_ms,
            "status_code": outcome.status_code,
            "error": outcome.error[:500] if outcome.error else None,
            "response": outcome.response,
        },
    )
    return True


def date_anew(db: Database) -> None:
    """Have deliveries wait as long as they were to, where the clock that dated them was ahead of the present one."""
    now = clock.now()
    ahead = (
        deliveries.c.state.in_(("pending", "running")),
        deliveries.c.due_at > now,
        deliveries.c.dated_at > now + CLOCK_TOLERANCE,
    )
    query = select(deliveries.c.id, deliveries.c.due_at, deliveries.c.dated_at).where(*ahead).limit(1000)
    while True:
        with db.read() as connection:
            found = connection.execute(query).all()
        if found:
            with db.transaction() as tx:
                for row in found:
                    # Unless it was taken up or dated meanwhile.
                    same = (deliveries.c.id == row.id, deliveries.c.due_at == row.due_at)
                    due = now + (row.due_at - row.dated_at)
                    tx.execute(update(deliveries).where(*same).values(due_at=due, dated_at=now))
        if len(found) < 1000:
            return


def forget_old(db: Database, days: float) -> None:
    """Remove deliveries that were finished so many days ago, a thousand at a time."""
    limit = clock.ago(days=days)
    query = select(deliveries.c.id).where(
        deliveries.c.state.in_(("succeeded", "failed", "cancelled")), deliveries.c.due_at < limit
    )
    while True:
        with db.transaction() as tx:
            old = tx.execute(query.limit(1000)).scalars().all()
            tx.execute(delete(attempts).where(attempts.c.delivery_id.in_(old)))
            tx.execute(delete(deliveries).where(deliveries.c.id.in_(old)))
        if len(old) < 1000:
            return


def _load(tx: Transaction, targets: Mapping[str, DeliveryTarget], ids: Sequence[int], now: datetime) -> list[Job]:
    rows = tx.execute(_LOAD, {"ids": list(ids)}).mappings().all()
    prepared = {
        name: target.prepare(tx.connection, sorted({row["target_id"] for row in rows if row["target"] == name}))
        for name, target in targets.items()
    }
    jobs = []
    for row in rows:
        ready = prepared.get(row["target"], {})
        if row["target_id"] not in ready:
            gone = {"state": "cancelled", "lease_owner": None, "finished_at": now}
            tx.execute(update(deliveries).where(deliveries.c.id == row["id"]).values(gone))
            continue
        jobs.append(_job(row, ready[row["target_id"]]))
    return jobs


def _job(row: RowMapping, prepared: Any) -> Job:
    event = None
    if row["event_id"] is not None:
        event = EventValue(
            id=row["event_id"],
            project_id=row["project_id"],
            session_id=row["event_session_id"],
            seq=row["event_seq"],
            type=row["event_type"],
            created_at=row["event_created_at"],
            data=row["event_data"],
        )
    return Job(
        id=row["id"],
        project_id=row["project_id"],
        target=row["target"],
        target_id=row["target_id"],
        subject=row["subject"],
        attempt=row["attempts"],
        event=event,
        payload=row["payload"],
        prepared=prepared,
    )
