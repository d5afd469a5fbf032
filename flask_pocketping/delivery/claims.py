"""Claims deliveries for a worker: which ones are due, in which order, and how many.

A guarded update claims each delivery, so only one of two workers gets it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, or_, select, true, tuple_, update

from .. import clock
from ..db import Database, Transaction
from ..models import Event, table
from ..outbox import cancel, deliveries
from ..values import OPEN_STATES, DeliveryState
from ..values import Event as EventValue
from .batch import Batch, Job, Reader, StoredPayload
from .pace import Budgets, ensure_rows
from .target import Pace, Target

events = table(Event)

#: A recipient: the name of its target, and its id in that target.
Recipient = tuple[str, str]

#: How many rows are read at once.
PAGE = 500
#: If more deliveries than this wait for a pace, the rest are rescheduled to their turn, so many per transaction.
WAITING = 64
DATED_AT_ONCE = 1000
#: Seconds by which a lease is longer than the timeout of its target.
LEASE_MARGIN = 5.0

_RECIPIENT = tuple_(deliveries.c.target, deliveries.c.target_id)
_LANE = tuple_(deliveries.c.target, deliveries.c.target_id, deliveries.c.subject)
_DUE = (
    select(
        *(deliveries.c[name] for name in ("id", "target", "target_id", "subject", "attempts", "due_at", "state")),
        *(deliveries.c[name] for name in ("batch_id", "uncertain")),
    )
    .where(
        deliveries.c.state == bindparam("state"), deliveries.c.waits_for == 0, deliveries.c.due_at <= bindparam("now")
    )
    .order_by(deliveries.c.due_at, deliveries.c.id)
)
_RUNNING_LANES = select(deliveries.c.target, deliveries.c.target_id, deliveries.c.subject).where(
    deliveries.c.state == DeliveryState.RUNNING
)
_CLAIM = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("delivery_id"),
        deliveries.c.state == bindparam("seen_state"),
        deliveries.c.due_at == bindparam("seen_due"),
    )
    .values(
        state=DeliveryState.RUNNING,
        lease_owner=bindparam("owner"),
        due_at=bindparam("until"),
        dated_at=bindparam("now"),
        attempts=deliveries.c.attempts + 1,
        batch_id=bindparam("batch"),
        uncertain=bindparam("maybe"),
    )
)
_DATE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("row_id"))
    .values(due_at=bindparam("turn"), dated_at=bindparam("moment"))
)
_WITH_EVENT = (
    select(deliveries, *[column.label(f"event_{column.key}") for column in events.c if column.key != "id"])
    .select_from(deliveries.outerjoin(events, events.c.id == deliveries.c.event_id))
    .order_by(deliveries.c.id)
)
_LOAD = _WITH_EVENT.where(deliveries.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(slots=True)
class Others:
    """The limits for recipients that are not known to be responsive.

    :ivar preferred: the responsive recipients.
    :ivar left: how many deliveries may be claimed for others.
    :ivar spare: how many of these may be for others that already have a running attempt.
    :ivar served: the others that already have a running attempt.
    """

    preferred: frozenset[Recipient]
    left: int
    spare: int
    served: frozenset[Recipient]


@dataclass(slots=True)
class Claimer:
    """Claims deliveries for one worker.

    :ivar owner: the name of the worker.
    :ivar lease: the duration of a lease in seconds, unless the target has a longer timeout.
    :ivar reader: reads conversations for the targets.
    :ivar held: the recipients whose pace is exhausted, and until when.
    """

    db: Database
    targets: Mapping[str, Target]
    owner: str
    lease: float
    reader: Reader | None = None
    held: dict[Recipient, datetime] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)

    def claim(
        self,
        *,
        limit: int,
        room: Mapping[Recipient, int] | None = None,
        default_room: int | None = None,
        others: Others | None = None,
    ) -> list[Batch]:
        """Claim due deliveries.

        :param limit: the maximum number of batches.
        :param room: how many more deliveries a recipient may get, if not `at_once` of its target.
        :param default_room: the limit for recipients without an entry in `room`, instead of `at_once`.
        :param others: the limits for recipients that are not known to be responsive, if there are any.
        """
        room = dict(room or {})
        busy = {recipient for recipient, left in room.items() if left <= 0}
        only = None
        if others is not None and others.left <= 0:
            only = others.preferred
        elif others is not None and others.spare <= 0:
            busy |= others.served
        now = clock.now()
        self.held = {one: until for one, until in self.held.items() if now < until <= now + timedelta(days=1)}
        while True:
            with self.db.read() as connection:
                due = _find_due(connection, busy | self.held.keys(), limit, only)
            if not due:
                return []
            paces = self._paces(due)
            shares = _Shares(self.targets, dict(room), default_room, others and replace(others))
            held = set(self.held)
            won, batches = self._take(due, shares, paces)
            for recipient in self.held.keys() - held:
                self._date_by_turn(recipient, paces[recipient])
            # Continue if all claimed deliveries were for deleted recipients, or if paces were exhausted.
            if batches or (not won and held == set(self.held)):
                return batches

    def _paces(self, due: Iterable[Any]) -> dict[Recipient, Sequence[Pace]]:
        found = {}
        for name, target_id in {(row.target, row.target_id) for row in due}:
            target = self.targets.get(name)
            if target is not None and (paces := target.paces(target_id)):
                found[name, target_id] = paces
        new = {pace.key for paces in found.values() for pace in paces} - self._keys
        if new:
            ensure_rows(self.db, new)
            self._keys |= new
        return found

    def _date_by_turn(self, recipient: Recipient, paces: Sequence[Pace]) -> None:
        """Reschedule deliveries that wait for a pace to their turn, so that polls do not read them."""
        now = clock.now()
        mine = (
            *(deliveries.c.state == DeliveryState.PENDING, deliveries.c.waits_for == 0, deliveries.c.due_at <= now),
            *(deliveries.c.target == recipient[0], deliveries.c.target_id == recipient[1]),
        )
        ordered = select(deliveries.c.id).where(*mine).order_by(deliveries.c.due_at, deliveries.c.id)
        each = max(pace.period / pace.limit for pace in paces)
        turn = self.held[recipient] + timedelta(seconds=each * WAITING)
        while True:
            with self.db.read() as connection:
                ids = connection.execute(ordered.offset(WAITING).limit(DATED_AT_ONCE)).scalars().all()
            rows = [
                {"row_id": row_id, "turn": turn + timedelta(seconds=each * place), "moment": now}
                for place, row_id in enumerate(ids)
            ]
            if rows:
                with self.db.transaction() as tx:
                    tx.execute(_DATE.where(*mine), rows)
            if len(ids) < DATED_AT_ONCE:
                return
            turn += timedelta(seconds=each * len(ids))

    def _take(
        self, due: Sequence[Any], shares: _Shares, paces: Mapping[Recipient, Sequence[Pace]]
    ) -> tuple[int, list[Batch]]:
        won: list[list[int]] = []
        held: dict[Recipient, datetime] = {}
        with self.db.transaction() as tx:
            # The lease starts now, because waiting for the write lock may have taken long.
            now = clock.now()
            budgets = Budgets(tx, (pace.key for some in paces.values() for pace in some), now)
            for row in due:
                recipient = row.target, row.target_id
                if recipient in held or not shares.has(recipient):
                    continue
                mine = paces.get(recipient, ())
                if (free_at := budgets.free_at(mine)) is not None:
                    held[recipient] = free_at
                    continue
                if self._win(tx, row, row.id, now):
                    shares.take(recipient)
                    budgets.spend(mine)
                    won.append([row.id, *self._followers(tx, row, now)])
            budgets.write()
            batches = self._load(tx, won) if won else []
        self.held |= held
        return len(won), batches

    def _win(self, tx: Transaction, row: Any, batch_id: int, now: datetime) -> bool:
        target = self.targets.get(row.target)
        lease = max(self.lease, target.timeout + LEASE_MARGIN) if target and target.timeout else self.lease
        values = {
            "delivery_id": row.id,
            "seen_state": row.state,
            "seen_due": row.due_at,
            "owner": self.owner,
            "until": now + timedelta(seconds=lease),
            "now": now,
            "batch": batch_id,
            # The previous worker was killed or too slow, so the delivery may have been sent.
            "maybe": row.uncertain or row.state == DeliveryState.RUNNING,
        }
        return tx.execute(_CLAIM, values).rowcount == 1

    def _followers(self, tx: Transaction, head: Any, now: datetime) -> list[int]:
        """Claim the deliveries to send together with a claimed one."""
        target = self.targets.get(head.target)
        if target is None or target.batch_size <= 1:
            return []
        lane = (deliveries.c[name] == getattr(head, name) for name in ("subject", "target", "target_id"))
        query = _WITH_EVENT.where(*lane, deliveries.c.state.in_(OPEN_STATES), deliveries.c.id >= head.id)
        first, *rest = tx.execute(query.limit(target.batch_size)).all()
        # A batch that may have been sent is repeated unchanged.
        fixed = head.uncertain or head.state == DeliveryState.RUNNING
        found: list[int] = []
        last = self._job(first._mapping)
        for row in rest:
            job = self._job(row._mapping)
            belongs = row.batch_id == head.batch_id if fixed else row.batch_id == 0 and target.joins(last, job)
            if row.due_at > now or not belongs or not self._win(tx, row, head.id, now):
                break
            found.append(row.id)
            last = job
        return found

    def _load(self, tx: Transaction, won: Sequence[Sequence[int]]) -> list[Batch]:
        ids = [delivery_id for batch in won for delivery_id in batch]
        rows = {row["id"]: row for row in tx.execute(_LOAD, {"ids": ids}).mappings()}
        recipients: dict[str, set[str]] = {}
        for row in rows.values():
            recipients.setdefault(row["target"], set()).add(row["target_id"])
        prepared = {
            name: self.targets[name].prepare(tx.connection, sorted(theirs))
            for name, theirs in recipients.items()
            if name in self.targets
        }
        batches = []
        for batch in won:
            mine = [rows[delivery_id] for delivery_id in batch]
            name, target_id = mine[0]["target"], mine[0]["target_id"]
            ready = prepared.get(name, {})
            if target_id not in ready:
                for row in mine:
                    cancel(tx, name, only=row["id"])
                continue
            jobs = [self._job(row) for row in mine]
            batches.append(Batch(jobs, ready[target_id], db=self.db, owner=self.owner, reader=self.reader))
        return batches

    def _job(self, row: RowMapping) -> Job:
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
            if self.reader is not None:
                event = replace(event, payload=StoredPayload(self.reader, event))
        names = ("id", "project_id", "target", "target_id", "subject", "payload", "throttled", "note")
        return Job(
            **{name: row[name] for name in names},
            attempt=row["attempts"],
            event=event,
            uncertain=bool(row["uncertain"]),
        )


@dataclass(slots=True)
class _Shares:
    """The remaining limits of a claim: per recipient, and for recipients that are not known to be responsive."""

    targets: Mapping[str, Target]
    room: dict[Recipient, int]
    default_room: int | None
    others: Others | None

    def has(self, recipient: Recipient) -> bool:
        if self.room.setdefault(recipient, self._default(recipient[0])) <= 0:
            return False
        others = self.others
        if others is None or recipient in others.preferred:
            return True
        return others.left > 0 and (others.spare > 0 or recipient not in others.served)

    def take(self, recipient: Recipient) -> None:
        self.room[recipient] -= 1
        others = self.others
        if others is not None and recipient not in others.preferred:
            others.left -= 1
            others.spare -= 1
            others.served |= {recipient}

    def _default(self, name: str) -> int:
        if self.default_room is not None:
            return self.default_room
        # Deliveries of an unknown target are only cancelled.
        return self.targets[name].at_once if name in self.targets else PAGE


def _find_due(
    connection: Connection, busy: Collection[Recipient], limit: int, only: Collection[Recipient] | None
) -> list[Any]:
    """Find due deliveries, oldest first.

    A healthy recipient gets the events of a session in order: a delivery is not attempted while an earlier one of its
    session is running or was never attempted. A failed delivery does not block later ones, except with strict order:
    then later ones wait for it, and this does not find them. Each query reads an index from its start, so a long
    backlog costs no more than a short one.

    :param busy: recipients to skip.
    :param limit: the maximum number of deliveries.
    :param only: the only recipients to include, if given.
    """
    values = {"now": clock.now()}
    wanted = _DUE.where(
        true() if only is None else _RECIPIENT.in_(list(only)),
        _RECIPIENT.not_in(list(busy)) if busy else true(),
    )
    found = list(connection.execute(wanted.limit(limit), {**values, "state": DeliveryState.RUNNING}))
    held = _running_lanes(connection)
    first: dict[tuple[str, str, str], Any] = {}
    query = wanted
    # Usually, the first few are enough.
    size = min(PAGE, 2 * limit)
    while len(found) + len(first.keys() - held) < limit:
        page = connection.execute(query.limit(size), {**values, "state": DeliveryState.PENDING}).all()
        for row in page:
            if row.subject == "" or row.attempts > 0:
                found.append(row)
            else:
                # Ordered by id, because different clocks may have dated the deliveries of a session.
                lane = row.target, row.target_id, row.subject
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
    # Again, because other workers may have claimed some in the meantime.
    held |= _running_lanes(connection) if first else set()
    found += [row for lane, row in first.items() if lane not in held]
    return sorted(found, key=lambda row: (row.due_at, row.id))[:limit]


def _running_lanes(connection: Connection) -> set[tuple[str, str, str]]:
    return {(row.target, row.target_id, row.subject) for row in connection.execute(_RUNNING_LANES)}
