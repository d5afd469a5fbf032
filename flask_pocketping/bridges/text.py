"""Cuts texts into posts that a platform takes, at sensible places and never within a character as people see it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

#: How far before the end of a post a text is searched for a better place, as a share of the post.
_LOOK_BACK = 0.4

_JOINER = "\u200d"
#: Letters and symbols that look like nothing: fillers of Hangul, and the blank pattern of Braille.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"
_EXTENDING = {"Mn", "Me", "Mc"}


def graphemes(text: str) -> Iterator[str]:
    """Yield the characters of a text as people see them.

    This follows UAX #29 for combining marks, emoji with modifiers and joiners, flags, tags, Hangul syllables and CR LF.
    """
    start = 0
    for index in range(1, len(text)):
        if _may_cut(text, start, index):
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def _may_cut(text: str, start: int, index: int) -> bool:
    before, after = text[index - 1], text[index]
    if before == "\r" and after == "\n":
        return False
    if before == _JOINER or after == _JOINER:
        return False
    code = ord(after)
    # Skin tones and tags belong to the emoji before them.
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F or 0xFE00 <= code <= 0xFE0F:
        return False
    if unicodedata.category(after) in _EXTENDING:
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        return (index - start) % 2 == 0
    # A vowel or final consonant of Hangul in its parts.
    return not (0x1160 <= code <= 0x11FF and 0x1100 <= ord(before) <= 0x11FF)


def _is_flag_letter(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def cut(text: str, limit: int, measure: Callable[[str], int] = len, *, first: int | None = None) -> list[str]:
    """Cut a text into parts that fit, at the end of a paragraph, line, sentence or word if there is one.

    :param limit: the maximum length of a part.
    :param measure: returns the length of a text.
    :param first: the maximum length of the first part, if it differs.
    :return: at least one part. Together they have all characters but the blanks between them.
    """
    parts = []
    most = limit if first is None else first
    rest = text
    while measure(rest) > most:
        end = _end(rest, most, measure)
        parts.append(rest[:end].rstrip())
        rest = rest[end:]
        rest = rest.lstrip("\n") if rest.startswith("\n") else rest.removeprefix(" ")
        most = limit
    parts.append(rest)
    return [part for part in parts if part] or [text]


def _end(text: str, most: int, measure: Callable[[str], int]) -> int:
    """Return where the first part of a too long text ends."""
    end = 0
    size = 0
    for character in graphemes(text):
        size += measure(character)
        if size > most:
            break
        end += len(character)
    # Escaping may make a text longer than its characters by themselves.
    while end > 1 and measure(text[:end]) > most:
        end -= 1
    if end == 0:
        # A single character is too long, so it can't stay whole.
        return max(1, most)
    for separator in ("\n\n", "\n", ". ", "! ", "? ", " "):
        found = text.rfind(separator, int(end * (1 - _LOOK_BACK)), end + 1)
        if found > 0:
            return found + (0 if separator.isspace() else 1)
    return end


def clip(text: str, limit: int) -> str:
    """Shorten a text to a number of characters, with an ellipsis if something is missing."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    kept = ""
    for character in graphemes(line):
        if len(kept) + len(character) > limit - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def is_visible(text: str) -> bool:
    """Return whether a text has a character that people can see."""
    return any(unicodedata.category(char)[0] not in "CZM" and char not in _BLANK for char in text)
