"""The Markdown that operators write, as pieces with a style. Platforms turn these into markup of their own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Style = Literal["plain", "bold", "italic", "strike", "code", "block", "link"]

_MARKDOWN = re.compile(
    r"```(?:[\w+-]*\n)?(?P<block>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<bold>\S(?:[^\n]*?\S)?)\*\*"
    r"|~~(?P<strike>\S(?:[^\n]*?\S)?)~~"
    r"|(?<![\w*])\*(?P<italic>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<!\w)_(?P<italic_>[^\s_](?:[^_\n]*[^\s_])?)_(?!\w)"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<link>https?://[^\s()<>]+)\)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text.

    :ivar style: its style. Styles are not nested.
    :ivar text: its text without marks.
    :ivar url: the address of a link.
    """

    style: Style
    text: str
    url: str | None = None


def pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a Markdown text: bold, italic, struck, code, blocks of code, links and the rest."""
    end = 0
    for match in _MARKDOWN.finditer(text):
        if match.start() > end:
            yield Piece("plain", text[end : match.start()])
        end = match.end()
        if match["link"]:
            yield Piece("link", match["label"], match["link"])
            continue
        style, found = next((name, value) for name, value in match.groupdict().items() if value is not None)
        yield Piece(style.rstrip("_"), found)  # type: ignore[arg-type]
    if end < len(text):
        yield Piece("plain", text[end:])


def plain(text: str) -> str:
    """Return a Markdown text without its marks."""
    return "".join(piece.text for piece in pieces(text))


def to_html(text: str, tags: Mapping[str, str]) -> str:
    """Return a Markdown text as HTML, with everything else escaped.

    :param tags: the names of the elements for the styles `bold`, `italic`, `strike`, `code` and `block`. Text of other
        styles has none.
    """
    made = []
    for piece in pieces(text):
        content = html.escape(piece.text, quote=False)
        if piece.style == "link":
            content = f'<a href="{html.escape(piece.url or "")}">{content}</a>'
        elif piece.style in tags:
            content = f"<{tags[piece.style]}>{content}</{tags[piece.style]}>"
        made.append(content)
    return "".join(made)
