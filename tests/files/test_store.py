"""Tests races between the steps of an upload: bytes that change during inspection, and repeated requests."""

from __future__ import annotations

import errno
import io
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flask_pocketping.chat import attachments, messages, sessions
from flask_pocketping.chat.idempotency import AlreadyAnswered, IdempotentRequest
from flask_pocketping.db import Database, own_engine
from flask_pocketping.errors import AttachmentNotFound, InvalidRequest, Unavailable
from flask_pocketping.files.storage import FolderStorage, Readable, Stored
from flask_pocketping.files.store import Files, Upload
from flask_pocketping.files.thumbnails import Thumbnails
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.values import Attachment

from ..support.pictures import drawn
from ..support.servers import wait_until
from ..support.travel import Travel

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
def files(db: Database, storage: Meddling) -> Iterator[Files]:
    made = Files(db, storage, 100_000)
    yield made
    made.close()


@pytest.fixture
def session_id(db: Database) -> str:
    return sessions.open_session(db, project_id=DEFAULT_PROJECT).id


def receive(files: Files, upload: Upload, content: bytes) -> None:
    files.receive(upload.attachment_id, upload.path.partition("/")[2], lambda most: io.BytesIO(content))


def held(storage: Meddling) -> list[bytes]:
    return [path.read_bytes() for path in storage.root.rglob("*") if path.is_file()]


def test_bytes_sent_during_inspection_do_not_replace_the_file(files: Files, storage: Meddling, session_id: str) -> None:
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


def test_the_later_of_two_uploads_counts(files: Files, storage: Meddling, session_id: str) -> None:
    upload = files.announce(session_id, "note.txt", 5, by="visitor")
    storage.before_write = lambda: receive(files, upload, OTHER)
    with pytest.raises(AttachmentNotFound):
        receive(files, upload, PLAIN)
    assert held(storage) == [OTHER]


def test_concurrent_completions_both_succeed(files: Files, storage: Meddling, session_id: str) -> None:
    upload = files.announce(session_id, "note.txt", 5, by="visitor")
    receive(files, upload, PLAIN)
    first: list[object] = []
    storage.after_open = lambda: first.append(files.complete(session_id, upload.attachment_id, by="visitor"))
    assert [files.complete(session_id, upload.attachment_id, by="visitor")] == first


def test_a_repeat_before_the_response_is_stored_gets_that_response(db: Database, files: Files, session_id: str) -> None:
    file = files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office")
    once = IdempotentRequest(DEFAULT_PROJECT, "k1", "f" * 64, lambda message: (201, message.id))
    messages.send_message(db, session_id, "", attachment_ids=[file.id], idempotency=once)
    with pytest.raises(AlreadyAnswered):
        messages.send_message(db, session_id, "", attachment_ids=[file.id], idempotency=once)
    with pytest.raises(InvalidRequest):
        messages.send_message(db, session_id, "", attachment_ids=[file.id])


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failing_storage_leaves_no_row_behind(files: Files, storage: Meddling, session_id: str) -> None:
    storage.before_write = full
    with pytest.raises(Unavailable):
        files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office")
    assert held(storage) == []
    assert files.sweep() == 0
    assert files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office").size == 5


