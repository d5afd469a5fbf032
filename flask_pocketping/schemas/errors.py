"""The form of errors, in responses and in frames."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from marshmallow import INCLUDE, Schema, fields

from ..errors import APIError


def error_body(error: APIError) -> dict[str, Any]:
    """Make the JSON object of an error."""
    body: dict[str, Any] = {
        "error": HTTPStatus(error.status).phrase if error.status != 413 else "Payload too large",
        "message": error.message,
        "code": error.code,
    }
    body["error"] = body["error"].capitalize()
    if error.details:
        body["details"] = error.details
    return body


class ErrorSchema(Schema):
    class Meta:
        # `/health` adds which part fails.
        unknown = INCLUDE

    error = fields.String(required=True)
    message = fields.String(required=True)
    code = fields.String(required=True)
    details = fields.Dict(keys=fields.String())
