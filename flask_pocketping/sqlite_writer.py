"""Writes to a SQLite file from this process: one transaction at a time, with one commit for those that wait together.

A commit waits for the disk, and takes longer than the statements of a transaction. SQLite allows only one transaction
at a time, so with a commit for each, a burst of messages waits for as many syncs. Here the next transaction that waits
goes on within the one that is open, behind a savepoint, and the last one commits for all of them. No caller returns
before its transaction is on the disk, and one that fails takes back only its own changes. PostgreSQL and MariaDB do the
same by themselves, where it is called group commit.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text

from .host.servers import is_gevent_patched
from .prepared import Prepared

#: The most transactions in one commit, and the seconds after which none is added to it. Each of them waits for the
#: last one, and so do the writers of other processes.
MOST_TOGETHER = 64
LONGEST_TOGETHER = 0.01

_BEGIN = Prepared(text("BEGIN IMMEDIATE"))
_SAVEPOINT = Prepared(text("SAVEPOINT pocketping"))
_ROLLBACK_TO = Prepared(text("ROLLBACK TO pocketping"))


@contextmanager
def immediate(connection: Connection) -> Iterator[Connection]:
    """Begin a transaction of SQLite that may write. An exception rolls it back; the caller commits."""
    # The driver's BEGIN is deferred: two that read first and write then would fail with "locked".
    _BEGIN.write(connection, {})
    try:
        yield connection
    except BaseException:
        # The host may have disabled SQLAlchemy's own rollback for its engine.
        connection.connection.rollback()
        raise


class SharedCommit:
    """An open transaction of SQLite, and the commit that those who write in it wait for.

    :param connection: belongs to this until it is committed. If that fails, it is returned to the pool.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.count = 0
        self.is_committed = False
        self._began = time.monotonic()
        self._error: Exception | None = None
        self._ended = threading.Event()
        self._transaction = connection.begin()
        try:
            _BEGIN.write(connection, {})
        except BaseException:
            connection.close()
            raise

    @property
    def may_grow(self) -> bool:
        """Whether another transaction may be added."""
        return self.count < MOST_TOGETHER and time.monotonic() - self._began < LONGEST_TOGETHER

    def commit(self) -> None:
        """Commit for all. `wait` tells each of them."""
        try:
            if not getattr(self.connection.connection, "in_transaction", True):
                raise RuntimeError("SQLite has rolled back the transaction by itself.")
            self._transaction.commit()
            self.is_committed = True
        except Exception as error:
            self._error = error
        except BaseException:
            self._error = RuntimeError("The commit was interrupted.")
            raise
        finally:
            if not self.is_committed:
                self._close()
            self._ended.set()

    def roll_back(self, error: Exception | None = None) -> None:
        """Take everything back, and return the connection to the pool.

        :param error: what `wait` raises to those who have written.
        """
        self._error = error or RuntimeError("The transaction was interrupted.")
        try:
            self._close()
        finally:
            self._ended.set()

    def wait(self) -> None:
        """Wait until it is committed.

        :raises BaseException: if the commit failed, or if something interrupts the wait. It is over in both cases.
        """
        try:
            self._ended.wait()
        except BaseException:
            # The changes of the interrupted one are part of the commit, which the others do not stop.
            self._ended.wait()
            raise
        if self._error is not None:
            # A copy, because each caller adds its own traceback and notes.
            raise copy.copy(self._error)

    def _close(self) -> None:
        with suppress(Exception):
            self.connection.connection.rollback()
        self.connection.close()


