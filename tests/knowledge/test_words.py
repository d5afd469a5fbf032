"""Tests how texts and questions are cut into words, for all databases alike."""

from __future__ import annotations

import pytest

from flask_pocketping.knowledge.stop_words import STOP_WORDS
from flask_pocketping.knowledge.words import MAX_QUERY_WORDS, MAX_WORD, fold, index_words, query_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe, GROSSE & grösse", ["grosse", "grosse", "grosse"]),
        ("Éclair à l'hôtel", ["eclair", "hotel"]),
        ("The customer's e-mail isn't here", ["customer", "mail"]),
        ("POCKETPING_AI_DELAY", ["pocketping", "ai_", "delay"]),
        ("a 4K TV, size XL, model 7", ["4k_", "tv_", "size", "xl_", "model", "7__"]),
        ("see https://example.com/refund?a=b or mailto:a@example.com", ["see"]),
        ("冷蔵庫", ["冷蔵_", "蔵庫_"]),
        ("iPhone用ケース", ["iphone", "用ケ_", "ケー_", "ース_"]),
        ("हिन्दी", ["हिन्दी"]),
        ("Й и И", ["и__", "и__", "и__"]),
        ("한국어", ["한국_", "국어_"]),
        ("❤️ 😀 — …", []),
    ],
)
def test_a_text_becomes_folded_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_of_a_title_count_four_times() -> None:
    assert sorted(index_words("Refunds", "money back")) == ["back", "money", *["refunds"] * 4]


def test_a_question_has_at_most_32_different_words() -> None:
    found = query_words(" ".join(f"word{number % 100}" for number in range(1000)))
    assert found == [f"word{number}" for number in range(MAX_QUERY_WORDS)]
    assert query_words("money money MONEY") == ["money"]
    assert query_words("x" * 100_000) == ["x" * MAX_WORD]


def test_a_question_without_a_word_of_meaning_has_none() -> None:
    for question in ("", "how do I?", "was ist das", "qu'est-ce que c'est", "¿cómo está usted?", "ما هذا", "\0\ud800"):
        assert query_words(question) == []


def test_stop_words_are_written_as_they_are_compared() -> None:
    assert {word for word in STOP_WORDS if fold(word) != word or not word.isalpha()} == set()
