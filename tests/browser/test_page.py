"""The widget in other people's pages: it keeps to itself, obeys their policy and suits their screen and language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect

from ..support.browsers import check_accessible, settled, wait_for
from ..support.servers import serving
from .chat import Chat, Lines
from .conftest import NewContext, OpenShop
from .shop import STRICT, Shop, answer, stored

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

_STATE = """
() => ({
    names: Object.getOwnPropertyNames(window).sort(),
    elements: [...document.querySelectorAll('body, body > :not(pocketping-chat, script), main *')].map((element) => {
        const style = getComputedStyle(element);
        return [element.tagName, element === document.body || element.outerHTML,
            ...[...style].map((name) => `${name}: ${style.getPropertyValue(name)}`)].join('\\n');
    }),
    sheets: document.styleSheets.length + document.adoptedStyleSheets.length,
    head: document.head.innerHTML,
    prototypes: [Array, String, Object, Element, Promise].map(
        (kind) => Object.getOwnPropertyNames(kind.prototype).length),
})
"""


def state_of(page: Page, url: str, *, chat: bool) -> Any:
    page.goto(url)
    if chat:
        Chat(page).open().tell("Hello")
        Chat(page).field.press("Escape")
        settled(page)
    return page.evaluate(_STATE)


def test_the_page_keeps_its_own_names_and_styles(shop: Shop, page: Page) -> None:
    without = state_of(page, shop.plain(query={"chat": "no"}), chat=False)
    with_chat = state_of(page, shop.plain(), chat=True)
    assert set(with_chat.pop("names")) - set(without.pop("names")) == {"PocketPing"}
    for element, before in zip(with_chat.pop("elements"), without.pop("elements"), strict=True):
        assert element == before
    assert with_chat == without


def test_a_page_s_own_styles_and_keys_do_not_reach_the_chat(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    settled(page)
    style = "element => JSON.stringify([...getComputedStyle(element)].map(n => getComputedStyle(element)[n]))"
    before = chat.field.evaluate(style)
    pressed = page.evaluate_handle(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('textarea, div, button, * { color: red !important; font: 30px serif !important; }');
            document.adoptedStyleSheets.push(sheet);
            const pressed = [];
            document.addEventListener('keydown', (event) => pressed.push(event.key));
            return pressed;
        }"""
    )
    chat.field.press_sequentially("jk?")
    chat.field.fill("")
    assert chat.field.evaluate(style) == before
    assert pressed.json_value() == []


@pytest.mark.parametrize(
    "policy",
    [
        STRICT,
        "default-src 'self'",
        "script-src NONCE 'strict-dynamic'; default-src 'none'; connect-src 'self'; img-src 'self'",
    ],
    ids=["strict", "shop", "nonce"],
)
def test_a_strict_policy_is_obeyed(shop: Shop, page: Page, policy: str) -> None:
    # A violation would fail the test by itself.
    page.goto(shop.plain(query={"policy": policy, "lang": "ar"}))
    chat = Chat(page)
    chat.root.get_by_role("button").first.click()
    field = chat.root.get_by_role("textbox")
    field.fill("مرحبا")
    field.press("Enter")
    wait_for(page, lambda: stored(shop.api) == ["visitor: مرحبا"], "it has arrived")
    chat.attach("note.txt", "text/plain", b"A note")
    field.press("Enter")
    expect(chat.log.get_by_role("link", name=re.compile("note.txt"))).to_be_visible()


def test_the_policy_of_the_tests_is_watched(shop: Shop, page: Page, faults: Any) -> None:
    page.goto(shop.plain())
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://elsewhere.test/'}))"
    )
    wait_for(page, lambda: faults.found(), "the violation was seen")
    faults.allow("img-src", "elsewhere.test")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_axe_finds_nothing_in_the_open_chat(shop: Shop, new_context: NewContext, device: str, scheme: str) -> None:
    page = new_context(color_scheme=scheme, **(PHONE if device == "phone" else {})).new_page()
    page.goto(shop.url)
    chat = Chat(page)
    settled(page)
    check_accessible(page)
    chat.open()
    settled(page)
    check_accessible(page)
    chat.say("Is the teapot back? https://example.com/teapot")
    chat.expect_status("Is the teapot back?", "Sent")
    answer(shop.api, "Since this morning.\n\nShall I keep one for you?")
    chat.expect_said(
        "visitor: Is the teapot back? https://example.com/teapot",
        "operator: Since this morning.\n\nShall I keep one for you?",
    )
    chat.message("back?").hover() if device == "desktop" else chat.message("back?").tap()
    settled(page)
    check_accessible(page)
    background = chat.panel.evaluate("element => getComputedStyle(element).backgroundColor")
    assert (luminance(background) < 0.5) == (scheme == "dark"), background


