"""Cuts the text of a section into passages that fit into a prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Characters of a passage, and of what a passage repeats of the one before.
MAX_PASSAGE = 1200
OVERLAP = 200

_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_SENTENCES = re.compile(r"(?<=[.!?:;])\s+|(?<=[\u3002\uff01\uff1f])|\n")


def split(text: str) -> list[str]:
    """Cut a text into passages of at most 1200 characters: between paragraphs, else sentences, else words.

    A passage begins with the end of the one before, if this is a sentence or more of at most 200 characters.
    """
    if len(text) <= MAX_PASSAGE:
        return [text]
    passages: list[str] = []
    current: list[_Piece] = []
    length = 0
    for piece in _pieces(text):
        if current and length + len(piece.text) > MAX_PASSAGE:
            passages.append(_joined(current))
            current = _tail(current, MAX_PASSAGE - len(piece.text))
            length = sum(map(_length, current))
        current.append(piece)
        length += _length(piece)
    return [*passages, _joined(current)]


class _Piece(NamedTuple):
    """A part that is never cut, and what is between it and the next."""

    text: str
    glue: str


def _pieces(text: str) -> Iterator[_Piece]:
    for paragraph, gap in _cut_at(_PARAGRAPHS, text, "\n\n"):
        if len(paragraph) <= MAX_PASSAGE // 2:
            yield _Piece(paragraph, gap)
            continue
        for sentence, space in _cut_at(_SENTENCES, paragraph, gap):
            *parts, last = _cut(sentence)
            for part in parts:
                yield _Piece(part, " ")
            yield _Piece(last, space)


def _cut_at(pattern: re.Pattern[str], text: str, end: str) -> Iterator[tuple[str, str]]:
    """The parts of a text between two matches, each with the match after it, and the last with `end`."""
    start = 0
    for found in pattern.finditer(text):
        if found.start() > start:
            yield text[start : found.start()], found[0]
        start = found.end()
    if start < len(text):
        yield text[start:], end


def _cut(sentence: str) -> Iterator[str]:
    limit = MAX_PASSAGE - OVERLAP
    while len(sentence) > limit:
        end = sentence.rfind(" ", limit // 2, limit)
        end = limit if end < 0 else end
        yield sentence[:end].strip()
        sentence = sentence[end:].strip()
    yield sentence


def _tail(pieces: list[_Piece], room: int) -> list[_Piece]:
    """The last pieces that fit into a passage beside the next piece, and are no longer than an overlap."""
    kept: list[_Piece] = []
    for piece in reversed(pieces):
        room -= _length(piece)
        if room < 0 or sum(map(_length, kept)) + _length(piece) > OVERLAP:
            break
        kept.insert(0, piece)
    return kept


def _length(piece: _Piece) -> int:
    return len(piece.text) + len(piece.glue)


def _joined(pieces: list[_Piece]) -> str:
    return "".join(piece.text + piece.glue for piece in pieces).strip()
