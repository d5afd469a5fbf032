"""Reads the `Idempotency-Key` of requests, and replays responses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Request, Response

from ..bounds import MAX_IDEMPOTENCY_KEY
from ..chat.idempotency import IdempotentRequest
from ..db import Database
from ..errors import IdempotencyConflict, InvalidRequest
from .responses import text_response


def idempotent_request(
    incoming: Request, raw: bytes, project_id: str, answer: Callable[[Any], tuple[int, str]]
) -> IdempotentRequest | None:
    """Read the `Idempotency-Key` of a request, if it has one.

    :param raw: the body.
    :param project_id: the project of the request. Other projects may use the same key.
    :param answer: returns the status and the JSON of the response for the result of the work.
    :raises InvalidRequest: if the key is too long or has invalid characters.
    """
    key = incoming.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
        raise InvalidRequest.field("Idempotency-Key", f"Must be 1–{MAX_IDEMPOTENCY_KEY} printable ASCII characters.")
    text = b"\n".join((incoming.method.encode(), incoming.path.encode(), raw))
    return IdempotentRequest(project_id, key, hashlib.sha256(text).hexdigest(), answer)


def find_replay(request: IdempotentRequest | None, db: Database) -> Response | None:
    """Return the earlier response to the same request, if there is one.

    :raises IdempotencyConflict: if another request used the key.
    """
    kept = request.kept(db) if request is not None else None
    return text_response(kept[1], kept[0], {"Idempotent-Replayed": "true"}) if kept is not None else None


def require_replay(request: IdempotentRequest | None, db: Database) -> Response:
    """Return the response of a concurrent request that used the same key first.

    :raises IdempotencyConflict: if it has no response yet, or was a different request.
    """
    replay = find_replay(request, db)
    if replay is None:
        raise IdempotencyConflict("A request with this Idempotency-Key is still being processed.")
    return replay
