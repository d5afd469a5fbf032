"""What the visitor writes is kept: a draft over an edit, a message that is refused, one that the server takes later."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, expect

from ..support.browsers import Faults, check_accessible, settled, wait_for
from .chat import Chat
from .conftest import OpenShop
from .shop import Shop, answer, stored


def edit(chat: Chat, text: str) -> None:
    """Begin to edit a message."""
    chat.message(text).hover()
    chat.message(text).get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value(text)


def test_a_draft_survives_an_edit_and_a_reload(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("One moth")
    chat.tell("Another")
    chat.field.fill("Half a sent")
    edit(chat, "One moth")
    chat.field.press("Escape")
    expect(chat.field).to_have_value("Half a sent")
    edit(chat, "Another")
    edit(chat, "One moth")
    page.reload()
    chat.open()
    expect(chat.field).to_have_value("Half a sent")
    edit(chat, "One moth")
    chat.field.fill("One month")
    chat.field.press("Enter")
    expect(chat.field).to_have_value("Half a sent")
    chat.expect_said("visitor: One month", "visitor: Another")
    page.reload()
    chat.open()
    expect(chat.field).to_have_value("Half a sent")
    chat.field.press("Enter")
    chat.expect_said("visitor: One month", "visitor: Another", "visitor: Half a sent")
    expect(chat.field).to_have_value("")


def test_an_edit_that_fails_comes_back_and_the_draft_after_it(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow_network()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("One moth")
    chat.field.fill("Half a sent")
    edit(chat, "One moth")
    page.route("**/message/*", lambda route: route.abort())
    chat.field.fill("One month")
    chat.field.press("Enter")
    expect(chat.panel.get_by_text("Something went wrong. Try again.")).to_be_visible()
    expect(chat.field).to_have_value("One month")
    page.unroute("**/message/*")
    chat.field.press("Enter")
    chat.expect_said("visitor: One month")
    expect(chat.field).to_have_value("Half a sent")


def test_a_refused_message_keeps_its_place_and_can_be_changed(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 400")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Hello")
    chat.say("That dratted kettle")
    refused = chat.message("dratted")
    expect(refused).to_contain_text("mind your language")
    expect(refused.get_by_role("button", name="Try again")).to_be_hidden()
    settled(page)
    check_accessible(page, "pocketping-chat")
    chat.tell("Is it back?")
    answer(shop.api, "Since today.")
    shown = [
        "visitor: Hello",
        "visitor (not sent): That dratted kettle",
        "visitor: Is it back?",
        "operator: Since today.",
    ]
    chat.expect_said(*shown)
    page.reload()
    chat.open().expect_said(*shown)
    chat.field.fill("A draft")
    refused.get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value("That dratted kettle")
    chat.field.fill("That lovely kettle")
    chat.field.press("Enter")
    expect(chat.field).to_have_value("A draft")
    chat.expect_said("visitor: Hello", "visitor: Is it back?", "operator: Since today.", "visitor: That lovely kettle")
    assert stored(shop.api)[-1] == "visitor: That lovely kettle"


def test_a_refusal_that_may_pass_offers_to_try_again(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 403")
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    refusal = json.dumps({"code": "FORBIDDEN", "message": "Not now."})
    page.route("**/message", lambda route: route.fulfill(status=403, content_type="application/json", body=refusal))
    chat.say("And this")
    expect(chat.message("And this")).to_contain_text("Something went wrong. Try again.")
    page.unroute("**/message")
    chat.message("And this").get_by_role("button", name="Try again").click()
    chat.expect_status("And this", "Sent")


def test_a_message_that_comes_too_fast_says_when_it_goes_on_and_does(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 429")
    page.goto(shop.plain(language="en-GB"))
    page.clock.install()
    chat = Chat(page).open()
    chat.tell("One")
    refusals: list[str] = []

    def refuse(route: Route) -> None:
        refusals.append(route.request.url)
        body = json.dumps({"code": "RATE_LIMITED", "message": "Too many requests."})
        route.fulfill(status=429, headers={"Retry-After": "90"}, content_type="application/json", body=body)

    page.route("**/message", refuse)
    chat.say("Two")
    expect(chat.message("Two")).to_contain_text(re.compile(r"Continue at \d\d:\d\d:\d\d\."))
    chat.expect_status("Two", "Sending")
    expect(chat.message("Two").get_by_role("button", name="Try again")).to_be_hidden()
    page.unroute("**/message")
    page.clock.fast_forward(91_000)
    chat.expect_status("Two", "Sent")
    expect(chat.message("Two")).not_to_contain_text("Continue at")
    assert len(refusals) == 1
    wait_for(page, lambda: stored(shop.api) == ["visitor: One", "visitor: Two"], "both are stored")


def test_what_the_server_refuses_is_not_called_a_lost_connection(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 429")
    body = json.dumps({"code": "RATE_LIMITED", "message": "Too many requests."})
    page.route(
        "**/connect",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "9"}, content_type="application/json", body=body
        ),
    )
    page.goto(shop.plain())
    chat = Chat(page).open()
    expect(chat.panel.get_by_text(re.compile("Continue at"))).to_be_visible()


def test_where_there_are_no_files_none_can_be_attached(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(uploads="off")
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    expect(chat.panel.get_by_role("button", name="Attach a file")).to_be_hidden()
