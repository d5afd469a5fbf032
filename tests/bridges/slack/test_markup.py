"""Tests of texts: what visitors write is shown as it is, and Markdown keeps its meaning in both directions."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_pocketping.bridges.slack.markup import escape, first_characters, plain_blocks, quote_line, to_mrkdwn
from flask_pocketping.bridges.slack.rich_text import from_mrkdwn, to_markdown


class Names:
    def user(self, user_id: str) -> str:
        return {"U123": "Ana"}.get(user_id, "Operator")

    def channel(self, channel_id: str) -> str:
        return {"C123": "support"}.get(channel_id, "channel")


NAMES = Names()


@pytest.mark.parametrize(
    "text",
    ["<!channel> <!here> <@U123> <#C123>", "<https://evil.example|Your bank>", "a & b < c > d", "&lt;!channel&gt;"],
)
def test_nothing_that_a_visitor_writes_is_markup(text: str) -> None:
    escaped = escape(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert from_mrkdwn(escaped, NAMES) == text
    for converted in (to_mrkdwn(text), to_mrkdwn(f"**{text}**"), to_mrkdwn(f"`{text}`"), to_mrkdwn(f"# {text}")):
        assert "<!" not in converted
        assert "<@" not in converted
        assert "|Your bank>" not in converted


def test_a_text_is_shown_character_by_character() -> None:
    text = "*bold* _it_ ~s~ `code` :smile: > quote\n• list @channel"
    (block,) = plain_blocks(text)
    assert block["elements"] == [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]


def test_links_in_a_text_work_and_go_where_they_say() -> None:
    (block,) = plain_blocks("see https://shop.example/a?b=1&c=2, please", title="Vera", quote="what?")
    quote, section = block["elements"]
    assert quote == {"type": "rich_text_quote", "elements": [{"type": "text", "text": "what?"}]}
    assert section["elements"] == [
        {"type": "text", "text": "Vera\n", "style": {"bold": True}},
        {"type": "text", "text": "see "},
        {"type": "link", "url": "https://shop.example/a?b=1&c=2"},
        {"type": "text", "text": ", please"},
    ]
    assert plain_blocks("") == []


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**bold** __bold__ *it* _it_ ~~no~~", "*bold* *bold* _it_ _it_ ~no~"),
        ("***both*** **with _it_ in**", "*_both_* *with _it_ in*"),
        ("`a < b` and ``x``", "`a &lt; b` and `x`"),
        ("[A & B](https://a.example/?q=1&r=2)", "<https://a.example/?q=1&amp;r=2|A &amp; B>"),
        ("[wiki](https://a.example/x_(y))", "<https://a.example/x_(y)|wiki>"),
        ("![cat](https://a.example/cat.png)", "<https://a.example/cat.png|cat>"),
        ("[run](javascript:alert%281%29)", "run (javascript:alert%281%29)"),
        ("<https://a.example> <mailto:a@b.example>", "<https://a.example> <mailto:a@b.example>"),
        ("# Title\n## Two **bold** #", "*Title*\n*Two bold*"),
        ("- one\n* two\n  + three\n1. four", "• one\n• two\n  • three\n1. four"),
        ("> said **she**\n>> deeper", "> said *she*\n> > deeper"),
        ("```python\nif a < b:\n    *x*\n```", "```\nif a &lt; b:\n    *x*\n```"),
        ("```\nnever ended", "```\nnever ended\n```"),
        ("2 * 3 * 4 = 24, snake_case_name, **kwargs", "2 * 3 * 4 = 24, snake_case_name, **kwargs"),
        ("* not a * list item", "• not a * list item"),
        (r"\*plain\*", "*plain*"),
        ("", ""),
    ],
)
def test_markdown_becomes_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown) == mrkdwn


@pytest.mark.parametrize(
    ("mrkdwn", "markdown"),
    [
        ("*bold* _it_ ~no~", "**bold** _it_ ~~no~~"),
        ("<@U123> <@U999|bob> <#C123|> <#C9|help>", "@Ana @Operator #support #help"),
        ("<!here> <!channel> <!subteam^S1|@team> <!subteam^S1>", "@here @channel @team @group"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://a.example/?a=1&amp;b=2>", "https://a.example/?a=1&b=2"),
        ("<https://a.example/|a.example>", "https://a.example/"),
        ("<https://a.example/x|the [x]>", "[the (x)](https://a.example/x)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("`a &lt; *b*` and ```x\n&amp;&amp; *y*```", "`a < *b*` and ```\nx\n&& *y*\n```"),
        ("• one\n    ◦ two", "- one\n    - two"),
        ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
        ("1 &lt; 2 &amp;amp; 3 &gt; 2", "1 < 2 &amp; 3 > 2"),
    ],
)
def test_mrkdwn_becomes_markdown(mrkdwn: str, markdown: str) -> None:
    assert from_mrkdwn(mrkdwn, NAMES) == markdown


@pytest.mark.parametrize(
    "markdown",
    [
        "**bold** _it_ ~~no~~ `code <b>`",
        "[A & B](https://a.example/?q=1&r=2) and https://b.example/x_y",
        "- one\n- two **b**\n> said\n```\na < b && *c*\n```",
        "Price: 5 < 6 & 7 > 6, 2 * 3 * 4, snake_case_name",
    ],
)
def test_texts_come_back_as_they_went(markdown: str) -> None:
    assert from_mrkdwn(to_mrkdwn(markdown), NAMES) == markdown


def section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


def text(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def rich(*elements: dict[str, Any]) -> str:
    return to_markdown({"text": "not this", "blocks": [{"type": "rich_text", "elements": list(elements)}]}, NAMES)


def test_rich_text_is_read_with_styles_names_and_emoji() -> None:
    assert rich(
        section(
            text("Hi "),
            {"type": "user", "user_id": "U123"},
            text(", "),
            text("bold ", bold=True),
            text("both", bold=True, italic=True),
            text(" "),
            text("gone", strike=True),
            text(" "),
            text("x<y", code=True),
            {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fd"},
            {"type": "emoji", "name": "party-parrot"},
            text(" "),
            {"type": "link", "url": "https://a.example", "text": "here"},
            text(" "),
            {"type": "link", "url": "https://a.example"},
            text(" "),
            {"type": "channel", "channel_id": "C123"},
            text(" "),
            {"type": "broadcast", "range": "here"},
        )
    ) == (
        "Hi @Ana, **bold** **_both_** ~~gone~~ `x<y`👋🏽:party-parrot: [here](https://a.example) https://a.example "
        "#support @here"
    )


def test_rich_text_is_read_with_lists_quotes_and_code() -> None:
    assert (
        rich(
            section(text("Steps:\n")),
            {
                "type": "rich_text_list",
                "style": "ordered",
                "offset": 1,
                "elements": [section(text("a")), section(text("b"))],
            },
            {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [section(text("c"))]},
            {"type": "rich_text_quote", "elements": [text("one\ntwo")]},
            {"type": "rich_text_preformatted", "elements": [text("x = 1\n*y*")]},
        )
        == "Steps:\n2. a\n3. b\n    - c\n> one\n> two\n```\nx = 1\n*y*\n```"
    )


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"text": None, "blocks": None},
        {"text": 5, "blocks": [{"type": "rich_text"}]},
        {"blocks": [{"type": "rich_text", "elements": [None, 5, {"type": "rich_text_list", "elements": "x"}]}]},
        {"blocks": [{"type": "rich_text", "elements": [section({"type": "user"}, {"type": "text", "text": None})]}]},
        {"blocks": [{"type": "rich_text", "elements": [section({"type": "emoji", "unicode": "d800-110000-zz"})]}]},
    ],
)
def test_broken_messages_have_no_text(message: dict[str, Any]) -> None:
    assert to_markdown(message, NAMES) in {"", "@Operator"}


def test_deeply_nested_lists_are_cut() -> None:
    element = section(text("x"))
    for _ in range(500):
        element = {"type": "rich_text_list", "elements": [element]}
    assert len(rich(element)) < 100


def test_other_blocks_are_read_by_their_text() -> None:
    message = {"text": "*alert*", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*alert*"}}]}
    assert to_markdown(message, NAMES) == "**alert**"


@pytest.mark.parametrize(
    "part", ["*", "**a", "_a ", "[a", "[](", "`a", "```", "~~a", "***a", "<", "&", "\\", "__a", "> "]
)
def test_no_text_takes_long(part: str) -> None:
    hostile = part * (4000 // len(part))
    began = time.process_time()
    from_mrkdwn(to_mrkdwn(hostile), NAMES)
    from_mrkdwn(hostile, NAMES)
    plain_blocks(hostile)
    assert time.process_time() - began < 2


def test_no_nesting_is_too_deep() -> None:
    deep = "x"
    for number in range(120):
        mark = ("**", "_", "~~")[number % 3]
        deep = f"{mark}{deep}{mark}"
    assert "x" in to_mrkdwn(deep)


def test_texts_are_shortened_at_characters_not_within_entities() -> None:
    assert first_characters("a" * 10, 10) == "a" * 10
    assert first_characters(escape("aaaaaaa<"), 10) == "aaaaaaa…"
    assert quote_line("one\n two   three", 10) == "one two t…"
