"""The event log. Every change to a conversation locks its session and writes its event and deliveries here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..errors import SessionNotFound
from ..models import Event, Session, table
from ..outbox import enqueue
from ..prepared import Prepared
from ..schemas.compact_json import to_json
from ..values import Event as EventValue

sessions = table(Session)
events = table(Event)

_LOCK = Prepared(select(sessions).where(sessions.c.id == bindparam("session_id")).with_for_update())
_INSERT_EVENT = Prepared(insert(events), ("project_id", "session_id", "seq", "type", "created_at", "data"))


class Change:
    """A locked session: its row, the changes to it and their events."""

    def __init__(self, tx: Transaction, row: dict[str, Any], origin: str | None = None) -> None:
        self.tx = tx
        self.row = row
        self.origin = origin
        self._dirty: dict[str, Any] = {}
        #: The time of the change. It is later than everything before in the session, even if the clock went back.
        self.now: datetime = _after(row["last_activity"], row["changed_at"])

    @property
    def session_id(self) -> str:
        return str(self.row["id"])

    def tick(self) -> None:
        """Advance to the next moment, for an event that needs a later time than the previous ones of this change."""
        if self.row["changed_at"] is not None and self.row["changed_at"] >= self.now:
            self.now = self.row["changed_at"] + timedelta(microseconds=1)

    def set(self, **values: Any) -> None:
        """Change columns of the session's row."""
        self.row.update(values)
        self._dirty.update(values)

    def log(self, type: str, data: Mapping[str, Any], /, **payload: Any) -> EventValue:
        """Append an event with the next number.

        :param data: what happened, in the form that the API sends; this adds `sessionId`.
        :param payload: the keywords for the receivers of the signal.
        """
        self.set(seq=self.row["seq"] + 1, changed_at=self.now)
        row = {
            "project_id": self.row["project_id"],
            "session_id": self.session_id,
            "seq": self.row["seq"],
            "type": type,
            "created_at": self.now,
            "data": to_json({"sessionId": self.session_id, **data}),
        }
        return append(self.tx, row, payload, origin=self.origin)

    def flush(self) -> None:
        """Write the changed columns."""
        if self._dirty:
            statement = _update(tuple(sorted(self._dirty)))
            statement.write(self.tx.connection, {"session_id": self.session_id, **self._dirty})
            self._dirty = {}


@contextmanager
def change_session(
    db: Database, session_id: str, project_id: str | None = None, *, origin: str | None = None
) -> Iterator[Change]:
    """Lock a session, let the caller change it, and commit.

    :param project_id: the project that the session must belong to, if any.
    :param origin: the name of the target that the change came from; this target gets no delivery.
    :raises SessionNotFound: if the session does not exist in the project.
    """
    with db.transaction() as tx:
        change = lock_session(tx, session_id, project_id, origin=origin)
        yield change
        change.flush()


def lock_session(
    tx: Transaction, session_id: str, project_id: str | None = None, *, origin: str | None = None
) -> Change:
    """Lock a session within an open transaction. The caller flushes the change."""
    rows = _LOCK.rows(tx.connection, {"session_id": session_id})
    if not rows or project_id not in {None, rows[0]["project_id"]}:
        raise SessionNotFound
    return Change(tx, rows[0], origin)


def append(
    tx: Transaction, row: Mapping[str, Any], payload: Mapping[str, Any], *, origin: str | None = None
) -> EventValue:
    """Write an event, and what follows from it for each target but the one that it came from."""
    event_id = _INSERT_EVENT.write(tx.connection, row)
    assert event_id is not None
    event = EventValue(id=event_id, payload=MappingProxyType(dict(payload)), **row)
    tx.events.append(event)
    enqueue(tx, event, origin=origin)
    return event


def read_events(connection: Connection, statement: Select[Any]) -> list[EventValue]:
    """Return the events that a query on the event table finds."""
    return [
        EventValue(
            id=row.id,
            project_id=row.project_id,
            session_id=row.session_id,
            seq=row.seq,
            type=row.type,
            created_at=row.created_at,
            data=row.data,
        )
        for row in connection.execute(statement)
    ]


def _after(*moments: datetime | None) -> datetime:
    """Return the current time, or just after the last of some times if the clock is behind them."""
    last = max(moment for moment in moments if moment is not None)
    return max(clock.now(), last + timedelta(microseconds=1))


@cache
def _update(columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        update(sessions)
        .where(sessions.c.id == bindparam("session_id"))
        .values({name: bindparam(name) for name in columns})
    )
