"""The management API as REST. `PREFIX` tells its errors apart: their `error` is a sentence, which the tools show."""

from __future__ import annotations

from typing import Any

from ...schemas import management
from ..operations import Call, Routes
from . import actions

PREFIX = "/api/v1"

routes = Routes(caller="program")


@routes(f"GET {PREFIX}/me", response=management.MeResponse)
def get_me(call: Call) -> Any:
    """Tell whose key it is."""
    return actions.get_me(call.state, call.project_id)


@routes(f"GET {PREFIX}/projects", response=management.ProjectsResponse)
def list_managed_projects(call: Call) -> Any:
    """List the projects of the key: its own."""
    return actions.list_projects(call.state, call.project_id)


@routes(f"GET {PREFIX}/projects/<project_id>", response=management.ProjectResponse)
def get_managed_project(call: Call, project_id: str) -> Any:
    """Get a project with its switches."""
    return actions.get_project(call.state, call.project_id, project_id)


@routes(
    f"PATCH {PREFIX}/projects/<project_id>",
    body=management.ProjectChangesRequest,
    response=management.ProjectResponse,
    body_optional=True,
)
def update_managed_project(call: Call, project_id: str) -> Any:
    """Set some of a project's switches."""
    return actions.update_project(call.state, call.project_id, project_id, call.body)


@routes(
    f"GET {PREFIX}/sessions",
    query=management.ManagementSessionsQuery,
    response=management.ManagedSessionsResponse,
)
def list_managed_sessions(call: Call) -> Any:
    """List conversations, newest activity first."""
    return actions.list_sessions(call.state, call.project_id, call.query)


@routes(f"GET {PREFIX}/sessions/<session_id>", response=management.ConversationResponse)
def get_conversation(call: Call, session_id: str) -> Any:
    """Get a conversation with all of its messages."""
    return actions.get_conversation(call.state, call.project_id, session_id)


@routes(
    f"POST {PREFIX}/sessions/<session_id>/reply",
    body=management.ReplyRequest,
    response=management.ReplyResponse,
    status=201,
    creates=True,
)
def send_reply(call: Call, session_id: str) -> Any:
    """Send an operator's message to the visitor."""
    return actions.send_reply(call.state, call.project_id, session_id, call.body, call.idempotency)


@routes(f"GET {PREFIX}/stats", query=management.ManagementStatsQuery, response=management.ManagementStatsResponse)
def get_management_stats(call: Call) -> Any:
    """Get the figures of a period, or of the time between two moments."""
    return actions.get_stats(call.state, call.project_id, call.query)
