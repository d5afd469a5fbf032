"""CORS: which headers let a page of another origin read what a visitor's route answered.

Whether the page may ask at all is decided by `origins.py`: these headers don't keep anybody from asking.
"""

from __future__ import annotations

from flask import Response, request

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
#: Seconds for which a browser may keep the answer to a preflight request.
_MAX_AGE = "600"


def add_cors_headers(config: Config, response: Response, *, beacon: bool) -> None:
    """Let pages of the listed origins read a response.

    :param beacon: whether browsers send the request with cookies, as they do with beacons.
    """
    if not config.cors_origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin.lower() not in config.cors_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    if beacon:
        # Browsers send beacons with cookies, whether anybody wants them or not, and not at all without this.
        response.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST")
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _MAX_AGE
