"""Extensions beside ours that guard every route of the app, and how they leave our routes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask, request_started

#: Views whose answers have a Content-Security-Policy of their own, stricter than one for a whole site can be.
_WITH_POLICY = ("inbox", "get_file", "get_thumbnail")


def leave_out_ours(app: Flask, blueprint: str) -> None:
    """Take our routes out of what extensions do to all routes of an app.

    That is Flask-WTF's `CSRFProtect`, Flask-Limiter's limits for the whole app, and Flask-Talisman's policy where our
    answer has its own.

    This happens with the app's first request: by then all extensions are there, in whatever order they were set up.

    :param blueprint: the name of the blueprint that has our routes.
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
