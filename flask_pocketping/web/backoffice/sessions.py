"""Routes of sessions in the REST API."""

from __future__ import annotations

from typing import Any

from ...chat import bridge_threads, csat, pages, session_counts, sessions, visitors
from ...schemas import backoffice
from ...schemas.base import AcceptedResponse
from ...values import Identity
from ..operations import Call, Routes

routes = Routes(caller="key")


@routes("GET /sessions", query=backoffice.SessionsQuery, response=backoffice.SessionsResponse)
def list_sessions(call: Call) -> Any:
    """List sessions, the newest activity first."""
    return sessions.list_sessions(call.state.db, call.project_id, **call.query)


@routes("GET /sessions/counts", response=backoffice.SessionCountsResponse)
def count_sessions(call: Call) -> Any:
    """Count the sessions with messages by their state."""
    return session_counts.count_by_state(call.state.db, call.project_id)


@routes(
    "POST /sessions",
    body=backoffice.OpenSessionRequest,
    response=backoffice.SessionResponse,
    status=201,
    body_optional=True,
    creates=True,
)
def open_session(call: Call) -> Any:
    """Open a conversation from a server."""
    identity = call.body.get("identity")
    return sessions.open_session(
        call.state.db,
        project_id=call.project_id,
        visitor_id=call.body.get("visitorId"),
        metadata=call.body.get("metadata"),
        identity=identity_of(identity, verified=True) if identity else None,
        ai_enabled=call.state.config.ai_enabled,
        idempotency=call.idempotency,
    )


@routes("GET /sessions/<session_id>", response=backoffice.OfficeSessionResponse)
def get_session(call: Call, session_id: str) -> Any:
    """Get one session, with its threads on bridges."""
    session = sessions.get_session(call.state.db, session_id, call.project_id)
    if not call.state.bridges:
        return {"session": session, "threads": (), "claim": None}
    return {
        "session": session,
        "threads": call.state.bridges.threads_of(session_id),
        "claim": bridge_threads.claim_of(call.state.db, session_id),
    }


@routes("POST /sessions/<session_id>/close", response=backoffice.SessionResponse)
def close_session(call: Call, session_id: str) -> Any:
    """Close a session."""
    return sessions.close_session(call.state.db, session_id, call.project_id)


@routes("POST /sessions/<session_id>/reopen", response=backoffice.SessionResponse)
def reopen_session(call: Call, session_id: str) -> Any:
    """Reopen a closed session."""
    return sessions.reopen_session(call.state.db, session_id, call.project_id)


@routes("POST /sessions/<session_id>/identify", body=backoffice.IdentifyRequest, response=backoffice.SessionResponse)
def identify_visitor(call: Call, session_id: str) -> Any:
    """Say who the visitor is."""
    return visitors.identify(
        call.state.db, session_id, identity_of(call.body, verified=True), project_id=call.project_id
    )


@routes("POST /sessions/<session_id>/ai", body=backoffice.ToggleAIRequest, response=backoffice.SessionResponse)
def toggle_ai(call: Call, session_id: str) -> Any:
    """Allow or forbid the AI to reply in this session."""
    return sessions.set_ai(call.state.db, session_id, call.body["enabled"], call.project_id)


@routes(
    "POST /sessions/<session_id>/events",
    body=backoffice.SendEventRequest,
    response=AcceptedResponse,
    status=202,
    creates=True,
)
def send_event(call: Call, session_id: str) -> Any:
    """Send a custom event to the visitor's page."""
    visitors.send_event(
        call.state.db,
        session_id,
        call.body["name"],
        call.body["data"],
        project_id=call.project_id,
        idempotency=call.idempotency,
    )


@routes("POST /sessions/<session_id>/csat", response=AcceptedResponse, status=202)
def request_csat(call: Call, session_id: str) -> Any:
    """Ask the visitor for a rating. A visitor who has rated is not asked again."""
    csat.request(call.state.db, session_id, call.project_id)


@routes("GET /sessions/<session_id>/pages", query=backoffice.PagesQuery, response=backoffice.PagesResponse)
def list_pages(call: Call, session_id: str) -> Any:
    """List the pages that the visitor viewed, newest first."""
    return pages.list_pages(call.state.db, session_id, project_id=call.project_id, **call.query)


def identity_of(body: dict[str, Any], *, verified: bool) -> Identity:
    """Return the identity in a JSON object."""
    return Identity(
        customer_id=body.get("customerId"),
        email=body.get("email"),
        name=body.get("name"),
        metadata=body.get("metadata"),
        verified=verified,
    )