def luminance(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_a_theme_of_the_tag_wins_over_the_system_s(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(theme="dark"))
    panel = Chat(page).open().panel
    assert luminance(panel.evaluate("element => getComputedStyle(element).backgroundColor")) < 0.5


@pytest.mark.parametrize("colour", ["#ffe066", "#0b3d2e", "#7f7f7f"])
def test_any_brand_colour_is_readable(shop: Shop, page: Page, colour: str) -> None:
    page.goto(shop.plain(primary_color=colour))
    chat = Chat(page).open()
    chat.tell("Hello")
    settled(page)
    check_accessible(page, "pocketping-chat")


def test_on_a_phone_the_chat_fills_the_screen_and_never_zooms(shop: Shop, new_context: NewContext) -> None:
    page = new_context(**PHONE).new_page()
    page.goto(shop.url)
    chat = Chat(page)
    launcher = chat.launcher.bounding_box()
    assert launcher
    assert min(launcher["width"], launcher["height"]) >= 44
    chat.launcher.tap()
    settled(page)
    panel = chat.panel.bounding_box()
    assert panel
    assert (panel["x"], panel["y"], panel["width"]) == (0, 0, 390)
    assert panel["height"] >= 800
    assert chat.field.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") >= 16
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for button in chat.panel.get_by_role("button").all():
        box = button.bounding_box()
        if box:
            assert min(box["width"], box["height"]) >= 32, button.get_attribute("aria-label")


def test_in_arabic_it_runs_from_right_to_left(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(query={"lang": "ar"}))
    chat = Chat(page)
    chat.root.get_by_role("button").first.click()
    expect(chat.log).to_be_visible()
    assert chat.log.evaluate("element => getComputedStyle(element).direction") == "rtl"
    settled(page)
    check_accessible(page, "pocketping-chat")


@pytest.mark.parametrize(
    ("language", "label"), [("de", "Chat öffnen"), ("fr-CH", "Ouvrir"), ("es", "Abrir"), ("en-US", "Open chat")]
)
def test_it_speaks_the_page_s_language(shop: Shop, page: Page, language: str, label: str) -> None:
    page.goto(shop.plain(query={"lang": language}))
    expect(Chat(page).root.get_by_role("button", name=re.compile(label))).to_be_visible()


def test_a_page_has_its_own_words(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(texts={"open": "Ask a gardener", "welcome": "<b>Good</b> day"}))
    chat = Chat(page)
    chat.root.get_by_role("button", name="Ask a gardener").click()
    expect(chat.log).to_contain_text("<b>Good</b> day")


def test_the_keyboard_is_enough(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page)
    expect(chat.launcher).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(chat.launcher).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.field).to_be_focused()
    page.keyboard.type("First line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    chat.expect_said("visitor: First line\nsecond line")
    chat.expect_status("First line", "Sent")
    answer(shop.api, "An answer")
    chat.expect_said("visitor: First line\nsecond line", "operator: An answer")
    # Back into the list, to the last message, and answer it.
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        if chat.log.evaluate("element => element.getRootNode().activeElement === element"):
            break
    expect(chat.log).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(chat.message("An answer")).to_be_focused()
    page.keyboard.press("Tab")
    expect(chat.root.get_by_role("button", name="Reply")).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.field).to_be_focused()
    page.keyboard.type("About that")
    page.keyboard.press("Enter")
    expect(chat.message("About that").locator(".excerpt")).to_have_text("An answer")
    # Change the own one.
    chat.expect_status("About that", "Sent")
    page.keyboard.press("Escape")
    expect(chat.log).to_be_hidden()
    expect(chat.launcher).to_be_focused()


