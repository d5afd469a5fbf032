"""Routes of files. Visitors upload files in steps, the back office in one request, and both fetch them.

The addresses contain a secret of the file, so fetching needs no other credentials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable, RequestEntityTooLarge
from werkzeug.http import dump_options_header, parse_range_header
from werkzeug.wsgi import FileWrapper

from ..errors import APIError, Forbidden, PayloadTooLarge, RangeNotSatisfiable
from ..files.media_types import IMAGES, TEXT, ascii_filename, clean_filename
from ..files.storage import CHUNK, Readable
from ..files.store import Files, Served
from ..schemas import uploads
from ..schemas.base import AcceptedResponse
from ..schemas.values import AttachmentSchema
from ..security.rate_limits import address_key
from .operation_limits import Limit
from .operations import Call, Routes
from .parsing import limit_body

routes = Routes(caller="visitor")

#: How many bytes above the limit are read and dropped, so that the client gets an error response.
SPARE = 32 * 1024 * 1024

#: Seconds that a browser may cache a file. So a browser can show a deleted file for that long.
MAX_AGE = 86400


@routes(
    "POST /upload",
    body=uploads.AnnounceUploadRequest,
    response=uploads.UploadResponse,
    session="required",
    limit=Limit("visitor_upload_limit", "uploads"),
)
def announce_upload(call: Call, session_id: str) -> Any:
    """Announce a file, and get the address for its bytes."""
    files = _files(call)
    state, size = call.state, max(0, call.body["size"])
    Limit("visitor_address_upload_limit", "uploads").count(state)
    if size <= files.max_size:
        state.limiter.hit_bytes(state.config.visitor_daily_bytes, address_key(request.remote_addr), size)
    upload = files.announce(session_id, call.body["filename"], call.body["size"], by="visitor")
    return {
        "attachmentId": upload.attachment_id,
        "uploadUrl": call.state.urls.upload(upload.path),
        "expiresAt": upload.expires_at,
    }


@routes("PUT /upload/<attachment_id>/<key>", response=AcceptedResponse, raw=True)
def receive_upload(call: Call, attachment_id: str, key: str) -> Any:
    """Upload the bytes of an announced file. You may repeat this until the file is completed."""
    with _answered():
        _files(call).receive(attachment_id, key, _body)


@routes("POST /upload/complete", body=uploads.CompleteUploadRequest, response=AttachmentSchema, session="required")
def complete_upload(call: Call, session_id: str) -> Any:
    """Complete an upload, so that a message can have the file."""
    return _files(call).complete(session_id, call.body["attachmentId"], by="visitor")


@routes(
    "POST /sessions/<session_id>/attachments",
    caller="key",
    query=uploads.AddAttachmentQuery,
    response=uploads.AttachmentResponse,
    status=201,
    raw=True,
)
def add_attachment(call: Call, session_id: str) -> Any:
    """Upload a file as the body. Send its id in a message of the session."""
    with _answered():
        files = _files(call)
        stream = _body(files.max_size)
        added = files.add(session_id, call.query["filename"], stream, by="office", project_id=call.project_id)
    return added


@routes("GET /files/<attachment_id>/<key>/<filename>", query=uploads.DownloadQuery)
def get_file(call: Call, attachment_id: str, key: str, filename: str) -> Any:
    """Get a file. Its name is from the database, not from the address."""
    return _serve(call, _files(call).find(attachment_id, key))


@routes("GET /files/<attachment_id>/<key>/thumbnail", query=uploads.DownloadQuery)
def get_thumbnail(call: Call, attachment_id: str, key: str) -> Any:
    """Get the thumbnail of an image. Until it is ready, this returns the image."""
    return _serve(call, _files(call).find(attachment_id, key, thumbnail=True))


def _files(call: Call) -> Files:
    if call.state.files is None:
        raise Forbidden("Uploads are disabled: POCKETPING_UPLOADS is off.")
    return call.state.files


def _body(most: int) -> Readable:
    """Return the stream of the request's body, without the limits of other bodies."""
    limit_body(request, most + SPARE)
    try:
        stream = request.stream
    except RequestEntityTooLarge:
        # The host's error handlers would handle an error of Werkzeug.
        raise PayloadTooLarge from None
    if (request.content_length or 0) > most:
        raise PayloadTooLarge(f"Must have at most {most} bytes.")
    return stream


@contextmanager
def _answered() -> Iterator[None]:
    """Read a refused body to its end, because a client that is still sending would not receive the response."""
    # Until the real limit is known, because a body without a length could be endless.
    limit_body(request, SPARE)
    try:
        yield
    except APIError:
        try:
            while request.stream.read(CHUNK):
                pass
        except (HTTPException, OSError):
            # The rest is too long, or the client has disconnected.
            pass
        raise


def _serve(call: Call, served: Served) -> Response:
    shown = served.mime_type in IMAGES and "download" not in call.query
    response = Response(FileWrapper(served.stream, CHUNK), direct_passthrough=True)  # type: ignore[arg-type]
    response.headers.update(
        {
            "Content-Type": f"{TEXT}; charset=utf-8" if served.mime_type == TEXT else served.mime_type,
            "Content-Disposition": _disposition("inline" if shown else "attachment", served.filename),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": f"private, max-age={MAX_AGE}, immutable" if served.final else "no-store",
            # This header can't list origins. If any are listed, every origin may embed a file whose URL it knows.
            "Cross-Origin-Resource-Policy": "cross-origin" if call.state.config.cors_origins else "same-site",
        }
    )
    if served.size is None:
        return response
    response.content_length = served.size
    try:
        response.make_conditional(_single_range(request.environ), accept_ranges=True, complete_length=served.size)
        # Werkzeug sets this header only here, and the web server sets it too.
        response.headers.remove("Date")
    except RequestedRangeNotSatisfiable:
        response.close()
        raise RangeNotSatisfiable(served.size) from None
    except BaseException:
        response.close()
        raise
    return response


def _single_range(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request without a range that we do not serve: another unit, malformed, or several (RFC 9110, 14.2)."""
    asked = parse_range_header(environ.get("HTTP_RANGE"))
    known = asked is not None and asked.units == "bytes" and len(asked.ranges) == 1
    return {name: value for name, value in environ.items() if known or name != "HTTP_RANGE"}


def _disposition(how: str, filename: str) -> str:
    """Return how a browser handles and names a file (RFC 6266)."""
    # Cleaned again, because the row may be older than the rules.
    filename = clean_filename(filename)
    plain = ascii_filename(filename)
    names = {"filename": plain}
    if plain != filename:
        names["filename*"] = f"UTF-8''{quote(filename, safe='')}"
    return dump_options_header(how, names)
