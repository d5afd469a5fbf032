"""Tests that documents are stored and found on all three databases, whatever a question has in it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, func, inspect, select, text

from flask_pocketping.db import Database
from flask_pocketping.errors import InvalidRequest, ProjectNotFound
from flask_pocketping.knowledge import base as base_module
from flask_pocketping.knowledge import full_text
from flask_pocketping.knowledge.base import MAX_RESULTS, KnowledgeBase
from flask_pocketping.knowledge.words import words
from flask_pocketping.migrations import schema
from flask_pocketping.models import PASSAGE_WORDS, Base, Passage, Project, table
from flask_pocketping.values import KnowledgeChanges, KnowledgeDocument

passages = table(Passage)

RETURNS = KnowledgeDocument(
    "returns",
    "Returns",
    "Send it back in its box.\n\n## Television sets\nA 4K TV is fetched by van.\n\n## 冷蔵庫\n返品は三十日以内です。",
    "/help/returns",
)
SHIPPING = KnowledgeDocument("shipping", "Shipping", "O'Brien's parcels leave the Zürich depot daily, 100% \\ insured.")


def found(base: KnowledgeBase, project: str, question: str, limit: int = 10) -> list[str]:
    return [passage.title for passage in base.search(project, question, limit)]


def test_a_question_finds_the_passages_with_its_words(base: KnowledgeBase, project: str) -> None:
    assert base.search(project, "box") == []
    base.sync(project, [RETURNS, SHIPPING])
    assert found(base, project, "In which BOX?") == ["Returns"]
    assert found(base, project, "my tv") == ["Returns > Television sets"]
    assert found(base, project, "7 4k") == ["Returns > Television sets"]
    assert found(base, project, "冷蔵庫を返品したい") == ["Returns > 冷蔵庫"]
    assert found(base, project, "where is zurich and o\u2019brien") == ["Shipping"]
    assert set(found(base, project, "box or parcels")) == {"Returns", "Shipping"}
    assert found(base, project, "nothing like that") == []
    (passage,) = base.search(project, "van")
    assert (passage.document, passage.source, passage.version) == ("returns", "code", 1)
    assert (passage.text, passage.url) == ("A 4K TV is fetched by van.", "/help/returns")
    assert passage.id.startswith("psg_")
    assert passage.score > 0


def test_a_word_of_the_title_counts_more(base: KnowledgeBase, project: str) -> None:
    filler = "Plain words fill this text so that it has a usual length for a page of help. " * 3
    base.add(project, KnowledgeDocument("b", "Something else", f"{filler} A refund is a refund."))
    base.add(project, KnowledgeDocument("a", "The refund", f"{filler} Money comes back, and money again."))
    for number in range(8):
        base.add(project, KnowledgeDocument(f"c{number}", "Other matters", f"{filler} Number {number}."))
    assert found(base, project, "refund") == ["The refund", "Something else"]


HOSTILE = [
    *(
        "",
        " ",
        "\0",
        "the of and",
        "how do I",
        "😀😀❤️",
        "'",
        '"',
        "\\",
        "%",
        ":",
        ":query",
        "%(query)s",
        "?",
        "--",
        ";",
    ),
    *('" OR 1=1 --', "'; DROP TABLE pocketping_passage; --", "box*", "+box -parcels ~x <y >z", "(box", "box)", '"box'),
    *("box & ! | <-> parcels:*A", "NEAR(box, 2)", "NOT box", "AND OR NOT", "words:box", "^box", "{box}", "@4 box"),
    *("box " * 50_000, "x" * 100_000, "冷" * 10_000, "\ud800 box \udfff", "box\r\n\t\x1b\x7f", "\u202ebox", "ﷺ" * 500),
    *("' || 'x", "box\\", "box'", "a b c d e f", "_ __ ___", "ß" * 300, "İstanbul", "ǅ", "\ufe0f", "e\u0301" * 100),
]


@pytest.mark.parametrize("question", HOSTILE, ids=lambda question: ascii(question[:20]))
def test_no_question_raises(base: KnowledgeBase, project: str, question: str) -> None:
    base.add(project, RETURNS)
    hits = base.search(project, question)
    assert bool(hits) == ("box" in words(question) or "冷蔵_" in words(question))


def test_hostile_documents_are_stored_as_they_are(base: KnowledgeBase, project: str) -> None:
    for number, content in enumerate(HOSTILE):
        document = KnowledgeDocument(f"{number}'\"%\\:x", content[:200] or "T", f"{content} needle", format="text")
        try:
            base.add(project, document)
        except InvalidRequest:
            assert "\0" in content or "\ud800" in content
    assert len(base.search(project, "needle", MAX_RESULTS)) == MAX_RESULTS
    (shown,) = base.search(project, "drop", 1)
    assert shown.text == "'; DROP TABLE pocketping_passage; -- needle"


def test_a_project_finds_only_its_own(any_db: Database, base: KnowledgeBase, project: str) -> None:
    base.add("proj_default", RETURNS)
    base.add(project, SHIPPING)
    assert found(base, project, "box parcels") == ["Shipping"]
    assert base.remove(project, "returns") is False
    assert found(base, "proj_default", "box parcels") == ["Returns"]
    with pytest.raises(ProjectNotFound):
        base.add("proj_none", RETURNS)
    with pytest.raises(ProjectNotFound):
        base.remove("proj_none", "returns")
    base.remove("proj_default", "returns")


def test_a_document_that_did_not_change_is_not_written_again(base: KnowledgeBase, project: str) -> None:
    assert base.add(project, SHIPPING) is True
    before = base.search(project, "parcels")
    assert base.add(project, SHIPPING) is False
    assert base.search(project, "parcels") == before
    assert base.add(project, replace(SHIPPING, text="Letters only.")) is True
    assert base.search(project, "parcels") == []
    (after,) = base.search(project, "letters")
    assert (before[0].version, after.version) == (1, 2)
    assert after.id != before[0].id
    for change in ({"title": "Post"}, {"url": "/post"}, {"format": "text"}):
        assert base.add(project, replace(SHIPPING, text="Letters only.", **change)) is True
    assert base.search(project, "letters")[0].version == 5


def test_a_removed_document_is_not_found(base: KnowledgeBase, project: str) -> None:
    base.add(project, RETURNS)
    assert base.remove(project, "returns") is True
    assert base.remove(project, "returns") is False
    assert base.search(project, "box van 返品") == []


def test_sync_makes_these_the_only_documents_of_their_source(base: KnowledgeBase, project: str) -> None:
    base.add(project, replace(SHIPPING, key="file.md", title="File"), "folder")
    assert base.sync(project, [RETURNS, SHIPPING]) == KnowledgeChanges(added=2)
    changed = replace(SHIPPING, text="By drone.")
    assert base.sync(project, [changed, RETURNS]) == KnowledgeChanges(changed=1, unchanged=1)
    assert base.sync(project, [changed]) == KnowledgeChanges(removed=1, unchanged=1)
    assert set(found(base, project, "drone parcels box")) == {"File", "Shipping"}
    assert base.keys(project) == {"shipping"}
    assert base.keys(project, "folder") == {"file.md"}


def test_one_wrong_document_leaves_all_as_they_were(base: KnowledgeBase, project: str) -> None:
    base.sync(project, [RETURNS])
    for wrong in ([SHIPPING, SHIPPING], [SHIPPING, replace(RETURNS, text=" ")]):
        with pytest.raises(InvalidRequest):
            base.sync(project, wrong)
    assert base.keys(project) == {"returns"}


def test_a_project_has_a_bound(base: KnowledgeBase, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_module, "MAX_PASSAGES", 3)
    base.add(project, RETURNS)
    with pytest.raises(InvalidRequest, match="at most 3 passages"):
        base.add(project, SHIPPING)
    assert base.add(project, replace(RETURNS, text="Shorter.")) is True
    assert base.add(project, SHIPPING) is True


def test_a_search_returns_as_many_passages_as_it_may(base: KnowledgeBase, project: str) -> None:
    base.sync(project, [KnowledgeDocument(f"k{number}", "T", f"needle {number}") for number in range(30)])
    assert [len(base.search(project, "needle", limit)) for limit in (-5, 0, 1, 7, 20, 1000)] == [1, 1, 1, 7, 20, 20]


def test_a_transaction_that_fails_leaves_neither_passages_nor_words(
    any_db: Database, base: KnowledgeBase, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.add(project, SHIPPING)
    real = full_text.write

    def write_and_fail(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(full_text, "write", write_and_fail)
        for document in (RETURNS, replace(SHIPPING, text="By drone.")):
            with pytest.raises(KeyboardInterrupt):
                base.add(project, document)
    assert base.search(project, "box drone") == []
    assert found(base, project, "parcels") == ["Shipping"]


def test_concurrent_writers_of_one_document_leave_one_version_of_it(base: KnowledgeBase, project: str) -> None:
    barrier = threading.Barrier(4)

    def write(number: int) -> None:
        barrier.wait()
        for turn in range(3):
            base.add(project, replace(SHIPPING, text=f"needle number{number} turn{turn}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    (passage,) = base.search(project, "needle", MAX_RESULTS)
    assert passage.version == 12


def test_passages_end_with_their_project(any_db: Database, base: KnowledgeBase, project: str) -> None:
    base.add(project, RETURNS)
    with any_db.transaction() as tx:
        tx.execute(delete(table(Project)).where(table(Project).c.id == project))
        left = select(func.count()).where(passages.c.project_id == project)
        assert tx.execute(left).scalar_one() == 0
        if any_db.is_sqlite:
            orphans = text(
                f"SELECT count(*) FROM {PASSAGE_WORDS} WHERE rowid NOT IN (SELECT id FROM pocketping_passage)"
            )
            assert tx.execute(orphans).scalar_one() == 0
    assert base.search(project, "box") == []


@pytest.mark.parametrize("any_db", ["sqlite"], indirect=True)
@pytest.mark.parametrize("lost", ["index", "trigger", "both"])
def test_sqlite_gets_its_index_again(any_db: Database, base: KnowledgeBase, project: str, lost: str) -> None:
    base.add(project, RETURNS)
    with any_db.transaction() as tx:
        if lost in {"trigger", "both"}:
            tx.execute(text("DROP TRIGGER pocketping_passage_unindexed"))
            tx.execute(delete(passages).where(passages.c.project_id == project, passages.c.position == 0))
        if lost in {"index", "both"}:
            tx.execute(text(f"DROP TABLE {PASSAGE_WORDS}"))
    left = {"Returns > Television sets"} if lost != "index" else {"Returns > Television sets", "Returns"}
    assert set(found(base, project, "box van")) == left
    base.add(project, SHIPPING)
    assert base.remove(project, "returns") is True
    assert found(base, project, "box van parcels") == ["Shipping"]


def test_the_tables_go_down_and_up_with_documents_in_them(any_db: Database, base: KnowledgeBase, project: str) -> None:
    base.add(project, RETURNS)
    any_db.downgrade(schema.REVISIONS[schema.REVISIONS.index("0008") - 1])
    left = set(inspect(any_db.engine).get_table_names())
    assert not {name for name in left if name.startswith(("pocketping_passage", "pocketping_lease"))}
    any_db.upgrade()
    assert base.search(project, "box") == []
    base.add(project, RETURNS)
    assert found(base, project, "box") == ["Returns"]


def test_dropped_tables_come_back_without_old_words(any_db: Database, base: KnowledgeBase, project: str) -> None:
    base.add(project, RETURNS)
    with any_db.transaction() as tx:
        passages.drop(tx.connection)
        passages.create(tx.connection)
    assert base.search(project, "box") == []
    base.add(project, SHIPPING)
    assert found(base, project, "box parcels") == ["Shipping"]


def test_all_tables_may_be_dropped_and_created_again(any_db: Database, base: KnowledgeBase, project: str) -> None:
    base.add(project, RETURNS)
    any_db.close_writer()
    Base.metadata.drop_all(any_db.engine)
    any_db.upgrade()
    base.add("proj_default", SHIPPING)
    assert found(base, "proj_default", "box parcels") == ["Shipping"]
