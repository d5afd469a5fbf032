"""Text for Telegram and from it: HTML that always parses, and the Markdown of what operators write."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from .. import markup
from ..platform import Post

_TAGS = {"bold": "b", "italic": "i", "strike": "s", "code": "code", "block": "pre"}

#: The Markdown around an entity of Telegram.
_MARKS = {
    "bold": ("**", "**"),
    "italic": ("*", "*"),
    "strikethrough": ("~~", "~~"),
    "code": ("`", "`"),
    "pre": ("```\n", "\n```"),
}


def size(text: str) -> int:
    """Return the length of a text as Telegram counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def measure(text: str, *, markdown: bool) -> int:
    """Return the length of a text after Telegram has parsed its entities."""
    return size(markup.plain(text) if markdown else text)


def to_html(post: Post) -> str:
    """Return the HTML of a post: header, author and text."""
    parts = []
    if post.header:
        parts.append(f"<blockquote>{html.escape(post.header, quote=False)}</blockquote>")
    if post.quote and post.reply_to is None:
        parts.append(f"<i>{html.escape('↪ ' + post.quote, quote=False)}</i>")
    if post.author:
        parts.append(f"<b>{html.escape(post.author, quote=False)}</b>")
    if post.text:
        parts.append(markup.to_html(post.text, _TAGS) if post.markdown else html.escape(post.text, quote=False))
    return "\n".join(parts)


def to_markdown(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown of a text with the entities of Telegram.

    :param entities: each with `type`, `offset` and `length` in UTF-16 code units. Unknown types leave their text as it
        is, so mentions stay names.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    #: What to insert at a position, in code units.
    marks: dict[int, list[str]] = {}
    for entity in sorted(entities, key=lambda found: (found["offset"], -found["length"])):
        opening, closing = _marks_of(entity)
        start, end = entity["offset"], entity["offset"] + entity["length"]
        inside = units[2 * start : 2 * end].decode("utf-16-le", "ignore")
        if not opening or not inside.strip() or ("\n" in inside and entity["type"] not in {"pre", "text_link"}):
            continue
        end -= size(inside) - size(inside.rstrip())
        start += size(inside) - size(inside.lstrip())
        marks.setdefault(start, []).append(opening)
        marks.setdefault(end, []).insert(0, closing)
    made, last = [], 0
    for position in sorted(marks):
        made += [units[2 * last : 2 * position].decode("utf-16-le", "ignore"), *marks[position]]
        last = position
    return "".join([*made, units[2 * last :].decode("utf-16-le", "ignore")])


def _marks_of(entity: Mapping[str, Any]) -> tuple[str, str]:
    if entity["type"] == "text_link":
        url = str(entity.get("url", ""))
        return ("[", f"]({url})") if url.startswith(("http://", "https://")) and ")" not in url else ("", "")
    return _MARKS.get(entity["type"], ("", ""))
