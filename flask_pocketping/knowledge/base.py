"""`KnowledgeBase`: stores documents and finds passages. The extension, the commands and the AI call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, delete, func, select

from .. import clock
from ..chat.projects import lock_project
from ..db import Database, Transaction, retried
from ..errors import InvalidRequest
from ..models import Passage as PassageModel
from ..models import table
from ..values import KnowledgeChanges, KnowledgeDocument, Passage
from . import full_text
from .documents import MAX_PASSAGES, Prepared, prepare
from .words import query_words

T = TypeVar("T")

Source = Literal["code", "folder"]

#: How many passages a search returns at the most.
MAX_RESULTS = 20
#: Documents of one transaction of `sync`, so that it holds up no conversation.
BATCH = 20

passages = table(PassageModel)


class Stored(NamedTuple):
    """A stored document.

    :ivar hash: as in `Prepared`.
    :ivar passages: how many it has.
    """

    hash: str
    passages: int


class KnowledgeBase:
    """The documents of an app's projects.

    :param db: the database of the chat.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def search(self, project_id: str, query: str, limit: int = 5) -> list[Passage]:
        """Find the passages that fit a question best, the best first.

        :param project_id: only its documents are searched.
        :param query: any text. Its first 32 words with a meaning count, and one of them is enough.
        :param limit: the most passages, up to 20.
        :return: nothing if no word of the question is in a document.
        :raises Unavailable: if this Python's SQLite has no FTS5.
        """
        words = query_words(query)
        if not words:
            return []
        full_text.ensure_index(self._db)
        with self._db.read() as connection:
            rows = full_text.search(connection, project_id, words, max(1, min(limit, MAX_RESULTS)))
        return [_value(row) for row in rows]

    def add(self, project_id: str, document: KnowledgeDocument, source: Source = "code") -> bool:
        """Store a document, in place of that with the same key.

        :param source: where it is from; each source has its own keys.
        :return: whether this changed anything.
        :raises InvalidRequest: if it can't be stored, or the project has 20,000 passages already.
        :raises ProjectNotFound: if the project does not exist.
        """
        ready = prepare(document)
        changes = self._in_transaction(lambda tx: _store(tx, project_id, source, [ready]))
        return changes.added + changes.changed > 0

    def remove(self, project_id: str, key: str, source: Source = "code") -> bool:
        """Remove a document.

        :return: whether there was one.
        """
        return self._in_transaction(lambda tx: _remove(tx, project_id, source, [key])) > 0

    def sync(
        self, project_id: str, documents: Iterable[KnowledgeDocument], source: Source = "code"
    ) -> KnowledgeChanges:
        """Make these the only documents of a source. All are checked before any is stored.

        Several transactions do this. Each document is in one of them.

        :raises InvalidRequest: as in `add`, and if two documents have the same key.
        :raises ProjectNotFound: if the project does not exist.
        """
        return self.sync_prepared(project_id, [prepare(document) for document in documents], source)

    def sync_prepared(
        self,
        project_id: str,
        documents: Sequence[Prepared],
        source: Source,
        *,
        keep: Iterable[str] = (),
        going_on: Callable[[], None] = lambda: None,
    ) -> KnowledgeChanges:
        """Do the same as `sync` with documents that are checked already.

        :param keep: keys of further documents that stay as they are.
        :param going_on: called before each transaction. What it raises ends this.
        """
        keys = {document.key for document in documents}
        if len(keys) < len(documents):
            raise InvalidRequest.field("key", "Two documents have the same key.")
        total = KnowledgeChanges()
        for batch in _batches(documents):
            going_on()
            total += self._in_transaction(partial(_store, project_id=project_id, source=source, documents=batch))
        gone = sorted(self.keys(project_id, source) - keys - set(keep))
        for names in _batches(gone):
            going_on()
            work = partial(_remove, project_id=project_id, source=source, keys=names)
            total += KnowledgeChanges(removed=self._in_transaction(work))
        return total

    def stored(self, project_id: str, source: Source = "code") -> dict[str, Stored]:
        """Return what is stored of a source's documents, by their keys."""
        columns = (passages.c.document, func.min(passages.c.hash).label("hash"), func.count().label("passages"))
        query = select(*columns).where(*_of(project_id, source)).group_by(passages.c.document)
        with self._db.read() as connection:
            return {row.document: Stored(row.hash, row.passages) for row in connection.execute(query)}

    def keys(self, project_id: str, source: Source = "code") -> set[str]:
        """Return the keys of a source's documents."""
        query = select(passages.c.document).where(*_of(project_id, source)).distinct()
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def _in_transaction(self, work: Callable[[Transaction], T]) -> T:
        def run() -> T:
            with self._db.transaction(long=True) as tx:
                return work(tx)

        return retried(run)


def _store(tx: Transaction, project_id: str, source: Source, documents: Sequence[Prepared]) -> KnowledgeChanges:
    lock_project(tx, project_id)
    known = _known(tx, project_id, source, [document.key for document in documents])
    new = [document for document in documents if known.get(document.key, ("", 0))[0] != document.hash]
    if not new:
        return KnowledgeChanges(unchanged=len(documents))
    full_text.prepare(tx)
    replaced = [document.key for document in new if document.key in known]
    if replaced:
        tx.execute(delete(passages).where(*_of(project_id, source), passages.c.document.in_(replaced)))
    rows = [
        {
            "project_id": project_id,
            "source": source,
            "document": document.key,
            "version": known.get(document.key, ("", 0))[1] + 1,
            "title": document.title,
            "url": document.url,
            "hash": document.hash,
            "created_at": clock.now(),
            **row,
        }
        for document in new
        for row in document.rows
    ]
    stored = tx.execute(select(func.count()).where(passages.c.project_id == project_id)).scalar_one()
    if stored + len(rows) > MAX_PASSAGES:
        raise InvalidRequest(f"The knowledge base of a project has at most {MAX_PASSAGES} passages.")
    full_text.write(tx, rows)
    return KnowledgeChanges(added=len(new) - len(replaced), changed=len(replaced), unchanged=len(documents) - len(new))


def _remove(tx: Transaction, project_id: str, source: Source, keys: Sequence[str]) -> int:
    lock_project(tx, project_id)
    known = _known(tx, project_id, source, keys)
    if known:
        full_text.prepare(tx)
        tx.execute(delete(passages).where(*_of(project_id, source), passages.c.document.in_(list(known))))
    return len(known)


def _known(tx: Transaction, project_id: str, source: Source, keys: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The hash and the version of those documents that are stored."""
    columns = (passages.c.document, passages.c.hash, passages.c.version)
    query = select(*columns).where(*_of(project_id, source), passages.c.document.in_(list(keys))).distinct()
    return {row.document: (row.hash, row.version) for row in tx.execute(query)}


def _of(project_id: str, source: Source) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return passages.c.project_id == project_id, passages.c.source == source


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _value(row: Mapping[Any, Any]) -> Passage:
    return Passage(
        id=f"psg_{row['id']}",
        version=row["version"],
        title=full_text.heading_of(row),
        text=row["text"],
        url=row["url"],
        document=row["document"],
        source=row["source"],
        score=float(row["score"]),
    )
