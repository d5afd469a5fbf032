"""Writes to a SQLite file from this process: one transaction at a time, with one commit for those that wait together.

A commit waits for the disk, and takes longer than the statements of a transaction. SQLite allows only one transaction
at a time, so with a commit for each, a burst of messages waits for as many syncs. Here the next transaction in line
goes on within the one that is open, behind a savepoint, and the last one commits for all of them. No caller returns
before its transaction is on the disk, and one that fails takes back only its own changes. PostgreSQL and MariaDB do the
same by themselves, where it is called group commit.

An exception may come at any place, such as a time limit's from a signal handler or a greenlet's end. So a transaction
that is open is always known to the writer, and whoever waits for its commit looks after it.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from .host.servers import is_gevent_patched
from .prepared import Prepared

#: The most transactions in one commit, and the seconds after which none is added to it. Each of them waits for the
#: last one, and so do the writers of other processes.
MOST_TOGETHER = 64
LONGEST_TOGETHER = 0.01
#: Seconds after which one that waits for a commit makes sure that somebody will make it.
PATIENCE = 0.2

_BEGIN = Prepared(text("BEGIN IMMEDIATE"))
# All savepoints have one name: SQLite goes back to the newest, which is that of the one who writes.
_SAVEPOINT = Prepared(text("SAVEPOINT pocketping"))
_ROLLBACK_TO = Prepared(text("ROLLBACK TO pocketping"))

_ROLLED_BACK = "SQLite has rolled back the transaction by itself."

#: What processes have that they were forked off with. Giving a connection back would need the pool's lock, which a
#: thread of the parent may have held.
_inherited: list[Any] = []


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
    """A transaction of SQLite, and the commit that those who write in it wait for.

    :param connection: belongs to this until it is committed. If that fails, it is returned to the pool.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        #: How many have written in it.
        self.count = 0
        #: Which one, from 0, is writing in it, or is about to, and has not come to its end.
        self._writing: int | None = 0
        #: Whether it may have written something.
        self._has_begun = False
        self.has_ended = False
        self.is_committed = False
        self.keeps_connection = False
        self._began = time.monotonic()
        self._error: Exception | None = None
        self._driver: Any = None
        #: Locked until the end. Unlike an event's, this can't be interrupted while it is inconsistent.
        self._latch = threading.Lock()
        self._latch.acquire()

    @property
    def may_grow(self) -> bool:
        """Whether another one may write in it."""
        return self.count < MOST_TOGETHER and time.monotonic() - self._began < LONGEST_TOGETHER

    def join(self) -> None:
        """Begin it, or set a savepoint behind what the others have written."""
        self._has_begun = False
        self._writing = self.count
        if self.count:
            _SAVEPOINT.write(self.connection, {})
        else:
            self._driver = self.connection.connection.dbapi_connection
            self._transaction = self.connection.begin()
            _BEGIN.write(self.connection, {})
        self._has_begun = True

    def finish(self) -> None:
        """Keep what one has written.

        :raises RuntimeError: if SQLite has rolled back everything, and the error was caught.
        """
        if not self._is_open():
            raise RuntimeError(_ROLLED_BACK)
        self.count += 1
        self._writing = None

    @property
    def is_unfinished(self) -> bool:
        return self._writing is not None

    def take_back(self) -> None:
        """Take back what one has written that did not come to its end, and everything if that is not possible."""
        if self._writing:
            try:
                if self._has_begun:
                    _ROLLBACK_TO.write(self.connection, {})
                self._writing = None
                return
            except Exception as error:
                # SQLite rolls back everything by itself if, for example, the disk is full.
                self._error = self._for_all(error)
        try:
            self._close()
        finally:
            self._end()

    def commit(self) -> None:
        """Commit for all. `wait` tells each of them whether it succeeded.

        :raises BaseException: if something interrupts this. Then, too, `wait` tells the truth.
        """
        try:
            if self._is_open():
                self._transaction.commit()
                self.is_committed = self.keeps_connection = True
            elif not self.is_committed:
                self._error = RuntimeError(_ROLLED_BACK)
        except DBAPIError as error:
            self._error = self._for_all(error)
        except BaseException as error:
            # A signal that comes during the COMMIT is noticed after it, and one before it is no concern of the others.
            with suppress(Exception):
                if self._is_open():
                    self._driver.commit()
            self.is_committed = not self._is_open() and not self._has_failed(error)
            if not self.is_committed:
                self._error = self._for_all(error)
            raise
        finally:
            try:
                if not self.keeps_connection:
                    self._close()
            finally:
                self._end()

    def wait(self, look_after: Callable[[], None]) -> None:
        """Wait until it is committed.

        :param look_after: called now and then, to commit it if nobody else will.
        :raises BaseException: if the commit failed, or if something interrupted the wait. It is over in both cases.
        """
        interruption: BaseException | None = None
        while not self.has_ended:
            try:
                if self._latch.acquire(timeout=PATIENCE):
                    self._latch.release()
                else:
                    look_after()
            except BaseException as error:
                # The changes of the interrupted one are part of the commit, which the others do not stop.
                interruption = error
        if interruption is not None:
            raise interruption
        if self._error is not None:
            # A copy, because each caller adds its own traceback and notes.
            raise copy.copy(self._error)

    def _for_all(self, error: BaseException) -> Exception:
        """Return what to raise to each of those who wrote in it, whoever has caused it."""
        if isinstance(error, IntegrityError) and self.count > 1:
            # To the others, it must not mean that their own row is there already.
            return OperationalError(error.statement, error.params, error.orig or error, hide_parameters=True)
        if isinstance(error, DBAPIError):
            return error
        return RuntimeError("The transaction was interrupted by another one that shares its commit.")

    def _has_failed(self, error: BaseException | None) -> bool:
        """Return whether SQLite has raised an error before, or in whose place, an interruption was raised."""
        while error is not None and not isinstance(error, (DBAPIError, self.connection.dialect.loaded_dbapi.Error)):
            error = error.__context__
        return error is not None

    def _is_open(self) -> bool:
        return bool(getattr(self._driver, "in_transaction", self._driver is not None))

    def _end(self) -> None:
        self.has_ended = True
        with suppress(RuntimeError):
            self._latch.release()

    def _close(self) -> None:
        with suppress(Exception):
            self.connection.connection.rollback()
        with suppress(Exception):
            self.connection.close()


