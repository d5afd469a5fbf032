"""Which pages may ask: those of the same origin, and for the visitor's routes those that are listed too.

Nothing here reads or sets CORS headers: they only tell a browser what a page may read, and a host may set its own.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import request

from ..errors import Forbidden

_DEFAULT_PORTS = {"http": 80, "https": 443}


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


def check_visitor_origin(listed: Collection[str], public_url: str | None = None) -> None:
    """Refuse a visitor's route to a page of an origin that is neither the app's own nor listed.

    Requests without `Origin` go on: programs send none, nor do browsers that load an image or follow a link.

    :param listed: `POCKETPING_CORS_ORIGINS`.
    :param public_url: `POCKETPING_PUBLIC_URL`, whose origin is the app's own too.
    :raises Forbidden: if the page may not ask.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin.lower() in listed or is_own(origin, public_url):
        return
    # The browser compared the addresses itself. It knows better behind a proxy that changes Host, and where the
    # page's referrer policy makes its own origin "null".
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    raise Forbidden("Pages of this origin may not ask this. See POCKETPING_CORS_ORIGINS.")


def is_own(origin: str, public_url: str | None = None) -> bool:
    """Whether an origin is that of this app.

    Behind a proxy that ends TLS the scheme may look different from inside; host and port may not. A port that the
    origin's scheme has anyway may be named or not.

    :param public_url: an address of the app's own, if it is known otherwise than by the request.
    """
    try:
        scheme, found = _split(origin)
        default = _DEFAULT_PORTS[scheme]
        own = [_split(f"{scheme}://{request.host}")[1]]
        if public_url is not None:
            own.append(_split(public_url)[1])
    except (ValueError, KeyError):
        return False
    name, port = found
    return bool(name) and any((name, port or default) == (host, at or default) for host, at in own)


def _split(address: str) -> tuple[str, tuple[str | None, int | None]]:
    parts = urlsplit(address)
    return parts.scheme, (parts.hostname, parts.port)
