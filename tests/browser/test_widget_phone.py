"""The widget on a phone: it covers the page, waits with the keyboard, suits fingers, and closes by going back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ..support.browsers import check_accessible, settled, wait_for
from .chat import Chat
from .conftest import NewContext
from .shop import Shop, answer, only_session
from .test_page import PHONE


@pytest.fixture
def phone(new_context: NewContext) -> Page:
    """A page on a phone."""
    return new_context(**PHONE).new_page()


def resting(page: Page) -> bool:
    """Whether the page behind neither scrolls nor takes the focus."""
    found: dict[str, Any] = page.evaluate(
        """() => {
            scrollTo(0, 300);
            const link = document.querySelector('main a');
            // It may have the focus from before, which an inert page takes away only with its next frame.
            link.blur();
            link.focus();
            return { inert: !!link.closest('[inert]'), focus: document.activeElement === link,
                locked: getComputedStyle(document.documentElement).overflowY === 'hidden' };
        }"""
    )
    assert found["inert"] == found["locked"] == (not found["focus"]), found
    return bool(found["inert"])


def test_the_page_behind_rests_while_the_chat_covers_it(shop: Shop, phone: Page) -> None:
    phone.goto(shop.plain())
    chat = Chat(phone)
    assert not resting(phone)
    chat.launcher.tap()
    expect(chat.panel).to_have_attribute("aria-modal", "true")
    assert resting(phone)
    settled(phone)
    check_accessible(phone)
    for _ in range(12):
        phone.keyboard.press("Tab")
        assert phone.evaluate("document.activeElement.localName") in {"pocketping-chat", "body"}
    # Turned and wider, it is a window beside the page.
    phone.set_viewport_size({"width": 1000, "height": 800})
    wait_for(phone, lambda: not resting(phone), "the page is back")
    phone.set_viewport_size({"width": 844, "height": 390})
    wait_for(phone, lambda: resting(phone), "the page rests again")
    box = chat.panel.bounding_box()
    assert box
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 844, 390)
    chat.panel.get_by_role("button", name="Close chat").tap()
    expect(chat.panel).to_be_hidden()
    assert not resting(phone)
    chat.launcher.tap()
    assert resting(phone)
    phone.evaluate("PocketPing.destroy()")
    wait_for(phone, lambda: not resting(phone), "the page is back")


def test_the_keyboard_comes_when_the_field_is_touched(shop: Shop, phone: Page) -> None:
    phone.goto(shop.plain())
    chat = Chat(phone)
    chat.launcher.tap()
    expect(chat.panel).to_be_focused()
    expect(chat.field).not_to_be_focused()
    chat.field.tap()
    expect(chat.field).to_be_focused()


def test_going_back_closes_the_chat_and_stays_on_the_page(shop: Shop, phone: Page) -> None:
    phone.goto(shop.url)
    phone.goto(shop.plain())
    here = phone.url
    phone.evaluate("() => { history.replaceState({ own: 1 }, ''); window.moves = []; }")
    phone.evaluate("addEventListener('popstate', ({ state }) => moves.push(state))")
    chat = Chat(phone)
    chat.launcher.tap()
    expect(chat.panel).to_be_visible()
    assert phone.evaluate("history.state.own") == 1
    phone.go_back()
    expect(chat.panel).to_be_hidden()
    assert (phone.url, phone.evaluate("history.state")) == (here, {"own": 1})
    # Closed by its button, it leaves nothing to go back to.
    chat.launcher.tap()
    chat.panel.get_by_role("button", name="Close chat").tap()
    expect(chat.panel).to_be_hidden()
    wait_for(phone, lambda: phone.evaluate("history.state") == {"own": 1}, "the page's own entry is back")
    assert phone.evaluate("moves") == []
    phone.go_back()
    expect(phone).to_have_url(f"{shop.url}/")


def test_everything_is_large_enough_for_a_finger(shop: Shop, phone: Page) -> None:
    phone.goto(shop.plain())
    chat = Chat(phone)
    chat.launcher.tap()
    chat.tell("Hello")
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/csat")
    expect(chat.panel.get_by_role("form", name="How did we do?")).to_be_visible()
    answer(shop.api, "Good day")
    chat.attach("note.txt", "text/plain", b"A note")
    chat.message("Hello").locator(".bubble").tap()
    expect(chat.log.get_by_role("button", name="Delete")).to_be_visible()
    targets = chat.panel.locator("button:visible, textarea:visible, .stars label").all()
    assert len(targets) >= 12
    for target in targets:
        box = target.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, target.evaluate("element => element.outerHTML")


def test_notches_and_bars_of_the_screen_cover_nothing(shop: Shop, phone: Page) -> None:
    phone.goto(shop.plain())
    devtools = phone.context.new_cdp_session(phone)
    insets = {"top": 40, "bottom": 30, "left": 20, "right": 20}
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    chat = Chat(phone)
    box = chat.launcher.bounding_box()
    assert box
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (390 - 40, 844 - 50)
    chat.launcher.tap()
    settled(phone)
    parts = {
        "name": chat.panel.get_by_role("heading").bounding_box(),
        "log": chat.log.bounding_box(),
        "field": chat.root.locator(".field").bounding_box(),
    }
    for name, part in parts.items():
        assert part, name
        assert part["x"] >= 20, name
        assert part["x"] + part["width"] <= 370, name
        assert part["y"] >= 40, name
        assert part["y"] + part["height"] <= 814, name
