"""What happens between the steps: bytes that change while they are looked at, and requests that come twice."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_pocketping.chat import messages, sessions
from flask_pocketping.chat.idempotency import AlreadyAnswered, Once
from flask_pocketping.db import Database, own_engine
from flask_pocketping.errors import AttachmentNotFound, InvalidRequest
from flask_pocketping.files.storage import FolderStorage, Readable, Stored
from flask_pocketping.files.store import Files, Upload
from flask_pocketping.models import DEFAULT_PROJECT

PLAIN, OTHER = b"Hello", b"<svg>"


class Meddling(FolderStorage):
    """Lets something happen before it writes a file, or when it has opened one, once."""

    before_write: Callable[[], object] | None = None
    after_open: Callable[[], object] | None = None

    def write(self, path: str, stream: Readable) -> None:
        work, self.before_write = self.before_write, None
        if work:
            work()
        super().write(path, stream)

    def open(self, path: str) -> Stored:
        work, self.after_open = self.after_open, None
        opened = super().open(path)
        if work:
            work()
        return opened


@pytest.fixture
def db(any_database: str) -> Database:
    made = Database(lambda: own_engine(any_database))
    made.create_tables()
    return made


@pytest.fixture
def storage(tmp_path: Path) -> Meddling:
    return Meddling(tmp_path / "files")


@pytest.fixture
def files(db: Database, storage: Meddling) -> Files:
    return Files(db, storage, 1000)


@pytest.fixture
def session_id(db: Database) -> str:
    return sessions.open_session(db, project_id=DEFAULT_PROJECT).id


def receive(files: Files, upload: Upload, content: bytes) -> None:
    files.receive(upload.attachment_id, upload.path.partition("/")[2], lambda most: io.BytesIO(content))


def held(storage: Meddling) -> list[bytes]:
    return [path.read_bytes() for path in storage.root.rglob("*") if path.is_file()]


def test_threat_07_bytes_sent_while_a_file_is_looked_at_do_not_take_its_place(
    files: Files, storage: Meddling, session_id: str
) -> None:
    upload = files.announce(session_id, "note.txt", 5, by="visitor")
    receive(files, upload, PLAIN)
    storage.after_open = lambda: receive(files, upload, OTHER)
    with pytest.raises(InvalidRequest):
        files.complete(session_id, upload.attachment_id, by="visitor")
    assert held(storage) == [OTHER]
    files.complete(session_id, upload.attachment_id, by="visitor")
    with pytest.raises(AttachmentNotFound):
        receive(files, upload, PLAIN)
    assert held(storage) == [OTHER]


def test_of_two_tries_to_send_a_file_the_later_counts(files: Files, storage: Meddling, session_id: str) -> None:
    upload = files.announce(session_id, "note.txt", 5, by="visitor")
    storage.before_write = lambda: receive(files, upload, OTHER)
    with pytest.raises(AttachmentNotFound):
        receive(files, upload, PLAIN)
    assert held(storage) == [OTHER]


def test_a_file_that_two_requests_complete_is_complete_for_both(
    files: Files, storage: Meddling, session_id: str
) -> None:
    upload = files.announce(session_id, "note.txt", 5, by="visitor")
    receive(files, upload, PLAIN)
    first: list[object] = []
    storage.after_open = lambda: first.append(files.complete(session_id, upload.attachment_id, by="visitor"))
    assert [files.complete(session_id, upload.attachment_id, by="visitor")] == first


def test_a_repeat_that_comes_before_the_first_answer_is_kept_gets_that_answer(
    db: Database, files: Files, session_id: str
) -> None:
    file = files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office")
    once = Once(DEFAULT_PROJECT, "k1", "f" * 64, lambda message: (201, message.id))
    messages.send_message(db, session_id, "", attachment_ids=[file.id], once=once)
    with pytest.raises(AlreadyAnswered):
        messages.send_message(db, session_id, "", attachment_ids=[file.id], once=once)
    with pytest.raises(InvalidRequest):
        messages.send_message(db, session_id, "", attachment_ids=[file.id])


def test_a_storage_that_fails_leaves_no_row_behind(files: Files, storage: Meddling, session_id: str) -> None:
    def full() -> None:
        raise OSError("no space left")

    storage.before_write = full
    with pytest.raises(OSError, match="no space"):
        files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office")
    assert held(storage) == []
    assert files.sweep() == 0
    assert files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office").size == 5
