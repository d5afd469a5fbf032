"""Who is connected, over all processes: a row a connection, renewed while it lives.

A connection whose process died stops being renewed. A visitor counts as gone only after a grace time without any
connection, so going from page to page is no leaving.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, select, update

from .. import clock
from ..db import Database
from ..errors import SessionNotFound
from ..models import Presence as PresenceModel
from ..models import table
from .log import change_session, sessions

#: Seconds between renewals, and after which a connection that was not renewed counts as dead.
RENEWAL = 20.0
LIFETIME = 60.0

presence = table(PresenceModel)


@dataclass(frozen=True, slots=True)
class Presence:
    """One connection that is noted: an operator's, or a visitor's where it names a session."""

    id: str
    project_id: str
    session_id: str | None


def arrive(db: Database, project_id: str, session_id: str | None = None) -> Presence:
    """Note a connection, an operator's unless `session_id` says whose it is; `visitor.connected` if that is news.

    :return: for `leave` and `renew`.
    """
    made = Presence(clock.new_id("conn"), project_id, session_id)
    _note(db, made)
    return made


def renew(db: Database, living: Sequence[Presence]) -> list[Presence]:
    """Say that connections live.

    :return: those that were taken for dead meanwhile, since nobody said so for too long; for `note_again`.
    """
    known: set[str] = set()
    for start in range(0, len(living), 500):
        mine = presence.c.id.in_([item.id for item in living[start : start + 500]])
        with db.transaction() as tx:
            tx.execute(update(presence).where(mine).values(seen_at=clock.now()))
            known.update(tx.execute(select(presence.c.id).where(mine)).scalars())
    return [item for item in living if item.id not in known]


def note_again(db: Database, lost: Presence) -> None:
    """Note a connection that was taken for dead; nothing where its session is gone."""
    with suppress(SessionNotFound):
        _note(db, lost)


def leave(db: Database, left: Presence) -> None:
    """Note that a connection ended. For a visitor the grace time begins."""
    with db.transaction() as tx:
        tx.execute(delete(presence).where(presence.c.id == left.id))
        if left.session_id is not None:
            tx.execute(update(sessions).where(sessions.c.id == left.session_id).values(visitor_seen_at=clock.now()))


def operator_online(db: Database, project_id: str) -> bool:
    """Whether an operator's client is connected, to whatever process."""
    query = select(presence.c.id).where(
        presence.c.project_id == project_id,
        presence.c.session_id.is_(None),
        presence.c.seen_at > clock.ago(seconds=LIFETIME),
    )
    with db.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def sweep(db: Database, grace: float) -> None:
    """Log `visitor.disconnected` for those who have been without a connection for the grace time.

    :param grace: in seconds.
    """
    alive = presence.c.seen_at > clock.ago(seconds=LIFETIME)
    connected = exists().where(presence.c.session_id == sessions.c.id, alive)
    quiet = sessions.c.visitor_seen_at < clock.ago(seconds=grace)
    query = select(sessions.c.id).where(sessions.c.visitor_online, quiet, ~connected).limit(500)
    with db.read() as connection:
        gone = connection.execute(query).scalars().all()
        dead = connection.execute(select(presence.c.id).where(~alive).limit(1)).first()
    for session_id in gone:
        _disconnect(db, session_id, clock.ago(seconds=grace))
    if dead is not None:
        with db.transaction() as tx:
            tx.execute(delete(presence).where(~alive))


def _note(db: Database, made: Presence) -> None:
    row = {"id": made.id, "project_id": made.project_id, "session_id": made.session_id, "seen_at": clock.now()}
    if made.session_id is None:
        with db.transaction() as tx:
            tx.execute(insert(presence), row)
        return
    with change_session(db, made.session_id) as change:
        change.tx.execute(insert(presence), row)
        if not change.row["visitor_online"]:
            change.set(visitor_online=True, visitor_seen_at=change.now)
            change.log("visitor.connected", {})


def _disconnect(db: Database, session_id: str, limit: datetime) -> None:
    try:
        with change_session(db, session_id) as change:
            # Another process may have swept, or the visitor come back, since the list was made.
            still = change.tx.execute(
                select(presence.c.id).where(
                    presence.c.session_id == session_id, presence.c.seen_at > clock.ago(seconds=LIFETIME)
                )
            ).first()
            if change.row["visitor_online"] and change.row["visitor_seen_at"] < limit and still is None:
                change.set(visitor_online=False)
                change.log("visitor.disconnected", {})
    except SessionNotFound:
        pass
