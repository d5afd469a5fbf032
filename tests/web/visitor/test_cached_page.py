"""Tests a page that a cache stores for everybody, with the real Flask-Caching: customers see only their own chat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from ...conftest import Serve
from ...support.cached import cached_shop
from ...support.clients import BROWSER, Api


class Browser:
    """Somebody's browser: cookies of its own, and what the widget does with the page's answers."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.http = requests.Session()
        self.http.headers["User-Agent"] = BROWSER

    def page(self) -> bytes:
        answer = self.http.get(self.api.url + "/tea", timeout=30)
        assert answer.status_code == 200
        return answer.content

    def connect(self, **body: Any) -> dict[str, Any]:
        """Ask who is signed in, then for the conversation."""
        token = self.http.get(self.api.url + "/identity", timeout=30).json()["identityToken"]
        answer = self.http.post(self.api.url + "/connect", json={"identityToken": token, **body}, timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def say(self, handle: str, content: str) -> None:
        answer = self.http.post(self.api.url + "/message", json={"sessionId": handle, "content": content}, timeout=30)
        assert answer.status_code == 200, answer.text

    def post(self, path: str) -> None:
        assert self.http.post(self.api.url + path, timeout=30).status_code == 200


@contextmanager
def browsers(api: Api, count: int) -> Iterator[list[Browser]]:
    made = [Browser(api) for _ in range(count)]
    try:
        yield made
    finally:
        for browser in made:
            browser.http.close()


def test_a_cached_page_shows_each_customer_their_own_chat(tmp_path: Path, serve: Serve) -> None:
    app = cached_shop(tmp_path)
    with browsers(serve(app), 3) as (ada, ben, nobody):
        ada.post("/sign-in/ada")
        first = ada.page()
        assert app.extensions["test_rendered"] == ["ada"], "the page is hers, and kept"
        hers = ada.connect()
        ada.say(hers["sessionId"], "A secret of Ada's")

        ben.post("/sign-in/ben")
        assert ben.page() == first == nobody.page()
        assert app.extensions["test_rendered"] == ["ada"]
        for other in (ben, nobody):
            seen = other.connect()
            assert seen["messages"] == []
            assert seen["sessionId"] != hers["sessionId"]
            assert seen.get("identity", {}).get("name") != "ada"

        (said,) = ada.connect()["messages"]
        assert said["content"] == "A secret of Ada's"
        # On the same computer, by the handle that she left behind.
        ada.post("/sign-out")
        assert ada.page() == first
        assert ada.connect(sessionId=hers["sessionId"])["messages"] == []
        ada.post("/sign-in/ben")
        assert ada.connect(sessionId=hers["sessionId"])["messages"] == []


def test_nothing_of_a_customer_is_in_the_cache(tmp_path: Path, serve: Serve) -> None:
    """What the first customer's request left there, looked at as a thief would: on the disk."""
    app = cached_shop(tmp_path, "FileSystemCache")
    with browsers(serve(app), 1) as (ada,):
        ada.post("/sign-in/ada-of-highbury")
        first = ada.page()
        hello = ada.connect()
        assert ada.page() == first
        identity = ada.http.get(ada.api.url + "/identity", timeout=30).json()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())
    assert b"pocketping" in kept or b"widget.js" in kept
    token, user = identity["identityToken"], identity["user"]
    for private in ("ada-of-highbury", token, token[:12], user, hello["sessionId"], hello["visitorId"]):
        assert private.encode() not in kept + first
