"""Routes for operators: their tokens, who is online, and the host's facts about visitors."""

from __future__ import annotations

from typing import Any

from ...chat import availability, presence, sessions
from ...errors import Forbidden, NotFound
from ...host.loaders import current_operator, facts_of
from ...schemas import backoffice
from ...values import Operator
from ..operation_limits import ADDRESS
from ..operations import Call, Routes
from ..operator_projects import choose_project, projects_of
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
    allowed = projects_of(call.state, operator)
    project = choose_project(allowed, call.query["project"], call.project_id)
    token = call.state.operator_tokens.make(operator, project.id)
    made = call.state.operator_tokens.read(token)
    return {
        "token": token,
        "expiresAt": made.expires_at,
        "operator": operator,
        "project": project,
        "projects": allowed,
        "capabilities": {
            "ai": call.state.ai is not None,
            "editOthers": call.state.config.operators_edit == "all",
            "maxUploadSize": call.state.files.max_size if call.state.files is not None else None,
            "bridges": list(call.state.bridges.bridges),
        },
    }


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
