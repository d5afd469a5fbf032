"""Requests and responses of the management API (`/api/v1`), whose clients are PocketPing's public tools."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from .. import bounds
from ..clock import parse_utc
from ..values import PROJECT_SWITCHES, SessionStatus
from .backoffice import ProjectNameSchema
from .base import BackOfficeRequest, OutputSchema
from .fields import StrictBoolean, Text, Time, content_field, length, one_of, page_size
from .values import MessageSchema, SessionSchema

#: What the public tools may ask for. Nothing is archived here, so that one finds nothing.
STATUSES = (*SessionStatus, "archived")


class ManagementQuery(Schema):
    """A query of the public tools: newer ones may ask for more than we know."""

    class Meta:
        unknown = EXCLUDE


class ManagementSessionsQuery(ManagementQuery):
    projectId = Text(validate=length(40))
    status = one_of(STATUSES)
    unanswered = fields.Boolean()
    q = Text(validate=length(bounds.MAX_SEARCH, least=1))
    limit = page_size(25)
    cursor = Text(validate=length(bounds.MAX_CURSOR))


class Moment(Text):
    """A time in RFC 3339; one without an offset is UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return parse_utc(text)
        except ValueError:
            raise ValidationError("Must be a time such as 2024-01-15T10:30:00Z.") from None


class ManagementStatsQuery(ManagementQuery):
    projectId = Text(validate=length(40))
    period = one_of(bounds.STATS_PERIODS, load_default="7d")
    since = Moment(data_key="from")
    until = Moment(data_key="to")

    @validates_schema
    def _check_both(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("since" in data) != ("until" in data):
            raise ValidationError("from and to belong together.")


class ProjectChangesRequest(BackOfficeRequest):
    botHeuristicsEnabled = StrictBoolean()
    telegramNotifyPresence = StrictBoolean()
    discordNotifyPresence = StrictBoolean()
    slackNotifyPresence = StrictBoolean()
    hubspotNotifyPresence = StrictBoolean()
    uaFilterEnabled = StrictBoolean()
    ipFilterEnabled = StrictBoolean()
    csatEnabled = StrictBoolean()


class ReplyRequest(BackOfficeRequest):
    content = content_field(required=True)
    operatorName = Text(allow_none=True, validate=length(bounds.MAX_NAME, least=1))


class OrganizationSchema(OutputSchema):
    id = fields.String(required=True)


class MeResponse(OutputSchema):
    organization = fields.Nested(OrganizationSchema, required=True)
    project = fields.Nested(ProjectNameSchema, required=True)


class ProjectSummarySchema(OutputSchema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    domain = fields.String(required=True)
    sessionCount = fields.Integer(attribute="session_count", required=True)


class ProjectSchema(ProjectSummarySchema):
    botHeuristicsEnabled = fields.Boolean(required=True)
    telegramNotifyPresence = fields.Boolean(required=True)
    discordNotifyPresence = fields.Boolean(required=True)
    slackNotifyPresence = fields.Boolean(required=True)
    hubspotNotifyPresence = fields.Boolean(required=True)
    uaFilterEnabled = fields.Boolean(required=True)
    ipFilterEnabled = fields.Boolean(required=True)
    csatEnabled = fields.Boolean(required=True)


assert set(ProjectChangesRequest._declared_fields) == set(PROJECT_SWITCHES)


class ProjectsResponse(OutputSchema):
    projects = fields.List(fields.Nested(ProjectSummarySchema), required=True)


class ProjectResponse(OutputSchema):
    project = fields.Nested(ProjectSchema, required=True)


class RatingSchema(OutputSchema):
    score = fields.Integer(required=True)
    comment = fields.String(required=True, allow_none=True)
    at = Time(attribute="submitted_at", required=True)


class ManagedSessionSchema(SessionSchema):
    optional = SessionSchema.optional - {"csat"}

    csat = fields.Nested(RatingSchema, required=True, allow_none=True)


class ManagedSessionsResponse(OutputSchema):
    sessions = fields.List(fields.Nested(ManagedSessionSchema), required=True)
    nextCursor = fields.String(attribute="next_cursor", allow_none=True, required=True)


class ConversationResponse(OutputSchema):
    session = fields.Nested(ManagedSessionSchema, required=True)
    messages = fields.List(fields.Nested(MessageSchema), required=True)


class ReplyResponse(OutputSchema):
    holds = "message"
    always = MappingProxyType({"ok": True})

    ok = fields.Boolean(required=True)
    message = fields.Nested(MessageSchema, required=True)


class RatingsSchema(OutputSchema):
    percent = fields.Float(required=True, allow_none=True, metadata={"description": "Share of 4 and 5, 0 to 1."})
    average = fields.Float(required=True, allow_none=True)
    responses = fields.Integer(required=True)


class ProjectFiguresSchema(OutputSchema):
    projectName = fields.String(attribute="project_name", required=True)
    conversations = fields.Integer(required=True)
    csatPercent = fields.Float(attribute="csat_percent", required=True, allow_none=True)


class ManagementStatsResponse(OutputSchema):
    optional = frozenset({"byProject"})

    since = Time(data_key="from", required=True)
    until = Time(data_key="to", required=True)
    period = fields.String(required=True, metadata={"enum": [*bounds.STATS_PERIODS, "custom"]})
    conversations = fields.Integer(required=True)
    conversationsSparkline = fields.List(fields.Integer(), attribute="sparkline", required=True)
    messages = fields.Integer(required=True)
    responseRate = fields.Float(attribute="response_rate", required=True)
    medianFirstResponseSeconds = fields.Float(attribute="median_first_response", required=True, allow_none=True)
    unansweredNow = fields.Integer(attribute="unanswered", required=True)
    csat = fields.Nested(RatingsSchema, required=True)
    byProject = fields.List(fields.Nested(ProjectFiguresSchema), attribute="by_project")
    truncated = fields.Boolean(required=True)


class RPCResponse(OutputSchema):
    optional = frozenset({"result", "error"})

    jsonrpc = fields.String(required=True)
    id = fields.Raw(required=True, allow_none=True)
    result = fields.Raw(metadata={"type": "object"})
    error = fields.Raw(metadata={"type": "object"})
