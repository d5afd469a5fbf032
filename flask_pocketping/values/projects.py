"""Projects and their API keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: What the management API may switch on or off for a project, and what holds until then.
PROJECT_SWITCHES = {
    "botHeuristicsEnabled": True,
    "telegramNotifyPresence": False,
    "discordNotifyPresence": False,
    "slackNotifyPresence": False,
    "hubspotNotifyPresence": False,
    "uaFilterEnabled": True,
    "ipFilterEnabled": True,
    "csatEnabled": True,
}


@dataclass(frozen=True, slots=True)
class Project:
    """A site with its own conversations, webhooks and API keys.

    :ivar id: `proj_…`.
    :ivar name: a label.
    :ivar created_at: when it was created.
    :ivar switches: the `PROJECT_SWITCHES` that the management API set.
    """

    id: str
    name: str
    created_at: datetime
    switches: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class APIKey:
    """An API key.

    :ivar id: `key_…`, to revoke it.
    :ivar project_id: the project that it opens.
    :ivar name: a label.
    :ivar hint: its beginning and its end.
    :ivar created_at: when it was created.
    :ivar revoked_at: when it was revoked, if it was.
    :ivar key: the key itself, only directly after its creation.
    """

    id: str
    project_id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    key: str | None = field(default=None, repr=False)
