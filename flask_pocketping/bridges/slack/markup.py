"""Makes the texts of posts: visitors' text, shown as it is, and our Markdown as Slack's mrkdwn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The longest `text` of a message in characters.
MAX_TEXT = 4000

Element = dict[str, Any]
Blocks = list[Mapping[str, Any]]

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_URL = re.compile(r"https?://[^\s<>\"]{1,2000}[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)

# The lengths are bounded, so that no text takes long.
_INLINE = re.compile(
    r"(?P<ticks>`{1,8})(?!`)(?P<code>[^\n]{1,1500}?)(?<!`)(?P=ticks)(?!`)"
    r"|!?\[(?P<label>[^\[\]\n]{0,500})\]\((?P<url>[^\s()<>]{1,1500}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,500})?)\)"
    r"|<(?P<address>(?:https?://|mailto:)[^\s<>]{1,1500})>"
    r"|(?P<bolder>\*\*\*)(?=\S)(?P<bolditalic>[^\n]{1,500}?)(?<=[^\s*])\*\*\*(?!\*)"
    r"|(?P<bolds>\*\*|(?<!\w)__)(?=\S)(?P<bold>[^\n]{1,500}?)(?<=\S)(?P=bolds)(?!\*)"
    r"|~~(?=\S)(?P<strike>[^\n]{1,500}?)(?<=\S)~~"
    r"|\*(?=[^\s*])(?P<star>[^\n*]{1,500}?)(?<=\S)\*"
    r"|(?<!\w)_(?=[^\s_])(?P<under>[^\n]{1,500}?)(?<=\S)_(?!\w)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)
#: How deep styles are nested.
_DEEPEST = 6
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>.*?)[ \t]*#*")
_BULLET = re.compile(r"(?P<indent>[ \t]*)[-*+][ \t]+(?=\S)")
_QUOTE = re.compile(r" {0,3}>(?:[ \t]?>)*[ \t]?")


def escape(text: str) -> str:
    """Escape the characters by which Slack knows mentions and links. `@channel` without them mentions nobody."""
    return text.translate(_ENTITIES)


def to_mrkdwn(markdown: str) -> str:
    """Convert our Markdown to escaped mrkdwn."""
    lines = []
    fence = ""
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip()
            lines.append("```" if closes else escape(line))
            fence = "" if closes else fence
        elif mark is not None:
            fence = mark[1]
            lines.append("```")
        else:
            lines.append(_line(line))
    return "\n".join([*lines, "```"] if fence else lines)


def plain_blocks(text: str, *, title: str = "", quote: str = "", italic: bool = False) -> Blocks:
    """Return blocks that show a text character by character, without formatting, emoji or mentions. Links work.

    :param title: a line in bold above.
    :param quote: a quoted line above.
    :param italic: whether the text is in italics.
    """
    elements: list[Element] = []
    if quote:
        elements.append({"type": "rich_text_quote", "elements": [{"type": "text", "text": quote}]})
    parts: list[Element] = []
    if title:
        parts.append({"type": "text", "text": title + ("\n" if text else ""), "style": {"bold": True}})
    style = {"style": {"italic": True}} if italic else {}
    parts.extend({**part, **style} for part in _linked(text))
    if parts:
        elements.append({"type": "rich_text_section", "elements": parts})
    return [{"type": "rich_text", "elements": elements}] if elements else []


def quote_line(text: str, longest: int = 150) -> str:
    """Return the first characters of a text in one line, to quote it."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _linked(text: str) -> Iterator[Element]:
    end = 0
    for match in _URL.finditer(text):
        if match.start() > end:
            yield {"type": "text", "text": text[end : match.start()]}
        yield {"type": "link", "url": match[0]}
        end = match.end()
    if end < len(text):
        yield {"type": "text", "text": text[end:]}


def _line(line: str) -> str:
    if quote := _QUOTE.match(line):
        return "> " * quote[0].count(">") + _unquoted(line[quote.end() :])
    return _unquoted(line)


def _unquoted(line: str) -> str:
    if heading := _HEADING.fullmatch(line):
        text = _inline(heading["text"]).replace("*", "")
        return f"*{text}*" if text else ""
    if bullet := _BULLET.match(line):
        return f"{bullet['indent']}• {_inline(line[bullet.end() :])}"
    return _inline(line)


def _inline(text: str, depth: int = 0) -> str:
    if depth > _DEEPEST:
        return escape(text)
    parts = []
    end = 0
    for match in _INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _converted(match, depth + 1)]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _converted(match: re.Match[str], depth: int) -> str:
    if match["code"] is not None:
        return f"`{escape(match['code'])}`"
    if match["url"] is not None:
        return _link(match["url"], match["label"], depth)
    if match["address"] is not None:
        return _link(match["address"], "", depth)
    if match["bolditalic"] is not None:
        return f"*_{_inline(match['bolditalic'], depth)}_*"
    for name, mark in (("bold", "*"), ("strike", "~"), ("star", "_"), ("under", "_")):
        if match[name] is not None:
            return mark + _inline(match[name], depth) + mark
    return escape(match["escaped"])


def _link(url: str, label: str, depth: int) -> str:
    shown = _inline(label, depth)
    if not re.match(r"https?://|mailto:", url, re.IGNORECASE):
        return f"{shown} ({escape(url)})" if shown else escape(url)
    target = escape(url).replace("|", "%7C")
    return f"<{target}|{shown.replace('|', '¦')}>" if shown and label != url else f"<{target}>"


def first_characters(text: str, longest: int = MAX_TEXT) -> str:
    """Return the beginning of an escaped text, without half an entity at its end."""
    return text if len(text) <= longest else re.sub(r"&[a-z]{0,3}$", "", text[: longest - 1]) + "…"


def text_of(parts: Sequence[str]) -> str:
    """Return the escaped lines of a message that are not empty."""
    return "\n".join(part for part in parts if part)
