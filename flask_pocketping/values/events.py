"""Events of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: All types of events in the log. Webhooks can subscribe to each. `typing` and `presence` are not in the log.
EVENT_TYPES = (
    "session.created",
    "session.closed",
    "session.reopened",
    "session.updated",
    "message.created",
    "message.updated",
    "message.deleted",
    "message.read",
    "visitor.identified",
    "visitor.connected",
    "visitor.disconnected",
    "ai.toggled",
    "ai.takeover",
    "event.received",
    "event.sent",
    "csat.requested",
    "csat.submitted",
)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the log.

    :ivar id: orders the events of one session, and approximately those of all sessions.
    :ivar project_id: the project.
    :ivar session_id: the public id of its session.
    :ivar seq: its number in the session, from 1, without gaps.
    :ivar type: one of `EVENT_TYPES`.
    :ivar created_at: when it happened.
    :ivar data: what happened, as JSON text in the form that the API sends.
    :ivar payload: what happened, for receivers of signals; empty if the event was read from the log.
    """

    id: int
    project_id: str
    session_id: str
    seq: int
    type: str
    created_at: datetime
    data: str
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def public_id(self) -> str:
        """The id that sockets and webhooks show. Receivers use it to skip repeated events."""
        return f"evt_{self.id}"
