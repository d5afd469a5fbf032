"""Which pages may ask: those of the same site, and for the visitor's wire those that are listed."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import request

from ..errors import Forbidden


def check_same_origin() -> None:
    """Refuse a page of another origin what only cookies open.

    A browser says where a request comes from by `Sec-Fetch-Site`, and older ones by `Origin`; programs say nothing,
    and have only cookies of their own.

    :raises Forbidden: if it comes from another origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        allowed = origin is None or is_own(origin)
    if not allowed:
        raise Forbidden("Only pages of the same origin may ask this.")


def origin_allowed(listed: Collection[str]) -> bool:
    """Whether the page that asks may use the visitor's wire: one of the same site, or of an origin that is listed.

    :param listed: `POCKETPING_CORS_ORIGINS`.
    """
    origin = request.headers.get("Origin")
    return origin is None or is_own(origin) or origin.lower() in listed


def is_own(origin: str) -> bool:
    """Whether an origin is that of this app.

    Behind a proxy that ends TLS the scheme may look different from inside; host and port may not.
    """
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:
        return False
