"""The outbox: it writes, cancels and releases the deliveries for an event in the event's own transaction.

`chat/` writes the deliveries that targets return. `delivery/` finishes them and releases those that wait.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, insert, select, update
from sqlalchemy.exc import DBAPIError

from . import clock
from .db import EventTarget, Transaction
from .models import Delivery, table
from .values import OPEN_STATES, Cancel, Deliver, DeliveryState, Event

logger = logging.getLogger("flask_pocketping")

deliveries = table(Delivery)

_INSERT = insert(deliveries)


def enqueue(tx: Transaction, event: Event, *, origin: str | None = None) -> None:
    """Write and cancel deliveries for an event.

    :param origin: the name of the target that the event came from. It gets no delivery.
    """
    rows: list[dict[str, Any]] = []
    for target in tx.targets:
        if target.name == origin:
            continue
        for wish in _ask(target, tx, event):
            if isinstance(wish, Cancel):
                cancel(tx, target.name, target_id=wish.target_id, subject=_subject(wish, event))
            elif target.strict_order:
                add_behind(tx, _row(target, wish, event))
            else:
                rows.append(_row(target, wish, event))
    if rows:
        tx.execute(_INSERT, rows)
        tx.deliveries += len(rows)


def new_delivery(
    project_id: str,
    target: str,
    target_id: str,
    subject: str,
    moment: datetime | None = None,
    due: datetime | timedelta | None = None,
) -> dict[str, Any]:
    """Return the row of a delivery. Its times come from the clock, because the times of a session may be ahead.

    :param moment: the current time.
    :param due: the time at which it is due, or the delay from now. By default, it is due immediately.
    """
    moment = moment or clock.now()
    return {
        "project_id": project_id,
        "target": target,
        "target_id": target_id,
        "subject": subject,
        "event_id": None,
        "payload": None,
        "state": DeliveryState.PENDING,
        "attempts": 0,
        "due_at": moment + due if isinstance(due, timedelta) else due or moment,
        "dated_at": moment,
        "created_at": moment,
    }


def cancel(
    tx: Transaction, target: str, *, target_id: str | None = None, subject: str | None = None, only: int | None = None
) -> int:
    """Cancel unfinished deliveries. The outcome of running attempts is ignored then.

    :param target: the name of the target.
    :param target_id: cancel only deliveries to this recipient.
    :param subject: cancel only deliveries about this subject.
    :param only: cancel only the delivery with this id.
    :return: the number of cancelled deliveries.
    """
    wanted: list[ColumnElement[bool]] = [deliveries.c.target == target, deliveries.c.state.in_(OPEN_STATES)]
    if target_id is not None:
        wanted.append(deliveries.c.target_id == target_id)
    if subject is not None:
        wanted.append(deliveries.c.subject == subject)
    if only is not None:
        wanted.append(deliveries.c.id == only)
    ids = tx.execute(select(deliveries.c.id).where(*wanted)).scalars().all()
    if not ids:
        return 0
    now = clock.now()
    gone = {"state": DeliveryState.CANCELLED, "lease_owner": None, "finished_at": now}
    still = deliveries.c.id.in_(ids) & deliveries.c.state.in_(OPEN_STATES)
    count = tx.execute(update(deliveries).where(still).values(gone)).rowcount
    release(tx, ids, now)
    return count


def release(tx: Transaction, ids: Iterable[int], now: datetime) -> None:
    """Release the deliveries that waited for finished ones.

    A delivery that was cancelled while it waited stays in its chain: the next one is released when the delivery before
    the cancelled one is finished.
    """
    by_id = deliveries.c.id
    # Lock and read the rows again, so that one of two transactions that finish neighbours sees the other's changes.
    query = select(by_id, deliveries.c.waits_for).where(by_id.in_(list(ids))).order_by(by_id).with_for_update()
    finished = [row.id for row in tx.execute(query) if row.waits_for == 0]
    while finished:
        waiting = (deliveries.c.state.in_(list(DeliveryState)), deliveries.c.waits_for.in_(finished))
        query = select(by_id, deliveries.c.state).where(*waiting).order_by(by_id).with_for_update()
        rows = tx.execute(query).all()
        if not rows:
            return
        # Due from now on, so that conversations that share a pace take turns.
        overdue = deliveries.c.due_at < now
        values = {
            "waits_for": 0,
            "dated_at": case((overdue, now), else_=deliveries.c.dated_at),
            "due_at": case((overdue, now), else_=deliveries.c.due_at),
        }
        # In this order, because MariaDB assigns columns one by one, and a later assignment sees earlier ones.
        ordered = [(deliveries.c[name], value) for name, value in values.items()]
        tx.execute(update(deliveries).where(by_id.in_([row.id for row in rows])).ordered_values(*ordered))
        tx.deliveries += 1
        finished = [row.id for row in rows if row.state not in OPEN_STATES]


def _ask(target: EventTarget, tx: Transaction, event: Event) -> Sequence[Deliver | Cancel]:
    try:
        return list(target.follow(event, tx))
    except DBAPIError:
        raise
    except Exception:
        # An error of a target must not prevent storing a visitor's message.
        logger.exception(
            "The target %s raised an error for event %s and gets no delivery of it.", target.name, event.public_id
        )
        return ()


def _row(target: EventTarget, wish: Deliver, event: Event) -> dict[str, Any]:
    row = new_delivery(event.project_id, target.name, wish.target_id, _subject(wish, event), due=wish.due)
    return row | {"event_id": event.id}


def _subject(wish: Deliver | Cancel, event: Event) -> str:
    return event.session_id if wish.subject is None else wish.subject


def add_behind(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Write a delivery of a target with strict order. It waits for the one before it if that is not finished.

    :param row: as `new_delivery` returns it.
    """
    lane = [deliveries.c[name] == row[name] for name in ("subject", "target", "target_id")]
    before = _last_open(tx, lane)
    tx.execute(_INSERT, {**row, "waits_for": before})
    tx.deliveries += 1


def _last_open(tx: Transaction, lane: list[ColumnElement[bool]]) -> int:
    """Lock the newest unfinished delivery of a lane, and return its id, or 0 if there is none."""
    query = select(deliveries.c.id).where(*lane, deliveries.c.state.in_(OPEN_STATES)).order_by(deliveries.c.id.desc())
    beyond: list[ColumnElement[bool]] = []
    while (found := tx.execute(query.where(*beyond).limit(1)).scalar()) is not None:
        # A transaction that finishes it waits for this lock and then sees the new delivery, or it has finished before.
        locked = select(deliveries.c.state).where(deliveries.c.id == found).with_for_update()
        if tx.execute(locked).scalar() in OPEN_STATES:
            return int(found)
        beyond = [deliveries.c.id < found]
    return 0
