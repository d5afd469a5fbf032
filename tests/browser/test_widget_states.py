"""The states of the widget: its launcher and number, what is new below, a closed conversation, thanks for a rating."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from ..support.browsers import check_accessible, settled, wait_for
from ..support.bulk import add_messages
from .chat import Chat
from .conftest import OpenShop
from .shop import Shop, answer, only_session


def test_the_launcher_shows_a_cross_while_the_chat_is_open(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page)
    shapes = chat.root.locator(".launcher svg")
    expect(shapes.first).to_be_visible()
    expect(shapes.last).to_be_hidden()
    chat.open()
    expect(shapes.first).to_be_hidden()
    expect(shapes.last).to_be_visible()
    chat.root.locator(".launcher").click()
    expect(chat.panel).to_be_hidden()
    expect(shapes.first).to_be_visible()


def test_the_number_ends_at_99(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(title_badge=True))
    page.evaluate("() => { window.counts = []; PocketPing.on('unread', (count) => counts.push(count)); }")
    chat = Chat(page).open()
    chat.tell("Hello")
    chat.field.press("Escape")
    for number in range(1, 101):
        answer(shop.api, f"Number {number}")
    expect(chat.root.get_by_role("button", name="Open chat (99+)")).to_be_visible()
    expect(chat.root.locator(".badge")).to_have_text("99+")
    expect(page).to_have_title("(99+) Plain")
    wait_for(page, lambda: page.evaluate("counts.at(-1)") == 100, "the page learns the number itself")
    chat.root.locator(".launcher").click()
    expect(page).to_have_title("Plain")


def test_what_has_the_focus_has_a_ring_in_the_brand_s_colour(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(primary_color="#0b3d2e"))
    chat = Chat(page)
    outline = "element => getComputedStyle(element).outline"
    expect(chat.launcher).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(chat.launcher).to_be_focused()
    assert "rgb(11, 61, 46)" in chat.launcher.evaluate(outline)
    page.keyboard.press("Enter")
    expect(chat.field).to_be_focused()
    assert "rgb(11, 61, 46) solid 2px" in chat.root.locator(".field").evaluate(outline)
    # On the brand's colour it would not be seen.
    close = chat.panel.get_by_role("button", name="Close chat")
    close.focus()
    assert "lab(100 0 0)" in close.evaluate(outline)


def test_new_messages_are_offered_to_who_reads_older_ones(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("The first")
    add_messages(shop.app.extensions["pocketping"].db, only_session(shop.api), 40)
    page.reload()
    chat.open()
    expect(chat.numbered(40)).to_be_in_viewport()
    pill = chat.panel.get_by_role("button", name="New messages")
    answer(shop.api, "Seen at once")
    expect(chat.message("Seen at once")).to_be_in_viewport()
    expect(pill).to_be_hidden()
    # A page learns of its scrolling with the next frame that it draws. A receipt that comes before that scrolls down.
    chat.log.evaluate(
        """async element => {
            do {
                element.scrollTo(0, 300)
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
            } while (element.scrollTop > 600)
        }"""
    )
    answer(shop.api, "Come down")
    expect(pill).to_be_visible()
    expect(chat.message("Come down")).not_to_be_in_viewport()
    settled(page)
    check_accessible(page, "pocketping-chat")
    pill.click()
    expect(chat.message("Come down")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_after_a_closed_conversation_another_one_can_begin(shop: Shop, context: BrowserContext, page: Page) -> None:
    other = context.new_page()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("The kettle whistles")
    other.goto(shop.plain())
    beside = Chat(other).open()
    beside.expect_said("visitor: The kettle whistles")
    closed = only_session(shop.api)
    shop.api.ok("POST", f"/sessions/{closed}/close")
    line = chat.log.locator(".system", has_text="Conversation closed")
    settled(page)
    check_accessible(page, "pocketping-chat")
    line.get_by_role("button", name="New conversation").click()
    chat.expect_said()
    expect(chat.field).to_be_focused()
    chat.tell("Another matter")
    session = only_session(shop.api)
    assert session != closed
    answer(shop.api, "Which one?")
    for one in (chat, beside):
        one.expect_said("visitor: Another matter", "operator: Which one?")
    beside.tell("The pot")
    chat.expect_said("visitor: Another matter", "operator: Which one?", "visitor: The pot")
    assert shop.api.ok("GET", f"/sessions/{closed}")["session"]["status"] == "closed"
    page.reload()
    chat.open().expect_said("visitor: Another matter", "operator: Which one?", "visitor: The pot")


def test_the_thanks_for_a_rating_go_away(shop: Shop, page: Page) -> None:
    page.clock.install()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Thanks!")
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/csat")
    card = chat.panel.get_by_role("form", name="How did we do?")
    card.get_by_title("5 out of 5 stars").click()
    card.get_by_role("button", name="Send").click()
    thanks = chat.panel.get_by_role("status").filter(has_text=re.compile("^Thank you!$"))
    expect(thanks).to_be_visible()
    page.clock.fast_forward(7000)
    expect(thanks).to_be_hidden()


def test_a_form_offers_to_send_it_before_it_offers_to_skip_it(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(prechat="optional", prechat_timing="after-first-message")
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    form = chat.panel.get_by_role("form", name="How can we reach you?")
    expect(form.get_by_role("button")).to_have_text(["Continue", "Not now"])
    form.get_by_role("button", name="Not now").click()
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/csat")
    form = chat.panel.get_by_role("form", name="How did we do?")
    expect(form.get_by_role("button")).to_have_text(["Send", "Not now"])
    boxes = [button.bounding_box() for button in form.get_by_role("button").all()]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] < boxes[1]["y"]


def test_the_first_open_shows_who_answers_and_how_soon(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(operator_name="Ana")
    for _ in range(5):
        session = shop.api.session()
        path = f"/sessions/{session}/messages"
        shop.api.ok("POST", path, {"content": "Hello?", "type": "visitor"})
        shop.api.ok("POST", path, {"content": "Hello!"})
    page.goto(shop.plain())
    chat = Chat(page).open()
    welcome = chat.log.locator(".message").first
    expect(welcome).to_contain_text("Ana")
    expect(welcome).to_contain_text("Hi! How can we help?")
    expect(welcome).to_contain_text("Usual reply time: 1 min")
    expect(welcome.locator(".face")).to_have_count(1)
    settled(page)
    check_accessible(page, "pocketping-chat")


def test_the_newest_message_stays_in_view_as_room_is_taken(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("The first")
    add_messages(shop.app.extensions["pocketping"].db, only_session(shop.api), 40)
    page.reload()
    chat.open()
    newest = chat.numbered(40)
    expect(newest).to_be_in_viewport(ratio=1)
    chat.attach("note.txt", "text/plain", b"A note")
    expect(chat.panel.get_by_text("note.txt")).to_be_visible()
    expect(newest).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1280, "height": 500})
    expect(newest).to_be_in_viewport(ratio=1)
    chat.log.evaluate("element => element.scrollTo(0, 300)")
    page.set_viewport_size({"width": 1280, "height": 560})
    chat.attach("other.txt", "text/plain", b"A note")
    expect(chat.panel.get_by_text("other.txt")).to_be_visible()
    expect(newest).not_to_be_in_viewport()
