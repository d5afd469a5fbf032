"""Tests how texts are cut, and how markup becomes that of platforms and back."""

from __future__ import annotations

import pytest

from flask_pocketping.bridges.markup import pieces, plain
from flask_pocketping.bridges.platform import Post
from flask_pocketping.bridges.telegram import formatting
from flask_pocketping.bridges.text import clip, cut, graphemes

from ..support.telegram import parse_html

WHOLE = ["👩‍👩‍👧", "🇩🇪", "🇫🇷", "é", "👍🏽", "ก็", "\r\n", "1️⃣", "한", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a", "❤️"]


def test_characters_stay_whole() -> None:
    assert list(graphemes("".join(WHOLE))) == WHOLE
    assert list(graphemes("")) == []


@pytest.mark.parametrize("limit", [8, 9, 10, 11, 15])
def test_a_text_is_never_cut_within_a_character(limit: int) -> None:
    parts = cut("".join(WHOLE) * 5, limit)
    assert "".join(parts).replace("\r\n", "") == ("".join(WHOLE) * 5).replace("\r\n", "")
    assert all(len(part) <= limit for part in parts)
    known = set(WHOLE)
    # The English flag has fourteen code points.
    if limit >= 14:
        assert all(set(graphemes(part)) <= known for part in parts)


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("short", 10, ["short"]),
        ("", 10, [""]),
        ("one two three", 8, ["one two", "three"]),
        ("One. Two is longer", 12, ["One. Two is", "longer"]),
        ("A sentence. Another", 14, ["A sentence.", "Another"]),
        ("first\n\nsecond third", 14, ["first\n\nsecond", "third"]),
        ("paragraph\n\nnext one", 15, ["paragraph", "next one"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("  indented\n    code", 13, ["  indented", "    code"]),
    ],
)
def test_a_text_is_cut_at_sensible_places(text: str, limit: int, parts: list[str]) -> None:
    assert cut(text, limit) == parts


def test_the_first_part_may_be_shorter() -> None:
    assert cut("one two three four", 10, first=4) == ["one", "two three", "four"]


def test_a_measure_of_the_platform_counts() -> None:
    parts = cut("😀" * 10, 8, formatting.size)
    assert parts == ["😀" * 4, "😀" * 4, "😀" * 2]


@pytest.mark.parametrize(
    ("text", "limit", "short"), [("a  b\nc", 10, "a b c"), ("abcdef", 4, "abc…"), ("ab 👩‍👩‍👧", 5, "ab…")]
)
def test_a_line_is_clipped(text: str, limit: int, short: str) -> None:
    assert clip(text, limit) == short


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("**b** *i* _i_ ~~s~~ `c`", ["bold", "italic", "italic", "strike", "code"]),
        ("```py\ncode\n```", ["block"]),
        ("[shop](https://shop.example/a_b)", ["link"]),
        ("2*3*4 snake_case_name ** not ** a*", []),
        ("[x](javascript:alert(1))", []),
        ("**unfinished", []),
    ],
)
def test_markdown_is_recognized(text: str, styles: list[str]) -> None:
    assert [piece.style for piece in pieces(text) if piece.style != "plain"] == styles
    if not styles:
        assert plain(text) == text


HOSTILE = ["<b>", "</b>", "&lt;", "a < b > c & d", '"><script>', "[a](https://x.example/\"onclick='x')", "`<`", "**<i>**"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("markdown", [True, False])
def test_whatever_is_written_makes_html_that_telegram_parses(text: str, markdown: bool) -> None:
    source = formatting.to_html(Post("k", text, author=text, markdown=markdown, header=text, quote=text))
    shown, entities = parse_html(source)
    assert shown.count(text if not markdown else plain(text)) >= 1
    assert all(entity.get("url", "https://").startswith("https://") for entity in entities)
    # What is counted against the limit is what Telegram counts.
    alone, _ = parse_html(formatting.to_html(Post("k", text, markdown=markdown)))
    assert formatting.size(alone) <= formatting.measure(text, markdown=markdown)


@pytest.mark.parametrize(
    ("text", "entities", "markdown"),
    [
        ("plain", [], "plain"),
        ("bold", [("bold", 0, 4)], "**bold**"),
        ("a bold b", [("bold", 2, 5)], "a **bold** b"),
        ("😀 bold", [("bold", 3, 4)], "😀 **bold**"),
        ("both", [("bold", 0, 4), ("italic", 0, 4)], "***both***"),
        ("code", [("pre", 0, 4)], "```\ncode\n```"),
        ("@ana hi", [("mention", 0, 4), ("bold", 5, 2)], "@ana **hi**"),
        ("two\nlines", [("bold", 0, 9)], "two\nlines"),
        ("   ", [("bold", 0, 3)], "   "),
        ("x", [("bold", 0, 99)], "**x**"),
    ],
)
def test_entities_become_markdown(text: str, entities: list[tuple[str, int, int]], markdown: str) -> None:
    given = [{"type": kind, "offset": offset, "length": length} for kind, offset, length in entities]
    assert formatting.to_markdown(text, given) == markdown


def test_links_become_markdown_and_others_stay_text() -> None:
    link = {"type": "text_link", "offset": 0, "length": 4}
    assert formatting.to_markdown("here", [{**link, "url": "https://a.example/"}]) == "[here](https://a.example/)"
    assert formatting.to_markdown("here", [{**link, "url": "tg://user?id=1"}]) == "here"
