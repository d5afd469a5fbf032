"""Indexes the folder of `POCKETPING_AI_KNOWLEDGE`: beside the worker, or by command."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..db import Database
from ..leases import Lease
from ..values import KnowledgeChanges
from .base import KnowledgeBase
from .folder import Skipped, fingerprint, read_folder

logger = logging.getLogger("flask_pocketping")

#: Seconds after which another process may index the folder if this one has died.
LEASE = 120.0
#: Seconds between attempts, while another process indexes the folder or the database fails.
INTERVAL = 15.0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What indexing a folder changed, and the files that it left out."""

    changes: KnowledgeChanges
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True)
class FolderState:
    """How a folder and what is indexed of it compare.

    :ivar texts: how many documents are indexed, with `passages` passages.
    :ivar files: how many documents the folder has.
    :ivar new: how many of these are not indexed; `changed` have changed since, and `gone` are not there any more.
    :ivar skipped: the files that can't be documents.
    """

    texts: int
    passages: int
    files: int
    new: int
    changed: int
    gone: int
    skipped: list[Skipped]

    @property
    def is_current(self) -> bool:
        """Whether the folder is indexed as it is."""
        return not (self.new or self.changed or self.gone)


class FolderIndexer:
    """Keeps the documents of a folder in the knowledge base.

    Each process of the worker looks at the folder once, at its start. If files have changed since it was indexed, one
    process indexes it, in a thread beside the worker, which goes on with its deliveries.

    :param project_id: the project that gets the documents.
    """

    def __init__(self, db: Database, knowledge: KnowledgeBase, folder: Path, project_id: str) -> None:
        self._knowledge = knowledge
        self.folder = folder
        self._project_id = project_id
        self._lease = Lease(db, f"knowledge:{project_id}", f"{os.getpid()}-{secrets.token_hex(8)}", LEASE)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._done_in: int | None = None
        self._complained = False

    def start(self) -> None:
        """Index the folder in a thread, unless this process has seen that it is indexed. The worker repeats this."""
        if self._done_in == os.getpid() or (self._thread is not None and self._thread.is_alive()):
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="pocketping-knowledge", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the running transaction, and wait for it. What is left is done at the next start."""
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._done_in = None

    def index(self, going_on: Callable[[], None] = lambda: None) -> IndexReport:
        """Index the folder in this thread, whether or not files have changed.

        :param going_on: called before each transaction. What it raises ends this.
        :raises OSError: if the folder can't be read. Then nothing changes.
        """
        content = read_folder(self.folder)
        changes = self._knowledge.sync_prepared(
            self._project_id, content.documents, "folder", keep=content.unreadable, going_on=going_on
        )
        return IndexReport(changes, content.skipped)

    def inspect(self) -> FolderState:
        """Compare the folder with what is indexed of it. This changes nothing.

        :raises OSError: if the folder can't be read.
        """
        content = read_folder(self.folder)
        stored = self._knowledge.stored(self._project_id, "folder")
        there = {document.key: document.hash for document in content.documents}
        known = {key: document.hash for key, document in stored.items()}
        return FolderState(
            texts=len(stored),
            passages=sum(document.passages for document in stored.values()),
            files=len(there),
            new=len(there.keys() - known.keys()),
            changed=sum(known.get(key, hash) != hash for key, hash in there.items()),
            gone=len(known.keys() - there.keys() - set(content.unreadable)),
            skipped=content.skipped,
        )

    def index_if_changed(self) -> bool:
        """Index the folder if files have changed, unless another process does.

        :return: whether it is indexed now, by whichever process.
        :raises OSError: as in `index`.
        """
        now = fingerprint(self.folder)
        if self._lease.note() == now:
            return True
        if not self._lease.take():
            return False
        done: str | None = None
        try:
            report = self.index(self._go_on)
            done = now
        finally:
            self._lease.give_back(done)
        _tell(self.folder, report)
        return True

    def _run(self) -> None:
        try:
            if self.index_if_changed():
                self._done_in = os.getpid()
            self._complained = False
        except _Stopped:
            pass
        except Exception as error:
            if not self._complained:
                logger.error("The folder %s can't be indexed now, and is tried again: %s", self.folder, error)
            self._complained = True

    def _go_on(self) -> None:
        """Renew the lease. A process that was away for longer than that leaves the rest to the one that has it now."""
        if self._stopping.is_set():
            raise _Stopped
        if not self._lease.renew():
            raise _Stopped


class _Stopped(Exception):
    """The process ends, or has lost the lease."""


def _tell(folder: Path, report: IndexReport) -> None:
    for skipped in report.skipped:
        logger.warning("%s in %s is not indexed: %s", skipped.path, folder, skipped.reason)
    changes = report.changes
    if changes.added or changes.changed or changes.removed:
        logger.info(
            "Indexed %s: %d added, %d changed, %d removed.", folder, changes.added, changes.changed, changes.removed
        )
