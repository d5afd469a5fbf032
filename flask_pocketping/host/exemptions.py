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
    # Flask-WTF would want its token from visitors and programs. No route of ours goes by a cookie but those for
    # signed-in people, and these look at the request's origin.
    csrf = app.extensions.get("csrf")
    # Widget and inbox would use up what the host allows one address for its own pages. Ours has limits of its own.
    limiters = app.extensions.get("limiter")
    for extension in (csrf, *(limiters if isinstance(limiters, set | list | tuple) else [limiters])):
        if hasattr(extension, "exempt"):
            yield extension
