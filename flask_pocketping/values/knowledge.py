"""Documents of the knowledge base, and the passages that a search finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnowledgeDocument:
    """A text for the knowledge base.

    :ivar key: its name, up to 255 characters. A document with the same name takes its place.
    :ivar title: up to 500 characters. Empty: the title that is in the text, else the key.
    :ivar text: up to 500,000 characters.
    :ivar url: the page where visitors can read it: an http(s) address, or a path of this site.
    :ivar format: `markdown`, `html` or `text`.
    """

    key: str
    title: str
    text: str
    url: str | None = None
    format: str = "markdown"


@dataclass(frozen=True, slots=True)
class KnowledgeChanges:
    """What a change of several documents did.

    :ivar added: the number of new documents.
    :ivar changed: the number of those that took the place of another version.
    :ivar removed: the number of those that were removed.
    :ivar unchanged: the number of those that were left as they are.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: KnowledgeChanges) -> KnowledgeChanges:
        return KnowledgeChanges(
            self.added + other.added,
            self.changed + other.changed,
            self.removed + other.removed,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that a search found.

    :ivar id: such as `psg_17`. A text keeps its id until its document changes, and no other text ever has it.
    :ivar version: of the document, which counts its changes from 1.
    :ivar title: the title of the document and the headings above the text, such as `Returns > Refunds`.
    :ivar text: Markdown, up to 1200 characters.
    :ivar url: the page where visitors can read it, if it is known.
    :ivar document: the document's key, or its path within the folder.
    :ivar source: `code` or `folder`.
    :ivar score: how well it fits; comparable within one search only.
    """

    id: str
    version: int
    title: str
    text: str
    url: str | None
    document: str
    source: str
    score: float
