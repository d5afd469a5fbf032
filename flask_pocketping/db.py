"""The database: its engine, the only ways to write (`transaction`) and to read, and the events after a commit."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.pool import StaticPool

from . import migrations
from .errors import SchemaError, SchemaMissing
from .host.forks import begin_anew_after_fork, pause_for_fork
from .migrations import schema
from .migrations.locks import check_idle
from .sqlite_writer import SqliteWriter, immediate
from .values import Cancel, Deliver
from .values import Event as EventValue

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")

#: Seconds that a fork waits for a transaction of another thread. That thread may wait for the one that forks.
_FORK_WAIT = 5.0

# What the drivers call a transaction that lost against another and may be tried again:
# PostgreSQL's SQLSTATE, MariaDB's error number (deadlock, lock wait timeout).
_LOST_RACE = {"40001", "40P01", 1213, 1205}

_LOCKED = (
    "The SQLite database is locked: another connection has a transaction open that did not end in time. Most often it "
    "is the app's own session: commit or roll back before you call Flask-PocketPing. Otherwise another process writes "
    "for long, or the file is on a network disk."
)


class EventTarget(Protocol):
    """What the log needs to know of a target; see `delivery.target.Target`."""

    name: str
    strict_order: bool

    def follow(self, event: EventValue, tx: Transaction) -> Iterable[Deliver | Cancel]:
        """What follows from an event; called in the transaction that writes it."""


class Transaction:
    """An open write transaction with its statements and the events to hand over after the commit."""

    connection: Connection

    def __init__(self, targets: list[EventTarget]) -> None:
        self.targets = targets
        self.events: list[EventValue] = []
        self.deliveries = 0
        #: What targets keep for the length of one transaction.
        self.cache: dict[str, Any] = {}

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement of SQLAlchemy Core."""
        return self.connection.execute(statement, parameters)


