"""URLs that receive events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that receives events.

    :ivar id: the public id, `whk_…`.
    :ivar project_id: the project whose events it receives.
    :ivar url: the URL.
    :ivar events: the types that it receives; `"*"` stands for all.
    :ivar description: a note.
    :ivar enabled: whether it receives events.
    :ivar created_at: when it was registered.
    :ivar disabled_reason: why it is disabled, in words.
    :ivar secret: the key of its signatures, only directly after it was created or rotated.
    """

    id: str
    project_id: str
    url: str
    events: list[str]
    description: str
    enabled: bool
    created_at: datetime
    disabled_reason: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """A page of the webhooks of a project.

    :ivar webhooks: oldest first.
    :ivar next_cursor: the cursor of the next page; `None` on the last one.
    """

    webhooks: list[Webhook]
    next_cursor: str | None
