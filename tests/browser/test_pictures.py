"""The pictures of README.md and docs/: each is taken here of the example shop, and those in the pages are these.

`make pictures` writes them into docs/pictures; otherwise they are only taken.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from flask_pocketping import clock
from flask_pocketping.chat import csat

from ..support.browsers import settled
from ..support.clients import BROWSER
from ..support.desk import SETTINGS
from ..support.models import ModelServer, Reply, model_server
from ..support.openai_server import OpenAIServer
from ..support.pages import DOCS, pages
from ..support.servers import ROOT
from ..support.travel import Travel
from .chat import Chat
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import ADA, ANA, Shop
from .test_page import PHONE

PICTURES = DOCS / "pictures"
LARGEST = 60_000

Talk = Callable[..., Page]
Keep = Callable[[Page, str], None]


def picture_name(what: str, device: str, scheme: str) -> str:
    """The name of a picture: those of a phone and of the dark theme say so."""
    return what + "-phone" * (device == "phone") + "-dark" * (scheme == "dark")


PICTURED = {
    "statistics",
    "ai-widget",
    "ai-inbox",
    *(
        picture_name(what, *how)
        for what in ("widget", "inbox")
        for how in product(("desktop", "phone"), ("light", "dark"))
    ),
}


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
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
def office(shop: Shop, new_context: NewContext) -> Inbox:
    """Ana's inbox: while it is open, visitors see that she is online."""
    return open_office(shop, new_context)


def open_office(shop: Shop, new_context: NewContext) -> Inbox:
    context = new_context(viewport={"width": 1440, "height": 860})
    shop.sign_in(context, ANA)
    return Inbox(context.new_page(), shop.url).visit()


def photo_of_a_chip(page: Page) -> bytes:
    """What Ada sends: the lid of her teapot, from close up."""
    page.set_content("<body style='margin:0;background:#b9a58c'></body>")
    page.evaluate(
        """(svg) => {
            document.body.innerHTML = svg;
            const teapot = document.querySelector('svg');
            teapot.setAttribute('viewBox', '92 62 136 92');
            teapot.querySelector('rect').setAttribute('fill', '#cbb79c');
            const chip = '<path d="M186 92l7 3 4-1 5 5-3 4-8 1-6-4z" fill="#8d9ba0"/><path d="M189 95l5 2 4 3" '
                + 'fill="none" stroke="#5b6a70" stroke-width="1.2"/>';
            teapot.insertAdjacentHTML('beforeend', chip);
            teapot.style.cssText = 'display:block;width:100vw;height:100vh';
            teapot.setAttribute('preserveAspectRatio', 'xMidYMid slice');
        }""",
        (ROOT / "example_app" / "static" / "products" / "river-teapot.svg").read_text(),
    )
    return page.screenshot(type="jpeg", quality=80)


@pytest.fixture
def talk(shop: Shop, office: Inbox, new_context: NewContext) -> Talk:
    """A customer's page in which she and Ana talk about an order."""

    def hold(**options: object) -> Page:
        context = new_context(**{"user_agent": BROWSER, "viewport": {"width": 1180, "height": 720}, **options})
        lid = photo_of_a_chip(new_context(viewport={"width": 640, "height": 420}).new_page())
        shop.sign_in(context, ADA)
        page = context.new_page()
        page.goto(f"{shop.url}/products/river-teapot")
        chat = Chat(page)
        chat.launcher.click()
        chat.tell("Hello! The river teapot from my last order has a chip in its lid.")
        office.open("Ada Marsh")
        office.say("Oh no, I'm sorry, Ada! Could you send me a picture?")
        expect(chat.message("send me a picture")).to_be_visible()
        chat.attach("lid.jpg", "image/jpeg", lid)
        chat.tell("Here it is.")
        expect(chat.log.get_by_role("img", name="lid.jpg")).to_be_visible()
        office.say("Thank you. A new lid leaves today, to the address of that order. Please keep this one.")
        expect(chat.message("leaves today")).to_be_visible()
        chat.tell("That was quick, thank you!")
        chat.expect_status("That was quick", "Read")
        expect(chat.message("That was quick")).to_be_in_viewport(ratio=1)
        for shown in (page, office.page):
            shown.mouse.move(10, 10)
        return page

    return hold


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_widget_in_the_shop(talk: Talk, keep: Keep, device: str, scheme: str) -> None:
    page = talk(color_scheme=scheme, **(PHONE if device == "phone" else {}))
    keep(page, picture_name("widget", device, scheme))


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


