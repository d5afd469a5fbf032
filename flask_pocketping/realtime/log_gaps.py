"""Which ids missing in the log can't appear any more. The hub asks, so that its cursor does not wait for a rollback.

Never by clocks of processes: a database says itself what is still running in it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Set
from itertools import islice

from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from ..chat.log import events

logger = logging.getLogger("flask_pocketping")

#: Seconds until an id counts that has no row on MariaDB, not even an uncommitted one. Between taking an id and writing
#: its row an insert waits for nothing.
UNWRITTEN_WAIT = 2.0
#: Ids that are looked at in one go on MariaDB.
LOOKS = 50

_SNAPSHOT = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint AS xmin, pg_snapshot_xmax(s)::text::bigint AS xmax "
    "FROM pg_current_snapshot() AS s"
)
_ROW = select(events.c.id).where(events.c.id == bindparam("id")).with_for_update(read=True, nowait=True)


class Gaps:
    """Remembers, for ids that are missing, which transactions may still bring them.

    :ivar exact: whether the database tells for sure, so that no time is long enough to give an id up.
    """

    def __init__(self) -> None:
        self.exact = False
        self._horizons: dict[int, int] = {}

    def hopeless(self, connection: Connection, missing: Mapping[int, float]) -> Set[int]:
        """The ids that can't appear any more, unless they are there already.

        Asked before the log is read: whatever of them is not found then was rolled back.

        :param missing: ids below one that was seen, with the seconds since they are missing.
        """
        if not missing:
            self._horizons.clear()
            return frozenset()
        dialect = connection.dialect.name
        if dialect == "sqlite":
            # One writes at a time, so ids become visible in their order.
            return missing.keys()
        if dialect == "postgresql":
            return self._rolled_back(connection, missing)
        return {
            number
            for number in islice(sorted(missing), LOOKS)
            if missing[number] >= UNWRITTEN_WAIT and not _is_being_written(connection, number)
        }

    def _rolled_back(self, connection: Connection, missing: Mapping[int, float]) -> Set[int]:
        """On PostgreSQL: those whose transactions have all ended.

        A transaction of ours has its number before it takes the id of an event. So whoever took one that is below an
        id already seen has a number below the next free one (`xmax`), and is over once the oldest that runs (`xmin`)
        is not below that.
        """
        row = connection.execute(_SNAPSHOT).one()
        self.exact = True
        self._horizons = {number: self._horizons.get(number, row.xmax) for number in missing}
        return {number for number, horizon in self._horizons.items() if horizon <= row.xmin}


def _is_being_written(connection: Connection, number: int) -> bool:
    """Whether a transaction has an uncommitted row of that id, which it holds a lock on, or a committed one."""
    try:
        return connection.execute(_ROW, {"id": number}).first() is not None
    except DBAPIError:
        return True
