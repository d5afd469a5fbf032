"""Tests an app whose sign-in check also intercepts the chat: the log and the script explain the problem."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import requests
from flask import Flask, Response, abort, redirect, request

from flask_pocketping.web.pages.assets import find_assets

from ..conftest import Serve

SCRIPT = f"/assets/{find_assets().build}/widget/widget.js"
ADVICE = 'let its blueprint "pocketping" through'


def get(url: str, **options: Any) -> requests.Response:
    return requests.get(url, timeout=30, allow_redirects=False, **options)


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the chat has written into the log."""
    return [record.message for record in caplog.records if record.name == "flask_pocketping"]


@pytest.fixture
def guarded(app: Flask) -> Flask:
    """Everything but the sign-in page is behind it."""

    @app.before_request
    def check() -> Any:
        return redirect("/sign-in") if request.endpoint != "sign_in" and not request.cookies.get("person") else None

    @app.get("/sign-in")
    def sign_in() -> str:
        return "<!doctype html><title>Sign in</title>"

    return app


def test_the_script_explains_what_replaced_it(guarded: Flask, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api = serve(guarded)
    with caplog.at_level(logging.WARNING, "flask_pocketping"):
        answer = get(api.url + SCRIPT)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        assert answer.headers["Cache-Control"] == "no-store"
        said = json.loads(answer.text.removeprefix("console.error(").removesuffix(");\n"))
        assert said.startswith(f"PocketPing: the chat's script {SCRIPT} was answered by a redirect")
        assert ADVICE in said
        get(api.url + SCRIPT)
    (record,) = ours(caplog)
    assert record.startswith("The app answered GET pocketping.assets itself, with status 302.")
    assert ADVICE in record
    # Whoever is signed in gets the script.
    assert get(api.url + SCRIPT, cookies={"person": "7"}).content == find_assets().files["widget/widget.js"].content


def test_other_requests_get_the_hosts_response(guarded: Flask, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api = serve(guarded)
    # It is a page, and its guard is no fault.
    assert get(api.url + "/inbox").headers["Location"] == "/sign-in"
    assert ours(caplog) == []
    for path in ("/presence", "/identity", "/sessions", f"/assets/{find_assets().build}/inbox/app.js"):
        assert (get(api.url + path).status_code, get(api.url + path).headers["Location"]) == (302, "/sign-in")
    assert len(ours(caplog)) == 1


@pytest.mark.parametrize("status", [200, 401, 404, 429, 503])
def test_a_page_instead_of_the_script_is_explained(
    app: Flask, serve: Serve, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    @app.before_request
    def check() -> Any:
        return Response("<h1>Not now</h1>", status, mimetype="text/html")

    answer = get(serve(app).url + SCRIPT)
    assert answer.status_code == status
    # A browser runs no script of another status, and says so itself.
    assert ("console.error" in answer.text) == (status == 200)
    assert (ADVICE in caplog.text) == (status in {200, 401})


def test_an_app_that_lets_the_chat_through_gets_no_warning(
    app: Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    @app.before_request
    def check() -> Any:
        if request.blueprint != "pocketping":
            abort(401)

    api = serve(app)
    assert get(api.url + "/elsewhere").status_code == 401
    assert get(api.url + SCRIPT).headers["Cache-Control"].endswith("immutable")
    api.visitor().say("Hello")
    assert ADVICE not in caplog.text
