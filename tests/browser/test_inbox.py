"""Operators at work in the inbox: they see all that comes, answer, find, close, and see one another."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from ..support.browsers import Faults, check_accessible, settled, wait_for
from ..support.bulk import add_messages, add_sessions
from ..support.clients import Visitor
from ..support.pictures import png_of_noise
from ..support.proxy import proxying
from ..support.servers import wait_until
from .chat import Chat
from .conftest import NewContext
from .inbox import Inbox
from .shop import ADA, ANA, TOM, Shop, stored
from .test_page import PHONE

OpenInbox = Callable[..., Inbox]


@pytest.fixture
def open_inbox(shop: Shop, new_context: NewContext) -> OpenInbox:
    """The inbox of an operator in a browser of their own."""

    def start(email: str = ANA, session_id: str = "", **options: object) -> Inbox:
        context = new_context(**options)
        shop.sign_in(context, email)
        return Inbox(context.new_page(), shop.url).visit(session_id)

    return start


@pytest.fixture
def inbox(open_inbox: OpenInbox) -> Inbox:
    return open_inbox()


def visitor_saying(shop: Shop, *texts: str, **identity: str) -> Visitor:
    """A visitor who has written."""
    metadata = {"url": f"{shop.url}/about", "pageTitle": "About and contact"}
    visitor = shop.api.visitor(metadata=metadata, identity=identity or None)
    for text in texts:
        visitor.say(text)
    return visitor


def test_visitor_and_operator_talk_page_to_page(shop: Shop, inbox: Inbox, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Is the teapot back?")
    expect(inbox.row("Is the teapot back?")).to_be_visible()
    inbox.open("Is the teapot back?")
    inbox.expect_said("visitor: Is the teapot back?")
    chat.expect_status("Is the teapot back?", "Read")
    inbox.field.press_sequentially("Since")
    expect(chat.root.get_by_text("Ana Duarte is typing…")).to_be_visible()
    inbox.say("Since this morning.")
    chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    expect(chat.panel.get_by_role("heading", name="Ana Duarte")).to_be_visible()
    expect(inbox.message("Since this morning.").get_by_text("Read", exact=True)).to_be_attached()
    chat.field.press_sequentially("Thank")
    expect(inbox.page.get_by_text(re.compile("is typing…$"))).to_be_visible()
    chat.tell("Thank you!")
    inbox.expect_said("visitor: Is the teapot back?", "operator: Since this morning.", "visitor: Thank you!")
    assert stored(shop.api) == [
        "visitor: Is the teapot back?",
        "operator: Since this morning.",
        "visitor: Thank you!",
    ]


def test_two_operators_see_each_other(shop: Shop, inbox: Inbox, open_inbox: OpenInbox) -> None:
    visitor = visitor_saying(shop, "Hello")
    other = open_inbox(TOM, visitor.session_id)
    inbox.open("Hello")
    other.field.press_sequentially("Let me")
    expect(inbox.page.get_by_text("Tom Whitby is replying…")).to_be_visible()
    other.say("Let me see")
    inbox.expect_said("visitor: Hello", "operator: Let me see")
    expect(inbox.message("Let me see").get_by_text("Tom Whitby")).to_be_visible()
    inbox.page.get_by_role("button", name="Preferences").click()
    expect(inbox.page.get_by_role("dialog").get_by_text("Tom Whitby")).to_be_visible()
    other.page.close()
    expect(inbox.page.get_by_role("dialog").get_by_text("Tom Whitby")).to_be_hidden()


def test_a_conversation_is_closed_and_opened_again(shop: Shop, inbox: Inbox, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("All good now")
    inbox.open("All good now")
    inbox.page.get_by_role("button", name="Close conversation").click()
    expect(inbox.page.get_by_text("This conversation is closed.")).to_be_visible()
    expect(inbox.rows).to_have_count(0)
    inbox.page.get_by_role("button", name="Closed", exact=True).click()
    expect(inbox.row("All good now")).to_be_visible()
    inbox.page.get_by_role("button", name="Reopen conversation").click()
    expect(inbox.field).to_be_visible()
    inbox.page.get_by_role("button", name="Close conversation").click()
    chat.tell("One more thing")
    inbox.page.get_by_role("button", name="Open", exact=True).click()
    expect(inbox.row("One more thing")).to_be_visible()


def test_a_saved_answer_is_made_and_used(shop: Shop, inbox: Inbox) -> None:
    visitor = visitor_saying(shop, "When do you open?")
    inbox.open("When do you open?")
    inbox.page.get_by_role("button", name="Saved replies").click()
    dialog = inbox.page.get_by_role("dialog")
    dialog.get_by_role("button", name="New saved reply").click()
    editor = inbox.page.get_by_role("dialog", name="New saved reply")
    editor.get_by_label("Shortcut").fill("hours")
    editor.get_by_label("Text").fill("We open at nine.")
    editor.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("/hours")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    inbox.dismiss()
    inbox.field.press_sequentially("/ho")
    expect(inbox.page.get_by_role("option").filter(has_text="/hours")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    inbox.field.press("Enter")
    expect(inbox.field).to_have_value("We open at nine.")
    inbox.field.press("Enter")
    inbox.expect_said("visitor: When do you open?", "operator: We open at nine.")
    assert visitor.messages()[-1]["operatorName"] == "Ana Duarte"


def test_what_was_said_is_answered_to_changed_and_taken_back(shop: Shop, inbox: Inbox) -> None:
    visitor = visitor_saying(shop, "Black or green?")
    inbox.open("Black or green?")
    inbox.message("Black or green?").hover()
    inbox.message("Black or green?").get_by_role("button", name="Reply").click()
    inbox.say("Grene")
    inbox.expect_said("visitor: Black or green?", "operator: Grene")
    inbox.message("Grene").hover()
    inbox.message("Grene").get_by_role("button", name="Edit").click()
    editor = inbox.page.get_by_role("textbox", name="Edit message")
    editor.fill("Green")
    editor.press("Enter")
    inbox.expect_said("visitor: Black or green?", "operator: Green")
    inbox.say("Oops")
    inbox.message("Oops").hover()
    inbox.message("Oops").get_by_role("button", name="Delete").click()
    inbox.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    inbox.expect_said("visitor: Black or green?", "operator: Green", "operator: Message deleted")
    question, reply, gone = visitor.messages()
    assert (reply["content"], reply["replyTo"], gone["content"]) == ("Green", question["id"], "")


def test_who_signs_in_while_they_talk_is_known_at_once(shop: Shop, inbox: Inbox, new_context: NewContext) -> None:
    context = new_context()
    page = context.new_page()
    page.goto(shop.url)
    Chat(page).open().tell("Where is my teapot?")
    inbox.open("Where is my teapot?")
    shop.sign_in(context, ADA)
    page.goto(f"{shop.url}/account")
    expect(inbox.details.get_by_text("Verified by your site")).to_be_visible()
    expect(inbox.details.get_by_text("€83.00")).to_be_visible()
    expect(inbox.details.get_by_role("switch")).to_have_count(0)


def test_what_the_shop_knows_stands_beside_the_conversation(shop: Shop, inbox: Inbox, new_context: NewContext) -> None:
    context = new_context()
    shop.sign_in(context, ADA)
    page = context.new_page()
    page.goto(shop.url)
    Chat(page).open().tell("Where is my teapot?")
    page.goto(f"{shop.url}/products/river-teapot")
    inbox.open("Ada Marsh")
    expect(inbox.details.get_by_text("Verified by your site")).to_be_visible()
    expect(inbox.details.get_by_text(ADA)).to_be_visible()
    expect(inbox.details.get_by_role("link", name="River Teapot", exact=True)).to_be_visible()
    expect(inbox.details.get_by_text("€83.00")).to_be_visible()
    expect(inbox.details.get_by_role("link", name=re.compile("^River Teapot · "))).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)


def test_a_rating_is_asked_for_and_shown(shop: Shop, inbox: Inbox) -> None:
    visitor = visitor_saying(shop, "Thanks")
    inbox.open("Thanks")
    with visitor.stream() as stream:
        inbox.details.get_by_role("button", name="Ask for a rating").click()
        stream.expect("csat_request")
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 5, "comment": "Lovely"})
    expect(inbox.details.get_by_role("img", name="5 out of 5 stars")).to_be_visible()
    expect(inbox.details.get_by_text("Lovely")).to_be_visible()


def test_files_travel_both_ways(shop: Shop, inbox: Inbox, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.attach("leaves.txt", "text/plain", b"Some leaves")
    chat.tell("These ones")
    inbox.open("These ones")
    expect(inbox.message("These ones").get_by_role("link", name=re.compile("leaves.txt"))).to_be_visible()
    inbox.page.locator("input[type=file]").set_input_files(
        {"name": "label.txt", "mimeType": "text/plain", "buffer": b"A label"}
    )
    expect(inbox.page.get_by_role("button", name="Remove label.txt")).to_be_visible()
    inbox.field.fill("Print this")
    expect(inbox.page.get_by_role("button", name="Send")).to_be_enabled()
    inbox.field.press("Enter")
    expect(chat.message("Print this").get_by_role("link", name=re.compile("label.txt"))).to_be_visible()


def test_a_picture_that_turns_out_to_be_none_is_a_link_on_both_sides(
    shop: Shop, inbox: Inbox, page: Page, faults: Faults
) -> None:
    faults.allow(r"status of 404 .*/thumbnail")
    for context in (page.context, inbox.page.context):
        context.route("**/thumbnail", lambda route: route.fulfill(status=404))
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.attach("noise.png", "image/png", png_of_noise())
    chat.tell("Can you see it?")
    expect(chat.log.get_by_role("link", name=re.compile("noise.png"))).to_have_text("noise.png")
    expect(chat.log.get_by_role("img", name="noise.png")).to_have_count(0)
    inbox.open("Can you see it?")
    link = inbox.message("Can you see it?").get_by_role("link", name=re.compile("noise.png"))
    expect(link).to_have_attribute("download", "noise.png")


def grow(page: Page, scroller: Locator, size: Callable[[], int], *, to: str) -> None:
    """Scroll to an end, and wait until more has come there."""
    before = size()
    scroller.evaluate(f"element => element.scrollTo(0, {to})")
    wait_for(page, lambda: size() > before, "more of it", seen=lambda: (before, size()))


def test_ten_thousand_conversations_scroll_and_are_searched(shop: Shop, open_inbox: OpenInbox) -> None:
    visitor_saying(shop, "The first")
    add_sessions(shop.app.extensions["pocketping"].db, 10_000)
    inbox = open_inbox()
    # The one that was just opened is the newest of all.
    expect(inbox.rows.first).to_contain_text("The first")
    expect(inbox.row("Visitor 10000").first).to_be_visible()
    scroller = inbox.page.locator(".rows-scroller")
    for _ in range(4):
        grow(
            inbox.page,
            scroller,
            lambda: scroller.evaluate("element => element.scrollHeight"),
            to="element.scrollHeight",
        )
    assert inbox.rows.count() < 60
    inbox.search.fill("Visitor 4321")
    expect(inbox.row("Visitor 4321")).to_be_visible()
    expect(inbox.rows).to_have_count(1)
    inbox.search.fill("nobody at all")
    expect(inbox.page.get_by_role("heading", name="No results")).to_be_visible()


def test_five_thousand_messages_open_and_scroll(shop: Shop, open_inbox: OpenInbox) -> None:
    visitor = visitor_saying(shop, "The first")
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 5000)
    inbox = open_inbox(session_id=visitor.session_id)
    expect(inbox.message("Number 5000")).to_be_in_viewport()
    for _ in range(3):
        grow(inbox.page, inbox.messages, lambda: len(inbox.said()), to="0")
    expect(inbox.message("Number 5000")).not_to_be_in_viewport()
    visitor.say("And one more")
    expect(inbox.page.get_by_role("button", name="New messages")).to_be_visible()


def test_what_came_while_the_line_was_cut_is_there_afterwards(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow_network()
    visitor = visitor_saying(shop, "Before")
    with proxying("127.0.0.1", int(shop.url.rsplit(":", 1)[1])) as proxy:
        context = new_context()
        there = Shop(shop.app, shop.api.__class__(f"http://127.0.0.1:{proxy.port}", shop.api.key))
        there.sign_in(context, ANA)
        inbox = Inbox(context.new_page(), there.url).visit(visitor.session_id)
        inbox.expect_said("visitor: Before")
        proxy.down()
        expect(inbox.page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
        visitor.say("Meanwhile")
        inbox.say("Written without a line")
        other = visitor_saying(shop, "Somebody else")
        proxy.up()
        inbox.expect_said("visitor: Before", "visitor: Meanwhile", "operator: Written without a line", timeout=20)
        expect(inbox.row("Somebody else")).to_be_visible()
        assert [message["content"] for message in visitor.messages()] == [
            "Before",
            "Meanwhile",
            "Written without a line",
        ]
        assert other.session_id != visitor.session_id
        context.close()


def test_an_operator_who_is_signed_out_is_told(shop: Shop, new_context: NewContext, faults: Faults) -> None:
    faults.allow(r"status of 40[13]")
    context = new_context()
    page = context.new_page()
    page.goto(f"{shop.url}/inbox")
    expect(page).to_have_url(re.compile("/sign-in"))
    shop.sign_in(context, ANA)
    page.route("**/inbox/token", lambda route: route.fulfill(status=403, json={"code": "FORBIDDEN", "message": "No."}))
    page.goto(f"{shop.url}/inbox")
    expect(page.get_by_text("You're signed out")).to_be_visible()
    settled(page)
    check_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_axe_finds_nothing(shop: Shop, open_inbox: OpenInbox, device: str, scheme: str) -> None:
    inbox = open_inbox(color_scheme=scheme, **(PHONE if device == "phone" else {}))
    page = inbox.page
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    settled(page)
    check_accessible(page)
    visitor = visitor_saying(shop, "Is the teapot back?\nhttps://example.com/", name="Grace", email="grace@example.com")
    expect(inbox.row("Grace")).to_be_visible()
    settled(page)
    check_accessible(page)
    inbox.open("Grace")
    inbox.say("Since this morning.")
    inbox.expect_said("visitor: Is the teapot back?\nhttps://example.com/", "operator: Since this morning.")
    visitor.say("Good!")
    inbox.expect_said(
        "visitor: Is the teapot back?\nhttps://example.com/", "operator: Since this morning.", "visitor: Good!"
    )
    settled(page)
    check_accessible(page)
    if device == "phone":
        page.get_by_role("button", name="Details").click()
        settled(page)
        check_accessible(page)


def test_axe_finds_nothing_in_the_statistics(shop: Shop, inbox: Inbox) -> None:
    visitor = visitor_saying(shop, "Hello")
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hi"})
    inbox.page.get_by_role("link", name="Statistics").click()
    expect(inbox.page.get_by_text("Median first response")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    inbox.page.get_by_role("button", name="30 days").or_(inbox.page.get_by_label("30 days")).first.click()
    expect(inbox.page.get_by_text("Median first response")).to_be_visible()


def test_the_keyboard_is_enough(shop: Shop, inbox: Inbox) -> None:
    for text in ("First", "Second", "Third"):
        visitor_saying(shop, text)
    expect(inbox.rows).to_have_count(3)
    keys = inbox.page.keyboard
    keys.press("j")
    expect(inbox.rows.first).to_be_focused()
    keys.press("j")
    keys.press("Enter")
    inbox.expect_said("visitor: Second")
    keys.press("Escape")
    inbox.page.locator("body").press("r")
    expect(inbox.field).to_be_focused()
    keys.type("j and k are letters here")
    keys.press("Enter")
    inbox.expect_said("visitor: Second", "operator: j and k are letters here")
    keys.press("Escape")
    keys.press("e")
    expect(inbox.page.get_by_text("This conversation is closed.")).to_be_visible()
    keys.press("?")
    expect(inbox.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    inbox.dismiss()
    keys.press("Control+k")
    expect(inbox.search).to_be_focused()
    keys.type("Third")
    expect(inbox.rows).to_have_count(1)


def test_on_a_phone_screens_follow_one_another(shop: Shop, open_inbox: OpenInbox) -> None:
    visitor = visitor_saying(shop, "Hello from a phone")
    inbox = open_inbox(**PHONE)
    page = inbox.page
    inbox.row("Hello from a phone").tap()
    expect(inbox.field).to_be_visible()
    expect(page).to_have_url(f"{shop.url}/inbox/{visitor.session_id}")
    expect(inbox.rows.first).to_be_hidden()
    assert inbox.field.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 16
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = inbox.field.bounding_box()
    assert box
    assert box["y"] > 600, "the field is where the thumb is"
    page.get_by_role("button", name="Details").tap()
    expect(inbox.details.get_by_role("heading", name="Details")).to_be_visible()
    page.go_back()
    expect(inbox.field).to_be_visible()
    page.go_back()
    expect(inbox.rows.first).to_be_visible()


def test_an_operator_who_is_away_is_not_online(shop: Shop, inbox: Inbox) -> None:
    visitor = shop.api.visitor()

    def online() -> bool:
        return bool(visitor.request("GET", "/presence").json()["online"])

    wait_until(online, "the operator is online")
    inbox.page.get_by_role("button", name="Preferences").click()
    switch = inbox.page.get_by_role("switch", name=re.compile("^(Available|Away)"))
    switch.click()
    wait_until(lambda: not online(), "the operator is away")
    switch.click()
    wait_until(online, "the operator is back")
