"""Finds the missing ids of the log that belong to rolled-back transactions, so that the hub does not wait for them.

The database is asked which transactions are still open. The clocks of processes play no part.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Set
from itertools import islice

from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from ..chat.log import events

logger = logging.getLogger("flask_pocketping")

#: Seconds after which an id without a row, even an uncommitted one, counts as rolled back on MariaDB. An insert takes
#: its id and writes its row without waiting in between.
UNWRITTEN_WAIT = 2.0
#: How many ids are checked at once on MariaDB.
MAX_IDS = 50

_SNAPSHOT = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint AS xmin, pg_snapshot_xmax(s)::text::bigint AS xmax "
    "FROM pg_current_snapshot() AS s"
)
_ROW = select(events.c.id).where(events.c.id == bindparam("id")).with_for_update(read=True, nowait=True)


class Gaps:
    """Remembers which transactions may still commit the missing ids.

    :ivar exact: whether the database's answer is certain, so that no id has to be given up after a time.
    """

    def __init__(self) -> None:
        self.exact = False
        self._horizons: dict[int, int] = {}

    def hopeless(self, connection: Connection, missing: Mapping[int, float]) -> Set[int]:
        """Return the missing ids that no open transaction can commit any more.

        Call this before reading the log. Each of these ids that is not in the log then was rolled back.

        :param missing: the missing ids, with the seconds since each one is missing.
        """
        if not missing:
            self._horizons.clear()
            return frozenset()
        dialect = connection.dialect.name
        if dialect == "sqlite":
            # There is one writer at a time, so ids become visible in order.
            return missing.keys()
        if dialect == "postgresql":
            return self._rolled_back(connection, missing)
        return {
            number
            for number in islice(sorted(missing), MAX_IDS)
            if missing[number] >= UNWRITTEN_WAIT and not _is_being_written(connection, number)
        }

    def _rolled_back(self, connection: Connection, missing: Mapping[int, float]) -> Set[int]:
        """Return the ids whose transactions have ended, on PostgreSQL.

        Our transactions get their transaction number before they take the id of an event. So a transaction that took an
        id below one that we have read has a number below the next free number (`xmax`). It has ended when the oldest
        open transaction (`xmin`) has at least that number.
        """
        row = connection.execute(_SNAPSHOT).one()
        self.exact = True
        self._horizons = {number: self._horizons.get(number, row.xmax) for number in missing}
        return {number for number, horizon in self._horizons.items() if horizon <= row.xmin}


def _is_being_written(connection: Connection, number: int) -> bool:
    """Return whether the id has a committed row, or an uncommitted one that a transaction has locked."""
    try:
        return connection.execute(_ROW, {"id": number}).first() is not None
    except DBAPIError:
        return True
