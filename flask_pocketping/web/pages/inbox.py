"""The page of the inbox, for operators only. It contains only our own files."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ...errors import Forbidden, NotFound
from ...host.loaders import current_identity, current_operator
from ...state import State
from ...values import Identity, Operator
from ..operator_projects import choose_project, projects_of
from ..streams.transports import transports
from .assets import find_assets

logger = logging.getLogger("flask_pocketping")

#: A project at the beginning of the path below the inbox.
_PROJECT = re.compile(r"(proj_\w+)(?:/|$)", re.ASCII)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def serve_inbox(state: State, rest: str = "") -> AnyResponse:
    """Return the page, or a response for people who may not see it.

    A customer of the host app gets a page that says why. The host's sign-in page would send them back here.

    :param rest: the path below the inbox, which may name a project.
    :raises NotFound: if the host has no `operator_loader`.
    """
    if state.loaders.operator is None:
        if state.warn_once("inbox"):
            logger.warning("The inbox is closed: say who its operators are with @pocketping.operator_loader.")
        raise NotFound
    found = current_operator(state.loaders)
    if isinstance(found, Operator):
        return _serve_operator(state, found, rest)
    sign_in = _sign_in_address(found) if found is not None else None
    if found is not None and sign_in is None:
        return found
    customer = _customer(state)
    if found is not None and customer is None:
        return found
    name = customer and (customer.name or customer.email or customer.customer_id)
    return _page(403, "pocketping/forbidden.html", **_addresses(state), name=name, sign_in=sign_in)


def _serve_operator(state: State, operator: Operator, rest: str) -> AnyResponse:
    if named := _PROJECT.match(rest):
        allowed = projects_of(state, operator)
        try:
            choose_project(allowed, named[1], state.default_project)
        except Forbidden:
            shown = {"name": operator.name, "operator": operator, "projects": allowed}
            return _page(403, "pocketping/forbidden.html", **_addresses(state), **shown)
    live = " ".join(transports(state, request.environ))
    return _page(200, "pocketping/inbox.html", **_addresses(state), modules=_modules(), transports=live)


def _sign_in_address(response: AnyResponse) -> str | None:
    """Return where the host's response sends the browser, if it is a redirect that a page may link to."""
    address = response.headers.get("Location", "")
    is_link = 300 <= response.status_code < 400 and urlsplit(address).scheme in {"", "http", "https"}
    return address if address and is_link else None


def _customer(state: State) -> Identity | None:
    """Return the customer who is signed in to the host app."""
    try:
        return current_identity(state.loaders)
    except Exception:
        # Somebody who is not signed in must still get to the sign-in page.
        logger.exception("identity_loader failed. The inbox goes on without it.")
        return None


def _addresses(state: State) -> dict[str, Any]:
    endpoint = request.script_root + state.config.url_prefix
    return {
        "endpoint": endpoint,
        "site": f"{request.script_root}/",
        "assets": f"{endpoint}/assets/{find_assets().build}",
    }


@cache
def _modules() -> list[str]:
    """Return the modules of the page, so that the browser asks for all of them at once."""
    return find_assets().imported_by("inbox/main.js")


def _page(status: int, template: str, **values: Any) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = _policy()
    return response


def _policy() -> str:
    """Return the Content-Security-Policy: only own files and addresses, but images from anywhere, for avatars."""
    # Some browsers do not include WebSockets of the same host in 'self'.
    host = request.host if re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", request.host) else ""
    sockets = f" ws://{host} wss://{host}" if host else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; "
        f"connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
