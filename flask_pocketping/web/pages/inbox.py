"""The page of the inbox, for operators only. It contains only our own files."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from flask import Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ...errors import NotFound
from ...host.loaders import current_operator
from ...state import State
from ...values import Operator
from ..streams.transports import transports
from .assets import find_assets

logger = logging.getLogger("flask_pocketping")

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def serve_inbox(state: State) -> AnyResponse:
    """Return the page, or the host app's response for people who are not operators.

    :raises NotFound: if the host has no `operator_loader`.
    """
    if state.loaders.operator is None:
        if state.warn_once("inbox"):
            logger.warning("The inbox is closed: say who its operators are with @pocketping.operator_loader.")
        raise NotFound
    found = current_operator(state.loaders)
    if isinstance(found, AnyResponse):
        return found
    if found is None:
        return _page(403, "pocketping/forbidden.html")
    return _page(200, "pocketping/inbox.html", **_addresses(state, found))


def _addresses(state: State, operator: Operator) -> dict[str, Any]:
    endpoint = request.script_root + state.config.url_prefix
    return {
        "endpoint": endpoint,
        "assets": f"{endpoint}/assets/{find_assets().build}",
        "modules": _modules(),
        "operator": operator,
        "transports": " ".join(transports(state, request.environ)),
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
