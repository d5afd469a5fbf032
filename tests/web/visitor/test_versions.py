"""Tests versions of the widget: the status that each one gets on every transport, and which are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from ...conftest import Serve
from ...support.clients import BROWSER, Api, Socket
from ...support.events import EventSource
from ...support.servers import make_app, sharing

VERSION = "X-PocketPing-Version"


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    settings: dict[str, Any] = {"widget_min_version": "1.2", "widget_latest_version": "2.3.1"}
    with sharing(
        make_app(
            tmp_path_factory.mktemp("versions"),
            visitor_session_limit="off",
            visitor_silent_session_limit="off",
            **settings,
        )
    ) as api:
        # With the first request all threads begin, so that none of them is news to a test.
        api.get("/health")
        yield api


CASES = [
    ("2.3.1", "ok"),
    ("2.3.1.0", "ok"),
    ("3.0", "ok"),
    ("v2.4.0-beta.1", "ok"),
    ("2.3.0", "outdated"),
    ("2.3", "outdated"),
    ("2", "outdated"),
    ("1.9.9", "deprecated"),
    ("1.10.0", "deprecated"),
    ("1.2.0", "deprecated"),
    (None, "ok"),
    ("", "ok"),
    ("latest", "ok"),
    ("1..2", "ok"),
    ("1" * 50, "ok"),
]


@pytest.mark.parametrize(("told", "status"), CASES)
def test_each_version_gets_its_status(bounded: Api, told: str | None, status: str) -> None:
    headers = {} if told is None else {VERSION: told}
    page = bounded.visitor()
    for method, path in (("GET", "/presence"), ("GET", f"/messages?sessionId={page.handle}"), ("GET", "/messages")):
        answer = page.request(method, path, headers=headers)
        assert answer.headers[f"{VERSION}-Status"] == status
        assert answer.headers["X-PocketPing-Min-Version"] == "1.2"
        assert answer.headers["X-PocketPing-Latest-Version"] == "2.3.1"
        assert (f"{VERSION}-Message" in answer.headers) == (status != "ok")


@pytest.mark.parametrize("told", ["1.1.9", "0.9", "1.1"])
def test_a_version_that_is_too_old_is_refused_everywhere(bounded: Api, told: str) -> None:
    page = bounded.visitor()
    headers = {VERSION: told}
    for method, path in (
        ("POST", "/connect"),
        ("POST", "/message"),
        ("GET", "/messages"),
        ("GET", "/events"),
        ("GET", f"/stream?sessionId={page.handle}"),
        ("PATCH", "/message/msg_1"),
        ("GET", "/presence"),
    ):
        answer = page.request(method, path, {}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (426, "UPGRADE_REQUIRED"), path
        assert answer.json().keys() == {"error", "message", "code"}
        assert answer.headers[f"{VERSION}-Status"] == "unsupported"
        assert answer.headers[f"{VERSION}-Message"] == answer.json()["message"]
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        connect(page, told)
    assert caught.value.status_code == 426


def connect(page: Any, told: str) -> Socket:
    made = Socket.__new__(Socket)
    made.ws = websocket.create_connection(
        f"{page.url}/stream?sessionId={page.handle}".replace("http", "ws", 1),
        timeout=10,
        header={"User-Agent": BROWSER, VERSION: told},
    )
    return made


@pytest.mark.parametrize(("told", "status"), [("2.0.0", "outdated"), ("1.2.0", "deprecated"), ("2.3.1", "ok")])
def test_streams_begin_with_a_warning(bounded: Api, told: str, status: str) -> None:
    page = bounded.visitor()
    with connect(page, told) as socket, EventSource(page, headers={VERSION: told}) as stream:
        page.say("Hello")
        first, event = socket.receive(), stream.receive()
    if status == "ok":
        assert (first["type"], event["type"]) == ("message", "message")
        return
    assert first == event
    assert first["type"] == "version_warning"
    assert first["data"] == {
        "severity": {"outdated": "info", "deprecated": "warning"}[status],
        "canContinue": True,
        "status": status,
        "minVersion": "1.2",
        "latestVersion": "2.3.1",
        "message": first["data"]["message"],
    }


def test_without_settings_every_version_is_ok(shared: Api) -> None:
    answer = shared.visitor().request("GET", "/presence", headers={VERSION: "0.0.1"})
    assert answer.status_code == 200
    told = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-pocketping")}
    assert told == {f"{VERSION}-Status": "ok"}


def test_back_office_responses_have_no_version_status(bounded: Api) -> None:
    assert bounded.get("/sessions", headers={VERSION: "0.1"}).status_code == 200


def test_pages_of_other_origins_may_read_the_status(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example", widget_min_version="1.0")
    page = api.visitor()
    headers = {"Origin": "https://shop.example", VERSION: "0.9"}
    answer = page.request("POST", "/typing", {"sessionId": page.handle, "isTyping": True}, headers=headers)
    assert answer.status_code == 426
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {name for name in answer.headers if name.startswith("X-PocketPing")} <= set(exposed)
    # The question before it says nothing of the version yet.
    asked = page.request("OPTIONS", "/typing", headers=headers)
    assert asked.status_code == 200
    assert VERSION in asked.headers["Access-Control-Allow-Headers"]
