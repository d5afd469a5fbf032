"""The open connections of all processes. Each has a row, which its process renews.

If a process dies, its connections are no longer renewed. A visitor counts as gone only after a grace time without any
connection, so moving to another page does not count as leaving.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database
from ..errors import SessionNotFound
from ..models import Presence as PresenceModel
from ..models import table
from ..values import Operator, PresentOperator
from .log import Change, change_session, sessions

#: Seconds between renewals, and after which a connection that was not renewed counts as dead.
RENEWAL = 20.0
LIFETIME = 60.0

presence = table(PresenceModel)


@dataclass(frozen=True, slots=True)
class Presence:
    """An open connection: a visitor's if it has a session, else an operator's."""

    id: str
    project_id: str
    session_id: str | None
    operator: Operator | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who is connected in the back office of a project.

    :ivar online: whether a client is available, of a person or of a program.
    :ivar operators: the operators, each once, the longest connected first.
    """

    online: bool
    operators: tuple[PresentOperator, ...]


def arrive(
    db: Database,
    project_id: str,
    session_id: str | None = None,
    *,
    operator: Operator | None = None,
    available: bool = True,
) -> Presence:
    """Add a connection and log `visitor.connected` if the visitor had none. Without `session_id` it is an operator's.

    :param operator: the operator, if known.
    :param available: whether an operator's connection counts as online.
    :return: the connection, for `leave` and `renew`.
    """
    made = Presence(clock.new_id("conn"), project_id, session_id, operator, available)
    _note(db, made)
    return made


def renew(db: Database, living: Sequence[Presence]) -> set[Presence]:
    """Renew the rows of open connections.

    :return: the connections whose rows had expired and were removed, for `note_again`.
    """
    lost: set[Presence] = set()
    for start in range(0, len(living), 500):
        batch = living[start : start + 500]
        mine = presence.c.id.in_([item.id for item in batch])
        with db.transaction() as tx:
            renewed = tx.execute(update(presence).where(mine).values(seen_at=clock.now())).rowcount
            if renewed < len(batch):
                known = set(tx.execute(select(presence.c.id).where(mine)).scalars())
                lost.update(item for item in batch if item.id not in known)
    return lost


def note_again(db: Database, lost: Presence) -> None:
    """Add a connection again that counted as dead, unless its session is gone."""
    with suppress(SessionNotFound):
        _note(db, lost)


def set_available(db: Database, known: Presence, available: bool) -> Presence:
    """Let an operator's connection count as online, or not.

    :return: the changed connection.
    """
    with db.transaction() as tx:
        tx.execute(update(presence).where(presence.c.id == known.id).values(available=available))
    return replace(known, available=available)


def leave(db: Database, left: Presence) -> None:
    """Remove a connection that ended. For a visitor, the grace time begins."""
    with db.transaction() as tx:
        tx.execute(delete(presence).where(presence.c.id == left.id))
        if left.session_id is not None:
            tx.execute(update(sessions).where(sessions.c.id == left.session_id).values(visitor_seen_at=clock.now()))


def polled(db: Database, session_id: str) -> None:
    """Record that a visitor's page polled. The page counts as connected while it polls.

    The row has the name of the session. It is renewed as rarely as those of connections.
    """
    query = select(presence.c.seen_at).where(presence.c.id == session_id)
    with db.read() as connection:
        seen_at = connection.execute(query).scalar()
    if seen_at is not None and seen_at > clock.ago(seconds=RENEWAL):
        return
    with change_session(db, session_id) as change:
        made = Presence(session_id, change.row["project_id"], session_id)
        # Another of its requests may have noted it meanwhile; the lock lets one of them do it.
        change.tx.execute(delete(presence).where(presence.c.id == session_id))
        _note_visitor(change, made)


def stopped_polling(db: Database, session_id: str) -> None:
    """Record that the visitor left the page. Without another connection, the grace time begins."""
    with db.read() as connection:
        there = connection.execute(select(presence.c.id).where(presence.c.id == session_id)).first()
    if there is not None:
        leave(db, Presence(session_id, "", session_id))


def operator_polled(db: Database, client: Presence) -> tuple[Attendance, Attendance]:
    """Record that a client of the back office polled. It counts as connected while it polls.

    :param client: the connection, with the same id each time. Its row is renewed as rarely as those of connections.
    :return: who was connected before, and who is connected now.
    """
    rows = _operator_rows(db, client.project_id)
    before = _attendance(rows)
    known = next((row for row in rows if row.id == client.id), None)
    if known is not None and known.available == client.available and known.seen_at > clock.ago(seconds=RENEWAL):
        return before, before
    row = _row(client)
    mine = presence.c.id == client.id
    try:
        with db.transaction() as tx:
            if not tx.execute(update(presence).where(mine).values(row)).rowcount:
                tx.execute(insert(presence), row)
    except IntegrityError:
        # Another request of the same client was faster.
        with db.transaction() as tx:
            tx.execute(update(presence).where(mine).values(row))
    return before, attendance(db, client.project_id)


