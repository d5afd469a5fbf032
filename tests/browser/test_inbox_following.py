"""The inbox under a flood of messages, its times, and what it says of files before it uploads any."""

from __future__ import annotations

import re
import threading
import time

import pytest
from playwright.sync_api import FilePayload, Locator, Request, expect

from flask_pocketping.chat.messages import send_message

from ..support.browsers import check_accessible, settled, wait_for
from ..support.servers import wait_until
from .chat import Chat
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import Shop, only_session
from .test_inbox_more import signed_in, visitor_saying

#: Messages per second.
RATE = 100

#: A time such as 7:05 PM.
HALF_DAYS = r"\d{1,2}:\d\d\s[AP]M"

_DISTANCE = "region => region.scrollHeight - region.scrollTop - region.clientHeight"
#: Keeps in `strayed` how often the button for new messages was seen.
_WATCH = """
() => {
    window.strayed = 0;
    const look = () => {
        if (!document.querySelector('.newer').hidden) window.strayed += 1;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}
"""
#: Whether the view stays where it is from one frame to the next.
_RESTS = """
(region) => new Promise((resolve) => {
    const before = region.scrollTop;
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(region.scrollTop === before)));
})
"""
_TOP = "element => element.getBoundingClientRect().top"


class Flood:
    """A visitor's messages `Drop 1`, `Drop 2` and so on, a hundred a second."""

    def __init__(self, shop: Shop, session_id: str) -> None:
        self.shop = shop
        self.session_id = session_id
        self.sent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> int:
        """Stop, and return how many there were."""
        self._ended.set()
        self._thread.join()
        return self.sent

    def wait(self, count: int) -> None:
        """Wait until there are so many more."""
        goal = self.sent + count
        wait_until(lambda: self.sent >= goal, f"{count} more messages", 60, lambda: self.sent)

    def _run(self) -> None:
        database = self.shop.app.extensions["pocketping"].db
        began = time.monotonic()
        with self.shop.app.app_context():
            while not self._ended.wait(max(0, began + self.sent / RATE - time.monotonic())):
                # Some have several lines, so that no two steps are the same.
                text = f"Drop {self.sent + 1}" + "\nand more of it" * (self.sent % 4)
                send_message(database, self.session_id, text, type="visitor")
                self.sent += 1


def drop(inbox: Inbox, number: int) -> Locator:
    """The message with that number."""
    return inbox.messages.get_by_text(re.compile(rf"^Drop {number}\b"))


def wait_for_drops(inbox: Inbox, flood: Flood, count: int) -> None:
    """Wait for so many more, while the page works."""
    goal = flood.sent + count
    wait_for(inbox.page, lambda: flood.sent >= goal, f"{count} more messages", 60, lambda: flood.sent)


def test_a_flood_is_followed_until_the_operator_scrolls_up(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Before the rain")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Before the rain")
    newer = inbox.page.get_by_role("button", name="New messages")
    with Flood(shop, visitor.session_id) as flood:
        wait_for_drops(inbox, flood, 50)
        inbox.page.evaluate(_WATCH)
        wait_for_drops(inbox, flood, 500)
        assert inbox.page.evaluate("window.strayed") == 0
        assert len(inbox.said()) < 500, "what is far above is not kept in the page"

        # A small step up, as a wheel makes many of, is enough to stay.
        inbox.messages.hover()
        inbox.page.mouse.wheel(0, -300)
        expect(newer).to_be_visible()
        shown = inbox.messages.locator(".message").filter(visible=True)
        wait_for(inbox.page, lambda: inbox.messages.evaluate(_RESTS), "the step is done")
        # The line's element is another one when the message counts as read.
        key, middle = inbox.messages.evaluate(
            """region => {
                const {top, height} = region.getBoundingClientRect();
                const lines = [...region.querySelectorAll('.message')];
                const line = lines.find((line) => line.getBoundingClientRect().top > top + height / 3);
                return [line.dataset.key, line.getBoundingClientRect().top];
            }"""
        )
        wait_for_drops(inbox, flood, 200)
        assert abs(inbox.messages.locator(f"[data-key='{key}']").evaluate(_TOP) - middle) < 2
        expect(newer).to_be_visible()
        assert shown.count() > 0

        newer.click()
        expect(newer).to_be_hidden()
        wait_for_drops(inbox, flood, 100)
        count = flood.end()
    expect(drop(inbox, count)).to_be_in_viewport()
    assert inbox.messages.evaluate(_DISTANCE) < 2
    expect(newer).to_be_hidden()
    # What was forgotten above is loaded again.
    kept = len(inbox.said())
    inbox.messages.evaluate("region => region.scrollTo(0, 0)")
    wait_for(inbox.page, lambda: len(inbox.said()) > kept, "older ones are loaded", seen=lambda: len(inbox.said()))
    said = [line for line in inbox.said() if "Drop" in line]
    numbers = [int(re.findall(r"Drop (\d+)", line)[0]) for line in said]
    assert numbers == list(range(numbers[0], count + 1))


