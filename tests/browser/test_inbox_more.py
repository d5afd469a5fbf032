"""The inbox on bad days: tokens that run out, no socket, files that fail, an operator who looks elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, Route, WebSocketRoute, expect

from flask_pocketping.host.loaders import Loaders

from ..support.browsers import Faults, check_accessible, settled, wait_for
from ..support.bulk import add_messages
from ..support.clients import Visitor
from ..support.servers import wait_until
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import ANA, TOM, Shop, stored
from .test_script_in_fields import EVIL, EVIL_URL, expect_harmless

#: Name, type and size of a file.
File = tuple[str, str, int]

_FILES = """
    const data = new DataTransfer();
    for (const [name, type, size] of files) {
        data.items.add(new File([new Uint8Array(size).fill(97)], name, {type}));
    }
"""
_PASTE = f"""(field, files) => {{
    {_FILES}
    field.dispatchEvent(new ClipboardEvent('paste', {{clipboardData: data, bubbles: true, cancelable: true}}));
}}"""
_DROP = f"""(place, files) => {{
    {_FILES}
    for (const type of ['dragover', 'drop']) {{
        place.dispatchEvent(new DragEvent(type, {{dataTransfer: data, bubbles: true, cancelable: true}}));
    }}
}}"""

#: What the page would show outside of itself, kept instead.
_KEEP_NOTIFICATIONS = """
    window.notified = [];
    window.Notification = new Proxy(Notification, {
        construct(target, [title, options]) {
            const shown = {title, body: options.body, close() { this.closed = true; }};
            window.notified.push(shown);
            return shown;
        },
    });
"""
_LOOK_ELSEWHERE = """
    Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => 'hidden'});
    document.hasFocus = () => false;
    document.dispatchEvent(new Event('visibilitychange'));
