"""Routes of the AI in the REST API: its drafts, the calls that need a yes, and what it used."""

from __future__ import annotations

from typing import Any

from ... import clock
from ...chat import ai_actions, ai_answers, ai_budget, ai_drafts
from ...schemas import ai
from ...schemas.backoffice import MessageResponse
from ..operations import Call, Routes

routes = Routes(caller="key")


@routes("GET /ai", response=ai.AIStatusResponse)
def get_ai(call: Call) -> Any:
    """Get whether the app has an AI, and what it has used today."""
    used = ai_budget.used_on(call.state.db, clock.now().date())
    if call.state.ai is None:
        return {"enabled": False, "usedToday": used}
    config = call.state.config
    return {
        "enabled": True,
        "model": call.state.ai.name,
        "mode": config.ai_mode,
        "usedToday": used,
        "dailyBudget": config.ai_daily_budget,
    }


@routes("GET /sessions/<session_id>/ai/answers", query=ai.AIAnswersQuery, response=ai.AIAnswersResponse)
def list_ai_answers(call: Call, session_id: str) -> Any:
    """List what the AI did in this session, newest first: answers with their passages and cost, and failures."""
    return ai_answers.list_answers(call.state.db, session_id, call.project_id, limit=call.query["limit"])


@routes("GET /sessions/<session_id>/ai/drafts", response=ai.AIDraftsResponse)
def list_ai_drafts(call: Call, session_id: str) -> Any:
    """List the AI's drafts in this session, newest first."""
    return ai_drafts.list_drafts(call.state.db, session_id, call.project_id)


@routes(
    "POST /sessions/<session_id>/ai/drafts/<draft_id>/send",
    body=ai.SendDraftRequest,
    response=MessageResponse,
    status=201,
    body_optional=True,
)
def send_ai_draft(call: Call, session_id: str, draft_id: str) -> Any:
    """Send a draft to the visitor, as it is or changed."""
    message = ai_drafts.send_draft(
        call.state.db,
        session_id,
        draft_id,
        content=call.body["content"],
        project_id=call.project_id,
        operator_id=call.operator.id if call.operator else None,
        operator_name=call.operator.name if call.operator else call.body.get("operatorName"),
        before=call.state.before_message,
    )
    call.state.announcer.draft_changed(call.project_id, session_id)
    return message


@routes("DELETE /sessions/<session_id>/ai/drafts/<draft_id>", status=204)
def drop_ai_draft(call: Call, session_id: str, draft_id: str) -> Any:
    """Drop a draft."""
    ai_drafts.drop_draft(call.state.db, session_id, draft_id, call.project_id)
    call.state.announcer.draft_changed(call.project_id, session_id)


@routes("GET /sessions/<session_id>/ai/actions", response=ai.AIActionsResponse)
def list_ai_actions(call: Call, session_id: str) -> Any:
    """List the AI's calls of tools with effects in this session, newest first."""
    return ai_actions.list_actions(call.state.db, session_id, call.project_id)


@routes("POST /sessions/<session_id>/ai/actions/<action_id>", body=ai.DecideActionRequest, response=ai.AIActionResponse)
def decide_ai_action(call: Call, session_id: str, action_id: str) -> Any:
    """Confirm or refuse a call of a tool with effects."""
    action = ai_actions.decide(call.state.db, session_id, action_id, call.body["accept"], call.project_id)
    call.state.announcer.action_changed(call.project_id, session_id)
    return action
