"""The widget in a page, as its visitor uses it."""

from __future__ import annotations

import re

from playwright.sync_api import FilePayload, Locator, Page, Request, WebSocket, expect

from ..support.browsers import wait_for

_SAID = """
(root) => [...root.querySelectorAll('.message')].slice(1).map((message) => {
    const bubble = message.querySelector('.bubble, .system');
    const copy = bubble.cloneNode(true);
    copy.querySelectorAll('.meta, .excerpt, button').forEach((part) => part.remove());
    const who = message.classList.contains('own') ? 'visitor' : 'operator';
    return who + (message.matches('.sending, .failed') ? ' (not sent): ' : ': ') + copy.textContent;
})
"""


class Chat:
    """The chat of one page; its texts are the English ones unless the test names others."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("pocketping-chat")
        self.launcher = self.root.get_by_role("button", name=re.compile("Open chat"))
        self.panel = self.root.get_by_role("dialog")
        self.log = self.root.get_by_role("log")
        self.field = self.root.get_by_role("textbox", name="Write a message…")

    def open(self) -> Chat:
        """Open it by a click."""
        self.launcher.click()
        # Where there is a keyboard on the screen, it waits until the field is touched.
        touched = self.page.evaluate("matchMedia('(pointer: coarse)').matches")
        expect(self.panel if touched else self.field).to_be_focused()
        return self

    def say(self, text: str) -> None:
        """Write a message and send it."""
        self.field.fill(text)
        self.field.press("Enter")

    def tell(self, text: str) -> None:
        """Write a message and wait until the server has it."""
        self.say(text)
        self.expect_status(text, re.compile("^(Sent|Delivered|Read)$"))

    def attach(self, name: str, kind: str, content: bytes) -> None:
        """Choose a file to go along with the next message."""
        file: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
        self.root.locator("input[type=file]").set_input_files(file)

    def said(self) -> list[str]:
        """What is shown, `visitor: …` or `operator: …`, behind the welcome; what the server has not got says so."""
        found: list[str] = self.log.evaluate(_SAID)
        return found

    def expect_said(self, *lines: str, timeout: float = 10.0) -> None:
        """Wait until exactly this is shown."""
        wait_for(self.page, lambda: self.said() == list(lines), f"the chat shows {list(lines)}", timeout, self.said)

    def message(self, text: str) -> Locator:
        """The message with that text."""
        return self.log.locator(".message", has_text=text)

    def numbered(self, number: int) -> Locator:
        """The message `Number …`. The text of a shorter number and of its time could be the same in one."""
        return self.log.locator(".message", has=self.page.get_by_text(f"Number {number}", exact=True))

    def expect_status(self, text: str, status: str | re.Pattern[str], timeout: float = 10_000) -> None:
        """Wait for the state that is shown at an own message: Sending, Sent, Delivered, Read or Not sent."""
        expect(self.message(text).get_by_role("img", name=status, exact=True)).to_be_visible(timeout=timeout)


class Lines:
    """The lines that a page opens to the server's events, by transport."""

    def __init__(self, page: Page) -> None:
        self.opened: list[str] = []
        page.on("websocket", self._on_socket)
        page.on("request", self._on_request)

    def kinds(self) -> set[str]:
        """Those of `ws`, `sse` and `poll` that were used."""
        return set(self.opened)

    def _on_socket(self, socket: WebSocket) -> None:
        self.opened.append("ws")

    def _on_request(self, request: Request) -> None:
        if request.resource_type == "eventsource":
            self.opened.append("sse")
        elif re.search(r"/events\?", request.url):
            self.opened.append("poll")


def fill_storage(page: Page) -> None:
    """Leave no room in what the browser stores for the page's origin."""
    page.evaluate(
        """() => {
            for (let size = 2 ** 22; size >= 1; size /= 2) {
                try {
                    localStorage.full = (localStorage.full ?? '') + 'x'.repeat(size);
                } catch {}
            }
        }"""
    )
