"""Tests which pages may use the visitor routes. These check Origin themselves, whatever CORS headers the host sets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_cors
import pytest
import requests
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_pocketping.web.registry import all_operations

from ..conftest import LOCAL, Serve
from ..support.clients import BROWSER, Api
from ..support.servers import make_app

LISTED = "https://shop.example"
EVIL = "https://evil.example"
ROUTES = [(item.method, re.sub("<[^>]+>", "x", item.path)) for item in all_operations() if item.caller == "visitor"]


def ask(api: Api, method: str, path: str, **headers: str) -> requests.Response:
    given = {"User-Agent": BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    body: dict[str, Any] = {"json": {}} if method in {"POST", "PATCH"} else {}
    return requests.request(method, api.url + path, headers=given, timeout=30, **body)


def check_refused(answer: requests.Response) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/json"), answer.text
    assert answer.json() == {"error": "Forbidden", "message": answer.json()["message"], "code": "FORBIDDEN"}
    assert "POCKETPING_CORS_ORIGINS" in answer.json()["message"]


def is_refused(answer: requests.Response) -> bool:
    return answer.status_code == 403 and answer.json()["code"] == "FORBIDDEN"


@pytest.fixture
def open_host(tmp_path: Path) -> Flask:
    """An app that lets every origin read everything, with its cookies, by Flask-CORS."""
    app = make_app(tmp_path, **LOCAL, cors_origins=LISTED)
    flask_cors.CORS(app, supports_credentials=True)
    return app


def test_every_visitor_route_refuses_an_origin_that_is_not_listed(serve: Serve) -> None:
    api = serve(cors_origins=LISTED)
    assert len(ROUTES) > 15
    for method, path in ROUTES:
        check_refused(ask(api, method, path, Origin=EVIL))
        check_refused(ask(api, "OPTIONS", path, Origin=EVIL, Access_Control_Request_Method=method))
        assert not is_refused(ask(api, method, path, Origin=LISTED)), path
        assert not is_refused(ask(api, method, path, Origin=api.url)), path


def test_flask_cors_does_not_open_visitor_routes(open_host: Flask, serve: Serve) -> None:
    api = serve(open_host)
    for method, path in ROUTES:
        answer = ask(api, method, path, Origin=EVIL)
        check_refused(answer)
        # The host's own header is there: only the status keeps the page out.
        assert answer.headers["Access-Control-Allow-Origin"] == EVIL
        check_refused(ask(api, "OPTIONS", path, Origin=EVIL, Access_Control_Request_Method=method))


def test_flask_cors_does_not_break_listed_origins(open_host: Flask, serve: Serve) -> None:
    api = serve(open_host)
    hello = ask(api, "POST", "/connect", Origin=LISTED)
    assert (hello.status_code, hello.headers["Access-Control-Allow-Origin"]) == (200, LISTED)
    assert "X-PocketPing-Version-Status" in hello.headers["Access-Control-Expose-Headers"]


def test_flask_cors_does_not_share_the_identity_with_other_origins(open_host: Flask, serve: Serve) -> None:
    open_host.extensions["test_pocketping"].identity_loader(lambda: {"id": 7})
    api = serve(open_host)
    for origin in (EVIL, LISTED, "null"):
        answer = ask(api, "GET", "/identity", Origin=origin)
        assert is_refused(answer), origin
        assert "identityToken" not in answer.text
    assert ask(api, "GET", "/identity").json()["identityToken"]


def test_requests_without_an_origin_are_allowed(serve: Serve) -> None:
    api = serve()
    assert ask(api, "POST", "/connect").status_code == 200
    # An image on a page of another site, or a link to a file in somebody's mail.
    for site in ("cross-site", "same-site", "none"):
        assert not is_refused(ask(api, "GET", "/files/x/x/x", Sec_Fetch_Site=site))


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://evil.example/https://shop.example",
        "chrome-extension://shop.example",
        "http://127.0.0.1",
        "http://[broken",
        "http://127.0.0.1:99999",
        "null",
        "file://",
        "",
    ],
)
def test_origins_that_only_look_similar_are_refused(serve: Serve, origin: str) -> None:
    api = serve(cors_origins=LISTED)
    check_refused(ask(api, "POST", "/connect", Origin=origin))
    check_refused(ask(api, "POST", "/connect", Origin=origin, Sec_Fetch_Site="cross-site"))
    check_refused(ask(api, "POST", "/connect", Origin=origin, Sec_Fetch_Site="same-site"))


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("shop.example", "https://shop.example", True),
        ("shop.example:443", "https://shop.example", True),
        ("shop.example", "https://shop.example:443", True),
        ("SHOP.example:8443", "https://shop.example:8443", True),
        ("[::1]:5000", "http://[::1]:5000", True),
        ("shop.example:8443", "https://shop.example", False),
        ("shop.example", "https://shop.example:8443", False),
    ],
)
def test_the_apps_own_origin_has_its_host_and_port(serve: Serve, host: str, origin: str, allowed: bool) -> None:
    assert is_refused(ask(serve(), "POST", "/connect", Host=host, Origin=origin)) != allowed


def test_the_own_origin_works_behind_a_proxy_with_a_forwarded_host(app: Flask, serve: Serve) -> None:
    headers = {"Origin": "https://shop.example", "X_Forwarded_Host": "shop.example", "X_Forwarded_Proto": "https"}
    api = serve(app)
    check_refused(ask(api, "POST", "/connect", **headers))
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1)  # type: ignore[method-assign]
    assert ask(api, "POST", "/connect", **headers).status_code == 200


def test_the_own_origin_works_behind_a_proxy_that_changes_the_host(serve: Serve, tmp_path: Path) -> None:
    # A browser says itself that the page is of the same origin, and no page can make it say so.
    assert ask(serve(), "POST", "/connect", Origin=LISTED, Sec_Fetch_Site="same-origin").status_code == 200
    assert ask(serve(), "POST", "/typing", Origin="null", Sec_Fetch_Site="same-origin").status_code == 400
    # An older one does not, and a socket's handshake goes without.
    known = serve(make_app(tmp_path, **LOCAL, public_url="https://shop.example/chat"))
    assert ask(known, "POST", "/connect", Origin=LISTED).status_code == 200
    check_refused(ask(known, "POST", "/connect", Origin=EVIL))


def test_the_back_office_checks_keys_and_not_origins(serve: Serve) -> None:
    api = serve()
    host = urlsplit(api.url).netloc
    for origin in (EVIL, f"http://{host}"):
        assert api.get("/sessions", headers={"Origin": origin}).status_code == 200
