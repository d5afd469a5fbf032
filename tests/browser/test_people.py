"""Who is who: customers find their conversation wherever they sign in, and nobody else does."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from ..support.browsers import Faults, wait_for
from .chat import Chat
from .conftest import NewContext
from .shop import ADA, BEN, Shop, answer, only_session, stored


def test_a_customer_finds_the_conversation_on_another_device(shop: Shop, new_context: NewContext) -> None:
    desk, phone = new_context(), new_context()
    for context in (desk, phone):
        shop.sign_in(context, ADA)
    page = desk.new_page()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Where is my teapot?")
    answer(shop.api, "On its way.")
    other = phone.new_page()
    other.goto(shop.url)
    second = Chat(other).open()
    second.expect_said("visitor: Where is my teapot?", "operator: On its way.")
    second.say("Thanks, from the bus")
    chat.expect_said("visitor: Where is my teapot?", "operator: On its way.", "visitor: Thanks, from the bus")
    session = shop.api.ok("GET", f"/sessions/{only_session(shop.api)}")["session"]
    assert session["identity"]["verified"] is True
    assert session["identity"]["email"] == ADA


def kept(page: Page) -> str:
    """All that the browser keeps for the shop."""
    return str(page.evaluate("JSON.stringify({...localStorage})"))


def test_signing_out_ends_the_conversation_in_this_browser(shop: Shop, context: BrowserContext, page: Page) -> None:
    shop.sign_in(context, ADA)
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("A secret of Ada's")
    shop.sign_out(context)
    page.goto(shop.url)
    expect(chat.launcher).to_be_visible()
    wait_for(page, lambda: "sess_" not in kept(page), "the handle is forgotten", seen=lambda: kept(page))
    chat.open().expect_said()
    shop.sign_in(context, BEN)
    page.goto(shop.url)
    chat.open().expect_said()
    chat.say("Ben here")
    chat.expect_said("visitor: Ben here")
    chat.expect_status("Ben here", "Sent")
    shop.sign_out(context)
    shop.sign_in(context, ADA)
    page.goto(shop.url)
    chat.open().expect_said("visitor: A secret of Ada's")


def test_a_customer_handle_resumes_nothing_without_the_customer(shop: Shop, new_context: NewContext) -> None:
    own, stolen = new_context(), new_context()
    shop.sign_in(own, ADA)
    page = own.new_page()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("A secret of Ada's")
    taken = page.evaluate("({...localStorage})")
    assert any("sess_" in value for value in taken.values()), taken
    thief = stolen.new_page()
    thief.goto(f"{shop.url}/about")
    thief.evaluate("taken => Object.assign(localStorage, taken)", taken)
    # As the widget would keep it for nobody in particular.
    thief.evaluate(
        """() => {
            for (const [key, value] of Object.entries(localStorage)) {
                localStorage[key] = value.replace(/"user":"[^"]*"/, '"user":""');
            }
        }"""
    )
    thief.reload()
    other = Chat(thief)
    other.launcher.click()
    expect(other.field).to_be_visible()
    other.tell("Who am I?")
    assert other.said() == ["visitor: Who am I?"]


def test_a_visitor_who_signs_in_keeps_the_conversation(shop: Shop, context: BrowserContext, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Do you deliver?")
    shop.sign_in(context, ADA)
    page.goto(f"{shop.url}/account")
    chat.open()
    wait_for(
        page,
        lambda: shop.api.ok("GET", f"/sessions/{only_session(shop.api)}")["session"]["identity"],
        "it is Ada's now",
    )
    chat.expect_said("visitor: Do you deliver?")
    assert stored(shop.api) == ["visitor: Do you deliver?"]


def test_a_page_with_a_token_that_is_too_old_asks_for_another(
    shop: Shop, context: BrowserContext, page: Page, faults: Faults
) -> None:
    faults.allow(r"status of 400")
    shop.sign_in(context, ADA)
    page.goto(shop.plain(identity="one.that.is_over"))
    chat = Chat(page).open()
    chat.tell("Hello")
    session = shop.api.ok("GET", f"/sessions/{only_session(shop.api)}")["session"]
    assert session["identity"]["email"] == ADA
