"""The bus between processes. It carries wake-ups and what is in no log; everything else is read from the log."""

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
    """No bus: other processes find out by polling, and whispers stay in this one."""

    def __init__(self) -> None:
        #: Called with each message that another process published.
        self.on_message: Listener = lambda message: None

    def publish(self, message: dict[str, Any]) -> None:
        """Tell the other processes."""

    def listen(self) -> None:
        """Hear the other processes from now on."""

    def close(self) -> None:
        """Stop listening."""


class RedisBus(Bus):
    """Redis publish and subscribe. While it is away nothing waits for it, and it comes back by itself.

    :param url: the address of the server.
    :param channel: what all processes of one app, and no other app's, name it.
    """

    RETRY = 2.0
    #: Seconds of silence after which Redis is asked for a sign, and again until it counts as away: a line that
    #: is dead looks like one on which nobody says anything.
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
        """Begin with no thread."""
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
            logger.warning("Redis is away (%s); live updates between processes are late.", type(error).__name__)

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
                    # What was published while nobody listened is in the log.
                    self._hear(b'{"wake":true}')
                    self._hear_on(pubsub)
            except self._errors as error:
                logger.warning("Redis is away (%s); trying again.", type(error).__name__)
                self._stopping.wait(self.RETRY)

    def _hear_on(self, pubsub: Any) -> None:
        heard_at = asked_at = time.monotonic()
        while not self._stopping.is_set():
            found = pubsub.get_message(timeout=0.5)
            now = time.monotonic()
            if found is not None:
                heard_at = now
                if found["type"] == "message":
                    self._hear(found["data"])
            elif now - heard_at > 2 * self.HEARTBEAT:
                raise TimeoutError
            elif now - max(heard_at, asked_at) > self.HEARTBEAT:
                asked_at = now
                pubsub.ping()

    def _hear(self, raw: bytes) -> None:
        try:
            message = json.loads(raw)
            if message.get("from") != self._me:
                self.on_message(message)
        except Exception:
            logger.exception("A message from another process could not be handled.")
