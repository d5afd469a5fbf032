"""JSON responses, with one shape for all errors."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from ..errors import (
    APIError,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    SchemaError,
    Unauthorized,
    Unavailable,
    UncommittedChanges,
    UnsupportedMediaType,
)
from ..schemas.compact_json import to_json
from ..schemas.errors import error_body

logger = logging.getLogger("flask_pocketping")

# Neither a proxy nor a shared computer may store conversations.
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    return text_response(to_json(body), status, headers)


def text_response(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return a response whose JSON body is already text."""
    return Response([text.encode()], status, {**_HEADERS, **(headers or {})})


def error_response(error: Exception) -> Response:
    """Return the response for any exception."""
    known = as_api_error(error)
    return json_response(error_body(known), known.status, known.headers)


def management_error_response(error: Exception) -> Response:
    """As `error_response`, with the sentence for a person as `error`: PocketPing's public tools show that alone."""
    known = as_api_error(error)
    return json_response({**error_body(known), "error": known.message}, known.status, known.headers)


def as_api_error(error: Exception) -> APIError:
    """Return the error for the client, and log what the client must not see."""
    if isinstance(error, APIError):
        return error
    if isinstance(error, HTTPException):
        return _from_werkzeug(error)
    if isinstance(error, SchemaError | UncommittedChanges):
        logger.error("%s", error)
        return Unavailable()
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        notes = getattr(error, "__notes__", ["The database can't be reached."])
        logger.exception("%s", notes[-1], exc_info=error)
        return Unavailable(headers={"Retry-After": "5"})
    logger.error("%s %s failed.", request.method, _path_for_the_log(), exc_info=error)
    return APIError()


def _path_for_the_log() -> str:
    """Return the request's path in one line, without the secret of a file."""
    secret = (request.view_args or {}).get("key")
    path = request.path.replace(secret, "***") if secret else request.path
    return path.encode("unicode_escape").decode()


def _from_werkzeug(error: HTTPException) -> APIError:
    kinds: dict[int, type[APIError]] = {
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        413: PayloadTooLarge,
        415: UnsupportedMediaType,
        429: RateLimited,
        503: Unavailable,
    }
    status = error.code or 500
    if status == 405:
        return MethodNotAllowed(list(getattr(error, "valid_methods", None) or ["GET"]))
    if status in kinds:
        return kinds[status]()
    if status < 500:
        made = InvalidRequest(error.description)
        made.status = status
        return made
    return APIError()