def test_the_tools_of_a_message_stay_while_it_changes(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    said = answer(shop.api, "An answr")
    chat.expect_said("visitor: Hello", "operator: An answr")
    chat.message("An answr").hover()
    reply = chat.root.get_by_role("button", name="Reply")
    reply.focus()
    path = f"/sessions/{said['sessionId']}/messages/{said['id']}"
    shop.api.ok("PATCH", path, {"content": "An answer"})
    chat.expect_said("visitor: Hello", "operator: An answer")
    expect(reply).to_be_focused()
    shop.api.ok("DELETE", path)
    chat.expect_said("visitor: Hello", "operator: Message deleted")
    expect(reply).to_have_count(0)


def test_an_own_message_is_changed_and_taken_back(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.say("One moth")
    chat.tell("Gone soon")
    chat.message("One moth").hover()
    chat.message("One moth").get_by_role("button", name="Edit").click()
    expect(chat.field).to_have_value("One moth")
    chat.field.fill("One month")
    chat.field.press("Enter")
    chat.message("Gone soon").hover()
    chat.message("Gone soon").get_by_role("button", name="Delete").click()
    chat.message("Gone soon").get_by_role("button", name="Delete this message?").click()
    chat.expect_said("visitor: One month", "visitor: Message deleted")
    wait_for(page, lambda: stored(shop.api) == ["visitor: One month", "visitor: "], "stored")


def test_new_messages_are_announced_and_counted(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    expect(chat.log).to_have_attribute("aria-label", "Messages")
    chat.tell("Hello")
    chat.field.press("Escape")
    sent = answer(shop.api, "One")
    answer(shop.api, "Two")
    expect(chat.root.get_by_role("button", name=re.compile("2"))).to_be_visible()
    messages = f"/sessions/{sent['sessionId']}/messages"

    def statuses() -> list[str]:
        return [message["status"] for message in shop.api.ok("GET", messages)["messages"][1:]]

    wait_for(page, lambda: statuses() == ["delivered", "delivered"], "both have come", seen=statuses)
    chat.launcher.click()
    wait_for(page, lambda: statuses() == ["read", "read"], "both are read", seen=statuses)
    chat.field.press("Escape")
    expect(chat.root.get_by_role("button", name="Open chat", exact=True)).to_be_visible()


def test_a_page_drives_it_by_the_public_names(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    page.evaluate(
        """async () => {
            window.heard = [];
            for (const name of ['open', 'close', 'message', 'connect']) PocketPing.on(name, () => heard.push(name));
            window.stop = PocketPing.onEvent('coupon', (event) => heard.push(event));
            await PocketPing.sendMessage('From the page');
        }"""
    )
    with shop.api.socket() as office:
        page.evaluate("PocketPing.trigger('cart', {items: 2})")
        received = office.expect("event.received")
        assert (received["name"], received["data"]) == ("cart", {"items": 2})
        assert stored(shop.api) == ["visitor: From the page"]
        session = received["sessionId"]
        shop.api.ok("POST", f"/sessions/{session}/events", {"name": "coupon", "data": {"code": "TEA"}})
        page.evaluate("PocketPing.identify({id: '7', name: 'Grace', plan: 'gold'})")
        identity = office.expect("visitor.identified")["identity"]
        assert (identity["name"], identity["verified"]) == ("Grace", False)
    page.wait_for_function("heard.some((event) => event.data?.code === 'TEA')")
    page.evaluate("PocketPing.open()")
    expect(Chat(page).field).to_be_visible()
    answer(shop.api, "Hi")
    Chat(page).expect_said("visitor: From the page", "operator: Hi")
    page.evaluate("PocketPing.toggle()")
    expect(Chat(page).field).to_be_hidden()
    assert [name for name in page.evaluate("heard") if isinstance(name, str)] == ["connect", "open", "message", "close"]
    page.evaluate("PocketPing.destroy()")
    expect(Chat(page).root).to_have_count(0)


def test_a_page_of_another_origin_that_is_listed_has_the_chat_too(
    open_shop: OpenShop, page: Page, tmp_path: Any
) -> None:
    other = Flask("other", instance_path=str(tmp_path))
    with serving(other) as pages:
        shop = open_shop(cors_origins=pages.url)
        found = re.search(r'src="([^"]+/widget\.js)"', page.request.get(shop.plain()).text())
        assert found

        @other.get("/")
        def home() -> str:
            return (
                '<!doctype html><html lang="en"><title>Other</title><link rel="icon" href="data:,"><h1>Other</h1>'
                f'<script src="{shop.url}{found[1]}"></script>'
                f"<script>PocketPing.init({{endpoint: '{shop.url}', language: 'en'}})</script>"
            )

        lines = Lines(page)
        page.goto(pages.url)
        chat = Chat(page).open()
        chat.tell("From elsewhere")
        answer(shop.api, "Welcome")
        chat.expect_said("visitor: From elsewhere", "operator: Welcome")
        assert lines.kinds() == {"ws"}
        page.goto("about:blank")


def test_a_browser_that_forbids_storage_can_chat_all_the_same(shop: Shop, context: BrowserContext) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    )
    page = context.new_page()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    answer(shop.api, "Hi")
    chat.expect_said("visitor: Hello", "operator: Hi")


def test_nothing_is_asked_of_the_server_before_the_visitor_wants_to_talk(shop: Shop, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method + " " + request.url.removeprefix(shop.url)))
    page.goto(shop.plain())
    expect(Chat(page).launcher).to_be_visible()
    page.goto(shop.url)
    expect(Chat(page).launcher).to_be_visible()
    assert not [line for line in asked if not line.startswith("GET ") or "/connect" in line or "/stream" in line]
    assert all(line.startswith("GET /") for line in asked), "an address of somebody else"
    assert shop.api.ok("GET", "/sessions")["sessions"] == []
    Chat(page).open()
    chat = Chat(page)
    chat.tell("Hello")
    assert stored(shop.api) == ["visitor: Hello"]
