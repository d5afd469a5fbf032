"""Reads the bodies of requests to the fake Discord: JSON, or multipart with `payload_json` and `files[n]`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from .world import ApiError, Json, invalid


@dataclass
class Body:
    """A body.

    :ivar files: name, content and media type of each.
    :ivar ids: the ids in the path of the request.
    """

    json: Json = field(default_factory=dict)
    files: list[tuple[str, bytes, str]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)


async def read_body(request: web.Request, max_file_size: int) -> Body:
    """Read a body as strictly as Discord does."""
    if not request.can_read_body:
        return Body()
    if request.content_type == "application/json":
        return Body(_object(await request.text()))
    if request.content_type != "multipart/form-data":
        raise ApiError(400, 50109, "The request body contains invalid JSON.")
    body = Body()
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        if part.name == "payload_json":
            body.json = _object(await part.text())
        elif re.fullmatch(r"files\[\d+\]", part.name or "") and part.filename:
            content = bytes(await part.read())
            if len(content) > max_file_size:
                raise ApiError(413, 40005, "Request entity too large")
            body.files.append((part.filename, content, part.headers.get("Content-Type", "application/octet-stream")))
        else:
            raise invalid(part.name or "?", "UNKNOWN_FIELD", "Unknown field")
    if len(body.files) > 10:
        raise invalid("files", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    listed = body.json.get("attachments")
    if listed is not None and [each.get("id") for each in listed] != list(range(len(body.files))):
        raise invalid("attachments", "ATTACHMENT_NOT_FOUND", "Attachment data not found")
    return body


def _object(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, 50109, "The request body contains invalid JSON.")
    return found
