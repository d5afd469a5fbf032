"""Texts for frequent questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A text for frequent questions.

    :ivar id: the public id, `can_…`.
    :ivar shortcut: the shortcut to find it, 1 to 40 letters, digits, `-` and `_`.
    :ivar content: 1 to 4000 characters.
    :ivar created_at: when it was created.
    """

    id: str
    shortcut: str
    content: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SavedReplyPage:
    """A page of the saved replies of a project.

    :ivar replies: sorted by shortcut.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    replies: list[SavedReply]
    next_cursor: str | None