class SqliteWriter:
    """The one writer of a SQLite database in this process.

    Its turn is a lock of ours, because SQLite's own waiting is unfair and, under gevent, stops the whole process.
    """

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all connections and locks, in a process that was forked off."""
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._is_writing = False
        self._is_paused = False
        #: A transaction that the next one in turn goes on with.
        self._open: SharedCommit | None = None
        #: The connection of the last transaction. Any other would first read again what this one has written, and a
        #: pool takes longer to hand one out than SQLite takes for a statement.
        self._kept: Connection | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep all writers out, to use the database otherwise."""
        self._take_turn()
        try:
            if not self._is_writing:
                self._commit_open()
            yield
        finally:
            self._lock.release()

    @contextmanager
    def transaction(self, engine: Engine, announce: Callable[[], None], *, long: bool = False) -> Iterator[Connection]:
        """Write in a transaction, which is on the disk at the end. An exception rolls it back.

        :param announce: called after the commit, outside of the turn.
        :param long: whether it may take long, so that those before it must not wait for it.
        """
        self._take_turn(with_others=True)
        try:
            if self._is_writing:
                # Within another transaction of this thread. SQLite refuses it, after its time-out.
                with engine.connect() as connection, connection.begin(), immediate(connection):
                    yield connection
                announce()
                return
            if long:
                self._commit_open()
            shared = self._join(engine)
            self._is_writing = True
            try:
                with self._rolling_back(shared):
                    yield shared.connection
            finally:
                self._is_writing = False
            self._pass_on(shared)
        finally:
            self._lock.release()
        try:
            shared.wait()
        finally:
            if shared.is_committed:
                announce()

    def close(self) -> None:
        """Return the connection that is kept for the next transaction to the pool."""
        with self.turn():
            kept, self._kept = self._kept, None
            if kept is not None:
                kept.close()

    def pause(self, timeout: float) -> None:
        """Wait until no thread writes, and let none begin.

        :param timeout: the most seconds to wait.
        """
        if self._lock.acquire(timeout=timeout):
            self._is_paused = True
            if not self._is_writing:
                self._commit_open()

    def resume(self) -> None:
        """End a pause."""
        if self._is_paused:
            self._is_paused = False
            self._lock.release()

    def _take_turn(self, *, with_others: bool = False) -> None:
        # Whoever is counted here goes on with an open transaction, or commits it.
        self._count_waiting(1)
        try:
            if with_others and is_gevent_patched():
                # Requests that came together are read one after the other, and nothing else would let the others in.
                time.sleep(0)
            self._lock.acquire()
        except BaseException:
            self._count_waiting(-1)
            with self._lock:
                if not self._waiting and not self._is_writing:
                    self._commit_open()
            raise
        self._count_waiting(-1)

    def _count_waiting(self, change: int) -> None:
        with self._counting:
            self._waiting += change

    def _join(self, engine: Engine) -> SharedCommit:
        """Return the open transaction, with a savepoint, or a new one."""
        shared, self._open = self._open, None
        if shared is not None:
            if shared.connection.engine is engine:
                self._set_savepoint(shared)
                return shared
            self._commit(shared)
        kept, self._kept = self._kept, None
        if kept is not None and kept.engine is not engine:
            kept.close()
            kept = None
        return SharedCommit(kept or engine.connect())

    def _set_savepoint(self, shared: SharedCommit) -> None:
        try:
            _SAVEPOINT.write(shared.connection, {})
        except BaseException as error:
            shared.roll_back(error if isinstance(error, Exception) else None)
            raise

    @contextmanager
    def _rolling_back(self, shared: SharedCommit) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if not shared.count:
                shared.roll_back()
                raise
            try:
                _ROLLBACK_TO.write(shared.connection, {})
            except Exception as lost:
                # SQLite rolls back everything by itself if, for example, the disk is full.
                shared.roll_back(lost)
            else:
                # Whoever gets the exception may look for what the others have written.
                self._commit(shared)
            raise

    def _pass_on(self, shared: SharedCommit) -> None:
        """Leave the transaction to the next in turn, or commit it."""
        shared.count += 1
        with self._counting:
            if self._waiting and shared.may_grow:
                self._open = shared
                return
        self._commit(shared)

    def _commit_open(self) -> None:
        shared, self._open = self._open, None
        if shared is not None:
            self._commit(shared)

    def _commit(self, shared: SharedCommit) -> None:
        shared.commit()
        if shared.is_committed:
            self._kept = shared.connection
