"""Tests of texts on their way to Discord and back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flask_pocketping.bridges.discord.names import Names
from flask_pocketping.bridges.discord.readable import readable
from flask_pocketping.bridges.discord.text import author_line, fit, from_markdown, from_plain, length

from .library import discord

#: Discord shows a character behind a backslash as it is, unless it is a letter, a digit or a blank.
SHOWN = re.compile(r"\\([^0-9A-Za-z\s])")


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "*bold* **very** _it_ __u__ ~~s~~ ||spoiler|| `code` ```block```",
        "# Heading\n## Two\n### Three\n-# small\n> quote\n>>> more\n- item\n+ item\n* item\n1. one\n 12) two",
        "@everyone @here <@1> <@!1> <@&1> <#1> <:a:1> <a:b:2> <t:0:R> </ban:1> <id:guide>",
        "[link](https://example.com) <https://example.com>",
        "a\\b \\* c:\\dir",
        ":smile: at 10:30:15",
        "¯\\_(ツ)_/¯",
        "snake_case_word and 2*3*4",
    ],
)
def test_a_visitors_characters_are_shown_as_they_are(text: str) -> None:
    escaped = from_plain(text)
    assert SHOWN.sub(r"\1", escaped) == text
    # The library agrees that nothing is left that Discord would format or mention.
    without = re.sub(r"https?://\S+", "", SHOWN.sub("x", escaped))
    assert discord.utils.remove_markdown(without, ignore_links=False) == without
    assert not re.search(r"<[@#:at/i]|@everyone|@here|^\s*(#|-|>|\d+[.)])\s", without, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://example.com/a_b_c?x=1*2", "see https://example.com/a_b_c?x=1*2"),
        ("(https://example.com/_x_).", "(https://example.com/_x_)."),
        ("**https://example.com/a**", "\\*\\*https://example.com/a**"),
        ("https://a.example/x<b>", "https://a.example/x\\<b>"),
        ("https:// _a_", "https:// \\_a\\_"),
        ("[x](https://example.com/a_b)", "\\[x\\](https://example.com/a_b)"),
    ],
)
def test_addresses_stay_links(text: str, shown: str) -> None:
    assert from_plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**bold** *it* ~~no~~ `a_b` [x](https://e.com)", "**bold** *it* ~~no~~ `a_b` [x](https://e.com)"),
        ("__bold__ and snake__case__name", "**bold** and snake__case__name"),
        ("||not hidden||", "\\|\\|not hidden\\|\\|"),
        ("hi @everyone <@1> <@&2> <#3> <t:1:R> <:a:1>", "hi \\@everyone \\<@1> \\<@&2> \\<#3> \\<t:1:R> \\<:a:1>"),
        ("`<@1> __x__ ||y||`", "`<@1> __x__ ||y||`"),
        ("```\n@everyone\n```", "```\n@everyone\n```"),
        ("![a](https://e.com/a.png)", "[a](https://e.com/a.png)"),
        ("-# small", "\\-# small"),
    ],
)
def test_our_markdown_becomes_discords(text: str, shown: str) -> None:
    assert from_markdown(text) == shown


def names() -> Names:
    made = Names()
    made.learn(
        "GUILD_CREATE",
        {
            "id": "9",
            "channels": [{"id": "5", "name": "orders", "type": 0}],
            "threads": [{"id": "6", "name": "Ada", "type": 11, "parent_id": "5"}],
            "roles": [{"id": "7", "name": "Support"}],
        },
    )
    return made


MENTIONS: list[dict[str, Any]] = [
    {"id": "1", "username": "ana", "global_name": "Ana"},
    {"id": "2", "username": "ben", "global_name": None, "member": {"nick": "Ben (Sales)"}},
]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi <@1>, ask <@!2> or <@3>", "Hi @Ana, ask @Ben (Sales) or @user"),
        ("<@&7> <@&8>", "@Support @role"),
        ("see <#5> and <#6>, not <#4>", "see #orders and #Ada, not #channel"),
        ("<:wave:123> <a:dance:456>", ":wave: :dance:"),
        ("</ban user:12> in <id:guide>", "/ban user in #guide"),
        ("<t:1793000000>", "26 October 2026, 07:33 UTC"),
        ("<t:1793000000:d> <t:1793000000:T> <t:1793000000:R>", "26 October 2026 07:33 UTC 26 October 2026, 07:33 UTC"),
        ("<t:99999999999999999:f>", "<t:99999999999999999:f>"),
        ("`<@1>` and ```<#5>```", "`<@1>` and ```<#5>```"),
        ("\\<@1>", "\\<@1>"),
        ("||secret|| and \\||not||", "secret and \\||not||"),
        ("-# small\n# Big", "small\n# Big"),
        ("one\n>>> two\nthree", "one\n> two\n> three"),
        ("**bold** *it* ~~no~~ [x](https://e.com)", "**bold** *it* ~~no~~ [x](https://e.com)"),
    ],
)
def test_what_operators_write_is_readable(content: str, text: str) -> None:
    assert readable(content, MENTIONS, names()) == text


def test_names_that_change_are_learned() -> None:
    known = names()
    known.learn("CHANNEL_UPDATE", {"id": "5", "name": "sales", "type": 0, "guild_id": "9"})
    known.learn("GUILD_ROLE_UPDATE", {"guild_id": "9", "role": {"id": "7", "name": "Team"}})
    assert readable("<#5> <@&7>", [], known) == "#sales @Team"


def test_lengths_are_counted_in_the_strictest_way() -> None:
    assert (length("a"), length("ü"), length("👍"), length("*")) == (1, 1, 2, 1)


def test_headers_and_names_are_cut() -> None:
    assert length(fit("*" * 5000)) <= 2000
    assert fit("short") == "short"
    assert author_line("Ada  Lovelace\n") == "**Ada Lovelace**\n"
    assert length(author_line("*" * 500)) <= 100
    assert author_line(" ") == ""
