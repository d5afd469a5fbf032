"""Responses of the routes about the service itself, see `web/service`."""

from __future__ import annotations

from marshmallow import fields

from .base import OutputSchema


class HealthResponse(OutputSchema):
    optional = frozenset({"failing"})

    status = fields.String(required=True)
    failing = fields.String(metadata={"description": "The part that fails."})
