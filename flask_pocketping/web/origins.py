"""Checks the origin of a page: the app's own, or for visitor routes also a listed one.

This reads and sets no CORS headers. They only tell a browser what a page may read, and a host may set its own.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request, request

from ..errors import Forbidden

_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_same_origin() -> None:
    """Refuse pages of other origins on routes that use cookies.

    A browser sends its origin in `Sec-Fetch-Site`, older ones in `Origin`. Programs send neither, and have only their
    own cookies.

    :raises Forbidden: if the request is from another origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        allowed = origin is None or is_own(origin)
    if not allowed:
        raise Forbidden("Only pages of the same origin may ask this.")


def check_visitor_origin(asked: Request, listed: Collection[str], public_url: str | None = None) -> None:
    """Refuse a page of an origin that is neither the app's own nor listed, on visitor routes.

    Requests without `Origin` are allowed. Programs send none, and neither do browsers that load an image or follow a
    link.

    :param asked: the request.
    :param listed: `POCKETPING_CORS_ORIGINS`.
    :param public_url: `POCKETPING_PUBLIC_URL`, whose origin is the app's own too.
    :raises Forbidden: if the page is not allowed.
    """
    origin = asked.headers.get("Origin")
    if origin is None or origin.lower() in listed or is_own(origin, public_url):
        return
    # The browser compared the addresses itself. It knows better behind a proxy that changes Host, and where the
    # page's referrer policy makes its own origin "null".
    if asked.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    raise Forbidden("Pages of this origin may not ask this. See POCKETPING_CORS_ORIGINS.")


def is_own(origin: str, public_url: str | None = None) -> bool:
    """Return whether an origin is that of this app.

    Behind a proxy with TLS, the app may see another scheme, but not another host or port. The default port of a scheme
    may be written or omitted.

    :param public_url: the public address of the app, if it is configured.
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
