"""What is said where the host app answers a request of the chat's itself, as a sign-in check before each request does.

Browsers follow a redirect to a sign-in page without a word, so a script or an answer turns out to be HTML. The log
names the cause, and the console of the page does: for answers the widget says it, for its script this module.
"""

from __future__ import annotations

import json
import logging

from flask import Response, g, request

from ..state import State

logger = logging.getLogger("flask_pocketping")

ADVICE = 'If the app checks sign-in before each request, let its blueprint "pocketping" through.'

#: The one script that pages load.
_SCRIPT = "widget/widget.js"


def note_reached() -> None:
    """Remember that the request has come as far as the chat's own code."""
    g.pocketping_reached = True


def explain_interception(state: State, response: Response) -> Response:
    """Say what is wrong where a function of the host's answered with a redirect or a page.

    The inbox is a page itself, and may be guarded.

    :return: what is answered: for the widget's script one that says it in the console, else what the host answers.
    """
    if "pocketping_reached" in g or request.blueprint is None or request.endpoint == f"{request.blueprint}.inbox":
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
