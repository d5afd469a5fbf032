"""The full text index of the passages on SQLite, PostgreSQL and MariaDB. `base` writes to it and searches in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, literal_column, select, text
from sqlalchemy.exc import OperationalError

from ..db import Database, Transaction
from ..errors import Unavailable
from ..models import PASSAGE_WORDS, table
from ..models import Passage as PassageModel
from .words import index_words, words

passages = table(PassageModel)

#: What a search returns of a passage.
_SHOWN = [passages.c[name] for name in ("id", "source", "document", "version", "title", "heading", "text", "url")]

_TRIGGER = "pocketping_passage_unindexed"
# The words are cut already, so whatever is between two blanks is one of them.
_CREATE = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS {PASSAGE_WORDS}
USING fts5(words, tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co' tokenchars '_'")
"""
# A trigger, because passages also end with their project.
_CREATE_TRIGGER = f"""
CREATE TRIGGER IF NOT EXISTS {_TRIGGER} AFTER DELETE ON pocketping_passage
BEGIN DELETE FROM {PASSAGE_WORDS} WHERE rowid = old.id; END
"""
_ADD = text(f"INSERT INTO {PASSAGE_WORDS} (rowid, words) VALUES (:id, :words)")
_PRESENT = text("SELECT count(*) FROM sqlite_master WHERE name IN (:index, :trigger)")

_NO_FTS5 = "The knowledge base needs FTS5, which this Python's SQLite was built without."

_MATCHES = {
    "sqlite": text(f"SELECT rowid AS id, -rank AS score FROM {PASSAGE_WORDS} WHERE {PASSAGE_WORDS} MATCH :query"),
    # The weights are those of the labels D, C, B and A; words of the title have A. With 1, longer passages count less.
    "postgresql": text(
        "SELECT id, ts_rank('{0.25, 0.25, 0.25, 1}', words, CAST(:query AS tsquery), 1) AS score "
        "FROM pocketping_passage WHERE words @@ CAST(:query AS tsquery)"
    ),
    "mysql": text(
        "SELECT id, MATCH (words) AGAINST (:query IN NATURAL LANGUAGE MODE) AS score "
        "FROM pocketping_passage WHERE MATCH (words) AGAINST (:query IN NATURAL LANGUAGE MODE)"
    ),
}


def write(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert passages of one or more documents, and index them.

    :param rows: with all columns but `id` and `words`, of one project and one source.
    :raises Unavailable: if this Python's SQLite has no FTS5.
    """
    if _dialect(tx.connection) != "sqlite":
        make = _vector if _dialect(tx.connection) == "postgresql" else _listed
        tx.execute(insert(passages), [{**row, "words": make(heading_of(row), row["text"])} for row in rows])
        return
    prepare(tx)
    tx.execute(insert(passages), list(rows))
    newest = (
        select(passages)
        .where(passages.c.project_id == rows[0]["project_id"], passages.c.source == rows[0]["source"])
        .where(passages.c.document.in_({row["document"] for row in rows}))
    )
    _add(tx, tx.execute(newest).mappings().all())


def search(
    connection: Connection, project_id: str, found_words: Sequence[str], limit: int
) -> Sequence[Mapping[Any, Any]]:
    """Return the passages of a project that fit best, the best first.

    :param found_words: of `query_words`, at least one.
    """
    dialect = _dialect(connection)
    make = {"sqlite": _any_of_quoted, "postgresql": _any_of_lexemes, "mysql": " ".join}[dialect]
    matches = (
        _MATCHES[dialect]
        .bindparams(bindparam("query", make(found_words)))
        .columns(literal_column("id"), literal_column("score"))
        .subquery("found")
    )
    query = (
        select(*_SHOWN, matches.c.score)
        .join_from(matches, passages, passages.c.id == matches.c.id)
        .where(passages.c.project_id == project_id)
        .order_by(matches.c.score.desc(), passages.c.id)
        .limit(limit)
    )
    return connection.execute(query).mappings().all()


def ensure_index(db: Database) -> None:
    """Make the index of SQLite if passages have none: something else copied or changed their table."""
    if not db.is_sqlite:
        return
    with db.read() as connection:
        if _is_present(connection):
            return
    with db.transaction(long=True) as tx:
        prepare(tx)


def prepare(tx: Transaction) -> None:
    """Make the index of SQLite in this transaction, unless it is there."""
    if _dialect(tx.connection) != "sqlite" or _is_present(tx.connection):
        return
    try:
        tx.connection.exec_driver_sql(_CREATE)
    except OperationalError as error:
        if "fts5" in str(error.orig):
            raise Unavailable(_NO_FTS5) from None
        raise
    tx.connection.exec_driver_sql(_CREATE_TRIGGER)
    # Without the trigger, passages may have ended that are still in the index.
    tx.connection.exec_driver_sql(f"DELETE FROM {PASSAGE_WORDS}")
    _add(tx, tx.execute(select(passages)).mappings().all())


def heading_of(row: Mapping[Any, Any]) -> str:
    """Return the title of a passage: that of its document, and the headings above the text."""
    return " > ".join(part for part in (row["title"], row["heading"]) if part)


def _add(tx: Transaction, rows: Sequence[Mapping[Any, Any]]) -> None:
    if rows:
        tx.execute(_ADD, [{"id": row["id"], "words": _listed(heading_of(row), row["text"])} for row in rows])


def _is_present(connection: Connection) -> bool:
    return bool(connection.execute(_PRESENT, {"index": PASSAGE_WORDS, "trigger": _TRIGGER}).scalar_one() == 2)


def _dialect(connection: Connection) -> Literal["sqlite", "postgresql", "mysql"]:
    name = connection.dialect.name
    return "sqlite" if name == "sqlite" else "postgresql" if name == "postgresql" else "mysql"


def _listed(title: str, content: str) -> str:
    return " ".join(index_words(title, content))


def _vector(title: str, content: str) -> str:
    """A tsvector as text: each word with its places, at most 200, and the label A for those in the title."""
    places: dict[str, list[str]] = {}
    for label, found in (("A", words(title)), ("", words(content))):
        for word in found:
            of_word = places.setdefault(word, [])
            if len(of_word) < 200:
                of_word.append(f"{len(of_word) + 1}{label}")
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def _any_of_quoted(found_words: Sequence[str]) -> str:
    return " OR ".join(f'"{word}"' for word in found_words)


def _any_of_lexemes(found_words: Sequence[str]) -> str:
    return " | ".join(f"'{word}'" for word in found_words)
