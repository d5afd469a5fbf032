"""Converts texts to Discord's Markdown: a visitor's characters are shown as they are, and nothing mentions anybody."""

from __future__ import annotations

import re

#: The maximum length of a message's content.
MAX_CONTENT = 2000
#: The longest line with an author's name.
MAX_AUTHOR_LINE = 100

# Discord reads an address up to the next blank or "<" and formats nothing in it. A backslash would become part of it.
_URL = re.compile(r"(https?://[^\s<]+)", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\*_~`|<@\[\]]|:(?=[^\s:]+:)")
_BLOCK = re.compile(r"^([ \t]*)(#{1,3}(?=\s)|-#(?=\s)|[-+](?=\s)|>)", re.MULTILINE)
_ITEM = re.compile(r"^([ \t]*[0-9]+)([.)])(?=\s)", re.MULTILINE)

CODE = re.compile(r"(```.*?```|``.+?``|`[^`\n]+`)", re.DOTALL)
_MENTION = re.compile(r"(?<!\\)<(?=@|#|/|t:|a?:|id:)|(?<!\\)@(?=everyone|here)")
_STRONG = re.compile(r"(?<![\w\\])__(?=\S)(.+?)(?<=\S)__(?!\w)", re.DOTALL)
_IMAGE = re.compile(r"!(?=\[[^\]\n]*\]\()")
_SUBTEXT = re.compile(r"^([ \t]*)-#(?=\s)", re.MULTILINE)


def length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, the strictest way in which Discord may count."""
    return len(text) + sum(character > "\uffff" for character in text)


def from_plain(text: str) -> str:
    """Escape plain text, so that Discord shows every character as it is. Addresses stay links."""
    parts = _URL.split(text)
    # Every second part is an address.
    parts[::2] = [_SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return _ITEM.sub(r"\1\\\2", _BLOCK.sub(r"\1\\\2", "".join(parts)))


def from_markdown(text: str) -> str:
    """Convert our Markdown to Discord's, which also has underlines, spoilers, subtexts and mentions."""
    parts = CODE.split(text)
    # Every second part is code, in which nothing is special.
    parts[::2] = [_convert(part) for part in parts[::2]]
    return "".join(parts)


def author_line(name: str) -> str:
    """Return the line above a text that says who wrote it, with up to `MAX_AUTHOR_LINE` characters."""
    shown = " ".join(name.split())[:MAX_AUTHOR_LINE]
    while length(line := f"**{from_plain(shown)}**\n") > MAX_AUTHOR_LINE:
        shown = shown[:-1].rstrip()
    return line if shown else ""


def fit(text: str, limit: int = MAX_CONTENT) -> str:
    """Escape plain text and leave out what does not fit."""
    shown = from_plain(text)
    while length(shown) > limit:
        text = text[: -max(1, (length(shown) - limit) // 2)]
        shown = from_plain(text.rstrip()) + "…"
    return shown


def _convert(part: str) -> str:
    part = _STRONG.sub(r"**\1**", part)
    part = _IMAGE.sub("", part)
    part = part.replace("||", r"\|\|")
    part = _SUBTEXT.sub(r"\1\\-#", part)
    return _MENTION.sub(r"\\\g<0>", part)