def test_files_that_cannot_be_removed_now_are_removed_later(
    files: Files, storage: Meddling, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    storage.before_write = full
    monkeypatch.setattr(storage, "delete", read_only)
    with pytest.raises(Unavailable):
        files.add(session_id, "note.txt", io.BytesIO(PLAIN), by="office")
    monkeypatch.undo()
    assert files.sweep() == 1


class Unreadable(io.RawIOBase):
    """A request whose sender is gone."""

    def read(self, size: int = -1, /) -> bytes:
        raise ConnectionResetError("gone")


def test_a_disconnected_sender_is_not_a_storage_failure(
    files: Files, session_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConnectionResetError):
        files.add(session_id, "note.txt", Unreadable(), by="office")
    assert "storage" not in caplog.text


# --- Thumbnails ---


@pytest.fixture
def picture(files: Files, session_id: str) -> Callable[[], tuple[Attachment, str]]:
    """Store a picture; gives it and the secret of its address."""

    def add() -> tuple[Attachment, str]:
        made = files.add(session_id, "photo.png", io.BytesIO(drawn()), by="office")
        assert made.thumbnail_url is not None
        return made, made.thumbnail_url.split("/")[-2]

    return add


AddPicture = Callable[[], tuple[Attachment, str]]


def served(files: Files, attachment: Attachment, key: str) -> str:
    """What is served as the thumbnail, by its media type."""
    found = files.find(attachment.id, key, thumbnail=True)
    found.stream.close()
    return found.mime_type


def test_a_thumbnail_of_a_dead_process_is_made_by_another(
    db: Database, storage: Meddling, files: Files, picture: AddPicture, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        # As a kill would: it has begun, something is written, and no more comes of it.
        patched.setattr(Thumbnails, "want", lambda self, id: None)
        attachment, key = picture()
    claim = attachments.claim_thumbnail(db, attachment.id, "dead", timedelta(minutes=2))
    assert claim is not None
    storage.write(claim[1].path, io.BytesIO(b"half"))
    assert served(files, attachment, key) == "image/png"
    assert attachments.claim_thumbnail(db, attachment.id, "other", timedelta(minutes=2)) is None
    travel.forward(minutes=2, seconds=1)
    assert served(files, attachment, key) == "image/png"
    wait_until(lambda: served(files, attachment, key) == "image/webp", "it is drawn", 60)
    assert b"half" not in held(storage)
    assert len(held(storage)) == 2


def test_only_one_process_makes_a_thumbnail(
    db: Database, storage: Meddling, files: Files, picture: AddPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[str] = []
    draw = Thumbnails.draw

    def count(self: Thumbnails, *args: object) -> bytes:
        drawings.append(threading.current_thread().name)
        return draw(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Thumbnails, "draw", count)
    others = [Files(db, storage, 100_000) for _ in range(3)]
    attachment, key = picture()
    for _ in range(5):
        for other in others:
            served(other, attachment, key)
    wait_until(lambda: served(files, attachment, key) == "image/webp", "it is drawn", 60)
    for other in others:
        other.close()
    assert len(drawings) == 1
    assert len(held(storage)) == 2


def test_a_thumbnail_finished_after_its_message_was_deleted_is_removed(
    db: Database, storage: Meddling, files: Files, picture: AddPicture, session_id: str
) -> None:
    deleted = threading.Event()

    def delete() -> None:
        # The next that is written is the thumbnail.
        message = messages.send_message(db, session_id, "", attachment_ids=[attachment.id])
        messages.delete_message(db, session_id, message.id)
        assert files.sweep() == 1
        deleted.set()

    begun, open = threading.Event(), storage.open

    def open_when_all_is_set(path: str) -> Stored:
        if threading.current_thread().name == "pocketping-thumbnails":
            assert begun.wait(10)
            storage.before_write = delete
        return open(path)

    storage.open = open_when_all_is_set  # type: ignore[method-assign]
    attachment, _ = picture()
    begun.set()
    assert deleted.wait(60)
    wait_until(lambda: held(storage) == [], "nothing is left", seen=lambda: len(held(storage)))


def test_with_a_full_disk_the_image_replaces_its_thumbnail_until_later(
    storage: Meddling,
    files: Files,
    picture: AddPicture,
    travel: Travel,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = storage.write

    def write_or_not(path: str, stream: Readable) -> None:
        if threading.current_thread().name == "pocketping-thumbnails":
            full()
        write(path, stream)

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING, "flask_pocketping"):
        patched.setattr(storage, "write", write_or_not)
        attachment, key = picture()
        wait_until(lambda: "could not be made now" in caplog.text, "it fails", 60)
        assert served(files, attachment, key) == "image/png"
    assert len(held(storage)) == 1
    travel.forward(minutes=2, seconds=1)
    wait_until(lambda: served(files, attachment, key) == "image/webp", "it is drawn", 60)
