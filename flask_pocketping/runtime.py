"""What runs beside the requests of one app in one process: the worker, and what is to be done now and then."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from flask import Flask, has_request_context

from . import signals
from .chat import attachments, idempotency, presence, retention
from .chat.projects import revoked
from .chat.webhooks import get_webhook, public_delivery, public_delivery_id
from .config import Config
from .db import Database
from .delivery import leases
from .delivery.http import GuardedClient
from .delivery.targets import Job, Outcome
from .delivery.worker import Worker
from .dispatch import Dispatch, app_context, send_signal
from .errors import PocketPingError, Unavailable
from .files.store import Files
from .realtime.bus import Bus
from .realtime.hub import Hub
from .realtime.sockets import Sockets
from .servers import server_stops
from .webhooks import WebhookTarget

logger = logging.getLogger("flask_pocketping")

HOUR = 3600.0
#: Seconds between looks for what a clock dated that was ahead.
CLOCKS = 5.0
#: Seconds between looks for files to remove.
FILES = 600.0
#: Seconds between looks at the connections.
LOOK = 0.25


class Runtime:
    """Starts with the first request, or by command, and can be stopped and started again."""

    def __init__(
        self,
        app: Flask,
        config: Config,
        db: Database,
        hub: Hub,
        bus: Bus,
        sockets: Sockets,
        client: GuardedClient,
        files: Files | None,
    ) -> None:
        self._app = app
        self._config = config
        self._db = db
        self._hub = hub
        self._bus = bus
        self._sockets = sockets
        self._files = files
        self._targets = [WebhookTarget(client, disabled=self._webhook_disabled)]
        self._worker: Worker | None = None
        self._running_in: int | None = None
        #: Called with each project of which clients of the back office went away without a word.
        self.on_operators_vanished: Callable[[str], None] = lambda project_id: None
        self._lock = threading.Lock()
        db.targets.extend(self._targets)
        db.on_commit = Dispatch(app, hub, bus, self.wake_worker)

    def ensure_running(self) -> None:
        """Start the worker's thread, once in each process that serves."""
        if self._running_in == os.getpid():
            return
        with self._lock:
            if self._running_in == os.getpid():
                return
            if self._config.worker == "thread":
                self._worker = self._new_worker()
                self._worker.start()
                self._bus.listen()
            if self._running_in is None:
                atexit.register(self.close)
            self._running_in = os.getpid()

    def work(self, ready: Callable[[], None]) -> None:
        """Deliver in this thread until `close` is called, for instance by a signal's handler.

        :param ready: called when `close` has something to end.
        """
        worker = self._worker = self._new_worker()
        self._bus.listen()
        ready()
        worker.work()

    def deliver_due(self) -> int:
        """Deliver in this thread what is due now, for the tests of a host app.

        :return: how many attempts were made.
        """
        return self._new_worker().drain()

    def wake_worker(self) -> None:
        """There is something to deliver."""
        if has_request_context():
            # A request of the host's own may be the first that this process has to do with us.
            self.ensure_running()
        if self._worker is not None:
            self._worker.wake()

    def close(self) -> None:
        """Close the sockets with 1012, finish what is under way, and end all threads."""
        with self._lock:
            worker, self._worker = self._worker, None
            self._running_in = None
        atexit.unregister(self.close)
        self._sockets.close_all()
        if worker is not None:
            worker.stop(self._config.webhook_timeout + 5.0)
        if self._files is not None:
            self._files.close()
        self._hub.close()
        self._bus.close()
        self._db.dispose()

    def _new_worker(self) -> Worker:
        db, config = self._db, self._config
        return Worker(
            db,
            self._targets,
            poll=config.poll_interval,
            lease=config.worker_lease,
            run=self._in_context,
            announce=self._announce,
            chores=(
                (min(5.0, config.disconnect_grace), self._sweep_presence),
                (CLOCKS, lambda: leases.date_anew(db)),
                (HOUR, lambda: idempotency.forget_old(db)),
                (HOUR, lambda: leases.forget_old(db, config.delivery_retention)),
                (FILES, self._sweep_files),
                (FILES, self._forget_sessions),
            ),
        )

    def _sweep_presence(self) -> None:
        for project_id in presence.sweep(self._db, self._config.disconnect_grace):
            self.on_operators_vanished(project_id)

    def _sweep_files(self) -> None:
        if self._files is None:
            return
        try:
            self._files.sweep()
        except (OSError, Unavailable) as error:
            logger.warning("Files that nobody needs any more can't be removed now: %s", error)

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
            logger.warning("Files of conversations that are to be forgotten can't be removed now: %s", error)

    def _in_context(self, work: Callable[[], None]) -> None:
        with app_context(self._app):
            work()

    def _announce(self, job: Job, outcome: Outcome) -> None:
        signal = signals.delivery_succeeded if outcome.ok else signals.delivery_failed
        if signal.receivers:
            delivery = public_delivery(self._db, job.target_id, public_delivery_id(job.id))
            if delivery is not None:
                send_signal(self._app, signal, delivery=delivery)

    def _webhook_disabled(self, webhook_id: str) -> None:
        if signals.webhook_disabled.receivers:
            try:
                webhook = get_webhook(self._db, webhook_id)
            except PocketPingError:
                return
            send_signal(self._app, signals.webhook_disabled, webhook=webhook)


class Upkeep:
    """Looks after the connections of this process, now and then."""

    def __init__(self, db: Database, sockets: Sockets) -> None:
        self._db = db
        self._sockets = sockets
        self._next_look = 0.0
        self._next = 0.0

    def __call__(self) -> None:
        # Called with each event, which must not cost a look at each connection.
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK
        if server_stops():
            self._sockets.end_all()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + presence.RENEWAL
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
