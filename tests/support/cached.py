"""A shop with a page that Flask-Caching keeps for everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_caching
from flask import Flask, render_template_string, session

from flask_pocketping import PocketPing

from .servers import make_app

_PAGE = """\
<!doctype html>
<html lang="en"><title>Tea</title><link rel="icon" href="data:,"><h1>Tea</h1>{{ pocketping_widget() }}</html>
"""


def cached_shop(folder: Path, cache: str = "SimpleCache") -> Flask:
    """A shop whose page is the one that the first visitor got, and where anybody may sign in as anybody.

    :param cache: of the classes of Flask-Caching.
    """
    app = make_app(folder, visitor_session_limit="off")
    config = {"CACHE_TYPE": cache, "CACHE_DIR": str(folder / "cache"), "CACHE_DEFAULT_TIMEOUT": 300}
    made = flask_caching.Cache(app, config=config)
    app.extensions["test_rendered"] = []

    @app.get("/tea")
    @made.cached()
    def tea() -> str:
        app.extensions["test_rendered"].append(session.get("person"))
        return render_template_string(_PAGE)

    @app.post("/sign-in/<person>")
    def sign_in(person: str) -> str:
        session["person"] = person
        return "Welcome"

    @app.post("/sign-out")
    def sign_out() -> str:
        session.clear()
        return "Goodbye"

    pocketping: PocketPing = app.extensions["test_pocketping"]

    @pocketping.identity_loader
    def customer() -> Any:
        return {"id": session["person"], "name": session["person"]} if "person" in session else None

    return app
