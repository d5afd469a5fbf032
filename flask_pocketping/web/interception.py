"""Explains responses of the host app to our requests, for example from a sign-in check before each request.

A browser follows a redirect to a sign-in page silently, so it gets HTML instead of a script or JSON. The log names the
cause, and so does the page's console: the widget reports it for JSON, and this module for the widget's script.
"""

from __future__ import annotations

import json
import logging

from flask import Response, request
from flask.ctx import _AppCtxGlobals

from ..state import State

logger = logging.getLogger("flask_pocketping")

ADVICE = 'If the app checks sign-in before each request, let its blueprint "pocketping" through.'

#: The one script that pages load.
_SCRIPT = "widget/widget.js"


def note_reached(kept: _AppCtxGlobals) -> None:
    """Remember in `g` that the request has reached the chat's own code."""
    kept.pocketping_reached = True


def has_reached(kept: _AppCtxGlobals) -> bool:
    """Return whether the request has reached the chat's own code."""
    return "pocketping_reached" in kept


def explain_interception(state: State, response: Response) -> Response:
    """Log it when a function of the host has responded with a redirect or a page, before the chat's own code ran.

    The inbox is a page itself, so the host may guard it.

    :return: for the widget's script, a script that writes to the console; else the host's response.
    """
    if request.blueprint is None or request.endpoint == f"{request.blueprint}.inbox":
        return response
    is_redirect = 300 <= response.status_code < 400
    if not is_redirect and not (response.mimetype == "text/html" and response.status_code in {200, 401, 403}):
        return response
    what = f"{request.method} {request.endpoint}"
    if state.warn_once("interception"):
        logger.warning("The app answered %s itself, with status %d. %s", what, response.status_code, ADVICE)
    if (request.view_args or {}).get("path") != _SCRIPT or response.status_code >= 400:
        return response
    answer = "a redirect" if is_redirect else "an HTML page"
    text = f"PocketPing: the chat's script {request.path} was answered by {answer} of the app. {ADVICE}"
    headers = {"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Response(f"console.error({json.dumps(text)});\n", headers={**headers, "Cache-Control": "no-store"})
