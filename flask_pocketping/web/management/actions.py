"""What the public tools can do. `routes.py` serves it as REST, `tools.py` as tools of MCP.

Each function gets the project of the caller's key; a thing of another project is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlsplit

from flask import request

from ... import clock
from ...chat import messages, projects, sessions, stats
from ...chat.idempotency import IdempotentRequest
from ...errors import ProjectNotFound
from ...state import State
from ...values import PROJECT_SWITCHES, Message, Project, SessionPage, Stats

#: All projects of an installation belong to one organization.
ORGANIZATION = "org_default"


def get_me(state: State, own: str) -> dict[str, Any]:
    """Tell whose key it is."""
    return {"organization": {"id": ORGANIZATION}, "project": projects.get_project(state.db, own)}


def list_projects(state: State, own: str) -> dict[str, Any]:
    """List the projects of a key: its own."""
    return {"projects": [_project(state, projects.get_project(state.db, own))]}


def get_project(state: State, own: str, project_id: str) -> dict[str, Any]:
    """Get a project with its switches."""
    _check_own(own, project_id)
    return {"project": _project(state, projects.get_project(state.db, own))}


def update_project(state: State, own: str, project_id: str, changes: Mapping[str, bool]) -> dict[str, Any]:
    """Set some of a project's switches."""
    _check_own(own, project_id)
    return {"project": _project(state, projects.set_switches(state.db, own, changes))}


def list_sessions(state: State, own: str, query: Mapping[str, Any]) -> SessionPage:
    """List conversations, newest activity first."""
    wanted = dict(query)
    _check_own(own, wanted.pop("projectId", own))
    if wanted.get("status") == "archived":
        return SessionPage([], None)
    return sessions.list_sessions(state.db, own, **wanted)


def get_conversation(state: State, own: str, session_id: str) -> dict[str, Any]:
    """Get a conversation with all of its messages, oldest first."""
    session = sessions.get_session(state.db, session_id, own)
    found: list[Message] = []
    after, has_more = 0, True
    while has_more:
        page = messages.list_messages(state.db, session_id, project_id=own, after=after, limit=100)
        found += page.messages
        has_more = page.has_more
        after = found[-1].seq if found else 0
    return {"session": session, "messages": found}


def send_reply(
    state: State, own: str, session_id: str, body: Mapping[str, Any], idempotency: IdempotentRequest | None = None
) -> Message:
    """Send an operator's message to the visitor."""
    return messages.send_message(
        state.db,
        session_id,
        body["content"],
        project_id=own,
        operator_name=body.get("operatorName"),
        idempotency=idempotency,
        before=state.before_message,
    )


def get_stats(state: State, own: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Get the figures of a period, or of the time between two moments."""
    _check_own(own, query.get("projectId", own))
    if "since" in query:
        since, until = query["since"], query["until"]
        found = stats.stats_between(state.db, since, until, own)
    else:
        found = stats.stats(state.db, query["period"], own)
        since, until = datetime.combine(found.first_day, time(), UTC), clock.now()
    told = _figures(found) | {
        "since": since,
        "until": until,
        "messages": stats.count_messages(state.db, since, until, own),
    }
    if "projectId" not in query:
        name = projects.get_project(state.db, own).name
        told["by_project"] = [
            {"project_name": name, "conversations": found.conversations, "csat_percent": found.csat.satisfied}
        ]
    return told


def _figures(found: Stats) -> dict[str, Any]:
    return {
        "period": found.period,
        "conversations": found.conversations,
        "sparkline": [day.conversations for day in found.days],
        "response_rate": found.response_rate or 0.0,
        "median_first_response": found.median_first_response,
        "unanswered": found.unanswered,
        "csat": {"percent": found.csat.satisfied, "average": found.csat.score, "responses": found.csat.count},
        "by_project": None,
        "truncated": False,
    }


def _project(state: State, project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "domain": urlsplit(state.config.public_url or request.host_url).hostname or "",
        "session_count": projects.count_sessions(state.db, project.id),
        **PROJECT_SWITCHES,
        **project.switches,
    }


def _check_own(own: str, project_id: str) -> None:
    if project_id != own:
        raise ProjectNotFound