"""


def signed_in(shop: Shop, new_context: NewContext, email: str = ANA, **options: Any) -> Inbox:
    """The inbox of an operator, in a page that shows nothing yet."""
    context = new_context(**options)
    shop.sign_in(context, email)
    return Inbox(context.new_page(), shop.url)


def visitor_saying(shop: Shop, *texts: str, **identity: str) -> Visitor:
    visitor = shop.api.visitor(identity=identity or None)
    for text in texts:
        visitor.say(text)
    return visitor


def note(inbox: Inbox, text: str) -> Locator:
    """A quiet line of the open conversation."""
    return inbox.messages.locator("li.note").filter(has_text=text)


def intercept(app: Flask, path: str, answer: Callable[..., Iterable[bytes]]) -> Callable[[], None]:
    """Let something else than the app answer at a path, until the result is called."""
    inner = app.wsgi_app

    def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return (answer if environ["PATH_INFO"] == path else inner)(environ, start_response)

    def end() -> None:
        app.wsgi_app = inner  # type: ignore[method-assign]

    app.wsgi_app = outer  # type: ignore[method-assign]
    return end


def to_the_sign_in(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("302 Found", [("Location", "/sign-in"), ("Content-Length", "0")])
    return [b""]


def no_upgrade(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """As a proxy answers that does not know of WebSockets."""
    start_response("502 Bad Gateway", [("Content-Length", "0")])
    return [b""]


class Line:
    """How events reach a page, which a test may cut while the rest of the network works on.

    :param polls: whether a line that is cut lets the page poll.
    """

    def __init__(self, page: Page, *, polls: bool = False) -> None:
        self._open: list[WebSocketRoute] = []
        self._cut = False
        self._polls = polls
        page.route_web_socket(re.compile("/ws$"), self._connect)
        page.route("**/updates?*", self._poll)

    def _connect(self, route: WebSocketRoute) -> None:
        if self._cut:
            route.close(code=1011)
            return
        route.connect_to_server()
        self._open.append(route)

    def _poll(self, route: Route) -> None:
        if self._cut and not self._polls:
            route.abort()
        else:
            route.continue_()

    def cut(self) -> None:
        self._cut = True
        for route in self._open:
            route.close(code=1011)
        self._open.clear()

    def mend(self) -> None:
        self._cut = False


def test_a_token_is_renewed_on_the_open_socket(open_shop: OpenShop, new_context: NewContext) -> None:
    shop = open_shop(operator_token_lifetime=5)
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    sockets, tokens = [], []

    def sent(frame: str | bytes) -> None:
        found = json.loads(frame)
        if found["type"] == "auth":
            tokens.append(found["apiKey"])

    def opened(socket: Any) -> None:
        sockets.append(socket)
        socket.on("framesent", sent)

    inbox.page.on("websocket", opened)
    inbox.visit(visitor.session_id)
    # Behind the second renewal the first token has run out.
    wait_for(inbox.page, lambda: len(tokens) >= 3, "the token was renewed twice", 20)
    assert len(set(tokens)) == len(tokens)
    visitor.say("Still there?")
    inbox.expect_said("visitor: Hello", "visitor: Still there?")
    inbox.say("Of course")
    wait_until(lambda: visitor.messages()[-1]["content"] == "Of course", "the answer is there")
    assert len(sockets) == 1


def test_an_operator_who_signs_out_elsewhere_is_told(
    open_shop: OpenShop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow(r"status of 40[13]")
    shop = open_shop(operator_token_lifetime=2)
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.field.fill("Half an ans")
    shop.sign_out(inbox.page.context)
    dialog = inbox.page.get_by_role("dialog", name="You're signed out")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Sign in again").click()
    expect(inbox.page).to_have_url(re.compile("/sign-in"))
    shop.sign_in(inbox.page.context, ANA)
    inbox.visit(visitor.session_id)
    expect(inbox.field).to_have_value("Half an ans")


def test_a_redirect_to_a_sign_in_is_a_sign_out(shop: Shop, new_context: NewContext) -> None:
    inbox = signed_in(shop, new_context)
    end = intercept(shop.app, "/inbox/token", to_the_sign_in)
    inbox.visit()
    expect(inbox.page.get_by_role("dialog", name="You're signed out")).to_be_visible()
    end()
    inbox.page.get_by_role("button", name="Sign in again").click()
    expect(inbox.page.get_by_text("No conversations yet")).to_be_visible()


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_machine_may_be_wrong(shop: Shop, new_context: NewContext, hours: int) -> None:
    visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    inbox.page.add_init_script(f"const right = Date.now.bind(Date); Date.now = () => right() + {hours} * 3_600_000;")
    asked = []
    inbox.page.on("request", lambda request: asked.append(request) if request.url.endswith("/inbox/token") else None)
    inbox.visit().open("Hello")
    inbox.say("Hello to you")
    inbox.expect_said("visitor: Hello", "operator: Hello to you")
    assert len(asked) == 1


def test_files_are_pasted_and_dropped(open_shop: OpenShop, new_context: NewContext, faults: Faults) -> None:
    faults.allow(r"status of 413", r"net::ERR_")
    shop = open_shop(max_upload_size=100_000)
    visitor = visitor_saying(shop, "Have you papers?")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    page = inbox.page
    chips = page.locator(".chips > li")
    stumbled: list[bool] = []

    def stumble(route: Route) -> None:
        if stumbled:
            route.continue_()
        else:
            stumbled.append(True)
            route.abort()

    page.route("**/attachments?filename=shaky.txt", stumble)
    files: list[File] = [("one.txt", "text/plain", 10), ("huge.txt", "text/plain", 3_000_000)]
    inbox.field.evaluate(_PASTE, files)
    inbox.messages.evaluate(_DROP, [("shaky.txt", "text/plain", 20)])
    expect(chips).to_have_count(3)
    huge, shaky = chips.filter(has_text="huge.txt"), chips.filter(has_text="shaky.txt")
    expect(huge).to_contain_text("This file is too large")
    expect(huge.get_by_role("button", name="Retry")).to_be_hidden()
    expect(shaky).to_contain_text("Upload failed")
    settled(page)
    check_accessible(page)
    shaky.get_by_role("button", name="Retry").click()
    expect(page.locator(".chip.is-done")).to_have_count(2)
    inbox.say("Here they are")
    inbox.expect_said("visitor: Have you papers?", "operator: Here they are")
    # What was not sent does not look as if it had been.
    expect(chips).to_have_count(1)
    page.get_by_role("button", name="Remove huge.txt").click()
    expect(chips).to_have_count(0)
    files_of = [file["filename"] for file in visitor.messages()[-1]["attachments"]]
    assert sorted(files_of) == ["one.txt", "shaky.txt"]
    for name in files_of:
        expect(inbox.message("Here they are").get_by_role("link", name=re.compile(name))).to_be_visible()


def test_no_more_files_than_a_message_takes(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.field).to_be_visible()
    inbox.field.evaluate(_PASTE, [(f"{number}.txt", "text/plain", 4) for number in range(12)])
    expect(inbox.page.get_by_text("Up to 10 files per message. The rest weren't added.")).to_be_visible()
    expect(inbox.page.locator(".chip.is-done")).to_have_count(10)
    inbox.page.get_by_role("button", name="Send").click()
    wait_until(lambda: len(visitor.messages()[-1].get("attachments", [])) == 10, "the files are there")


def test_who_looks_elsewhere_is_notified(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello", name="Grace")
    inbox = signed_in(shop, new_context, whole=True)
    page = inbox.page
    page.context.grant_permissions(["notifications"], origin=shop.url)
    page.add_init_script(_KEEP_NOTIFICATIONS)
    page.add_init_script("localStorage.setItem('pocketping-inbox:notifications', 'off')")
    inbox.visit()
    expect(page).to_have_title("(1) Inbox")
    page.evaluate(_LOOK_ELSEWHERE)
    visitor.say("Nobody hears this")
    expect(inbox.row("Nobody hears this")).to_be_visible()
    page.get_by_role("button", name="Preferences").click()
    switch = page.get_by_role("switch", name=re.compile("^Desktop notifications"))
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    inbox.dismiss()
    visitor_saying(shop, "Another one", name="Mira")
    visitor.say("Are you there?")
    wait_for(page, lambda: page.evaluate("notified.length") == 2, "both were told")
    expect(page).to_have_title("(2) Inbox")
    assert page.evaluate("notified.map(({title, body}) => [title, body])")[1] == ["Grace", "Are you there?"]
    page.evaluate("notified[1].onclick()")
    expect(page).to_have_url(f"{shop.url}/inbox/{visitor.session_id}")
    inbox.say("I am")
    expect(page).to_have_title("(1) Inbox")


def test_a_phone_without_notifications_of_pages_works_on(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context, whole=True)
    page = inbox.page
    page.context.grant_permissions(["notifications"], origin=shop.url)
    page.add_init_script(
        "Notification = new Proxy(Notification, {construct() { throw new TypeError('Illegal constructor'); }})"
    )
    inbox.visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    page.evaluate(_LOOK_ELSEWHERE)
    visitor.say("And now?")
    inbox.expect_said("visitor: Hello", "visitor: And now?")
    # What is told behind the notification is told all the same.
    wait_until(lambda: visitor.messages()[-1]["status"] == "delivered", "it counts as delivered")


def test_who_is_away_stays_away(shop: Shop, new_context: NewContext) -> None:
    visitor = shop.api.visitor()

    def online() -> bool:
        return bool(visitor.request("GET", "/presence").json()["online"])

    inbox = signed_in(shop, new_context).visit()
    page = inbox.page
    wait_until(online, "the operator is online")
    page.get_by_role("button", name="Preferences").click()
    page.get_by_role("switch", name=re.compile("^Available")).click()
    wait_until(lambda: not online(), "the operator is away")
    page.reload()
    expect(page.get_by_role("button", name="Ana Duarte, Away")).to_be_visible()
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    wait_until(lambda: not online(), "the operator is still away")
    other = Inbox(page.context.new_page(), shop.url).visit()
    expect(other.page.get_by_role("button", name="Ana Duarte, Away")).to_be_visible()
    page.get_by_role("button", name="Preferences").click()
    switch = page.get_by_role("switch", name=re.compile("^Available"))
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(other.page.get_by_role("button", name="Ana Duarte, Available")).to_be_visible()
    wait_until(online, "the operator is back")


def test_what_happened_while_no_event_came_is_told_once(shop: Shop, new_context: NewContext, faults: Faults) -> None:
    faults.allow_network()
    one, other = visitor_saying(shop, "Hello", name="Grace"), visitor_saying(shop, "Good day", name="Mira")
    inbox = signed_in(shop, new_context)
    line = Line(inbox.page)
    inbox.visit(one.session_id)
    inbox.expect_said("visitor: Hello")
    inbox.page.evaluate("window.same = true")
    line.cut()
    expect(inbox.page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    for visitor in (one, other):
        event = {"sessionId": visitor.handle, "name": "ordered", "data": {"pot": 1}}
        assert visitor.request("POST", "/events", event).status_code == 200
        shop.api.ok("POST", f"/sessions/{visitor.session_id}/csat")
        visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 4, "comment": "Good"})
        shop.api.ok("POST", f"/sessions/{visitor.session_id}/close")
    # This one is read anew while the line is down, and then told once more by it.
    inbox.row("Mira").click()
    expect(note(inbox, "Conversation closed")).to_have_count(1)
    line.mend()
    for name in ("Mira", "Grace"):
        if name == "Grace":
            inbox.page.get_by_role("button", name="Closed", exact=True).click()
            inbox.row(name).click()
        expect(note(inbox, "ordered")).to_have_count(1, timeout=20_000)
        expect(note(inbox, "Rated 4 out of 5: “Good”")).to_have_count(1)
        expect(note(inbox, "Conversation closed")).to_have_count(1)
        expect(note(inbox, "Rating requested")).to_have_count(1)
        expect(inbox.page.get_by_text("This conversation is closed.")).to_be_visible()
        expect(inbox.details.get_by_role("img", name="4 out of 5 stars")).to_be_visible()
    assert inbox.page.evaluate("window.same")


def test_what_the_server_stumbled_over_is_stored_once(shop: Shop, new_context: NewContext, faults: Faults) -> None:
    faults.allow(r"status of 500")
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    answers: list[int] = []

    def stumble(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        answers.append(answer.status)
        if len(answers) == 1:
            # It was stored, and the answer was lost.
            route.fulfill(status=500, json={"code": "INTERNAL_ERROR", "message": "No."})
        else:
            route.fulfill(response=answer)

    inbox.page.route("**/messages", stumble)
    inbox.field.fill("Only once")
    inbox.field.press("Enter")
    inbox.field.press("Enter")
    inbox.say("And this after it")
    wait_for(inbox.page, lambda: len(answers) >= 3, "it was tried again", seen=lambda: answers)
    expect(inbox.messages.locator(".pending")).to_have_count(0)
    inbox.expect_said("visitor: Hello", "operator: Only once", "operator: And this after it")
    assert stored(shop.api) == ["visitor: Hello", "operator: Only once", "operator: And this after it"]


def place_of(inbox: Inbox, text: str) -> float:
    """How far below the top of the page a message stands."""
    box = inbox.messages.get_by_text(text, exact=True).bounding_box()
    assert box
    return box["y"]


def test_what_is_read_stays_where_it_is(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "The first")
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 120)
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.message("Number 120")).to_be_in_viewport()
    newest = inbox.page.get_by_role("button", name="New messages")
    expect(newest).to_be_hidden()
    before = inbox.messages.evaluate(
        """(region) => {
            region.scrollTo(0, 0);
            return document.querySelector('.message .content').getBoundingClientRect().top;
        }"""
    )
    # 121 in pages of 50: the oldest that was loaded is the 71st that the bulk wrote.
    wait_for(inbox.page, lambda: len(inbox.said()) == 100, "older ones are loaded", seen=lambda: len(inbox.said()))
    assert abs(place_of(inbox, "Number 71") - before) < 2
    kept = place_of(inbox, "Number 73")
    visitor.say("And one more")
    expect(newest).to_be_visible()
    assert place_of(inbox, "Number 73") == kept
    settled(inbox.page)
    check_accessible(inbox.page)
    newest.click()
    expect(inbox.message("And one more")).to_be_in_viewport()
    expect(newest).to_be_hidden()
    visitor.say("And another")
    expect(inbox.message("And another")).to_be_in_viewport()
    expect(newest).to_be_hidden()


@pytest.fixture
def loaders(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Loaders:
    """What the shop tells of its people. All its apps share it, so a test changes it by `monkeypatch`."""
    found: Loaders = shop.app.extensions["pocketping"].loaders
    return found


def evil_context(context: BrowserContext) -> BrowserContext:
    context.add_init_script("window.ran = 0")
    return context


def test_stored_texts_are_plain_text_in_the_inbox(shop: Shop, new_context: NewContext) -> None:
    saved = shop.api.ok("POST", "/saved-replies", {"shortcut": "evil", "content": f"{EVIL} {EVIL_URL}"})
    visitor = visitor_saying(shop, f"{EVIL} {EVIL_URL}", name=EVIL)
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": EVIL, "type": "system"})
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": EVIL, "operatorName": EVIL})
    inbox = signed_in(shop, new_context)
    evil_context(inbox.page.context)
    page = inbox.visit(visitor.session_id).page
    expect(note(inbox, EVIL)).to_be_visible()
    page.get_by_role("button", name="Saved replies").click()
    dialog = page.get_by_role("dialog", name="Saved replies")
    expect(dialog.get_by_text(EVIL)).to_be_visible()
    dialog.get_by_role("button", name="Edit /evil").click()
    expect(page.get_by_role("dialog", name="Edit /evil").get_by_label("Text")).to_have_value(
        saved["savedReply"]["content"]
    )
    expect_harmless(page)
    inbox.dismiss()
    inbox.dismiss()
    inbox.message(EVIL).first.hover()
    inbox.message(EVIL).first.get_by_role("button", name="Reply").click()
    expect(page.get_by_text("Replying to")).to_be_visible()
    inbox.field.evaluate(_PASTE, [(EVIL, "text/plain", 5)])
    expect(page.locator(".chip.is-done")).to_have_count(1)
    inbox.say(EVIL)
    wait_for(page, lambda: len(inbox.said()) == 3, "all is shown", seen=inbox.said)
    expect(inbox.messages.locator(".quote").get_by_text(EVIL).first).to_be_visible()
    expect_harmless(page)


def test_a_javascript_url_is_no_link(
    shop: Shop, new_context: NewContext, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = [EVIL_URL, EVIL_URL.upper(), f" {EVIL_URL}", "data:text/html,<script>window.ran=1</script>"]
    monkeypatch.setattr(
        loaders, "context", lambda session: {f"Fact {n}": ("x", url) for n, url in enumerate(addresses)}
    )
    visitor = shop.api.visitor(metadata={"url": addresses[0], "pageTitle": "A trap", "referrer": addresses[1]})
    visitor.say(" and ".join(addresses))
    for address in addresses:
        visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {"url": address}})
    inbox = signed_in(shop, new_context)
    evil_context(inbox.page.context)
    inbox.visit(visitor.session_id)
    expect(inbox.details.get_by_text("Fact 3")).to_be_visible()
    wait_for(inbox.page, lambda: len(inbox.said()) == 1, "it is shown", seen=inbox.said)
    links: list[str] = inbox.page.evaluate("[...document.links].map((link) => link.href)")
    assert [link for link in links if not link.startswith(("http://", "https://"))] == []
    assert inbox.messages.get_by_role("link").count() == 0
    expect_harmless(inbox.page)


def test_the_name_of_another_operator_is_plain_text(
    shop: Shop, new_context: NewContext, loaders: Loaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    evil_context(inbox.page.context)
    inbox.visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    monkeypatch.setattr(loaders, "operator", lambda: {"id": "evil", "name": EVIL})
    other = signed_in(shop, new_context, TOM).visit(visitor.session_id)
    # Its list is read behind its subscription.
    expect(other.row("Hello")).to_be_visible()
    other.field.press_sequentially("I")
    expect(inbox.page.get_by_text("is replying…")).to_be_visible()
    inbox.page.get_by_role("button", name="Preferences").click()
    expect(inbox.page.get_by_role("dialog").get_by_text(EVIL)).to_be_visible()
    expect_harmless(inbox.page)
