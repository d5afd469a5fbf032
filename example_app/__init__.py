"""A small tea shop with live chat, as a Flask developer would add it to an existing site."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Flask, Response

from .chat import connect_hooks, pocketping
from .demo_ai import ai_settings
from .models import init_shop
from .seed import fill_shop
from .views import shop

__all__ = ["create_app", "pocketping"]

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Create the shop.

    :param config: settings that override those of the environment.
    """
    instance = os.environ.get("EXAMPLE_INSTANCE")
    app = Flask(__name__, instance_path=os.path.abspath(instance) if instance else None)
    app.config.update(
        SESSION_COOKIE_SAMESITE="Lax",
        SHOP_BAD_WORDS=os.environ.get("SHOP_BAD_WORDS", "dratted,blasted").split(","),
        POCKETPING_URL_PREFIX="",
    )
    app.config.update(ai_settings(os.environ))
    app.config.update(pocketping_settings(os.environ))
    app.config.update(config or {})
    keep_secrets(app)

    init_shop(app)
    fill_shop(app)
    app.register_blueprint(shop)
    app.after_request(add_security_headers)

    pocketping.init_app(app)
    connect_hooks(app)
    return app


def pocketping_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return all `POCKETPING_*` variables, except those for the project's tests."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith("POCKETPING_") and not name.startswith("POCKETPING_TEST_")
    }


def keep_secrets(app: Flask) -> None:
    """Create the missing keys and keep them in the instance folder."""
    folder = Path(app.instance_path)
    folder.mkdir(parents=True, exist_ok=True)
    if not app.config.get("SECRET_KEY"):
        app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY") or kept(folder / "secret-key", secrets.token_hex)
    if not app.config.get("POCKETPING_API_KEY"):
        app.config["POCKETPING_API_KEY"] = kept(folder / "api-key", lambda: f"pk_{secrets.token_urlsafe(24)}")


def kept(path: Path, make: Callable[[], str]) -> str:
    """Read a secret from its file. The first call creates the file, which only its owner can read.

    Processes that start at the same time get the same secret, because the file appears with its whole content.
    """
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent) as draft:
            draft.write(make())
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text()


def add_security_headers(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response
