"""Tests storages: complete files can be read, interrupted writes leave nothing, and paths stay inside the folder."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import flask_pocketping
from flask_pocketping.errors import Unavailable
from flask_pocketping.files.s3 import S3Storage
from flask_pocketping.files.storage import FolderStorage, Storage

from ..support.bucket import ACCESS_KEY, SECRET_KEY, Bucket, serving_bucket
from ..support.servers import free_port

Inside = Callable[[], dict[str, bytes]]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with serving_bucket() as made:
        yield made


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Storage, Inside]:
    """A storage of each kind, and a look at what it holds."""
    if request.param == "folder":
        root = tmp_path / "files"
        storage = FolderStorage(root)
        return storage, lambda: {
            str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
        }
    served: Bucket = request.getfixturevalue("bucket")
    return S3Storage("uploads", "chat", served.url), lambda: {
        path.removeprefix("/uploads/chat/"): body for path, body in served.objects.items()
    }


class Broken(io.BytesIO):
    """Ends in an error after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise ConnectionResetError("gone")
        return found


def test_a_written_file_can_be_read(kept: tuple[Storage, Inside]) -> None:
    storage, inside = kept
    large = bytes(range(256)) * 8192
    storage.write("ab/abcd", io.BytesIO(large))
    storage.write("ab/empty-1_x", io.BytesIO(b""))
    with_end = storage.open("ab/abcd")
    assert with_end.read(3) == b"\x00\x01\x02"
    assert with_end.read() == large[3:]
    with_end.close()
    assert inside() == {"ab/abcd": large, "ab/empty-1_x": b""}


def test_an_interrupted_write_leaves_nothing_behind(kept: tuple[Storage, Inside]) -> None:
    storage, inside = kept
    with pytest.raises(ConnectionResetError):
        storage.write("ab/abcd", Broken(b"x" * 3_000_000))
    assert inside() == {}
    with pytest.raises(FileNotFoundError):
        storage.open("ab/abcd")


def test_deleting_removes_a_file_and_may_be_repeated(kept: tuple[Storage, Inside]) -> None:
    storage, inside = kept
    storage.write("ab/one", io.BytesIO(b"1"))
    storage.write("ab/two", io.BytesIO(b"2"))
    for _ in range(2):
        storage.delete("ab/one")
        storage.delete("cd/never")
    assert inside() == {"ab/two": b"2"}


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "", "a//b", "a/.", "a\\b", "a\x00", "a/b\n"])
def test_paths_outside_the_folder_are_refused(tmp_path: Path, path: str) -> None:
    storage = FolderStorage(tmp_path / "files")
    for work in (storage.open, storage.delete, lambda path: storage.write(path, io.BytesIO(b"x"))):
        with pytest.raises(ValueError, match="not a path within"):
            work(path)
    assert list(tmp_path.iterdir()) == []


def test_deleting_removes_the_rest_of_an_interrupted_write(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "abcd.part").write_bytes(b"half")
    with pytest.raises(FileNotFoundError):
        storage.open("ab/abcd")
    storage.delete("ab/abcd")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_errors_of_a_bucket_are_logged_and_not_shown_to_the_client(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    storage = S3Storage("uploads", "", bucket.url)
    bucket.broken = True
    with caplog.at_level(logging.ERROR, "flask_pocketping"), pytest.raises(Unavailable) as raised:
        storage.write("ab/abcd", io.BytesIO(b"x"))
    assert "uploads" not in str(raised.value)
    assert "bucket uploads can't be used to write" in caplog.text
    assert bucket.objects == {}


def test_a_bucket_that_interrupts_a_file_is_unavailable(bucket: Bucket) -> None:
    storage = S3Storage("uploads", "", bucket.url)
    storage.write("ab/abcd", io.BytesIO(b"x" * 200_000))
    bucket.stuttering = True
    stored = storage.open("ab/abcd")
    with pytest.raises(Unavailable):
        list(iter(lambda: stored.read(65536), b""))
    stored.close()


def test_an_unreachable_bucket_is_unavailable(bucket: Bucket) -> None:
    storage = S3Storage("uploads", "", f"http://127.0.0.1:{free_port()}")
    for work in (storage.open, storage.delete, lambda path: storage.write(path, io.BytesIO(b"x"))):
        with pytest.raises(Unavailable):
            work("ab/abcd")


def test_a_bucket_without_a_prefix_uses_unchanged_paths(bucket: Bucket) -> None:
    S3Storage("uploads", "", bucket.url).write("ab/abcd", io.BytesIO(b"x"))
    assert bucket.objects == {"/uploads/ab/abcd": b"x"}


def test_requests_to_a_bucket_name_only_the_project_and_its_version(bucket: Bucket) -> None:
    S3Storage("uploads", "", bucket.url).write("ab/abcd", io.BytesIO(b"x"))
    assert bucket.user_agents == {f"Flask-PocketPing/{flask_pocketping.__version__}"}


def test_wrong_credentials_are_refused(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    with pytest.raises(Unavailable):
        S3Storage("uploads", "", bucket.url).write("ab/abcd", io.BytesIO(b"x"))
    assert bucket.objects == {}
