"""Routes about the service itself: is it well, and what can it do."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from sqlalchemy import select

from .. import __version__
from ..models import Project, table
from . import schemas
from .responses import as_api_error, json_response
from .routing import Call, Operation, Routes

routes = Routes(caller="anyone")

_ANY_PROJECT = select(table(Project).c.id).limit(1)


@routes("GET /health", answer=schemas.HealthAnswer)
def health(call: Call) -> Any:
    """Whether the service works: 503 with the part that fails where it does not."""
    try:
        with call.state.db.read() as connection:
            connection.execute(_ANY_PROJECT).first()
    except Exception as error:
        as_api_error(error)
        body = {
            "error": "Service unavailable",
            "message": "The database can't be reached or has no tables.",
            "code": "UNAVAILABLE",
            "status": "failing",
            "failing": "database",
        }
        return json_response(body, 503)
    return {"status": "ok"}


@routes("GET /openapi.json")
def openapi(call: Call) -> Response:
    """This description."""
    from .openapi import build_document

    server = request.script_root + call.state.config.url_prefix
    return json_response(build_document(all_operations(), __version__, server or "/"))


def all_operations() -> list[Operation]:
    """All operations of the API, in the order of the document."""
    from . import api, visitor

    return [*api.routes.operations, *visitor.routes.operations, *routes.operations]
