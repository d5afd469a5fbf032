"""Documents as they are handed over, checked and cut into passages. This is done before a transaction begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..bounds import MAX_DOCUMENT, MAX_DOCUMENT_KEY, MAX_TITLE, MAX_URL, check_line, check_text
from ..errors import InvalidRequest
from ..values import KnowledgeDocument
from .html_pages import read_html
from .markdown_pages import read_markdown, read_text
from .pages import Page
from .splitting import split

#: How many passages a project may have.
MAX_PASSAGES = 20_000
#: Part of each hash. A version of this package that reads or cuts documents in another way has another one, so that
#: documents are indexed again.
READER = 1

FORMATS: Mapping[str, Callable[[str], Page]] = {"markdown": read_markdown, "html": read_html, "text": read_text}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that is ready to be stored.

    :ivar hash: of all that it has; equal hashes need no new passages.
    :ivar rows: the columns that its passages differ in.
    """

    key: str
    hash: str
    title: str
    url: str | None
    rows: list[dict[str, Any]]


def prepare(document: KnowledgeDocument, untitled: str = "") -> Prepared:
    """Check a document and cut it into passages.

    :param untitled: the title of a document without one. Default: its key.
    :raises InvalidRequest: naming what is wrong with it.
    """
    _check(document)
    page = FORMATS[document.format](document.text)
    title = document.title or page.title[:MAX_TITLE].strip() or untitled or document.key
    url = document.url or (page.url if page.url and _is_url(page.url) else None)
    rows: list[dict[str, Any]] = [
        {"position": 0, "heading": section.heading[:MAX_TITLE], "text": text}
        for section in page.sections
        for text in split(section.text)
    ]
    if not rows:
        raise InvalidRequest.field("text", "Has no text to index.")
    for position, row in enumerate(rows):
        row["position"] = position
    facts = json.dumps([READER, document.format, title, url, document.text])
    return Prepared(document.key, hashlib.sha256(facts.encode()).hexdigest(), title, url, rows)


def _check(document: KnowledgeDocument) -> None:
    check_line("key", document.key, MAX_DOCUMENT_KEY)
    if not isinstance(document.key, str):
        raise InvalidRequest.field("key", "Not a valid string.")
    check_line("title", document.title or None, MAX_TITLE)
    if not isinstance(document.text, str) or not document.text.strip():
        raise InvalidRequest.field("text", "May not be blank.")
    check_text("text", document.text, MAX_DOCUMENT)
    if not isinstance(document.format, str) or document.format not in FORMATS:
        raise InvalidRequest.field("format", f"Must be one of {', '.join(FORMATS)}.")
    if document.url is not None and not (isinstance(document.url, str) and _is_url(document.url)):
        raise InvalidRequest.field("url", f"Must be an http(s) address or a path of at most {MAX_URL} characters.")


def _is_url(url: str) -> bool:
    """Whether a page may link to it: a complete address of the web, or a path of this site."""
    try:
        found = urlsplit(url)
    except ValueError:
        return False
    if len(url) > MAX_URL or not url.isprintable() or any(character in url for character in ' "<>\\`'):
        return False
    return bool(found.netloc) if found.scheme in {"http", "https"} else not found.scheme and _is_path(url)


def _is_path(url: str) -> bool:
    return url.startswith("/") and not url.startswith("//")
