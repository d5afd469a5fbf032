"""Extensions beside ours that guard every route of the app, and how they leave our routes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask, request_started

from .web.blueprint import NAME


def leave_out_ours(app: Flask) -> None:
    """Take our routes out of Flask-WTF's `CSRFProtect` and of the limits that Flask-Limiter has for the whole app.

    This happens with the app's first request: by then all extensions are there, in whatever order they were set up.
    """
    request_started.connect(_exempt, app)


def _exempt(app: Flask, **extra: Any) -> None:
    for extension in _guards(app):
        extension.exempt(app.blueprints[NAME])
    request_started.disconnect(_exempt, app)


def _guards(app: Flask) -> Iterator[Any]:
    # Flask-WTF would want its token from visitors and programs. No route of ours goes by a cookie but those for
    # signed-in people, and these look at the request's origin.
    csrf = app.extensions.get("csrf")
    # Widget and inbox would use up what the host allows one address for its own pages. Ours has limits of its own.
    limiters = app.extensions.get("limiter")
    for extension in (csrf, *(limiters if isinstance(limiters, set | list | tuple) else [limiters])):
        if hasattr(extension, "exempt"):
            yield extension
