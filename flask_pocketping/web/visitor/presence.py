"""Presence in both directions: who is online in the back office, and whether the visitor's page is open."""

from __future__ import annotations

from typing import Any

from ...chat import presence
from ...chat.history import find_position
from ...schemas import visitor
from ...schemas.base import AcceptedResponse
from ..operations import Call, Routes

routes = Routes(caller="visitor")


@routes("GET /presence", query=visitor.PresenceQuery, response=visitor.PresenceResponse)
def get_presence(call: Call) -> Any:
    """Get whether somebody is online, and who."""
    after = call.state.ai_after
    project_id = call.query["project"] or call.project_id
    return {
        "online": presence.operator_online(call.state.db, project_id),
        "operators": presence.operators(call.state.db, project_id),
        "aiEnabled": after is not None,
        "aiActiveAfter": after,
    }


@routes("POST /disconnect", body=visitor.BeaconRequest, any_type=True, response=AcceptedResponse, session="required")
def page_left(call: Call, session_id: str) -> Any:
    """Say that the visitor left a page. The grace time begins, because they may open another page."""
    find_position(call.state.db, session_id)
    presence.stopped_polling(call.state.db, session_id)


@routes("POST /visibility", body=visitor.BeaconRequest, any_type=True, response=AcceptedResponse, session="required")
def page_visibility(call: Call, session_id: str) -> Any:
    """Say that a page became hidden or visible. The server ignores this, because a hidden page is still open."""
    find_position(call.state.db, session_id)


@routes("GET /screenshot/requests", query=visitor.HandleQuery, response=visitor.ScreenshotsResponse, session="required")
def list_screenshot_requests(call: Call, session_id: str) -> Any:
    """List the requested screenshots of the page. There are never any, to protect visitors."""
    find_position(call.state.db, session_id)
    return []
