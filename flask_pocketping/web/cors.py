"""Adds CORS headers, which let pages of other origins read the responses of visitor routes.

`origins.py` decides whether a page may send a request, because CORS headers do not prevent requests.
"""

from __future__ import annotations

from flask import Request, Response

from ..config import Config
from .visitor.versions import HEADER

_ALLOWED_HEADERS = f"Content-Type, {HEADER}"
_EXPOSED_HEADERS = ", ".join(
    (
        *("Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
        *("X-PocketPing-Version-Status", "X-PocketPing-Min-Version", "X-PocketPing-Latest-Version"),
        "X-PocketPing-Version-Message",
    )
)
#: Seconds that a browser may cache the response to a preflight request.
_MAX_AGE = "600"


def add_cors_headers(config: Config, asked: Request, response: Response, *, beacon: bool) -> None:
    """Let pages of the listed origins read a response.

    :param asked: the request.
    :param beacon: whether browsers send the request with cookies, as they do with beacons.
    """
    if not config.cors_origins:
        return
    response.vary.add("Origin")
    origin = asked.headers.get("Origin", "")
    if origin.lower() not in config.cors_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if beacon:
        # Browsers always send beacons with cookies, and don't send them without this header.
        response.headers["Access-Control-Allow-Credentials"] = "true"
    if asked.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST")
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _MAX_AGE
