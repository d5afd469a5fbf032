"""A page that is cached for everybody, in Chromium: each customer sees their own chat in it, and nobody another's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Request, expect

from ..support.browsers import wait_for
from ..support.cached import cached_shop
from ..support.clients import Api
from ..support.servers import serving
from .chat import Chat
from .conftest import NewContext, end


@pytest.fixture
def tea_app(tmp_path: Path) -> Flask:
    return cached_shop(tmp_path)


@pytest.fixture
def tea(tea_app: Flask) -> Iterator[Api]:
    """The shop, served until its pages are closed."""
    with serving(tea_app) as api:
        yield api
    end(tea_app)


class Visits:
    """A browser on the cached page."""

    def __init__(self, tea: Api, context: BrowserContext) -> None:
        self.url = tea.url
        self.context = context
        self.page = context.new_page()
        self.chat = Chat(self.page)
        self.asked: list[str] = []
        self.page.on("request", self._on_request)

    def _on_request(self, request: Request) -> None:
        self.asked.append(request.url.removeprefix(self.url).split("?")[0])

    def sign(self, path: str) -> None:
        """Sign in or out, without showing a page."""
        assert self.context.request.post(self.url + path).ok

    def load(self) -> bytes:
        """Show the page, and say what came of it over the line."""
        answer = self.page.goto(f"{self.url}/tea")
        assert answer is not None
        expect(self.chat.launcher).to_be_visible()
        return answer.body()

    def stored(self) -> str:
        return str(self.page.evaluate("JSON.stringify({...localStorage})"))

    def wait_for_no_handle(self) -> None:
        wait_for(self.page, lambda: "sess_" not in self.stored(), "the handle is forgotten", seen=self.stored)


@pytest.fixture
def visits(tea: Api, new_context: NewContext) -> Any:
    """Makes a browser of somebody's."""
    return lambda: Visits(tea, new_context())


def test_two_customers_on_one_cached_page(tea_app: Flask, visits: Any) -> None:
    ada, ben = visits(), visits()
    ada.sign("/sign-in/ada")
    first = ada.load()
    # Nothing is asked before the chat is opened.
    assert not {"/identity", "/connect"} & set(ada.asked)
    ada.chat.open()
    ada.chat.tell("A secret of Ada's")
    assert ada.asked.index("/identity") < ada.asked.index("/connect")
    ben.sign("/sign-in/ben")
    assert ben.load() == first
    assert tea_app.extensions["test_rendered"] == ["ada"], "the cache gave both the same page"
    ben.chat.open().expect_said()
    ben.chat.tell("Ben here")
    assert ada.load() == first
    ada.chat.open().expect_said("visitor: A secret of Ada's")
    ben.load()
    ben.chat.open().expect_said("visitor: Ben here")


def test_on_one_computer_one_after_the_other(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.chat.field.fill("A draft of Ada's")
    desk.sign("/sign-in/ben")
    desk.load()
    desk.chat.open().expect_said()
    expect(desk.chat.field).to_have_value("")
    desk.chat.tell("Ben here")
    desk.sign("/sign-out")
    desk.load()
    desk.wait_for_no_handle()
    desk.chat.open().expect_said()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open().expect_said("visitor: A secret of Ada's")


def test_until_it_is_known_who_is_there_nothing_of_a_customers_is_shown(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.chat.field.fill("A draft of Ada's")
    held: list[Any] = []
    desk.page.route("**/identity*", lambda route: held.append(route), times=1)
    desk.load()
    desk.chat.launcher.click()
    wait_for(desk.page, lambda: held, "the page asks who is there")
    desk.chat.expect_said()
    expect(desk.chat.field).to_have_value("")
    held[0].continue_()
    desk.chat.expect_said("visitor: A secret of Ada's")
    expect(desk.chat.field).to_have_value("A draft of Ada's")


def test_signing_out_in_one_tab_ends_the_chat_in_the_others(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.chat.field.fill("A draft of Ada's")
    desk.sign("/sign-out")
    other: Page = desk.context.new_page()
    other.goto(f"{desk.url}/tea")
    desk.wait_for_no_handle()
    desk.chat.expect_said()
    expect(desk.chat.field).to_have_value("")
    other.close()
    desk.chat.tell("Nobody in particular")
    desk.chat.expect_said("visitor: Nobody in particular")


def test_a_page_that_is_looked_at_again_asks_who_is_there(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.sign("/sign-out")
    # A headless browser hides no tab.
    desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    desk.wait_for_no_handle()
    desk.chat.expect_said()


def test_a_page_that_the_browser_kept_asks_who_is_there(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.chat.field.fill("A draft of Ada's")
    desk.sign("/sign-out")
    desk.page.evaluate(
        """() => {
            dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
            dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
        }"""
    )
    desk.chat.expect_said()
    expect(desk.chat.field).to_have_value("")
    desk.wait_for_no_handle()


def test_what_is_written_before_it_is_known_who_is_there_stays(visits: Any) -> None:
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.chat.field.fill("A draft of Ada's")
    desk.sign("/sign-in/ben")
    held: list[Any] = []
    desk.page.route("**/identity*", lambda route: held.append(route), times=1)
    desk.load()
    desk.chat.open()
    wait_for(desk.page, lambda: held, "the page asks who is there")
    desk.chat.say("Ben here")
    desk.chat.field.fill("and more")
    desk.chat.expect_said("visitor (not sent): Ben here")
    held[0].continue_()
    desk.chat.expect_said("visitor: Ben here")
    expect(desk.chat.field).to_have_value("and more")
    desk.chat.expect_status("Ben here", "Sent")


@pytest.mark.parametrize("status", [500, 503])
def test_an_app_that_can_not_say_who_is_there(tea: Api, visits: Any, faults: Any, status: int) -> None:
    faults.allow("status of 50")
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.page.route("**/identity*", lambda route: route.fulfill(status=status, json={"code": "…"}), times=2)
    desk.load()
    desk.chat.open()
    desk.chat.tell("Hello")
    (session,) = tea.ok("GET", "/sessions")["sessions"]
    # A fault in the app's loader costs the name and not the chat. An app that is away for a moment is waited for.
    assert (session["identity"] is None) == (status == 500)


def test_what_waits_of_a_customers_is_sent_by_nobody_else(tea: Api, visits: Any, faults: Any) -> None:
    faults.allow_network()
    desk = visits()
    desk.sign("/sign-in/ada")
    desk.load()
    desk.chat.open()
    desk.chat.tell("A secret of Ada's")
    desk.page.route("**/message", lambda route: route.abort())
    desk.chat.say("Another one")
    desk.chat.expect_status("Another one", "Sending")
    desk.page.unroute("**/message")
    desk.sign("/sign-in/ben")
    desk.load()
    desk.chat.open()
    desk.chat.tell("Ben here")
    desk.chat.expect_said("visitor: Ben here")
    said = {
        message["content"]
        for session in tea.ok("GET", "/sessions")["sessions"]
        for message in tea.ok("GET", f"/sessions/{session['id']}/messages")["messages"]
    }
    assert said == {"A secret of Ada's", "Ben here"}
