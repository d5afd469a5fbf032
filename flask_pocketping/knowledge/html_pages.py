"""Reads HTML into sections, with Python's own parser: text, lists, tables and code, without what surrounds them."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urlsplit

from .markdown_pages import without_comments
from .pages import Outline, Page

#: Elements without text for readers, and those around the text of a page.
_LEFT_OUT = """
aside audio button canvas datalist dialog embed footer form iframe math nav noscript object script select style svg
template textarea video
"""
_VOID = "area base br col embed hr img input link meta param source track wbr"
_BLOCKS = """
address article blockquote body caption dd details div dl dt fieldset figcaption figure header hgroup li main ol p pre
section summary table tbody tfoot thead tr ul
"""
LEFT_OUT, VOID, BLOCKS = (frozenset(names.split()) for names in (_LEFT_OUT, _VOID, _BLOCKS))
#: Characters of a tag with its attributes.
MAX_TAG = 10_000

# The document type, instructions and what Word writes. Comments are cut out before.
_DECLARATION = re.compile(r"<[!?][^>]*>")
HEADINGS = {f"h{level}": level for level in range(1, 7)}


def read_html(text: str) -> Page:
    """Read a page of HTML, or a part of one.

    If it has `<main>`, only what is in it counts. `<title>` and the canonical address are those of the page. Links to
    other pages stay, as Markdown.
    """
    reader = _Reader(only_main="<main" in text.lower())
    reader.feed(_DECLARATION.sub("", _without_open_ends(without_comments(text))))
    reader.close()
    return reader.finish()


def _without_open_ends(text: str) -> str:
    """A text in which each `<` that begins no tag is text.

    The parser searches for the end of a tag up to the end of the text, and does so again for the next one.
    """
    parts = text.split("<")
    found = [""] * len(parts)
    place, closes_at = len(text), -1
    for number in range(len(parts) - 1, 0, -1):
        part = parts[number]
        place -= len(part) + 1
        at = part.find(">")
        closes_at = place + 1 + at if at >= 0 else closes_at
        found[number] = ("<" if 0 <= closes_at - place <= MAX_TAG else "&lt;") + part
    return parts[0] + "".join(found[1:])


class _Reader(HTMLParser):
    def __init__(self, *, only_main: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._outline = Outline()
        self._only_main = only_main
        self._open: list[str] = []
        self._depths: Counter[str] = Counter()
        #: How many elements were open when one began that is left out.
        self._left_out_at: int | None = None
        self._inline: list[str] = []
        self._links: list[str] = []
        self._title: list[str] = []
        self._url: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") == "canonical":
            self._url = given.get("href")
        if tag == "br":
            self._inline.append("\n")
        if tag in VOID:
            return
        if self._left_out_at is None and (tag in LEFT_OUT or "hidden" in given):
            self._left_out_at = len(self._open)
        if tag in BLOCKS or tag in HEADINGS:
            self._end_block()
        self._open.append(tag)
        self._depths[tag] += 1
        if tag == "li":
            self._inline.append("- ")
        elif tag in {"td", "th"} and any(map(str.strip, self._inline)):
            self._inline.append(" | ")
        elif tag == "a":
            href = given.get("href") or ""
            is_link = self._is_read() and is_web_address(href)
            self._links.append(href if is_link else "")
            self._inline.append("[" if is_link else "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._depths[tag]:
            return
        if tag in HEADINGS:
            text, self._inline = "".join(self._inline), []
            if self._is_read():
                self._outline.heading(HEADINGS[tag], text)
        elif tag in BLOCKS:
            self._end_block()
        elif tag == "a" and self._links and (href := self._links.pop()):
            self._inline.append(f"]({href})")
        # An element that is never closed ends with the one around it.
        while (closed := self._open.pop()) != tag:
            self._depths[closed] -= 1
        self._depths[tag] -= 1
        if self._left_out_at is not None and len(self._open) <= self._left_out_at:
            self._left_out_at = None

    def handle_data(self, data: str) -> None:
        if self._depths["title"] and not self._depths["body"] and not self._depths["svg"]:
            self._title.append(data)
        elif self._is_read():
            self._inline.append(data if self._depths["pre"] else _collapsed(data))

    def finish(self) -> Page:
        self._end_block()
        page = self._outline.finish()
        title = " ".join("".join(self._title).split())
        page.title = page.title or title
        page.url = self._url
        return page

    def _is_read(self) -> bool:
        within = self._depths["main"] > 0 or not self._only_main
        return within and self._left_out_at is None and not self._depths["head"]

    def _end_block(self) -> None:
        text = "".join(self._inline).strip(" ")
        self._inline = []
        if text.strip() and text.strip() != "-":
            self._outline.add(text.strip("\n") + ("\n" if self._depths["li"] or self._depths["tr"] else "\n\n"))


def is_web_address(address: str) -> bool:
    """Return whether an address is a complete one of the web."""
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return found.scheme in {"http", "https"} and bool(found.netloc)


def _collapsed(data: str) -> str:
    first = " " if data[:1].isspace() else ""
    last = " " if data[-1:].isspace() and data.strip() else ""
    return first + " ".join(data.split()) + last
