"""Conversations, with what visitors viewed and how they rated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from .messages import Message, SearchMatch
from .people import Identity


class SessionStatus(StrEnum):
    """Whether a conversation is open."""

    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CSAT:
    """A visitor's rating of a conversation.

    :ivar score: 1 (bad) to 5 (good).
    :ivar comment: the visitor's comment, if any.
    :ivar submitted_at: when the visitor rated the conversation.
    """

    score: int
    comment: str | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation with one visitor.

    :ivar id: the public id, `sess_…`.
    :ivar visitor_id: the visitor, who may have several conversations.
    :ivar project_id: the project.
    :ivar status: active or closed.
    :ivar created_at: when it was opened.
    :ivar last_activity: when somebody last wrote.
    :ivar metadata: facts about the visitor's page, with the keys of the API (`pageUrl`, `userAgent`, …).
    :ivar identity: who the visitor is, if known.
    :ivar ai_enabled: whether the AI may reply.
    :ivar ai_active: whether the AI replies now.
    :ivar ai_handed_over: true if the AI has handed over to people, and is silent until somebody allows it again.
    :ivar unread: the number of the visitor's messages that no operator has read.
    :ivar last_message: the newest message that is not one of `NOTICES`, if any.
    :ivar closed_at: when it was closed, if it is.
    :ivar seq: the number of its newest event.
    :ivar signed_in: whether it belongs to a customer of the host app. Then only this customer may continue it.
    :ivar unanswered: whether the last message is the visitor's.
    :ivar visitor_online: whether the visitor's page was connected when this was read.
    :ivar csat: the visitor's rating, if any.
    :ivar csat_requested_at: when the visitor was last asked for a rating, if ever.
    """

    id: str
    visitor_id: str
    project_id: str
    status: SessionStatus
    created_at: datetime
    last_activity: datetime
    metadata: Mapping[str, Any]
    identity: Identity | None
    ai_enabled: bool
    ai_active: bool
    unread: int
    last_message: Message | None
    closed_at: datetime | None
    seq: int
    signed_in: bool = False
    unanswered: bool = False
    visitor_online: bool = False
    csat: CSAT | None = None
    csat_requested_at: datetime | None = None
    ai_handed_over: Literal[True] | None = None


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of conversations.

    :ivar sessions: the newest activity first.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    :ivar matches: for a search, the matching message of each conversation that has one.
    """

    sessions: list[Session]
    next_cursor: str | None
    matches: tuple[SearchMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How many conversations with messages a project has. No number is above `MAX_SESSION_COUNT`.

    :ivar open: the open ones.
    :ivar unanswered: the open ones whose last message is the visitor's.
    :ivar closed: the closed ones.
    """

    open: int
    unanswered: int
    closed: int


@dataclass(frozen=True, slots=True)
class PageVisit:
    """A page that a visitor viewed.

    :ivar url: its address.
    :ivar title: its title, if known.
    :ivar visited_at: when the visitor opened it.
    """

    url: str
    title: str | None
    visited_at: datetime


@dataclass(frozen=True, slots=True)
class PageVisits:
    """A page of the pages that a visitor viewed.

    :ivar pages: newest first.
    :ivar has_more: whether there are older ones.
    """

    pages: list[PageVisit]
    has_more: bool
