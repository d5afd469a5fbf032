"""Tests the page of the inbox: who gets it, and its Content-Security-Policy."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from flask import Flask, Response, redirect, request

from flask_pocketping.chat import projects
from flask_pocketping.state import state_of
from flask_pocketping.values import Operator
from flask_pocketping.web.pages.assets import find_assets

from ...conftest import Serve
from ...support.servers import make_app


def fetch(address: str) -> requests.Response:
    return requests.get(address, allow_redirects=False, timeout=30)


def test_without_an_operator_loader_the_inbox_is_not_found(
    app: Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api = serve(app)
    with caplog.at_level(logging.WARNING, "flask_pocketping"):
        for path in ("/inbox", "/inbox/sess_1", "/inbox"):
            answer = fetch(api.url + path)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert caplog.text.count("operator_loader") == 1


@pytest.mark.parametrize("prefix", ["", "/chat/desk"])
def test_an_operator_gets_the_page_with_its_policy(tmp_path: Any, serve: Serve, prefix: str) -> None:
    app = make_app(tmp_path, url_prefix=prefix)
    app.extensions["test_pocketping"].operator_loader(lambda: Operator("7", "Ana"))
    api = serve(app)
    for path in ("/inbox", "/inbox/sess_1/details"):
        answer = fetch(api.url + path)
        assert answer.status_code == 200
        assert f'data-endpoint="{prefix}"' in answer.text
        assert 'data-transports="websocket sse poll"' in answer.text
        assert f"{prefix}/assets/{find_assets().build}/inbox/" in answer.text
        policy = answer.headers["Content-Security-Policy"]
        host = api.url.split("//")[1].split("/")[0]
        assert policy == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; "
            f"connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert " style=" not in answer.text
        assert "<script>" not in answer.text


def test_the_page_preloads_every_module(app: Flask, serve: Serve) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: Operator("7", "Ana"))
    api = serve(app)
    page = fetch(api.url + "/inbox").text
    root = api.url.removesuffix(urlsplit(api.url).path)
    preloaded = {root + path for path in re.findall(r'rel="modulepreload" href="([^"]+)"', page)}
    wanted = [root + path for path in re.findall(r'<script type="module" src="([^"]+)"', page)]
    assert len(wanted) == 1
    for address in wanted:
        answer = fetch(address)
        assert answer.status_code == 200
        imported = {urljoin(address, name) for name in re.findall(r"^(?:import|\}) .*from '(.+)';", answer.text, re.M)}
        assert imported <= preloaded, address
        wanted += sorted(imported - set(wanted))
    assert set(wanted[1:]) == preloaded


def test_the_host_header_cannot_change_the_policy(app: Flask) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: Operator("7", "Ana"))
    with app.test_client() as client:
        answer = client.get("/inbox", headers={"Host": "x;script-src"})
    app.extensions["pocketping"].runtime.close()
    assert "ws:" not in answer.headers.get("Content-Security-Policy", "")


def test_people_who_are_not_operators_do_not_get_the_page(app: Flask, serve: Serve) -> None:
    @app.extensions["test_pocketping"].operator_loader  # type: ignore[untyped-decorator]
    def load() -> Any:
        return redirect("/login?next=" + request.path) if "signed_in" not in request.cookies else None

    api = serve(app)
    sent_away = fetch(api.url + "/inbox")
    assert (sent_away.status_code, sent_away.headers["Location"]) == (302, "/login?next=/inbox")
    refused = requests.get(api.url + "/inbox", cookies={"signed_in": "1"}, timeout=30)
    assert refused.status_code == 403
    assert refused.headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]


class Signed:
    """A host whose sign-in page sends everybody back who is signed in, operators or not."""

    def __init__(self, app: Flask) -> None:
        self.customer: dict[str, Any] | None = None
        self.answer: Any = redirect("/login?next=/inbox")
        app.extensions["test_pocketping"].identity_loader(lambda: self.customer)
        app.extensions["test_pocketping"].operator_loader(lambda: self.answer)


def test_a_customer_is_told_why_not_instead_of_a_sign_in_loop(app: Flask, serve: Serve) -> None:
    host = Signed(app)
    api = serve(app)
    assert fetch(api.url + "/inbox").status_code == 302
    host.customer = {"id": 3, "name": "<b>Ada</b>", "email": "ada@example.com"}
    answer = fetch(api.url + "/inbox")
    assert answer.status_code == 403
    assert answer.headers["Cache-Control"] == "no-store"
    assert "No access" in answer.text
    assert "&lt;b&gt;Ada&lt;/b&gt;" in answer.text
    assert 'href="/login?next=/inbox"' in answer.text
    host.answer = redirect("javascript:alert(1)")
    assert fetch(api.url + "/inbox").headers["Location"].startswith("javascript:"), "the page does not link to it"
    # What the host shows by itself stays.
    host.answer = Response("Operators only", 403)
    assert fetch(api.url + "/inbox").text == "Operators only"


def test_an_identity_loader_that_fails_stops_nobody_on_the_way_to_the_sign_in(
    app: Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    host = Signed(app)
    host.customer = {"name": "no id"}
    with caplog.at_level(logging.ERROR, "flask_pocketping"):
        assert fetch(serve(app).url + "/inbox").status_code == 302
    assert "identity_loader" in caplog.text


def test_an_operator_is_told_why_a_project_is_closed_to_them(app: Flask, serve: Serve) -> None:
    database = state_of(app).db
    api = serve(app)
    mine, foreign = (projects.create_project(database, name).id for name in ("Mine & more", "Foreign"))
    who = Operator("7", "Ana", projects=(mine,))
    app.extensions["test_pocketping"].operator_loader(lambda: who)
    assert fetch(f"{api.url}/inbox/{mine}/sess_1").status_code == 200
    for project in (foreign, "proj_nothing"):
        answer = fetch(f"{api.url}/inbox/{project}")
        assert answer.status_code == 403
        assert "You can't open the inbox of this project" in answer.text
        assert f'href="/inbox/{mine}">Mine &amp; more</a>' in answer.text
        assert "Foreign" not in answer.text
    refused = requests.post(f"{api.url}/inbox/token", params={"project": foreign}, timeout=30)
    assert (refused.status_code, list(refused.json()["details"])) == (403, ["project"])
    app.extensions["test_pocketping"].operator_loader(lambda: None)
    assert "details" not in requests.post(f"{api.url}/inbox/token", timeout=30).json()


def test_a_failing_loader_is_logged_and_reveals_nothing(
    app: Flask, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: {"name": "no id of p4ssw0rd"})
    api = serve(app)
    with caplog.at_level(logging.ERROR, "flask_pocketping"):
        answer = fetch(api.url + "/inbox")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "p4ssw0rd" not in answer.text
    assert "operator_loader must return" in caplog.text
