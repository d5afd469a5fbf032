"""The bus between processes. It carries wake-ups and announcements. Processes read everything else from the log."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from ..host.forks import begin_anew_after_fork

logger = logging.getLogger("flask_pocketping")

Listener = Callable[[dict[str, Any]], None]


class Bus:
    """A bus that sends nothing. Other processes poll the log, and announcements stay in this process."""

    def __init__(self) -> None:
        #: Called with each message from another process.
        self.on_message: Listener = lambda message: None

    def publish(self, message: dict[str, Any]) -> None:
        """Send a message to the other processes."""

    def listen(self) -> None:
        """Start receiving messages of the other processes."""

    def close(self) -> None:
        """Stop receiving messages."""


class RedisBus(Bus):
    """Redis publish and subscribe. If Redis is unavailable, publishing skips it and listening reconnects.

    :param url: the URL of the server.
    :param channel: the name of the channel. All processes of an app use the same one, and other apps use others.
    """

    RETRY = 2.0
    #: Seconds without a message until Redis gets a ping, and after that until it counts as unavailable. Without pings,
    #: a dead connection looks like an idle one.
    HEARTBEAT = 10.0

    def __init__(self, url: str, channel: str) -> None:
        super().__init__()
        import redis

        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._client = redis.Redis.from_url(
            url, socket_timeout=1.0, socket_connect_timeout=1.0, retry=None, health_check_interval=0
        )
        self._channel = channel
        self._me = secrets.token_hex(8)
        self._away_until = 0.0
        self._forget()
        begin_anew_after_fork(self, RedisBus._forget)

    def _forget(self) -> None:
        """Start without a thread."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def publish(self, message: dict[str, Any]) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            self._client.publish(self._channel, json.dumps({**message, "from": self._me}))
        except self._errors as error:
            self._away_until = time.monotonic() + self.RETRY
            logger.warning("Redis is unavailable (%s). Live updates between processes are late.", type(error).__name__)

    def listen(self) -> None:
        with self._lock:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._listen, name="pocketping-bus", daemon=True)
                self._thread.start()

    def close(self) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)
        self._client.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:  # type: ignore[no-untyped-call]
                    pubsub.subscribe(self._channel)
                    # Read the log for anything that was published before this process subscribed.
                    self._handle(b'{"wake":true}')
                    self._receive(pubsub)
            except self._errors as error:
                logger.warning("Redis is unavailable (%s). Reconnecting.", type(error).__name__)
                self._stopping.wait(self.RETRY)

    def _receive(self, pubsub: Any) -> None:
        received_at = asked_at = time.monotonic()
        while not self._stopping.is_set():
            found = pubsub.get_message(timeout=0.5)
            now = time.monotonic()
            if found is not None:
                received_at = now
                if found["type"] == "message":
                    self._handle(found["data"])
            elif now - received_at > 2 * self.HEARTBEAT:
                raise TimeoutError
            elif now - max(received_at, asked_at) > self.HEARTBEAT:
                asked_at = now
                pubsub.ping()

    def _handle(self, raw: bytes) -> None:
        try:
            message = json.loads(raw)
            if message.get("from") != self._me:
                self.on_message(message)
        except Exception:
            logger.exception("A message from another process could not be handled.")
