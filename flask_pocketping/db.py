"""Which engine holds the tables, the one way to write (`transaction`) and to read, and the after-commit hand-over."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.pool import StaticPool

from . import clock
from .errors import SchemaMissing
from .models import DEFAULT_PROJECT, Base, Event, Project, table
from .prepared import Prepared
from .values import Event as EventValue

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")

_BEGIN = Prepared(text("BEGIN IMMEDIATE"))

# What the drivers call a transaction that lost against another and may be tried again:
# PostgreSQL's SQLSTATE, MariaDB's error number (deadlock, lock wait timeout).
_LOST_RACE = {"40001", "40P01", 1213, 1205}

_DEFAULT_PROJECT = select(table(Project).c.id).where(table(Project).c.id == DEFAULT_PROJECT)


class Target(Protocol):
    """Something outside that wants events: webhooks, a bridge, an AI."""

    name: str

    def wants(self, tx: Transaction, event: EventValue) -> list[str]:
        """The ids of those that are to get the event; called in the transaction that writes it."""


class Transaction:
    """An open write transaction: statements, and the events to hand over once it is committed."""

    def __init__(self, connection: Connection, targets: list[Target], files_url: str) -> None:
        self.connection = connection
        self.targets = targets
        self.files_url = files_url
        self.events: list[EventValue] = []
        self.deliveries = 0
        #: What targets keep for the length of one transaction.
        self.cache: dict[str, Any] = {}

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement of SQLAlchemy Core."""
        return self.connection.execute(statement, parameters)


class Database:
    """The tables of one app.

    :param make_engine: makes or finds the engine; called once, when it is first needed.
    :param embedded: whether this is the default SQLite file, whose tables make themselves.
    :param borrowed: whether the engine is the host's, set up its own way.
    """

    def __init__(self, make_engine: Callable[[], Engine], *, embedded: bool = False, borrowed: bool = False) -> None:
        self._make_engine = make_engine
        self._embedded = embedded
        self._borrowed = borrowed
        self._engine: Engine | None = None
        self._made_in = 0
        self._lock = threading.Lock()
        # One writer at a time in this process: SQLite has one anyway, and its own waiting is unfair and,
        # under gevent, would stop the whole process.
        self._write_lock = threading.RLock()
        #: Called with the events after each commit, and with the number of deliveries written.
        self.on_commit: Callable[[list[EventValue], int], None] = lambda events, deliveries: None
        self.targets: list[Target] = []
        #: Under which address attachments are served.
        self.files_url = "/files"

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
        if self._embedded:
            create_tables(engine)
        self._engine, self._made_in = engine, os.getpid()
        return engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def create_tables(self) -> None:
        """Make the tables that are missing, and the default project."""
        create_tables(self.engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        try:
            with self._turn(shared=True), self._connect() as connection:
                yield connection
        except (OperationalError, ProgrammingError) as error:
            self._explain(error)
            raise

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Write in one transaction; afterwards hand its events to `on_commit`. An exception rolls back."""
        try:
            with self._turn(shared=False), self._connect() as connection, connection.begin():
                tx = Transaction(connection, self.targets, self.files_url)
                if not self.is_sqlite:
                    yield tx
                else:
                    self._check_idle(connection)
                    # The driver's own BEGIN is deferred: two that read first and then write would fail with "locked".
                    _BEGIN.write(connection, {})
                    try:
                        yield tx
                    except BaseException:
                        # An engine of the host may be set to leave out SQLAlchemy's own rollback.
                        connection.connection.rollback()
                        raise
        except (OperationalError, ProgrammingError, IntegrityError) as error:
            self._explain(error)
            raise
        if tx.events or tx.deliveries:
            self.on_commit(tx.events, tx.deliveries)

    def dispose(self) -> None:
        """Close the pooled connections, unless they are the host's."""
        if self._engine is not None and not self._borrowed:
            self._engine.dispose()

    @contextmanager
    def using(self, engine: Engine) -> Iterator[None]:
        """Use another engine within the block, for the tests of a host app. The engine is the caller's to dispose."""
        before = self._make_engine, self._engine, self._made_in
        self._make_engine, self._engine, self._made_in = lambda: engine, engine, os.getpid()
        try:
            yield
        finally:
            self._make_engine, self._engine, self._made_in = before

    @property
    def is_borrowed(self) -> bool:
        """Whether the engine is the host's own."""
        return self._borrowed

    def _turn(self, *, shared: bool) -> AbstractContextManager[Any]:
        # A database in memory is one connection for all threads, so there readers take turns as well.
        if self.is_sqlite and not (shared and not isinstance(self.engine.pool, StaticPool)):
            return self._write_lock
        return nullcontext()

    def _connect(self) -> Connection:
        connection = self.engine.connect()
        if self._borrowed and self.is_sqlite:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        return connection

    def _check_idle(self, connection: Connection) -> None:
        # In memory the host's unfinished work is on this same connection, and would be committed with ours.
        if isinstance(self.engine.pool, StaticPool) and connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
            raise RuntimeError(
                "The app has uncommitted changes on the one connection of its SQLite database in memory. "
                "Commit them before you call Flask-PocketPing, or use a database file."
            )

    def _explain(self, error: DBAPIError) -> None:
        try:
            missing = not inspect(self.engine).has_table(Event.__tablename__)
            if isinstance(error, IntegrityError) and not missing:
                # Whoever made the tables otherwise has no default project yet, which most rows belong to.
                with self._connect() as connection:
                    missing = connection.execute(_DEFAULT_PROJECT).first() is None
        except DBAPIError:
            return
        if missing:
            raise SchemaMissing(
                "The tables of Flask-PocketPing, or the default project in them, are missing. "
                "Create them with: flask pocketping init-db"
            ) from error


def create_tables(engine: Engine) -> None:
    """Make the missing tables and the default project; safe to run again, and by two at once."""
    for left in reversed(range(len(Base.metadata.tables) + 1)):
        with engine.connect() as connection:
            try:
                Base.metadata.create_all(connection)
                connection.commit()
                break
            except (OperationalError, ProgrammingError, IntegrityError):
                # Another process was faster with one of the tables; that may happen with each of them.
                connection.rollback()
                if not left:
                    raise
    try:
        with engine.begin() as connection:
            connection.execute(
                insert(table(Project)),
                {"id": DEFAULT_PROJECT, "name": "Default", "created_at": clock.now()},
            )
    except IntegrityError:
        pass


def lost_race(error: BaseException) -> bool:
    """Whether a transaction failed only because of another at the same time, so that it may be tried again."""
    if not isinstance(error, DBAPIError):
        return False
    cause: Any = error.orig
    number = cause.args[0] if getattr(cause, "args", None) else None
    return getattr(cause, "sqlstate", None) in _LOST_RACE or (isinstance(number, int) and number in _LOST_RACE)


def retried(work: Callable[[], T], tries: int = 4) -> T:
    """Do something that ends with a transaction, and do it again where that lost a race."""
    while True:
        tries -= 1
        try:
            return work()
        except DBAPIError as error:
            if not tries or not lost_race(error):
                raise


def own_engine(uri: str, options: Mapping[str, Any] | None = None) -> Engine:
    """An engine of our own for a database URL.

    SQLite gets write-ahead logging with a sync at each commit, so that readers never wait for a writer and an
    answered write survives a power cut; others get READ COMMITTED. What people wrote stays out of errors and logs.
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
        # SQLite's own knows only the letters of ASCII, and a search is to find Ärger by ärger.
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        deadline = time.monotonic() + 30
        while cursor.execute("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
            # Changing the mode does not wait its turn as other statements do.
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
