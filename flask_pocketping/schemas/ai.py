"""Requests and responses of the AI's routes in the back office."""

from __future__ import annotations

from marshmallow import fields, validate

from .. import bounds
from .base import BackOfficeRequest, OutputSchema
from .fields import StrictBoolean, Text, Time, content_field, length, page_size

DRAFT_STATES = ("pending", "sent", "dropped", "stale")
ACTION_STATES = ("waiting", "accepted", "running", "done", "failed", "refused", "stale")
OUTCOMES = ("answered", "drafted", "asked", "handed_over", "failed")


class AISourceSchema(OutputSchema):
    optional = frozenset({"url"})

    id = fields.String(required=True)
    version = fields.String(required=True, metadata={"description": "Of its document, when it was used."})
    title = fields.String(required=True)
    url = fields.String()


class AIDraftSchema(OutputSchema):
    optional = frozenset({"messageId"})

    id = fields.String(required=True)
    sessionId = fields.String(attribute="session_id", required=True)
    content = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": list(DRAFT_STATES)})
    passages = fields.List(fields.Nested(AISourceSchema), required=True)
    messageId = fields.String(attribute="message_id", metadata={"description": "The message that it became."})
    createdAt = Time(attribute="created_at", required=True)


class AIDraftsResponse(OutputSchema):
    holds = "drafts"

    drafts = fields.List(fields.Nested(AIDraftSchema), required=True)


class SendDraftRequest(BackOfficeRequest):
    content = content_field(load_default=None, allow_none=True)
    operatorName = Text(validate=length(bounds.MAX_NAME, least=1))


class AIActionSchema(OutputSchema):
    optional = frozenset({"result"})

    id = fields.String(required=True)
    sessionId = fields.String(attribute="session_id", required=True)
    tool = fields.String(required=True)
    arguments = fields.Raw(required=True, metadata={"type": "object"})
    question = fields.String(required=True)
    asks = fields.String(required=True, metadata={"enum": ["visitor", "operator"]})
    state = fields.String(required=True, metadata={"enum": list(ACTION_STATES)})
    result = fields.String(metadata={"description": "What the tool returned."})
    createdAt = Time(attribute="created_at", required=True)


class AIActionsResponse(OutputSchema):
    holds = "actions"

    actions = fields.List(fields.Nested(AIActionSchema), required=True)


class AIActionResponse(OutputSchema):
    holds = "action"

    action = fields.Nested(AIActionSchema, required=True)


class DecideActionRequest(BackOfficeRequest):
    accept = StrictBoolean(required=True)


class AIAnswersQuery(BackOfficeRequest):
    limit = page_size()


class AICallSchema(OutputSchema):
    name = fields.String(required=True)
    ok = fields.Boolean(required=True)


class AIAnswerSchema(OutputSchema):
    optional = frozenset({"messageId", "draftId", "reason"})

    id = fields.String(required=True)
    messageId = fields.String(attribute="message_id", metadata={"description": "The message that it became."})
    draftId = fields.String(attribute="draft_id", metadata={"description": "The draft that it became."})
    outcome = fields.String(required=True, metadata={"enum": list(OUTCOMES)})
    reason = fields.String(metadata={"description": "Why it handed over or failed."})
    inputTokens = fields.Integer(attribute="input_tokens", required=True)
    outputTokens = fields.Integer(attribute="output_tokens", required=True)
    duration = fields.Integer(attribute="duration_ms", required=True, metadata={"description": "ms"})
    passages = fields.List(fields.Nested(AISourceSchema), required=True)
    calls = fields.List(fields.Nested(AICallSchema), required=True, metadata={"description": "Tools that it called."})
    createdAt = Time(attribute="created_at", required=True)


class AIAnswersResponse(OutputSchema):
    holds = "answers"

    answers = fields.List(fields.Nested(AIAnswerSchema), required=True)


class AIStatusResponse(OutputSchema):
    optional = frozenset({"model", "mode", "dailyBudget"})

    enabled = fields.Boolean(required=True, metadata={"description": "Whether this app has an AI."})
    model = fields.String()
    mode = fields.String(validate=validate.OneOf(("answer", "draft")))
    usedToday = fields.Integer(required=True, metadata={"description": "Tokens of today (UTC), over all projects."})
    dailyBudget = fields.Integer(metadata={"description": "Left out if there is no limit."})
