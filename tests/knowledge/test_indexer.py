"""Tests that a folder is indexed at the start, by one process, and again when its files change."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_pocketping import ConfigurationError, PocketPing, clock
from flask_pocketping.db import Database, own_engine
from flask_pocketping.knowledge.base import KnowledgeBase
from flask_pocketping.knowledge.indexer import FolderIndexer
from flask_pocketping.leases import leases
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.values import Passage

from ..conftest import LOCAL, Serve
from ..support.servers import make_app, wait_until, worker
from ..support.travel import Travel

QUESTION = "money back"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "help"
    made.mkdir()
    (made / "returns.md").write_text("# Returns\nYou get your money back.")
    (made / "shipping.md").write_text("# Shipping\nBy post.")
    return made


@pytest.fixture
def known(any_db: Database, project: str) -> Known:
    return Known(any_db, project)


class Known:
    """The knowledge base of one project."""

    def __init__(self, db: Database, project: str) -> None:
        self.db = db
        self.project = project

    def indexer(self, folder: Path) -> FolderIndexer:
        """As another process would have."""
        return FolderIndexer(self.db, KnowledgeBase(self.db), folder, self.project)

    def search(self, question: str = QUESTION) -> list[Passage]:
        return KnowledgeBase(self.db).search(self.project, question)

    def found(self, question: str = QUESTION) -> list[str]:
        return [passage.document for passage in self.search(question)]

    def lease(self) -> Any:
        with self.db.read() as connection:
            return connection.execute(select(leases).where(leases.c.key.endswith(self.project))).one()


def test_a_folder_is_indexed_once_until_its_files_change(known: Known, folder: Path) -> None:
    one, other = known.indexer(folder), known.indexer(folder)
    assert one.index_if_changed() is True
    assert known.found() == ["returns.md"]
    (ids,) = [passage.id for passage in known.search()]

    def must_not_read(going_on: object) -> None:
        raise AssertionError("it was read again")

    other.index, index = must_not_read, other.index  # type: ignore[method-assign,assignment]
    assert other.index_if_changed() is True
    other.index = index  # type: ignore[method-assign]
    (folder / "shipping.md").unlink()
    (folder / "new.md").write_text("# New\nSomething new.")
    os.utime(folder / "returns.md", (1, 1))
    assert other.index_if_changed() is True
    assert known.found("post") == []
    assert known.found("something") == ["new.md"]
    # The text of this one is the same, so it was not written again.
    assert [passage.id for passage in known.search()] == [ids]


def test_only_one_process_indexes_at_a_time(known: Known, folder: Path, travel: Travel) -> None:
    one, other = known.indexer(folder), known.indexer(folder)
    assert one._lease.take() is True
    assert other.index_if_changed() is False
    assert known.found() == []
    # The first process died.
    travel.forward(seconds=121)
    assert other.index_if_changed() is True
    assert known.found() == ["returns.md"]


def test_a_process_that_lost_its_lease_leaves_the_rest(known: Known, folder: Path, travel: Travel) -> None:
    one, other = known.indexer(folder), known.indexer(folder)
    real = one.index

    def slow(going_on: object) -> object:
        travel.forward(seconds=121)
        assert other.index_if_changed() is True
        (folder / "returns.md").write_text("# Returns\nNo more money.")
        return real(going_on)  # type: ignore[arg-type]

    one.index = slow  # type: ignore[method-assign,assignment]
    one._run()
    assert one._done_in is None
    assert [passage.text for passage in known.search()] == ["You get your money back."]


def test_processes_that_start_at_once_index_once(known: Known, folder: Path) -> None:
    started = [known.indexer(folder) for _ in range(4)]
    for indexer in started:
        indexer.start()
    for indexer in started:
        assert indexer._thread is not None
        indexer._thread.join()
    row = known.lease()
    assert (row.owner, row.held_until) == (None, None)
    assert row.note
    assert known.search()[0].version == 1


def test_a_folder_that_can_not_be_read_changes_nothing(
    known: Known, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    indexer = known.indexer(folder)
    indexer.index_if_changed()
    folder.rename(folder.with_name("away"))
    for _ in range(3):
        indexer._run()
    assert known.found() == ["returns.md"]
    assert caplog.text.count("can't be indexed now") == 1
    folder.with_name("away").rename(folder)
    (folder / "new.md").write_text("Something new.")
    indexer._run()
    assert known.found("something") == ["new.md"]


def test_files_that_can_not_be_read_keep_their_documents(
    known: Known, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexer = known.indexer(folder)
    indexer.index()
    real = os.open

    def fail(path: Path, *rest: int) -> int:
        if str(path).endswith("returns.md"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr(os, "open", fail)
    report = indexer.index()
    assert [(skipped.path, skipped.reason) for skipped in report.skipped] == [("returns.md", "Permission denied")]
    assert (report.changes.removed, report.changes.unchanged) == (0, 1)
    assert known.found() == ["returns.md"]


def known_of(app: Flask) -> Known:
    return Known(app.extensions["pocketping"].db, DEFAULT_PROJECT)


def test_a_server_indexes_its_folder_beside_its_requests(
    tmp_path: Path, folder: Path, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "blank.md").write_text("")
    app = make_app(tmp_path, ai_knowledge=folder, **LOCAL)
    api = serve(app)
    api.get("/sessions")
    wait_until(known_of(app).found, "the folder is indexed")
    wait_until(lambda: "blank.md" in caplog.text, "the log names the file that is no document")


def test_closing_stops_the_thread(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        (folder / f"{number}.md").write_text(f"number {number}")
    app = make_app(tmp_path, f"sqlite:///{tmp_path / 'chat.db'}", ai_knowledge=folder, **LOCAL)
    state = app.extensions["pocketping"]
    began, go = threading.Event(), threading.Event()
    indexer = state.folder_indexer
    real = indexer._go_on

    def wait() -> None:
        began.set()
        go.wait(20)
        real()

    monkeypatch.setattr(indexer, "_go_on", wait)
    indexer.start()
    assert began.wait(20)
    closing = threading.Thread(target=state.runtime.close)
    closing.start()
    wait_until(indexer._stopping.is_set, "it is told to stop")
    go.set()
    closing.join(20)
    assert not closing.is_alive()
    assert known_of(app).found("number") == []
    monkeypatch.undo()
    indexer.start()
    wait_until(lambda: known_of(app).found("number"), "it is indexed at the next start")
    state.runtime.close()


def test_the_worker_command_indexes_the_folder(tmp_path: Path, folder: Path, postgresql: str) -> None:
    db = Database(lambda: own_engine(postgresql))
    db.upgrade()
    with worker(tmp_path, database=postgresql, ai_knowledge=folder):
        wait_until(Known(db, DEFAULT_PROJECT).found, "the folder is indexed", 30)
    db.dispose()


@pytest.mark.parametrize("wrong", ["nowhere", "help/returns.md", "a\0b", 5])
def test_a_folder_that_is_none_stops_the_app(tmp_path: Path, folder: Path, wrong: object) -> None:
    value = str(tmp_path / wrong) if isinstance(wrong, str) else wrong
    with pytest.raises(ConfigurationError, match=r"^POCKETPING_AI_KNOWLEDGE must be"):
        make_app(tmp_path, ai_knowledge=value)


def test_a_relative_folder_is_one_of_the_app(tmp_path: Path, folder: Path) -> None:
    app = Flask("host", root_path=str(tmp_path), instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x", POCKETPING_AI_KNOWLEDGE="help")
    PocketPing(app)
    assert app.extensions["pocketping"].folder_indexer.folder == folder


def test_leases_end_by_the_clock(known: Known, folder: Path) -> None:
    indexer = known.indexer(folder)
    assert indexer._lease.take() is True
    until = known.lease().held_until
    assert timedelta(seconds=100) < until - clock.now() <= timedelta(seconds=120)
