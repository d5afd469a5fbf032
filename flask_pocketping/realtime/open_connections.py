"""The open connections of one process: how many there may be, for whom, and how all of them end."""

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

#: Seconds that a stop waits for the connections to end.
STOP_WAIT = 5.0


class Sockets:
    """Counts the connections of one process, and serves them.

    :param limit: how many there may be.
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

        :param bounds: how many each of its owners may have.
        :return: the owners, for `add` or `release`.
        :raises RateLimited: if one of them has as many.
        :raises Unavailable: if the process has as many as it may.
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
        """Count a connection no more that was reserved and did not open."""
        with self._lock:
            self._reserved -= 1
            self._discount(owners)

    def add(self, connection: Connection, owners: tuple[str, ...]) -> None:
        """Look after a connection.

        :param owners: whom it counts for, as `reserve` returned them.
        """
        with self._lock:
            self._reserved -= 1
            self._open.add(connection)
            connection.owners = owners

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        self.disown(connection)
        with self._lock:
            self._open.discard(connection)

    def disown(self, connection: Connection) -> None:
        """Count a connection for nobody any more."""
        with self._lock:
            owners, connection.owners = connection.owners, ()
            self._discount(owners)

    def all(self) -> list[Connection]:
        """Those that are open now."""
        with self._lock:
            return list(self._open)

    def key_hashes(self) -> set[str]:
        """The keys that let in those that are open."""
        return {connection.key_hash for connection in self.all() if connection.key_hash}

    def end_of_key(self, key_hash: str) -> None:
        """Close those that a key let in which is not in force any more."""
        for connection in self.all():
            if connection.key_hash == key_hash:
                connection.end(UNAUTHORIZED, "The API key was revoked.")

    def end_all(self) -> None:
        """Close all with 1012, so that the clients come back."""
        for connection in self.all():
            connection.end(RESTARTING, "The server restarts. Reconnect with the last cursor.")

    def close_all(self) -> None:
        """As `end_all`, and wait until they are gone; who is not by then is cut off. Then end the threads."""
        for step in (self.end_all, self._abort_all):
            deadline = time.monotonic() + STOP_WAIT
            while self._open and time.monotonic() < deadline:
                # Over and over, since some may only just be coming in.
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
    """Counts the server's threads that are held by sockets which can't leave them."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def take(self, limit: int) -> None:
        """Count one more.

        :param limit: how many threads of the server may be held.
        :raises TransportUnsupported: if none may be.
        :raises Unavailable: if as many are held already.
        """
        if not limit:
            raise TransportUnsupported
        with self._lock:
            if self._count >= limit:
                raise Unavailable("Too many open connections. Poll, or try again later.", headers={"Retry-After": "30"})
            self._count += 1

    def free(self) -> None:
        """Count one less."""
        with self._lock:
            self._count -= 1
