"""What the AI needs of a knowledge base: a search for passages."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urljoin

from ..values import AISource, Passage

logger = logging.getLogger("flask_pocketping")


class FoundPassage(Protocol):
    """A passage that fits a question."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int | str: ...

    @property
    def title(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def url(self) -> str | None: ...


class Knowledge(Protocol):
    """A knowledge base."""

    def search(self, project_id: str, query: str, limit: int) -> Sequence[FoundPassage]:
        """Return the passages that fit a question best, the best first.

        :param query: a question in natural language.
        :param limit: the maximum number of passages.
        """


class PassageSearch(Protocol):
    """The chat's own knowledge base."""

    def search(self, project_id: str, query: str, limit: int) -> Sequence[Passage]: ...


@dataclass(frozen=True, slots=True)
class SiteKnowledge:
    """A knowledge base with the complete address of each passage that has a path of the site.

    An answer is read on chat platforms too, where a path leads nowhere.

    :ivar base: the knowledge base.
    :ivar public_url: the address of the site, if the app knows it. Without it, paths stay as they are.
    """

    base: PassageSearch
    public_url: str | None

    def search(self, project_id: str, query: str, limit: int) -> Sequence[Passage]:
        """Return the passages that fit a question best, the best first."""
        found = self.base.search(project_id, query, limit)
        if self.public_url is None:
            return found
        return [replace(one, url=urljoin(self.public_url, one.url) if one.url else None) for one in found]


def search(knowledge: Knowledge, project_id: str, query: str, limit: int) -> Sequence[FoundPassage]:
    """Search a knowledge base. If it fails, there are no passages, so that the model hands over."""
    try:
        return knowledge.search(project_id, query, limit)
    except Exception:
        logger.exception("The knowledge base could not be searched.")
        return ()


def source_of(passage: FoundPassage) -> AISource:
    """Return what is recorded of a passage."""
    return AISource(passage.id, str(passage.version), passage.title, passage.url)