def fill_inbox(shop: Shop) -> None:
    """Four more visitors who wait, or were helped."""
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_inbox(shop: Shop, talk: Talk, office: Inbox, keep: Keep, device: str, scheme: str) -> None:
    fill_inbox(shop)
    talk()
    office.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    expect(office.details.get_by_text("River Teapot").first).to_be_visible()
    if device == "phone":
        office.page.set_viewport_size(PHONE["viewport"])
    keep(office.page, picture_name("inbox", device, scheme))


def test_the_statistics(shop: Shop, new_context: NewContext, keep: Keep, travel: Travel) -> None:
    add_history(shop, travel)
    fill_inbox(shop)
    office = open_office(shop, new_context)
    office.page.get_by_role("link", name="Statistics").click()
    expect(office.page.get_by_text("Median first response")).to_be_visible()
    keep(office.page, "statistics")


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with model_server(OpenAIServer()) as made:
        yield made


def serve_with_ai(open_shop: OpenShop, model: ModelServer, **settings: object) -> Shop:
    """The shop with its help pages, and a model that answers at once."""
    shop = open_shop(
        **{**SETTINGS, "ai_base_url": f"{model.url}/v1", "ai_knowledge": "help", "ai_delay": 0, **settings}
    )
    shop.app.extensions["pocketping"].folder_indexer.index()
    return shop


def test_an_answer_of_the_ai(open_shop: OpenShop, model: ModelServer, new_context: NewContext, keep: Keep) -> None:
    model.replies = [
        Reply("Yes! A parcel to Norway takes **5 to 8 days**. Our page on [shipping](/help/shipping) has the prices."),
    ]
    shop = serve_with_ai(open_shop, model)
    page = new_context(user_agent=BROWSER, viewport={"width": 1180, "height": 720}).new_page()
    page.goto(f"{shop.url}/products/river-teapot")
    chat = Chat(page)
    chat.launcher.click()
    chat.tell("Do you ship to Norway?")
    expect(chat.message("5 to 8 days")).to_be_visible()
    expect(chat.log.locator("[aria-busy=true]")).to_have_count(0)
    expect(chat.message("5 to 8 days").get_by_role("link", name="shipping")).to_be_visible()
    page.mouse.move(10, 10)
    keep(page, "ai-widget")


def test_a_draft_of_the_ai(open_shop: OpenShop, model: ModelServer, new_context: NewContext, keep: Keep) -> None:
    model.replies = [
        Reply(
            "A cracked lid is ours to replace. Send us a picture, and a new one leaves [within a day](/help/damaged)."
        ),
    ]
    shop = serve_with_ai(open_shop, model, ai_mode="draft")
    visitor = shop.api.visitor(
        identity={"name": "Ada Marsh"},
        metadata={"url": f"{shop.url}/products/river-teapot", "pageTitle": "River Teapot · Hearth & Leaf"},
    )
    visitor.say("Hello! The river teapot from my last order has a chip in its lid. What can I do?")
    office = open_office(shop, new_context)
    office.open("Ada Marsh")
    draft = office.page.get_by_role("region", name="AI draft")
    expect(draft.get_by_text("A cracked lid")).to_be_visible()
    office.page.mouse.move(10, 10)
    keep(office.page, "ai-inbox")


def test_every_picture_of_the_pages_is_one_of_these() -> None:
    assert {path.stem for path in PICTURES.iterdir()} <= PICTURED
    for path in PICTURES.iterdir():
        assert path.stat().st_size <= LARGEST, path.name
    for page in pages():
        for address in re.findall(r"!\[[^\]]*\]\(([^)]*pictures/[^)]+)\)", page.read_text()):
            shown = (page.parent / address).resolve()
            assert shown.is_file(), f"{page.relative_to(ROOT)} shows {address}"
            assert shown.stem in PICTURED
