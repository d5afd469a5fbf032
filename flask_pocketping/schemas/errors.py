"""The one shape of errors, in answers and in frames."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ..errors import APIError


def error_body(error: APIError) -> dict[str, Any]:
    """The error shape of the contract."""
    body: dict[str, Any] = {
        "error": HTTPStatus(error.status).phrase if error.status != 413 else "Payload too large",
        "message": error.message,
        "code": error.code,
    }
    body["error"] = body["error"].capitalize()
    if error.details:
        body["details"] = error.details
    return body
