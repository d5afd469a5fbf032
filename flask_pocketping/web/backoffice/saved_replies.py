"""Routes of saved replies."""

from __future__ import annotations

from typing import Any

from ...chat import saved_replies
from ...schemas import backoffice
from ..operations import Call, Routes

routes = Routes(caller="key")


@routes("GET /saved-replies", query=backoffice.CursorQuery, response=backoffice.SavedRepliesResponse)
def list_saved_replies(call: Call) -> Any:
    """List saved replies, sorted by shortcut."""
    return saved_replies.list_saved_replies(call.state.db, call.project_id, **call.query)


@routes(
    "POST /saved-replies",
    body=backoffice.CreateSavedReplyRequest,
    response=backoffice.SavedReplyResponse,
    status=201,
    creates=True,
)
def create_saved_reply(call: Call) -> Any:
    """Create a saved reply."""
    return saved_replies.create_saved_reply(
        call.state.db,
        call.body["shortcut"],
        call.body["content"],
        project_id=call.project_id,
        idempotency=call.idempotency,
    )


@routes(
    "PATCH /saved-replies/<reply_id>", body=backoffice.UpdateSavedReplyRequest, response=backoffice.SavedReplyResponse
)
def update_saved_reply(call: Call, reply_id: str) -> Any:
    """Change the shortcut or the text of a saved reply."""
    return saved_replies.update_saved_reply(call.state.db, reply_id, project_id=call.project_id, **call.body)


@routes("DELETE /saved-replies/<reply_id>", status=204)
def delete_saved_reply(call: Call, reply_id: str) -> Any:
    """Delete a saved reply."""
    saved_replies.delete_saved_reply(call.state.db, reply_id, call.project_id)
