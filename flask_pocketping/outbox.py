"""The outbox: which deliveries follow from an event, written, cancelled and released in the event's own transaction.

`chat/` writes what targets ask for; `delivery/` finishes it and lets those go on that waited.
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
    """Write and cancel the deliveries that follow from an event.

    :param origin: the name of the target that the event came from; it is not asked.
    """
    rows: list[dict[str, Any]] = []
    for target in tx.targets:
        if target.name == origin:
            continue
        for wish in _ask(target, tx, event):
            if isinstance(wish, Cancel):
                cancel(tx, target.name, target_id=wish.target_id, subject=_subject(wish, event))
            elif target.strict_order:
                _add_behind(tx, _row(target, wish, event))
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
    """The row of a delivery, dated by the clock and not by the time of a session, which may be ahead.

    :param moment: the present time.
    :param due: when it is to be made, or how long from now; at once if unset.
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
    """Cancel what is not finished, also what is under way: its outcome is ignored then.

    :param target: the name of the target.
    :param target_id: only deliveries for this recipient.
    :param subject: only deliveries about this.
    :param only: the id of the one delivery that is meant.
    :return: how many were cancelled.
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
    """Let those go on that waited for deliveries which are finished now.

    One that was cancelled while it waited itself stays a link of its chain: what waits for it goes on when the
    delivery that it waited for is finished.
    """
    by_id = deliveries.c.id
    # Locked and read anew, so that of two transactions that finish neighbours one sees what the other did.
    query = select(by_id, deliveries.c.waits_for).where(by_id.in_(list(ids))).order_by(by_id).with_for_update()
    finished = [row.id for row in tx.execute(query) if row.waits_for == 0]
    while finished:
        waiting = (deliveries.c.state.in_(list(DeliveryState)), deliveries.c.waits_for.in_(finished))
        query = select(by_id, deliveries.c.state).where(*waiting).order_by(by_id).with_for_update()
        rows = tx.execute(query).all()
        if not rows:
            return
        # From now on, so that conversations which share a pace take turns.
        overdue = deliveries.c.due_at < now
        values = {
            "waits_for": 0,
            "dated_at": case((overdue, now), else_=deliveries.c.dated_at),
            "due_at": case((overdue, now), else_=deliveries.c.due_at),
        }
        # In this order: MariaDB sets one column after the other, and the first would see the second changed.
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
        # A fault of a target must not keep a visitor's message from being stored.
        logger.exception("The target %s failed at %s: it gets no delivery of it.", target.name, event.public_id)
        return ()


def _row(target: EventTarget, wish: Deliver, event: Event) -> dict[str, Any]:
    row = new_delivery(event.project_id, target.name, wish.target_id, _subject(wish, event), due=wish.due)
    return row | {"event_id": event.id}


def _subject(wish: Deliver | Cancel, event: Event) -> str:
    return event.session_id if wish.subject is None else wish.subject


def _add_behind(tx: Transaction, row: Mapping[str, Any]) -> None:
    """Write a delivery that waits for the one before it, if that is not finished."""
    lane = [deliveries.c[name] == row[name] for name in ("subject", "target", "target_id")]
    before = _last_open(tx, lane)
    tx.execute(_INSERT, {**row, "waits_for": before})
    tx.deliveries += 1


def _last_open(tx: Transaction, lane: list[ColumnElement[bool]]) -> int:
    """The id of the newest delivery of a lane that is not finished, locked; 0 if there is none."""
    query = select(deliveries.c.id).where(*lane, deliveries.c.state.in_(OPEN_STATES)).order_by(deliveries.c.id.desc())
    beyond: list[ColumnElement[bool]] = []
    while (found := tx.execute(query.where(*beyond).limit(1)).scalar()) is not None:
        # Who finishes it waits for this lock, and then sees the one that waits for it. Or it was faster.
        locked = select(deliveries.c.state).where(deliveries.c.id == found).with_for_update()
        if tx.execute(locked).scalar() in OPEN_STATES:
            return int(found)
        beyond = [deliveries.c.id < found]
    return 0
