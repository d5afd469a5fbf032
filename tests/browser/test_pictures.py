"""The pictures of README.md and docs/: each is taken here of the example shop, and those in the pages are these.

`make pictures` writes them into docs/pictures; otherwise they are only taken.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from flask_pocketping import clock
from flask_pocketping.chat import csat

from ..support.browsers import settled
from ..support.clients import BROWSER
from ..support.pages import DOCS, pages
from ..support.servers import ROOT
from ..support.travel import Travel
from .chat import Chat
from .conftest import NewContext
from .inbox import Inbox
from .shop import ADA, ANA, Shop, only_session
from .test_page import PHONE

PICTURES = DOCS / "pictures"
LARGEST = 60_000

Talk = Callable[..., Page]


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Page, str], None]:
    """Take a picture of what a page shows."""
    folder = PICTURES if os.environ.get("POCKETPING_TEST_PICTURES") == "1" else tmp_path

    def take(page: Page, name: str) -> None:
        settled(page)
        shown = Image.open(io.BytesIO(page.screenshot()))
        folder.mkdir(exist_ok=True)
        shown.save(folder / f"{name}.webp", quality=80, method=6)
        assert 4_000 < (folder / f"{name}.webp").stat().st_size <= LARGEST

    return take


@pytest.fixture
def talk(shop: Shop, new_context: NewContext) -> Talk:
    """A customer's page in which some things were said."""

    def hold(**options: object) -> Page:
        context = new_context(**{"user_agent": BROWSER, **options})
        shop.sign_in(context, ADA)
        page = context.new_page()
        page.goto(f"{shop.url}/products/river-teapot")
        chat = Chat(page)
        chat.launcher.click()
        chat.tell("Hello! Does the river teapot work on an induction hob?")
        session = only_session(shop.api)
        for text in (
            "Good morning, Ada. I'm afraid not: the enamel inside would not survive it.",
            "A kettle for the water, the pot for the tea, and it stays hot for an hour.",
        ):
            shop.api.ok("POST", f"/sessions/{session}/messages", {"content": text, "operatorName": "Ana Duarte"})
        chat.tell("That is good to know. I'll take one.")
        expect(chat.message("stays hot")).to_be_visible()
        page.mouse.move(10, 10)
        return page

    return hold


def test_the_widget_in_the_shop(talk: Talk, keep: Callable[[Page, str], None]) -> None:
    keep(talk(viewport={"width": 1180, "height": 720}), "widget")


def test_the_widget_on_a_phone_at_night(talk: Talk, keep: Callable[[Page, str], None]) -> None:
    keep(talk(color_scheme="dark", **PHONE), "widget-phone")


def add_history(shop: Shop, travel: Travel) -> None:
    """A week of conversations, most of them answered and some of them rated."""
    db = shop.app.extensions["pocketping"].db
    for days, (asked, answered) in enumerate([(4, 4), (7, 5), (5, 5), (9, 8), (6, 5), (3, 3)], 1):
        for number in range(asked):
            travel.to(clock.now().replace(hour=9, minute=number))
            travel.forward(days=-days)
            session = shop.api.session()
            messages = f"/sessions/{session}/messages"
            shop.api.ok("POST", messages, {"content": "Hello", "type": "visitor"})
            travel.forward(seconds=20 + 17 * number)
            if number < answered:
                shop.api.ok("POST", messages, {"content": "Good morning!"})
            if number in {1, 3}:
                csat.submit(db, session, 6 - number if days % 2 else 4, None)
            shop.api.ok("POST", f"/sessions/{session}/close")
            travel.forward(days=days)
    clock.set_clock(None)


def test_the_inbox_and_its_statistics(
    shop: Shop, talk: Talk, new_context: NewContext, keep: Callable[[Page, str], None], travel: Travel
) -> None:
    add_history(shop, travel)
    talk()
    for name, text in (
        ("Mira Lund", "Is the Assam really that strong?"),
        ("Jonas Weber", "My parcel says delivered, but the doorstep is empty."),
        ("Priya Nair", "Do you ship to Portugal?"),
        ("Sam Ito", "Thank you, that was quick!"),
    ):
        other = shop.api.visitor(identity={"name": name}, metadata={"url": f"{shop.url}/about", "pageTitle": "About"})
        other.say(text)
        if name in {"Sam Ito", "Priya Nair"}:
            shop.api.ok("POST", f"/sessions/{other.session_id}/messages", {"content": "You are welcome!"})
        if name == "Sam Ito":
            other.request("POST", "/csat", {"sessionId": other.handle, "score": 5})
    context = new_context(viewport={"width": 1440, "height": 860})
    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit()
    inbox.open("Ada Marsh")
    expect(inbox.details.get_by_text("River Teapot").first).to_be_visible()
    inbox.page.mouse.move(10, 10)
    keep(inbox.page, "inbox")
    inbox.page.get_by_role("link", name="Statistics").click()
    expect(inbox.page.get_by_text("Median first response")).to_be_visible()
    keep(inbox.page, "statistics")


def test_every_picture_of_the_pages_is_one_of_these() -> None:
    made = set(re.findall(r"keep\(.*, \"([\w-]+)\"\)", Path(__file__).read_text()))
    kept = {path.stem for path in PICTURES.iterdir()}
    assert kept <= made
    for path in PICTURES.iterdir():
        assert path.stat().st_size <= LARGEST, path.name
    for page in pages():
        for address in re.findall(r"!\[[^\]]*\]\(([^)]*pictures/[^)]+)\)", page.read_text()):
            shown = (page.parent / address).resolve()
            assert shown.is_file(), f"{page.relative_to(ROOT)} shows {address}"
            assert shown.stem in made