class Database:
    """The tables of one app.

    :param make_engine: makes or finds the engine; called once, at the first use.
    :param upgrades_itself: whether the first use in each process creates or upgrades the tables, as in the chat's own
        SQLite databases. Otherwise it only checks that they fit this version.
    :param borrowed: whether the engine belongs to the host.
    """

    def __init__(
        self, make_engine: Callable[[], Engine], *, upgrades_itself: bool = False, borrowed: bool = False
    ) -> None:
        self._make_engine = make_engine
        self._upgrades_itself = upgrades_itself
        self._borrowed = borrowed
        self._engine: Engine | None = None
        self._made_in = 0
        self._checked_in = 0
        self._writer = SqliteWriter()
        self._make_locks()
        begin_anew_after_fork(self, Database._make_locks)
        pause_for_fork(self, Database._pause, Database._resume)
        #: Called with the events after each commit, and with the number of deliveries written.
        self.on_commit: Callable[[list[EventValue], int], None] = lambda events, deliveries: None
        self.targets: list[EventTarget] = []

    def _make_locks(self) -> None:
        self._lock = threading.Lock()
        self._writer.begin_anew()

    def _pause(self) -> None:
        """Wait until no thread writes to SQLite.

        SQLite keeps its locks in the memory of the process. A child that was forked within a transaction of another
        thread would wait for the end of that transaction forever.
        """
        if self._engine is not None and self._made_in == os.getpid() and self.is_sqlite:
            self._writer.pause(_FORK_WAIT)

    def _resume(self) -> None:
        self._writer.resume()

    @property
    def engine(self) -> Engine:
        """The engine, made at first use in each process."""
        engine = self._engine
        if engine is None or self._made_in != os.getpid():
            with self._lock:
                engine = self._engine_of_process()
        return engine

    def _engine_of_process(self) -> Engine:
        if self._engine is not None and self._made_in == os.getpid():
            return self._engine
        if self._engine is not None:
            # This process was forked off; the connections are those of the one that made them.
            self._engine.dispose(close=False)
        engine = self._engine if self._engine is not None and self._borrowed else self._make_engine()
        self._engine, self._made_in = engine, os.getpid()
        return engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def create_tables(self) -> None:
        """Create or upgrade the tables, and make the default project."""
        self.upgrade()

    def upgrade(self, revision: str = "head") -> None:
        """As `migrations.upgrade`, for this database."""
        with self._changing_tables():
            migrations.upgrade(self.engine, revision)

    def downgrade(self, revision: str) -> None:
        """As `migrations.downgrade`, for this database."""
        with self._changing_tables():
            migrations.downgrade(self.engine, revision)

    def stamp(self, revision: str = "head") -> None:
        """As `migrations.stamp`, for this database."""
        with self._changing_tables():
            migrations.stamp(self.engine, revision)

    @contextmanager
    def inspecting(self) -> Iterator[Connection]:
        """Open a connection to inspect the tables, at any revision."""
        with self._turn(shared=True), self._connect() as connection:
            yield connection

    def ensure_tables(self) -> None:
        """Check once per process that the tables fit this version. Upgrade them if this is our task.

        :raises SchemaError: with the command to run.
        """
        if self._checked_in == os.getpid():
            return
        if not self._upgrades_itself:
            self._check_tables()
        else:
            with self._writer.turn():
                if self._checked_in == os.getpid():
                    return
                with self.inspecting() as connection:
                    current = schema.read_revision(connection) == schema.HEAD and schema.has_default_project(connection)
                if not current:
                    migrations.upgrade(self.engine)
        self._checked_in = os.getpid()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        self.ensure_tables()
        try:
            with self._turn(shared=True), self._connect() as connection:
                yield connection
        except (OperationalError, ProgrammingError) as error:
            self._explain(error)
            raise

    @contextmanager
    def transaction(self, *, long: bool = False) -> Iterator[Transaction]:
        """Write in one transaction, then pass its events to `on_commit`. An exception rolls back.

        :param long: whether it may write more than a few rows. On SQLite, a short one may share a commit with those
            that waited before it, and they wait until it ends.
        """
        self.ensure_tables()
        tx = Transaction(self.targets)
        try:
            with self._writing(partial(self._announce, tx), long=long) as tx.connection:
                yield tx
        except (OperationalError, ProgrammingError, IntegrityError) as error:
            self._explain(error)
            raise

    def dispose(self) -> None:
        """Close the pooled connections, unless they are the host's."""
        self.close_writer()
        if self._engine is not None and not self._borrowed:
            self._engine.dispose()
            # A database in memory ends with its connection.
            self._checked_in = 0

    def close_writer(self) -> None:
        """Return the connection that is kept for the next transaction to the pool."""
        self._writer.close()

    @contextmanager
    def using(self, engine: Engine) -> Iterator[None]:
        """Use another engine within the block, for the tests of a host app. The caller disposes of the engine."""
        before = self._make_engine, self._engine, self._made_in, self._checked_in
        self._make_engine, self._engine, self._made_in = lambda: engine, engine, os.getpid()
        self._checked_in = 0
        try:
            yield
        finally:
            self.close_writer()
            self._make_engine, self._engine, self._made_in, self._checked_in = before

    @property
    def is_borrowed(self) -> bool:
        """Whether the engine is the host's own."""
        return self._borrowed

    def _turn(self, *, shared: bool) -> AbstractContextManager[Any]:
        # A database in memory is one connection for all threads, so there readers take turns as well.
        if self.is_sqlite and not (shared and not isinstance(self.engine.pool, StaticPool)):
            return self._writer.turn()
        return nullcontext()

    @contextmanager
    def _writing(self, announce: Callable[[], None], *, long: bool) -> Iterator[Connection]:
        """Open a transaction, and commit it unless an exception is raised.

        :param announce: called after the commit.
        :param long: as for `transaction`.
        """
        if self.is_sqlite and not self._borrowed and not isinstance(self.engine.pool, StaticPool):
            with self._writer.transaction(self.engine, announce, long=long) as connection:
                yield connection
            return
        with self._turn(shared=False), self._connect() as connection, connection.begin():
            if self.is_sqlite:
                with immediate(connection):
                    yield connection
            else:
                yield connection
        announce()

    def _announce(self, tx: Transaction) -> None:
        if tx.events or tx.deliveries:
            self.on_commit(tx.events, tx.deliveries)

    def _connect(self) -> Connection:
        if not (self._borrowed and self.is_sqlite):
            return self.engine.connect()
        # Before anything else: taking the connection, changing it and giving it back each end a transaction on it.
        check_idle(self.engine)
        return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def _changing_tables(self) -> Iterator[None]:
        with self._writer.turn():
            self._checked_in = 0
            yield

    def _check_tables(self) -> None:
        with self._turn(shared=True), self._connect() as connection:
            if problem := schema.find_problem(connection):
                raise problem
            if schema.has_default_project(connection):
                return
        # The host's own migrations made the tables, and do not fill them. Of two processes, one is later.
        with suppress(IntegrityError), self._turn(shared=False), self._connect() as connection, connection.begin():
            schema.ensure_default_project(connection)

    def _explain(self, error: DBAPIError) -> None:
        if self.is_sqlite and "is locked" in str(error.orig):
            error.add_note(_LOCKED)
            return
        if lost_race(error):
            return
        problem: SchemaError | None = None
        try:
            with self.inspecting() as connection:
                problem = schema.find_problem(connection, closely=True)
                if problem is None and isinstance(error, IntegrityError) and not schema.has_default_project(connection):
                    problem = SchemaMissing(
                        "The default project of Flask-PocketPing is missing. "
                        "Create it with: flask pocketping db upgrade"
                    )
        except DBAPIError:
            return
        if problem is not None:
            self._checked_in = 0
            raise problem from error


