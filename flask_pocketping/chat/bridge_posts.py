"""What became of each message on each bridge, and which messages of a platform belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..errors import DeliveryNotFound
from ..models import BridgeItem, BridgePost, table
from ..outbox import add_behind, deliveries, new_delivery
from ..values import OPEN_STATES, BridgeDelivery, DeliveryState, Message, PostState
from .log import events, lock_session

posts = table(BridgePost)
items = table(BridgeItem)

#: The recipients of a bridge's deliveries: its platform, and the chat that gets what came in.
OUT, IN = "out", "in"

_POST = select(posts).where(posts.c.bridge == bindparam("bridge"), posts.c.message_id == bindparam("message_id"))
_ITEM = (
    select(items)
    .where(
        items.c.bridge == bindparam("bridge"),
        items.c.channel == bindparam("channel"),
        items.c.external_id == bindparam("external_id"),
    )
    .order_by(items.c.part)
)
_ITEMS_OF = (
    select(items)
    .where(items.c.bridge == bindparam("bridge"), items.c.message_id == bindparam("message_id"))
    .order_by(items.c.position, items.c.external_id)
)


@dataclass(frozen=True, slots=True)
class Item:
    """A message of a platform and the message that it belongs to.

    :ivar part: the number of a part, from 0.
    :ivar message_id: the message, or `None` while what came in is not stored yet.
    :ivar incoming: whether an operator wrote it on the platform.
    :ivar edited: the platform's sign of its newest edit.
    """

    channel: str
    external_id: str
    part: int
    session_id: str
    message_id: str | None
    incoming: bool
    edited: str | None = None


# --- States


def note_queued(tx: Transaction, bridge: str, session_id: str, message_id: str, event_id: int) -> None:
    """Record that a message waits for being posted."""
    values = {
        "state": PostState.QUEUED,
        "reason": None,
        "event_id": event_id,
        "changed_at": clock.now(),
    }
    key = {"bridge": bridge, "message_id": message_id}
    tx.execute(insert(posts), {**key, **values, "session_id": session_id})


def set_state(
    tx: Transaction, bridge: str, message_ids: Iterable[str], state: PostState, reason: str | None = None
) -> None:
    """Record what became of messages.

    :param reason: why, up to 500 characters.
    """
    values: dict[str, Any] = {"state": state, "reason": reason and reason[:500], "changed_at": clock.now()}
    tx.execute(update(posts).where(*_of(bridge, message_ids)).values(values))


def note_shown(tx: Transaction, bridge: str, message_ids: Iterable[str], shown: str) -> None:
    """Record what posts show of messages.

    :param shown: the hash of the posted text.
    """
    tx.execute(update(posts).where(*_of(bridge, message_ids)).values(shown=shown))


def drop(tx: Transaction, bridge: str, message_ids: Iterable[str]) -> None:
    """Forget messages that were deleted before they were posted."""
    tx.execute(delete(posts).where(*_of(bridge, message_ids)))


def shown_text(connection: Connection, bridge: str, message_id: str) -> str | None:
    """Return the hash of the text of a message that was posted last."""
    row = connection.execute(_POST, {"bridge": bridge, "message_id": message_id}).first()
    return row.shown if row is not None else None


#: Returns the seconds until a bridge posts the next message, given how many conversations wait there.
Wait = Callable[[Connection, str, int], float]


def states_of(
    connection: Connection, message_ids: Sequence[str], expected: Wait | None = None
) -> dict[str, tuple[BridgeDelivery, ...]]:
    """Return what became of messages on each bridge, for those that bridges got.

    :param expected: estimates how long queued messages wait. Without it, only retries are known.
    """
    found: dict[str, tuple[BridgeDelivery, ...]] = {}
    if not message_ids:
        return found
    due = (
        select(deliveries.c.due_at)
        .where(
            deliveries.c.event_id == posts.c.event_id,
            deliveries.c.target == posts.c.bridge,
            deliveries.c.state == DeliveryState.PENDING,
        )
        .limit(1)
        .scalar_subquery()
    )
    query = select(posts, due.label("due_at")).where(posts.c.message_id.in_(list(message_ids)))
    now = clock.now()
    for row in connection.execute(query.order_by(posts.c.message_id, posts.c.bridge)).all():
        wait = None
        if row.state == PostState.QUEUED and row.due_at is not None:
            seconds = max(0.0, (row.due_at - now).total_seconds())
            if expected is not None:
                ahead = _waiting(connection, row.bridge, row.due_at, row.session_id)
                seconds = max(seconds, expected(connection, row.bridge, ahead))
            wait = round(seconds)
        made = BridgeDelivery(row.bridge, PostState(row.state), row.reason, wait)
        found[row.message_id] = (*found.get(row.message_id, ()), made)
    return found


def with_deliveries(db: Database, messages: Sequence[Message], expected: Wait | None = None) -> list[Message]:
    """Return messages with what became of them on each bridge.

    :param expected: as for `states_of`.
    """
    with db.read() as connection:
        states = states_of(connection, [message.id for message in messages], expected)
    return [replace(message, deliveries=states.get(message.id, ())) for message in messages]


def send_again(
    db: Database, session_id: str, message_id: str, bridge: str, project_id: str | None = None
) -> tuple[BridgeDelivery, ...]:
    """Post a message again that failed or may have failed. A queued one is not changed.

    :return: what becomes of the message on each bridge.
    :raises SessionNotFound: if the session does not exist in the project.
    :raises DeliveryNotFound: if the bridge never got the message, or has posted it.
    """
    with db.transaction() as tx:
        lock_session(tx, session_id, project_id)
        row = tx.execute(_POST, {"bridge": bridge, "message_id": message_id}).first()
        known = row is not None and row.session_id == session_id and row.state != PostState.SENT
        if row is None or not known or row.event_id is None:
            raise DeliveryNotFound("This message was not held up on this bridge.")
        if row.state != PostState.QUEUED:
            project = tx.execute(select(events.c.project_id).where(events.c.id == row.event_id)).scalar()
            if project is None:
                raise DeliveryNotFound
            made = new_delivery(project, bridge, OUT, session_id)
            add_behind(tx, {**made, "event_id": row.event_id})
            set_state(tx, bridge, [message_id], PostState.QUEUED)
        return states_of(tx.connection, [message_id])[message_id]


# --- Items


def find_item(connection: Connection, bridge: str, channel: str, external_id: str) -> list[Item]:
    """Return the parts of a message of a platform. Empty: it is none of ours."""
    place = {"bridge": bridge, "channel": channel, "external_id": external_id}
    return [_item(row) for row in connection.execute(_ITEM, place).mappings()]


def items_of(connection: Connection, bridge: str, message_id: str) -> list[Item]:
    """Return the messages of a platform that belong to a message, in order."""
    return [
        _item(row) for row in connection.execute(_ITEMS_OF, {"bridge": bridge, "message_id": message_id}).mappings()
    ]


def add_item(
    tx: Transaction,
    bridge: str,
    channel: str,
    external_id: str,
    session_id: str,
    message_id: str | None,
    *,
    part: int = 0,
    position: int = 0,
    incoming: bool = False,
) -> None:
    """Record a message of a platform.

    :raises IntegrityError: if it is known already.
    """
    row = {
        "bridge": bridge,
        "channel": channel,
        "external_id": external_id,
        "part": part,
        "session_id": session_id,
        "message_id": message_id,
        "position": position,
        "incoming": incoming,
        "created_at": clock.now(),
    }
    tx.execute(insert(items), row)


def settle_item(tx: Transaction, bridge: str, channel: str, external_id: str, part: int, message_id: str) -> bool:
    """Record the message that was stored for what came in, and return whether its item waited for it."""
    place = (items.c.bridge == bridge, items.c.channel == channel, items.c.external_id == external_id)
    waiting = (*place, items.c.part == part, items.c.message_id.is_(None))
    return tx.execute(update(items).where(*waiting).values(message_id=message_id)).rowcount == 1


def note_edit(tx: Transaction, item: Item, bridge: str, version: str) -> bool:
    """Record an edit of what came in, and return whether it is newer than all before.

    :param version: the platform's sign of the edit, which sorts by time.
    """
    place = (items.c.bridge == bridge, items.c.channel == item.channel, items.c.external_id == item.external_id)
    mine = (*place, items.c.part == item.part)
    # Compared here, because databases sort texts in their own ways.
    newest = tx.execute(select(items.c.edited).where(*mine).with_for_update()).scalar()
    if newest is not None and newest >= version:
        return False
    return tx.execute(update(items).where(*mine).values(edited=version)).rowcount == 1


def remove_items(tx: Transaction, bridge: str, channel: str, external_ids: Iterable[str]) -> None:
    """Forget messages of a platform that are gone."""
    place = (items.c.bridge == bridge, items.c.channel == channel)
    tx.execute(delete(items).where(*place, items.c.external_id.in_(list(external_ids))))


# --- Jobs: deliveries of a bridge that no event asked for


def add_job(
    tx: Transaction,
    project_id: str,
    bridge: str,
    recipient: str,
    session_id: str,
    payload: str,
    due: datetime | timedelta | None = None,
) -> None:
    """Write a delivery without an event, behind the others of its conversation.

    :param recipient: `OUT` or `IN`.
    :param payload: what to do, in a format of the bridge.
    """
    made = new_delivery(project_id, bridge, recipient, session_id, due=due)
    add_behind(tx, {**made, "payload": payload})


def rewrite_job(tx: Transaction, delivery_id: int, payload: str) -> bool:
    """Change what a delivery without an event is to do, unless it is under way. Return whether it is changed."""
    waiting = (deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.PENDING)
    return tx.execute(update(deliveries).where(*waiting).values(payload=payload)).rowcount == 1


def open_jobs(connection: Connection, bridge: str, session_id: str) -> list[Mapping[str, Any]]:
    """Return the unfinished deliveries to the chat about a conversation, oldest first."""
    query = select(deliveries).where(
        deliveries.c.subject == session_id,
        deliveries.c.target == bridge,
        deliveries.c.target_id == IN,
        deliveries.c.state.in_(OPEN_STATES),
    )
    return [dict(row) for row in connection.execute(query.order_by(deliveries.c.id)).mappings()]


def has_open(connection: Connection, bridge: str, session_id: str) -> bool:
    """Return whether something about a conversation still waits for being posted."""
    query = select(deliveries.c.id).where(
        deliveries.c.subject == session_id,
        deliveries.c.target == bridge,
        deliveries.c.target_id == OUT,
        deliveries.c.state.in_(OPEN_STATES),
    )
    return connection.execute(query.limit(1)).first() is not None


def _of(bridge: str, message_ids: Iterable[str]) -> tuple[Any, ...]:
    return posts.c.bridge == bridge, posts.c.message_id.in_(list(message_ids))


def _item(row: Any) -> Item:
    return Item(
        *(row["channel"], row["external_id"], row["part"], row["session_id"], row["message_id"]),
        *(bool(row["incoming"]), row["edited"]),
    )


def _waiting(connection: Connection, bridge: str, due_at: datetime, session_id: str) -> int:
    """Return how many other conversations wait for being posted before a time."""
    query = select(func.count(deliveries.c.subject.distinct())).where(
        deliveries.c.target == bridge,
        deliveries.c.target_id == OUT,
        deliveries.c.state == DeliveryState.PENDING,
        deliveries.c.waits_for == 0,
        deliveries.c.due_at <= due_at,
        deliveries.c.subject != session_id,
    )
    return connection.execute(query).scalar() or 0
