"""Tests that transactions that wait for each other are committed together, and that each is safe nevertheless."""

from __future__ import annotations

import linecache
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite as SQLiteDialect
from sqlalchemy.exc import IntegrityError, OperationalError

from flask_pocketping import sqlite_writer
from flask_pocketping.chat.log import lock_session
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.db import Database, Transaction, own_engine

from .support.scripts import run_python

THREADS = 8
#: Lines at which a lock is held that Python takes and gives back in one go: no signal is handled there.
HELD = re.compile(r"^ *(with lock:|try:|finally:)$")


class Bench:
    """A database with a table, and threads that write to it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "chat.db"
        self.db = Database(lambda: own_engine(f"sqlite:///{self.file}"), upgrades_itself=True)
        with self.db.transaction() as tx:
            tx.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES note (id))"))
        self.commits = 0
        event.listen(self.db.engine, "commit", self._count)
        self._threads = ThreadPoolExecutor(THREADS)

    def _count(self, _: Any) -> None:
        self.commits += 1

    @property
    def waiting(self) -> int:
        return len(self.db._writer._line)

    def start(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run something in a thread."""
        return self._threads.submit(work, *arguments)

    def add(self, number: int) -> None:
        """Write a row."""
        with self.db.transaction() as tx:
            add(tx, number)

    def queue(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run something in a thread that will wait for the turn behind those that wait already."""
        before = self.waiting
        started = self.start(work, *arguments)
        wait_for(lambda: self.waiting > before or started.done())
        return started

    def behind_one(self, *others: Callable[[], None]) -> list[Future[Any]]:
        """Let functions write that waited while a row was written, and return how that and each of them ended."""
        begun, queued = threading.Event(), threading.Event()

        def write() -> None:
            with self.db.transaction() as tx:
                add(tx, 1)
                begun.set()
                queued.wait(20)

        first = self.start(write)
        begun.wait(20)
        waiting = [self.queue(other) for other in others]
        queued.set()
        return [first, *waiting]

    def stored(self) -> list[int]:
        """What another process would find."""
        with closing(sqlite3.connect(self.file)) as other:
            return [row[0] for row in other.execute("SELECT id FROM note ORDER BY id")]

    def close(self) -> None:
        self._threads.shutdown()
        self.db.dispose()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def add(tx: Transaction, number: int, parent: int | None = None) -> None:
    tx.execute(text("INSERT INTO note VALUES (:number, :parent)"), {"number": number, "parent": parent})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit takes as many as wait, however slow the machine is."""
    monkeypatch.setattr(sqlite_writer, "LONGEST_TOGETHER", 60)


def test_transactions_that_wait_together_have_one_commit(bench: Bench) -> None:
    with bench.db.transaction() as tx:
        add(tx, 0)
        others = [bench.queue(bench.add, number) for number in range(1, THREADS)]
    for other in others:
        other.result(20)
    assert bench.commits == 1
    assert bench.stored() == list(range(THREADS))


def test_a_transaction_by_itself_has_a_commit_of_its_own(bench: Bench) -> None:
    for number in range(3):
        bench.add(number)
        assert bench.stored() == list(range(number + 1))
    assert bench.commits == 3


def test_nobody_goes_on_before_the_commit(bench: Bench) -> None:
    in_second, end_second = threading.Event(), threading.Event()

    def write() -> None:
        with bench.db.transaction() as tx:
            add(tx, 2)
            in_second.set()
            end_second.wait(20)

    first, second = bench.behind_one(write)
    assert in_second.wait(20)
    with pytest.raises(TimeoutError):
        first.result(0.2)
    assert bench.stored() == []
    end_second.set()
    first.result(20)
    second.result(20)
    assert bench.stored() == [1, 2]
    assert bench.commits == 1


def test_one_that_fails_takes_back_only_its_own_changes(bench: Bench) -> None:
    def fail() -> list[int]:
        try:
            with bench.db.transaction() as tx:
                add(tx, 2)
                raise LookupError
        except LookupError:
            # It may look for what was there before it.
            return bench.stored()

    with bench.db.transaction() as tx:
        add(tx, 1)
        failing = bench.queue(fail)
        after = bench.queue(bench.add, 3)
    after.result(20)
    # The two take their turns in any order.
    assert failing.result(20) in ([1], [1, 3])
    assert bench.stored() == [1, 3]


def test_a_statement_that_fails_and_is_forgiven_takes_nothing_back(bench: Bench) -> None:
    def repeat() -> None:
        with bench.db.transaction() as tx:
            add(tx, 2)
            with pytest.raises(IntegrityError):
                add(tx, 1)
            add(tx, 3)

    with bench.db.transaction() as tx:
        add(tx, 1)
        repeating = bench.queue(repeat)
    repeating.result(20)
    assert bench.stored() == [1, 2, 3]


def test_a_commit_that_fails_fails_for_all_of_them(bench: Bench) -> None:
    def spoil() -> None:
        with bench.db.transaction() as tx:
            tx.execute(text("PRAGMA defer_foreign_keys = ON"))
            add(tx, 2, parent=99)

    announced: list[Any] = []
    bench.db.on_commit = lambda events, deliveries: announced.append(events)

    def open_one() -> None:
        open_session(bench.db)

    errors = [one.exception(20) for one in bench.behind_one(open_one, spoil)]
    # For the others, it must not mean that their own row is there already.
    assert [type(error) for error in errors] == [OperationalError] * 3
    assert len({id(error) for error in errors}) == 3
    assert bench.stored() == []
    assert announced == []
    bench.add(4)
    assert bench.stored() == [4]


def test_a_rollback_by_sqlite_itself_is_no_success(bench: Bench) -> None:
    """As with a full disk. Here the statement asks for it."""

    def ruin() -> None:
        with bench.db.transaction() as tx:
            tx.execute(text("INSERT OR ROLLBACK INTO note VALUES (1, NULL)"))

    writing, ruining = bench.behind_one(ruin)
    assert isinstance(writing.exception(20), OperationalError)
    assert isinstance(ruining.exception(20), IntegrityError)
    assert bench.stored() == []
    bench.add(2)
    assert bench.stored() == [2]


def test_a_rollback_by_sqlite_itself_that_is_forgiven_is_no_success(bench: Bench) -> None:
    in_it, end = threading.Event(), threading.Event()

    def ruin() -> None:
        with bench.db.transaction() as tx:
            in_it.set()
            end.wait(20)
            with pytest.raises(IntegrityError):
                tx.execute(text("INSERT OR ROLLBACK INTO note VALUES (1, NULL)"))

    first, ruining = bench.behind_one(ruin)
    assert in_it.wait(20)
    behind = bench.queue(bench.add, 3)
    end.set()
    assert isinstance(first.exception(20), OperationalError)
    assert isinstance(ruining.exception(20), RuntimeError)
    behind.result(20)
    assert bench.stored() == [3]


def test_a_transaction_of_whoever_keeps_the_turn_is_committed_at_once(bench: Bench) -> None:
    writer = bench.db._writer
    with writer.turn():
        waiting = bench.queue(bench.add, 2)
        bench.add(1)
        assert bench.stored() == [1]
    waiting.result(20)
    writer.pause(20)
    waiting = bench.queue(bench.add, 4)
    bench.add(3)
    assert bench.stored() == [1, 2, 3]
    writer.resume()
    waiting.result(20)


def test_whoever_was_counted_on_may_give_up(bench: Bench) -> None:
    writer, place = bench.db._writer, object()
    writer._line.add(place)
    bench.add(1)
    assert bench.stored() == [1]
    writer._line.discard(place)


class Interruption(Exception):
    """What the handler of a signal raises."""


def test_an_interrupted_commit_tells_the_others_the_truth(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that comes while the driver commits is noticed afterwards."""
    commit: Any = SQLiteDialect.do_commit
    announced: list[Any] = []
    bench.db.on_commit = lambda events, deliveries: announced.extend(events)

    def interrupted(self: Any, connection: Any) -> None:
        commit(self, connection)
        raise Interruption

    def open_one() -> None:
        with bench.db.transaction() as tx:
            add(tx, 2)
            lock_and_log(tx)

    session = open_session(bench.db)

    def lock_and_log(tx: Transaction) -> None:
        lock_session(tx, session.id).log("session.updated", {})

    announced.clear()
    monkeypatch.setattr(SQLiteDialect, "do_commit", interrupted)
    first, second = bench.behind_one(open_one)
    assert isinstance(second.exception(20), Interruption)
    first.result(20)
    monkeypatch.undo()
    assert bench.stored() == [1, 2]
    assert len(announced) == 1
    bench.add(3)


@pytest.mark.parametrize("behind", [False, True], ids=["alone", "behind another"])
def test_an_interruption_anywhere_leaves_the_writer_usable(bench: Bench, behind: bool) -> None:
    """It is raised at each line of a transaction in turn, as by a signal."""
    for step in range(1, 200):
        last = Interrupted(bench, step)
        if behind:
            with bench.db.transaction() as tx:
                add(tx, 1000 + step)
                writing = bench.queue(last.write, step)
        else:
            writing = bench.start(last.write, step)
        writing.result(20)
        if last.lines < step:
            assert step > 20
            return
        bench.start(bench.add, 2000 + step).result(20)
        assert {2000 + step, *([1000 + step] if behind else [])} <= set(bench.stored())
    pytest.fail("it has too many lines")


class Interrupted:
    """Writes, and is interrupted at a line of the writer.

    :ivar lines: how many lines it came to.
    """

    def __init__(self, bench: Bench, step: int) -> None:
        self._bench = bench
        self._step = step
        self.lines = 0

    def write(self, number: int) -> None:
        sys.settrace(self._trace)
        try:
            with suppress(Interruption):
                self._bench.add(number)
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, what: str, _: Any) -> Any:
        # Frames in between must be traced for those that they call.
        if what == "line" and frame.f_code.co_filename == sqlite_writer.__file__ and self.lines < self._step:
            line = linecache.getline(sqlite_writer.__file__, frame.f_lineno)
            if not HELD.search(line):
                self.lines += 1
                if self.lines == self._step:
                    raise Interruption
        return self._trace


def test_nobody_waits_for_a_long_one_behind(bench: Bench) -> None:
    in_it, end = threading.Event(), threading.Event()

    def purge() -> None:
        with bench.db.transaction(long=True) as tx:
            add(tx, 2)
            in_it.set()
            end.wait(20)

    first, purging = bench.behind_one(purge)
    assert in_it.wait(20)
    first.result(20)
    assert bench.stored() == [1]
    end.set()
    purging.result(20)
    assert bench.stored() == [1, 2]


def test_a_commit_takes_a_bounded_number(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "MOST_TOGETHER", 3)
    with bench.db.transaction() as tx:
        add(tx, 0)
        others = [bench.queue(bench.add, number) for number in range(1, 6)]
    for other in others:
        other.result(20)
    assert bench.commits == 2


def test_a_commit_takes_nobody_after_a_while(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "LONGEST_TOGETHER", 0)
    with bench.db.transaction() as tx:
        add(tx, 0)
        other = bench.queue(bench.add, 1)
    other.result(20)
    assert bench.commits == 2


def test_whatever_else_needs_the_turn_finds_everything_committed(bench: Bench) -> None:
    with bench.db.transaction() as tx:
        add(tx, 1)
        closing_it = bench.queue(bench.db.close_writer)
    assert bench.stored() == [1]
    closing_it.result(20)


def test_a_fork_finds_everything_committed(bench: Bench) -> None:
    """A child would otherwise have a copy of the open transaction."""
    writer = bench.db._writer
    place = object()
    writer._line.add(place)
    writing = bench.start(bench.add, 1)
    wait_for(lambda: writer._open is not None)
    assert bench.stored() == []
    writer.pause(20)
    assert bench.stored() == [1]
    writer.resume()
    writer._line.discard(place)
    writing.result(20)


def test_the_announcements_are_those_of_each_transaction(bench: Bench) -> None:
    announced: list[str] = []
    bench.db.on_commit = lambda events, deliveries: announced.extend(one.session_id for one in events)
    with bench.db.transaction() as tx:
        add(tx, 1)
        opened = [bench.queue(open_session, bench.db) for _ in range(3)]
    expected = [one.result(20).id for one in opened]
    assert sorted(announced) == sorted(expected)


#: Greenlets whose requests came together, and one that is killed while it waits for the commit.
GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, sys
from sqlalchemy import event, text
from flask_pocketping import sqlite_writer
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.db import Database, own_engine

db = Database(lambda: own_engine(sys.argv[1]), upgrades_itself=True)
db.ensure_tables()
sqlite_writer.LONGEST_TOGETHER = 60
commits, announced = [], []
event.listen(db.engine, "commit", commits.append)
db.on_commit = lambda events, deliveries: announced.extend(events)

def interrupted():
    with gevent.Timeout(0.05, False):
        open_session(db)
        return "in time"
    return "too late"

def slow():
    with db.transaction():
        gevent.sleep(0.3)

working = [gevent.spawn(open_session, db) for _ in range(5)] + [gevent.spawn(interrupted), gevent.spawn(slow)]
gevent.joinall(working, timeout=20, raise_error=True)
assert working[5].value == "too late", working[5].value
assert len(commits) == 1, len(commits)
assert len(announced) == 6, announced

# Even if it is killed twice while it waits for the commit, what it wrote is announced.
announced.clear()
killed = gevent.spawn(open_session, db)
slowly = gevent.spawn(slow)
for _ in range(2):
    gevent.sleep(0.05)
    killed.kill(block=False)
gevent.joinall([killed, slowly], timeout=20)
assert killed.ready() and len(announced) == 1, announced

# Whoever gives up before its turn leaves nobody waiting.
def give_up():
    with gevent.Timeout(0.05, False):
        with db.transaction():
            raise AssertionError("It was not its turn.")

def hold():
    with db.transaction() as tx:
        tx.execute(text("UPDATE pocketping_project SET name = 'Held'"))
        gevent.sleep(0.2)

holding, giving_up = gevent.spawn(hold), gevent.spawn(give_up)
gevent.joinall([holding, giving_up], timeout=20, raise_error=True)
assert holding.ready() and giving_up.ready()
open_session(db)
"""


#: A process that is forked off while a greenlet is in line has a copy of that greenlet, which must write nothing.
FORKED_GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, os, sys
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.db import Database, own_engine

db = Database(lambda: own_engine(sys.argv[1]), upgrades_itself=True)
db.ensure_tables()
first = gevent.spawn(open_session, db)
gevent.sleep(0)
pid = gevent.os.fork()
if pid == 0:
    with gevent.Timeout(20):
        gevent.joinall([first])
        wrong = first.successful()
        open_session(db)
        open_session(db)
    os._exit(1 if wrong else 0)
gevent.joinall([first], raise_error=True)
assert os.waitpid(pid, 0)[1] == 0
with db.read() as connection:
    assert connection.exec_driver_sql("SELECT COUNT(*) FROM pocketping_session").scalar() == 3
"""

#: The child must not need a lock of the pool, which a thread of the parent may hold.
FORKED_POOL = """
import os, sys, threading
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.db import Database, own_engine

db = Database(lambda: own_engine(sys.argv[1]), upgrades_itself=True)
open_session(db)
held, end = threading.Event(), threading.Event()

def hold():
    with db.engine.pool._pool.mutex:
        held.set()
        end.wait(20)

threading.Thread(target=hold, daemon=True).start()
held.wait(20)
pid = os.fork()
if pid == 0:
    open_session(db)
    os._exit(0)
status = os.waitpid(pid, 0)[1]
end.set()
assert status == 0
"""


@pytest.mark.parametrize("code", [FORKED_GREENLETS, FORKED_POOL], ids=["greenlets", "pool"])
def test_a_forked_process_has_a_writer_of_its_own(sqlite: str, code: str) -> None:
    run_python(code, sqlite)


def test_greenlets_whose_requests_came_together_have_one_commit(sqlite: str) -> None:
    run_python(GREENLETS, sqlite)
