"""Maintenance: the periodic tasks of the worker, and what the hub's thread does for the open connections."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from .chat import ai_budget, attachments, idempotency, presence, retention
from .chat.projects import revoked
from .config import Config
from .db import Database
from .delivery import leases
from .errors import Unavailable
from .files.store import Files
from .host.servers import server_stops
from .knowledge.indexer import INTERVAL, FolderIndexer
from .realtime.open_connections import Sockets

logger = logging.getLogger("flask_pocketping")

HOUR = 3600.0
#: Seconds between checks for deliveries that a clock dated which was ahead.
CLOCKS = 5.0
#: Seconds between checks for deliveries that wait for one which is not there any more.
ORPHANS = 60.0
#: Seconds between checks for files to remove.
FILES = 600.0
#: Least seconds between two checks of the connections.
CONNECTIONS = 0.25


class PeriodicTasks:
    """What the worker does beside its deliveries.

    :param operators_vanished: called with each project of which clients of the back office disappeared.
    :param indexer: of the folder of the knowledge base, if there is one.
    """

    def __init__(
        self,
        config: Config,
        db: Database,
        files: Files | None,
        operators_vanished: Callable[[str], None],
        indexer: FolderIndexer | None = None,
    ) -> None:
        self._config = config
        self._db = db
        self._files = files
        self._operators_vanished = operators_vanished
        self._indexer = indexer

    def schedule(self) -> Sequence[tuple[float, Callable[[], None]]]:
        """The tasks, each with the seconds between two runs of it."""
        db, config = self._db, self._config
        return (
            (min(5.0, config.disconnect_grace), self._sweep_presence),
            (CLOCKS, lambda: leases.date_anew(db)),
            (ORPHANS, lambda: leases.release_orphans(db)),
            (HOUR, lambda: idempotency.forget_old(db)),
            (HOUR, lambda: leases.forget_old(db, config.delivery_retention)),
            (HOUR, lambda: ai_budget.forget_old(db)),
            (FILES, self._sweep_files),
            (FILES, self._forget_sessions),
            *([] if self._indexer is None else [(INTERVAL, self._indexer.start)]),
        )

    def _sweep_presence(self) -> None:
        for project_id in presence.sweep(self._db, self._config.disconnect_grace):
            self._operators_vanished(project_id)

    def _sweep_files(self) -> None:
        if self._files is None:
            return
        try:
            self._files.sweep()
        except (OSError, Unavailable) as error:
            logger.warning("Unused files can't be removed now: %s", error)

    def _forget_sessions(self) -> None:
        days = self._config.retention_days
        if days is None:
            return
        remove_files = None if self._files is None else self._remove_all_files
        while retention.forget_quiet_sessions(self._db, days, remove_files) >= retention.BATCH:
            pass

    def _remove_all_files(self) -> None:
        assert self._files is not None
        try:
            while self._files.sweep() >= attachments.BATCH:
                pass
        except (OSError, Unavailable) as error:
            logger.warning("Files of old conversations can't be removed now: %s", error)


class ConnectionMaintenance:
    """Renews the presence of this process's connections, and ends those of revoked keys and of a server that stops."""

    def __init__(self, db: Database, sockets: Sockets) -> None:
        self._db = db
        self._sockets = sockets
        self._next_check = 0.0
        self._next_renewal = 0.0

    def __call__(self) -> None:
        # The hub calls this with each event, so it must not check each connection every time.
        if time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + CONNECTIONS
        if server_stops():
            self._sockets.end_all()
        if time.monotonic() >= self._next_renewal:
            self._next_renewal = time.monotonic() + presence.RENEWAL
            self._renew()
            for key_hash in revoked(self._db, self._sockets.key_hashes()):
                self._sockets.end_of_key(key_hash)

    def _renew(self) -> None:
        living = [(connection, found) for connection in self._sockets.all() if (found := connection.presence)]
        lost = presence.renew(self._db, [found for _, found in living])
        for connection, found in living:
            if found in lost:
                # One that ends at this moment must not be noted after it has left.
                with connection.presence_lock:
                    if connection.presence is not None:
                        presence.note_again(self._db, found)
