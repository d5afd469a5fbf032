"""A help centre of 320 texts and 640 questions, put together from forty subjects and eight aspects of each.

The texts use the words of those who write help pages. The questions use the words of those who ask: what a subject is
called there was written down without its text, and so were the questions of an aspect.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class HelpText:
    """A text, and the questions that it is meant to answer."""

    key: str
    title: str
    text: str
    questions: tuple[str, ...]


def help_texts() -> list[HelpText]:
    """All texts, in the same order each time."""
    subjects, aspects = _rows("subjects.txt"), _rows("aspects.txt")
    found = []
    for number, (subject, described, *called) in enumerate(subjects):
        for place, (aspect, told, *asked) in enumerate(aspects):
            other = subjects[(number * 7 + place * 5 + 3) % len(subjects)][0]
            text = f"{told.format(t=subject)}\n\n{described} See also: {other}."
            # Each way of asking meets each name of the subject in turn.
            questions = tuple(question.format(x=called[(place + turn) % 2]) for turn, question in enumerate(asked))
            key = f"{subject}-{aspect}".lower().replace(" ", "-")
            found.append(HelpText(key, f"{subject}: {aspect.lower()}", text, questions))
    return found


def _rows(name: str) -> list[list[str]]:
    lines = (FOLDER / name).read_text().splitlines()
    return [[cell.strip() for cell in line.split(" | ")] for line in lines if not line.startswith("#")]
