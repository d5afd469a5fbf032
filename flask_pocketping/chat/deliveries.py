"""Lists, shows, retries, cancels and deletes the deliveries of all targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, update

from .. import clock
from ..bounds import PAGE_SIZE
from ..db import Database
from ..errors import DeliveryNotFound, InvalidRequest
from ..models import Attempt as AttemptModel
from ..models import table
from ..outbox import cancel, deliveries
from ..values import FINISHED_STATES, Attempt, Delivery, DeliveryPage, DeliveryState
from .log import events
from .paging import ITEM_BYTES, fit, json_size

attempts = table(AttemptModel)

#: The size of an attempt in bytes, without the response.
ATTEMPT_BYTES = 200
#: How many rows are deleted in one transaction.
BATCH = 1000

_DELIVERIES = select(deliveries, events.c.type.label("event_type")).select_from(
    deliveries.outerjoin(events, events.c.id == deliveries.c.event_id)
)

Conditions = Sequence[ColumnElement[bool]]


def filters(target: str | None = None, state: str | None = None, session_id: str | None = None) -> Conditions:
    """Return the conditions for a filter.

    :param target: include only deliveries of the target with this name.
    :param state: include only deliveries in this state.
    :param session_id: include only deliveries about this conversation.
    """
    wanted: list[ColumnElement[bool]] = []
    if target is not None:
        wanted.append(deliveries.c.target == target)
    if state is not None:
        wanted.append(deliveries.c.state == state)
    if session_id is not None:
        wanted.append(deliveries.c.subject == session_id)
    return wanted


def list_deliveries(
    db: Database, wanted: Conditions = (), *, limit: int = PAGE_SIZE, cursor: str | None = None
) -> DeliveryPage:
    """List deliveries with their attempts, newest first.

    :param wanted: the conditions of `filters`.
    :param limit: the maximum number of deliveries.
    :param cursor: the `next_cursor` of the previous page.
    """
    with db.read() as connection:
        return page_of(connection, wanted, limit=limit, cursor=cursor)


def page_of(connection: Connection, wanted: Conditions, *, limit: int, cursor: str | None) -> DeliveryPage:
    """List deliveries like `list_deliveries`, on an open connection."""
    if cursor is not None:
        wanted = [*wanted, deliveries.c.id < row_number(cursor, InvalidRequest.field("cursor", "Not a cursor."))]
    query = _DELIVERIES.where(*wanted).order_by(deliveries.c.id.desc()).limit(limit + 1)
    rows = connection.execute(query).mappings().all()
    # Limit the rows by their number of attempts first, to read no more attempts than a page could have.
    some = fit(rows[:limit], lambda row: ITEM_BYTES + row["attempts"] * ATTEMPT_BYTES)
    page = fit(_values(connection, [dict(row) for row in some]), _size)
    return DeliveryPage(list(page), page[-1].id if len(rows) > len(page) else None)


def get_delivery(db: Database, delivery_id: str) -> Delivery:
    """Find a delivery.

    :raises DeliveryNotFound: if there is none such.
    """
    with db.read() as connection:
        return load(connection, row_number(delivery_id, DeliveryNotFound()))


def find_delivery(db: Database, number: int) -> Delivery | None:
    """Return a delivery by the id of its row, if it exists."""
    try:
        with db.read() as connection:
            return load(connection, number)
    except DeliveryNotFound:
        return None


def retry_delivery(db: Database, delivery_id: str, wanted: Conditions = ()) -> Delivery:
    """Make a delivery due now, in any state. A running one is not changed.

    :param wanted: conditions that it meets.
    :raises DeliveryNotFound: if there is none such.
    """
    number = row_number(delivery_id, DeliveryNotFound())
    moment = clock.now()
    with db.transaction() as tx:
        load(tx.connection, number, wanted)
        tx.execute(
            update(deliveries)
            .where(deliveries.c.id == number, deliveries.c.state != DeliveryState.RUNNING)
            .values(state=DeliveryState.PENDING, due_at=moment, dated_at=moment, finished_at=None, batch_id=0)
        )
        tx.deliveries += 1
        return load(tx.connection, number)


def cancel_delivery(db: Database, delivery_id: str) -> Delivery:
    """Cancel an unfinished delivery. A finished one is not changed.

    :raises DeliveryNotFound: if there is none such.
    """
    number = row_number(delivery_id, DeliveryNotFound())
    with db.transaction() as tx:
        cancel(tx, load(tx.connection, number).target, only=number)
        return load(tx.connection, number)


def purge(db: Database, before: datetime, wanted: Conditions = ()) -> int:
    """Delete finished deliveries with their attempts, a thousand at a time.

    :param before: only those that were finished before this time.
    :param wanted: conditions that they meet.
    :return: how many were removed.
    """
    old = (deliveries.c.state.in_(FINISHED_STATES), deliveries.c.finished_at < before, *wanted)
    # A link in a chain of waiting deliveries is kept until these are finished.
    query = select(deliveries.c.id).where(*old, deliveries.c.waits_for == 0).limit(BATCH)
    removed = 0
    while True:
        with db.transaction(long=True) as tx:
            ids = tx.execute(query).scalars().all()
            tx.execute(delete(attempts).where(attempts.c.delivery_id.in_(ids)))
            tx.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
        removed += len(ids)
        if len(ids) < BATCH:
            return removed


def public_delivery_id(number: int) -> str:
    """Return the public id of a delivery's row."""
    return f"dlv_{number}"


def row_number(public_id: str, error: Exception) -> int:
    """Return the id of the row for a public id.

    :param error: raised if it names none.
    """
    digits = public_id.removeprefix("dlv_")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 18:
        raise error
    return int(digits)


def load(connection: Connection, number: int, wanted: Conditions = ()) -> Delivery:
    """Return a delivery, on an open connection.

    :raises DeliveryNotFound: if there is none such that meets the conditions.
    """
    row = connection.execute(_DELIVERIES.where(deliveries.c.id == number, *wanted)).mappings().one_or_none()
    if row is None:
        raise DeliveryNotFound
    return _values(connection, [dict(row)])[0]


def _values(connection: Connection, rows: list[dict[str, Any]]) -> list[Delivery]:
    tries: dict[int, list[Attempt]] = {row["id"]: [] for row in rows}
    query = select(attempts).where(attempts.c.delivery_id.in_(list(tries))).order_by(attempts.c.number)
    for row in connection.execute(query) if rows else ():
        tries[row.delivery_id].append(
            Attempt(row.number, row.started_at, row.duration_ms, row.status_code, row.error, row.response)
        )
    return [_value(row, tries[row["id"]]) for row in rows]


def _value(row: Mapping[str, Any], tries: list[Attempt]) -> Delivery:
    public_id = public_delivery_id(row["id"])
    next_attempt: datetime | None = row["due_at"] if row["state"] == DeliveryState.PENDING else None
    return Delivery(
        id=public_id,
        target_id=row["target_id"],
        event_type=row["event_type"] or "webhook.test",
        event_id=f"evt_{row['event_id']}" if row["event_id"] else public_id,
        session_id=row["subject"] or None,
        state=DeliveryState(row["state"]),
        created_at=row["created_at"],
        next_attempt_at=next_attempt,
        attempts=tries,
        target=row["target"],
        uncertain=bool(row["uncertain"]),
        waits=row["state"] == DeliveryState.PENDING and row["waits_for"] > 0,
    )


def _size(delivery: Delivery) -> int:
    return ITEM_BYTES + sum(
        ATTEMPT_BYTES + json_size(attempt.error, attempt.response) - ITEM_BYTES for attempt in delivery.attempts
    )
