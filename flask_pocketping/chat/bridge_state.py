"""How far the incoming messages of a bridge are read, by whom, and where a chat has moved to."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from ..db import Database
from ..leases import Lease, is_held
from ..models import Bridge, table
from .bridge_threads import move_threads

bridges = table(Bridge)


def lease_of(db: Database, bridge: str, owner: str, seconds: float) -> Lease:
    """Return the lease of a bridge's incoming messages.

    :param owner: the name of the process.
    :param seconds: how long it holds.
    """
    return Lease(db, _key(bridge), owner, seconds)


def read_cursor(db: Database, bridge: str) -> str | None:
    """Return the position that was saved last."""
    with db.read() as connection:
        return connection.execute(select(bridges.c.cursor).where(bridges.c.name == bridge)).scalar()


def save_cursor(db: Database, bridge: str, owner: str, cursor: str) -> bool:
    """Save a position, and return whether the process still had the lease."""
    change = update(bridges).where(bridges.c.name == bridge).values(cursor=cursor)
    while True:
        with db.transaction() as tx:
            if not is_held(tx, _key(bridge), owner):
                return False
            if tx.execute(change).rowcount:
                return True
        _add_row(db, bridge)


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
    _add_row(db, bridge)
    with db.transaction() as tx:
        moved = {"channel": configured, "moved_to": moved_to}
        tx.execute(update(bridges).where(bridges.c.name == bridge).values(moved))
        move_threads(tx, bridge, before, moved_to)


def _add_row(db: Database, bridge: str) -> None:
    # Of two processes, one is first.
    with suppress(IntegrityError), db.transaction() as tx:
        if tx.execute(select(bridges.c.name).where(bridges.c.name == bridge)).first() is None:
            tx.execute(insert(bridges), {"name": bridge})


def _key(bridge: str) -> str:
    return f"bridge:{bridge}"
