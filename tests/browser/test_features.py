"""What a visitor does beside writing: files, ratings, the form before the chat, and very long conversations."""

from __future__ import annotations

import errno
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from flask_pocketping.files.storage import FolderStorage, Readable

from ..support.browsers import Faults, check_accessible, settled, wait_for
from ..support.bulk import add_messages
from .chat import Chat
from .conftest import OpenShop
from .shop import Shop, answer, only_session


def picture(width: int = 640, height: int = 480) -> bytes:
    """A small PNG."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), (47, 107, 79)).save(made, "PNG")
    return made.getvalue()


def attachments(shop: Shop) -> list[dict[str, Any]]:
    messages = shop.api.ok("GET", f"/sessions/{only_session(shop.api)}/messages")["messages"]
    return [attachment for message in messages for attachment in message.get("attachments", [])]


def test_files_travel_both_ways(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.attach("crack.png", "image/png", picture())
    chat.attach("invoice.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")
    expect(chat.panel.get_by_text("invoice.pdf")).to_be_visible()
    settled(page)
    check_accessible(page, "pocketping-chat")
    chat.tell("It came broken")
    expect(chat.log.get_by_role("img", name="crack.png")).to_be_visible()
    assert chat.log.get_by_role("img", name="crack.png").evaluate(
        "async image => (await image.decode(), image.naturalWidth)"
    )
    expect(chat.log.get_by_role("link", name=re.compile("invoice.pdf"))).to_be_visible()
    assert [(item["filename"], item["mimeType"]) for item in attachments(shop)] == [
        ("crack.png", "image/png"),
        ("invoice.pdf", "application/pdf"),
    ]
    session = only_session(shop.api)
    sent = shop.api.ok("POST", f"/sessions/{session}/attachments?filename=label.png", data=picture(64, 64))
    shop.api.ok(
        "POST",
        f"/sessions/{session}/messages",
        {"content": "Print this", "attachmentIds": [sent["attachment"]["id"]]},
    )
    expect(chat.message("Print this").get_by_role("img", name="label.png")).to_be_visible()
    settled(page)
    check_accessible(page, "pocketping-chat")
    page.reload()
    expect(chat.open().log.get_by_role("img", name="crack.png")).to_be_visible()


class Full(FolderStorage):
    """A disk that is full for a while."""

    full = True

    def write(self, path: str, stream: Readable) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(path, stream)


def test_while_the_disk_is_full_what_was_written_stays_and_is_sent_later(
    open_shop: OpenShop, page: Page, faults: Faults, tmp_path: Path
) -> None:
    faults.allow(r"status of 503 .*/upload/")
    storage = Full(tmp_path / "full")
    shop = open_shop()
    files = shop.app.extensions["pocketping"].files
    assert files is not None
    files._storage = storage
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.field.fill("Here is the bill")
    chat.attach("bill.txt", "text/plain", b"Tea 9.50")
    expect(chat.panel.get_by_text("Something went wrong. Try again.")).to_be_visible()
    chat.field.press("Enter")
    expect(chat.field).to_have_value("Here is the bill")
    storage.full = False
    chat.panel.get_by_role("button", name="Try again").click()
    expect(chat.message("Here is the bill")).to_be_visible()
    # The page shows it before the server has it.
    wait_for(page, lambda: [item["filename"] for item in attachments(shop)] == ["bill.txt"], "the file has arrived")


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_file_is_pasted_or_dropped(shop: Shop, page: Page, way: str) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.field.evaluate(
        """(field, way) => {
            const data = new DataTransfer();
            data.items.add(new File(['Some leaves'], 'leaves.txt', {type: 'text/plain'}));
            const init = {bubbles: true, composed: true, cancelable: true, clipboardData: data, dataTransfer: data};
            field.dispatchEvent(way === 'paste' ? new ClipboardEvent('paste', init) : new DragEvent('drop', init));
        }""",
        way,
    )
    expect(chat.panel.get_by_text("leaves.txt")).to_be_visible()
    chat.field.press("Enter")
    wait_for(page, lambda: attachments(shop), "the file has arrived")


def test_a_file_that_is_too_large_says_so_and_can_be_left_out(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(max_upload_size=52_429)
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.attach("empty.txt", "text/plain", b"")
    expect(chat.panel.get_by_text("This file is empty")).to_be_visible()
    chat.attach("film.bin", "application/octet-stream", b"x" * 60_000)
    expect(chat.panel.get_by_text("Files can be up to 0.05 MB.")).to_be_visible()
    expect(chat.panel.get_by_text("film.bin")).to_be_visible()
    # To try again would be in vain.
    expect(chat.panel.get_by_role("button", name="Try again")).to_be_hidden()
    assert uploads == []
    settled(page)
    check_accessible(page, "pocketping-chat")
    chat.panel.get_by_role("button", name=re.compile("film.bin")).click()
    chat.tell("Without it, then")
    assert attachments(shop) == []


def test_a_rating_is_asked_for_and_given(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Thanks!")
    session = only_session(shop.api)
    shop.api.ok("POST", f"/sessions/{session}/csat")
    card = chat.panel.get_by_role("form", name="How did we do?")
    expect(card).to_be_visible()
    settled(page)
    check_accessible(page, "pocketping-chat")
    page.reload()
    chat.open()
    expect(card).to_be_visible()
    card.get_by_title("4 out of 5 stars").click()
    expect(card.get_by_role("radio", name="4 out of 5 stars")).to_be_checked()
    card.get_by_role("textbox").fill("Quick & <kind>")
    card.get_by_role("button", name="Send").click()
    expect(chat.panel.get_by_text("Thank you!")).to_be_visible()
    told = shop.api.ok("GET", f"/sessions/{session}")["session"]["csat"]
    assert (told["score"], told["comment"]) == (4, "Quick & <kind>")
    page.reload()
    chat.open().expect_said("visitor: Thanks!")
    expect(card).to_be_hidden()


def test_the_form_before_the_chat_is_asked_once(open_shop: OpenShop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 400")
    shop = open_shop(prechat="required", prechat_fields="email-or-phone")
    page.goto(shop.url)
    chat = Chat(page)
    chat.launcher.click()
    card = chat.panel.get_by_role("form", name="How can we reach you?")
    expect(card).to_be_visible()
    settled(page)
    check_accessible(page, "pocketping-chat")
    card.get_by_label("Email").fill("grace@example.com")
    card.get_by_role("button", name="Continue").click()
    expect(card).to_be_hidden()
    chat.tell("Hello")
    session = shop.api.ok("GET", f"/sessions/{only_session(shop.api)}")["session"]
    assert (session["identity"]["email"], session["identity"]["verified"]) == ("grace@example.com", False)
    page.reload()
    chat.open().expect_said("visitor: Hello")
    expect(card).to_be_hidden()


def test_a_form_that_is_no_must_can_be_passed_over(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(prechat="optional", prechat_fields="phone-only")
    page.goto(shop.url)
    chat = Chat(page)
    chat.launcher.click()
    chat.panel.get_by_role("button", name="Not now").click()
    chat.tell("Hello")


def test_five_thousand_messages_open_and_scroll(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("The first")
    add_messages(shop.app.extensions["pocketping"].db, only_session(shop.api), 5000)
    page.reload()
    chat.open()
    expect(chat.numbered(5000)).to_be_in_viewport()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shown = chat.log.locator(".message").count()
    chat.log.evaluate("element => element.scrollTo(0, 0)")
    wait_for(page, lambda: chat.log.locator(".message").count() > shown, "older ones have come")
    assert len(asked) <= 2
    expect(chat.numbered(5000)).not_to_be_in_viewport()
    # Where the reader was, there they are.
    assert chat.log.evaluate("element => element.scrollTop") > 0
    answer(shop.api, "And one more")
    expect(chat.message("And one more")).to_be_attached()
    expect(chat.message("And one more")).not_to_be_in_viewport()
