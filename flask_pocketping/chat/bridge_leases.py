"""Which process reads the incoming messages of a bridge, how far it got, and where a chat has moved to."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database
from ..models import Bridge, table
from .bridge_threads import move_threads

bridges = table(Bridge)

#: How far a time may be in the future before it counts as written by a fast clock.
_TOLERANCE = timedelta(seconds=1)


def take_lease(db: Database, bridge: str, owner: str, seconds: float) -> bool:
    """Take or renew the lease of a bridge's incoming messages, and return whether it is ours.

    :param owner: the name of the process.
    :param seconds: how long it holds. Another process may take it afterwards.
    """
    now = clock.now()
    mine = {"lease_owner": owner, "lease_until": now + timedelta(seconds=seconds), "dated_at": now}
    free = or_(
        bridges.c.lease_owner == owner,
        bridges.c.lease_owner.is_(None),
        bridges.c.lease_until <= now,
        # A clock that was ahead has written it.
        bridges.c.dated_at > now + _TOLERANCE,
    )
    with db.transaction() as tx:
        if tx.execute(update(bridges).where(bridges.c.name == bridge, free).values(mine)).rowcount:
            return True
        if tx.execute(select(bridges.c.name).where(bridges.c.name == bridge)).first() is not None:
            return False
    try:
        with db.transaction() as tx:
            tx.execute(insert(bridges), {"name": bridge, **mine})
    except IntegrityError:
        # Another process was faster.
        return False
    return True


def return_lease(db: Database, bridge: str, owner: str) -> None:
    """Let another process go on at once."""
    with db.transaction() as tx:
        tx.execute(
            update(bridges)
            .where(bridges.c.name == bridge, bridges.c.lease_owner == owner)
            .values(lease_owner=None, lease_until=None)
        )


def read_cursor(db: Database, bridge: str) -> str | None:
    """Return the position that was saved last."""
    with db.read() as connection:
        return connection.execute(select(bridges.c.cursor).where(bridges.c.name == bridge)).scalar()


def save_cursor(db: Database, bridge: str, owner: str, cursor: str) -> bool:
    """Save a position, and return whether the lease was still held."""
    with db.transaction() as tx:
        mine = (bridges.c.name == bridge, bridges.c.lease_owner == owner)
        return tx.execute(update(bridges).where(*mine).values(cursor=cursor)).rowcount == 1


def current_channel(db: Database, bridge: str, configured: str) -> str:
    """Return the id of the chat that the settings name: its new one, if it has moved."""
    with db.read() as connection:
        row = connection.execute(select(bridges.c.channel, bridges.c.moved_to).where(bridges.c.name == bridge)).first()
    return str(row.moved_to) if row is not None and row.channel == configured and row.moved_to else configured


def note_move(db: Database, bridge: str, configured: str, before: str, moved_to: str) -> None:
    """Record that a chat has a new id, and that its threads moved with it.

    :param configured: the id in the settings.
    :param before: the id until now.
    """
    with suppress(IntegrityError), db.transaction() as tx:
        if tx.execute(select(bridges.c.name).where(bridges.c.name == bridge)).first() is None:
            tx.execute(insert(bridges), {"name": bridge})
    with db.transaction() as tx:
        moved = {"channel": configured, "moved_to": moved_to}
        tx.execute(update(bridges).where(bridges.c.name == bridge).values(moved))
        move_threads(tx, bridge, before, moved_to)
