"""How the widget shows messages: grouped, each on its side, with links, and tools that move nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from ..support.browsers import Faults, check_accessible, settled
from .chat import Chat
from .conftest import NewContext
from .shop import Shop, answer, only_session
from .test_page import PHONE


def box(part: Locator) -> dict[str, float]:
    """Where a part of the page is."""
    for _ in range(100):
        if found := part.bounding_box():
            break
        # A message is drawn anew when its status changes.
        part.page.wait_for_timeout(50)
    assert found, "it is not shown"
    x, y, width, height = found["x"], found["y"], found["width"], found["height"]
    return {"x": x, "y": y, "width": width, "right": x + width, "bottom": y + height}


def is_reached(part: Locator) -> bool:
    """Whether a click at each corner of a button would meet the button."""
    found: bool = part.evaluate(
        """(button) => {
            const { left, right, top, bottom } = button.getBoundingClientRect();
            const corners = [left + 6, right - 6].flatMap((x) => [top + 6, bottom - 6].map((y) => [x, y]));
            return corners.every(([x, y]) => button.contains(button.getRootNode().elementFromPoint(x, y)));
        }"""
    )
    return found


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_tools_of_a_message_move_nothing_and_can_be_reached(
    shop: Shop, new_context: NewContext, device: str
) -> None:
    page = new_context(**(PHONE if device == "phone" else {})).new_page()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Is it the large one?")
    answer(shop.api, "It is.")
    chat.tell("Then I take two of them, and a tin of the Assam that you showed on the front page last week.")
    expect(chat.message("It is.")).to_be_visible()
    settled(page)
    height = "element => element.scrollHeight"
    before = [box(chat.message(text)) for text in ("It is.", "Then I take")], chat.log.evaluate(height)
    for text in ("Is it the large one?", "Then I take"):
        message = chat.message(text)
        message.locator(".bubble").hover() if device == "desktop" else message.locator(".bubble").tap()
        expect(chat.log.locator(".tools")).to_have_count(1)
        for name in ("Reply", "Edit", "Delete"):
            button = message.get_by_role("button", name=name)
            assert is_reached(button), name
            assert box(button)["bottom"] <= box(chat.log)["bottom"]
    assert before == ([box(chat.message(text)) for text in ("It is.", "Then I take")], chat.log.evaluate(height))
    check_accessible(page, "pocketping-chat")
    chat.message("Then I take").get_by_role("button", name="Delete").click()
    expect(chat.message("Then I take").get_by_role("button", name="Delete this message?")).to_be_focused()
    assert before == ([box(chat.message(text)) for text in ("It is.", "Then I take")], chat.log.evaluate(height))


def test_the_tools_go_when_the_pointer_leaves(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    chat.message("Hello").hover()
    expect(chat.log.locator(".tools")).to_be_visible()
    chat.field.hover()
    expect(chat.log.locator(".tools")).to_have_count(0)


@pytest.mark.parametrize("tool", ["Reply", "Edit"])
def test_on_a_phone_the_tools_go_when_one_was_chosen(shop: Shop, new_context: NewContext, tool: str) -> None:
    page = new_context(**PHONE).new_page()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    chat.message("Hello").locator(".bubble").tap()
    chat.message("Hello").get_by_role("button", name=tool).tap()
    expect(chat.field).to_be_focused()
    expect(chat.log.locator(".tools")).to_have_count(0)


def test_a_file_is_named_beside_an_icon_that_every_device_has(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.attach("a rather long name of an invoice that was scanned.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")
    chat.tell("For you")
    link = chat.log.get_by_role("link", name="a rather long name of an invoice that was scanned.pdf", exact=True)
    icon, name, text = box(link.locator("svg")), box(link), box(chat.message("For you").get_by_text("For you"))
    assert icon["width"] == 22
    assert name["bottom"] <= text["y"]
    words = link.evaluate(
        """(link) => {
            const range = document.createRange();
            range.selectNodeContents(link.querySelector('span').lastChild);
            return range.getBoundingClientRect().x;
        }"""
    )
    assert icon["right"] <= words
    bubble = box(chat.message("For you").locator(".bubble"))
    assert name["right"] <= bubble["right"]


def test_why_a_message_was_refused_stands_above_what_can_be_done(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow("status of 400")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.say("That dratted kettle")
    refused = chat.message("dratted")
    why = box(refused.get_by_text("Please mind your language: we are a quiet little tea shop.", exact=True))
    time, edit, remove = (
        box(part)
        for part in (
            refused.get_by_role("img", name="Not sent"),
            refused.get_by_role("button", name="Edit", exact=True),
            refused.get_by_role("button", name="Delete", exact=True),
        )
    )
    assert time["bottom"] <= why["y"] < why["bottom"] <= edit["y"] == remove["y"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_messages_keep_their_side_whatever_the_direction_of_their_text(shop: Shop, page: Page, language: str) -> None:
    page.goto(shop.plain(query={"lang": language}))
    chat = Chat(page)
    chat.root.get_by_role("button").first.click()
    field = chat.root.get_by_role("textbox")
    for text in ("Hello", "مرحبا"):
        field.fill(text)
        field.press("Enter")
        expect(chat.message(text).get_by_role("img")).to_be_visible()
    chat.expect_said("visitor: Hello", "visitor: مرحبا")
    answer(shop.api, "Good day")
    answer(shop.api, "أهلا")
    expect(chat.message("أهلا")).to_be_visible()
    log = box(chat.log)
    middle = log["x"] + log["width"] / 2
    for text, own in (("Hello", True), ("مرحبا", True), ("Good day", False), ("أهلا", False)):
        bubble = box(chat.message(text).locator(".bubble"))
        right = (bubble["x"] + bubble["right"]) / 2 > middle
        assert right == (own == (language == "en")), text
        expect(chat.message(text).get_by_text(text)).to_have_css("direction", "ltr" if text.isascii() else "rtl")


def test_addresses_of_the_web_and_of_mail_are_links(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    text = (
        "(See https://tea.example/pot_(red)?a=1&b=2, http://old.example. www.tea.example/a! "
        "or write to Grace.Hopper+tea@mail.example.org) javascript:alert(1) file://x awww.x.y a@b"
    )
    chat.say(text)
    chat.expect_said(f"visitor: {text}")
    links = chat.message("See").get_by_role("link")
    found = links.evaluate_all("links => links.map((link) => [link.textContent, link.getAttribute('href')])")
    assert found == [
        ["https://tea.example/pot_(red)?a=1&b=2", "https://tea.example/pot_(red)?a=1&b=2"],
        ["http://old.example", "http://old.example"],
        ["www.tea.example/a", "https://www.tea.example/a"],
        ["Grace.Hopper+tea@mail.example.org", "mailto:Grace.Hopper+tea@mail.example.org"],
    ]
    assert links.first.get_attribute("rel") == "noopener noreferrer"


def say_as(shop: Shop, content: str, name: str) -> None:
    session = only_session(shop.api)
    shop.api.ok("POST", f"/sessions/{session}/messages", {"content": content, "operatorName": name})


def seen(chat: Chat) -> list[dict[str, Any]]:
    """Of each message: who is read aloud, who is seen, how many faces, and whether the time is seen."""
    found: list[dict[str, Any]] = chat.log.evaluate(
        """(log) => [...log.querySelectorAll('.message')].slice(1).map((message) => ({
            named: message.querySelector('.name, .quiet').textContent,
            faces: message.querySelectorAll('.face').length,
            time: getComputedStyle(message.querySelector('.meta')).clipPath === 'none',
        }))"""
    )
    return found


def test_messages_of_one_sender_and_minute_are_a_group_with_one_face_and_one_time(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    page.clock.set_fixed_time("2030-01-15T10:30:20Z")
    chat = Chat(page).open()
    chat.tell("One")
    for content, name in (("Two", "Ana"), ("Three", "Ana"), ("Four", "Tom")):
        say_as(shop, content, name)
    expect(chat.message("Four")).to_be_visible()
    times = chat.log.evaluate("log => [...log.querySelectorAll('.meta')].map((meta) => meta.textContent.trim())")
    # The minute may end between two of them.
    same = times[1] == times[2]
    group = {"named": "AAna", "faces": 1}
    assert seen(chat) == [
        {"named": "You", "faces": 0, "time": True},
        {**group, "time": not same},
        {"named": "Ana", "faces": 0, "time": True} if same else {**group, "time": True},
        {"named": "TTom", "faces": 1, "time": True},
    ]
    settled(page)
    check_accessible(page, "pocketping-chat")


@pytest.mark.parametrize(
    ("locale", "language", "time"),
    [("en-US", "en", "2:05 PM"), ("en-GB", "en", "14:05"), ("en-US", "de_AT", "14:05"), ("en-US", "no tag", "2:05 PM")],
)
def test_times_are_written_as_the_visitor_writes_them(
    shop: Shop, new_context: NewContext, locale: str, language: str, time: str
) -> None:
    page = new_context(locale=locale, timezone_id="UTC").new_page()
    page.clock.set_fixed_time("2030-01-15T14:05:20Z")
    page.route("**/message", lambda route: None)
    page.goto(shop.plain(query={"lang": language}))
    chat = Chat(page)
    chat.root.get_by_role("button").first.click()
    field = chat.root.get_by_role("textbox")
    field.fill("Hello")
    field.press("Enter")
    # Some locales have a narrow space before PM.
    shown = chat.message("Hello").locator(".meta").text_content() or ""
    assert shown.replace("\u202f", " ").startswith(time), shown
