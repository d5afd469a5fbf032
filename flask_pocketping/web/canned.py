"""The routes of canned answers: what operators keep for answering."""

from __future__ import annotations

from typing import Any

from ..chat import canned
from . import schemas
from .api import wrapped
from .routing import Call, Routes

routes = Routes(caller="key")


@routes("GET /canned-answers", query=schemas.CursorQuery, answer=schemas.CannedAnswersAnswer)
def list_canned_answers(call: Call) -> Any:
    """List canned answers by their shortcuts."""
    return canned.list_canned_answers(call.state.db, call.project_id, **call.query)


@routes(
    "POST /canned-answers",
    body=schemas.CreateCannedAnswer,
    answer=schemas.CannedAnswerAnswer,
    status=201,
    creates=True,
)
def create_canned_answer(call: Call) -> Any:
    """Keep a text for answering."""
    made = canned.create_canned_answer(
        call.state.db,
        call.body["shortcut"],
        call.body["content"],
        project_id=call.project_id,
        once=wrapped(call, "cannedAnswer"),
    )
    return {"cannedAnswer": made}


@routes("PATCH /canned-answers/<answer_id>", body=schemas.UpdateCannedAnswer, answer=schemas.CannedAnswerAnswer)
def update_canned_answer(call: Call, answer_id: str) -> Any:
    """Change the shortcut of a canned answer, its text or both."""
    changed = canned.update_canned_answer(call.state.db, answer_id, project_id=call.project_id, **call.body)
    return {"cannedAnswer": changed}


@routes("DELETE /canned-answers/<answer_id>", status=204)
def delete_canned_answer(call: Call, answer_id: str) -> Any:
    """Forget a canned answer."""
    canned.delete_canned_answer(call.state.db, answer_id, call.project_id)