def test_a_flood_is_not_read_out_message_by_message(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Before the rain")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Before the rain")
    inbox.page.evaluate(
        """() => {
            window.told = [];
            const watch = new MutationObserver((changes) => changes.forEach(({addedNodes}) =>
                addedNodes.forEach((node) => window.told.push(node.textContent))));
            watch.observe(document.querySelector('[aria-live]'), {childList: true});
        }"""
    )

    def told() -> list[str]:
        found: list[str] = inbox.page.evaluate("window.told")
        return found

    with Flood(shop, visitor.session_id) as flood:
        wait_for_drops(inbox, flood, 100)
    wait_for(inbox.page, lambda: any("new messages" in line for line in told()), "they are counted", seen=told)
    assert "Drop 1" in told()[0]
    assert len(told()) < 6


@pytest.mark.parametrize(
    ("locale", "pattern"),
    [("en-US", r"\d{1,2}:\d\d\s[AP]M"), ("en-GB", r"\d\d:\d\d"), ("de-DE", r"\d{1,2}:\d\d\s[AP]M")],
)
def test_both_faces_write_times_alike(shop: Shop, new_context: NewContext, locale: str, pattern: str) -> None:
    page = new_context(locale=locale).new_page()
    # Both are in English: their times follow a browser that speaks English, and others get plain English.
    page.goto(shop.plain(query={"lang": "en"}))
    chat = Chat(page).open()
    chat.tell("What time is it?")
    inbox = signed_in(shop, new_context, locale=locale).visit(only_session(shop.api))
    time_there = inbox.message("What time is it?").locator("time").inner_text()
    assert re.fullmatch(pattern, time_there)
    time_here = chat.message("What time is it?").locator(".meta").evaluate("meta => meta.firstChild.textContent")
    assert time_here.strip() == time_there
    day_here = chat.log.locator(".day").inner_text()
    assert inbox.messages.get_by_role("heading", name=day_here).count() == 1


def files(*sizes: int) -> list[FilePayload]:
    return [
        {"name": f"{number}.txt", "mimeType": "text/plain", "buffer": b"a" * size} for number, size in enumerate(sizes)
    ]


def test_the_limits_of_files_are_told_before_an_upload(open_shop: OpenShop, new_context: NewContext) -> None:
    shop = open_shop(max_upload_size=2 * 1024 * 1024)
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    uploads: list[str] = []

    def asked(request: Request) -> None:
        if "/attachments" in request.url:
            uploads.append(request.url)

    inbox.page.on("request", asked)
    expect(inbox.page.get_by_role("button", name="Attach files (up to 10)")).to_be_visible()
    chooser = inbox.page.locator("input[type=file]")
    chooser.set_input_files(files(2 * 1024 * 1024 + 1))
    chip = inbox.page.locator(".chip").first
    expect(chip).to_contain_text("This file is too large. Files can be up to 2 MB.")
    expect(inbox.page.get_by_role("button", name="Retry")).to_have_count(0)
    inbox.page.get_by_role("button", name="Remove 0.txt").click()
    chooser.set_input_files(files(0))
    expect(chip).to_contain_text("This file is empty")
    inbox.page.get_by_role("button", name="Remove 0.txt").click()
    assert uploads == []
    chooser.set_input_files(files(*[3] * 12))
    expect(inbox.page.get_by_text("Up to 10 files per message. The rest weren't added.")).to_be_visible()
    expect(inbox.page.locator(".chip.is-done")).to_have_count(10)
    assert len(uploads) == 10
    settled(inbox.page)
    check_accessible(inbox.page)


def test_where_uploads_are_off_the_inbox_offers_none(open_shop: OpenShop, new_context: NewContext) -> None:
    shop = open_shop(uploads="off")
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    expect(inbox.page.get_by_role("button", name=re.compile("^Attach"))).to_have_count(0)
