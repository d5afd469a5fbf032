"""Tests which files of a folder become documents, and why others don't."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flask_pocketping.knowledge import folder as folder_module
from flask_pocketping.knowledge.documents import Prepared
from flask_pocketping.knowledge.folder import fingerprint, read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "help"
    made.mkdir()
    return made


def read(folder: Path) -> dict[str, Prepared]:
    return {document.key: document for document in read_folder(folder).documents}


def reasons(folder: Path) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in read_folder(folder).skipped}


def test_markdown_text_and_html_are_read_in_all_folders(folder: Path) -> None:
    (folder / "returns-and_refunds.md").write_text("Send it back.")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "Shipping.TXT").write_text("# By post")
    (folder / "terms.html").write_text("<title>Terms</title><p>All of them.")
    for name in (".hidden.md", "picture.png", "README", "notes.md~"):
        (folder / name).write_text("no")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text("no")
    found = read(folder)
    assert {key: document.title for key, document in found.items()} == {
        "returns-and_refunds.md": "Returns and refunds",
        "deep/er/Shipping.TXT": "Shipping",
        "terms.html": "Terms",
    }
    assert found["deep/er/Shipping.TXT"].rows[0]["text"] == "# By post"
    assert reasons(folder) == {}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", "Größe: 5 €".encode()),
        ("a.md", b"\xef\xbb\xbf" + "Größe: 5 €".encode()),
        ("a.md", "Größe: 5 €".encode("utf-16")),
        ("a.md", "Größe: 5 €".encode("cp1252")),
        ("a.html", b'<meta charset="iso-8859-15">' + "Größe: 5 €".encode("iso-8859-15")),
        ("a.html", b'<meta charset="no-such">' + "Größe: 5 €".encode()),
    ],
)
def test_encodings(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    assert read(folder)[name].rows[0]["text"] == "Größe: 5 €"


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("SECRET_KEY = 1")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "other.md").write_text("also secret")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "folder").symlink_to(tmp_path / "outside")
    (folder / "circle").symlink_to(folder)
    (folder / "nowhere.md").symlink_to(tmp_path / "nothing.md")
    (folder / "real.md").write_text("Public")
    (folder / "alias.md").symlink_to(folder / "real.md")
    assert set(read(folder)) == {"real.md", "alias.md"}
    assert reasons(folder)["link.md"] == "It is a link to a file outside the folder."
    assert set(reasons(folder)) == {"link.md", "nowhere.md"}
    # The folder itself may be a link, as deployments make them.
    (tmp_path / "current").symlink_to(folder)
    assert set(read(tmp_path / "current")) == {"real.md", "alias.md"}


def test_files_that_are_no_documents_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILE_BYTES", 1_000_000)
    (folder / "blank.md").write_text(" \n")
    (folder / "binary.md").write_bytes(b"\x7fELF\0\0\0")
    (folder / "big.md").write_text("x" * 1_000_001)
    (folder / "long.md").write_text("x" * 600_000)
    (folder / f"{'n' * 240}.md").write_text("fine")
    (folder / ("d" * 200)).mkdir()
    (folder / ("d" * 200) / f"{'n' * 100}.md").write_text("path too long")
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    (folder / os.fsdecode(b"bad\xff.md")).write_text("odd name")
    assert set(read(folder)) == {f"{'n' * 240}.md"}
    told = reasons(folder)
    assert told["blank.md"] == "text: May not be blank."
    assert told["binary.md"] == "It is not a text."
    assert told["big.md"] == "It is larger than 1 MB."
    assert told["long.md"] == "text: Must be up to 500000 characters."
    assert told["pipe.md"] == "It is not a regular file."
    assert len(told) == 7
    # Logs and screens can show all of it.
    assert all(path.encode() for path in told)


def test_a_folder_has_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILES", 2)
    for name in "abcd":
        (folder / f"{name}.md").write_text("x")
    assert set(read(folder)) == {"a.md", "b.md"}
    assert reasons(folder) == dict.fromkeys(["c.md", "d.md"], "There are more than 2 files.")


def test_a_folder_has_at_most_the_passages_of_a_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_PASSAGES", 3)
    for name in "abcde":
        (folder / f"{name}.md").write_text("# One\n\nx\n\n# Two\n\ny")
    assert set(read(folder)) == {"a.md"}
    assert set(reasons(folder).values()) == {"The folder has more than 3 passages."}


def test_a_folder_that_is_gone_is_an_error(folder: Path) -> None:
    folder.rmdir()
    for work in (read_folder, fingerprint):
        with pytest.raises(OSError, match="No such file"):
            work(folder)


def test_the_fingerprint_changes_with_the_files(folder: Path) -> None:
    seen = {fingerprint(folder)}

    def is_new() -> bool:
        now = fingerprint(folder)
        assert fingerprint(folder) == now
        known = now in seen
        seen.add(now)
        return not known

    (folder / "a.md").write_text("1")
    assert is_new()
    (folder / "a.md").write_text("22")
    assert is_new()
    os.utime(folder / "a.md", (1, 1))
    assert is_new()
    (folder / "a.md").rename(folder / "b.md")
    assert is_new()
    (folder / "ignored.png").write_text("x")
    assert not is_new()
