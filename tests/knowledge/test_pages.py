"""Tests how Markdown, HTML and text become sections, and sections passages."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import pairwise

import pytest

from flask_pocketping.errors import InvalidRequest
from flask_pocketping.knowledge.documents import prepare
from flask_pocketping.knowledge.html_pages import read_html
from flask_pocketping.knowledge.markdown_pages import read_markdown, read_text
from flask_pocketping.knowledge.pages import Page
from flask_pocketping.knowledge.splitting import MAX_PASSAGE, OVERLAP, split
from flask_pocketping.values import KnowledgeDocument

MARKDOWN = """---
title: "Sending things back"
url: https://shop.example/returns
draft: no
---
Before any heading.
<!-- hidden # not a heading -->
# Returns

## **Refunds** and [money](https://x.example) {#refunds}
Within 14 days.

```sh
# a comment of the shell
```

### By card
To the card.

Exchange
--------
Another size.

- one
---
after a rule

#hashtag is no heading
"""


def shown(page: Page) -> list[tuple[str, str]]:
    return [(section.heading, section.text) for section in page.sections]


def test_markdown_is_cut_at_its_headings() -> None:
    page = read_markdown(MARKDOWN)
    assert (page.title, page.url) == ("Sending things back", "https://shop.example/returns")
    assert shown(page) == [
        ("", "Before any heading."),
        ("Returns > Refunds and money", "Within 14 days.\n\n```sh\n# a comment of the shell\n```"),
        ("Returns > Refunds and money > By card", "To the card."),
        ("Returns > Exchange", "Another size."),
        ("Returns > - one", "after a rule\n\n#hashtag is no heading"),
    ]


def test_the_first_heading_is_the_title_of_a_page_without_one() -> None:
    assert read_markdown("# Returns\nYes.").title == "Returns"
    assert shown(read_markdown("Returns\n=======\nYes.")) == [("", "Yes.")]
    assert read_markdown("Hello\n\n# Returns\nYes.").title == ""


def test_a_page_may_begin_with_a_rule_or_never_end_its_facts() -> None:
    assert shown(read_markdown("---\nno facts")) == [("", "---\nno facts")]
    assert shown(read_markdown("<!-- never closed\ntext")) == [("", "<!-- never closed\ntext")]
    assert shown(read_markdown("~~~\n# code to the end")) == [("", "~~~\n# code to the end")]


HTML = """<!doctype html><html><head><title>Returns · Shop</title><style>p { color: red }</style>
<link rel="canonical" href="/returns"><script>document.write("<h1>no</h1>")</script></head>
<body><nav><a href="/">Home</a></nav><main><h1>Returns &amp; refunds</h1>
<p>Within   14&nbsp;days,
see <a href="https://shop.example/terms">our terms</a> or <a href="javascript:alert(1)">this</a>.<br>Always.
<h2>Steps</h2><ol><li>Pack it<li>Send it</ol>
<table><tr><th>Land<th>Price</tr><tr><td>DE</td><td>4 €</td></tr></table>
<pre>a
  b</pre><div hidden>secret</div><template>never</template></main><footer>© Shop</footer></body></html>"""


def test_html_is_cut_at_its_headings_without_what_surrounds_them() -> None:
    page = read_html(HTML)
    assert (page.title, page.url) == ("Returns & refunds", "/returns")
    assert shown(page) == [
        ("", "Within 14 days, see [our terms](https://shop.example/terms) or this.\nAlways."),
        ("Steps", "- Pack it\n- Send it\nLand | Price\nDE | 4 €\na\n  b"),
    ]


@pytest.mark.parametrize("text", ["<p>a</p><p>b", "a<br/>b", "<div><p>a</div>b", "<b>a</i>b", "a<nav><p>x</nav>b"])
def test_careless_html_is_read(text: str) -> None:
    assert "".join(section.text for section in read_html(text).sections).split() in (["a", "b"], ["ab"])


def test_declarations_and_signs_that_begin_no_tag_are_no_tags() -> None:
    text = "<?xml version='1.0'?><!DOCTYPE html><![if !mso]>a <![endif]><!-- no > -->b < c <3 d <![what e"
    assert shown(read_html(text)) == [("", "a b < c <3 d <![what e")]


def test_plain_text_has_no_headings() -> None:
    assert shown(read_text("# 1\nplain")) == [("", "# 1\nplain")]
    assert shown(read_text(" \n ")) == []


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(f"Paragraph {number} says this and that of a subject." for number in range(200)),
        " ".join(f"Sentence {number} says this and that of a subject." for number in range(200)),
        " ".join(f"word{number}" for number in range(2000)),
        "x" * 10_000,
        "。".join(f"文{number}" for number in range(2000)),
        "\n".join(f"- point {number}" for number in range(500)),
    ],
    ids=["paragraphs", "sentences", "one sentence", "one word", "chinese", "list"],
)
def test_a_long_text_is_cut_into_passages_that_have_all_of_it(text: str) -> None:
    passages = split(text)
    assert len(passages) > 1
    assert all(0 < len(passage) <= MAX_PASSAGE for passage in passages)
    assert sum(map(len, passages)) >= len("".join(text.split()))
    for place in range(0, len(text) - 20, 97):
        # No cut is within a word, unless the word is longer than a passage.
        part = text[place : place + 20].split()[0]
        assert any(part in passage for passage in passages)


def test_a_passage_begins_with_the_end_of_the_one_before() -> None:
    text = " ".join(f"Sentence {number} says this and that of a subject." for number in range(100))
    passages = split(text)
    for before, after in pairwise(passages):
        shared = after[: after.index(".") + 1]
        assert shared in before[-OVERLAP - 60 :]
    assert split("short") == ["short"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "x" * 256}, "key"),
        ({"key": "a\0"}, "key"),
        ({"key": None}, "key"),
        ({"title": "x" * 501}, "title"),
        ({"title": 5}, "title"),
        ({"text": " \n"}, "text"),
        ({"text": "<!-- only a comment -->"}, "text"),
        ({"text": "x" * 500_001}, "text"),
        ({"text": "half \ud800"}, "text"),
        ({"text": b"bytes"}, "text"),
        ({"format": "pdf"}, "format"),
        ({"format": ["html"]}, "format"),
        *(
            ({"url": url}, "url")
            for url in ("javascript:alert(1)", "//evil.example", "x", "https://", "/a b", "/" * 3000)
        ),
        *(({"url": url}, "url") for url in ("https://[", 'https://x.example/"', "/a\nb", 5, "data:text/html,x")),
    ],
)
def test_a_document_that_does_not_fit_is_refused(change: dict[str, object], field: str) -> None:
    given: dict[str, object] = {"key": "k", "title": "T", "text": "Text", "url": None, **change}
    with pytest.raises(InvalidRequest) as refused:
        prepare(KnowledgeDocument(**given))  # type: ignore[arg-type]
    assert refused.value.details is not None
    assert list(refused.value.details) == [field]


def test_a_page_can_not_choose_an_address_that_runs_script() -> None:
    found = prepare(KnowledgeDocument("k", "", "---\nurl: javascript:alert(1)\n---\n# T\ntext"))
    assert (found.title, found.url) == ("T", None)
    assert prepare(KnowledgeDocument("k", "", "---\nurl: /help/t\n---\ntext"), "Untitled").url == "/help/t"


@pytest.mark.parametrize(
    "text",
    [
        *("<!--" * 120_000, "<!" * 240_000, "<?" * 240_000, "<![CDATA[>" * 48_000, "<div>" * 96_000, "<p>a" * 120_000),
        *("<script>" * 60_000, "</a" * 160_000, "<a b='" * 80_000, "<a b='>" * 68_000, "<li><b>x</i>" * 40_000),
        *("[" * 480_000, "#" * 480_000, "# [x](" * 80_000, "`" * 480_000, "a-" * 240_000, "<a " * 160_000),
    ],
    ids=lambda text: text[:6],
)
@pytest.mark.parametrize("format", ["markdown", "html"])
def test_no_text_takes_long(text: str, format: str) -> None:
    began = time.process_time()
    with suppress(InvalidRequest):
        prepare(KnowledgeDocument("k", "", text, format=format))
    assert time.process_time() - began < 10
