"""Tests presence for pages: who is online, beacons when a page is left, and that no screenshots are requested."""

from __future__ import annotations

import json

import pytest
import requests
from flask import Flask

from ...conftest import Serve
from ...support.clients import BROWSER, Api
from ...support.servers import wait_until


def test_a_page_can_ask_who_is_online(any_shared: Api) -> None:
    page = any_shared.visitor()
    answer = page.request("GET", "/presence")
    assert answer.json() == {"online": False, "operators": [], "aiEnabled": False, "aiActiveAfter": None}
    with any_shared.socket():
        assert page.request("GET", "/presence").json()["online"] is True
    wait_until(lambda: not page.request("GET", "/presence").json()["online"], "the operator left")


def test_a_page_can_ask_when_the_ai_replies(app: Flask, api: Api) -> None:
    app.extensions["pocketping"].ai_after = 90.0
    told = api.visitor().request("GET", "/presence").json()
    assert (told["aiEnabled"], told["aiActiveAfter"]) == (True, 90.0)


@pytest.mark.parametrize("path", ["/disconnect", "/visibility"])
@pytest.mark.parametrize("type", ["application/json", "text/plain;charset=UTF-8", ""])
def test_beacons_may_have_any_content_type(shared: Api, path: str, type: str) -> None:
    page = shared.visitor()
    body = json.dumps({"sessionId": page.handle, "duration": 12, "reason": "unload", "state": "hidden"})
    headers = {"User-Agent": BROWSER, **({"Content-Type": type} if type else {})}
    answer = requests.post(shared.url + path, data=body.encode(), headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize("path", ["/disconnect", "/visibility"])
@pytest.mark.parametrize(("body", "code"), [(b"", "INVALID_JSON"), (b"[]", "INVALID_JSON"), (b"{}", "INVALID_REQUEST")])
def test_an_empty_beacon_is_refused(shared: Api, path: str, body: bytes, code: str) -> None:
    answer = requests.post(shared.url + path, data=body, headers={"User-Agent": BROWSER}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_other_routes_accept_only_json(shared: Api) -> None:
    page = shared.visitor()
    body = json.dumps({"sessionId": page.handle, "isTyping": True})
    answer = requests.post(f"{shared.url}/typing", data=body, headers={"Content-Type": "text/plain"}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_no_screenshots_are_requested(shared: Api) -> None:
    page = shared.visitor()
    answer = page.request("GET", "/screenshot/requests", params={"sessionId": page.handle})
    assert (answer.status_code, answer.json()) == (200, {"requests": []})


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/message/msg_1", "PATCH"),
        ("/message/msg_1", "DELETE"),
        ("/typing", "POST"),
        ("/events", "GET"),
        ("/stream", "GET"),
    ],
)
def test_pages_of_listed_origins_may_ask_for_presence(serve: Serve, path: str, method: str) -> None:
    api = serve(cors_origins="https://shop.example")
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": method}
    answer = requests.options(api.url + path, headers=headers, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    refused = requests.options(api.url + path, headers={**headers, "Origin": "https://evil.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in refused.headers
    for wrong in ("PUT", "POST" if "message" in path else "PATCH"):
        answer = requests.request(wrong, api.url + path, headers=headers, timeout=10)
        assert answer.status_code == 405
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example", "a page may read why"
