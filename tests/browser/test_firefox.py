"""The core of the widget in Firefox: a talk over each transport, a file, an edit, a phone's size, right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask, request, request_started
from playwright.sync_api import Browser, Page, Playwright, expect

from ..support.browsers import check_accessible, firefox, settled, wait_for
from .chat import Chat
from .conftest import NewContext
from .shop import Shop, answer, only_session, stored
from .test_features import attachments, picture
from .test_talk import TRANSPORTS
from .test_widget_messages import box


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Firefox takes the place of Chromium here."""
    with firefox(playwright) as browser:
        yield browser


@pytest.fixture
def lines(shop: Shop) -> Iterator[set[str]]:
    """The transports that pages use. The server sees them, because the driver tells nothing of Firefox's streams."""
    seen: set[str] = set()

    def note(app: Flask, **extra: object) -> None:
        if request.path == "/events":
            seen.add("poll")
        elif request.path == "/stream":
            seen.add("ws" if "Upgrade" in request.headers else "sse")

    with request_started.connected_to(note, shop.app):
        yield seen


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_visitor_and_the_shop_talk(shop: Shop, page: Page, lines: set[str], transport: str) -> None:
    page.goto(shop.plain(transport=transport))
    assert "Firefox" in page.evaluate("navigator.userAgent")
    chat = Chat(page).open()
    chat.tell("Is the teapot back?")
    answer(shop.api, "Since this morning.")
    chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/read")
    chat.expect_status("Is the teapot back?", "Read")
    settled(page)
    check_accessible(page, "pocketping-chat")
    page.reload()
    chat.open().expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    chat.tell("Then I take one.")
    assert stored(shop.api)[-1] == "visitor: Then I take one."
    assert lines == {transport}


def test_files_travel_both_ways(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.attach("crack.png", "image/png", picture())
    expect(chat.panel.locator(".chip canvas")).to_be_visible()
    chat.tell("It came broken")
    shown = chat.log.get_by_role("img", name="crack.png")
    assert shown.evaluate("async image => (await image.decode(), image.naturalWidth)")
    assert [(item["filename"], item["mimeType"]) for item in attachments(shop)] == [("crack.png", "image/png")]
    session = only_session(shop.api)
    sent = shop.api.ok("POST", f"/sessions/{session}/attachments?filename=label.pdf", data=b"%PDF-1.4\n%%EOF\n")
    body = {"content": "Print this", "attachmentIds": [sent["attachment"]["id"]]}
    shop.api.ok("POST", f"/sessions/{session}/messages", body)
    expect(chat.log.get_by_role("link", name=re.compile("label.pdf"))).to_be_visible()


def test_a_message_is_edited_and_deleted(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("One moth")
    chat.tell("Never mind")
    chat.message("One moth").hover()
    chat.message("One moth").get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value("One moth")
    chat.field.fill("One month")
    chat.field.press("Enter")
    chat.expect_said("visitor: One month", "visitor: Never mind")
    chat.message("Never mind").hover()
    chat.message("Never mind").get_by_role("button", name="Delete").click()
    chat.message("Never mind").get_by_role("button", name="Delete this message?").click()
    chat.expect_said("visitor: One month", "visitor: Message deleted")
    wait_for(page, lambda: stored(shop.api) == ["visitor: One month", "visitor: "], "the server has it")


def test_at_the_size_of_a_phone_it_covers_the_page(shop: Shop, new_context: NewContext) -> None:
    page = new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(shop.plain())
    chat = Chat(page).open()
    settled(page)
    covered = box(chat.panel)
    assert (covered["x"], covered["y"], covered["width"], covered["bottom"]) == (0, 0, 390, 844)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('main').inert")
    check_accessible(page)
    chat.tell("Hello")
    page.go_back()
    expect(chat.panel).to_be_hidden()
    assert not page.evaluate("document.querySelector('main').inert")


def test_in_arabic_it_runs_from_right_to_left(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(query={"lang": "ar"}))
    chat = Chat(page)
    chat.root.get_by_role("button", name="فتح المحادثة").click()
    field = chat.root.get_by_role("textbox", name="اكتب رسالة…")
    for text in ("مرحبا", "Hello"):
        field.fill(text)
        field.press("Enter")
        expect(chat.message(text).get_by_role("img", name=re.compile("أُرسلت|وصلت"))).to_be_visible()
    answer(shop.api, "أهلا")
    expect(chat.message("أهلا")).to_be_visible()
    settled(page)
    expect(chat.log).to_have_css("direction", "rtl")
    log = box(chat.log)
    middle = log["x"] + log["width"] / 2
    for text, own in (("مرحبا", True), ("Hello", True), ("أهلا", False)):
        bubble = box(chat.message(text).locator(".bubble"))
        assert ((bubble["x"] + bubble["right"]) / 2 < middle) == own, text
    check_accessible(page, "pocketping-chat")
