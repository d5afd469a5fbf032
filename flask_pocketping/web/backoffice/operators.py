"""Routes for operators: their tokens, who is online, and the host's facts about visitors."""

from __future__ import annotations

from typing import Any

from ...chat import availability, presence, sessions
from ...chat.projects import find_projects
from ...errors import Forbidden, NotFound
from ...host.loaders import current_operator, facts_of
from ...schemas import backoffice
from ...values import Operator, Project
from ..operation_limits import ADDRESS
from ..operations import Call, Routes
from ..origins import check_same_origin

routes = Routes(caller="key")


@routes(
    "POST /inbox/token", query=backoffice.OperatorTokenQuery, response=backoffice.OperatorTokenResponse, caller="anyone"
)
def make_operator_token(call: Call) -> Any:
    """Create a token for the operator who is signed in to the host app, by its cookies."""
    check_same_origin()
    ADDRESS.count(call.state)
    if call.state.loaders.operator is None:
        raise NotFound("This app has no operators: it sets no operator_loader.")
    operator = current_operator(call.state.loaders)
    if not isinstance(operator, Operator):
        raise Forbidden("Sign in as an operator first.")
    allowed = find_projects(call.state.db, operator.projects or (call.project_id,))
    project = _choose_project(allowed, call.query["project"], call.project_id)
    token = call.state.operator_tokens.make(operator, project.id)
    made = call.state.operator_tokens.read(token)
    return {
        "token": token,
        "expiresAt": made.expires_at,
        "operator": operator,
        "project": project,
        "projects": allowed,
    }


def _choose_project(allowed: list[Project], wanted: str | None, default: str) -> Project:
    """Return the project that an operator asks for, or else the default one or the first that they may see."""
    by_id = {project.id: project for project in allowed}
    if wanted is None:
        wanted = default if default in by_id else next(iter(by_id), None)
    if wanted is None or wanted not in by_id:
        # Whether it exists is told to nobody else.
        raise Forbidden("You may not open the inbox of this project.")
    return by_id[wanted]


@routes("GET /operators", response=backoffice.OperatorsResponse)
def list_operators(call: Call) -> Any:
    """List the operators who are connected now."""
    return presence.connected_operators(call.state.db, call.project_id)


@routes("POST /operators/me/availability", body=backoffice.AvailabilityRequest, response=backoffice.AttendanceResponse)
def set_availability(call: Call) -> Any:
    """Count as online without a connection, or no longer."""
    before, now = availability.set_online(
        call.state.db,
        call.project_id,
        call.counted,
        call.body["available"],
        operator=call.operator,
        seconds=call.body.get("seconds"),
    )
    call.state.announcer.attendance_changed(call.project_id, before, now)
    return now


@routes("GET /sessions/<session_id>/context", response=backoffice.ContextResponse)
def get_context(call: Call, session_id: str) -> Any:
    """Get the host app's facts about this session's visitor."""
    session = sessions.get_session(call.state.db, session_id, call.project_id)
    return facts_of(call.state.loaders, call.state.urls.complete(session))
