"""The open connections of one process: their limits, and how they all close."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping

from ..errors import RateLimited, TransportUnsupported, Unavailable
from ..host.forks import begin_anew_after_fork
from .connection import RESTARTING, UNAUTHORIZED, Connection
from .event_loop import Loop
from .thread_pool import Pool

#: Seconds to wait for the connections to close when the server stops.
STOP_WAIT = 5.0


class Sockets:
    """Counts and serves the connections of one process.

    :param limit: the maximum number of connections.
    """

    def __init__(self, limit: int) -> None:
        self.loop = Loop()
        self.pool = Pool()
        self.held_threads = HeldThreads()
        self._limit = limit
        self._begin()
        begin_anew_after_fork(self, Sockets._begin)

    def reserve(self, bounds: Mapping[str, int]) -> tuple[str, ...]:
        """Count a connection that is about to open.

        :param bounds: the owners of the connection, and how many connections each may have.
        :return: the owners, for `add` or `release`.
        :raises RateLimited: if an owner has reached its limit.
        :raises Unavailable: if the process has reached its limit.
        """
        with self._lock:
            if any(self._counts[owner] >= bound for owner, bound in bounds.items()):
                raise RateLimited("Too many open connections.", headers={"Retry-After": "10"})
            if len(self._open) + self._reserved >= self._limit:
                raise Unavailable("Too many open connections. Poll, or try again later.", headers={"Retry-After": "30"})
            self._reserved += 1
            self._counts.update(bounds.keys())
        return tuple(bounds)

    def release(self, owners: tuple[str, ...]) -> None:
        """Undo `reserve` for a connection that did not open."""
        with self._lock:
            self._reserved -= 1
            self._discount(owners)

    def add(self, connection: Connection, owners: tuple[str, ...]) -> None:
        """Add a connection that was reserved.

        :param owners: the result of `reserve`.
        """
        with self._lock:
            self._reserved -= 1
            self._open.add(connection)
            connection.owners = owners

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self.disown(connection)
        with self._lock:
            self._open.discard(connection)

    def disown(self, connection: Connection) -> None:
        """Stop counting a connection for its owners."""
        with self._lock:
            owners, connection.owners = connection.owners, ()
            self._discount(owners)

    def all(self) -> list[Connection]:
        """Return the open connections."""
        with self._lock:
            return list(self._open)

    def key_hashes(self) -> set[str]:
        """Return the hashes of the API keys that open connections use."""
        return {connection.key_hash for connection in self.all() if connection.key_hash}

    def end_of_key(self, key_hash: str) -> None:
        """Close the connections of a revoked API key."""
        for connection in self.all():
            if connection.key_hash == key_hash:
                connection.end(UNAUTHORIZED, "The API key was revoked.")

    def end_all(self) -> None:
        """Close all connections with 1012, so that the clients reconnect."""
        for connection in self.all():
            connection.end(RESTARTING, "The server restarts. Reconnect with the last cursor.")

    def close_all(self) -> None:
        """Close all connections like `end_all`, abort those that stay open, and end the threads."""
        for step in (self.end_all, self._abort_all):
            deadline = time.monotonic() + STOP_WAIT
            while self._open and time.monotonic() < deadline:
                # Repeated, because new connections may still be opening.
                step()
                time.sleep(0.02)
        self.loop.close()
        self.pool.close()

    def _discount(self, owners: tuple[str, ...]) -> None:
        for owner in owners:
            self._counts[owner] -= 1
            if self._counts[owner] <= 0:
                del self._counts[owner]

    def _begin(self) -> None:
        self._reserved = 0
        self._open: set[Connection] = set()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def _abort_all(self) -> None:
        for connection in self.all():
            connection.abort()


class HeldThreads:
    """Counts the server threads that are blocked by sockets that the event loop can't take over."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def take(self, limit: int) -> None:
        """Count one more thread.

        :param limit: how many server threads may be blocked.
        :raises TransportUnsupported: if the limit is 0.
        :raises Unavailable: if the limit is reached.
        """
        if not limit:
            raise TransportUnsupported
        with self._lock:
            if self._count >= limit:
                raise Unavailable("Too many open connections. Poll, or try again later.", headers={"Retry-After": "30"})
            self._count += 1

    def free(self) -> None:
        """Count one thread less."""
        with self._lock:
            self._count -= 1
