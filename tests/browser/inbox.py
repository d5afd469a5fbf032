"""The inbox in a page, as an operator uses it."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Locator, Page, expect

from ..support.browsers import wait_for


class Inbox:
    """The inbox of one page. The operator must be signed in."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.rows = page.get_by_role("list", name="Conversations").get_by_role("link")
        self.search = page.get_by_role("searchbox")
        self.messages = page.get_by_role("region", name="Messages")
        self.field = page.get_by_role("textbox", name="Your reply")
        self.details = page.get_by_label("About the visitor")

    def visit(self, session_id: str = "") -> Inbox:
        """Go there; with an id straight to that conversation."""
        self.page.goto(f"{self.url}/inbox" + (f"/{session_id}" if session_id else ""))
        expect(self.page.get_by_role("heading", name="Inbox", exact=True)).to_be_attached()
        return self

    def row(self, text: str) -> Locator:
        """The line of a conversation in the list."""
        return self.rows.filter(has_text=text)

    def open(self, text: str) -> None:
        """Open the conversation whose line has that text."""
        self.row(text).click()
        expect(self.field).to_be_visible()

    def say(self, text: str) -> None:
        """Answer the open conversation."""
        self.field.fill(text)
        self.field.press("Enter")

    def attach(self, name: str, kind: str, content: bytes) -> None:
        """Upload a file to go along with the next reply."""
        file: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
        self.page.locator("input[type=file]").set_input_files(file)
        expect(self.page.locator(".chip.is-done").filter(has_text=name)).to_be_visible()

    def said(self) -> list[str]:
        """What is shown of the conversation, `visitor: …` or `operator: …`; what the server has not got says so."""
        found: list[str] = self.messages.evaluate(
            """(region) => [...region.querySelectorAll('.message')].map((line) => {
                const text = line.querySelector('.bubble .content, .bubble .gone')?.textContent ?? '';
                const who = line.classList.contains('theirs') ? 'visitor' : 'operator';
                return who + (line.classList.contains('pending') ? ' (not sent): ' : ': ') + text;
            })"""
        )
        return found

    def expect_said(self, *lines: str, timeout: float = 10.0) -> None:
        """Wait until exactly this is shown."""
        wait_for(self.page, lambda: self.said() == list(lines), f"the inbox shows {list(lines)}", timeout, self.said)

    def dismiss(self) -> None:
        """Close the dialog that is open; the browser does it a little after the key."""
        dialogs = self.page.locator("dialog[open]")
        shown = dialogs.count()
        self.page.keyboard.press("Escape")
        expect(dialogs).to_have_count(shown - 1)

    def message(self, text: str) -> Locator:
        """The message with that text."""
        return self.messages.get_by_role("listitem").filter(has_text=text)
