"""Tests that a search finds about as much as BM25 does, on 320 texts with 640 questions in other words.

`bm25s` is the measure: with its own words (English stop words), and with those of `knowledge.words`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache

import bm25s
import pytest

from flask_pocketping.db import Database
from flask_pocketping.knowledge.base import KnowledgeBase
from flask_pocketping.knowledge.words import index_words, query_words
from flask_pocketping.values import KnowledgeDocument

from ..support.pages import DOCS, rows, sections
from .help_texts import help_texts

# bm25s shows its progress with tqdm, if that is installed, which would leave a thread running.
if (progress := sys.modules.get("tqdm")) is not None:
    progress.tqdm.monitor_interval = 0

TEXTS = help_texts()
QUESTIONS = [(question, number) for number, text in enumerate(TEXTS) for question in text.questions]


def recall(found: Sequence[Sequence[int]]) -> float:
    """How many questions have their text among the first ten that were found."""
    hits = [number in numbers[:10] for numbers, (_, number) in zip(found, QUESTIONS, strict=True)]
    return sum(hits) / len(hits)


@cache
def bm25(*, own_words: bool) -> float:
    retriever = bm25s.BM25()
    if own_words:
        corpus = bm25s.tokenize([f"{text.title}\n{text.text}" for text in TEXTS], stopwords="en", show_progress=False)
        questions = bm25s.tokenize([question for question, _ in QUESTIONS], stopwords="en", show_progress=False)
    else:
        corpus = [index_words(text.title, text.text) for text in TEXTS]
        questions = [query_words(question) for question, _ in QUESTIONS]
    retriever.index(corpus, show_progress=False)
    found, _ = retriever.retrieve(questions, k=10, show_progress=False)
    return recall([[int(number) for number in line] for line in found])


def test_there_are_enough_texts_and_all_differ() -> None:
    assert len({text.key for text in TEXTS}) == len({text.text for text in TEXTS}) == len(TEXTS) == 320
    assert len({question for question, _ in QUESTIONS}) == 640


@pytest.fixture(scope="module")
def measured(any_db: Database) -> tuple[str, float]:
    base = KnowledgeBase(any_db)
    base.sync("proj_default", [KnowledgeDocument(text.key, text.title, text.text) for text in TEXTS])
    numbers = {text.key: number for number, text in enumerate(TEXTS)}
    found = [
        [numbers[passage.document] for passage in base.search("proj_default", question, 10)]
        for question, _ in QUESTIONS
    ]
    return any_db.engine.dialect.name, recall(found)


def test_a_search_finds_as_much_as_bm25(measured: tuple[str, float]) -> None:
    name, found = measured
    best = max(bm25(own_words=True), bm25(own_words=False))
    assert found >= best - 0.05, f"{name}: {found:.3f}, BM25: {best:.3f}"


def test_the_page_has_the_figures(measured: tuple[str, float]) -> None:
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB", "mariadb": "MariaDB"}
    told = {row[0]: row[1] for row in rows(sections(DOCS / "knowledge.md")["What the search finds"])}
    assert re.fullmatch(r"0\.\d\d", told[names[measured[0]]])
    assert float(told[names[measured[0]]]) == pytest.approx(measured[1], abs=0.02)
    assert float(told["`bm25s`, its own words"]) == pytest.approx(bm25(own_words=True), abs=0.02)
    assert float(told["`bm25s`, the same words"]) == pytest.approx(bm25(own_words=False), abs=0.02)
