"""Turns texts and questions into words, in the same way for all databases.

The databases would do it differently: PostgreSQL knows hyphens and addresses, MariaDB drops words of two letters, and
none of the three cuts Chinese or Thai. So each gets words that are cut, folded and padded here, with blanks between.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

from .stop_words import STOP_WORDS

#: How many words of a question are searched for.
MAX_QUERY_WORDS = 32
#: Characters of a question that are read.
MAX_QUERY = 10_000
#: Letters of a word that count. MariaDB ignores longer words, and short ones unless they are padded.
MAX_WORD = 64
MIN_WORD = 3
#: How often a word of the title counts.
TITLE_WEIGHT = 4

# Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer put no blanks between words, or inflect without them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+")
_POSSESSIVE = re.compile(r"(?<=\w)['\u2019]s\b")
# The accents of Latin, Greek and Cyrillic letters; marks of other scripts make another letter.
_ACCENTS = re.compile("[\u0300-\u036f]")


def index_words(title: str, text: str) -> list[str]:
    """Return the words of a passage, those of its title four times, for the index."""
    return words(title) * TITLE_WEIGHT + words(text)


def query_words(question: str) -> list[str]:
    """Return the different words of a question that say what it is about, at most 32 of them."""
    return list(dict.fromkeys(words(question[:MAX_QUERY])))[:MAX_QUERY_WORDS]


def words(text: str) -> list[str]:
    """Cut a text into folded words, without those that say nothing.

    :param text: any text, Markdown too; addresses in it are left out.
    """
    found: list[str] = []
    for token in _word_pattern().findall(fold(_POSSESSIVE.sub("", _ADDRESS.sub(" ", text)))):
        for run in _RUNS.findall(token):
            found += _pairs(run) if re.match(f"[{_UNSPACED}]", run) else [run]
    return [_padded(word) for word in found if word not in STOP_WORDS and not (len(word) == 1 and word in _LETTERS)]


_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")


def fold(text: str) -> str:
    """Return a text in small letters and without accents, so that `Größe` and `GROSSE` are the same."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", bare).casefold()


def _pairs(run: str) -> list[str]:
    """Each two neighbouring characters: a search for a word finds the texts that have all of its pairs."""
    return [run] if len(run) == 1 else [run[place : place + 2] for place in range(len(run) - 1)]


def _padded(word: str) -> str:
    return word[:MAX_WORD].ljust(MIN_WORD, "_")


@cache
def _word_pattern() -> re.Pattern[str]:
    # Vowel signs are letters of a word in many scripts, and Python's \w does not have them.
    marks = [number for number in range(0x300, sys.maxunicode // 8) if unicodedata.category(chr(number))[0] == "M"]
    return re.compile(f"[^\\W_](?:[^\\W_]|[{''.join(map(chr, marks))}])*")