class SqliteWriter:
    """The one writer of a SQLite database in this process.

    Its turn is a lock of ours, because SQLite's own waiting is unfair and, under gevent, stops the whole process.
    """

    #: The transaction that one writes in, or that the next in line goes on with.
    _open: SharedCommit | None = None
    #: The connection of the last transaction. Any other would first read again what this one has written, and a pool
    #: takes longer to hand one out than SQLite takes for a statement.
    _kept: Connection | None = None

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all connections and locks, in a process that was forked off."""
        if self._kept is not None or self._open is not None:
            _inherited.append((self._kept, self._open))
        self._lock = threading.RLock()
        #: Those that wait for the turn. Each goes on with the open transaction, or commits it.
        self._line: set[object] = set()
        self._is_writing = False
        #: How many times the turn is kept for something else than a transaction.
        self._keeping = 0
        self._paused_by: int | None = None
        self._open = self._kept = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep all writers out, to use the database otherwise."""
        lock, place = self._lock, object()
        try:
            self._line.add(place)
            with lock:
                self._line.discard(place)
                if not self._is_writing:
                    self._commit_open()
                self._keeping += 1
                try:
                    yield
                finally:
                    self._keeping -= 1
        finally:
            self._line.discard(place)

    @contextmanager
    def transaction(self, engine: Engine, announce: Callable[[], None], *, long: bool = False) -> Iterator[Connection]:
        """Write in a transaction, which is on the disk at the end. An exception rolls it back.

        :param announce: called after the commit, outside of the turn.
        :param long: whether it may take long, so that those before it must not wait for it.
        """
        lock, place = self._lock, object()
        shared: SharedCommit | None = None
        is_finished = False
        try:
            self._line.add(place)
            if is_gevent_patched():
                # Requests that came together are read one after the other, and nothing else would let the others in.
                time.sleep(0)
                if self._lock is not lock:
                    raise RuntimeError("This greenlet belongs to the process that this one was forked off from.")
            with lock:
                self._line.discard(place)
                if self._is_writing:
                    # Within another transaction of this thread. SQLite refuses it, after its time-out.
                    with engine.connect() as connection, connection.begin(), immediate(connection):
                        yield connection
                    announce()
                    return
                if long:
                    self._commit_open()
                try:
                    self._is_writing = True
                    shared = self._open_for(engine)
                    shared.join()
                    yield shared.connection
                    shared.finish()
                    is_finished = True
                    if not self._line or self._keeping or not shared.may_grow:
                        self._commit_open()
                except BaseException:
                    # Whoever gets the exception may look for what the others have written.
                    self._commit_open()
                    raise
                finally:
                    self._is_writing = False
            shared.wait(self._look_after)
        finally:
            self._line.discard(place)
            if is_finished and shared is not None and shared.is_committed:
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
            self._paused_by = threading.get_ident()
            self._keeping += 1
            if not self._is_writing:
                self._commit_open()

    def resume(self) -> None:
        """End the pause of this thread, if it has one."""
        if self._paused_by == threading.get_ident():
            self._paused_by = None
            self._keeping -= 1
            self._lock.release()

    def _open_for(self, engine: Engine) -> SharedCommit:
        """Return the open transaction, or a new one that is not begun."""
        known = self._open
        if known is not None and (known.is_unfinished or known.connection.engine is not engine):
            self._commit_open()
        if self._open is None:
            kept, self._kept = self._kept, None
            if kept is not None and kept.engine is not engine:
                kept.close()
                kept = None
            self._open = SharedCommit(kept or engine.connect())
        return self._open

    def _commit_open(self) -> None:
        """Commit what has come to its end, and take back what has not."""
        shared = self._open
        if shared is None:
            return
        try:
            if shared.is_unfinished and not shared.has_ended:
                shared.take_back()
            if not shared.has_ended:
                shared.commit()
        finally:
            if shared.has_ended:
                self._open = None
                if shared.keeps_connection:
                    self._kept = shared.connection

    def _look_after(self) -> None:
        """Commit the open transaction if nobody is writing in it: those who waited in line may have given up."""
        if self._lock.acquire(blocking=False):
            try:
                if not self._is_writing:
                    self._commit_open()
            finally:
                self._lock.release()
