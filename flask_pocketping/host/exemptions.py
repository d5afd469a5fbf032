"""Exempts our routes from extensions that guard every route of the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask, request_started

#: Views whose responses have their own, stricter Content-Security-Policy.
_WITH_POLICY = ("inbox", "get_file", "get_thumbnail")


def leave_out_ours(app: Flask, blueprint: str) -> None:
    """Exempt our routes from app-wide guards of other extensions.

    These are Flask-WTF's `CSRFProtect`, app-wide limits of Flask-Limiter, and Flask-Talisman's policy for responses
    with their own policy.

    This happens with the app's first request. By then all extensions are set up, in any order.

    :param blueprint: the name of the blueprint with our routes.
    """

    def exempt(app: Flask, **extra: Any) -> None:
        for extension in _guards(app):
            extension.exempt(app.blueprints[blueprint])
        for name in _WITH_POLICY:
            view: Any = app.view_functions[f"{blueprint}.{name}"]
            view.talisman_view_options = {"content_security_policy": None, "frame_options": None}
        request_started.disconnect(exempt, app)

    request_started.connect(exempt, app, weak=False)


def _guards(app: Flask) -> Iterator[Any]:
    # Flask-WTF would ask visitors and programs for its token. Our only routes with cookies are those for
    # signed-in people, and they check the request's origin.
    csrf = app.extensions.get("csrf")
    # The widget and the inbox would use up the host's limits for its pages. Our routes have their own limits.
    limiters = app.extensions.get("limiter")
    for extension in (csrf, *(limiters if isinstance(limiters, set | list | tuple) else [limiters])):
        if hasattr(extension, "exempt"):
            yield extension
