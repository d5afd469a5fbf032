"""Routes about the service: its health and its description."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Response, request

from .. import __version__
from ..chat.projects import is_ready
from ..errors import SchemaError, SchemaMissing
from ..schemas import service
from ..schemas.compact_json import to_json
from .operations import Call, Routes
from .responses import as_api_error, json_response, text_response

routes = Routes(caller="anyone")


@routes("GET /health", response=service.HealthResponse)
def health(call: Call) -> Any:
    """Check whether the service works. 503 names the part that fails."""
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
    """Get this description."""
    return text_response(_document(request.script_root + call.state.config.url_prefix or "/"), 200)


@lru_cache(maxsize=8)
def _document(server: str) -> str:
    from .openapi import build_document
    from .registry import all_operations

    return to_json(build_document(all_operations(), __version__, server))
