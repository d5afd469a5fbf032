"""Signs of life, to and fro: who is there to answer, and what a page says as it goes out of sight."""

from __future__ import annotations

from typing import Any

from ...chat import presence
from ...chat.history import find_position
from ...schemas import visitor
from ...schemas.base import AcceptedResponse
from ..operations import Call, Routes

routes = Routes(caller="visitor")


@routes("GET /presence", response=visitor.PresenceResponse)
def get_presence(call: Call) -> Any:
    """Whether somebody is there to answer, and who."""
    after = call.state.ai_after
    return {
        "online": presence.operator_online(call.state.db, call.project_id),
        "operators": presence.operators(call.state.db, call.project_id),
        "aiEnabled": after is not None,
        "aiActiveAfter": after,
    }


@routes("POST /disconnect", body=visitor.BeaconRequest, any_type=True, response=AcceptedResponse, session="required")
def page_left(call: Call, session_id: str) -> Any:
    """A page was left. The visitor may be on their way to the next one, so their time of grace begins."""
    find_position(call.state.db, session_id)
    presence.stopped_polling(call.state.db, session_id)


@routes("POST /visibility", body=visitor.BeaconRequest, any_type=True, response=AcceptedResponse, session="required")
def page_visibility(call: Call, session_id: str) -> Any:
    """A page went out of sight, or came back. Nothing is kept of it: a page in the background is still there."""
    find_position(call.state.db, session_id)


@routes("GET /screenshot/requests", query=visitor.HandleQuery, response=visitor.ScreenshotsResponse, session="required")
def list_screenshot_requests(call: Call, session_id: str) -> Any:
    """Which pictures of the page are asked for: none ever, since visitors are not to be looked at unawares."""
    find_position(call.state.db, session_id)
    return []
