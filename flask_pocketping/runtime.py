"""Everything that runs in one process besides the requests of one app: the worker, the bus and the sockets."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Flask, has_request_context

from . import signals
from .bridges.connected import Bridges
from .chat.conversation_reader import ConversationReader
from .chat.deliveries import find_delivery
from .chat.webhooks import get_webhook
from .config import Config
from .db import Database
from .delivery.batch import Job
from .delivery.http.client import GuardedClient
from .delivery.target import Outcome, Target
from .delivery.worker import Worker
from .dispatch import Dispatch, app_context, send_signal
from .errors import PocketPingError
from .files.store import Files
from .host.forks import begin_anew_after_fork
from .knowledge.indexer import FolderIndexer
from .maintenance import PeriodicTasks
from .realtime.announcements import Announcer
from .realtime.bus import Bus
from .realtime.hub import Hub
from .realtime.open_connections import Sockets
from .schemas.public_urls import PublicURLs
from .targets.webhooks import WebhookTarget

logger = logging.getLogger("flask_pocketping")

#: Seconds between two checks for idle connections of the HTTP client.
IDLE_CONNECTIONS = 10.0
#: Seconds that a process waits for running deliveries at its end, at most. gunicorn kills its workers after 30. What
#: still runs then is taken up by another process when its lease ends.
LONGEST_STOP = 25.0


class Runtime:
    """Starts with the first request or by command. It can be stopped and started again."""

    def __init__(
        self,
        app: Flask,
        config: Config,
        db: Database,
        hub: Hub,
        bus: Bus,
        announcer: Announcer,
        sockets: Sockets,
        client: GuardedClient,
        files: Files | None,
        urls: PublicURLs,
        targets: Sequence[Target] = (),
        bridges: Bridges | None = None,
        indexer: FolderIndexer | None = None,
        ai_client: GuardedClient | None = None,
    ) -> None:
        self._app = app
        self._config = config
        self._db = db
        self._hub = hub
        self._bus = bus
        self._announcer = announcer
        self._sockets = sockets
        self._files = files
        self._tasks = PeriodicTasks(config, db, files, announcer.operators_vanished, indexer)
        self._indexer = indexer
        self._client = client
        self._urls = urls
        webhooks = WebhookTarget(client, urls, disabled=self._webhook_disabled, format=config.webhook_format)
        self._targets = [webhooks, *targets]
        self._bridges = bridges
        self._ai_client = ai_client
        self._running_in: int | None = None
        self._begin()
        begin_anew_after_fork(self, Runtime._begin)
        db.targets.extend(self._targets)
        db.on_commit = Dispatch(app, hub, bus, urls, self.wake_worker)
        bus.on_message = self._on_bus_message

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    def ensure_running(self) -> None:
        """Start the worker's thread, once in each serving process."""
        if self._running_in == os.getpid():
            return
        with self._lock:
            if self._running_in == os.getpid():
                return
            if self._config.worker == "thread":
                self._worker = self._new_worker()
                self._worker.start()
                self._bus.listen()
                self._start_bridges()
            if self._running_in is None:
                atexit.register(self.close)
            self._running_in = os.getpid()

    def work(self, ready: Callable[[], None]) -> None:
        """Make deliveries in this thread until `close` is called, for example by a signal handler.

        :param ready: called when `close` has something to stop.
        """
        worker = self._worker = self._new_worker()
        self._bus.listen()
        self._start_bridges()
        ready()
        worker.work()

    def deliver_due(self) -> int:
        """Make the due deliveries in this thread, for the tests of a host app.

        :return: the number of attempts.
        """
        return self._new_worker().drain()

    def wake_worker(self) -> None:
        """Tell the worker that there is something to deliver."""
        if has_request_context():
            # A request of the host app may be the first use of the chat in this process.
            self.ensure_running()
        if self._worker is not None:
            self._worker.wake()

    def close(self) -> None:
        """Close the sockets with 1012, finish the running work and end all threads."""
        with self._lock:
            worker, self._worker = self._worker, None
            self._running_in = None
        atexit.unregister(self.close)
        self._sockets.close_all()
        if self._bridges is not None:
            self._bridges.stop()
        if worker is not None:
            worker.stop(min(max([self._config.webhook_timeout, *self._timeouts()]) + 5.0, LONGEST_STOP))
        if self._indexer is not None:
            self._indexer.close()
        for client in self._clients():
            client.close()
        if self._bridges is not None:
            self._bridges.close()
        if self._files is not None:
            self._files.close()
        self._hub.close()
        self._bus.close()
        self._db.dispose()

    def _on_bus_message(self, message: Mapping[str, Any]) -> None:
        if self._announcer.on_bus_message(message):
            return
        self._hub.wake()
        if message.get("deliveries"):
            self.wake_worker()

    def _start_bridges(self) -> None:
        if self._bridges is not None:
            self._bridges.start(self._in_context)

    def _new_worker(self) -> Worker:
        return Worker(
            self._db,
            self._targets,
            poll=self._config.poll_interval,
            lease=self._config.worker_lease,
            run=self._in_context,
            announce=self._announce,
            periodic_tasks=(*self._tasks.schedule(), (IDLE_CONNECTIONS, self._close_idle)),
            reader=ConversationReader(self._db, self._urls),
        )

    def _clients(self) -> list[GuardedClient]:
        return [self._client, *([self._ai_client] if self._ai_client is not None else [])]

    def _close_idle(self) -> None:
        for client in self._clients():
            client.close_idle()

    def _timeouts(self) -> list[float]:
        """Seconds that the host's own targets take at the most."""
        return [target.timeout for target in self._targets if not isinstance(target, WebhookTarget)]

    def _in_context(self, work: Callable[[], None]) -> None:
        with app_context(self._app):
            work()

    def _announce(self, job: Job, outcome: Outcome) -> None:
        signal = signals.delivery_succeeded if outcome.ok else signals.delivery_failed
        if signal.receivers:
            delivery = find_delivery(self._db, job.id)
            if delivery is not None:
                send_signal(self._app, signal, delivery=delivery)

    def _webhook_disabled(self, webhook_id: str) -> None:
        if signals.webhook_disabled.receivers:
            try:
                webhook = get_webhook(self._db, webhook_id)
            except PocketPingError:
                return
            send_signal(self._app, signals.webhook_disabled, webhook=webhook)