def operator_stopped_polling(db: Database, project_id: str, client_id: str) -> tuple[Attendance, Attendance]:
    """Record that a client of the back office has stopped polling.

    :param client_id: the `id` of the connection in `operator_polled`.
    :return: who was connected before, and who is connected now.
    """
    before = attendance(db, project_id)
    with db.transaction() as tx:
        tx.execute(delete(presence).where(presence.c.id == client_id, presence.c.project_id == project_id))
    return before, attendance(db, project_id)


def attendance(db: Database, project_id: str) -> Attendance:
    """Return who is connected in the back office of a project, in all processes."""
    return _attendance(_operator_rows(db, project_id))


def operator_online(db: Database, project_id: str) -> bool:
    """Return whether a client of the back office is connected and available, in any process."""
    with db.read() as connection:
        return is_attended(connection, project_id)


def is_attended(connection: Connection, project_id: str) -> bool:
    """Return whether a client of the back office is connected and available, on an open connection."""
    query = select(presence.c.id).where(
        presence.c.project_id == project_id,
        presence.c.session_id.is_(None),
        presence.c.available,
        presence.c.seen_at > clock.ago(seconds=LIFETIME),
    )
    return connection.execute(query.limit(1)).first() is not None


def operators(db: Database, project_id: str) -> list[Operator]:
    """Return the known operators who are available, each once, the longest connected first."""
    return [
        Operator(found.id, found.name, found.avatar) for found in connected_operators(db, project_id) if found.available
    ]


def connected_operators(db: Database, project_id: str) -> list[PresentOperator]:
    """Return the operators, including unavailable ones. One available connection makes an operator available."""
    return list(attendance(db, project_id).operators)


def sweep(db: Database, grace: float) -> set[str]:
    """Log `visitor.disconnected` for visitors without a connection for the grace time.

    :param grace: the grace time in seconds.
    :return: the projects whose back office lost clients that did not close their connection.
    """
    alive = presence.c.seen_at > clock.ago(seconds=LIFETIME)
    connected = exists().where(presence.c.session_id == sessions.c.id, alive)
    quiet = sessions.c.visitor_seen_at < clock.ago(seconds=grace)
    query = select(sessions.c.id).where(sessions.c.visitor_online, quiet, ~connected).limit(500)
    with db.read() as connection:
        gone = connection.execute(query).scalars().all()
        is_operator = presence.c.session_id.is_(None).label("is_operator")
        dead = connection.execute(select(presence.c.project_id, is_operator).where(~alive).distinct()).all()
    for session_id in gone:
        _disconnect(db, session_id, clock.ago(seconds=grace))
    if dead:
        with db.transaction() as tx:
            tx.execute(delete(presence).where(~alive))
    return {row.project_id for row in dead if row.is_operator}


def _operator_rows(db: Database, project_id: str) -> Sequence[Row[Any]]:
    query = select(presence).where(
        presence.c.project_id == project_id,
        presence.c.session_id.is_(None),
        presence.c.seen_at > clock.ago(seconds=LIFETIME),
    )
    with db.read() as connection:
        return connection.execute(query.order_by(presence.c.id)).all()


def _attendance(rows: Sequence[Row[Any]]) -> Attendance:
    available = {row.operator_id for row in rows if row.available}
    found: dict[str, PresentOperator] = {}
    for row in rows:
        if row.operator_id is not None:
            known = PresentOperator(
                row.operator_id, row.operator_name, row.operator_avatar, row.operator_id in available
            )
            found.setdefault(row.operator_id, known)
    return Attendance(bool(available), tuple(found.values()))


def _row(made: Presence) -> dict[str, Any]:
    operator = made.operator
    return {
        "id": made.id,
        "project_id": made.project_id,
        "session_id": made.session_id,
        "operator_id": operator and operator.id,
        "operator_name": operator and operator.name,
        "operator_avatar": operator and operator.avatar,
        "available": made.available,
        "seen_at": clock.now(),
    }


def _note(db: Database, made: Presence) -> None:
    if made.session_id is None:
        with db.transaction() as tx:
            tx.execute(insert(presence), _row(made))
        return
    with change_session(db, made.session_id) as change:
        _note_visitor(change, made)


def _note_visitor(change: Change, made: Presence) -> None:
    change.tx.execute(insert(presence), _row(made))
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
