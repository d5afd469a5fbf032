"""Routes about the service itself: is it well, and what can it do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Response, request

from .. import __version__, shapes
from ..chat.projects import is_ready
from ..errors import SchemaError, SchemaMissing
from . import schemas
from .responses import as_api_error, json_response, text_response
from .routing import Call, Operation, Routes

routes = Routes(caller="anyone")


@routes("GET /health", answer=schemas.HealthAnswer)
def health(call: Call) -> Any:
    """Whether the service works: 503 with the part that fails where it does not."""
    try:
        if not is_ready(call.state.db):
            raise SchemaMissing("The default project is missing. Create it with: flask pocketping db upgrade")
    except Exception as error:
        as_api_error(error)
        body = {
            "error": "Service unavailable",
            "message": str(error) if isinstance(error, SchemaError) else "The database can't be reached.",
            "code": "UNAVAILABLE",
            "status": "failing",
            "failing": "database",
        }
        return json_response(body, 503)
    return {"status": "ok"}


@routes("GET /openapi.json")
def openapi(call: Call) -> Response:
    """This description."""
    return text_response(_document(request.script_root + call.state.config.url_prefix or "/"), 200)


@lru_cache(maxsize=8)
def _document(server: str) -> str:
    from .openapi import build_document

    return shapes.to_json(build_document(all_operations(), __version__, server))


def all_operations() -> list[Operation]:
    """All operations of the API, in the order of the document."""
    from . import (
        api,
        canned,
        connect,
        forms,
        identity,
        operators,
        polling,
        signs,
        sse,
        stats,
        updates,
        uploads,
        visitor,
    )

    return [
        *api.routes.operations,
        *api.for_programs.operations,
        *operators.routes.operations,
        *updates.routes.operations,
        *canned.routes.operations,
        *stats.routes.operations,
        *connect.routes.operations,
        *identity.routes.operations,
        *visitor.routes.operations,
        *sse.routes.operations,
        *polling.routes.operations,
        *signs.routes.operations,
        *uploads.routes.operations,
        *forms.routes.operations,
        *routes.operations,
    ]
