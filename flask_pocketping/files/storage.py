"""Where the bytes of attachments are: the protocol of a storage, and the one that is a folder.

`files/store.py` names the paths; a host app may give a storage of its own as `PocketPing(storage=…)`.
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
    """Bytes that are still coming."""

    def read(self, size: int = ..., /) -> bytes:
        """The next bytes, at most `size` of them; none at the end."""


class Stored(Readable, Protocol):
    """Bytes that a storage has, open for reading."""

    def close(self) -> None:
        """Let go of them."""


class Storage(Protocol):
    """Keeps bytes under paths such as `3f/3f90…`, which are never written twice. Used by several threads at once."""

    def write(self, path: str, stream: Readable) -> None:
        """Keep what comes, whole or not at all: where the stream raises, nothing is kept and the error goes on.

        :param path: letters, digits, `-` and `_`, with slashes between.
        :param stream: read to its end.
        """

    def open(self, path: str) -> Stored:
        """What is kept there; closed by the caller. Seekable, if that costs nothing.

        :param path: as it was written.
        :raises FileNotFoundError: if there is nothing.
        """

    def delete(self, path: str) -> None:
        """Forget what is kept there, and what an interrupted `write` may have left; nothing there is well.

        :param path: as it was written.
        """


class FolderStorage:
    """A folder of this machine, or one that all machines of the app see.

    :param root: made with the first file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, stream: Readable) -> None:
        """See `Storage.write`. What is there is complete: a file gets its name when it is on the disk."""
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
