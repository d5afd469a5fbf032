"""Reads the documents of a folder: Markdown, text and HTML files, within bounds."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..bounds import MAX_DOCUMENT_KEY, MAX_TITLE, storable
from ..errors import InvalidRequest
from ..values import KnowledgeDocument
from .documents import MAX_PASSAGES, READER, Prepared, prepare

#: The format of each kind of file; other files are no documents.
SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".txt": "text", ".html": "html", ".htm": "html"}
#: How many documents a folder may have, and how many bytes each.
MAX_FILES = 2000
MAX_FILE_BYTES = 2_000_000

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not indexed: its path within the folder, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class FolderContent:
    """What a folder has.

    :ivar documents: the documents, each named after its path.
    :ivar skipped: the files that can't be documents.
    :ivar unreadable: the names of files that could not be read now, whose documents stay as they were.
    """

    documents: list[Prepared] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> FolderContent:
    """Read all documents of a folder and the folders in it. Names that begin with a dot are left out.

    :raises OSError: if the folder can't be read.
    """
    content = FolderContent()
    root = folder.resolve(strict=True)
    passages = 0
    for number, path in enumerate(_files(root)):
        name = path.relative_to(root).as_posix()
        try:
            if number >= MAX_FILES:
                raise _Refused(f"There are more than {MAX_FILES} files.")
            document = _read(root, path, name)
            passages += len(document.rows)
            if passages > MAX_PASSAGES:
                raise _Refused(f"The folder has more than {MAX_PASSAGES} passages.")
            content.documents.append(document)
        except _Refused as error:
            content.skipped.append(Skipped(_shown(name), str(error)))
        except OSError as error:
            content.unreadable.append(name)
            content.skipped.append(Skipped(_shown(name), error.strerror or type(error).__name__))
    return content


def fingerprint(folder: Path) -> str:
    """Return a short text that is another one once a file was added, changed or removed.

    :raises OSError: if the folder can't be read.
    """
    root = folder.resolve(strict=True)
    digest = hashlib.sha256(str(READER).encode())
    for path in _files(root):
        try:
            found = path.stat()
        except OSError:
            continue
        digest.update(f"{path.relative_to(root)}\0{found.st_size}\0{found.st_mtime_ns}\0".encode(errors="replace"))
    return digest.hexdigest()


class _Refused(Exception):
    """A file is no document; the text says why."""


def _files(root: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    # Links to folders are not followed: they may lead out, or in circles.
    for place, folders, names in os.walk(root, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(place, name)


def _read(root: Path, path: Path, name: str) -> Prepared:
    if not storable(name) or len(name) > MAX_DOCUMENT_KEY:
        raise _Refused(f"Its path must have at most {MAX_DOCUMENT_KEY} characters, all of them readable.")
    target = path.resolve(strict=True)
    if not target.is_relative_to(root):
        raise _Refused("It is a link to a file outside the folder.")
    text = _decoded(_bytes_of(target), path.suffix.lower())
    if "\0" in text:
        raise _Refused("It is not a text.")
    document = KnowledgeDocument(name, "", text, format=SUFFIXES[path.suffix.lower()])
    try:
        return prepare(document, _title(path.stem))
    except InvalidRequest as error:
        raise _Refused(str(error)) from None


def _bytes_of(target: Path) -> bytes:
    # Neither waits for a pipe, nor follows a link that has taken the file's place.
    descriptor = os.open(target, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _Refused("It is not a regular file.")
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _Refused(f"It is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    return data


def _decoded(data: bytes, suffix: str) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if suffix in {".html", ".htm"} and (declared := _CHARSET.search(data[:4096])):
        try:
            return data.decode(declared[1].decode())
        except (LookupError, UnicodeError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # What editors of Windows write.
        return data.decode("cp1252", errors="replace")


def _title(stem: str) -> str:
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return (words[:1].upper() + words[1:])[:MAX_TITLE]


def _shown(name: str) -> str:
    """A path for logs and screens: names of files may have any bytes."""
    return name.encode("utf-8", "backslashreplace").decode()
