"""Tests the real packages of other extensions: the chat works with them, and they still protect, list and log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request_started
from flask.cli import routes_command
from flask_debugtoolbar import DebugToolbarExtension
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect

from flask_pocketping import PocketPing
from flask_pocketping.testing import Visitor, api
from flask_pocketping.web.pages.assets import find_assets

from ..conftest import Serve

SetUp = Callable[[Flask], Any]


def host(folder: Path, *extensions: SetUp, **config: Any) -> Flask:
    """A host app with a page and a form, and extensions set up in this order."""
    app = Flask("host", instance_path=str(folder))
    app.config.update({"SECRET_KEY": "a secret of the host", "POCKETPING_WORKER": "off", **config})
    app.add_url_rule("/", "page", lambda: "<html><body>A page</body></html>")
    app.add_url_rule("/form", "form", lambda: "done", methods=["POST"])
    for extension in extensions:
        extension(app)
    return app


def limiter(app: Flask) -> Limiter:
    return Limiter(
        get_remote_address,
        app=app,
        default_limits=["2 per hour"],
        application_limits=["3 per hour"],
        storage_uri="memory://",
    )


def in_any_order(extension: SetUp) -> pytest.MarkDecorator:
    """The extension before ours, and after it."""
    orders = {"before ours": (extension, PocketPing), "after ours": (PocketPing, extension)}
    return pytest.mark.parametrize("extensions", list(orders.values()), ids=list(orders))


@in_any_order(limiter)
def test_limits_for_the_whole_app_exempt_the_chat(tmp_path: Path, extensions: tuple[SetUp, ...]) -> None:
    app = host(tmp_path, *extensions)
    visitor = Visitor(app)
    asset = f"/pocketping/assets/{find_assets().build}/widget/widget.js"
    for number in range(4):
        visitor.send(f"No. {number}")
        assert app.test_client().get(asset).status_code == 200
        assert app.test_client().get("/pocketping/no-such-thing").status_code == 404
        assert api(app).get("/pocketping/sessions").status_code == 200
    # The host's own pages still have the whole of their limit, and no more.
    assert [app.test_client().get("/").status_code for _ in range(3)] == [200, 200, 429]


def test_each_of_two_limiters_exempts_the_chat(tmp_path: Path) -> None:
    app = host(tmp_path, limiter, PocketPing, limiter)
    for _ in range(5):
        Visitor(app)


@in_any_order(CSRFProtect)
def test_messages_and_api_calls_need_no_csrf_token(tmp_path: Path, extensions: tuple[SetUp, ...]) -> None:
    app = host(tmp_path, *extensions)
    visitor = Visitor(app)
    visitor.send("Hello")
    assert api(app).post(f"/pocketping/sessions/{visitor.session_id}/close").status_code == 200
    assert app.test_client().post("/form").status_code == 400


def test_other_extensions_are_only_checked_at_the_first_request(tmp_path: Path) -> None:
    app = host(tmp_path, PocketPing, CSRFProtect)
    assert list(request_started.receivers_for(app)) != []
    app.test_client().get("/")
    assert list(request_started.receivers_for(app)) == []


@pytest.fixture
def log_handlers() -> Iterator[None]:
    """Take away what is added to the root logger: the toolbar's handler keeps each record, and with a traceback all
    that its frames name, for as long as the process lives."""
    before = list(logging.root.handlers)
    yield
    for handler in [handler for handler in logging.root.handlers if handler not in before]:
        logging.root.removeHandler(handler)


@pytest.mark.usefixtures("log_handlers")
def test_the_debug_toolbar_lists_our_routes_and_lets_the_chat_work(tmp_path: Path, serve: Serve) -> None:
    app = host(tmp_path, PocketPing, DEBUG_TB_ENABLED=True, POCKETPING_API_KEY="key-0123456789")
    app.debug = True
    DebugToolbarExtension(app)
    page = app.test_client().get("/")
    assert page.status_code == 200
    assert "/pocketping/sessions" in page.text
    assert "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT" in page.text
    served = serve(app)
    served.url += "/pocketping"
    visitor = served.visitor()
    with visitor.stream() as stream:
        visitor.say("Hello")
        assert stream.expect("message")["data"]["content"] == "Hello"


def test_code_that_lists_an_apps_routes_finds_their_methods(tmp_path: Path) -> None:
    app = host(tmp_path, PocketPing)
    listed = app.test_cli_runner().invoke(routes_command)
    assert "pocketping.unknown" in listed.output
    assert all(rule.methods and sorted(rule.methods) for rule in app.url_map.iter_rules())
    # Methods that nobody lists are answered all the same, in the one shape of errors.
    answer = app.test_client().open("/pocketping/sessions", method="BREW")
    assert (answer.status_code, answer.get_json()["code"]) == (405, "METHOD_NOT_ALLOWED")
