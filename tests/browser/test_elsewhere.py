"""A page of another origin: who its customer is comes from the signed token that the host puts there, and only so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from playwright.sync_api import BrowserContext, Page, Request, expect

from flask_pocketping import PocketPing

from ..support.browsers import Faults, wait_for
from ..support.clients import Api
from ..support.servers import make_app, serving
from .chat import Chat
from .conftest import end

_PAGE = """\
<!doctype html>
<html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,"><h1>Elsewhere</h1>
<script src="{url}/assets/000000000000/widget/widget.js"></script><script src="/chat.js"></script></html>
"""
_CHAT = "window.failed = []; PocketPing.init({{endpoint: '{url}', {more} onError: (e) => failed.push(e.code)}});"


@dataclass
class Elsewhere:
    """Another site, whose pages use the chat of `app`.

    :ivar tokens: what its next page is given to say who the customer is, or nothing.
    """

    url: str
    app: Flask
    api: Api
    tokens: list[str] = field(default_factory=list)

    def token(self, customer: str) -> str:
        pocketping: PocketPing = self.app.extensions["test_pocketping"]
        with self.app.app_context():
            made = pocketping.identity_token({"id": customer, "name": customer.title()})
        assert made
        return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    site = Flask("elsewhere")
    with serving(site) as other:
        app = make_app(tmp_path, cors_origins=other.url)
        # By cookies it would be somebody else.
        app.extensions["test_pocketping"].identity_loader(lambda: {"id": "by-cookie"})
        with serving(app) as api:
            made = Elsewhere(other.url, app, api)
            site.add_url_rule("/", "page", lambda: _PAGE.format(url=api.url))
            site.add_url_rule("/chat.js", "chat", lambda: Response(_script(made), mimetype="text/javascript"))
            yield made
        end(app)


def _script(site: Elsewhere) -> str:
    more = f"identity: '{site.tokens[-1]}'," if site.tokens else ""
    return _CHAT.format(url=site.api.url, more=more)


def identities(api: Api) -> list[Any]:
    return [session["identity"] for session in api.ok("GET", "/sessions")["sessions"]]


def test_a_signed_token_tells_who_the_customer_is(elsewhere: Elsewhere, context: BrowserContext, page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.removeprefix(elsewhere.api.url).split("?")[0])

    page.on("request", note)
    elsewhere.tokens.append(elsewhere.token("ada"))
    page.goto(elsewhere.url)
    chat = Chat(page).open()
    chat.tell("A secret of Ada's")
    chat.field.fill("A draft of Ada's")
    (identity,) = identities(elsewhere.api)
    assert identity == {"customerId": "ada", "name": "Ada", "verified": True}
    elsewhere.tokens.append(elsewhere.token("ben"))
    page.goto(elsewhere.url)
    chat.open().expect_said()
    expect(chat.field).to_have_value("")
    chat.tell("Ben here")
    elsewhere.tokens.clear()
    page.goto(elsewhere.url)
    chat.open().expect_said()
    elsewhere.tokens.append(elsewhere.token("ada"))
    page.goto(elsewhere.url)
    chat.open().expect_said("visitor: A secret of Ada's")
    assert "/connect" in asked
    assert "/identity" not in asked


def test_a_token_that_is_over_is_told_to_the_page(elsewhere: Elsewhere, page: Page, faults: Faults) -> None:
    faults.allow("status of 400")
    elsewhere.tokens.append("one.that.is_over")
    page.goto(elsewhere.url)
    chat = Chat(page).open()
    wait_for(page, lambda: page.evaluate("failed") == ["INVALID_REQUEST"], "the page hears of it")
    chat.tell("Hello")
    assert identities(elsewhere.api) == [None]