def create_tables(engine: Engine) -> None:
    """Create or upgrade the tables, and create the default project. Several processes may call this, and repeat it."""
    migrations.upgrade(engine)


def lost_race(error: BaseException) -> bool:
    """Return whether a transaction failed only because of a concurrent one, so that it may be repeated."""
    if not isinstance(error, DBAPIError):
        return False
    cause: Any = error.orig
    number = cause.args[0] if getattr(cause, "args", None) else None
    return getattr(cause, "sqlstate", None) in _LOST_RACE or (isinstance(number, int) and number in _LOST_RACE)


def retried(work: Callable[[], T], tries: int = 4) -> T:
    """Run a function that ends with a transaction, and repeat it if the transaction lost a race."""
    while True:
        tries -= 1
        try:
            return work()
        except DBAPIError as error:
            if not tries or not lost_race(error):
                raise


def own_engine(uri: str, options: Mapping[str, Any] | None = None) -> Engine:
    """Create our own engine for a database URL.

    SQLite gets write-ahead logging with a sync at each commit. So readers never wait for a writer, and stored messages
    survive a power failure. Other databases get READ COMMITTED. Errors and logs never contain the parameters of
    statements.
    """
    url = make_url(uri)
    if url.get_backend_name() != "sqlite":
        defaults = {"isolation_level": "READ COMMITTED", "pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
        return create_engine(url, hide_parameters=True, **{**defaults, **(options or {})})
    defaults = {"isolation_level": "AUTOCOMMIT", "connect_args": {"timeout": 30}}
    if url.database in {None, "", ":memory:"}:
        defaults = {
            "isolation_level": "AUTOCOMMIT",
            "connect_args": {"check_same_thread": False},
            "poolclass": StaticPool,
        }
    engine = create_engine(url, hide_parameters=True, **{**defaults, **(options or {})})
    import sqlite3

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # SQLite's own function knows only ASCII letters, and a search for ärger must find Ärger.
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        # Pages (of 4 kB) after which the write-ahead log is copied into the database. Each message changes some of the
        # same pages, so copying less often copies less. And the indexes in use fit into the cache (in kB).
        cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.execute("PRAGMA foreign_keys = ON")
        deadline = time.monotonic() + 30
        while cursor.execute("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
            # Unlike other statements, changing the mode does not wait for a lock.
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        cursor.close()

    return engine


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
