"""The protocol of a storage for the bytes of attachments, and the storage in a folder.

`files/store.py` chooses the paths. A host app may pass its own storage as `PocketPing(storage=…)`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Protocol

CHUNK = 64 * 1024

_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


class Readable(Protocol):
    """A stream of bytes that are still arriving."""

    def read(self, size: int = ..., /) -> bytes:
        """Return at most `size` of the next bytes, or none at the end."""


class Stored(Readable, Protocol):
    """Stored bytes, open for reading."""

    def close(self) -> None:
        """Close the stream."""


class Storage(Protocol):
    """Stores bytes under paths such as `3f/3f90…`. A path is never written twice. Several threads use it at once."""

    def write(self, path: str, stream: Readable) -> None:
        """Store all bytes of a stream, or none. If the stream raises, store nothing and let the error through.

        :param path: letters, digits, `-` and `_`, with slashes between them.
        :param stream: the bytes, to read to the end.
        """

    def open(self, path: str) -> Stored:
        """Open the stored bytes. The caller closes them. Make the stream seekable if that costs nothing.

        :param path: the path as written.
        :raises FileNotFoundError: if nothing is stored there.
        """

    def delete(self, path: str) -> None:
        """Delete the stored bytes, and any leftovers of an interrupted `write`. If there are none, do nothing.

        :param path: the path as written.
        """


class FolderStorage:
    """A folder on this machine, or one that all machines of the app share.

    :param root: the folder; the first file creates it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, stream: Readable) -> None:
        """See `Storage.write`. A file gets its final name only when all its bytes are on the disk."""
        target, part = self._place(path), self._part(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                shutil.copyfileobj(stream, file, CHUNK)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def open(self, path: str) -> Stored:
        """See `Storage.open`."""
        return self._place(path).open("rb")

    def delete(self, path: str) -> None:
        """See `Storage.delete`."""
        for place in (self._place(path), self._part(path)):
            with contextlib.suppress(FileNotFoundError):
                place.unlink()

    def _place(self, path: str) -> Path:
        if not _PATH.fullmatch(path):
            raise ValueError(f"not a path within a storage: {path!r}")
        return self.root / path

    def _part(self, path: str) -> Path:
        return self._place(path).with_suffix(".part")
