"""The inbox without a WebSocket: by polling it does all that it does with one, but for seeing who types."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from flask_pocketping.web.streams import transports

from ..support.browsers import Faults, wait_for
from ..support.servers import wait_until
from .chat import Chat, Lines
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import TOM, Shop, stored
from .test_inbox_more import Line, intercept, no_upgrade, signed_in, visitor_saying

LOST = "Connection lost. Reconnecting…"


class Polls:
    """The requests for news that an inbox makes, and whether it said that the connection is lost."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets = 0
        self.asked: list[str] = []
        self.ended = 0
        page.on("request", self._on_request)
        page.on("websocket", self._on_socket)
        page.add_init_script(
            """(() => {
                window.bars = [];
                const look = () => {
                    const text = document.querySelector('.bar')?.textContent;
                    if (text) window.bars.push(text);
                };
                new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
            })()"""
        )

    def wait(self, more: int = 1) -> None:
        """Wait for further requests."""
        before = len(self.asked)
        wait_for(self.page, lambda: len(self.asked) >= before + more, "it polls", seen=lambda: self.asked)

    def bars(self) -> list[str]:
        """What the bar at the top of the page has said."""
        found: list[str] = self.page.evaluate("window.bars")
        return found

    def _on_request(self, request: Request) -> None:
        if "/updates?" in request.url and request.method == "GET":
            self.asked.append(request.url)
        elif "/updates?" in request.url:
            self.ended += 1

    def _on_socket(self, socket: object) -> None:
        self.sockets += 1


@pytest.fixture
def poll_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that carries neither WebSockets nor event streams."""
    monkeypatch.setattr(transports, "find_socket", lambda environ: None)


@pytest.fixture
def online(shop: Shop) -> Callable[[], bool]:
    """Whether visitors are told that somebody is there."""
    visitor = shop.api.visitor()
    return lambda: bool(visitor.request("GET", "/presence").json()["online"])


def available(inbox: Inbox, yes: bool) -> None:
    """Use the switch in the preferences."""
    inbox.page.get_by_role("button", name="Preferences").click()
    switch = inbox.page.get_by_role("switch", name=re.compile("^Available"))
    switch.click()
    expect(switch).to_have_attribute("aria-checked", str(yes).lower())
    inbox.dismiss()


@pytest.mark.usefixtures("poll_only")
def test_visitor_and_operator_talk_where_nothing_but_polling_is_carried(
    shop: Shop, new_context: NewContext, page: Page
) -> None:
    lines = Lines(page)
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Is the teapot back?")
    inbox = signed_in(shop, new_context)
    polls = Polls(inbox.page)
    inbox.visit().open("Is the teapot back?")
    inbox.expect_said("visitor: Is the teapot back?")
    chat.expect_status("Is the teapot back?", "Read")
    expect(chat.panel.get_by_text("Online")).to_be_visible()
    inbox.say("Since this morning.")
    chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    expect(inbox.message("Since this morning.").get_by_text("Read", exact=True)).to_be_attached()
    chat.tell("Thank you!")
    inbox.expect_said("visitor: Is the teapot back?", "operator: Since this morning.", "visitor: Thank you!")
    inbox.page.get_by_role("button", name="Close conversation").click()
    chat.tell("One more thing")
    expect(inbox.page.get_by_role("button", name="Close conversation")).to_be_visible()
    assert (polls.sockets, polls.bars(), lines.kinds()) == (0, [], {"poll"})
    assert stored(shop.api)[-1] == "visitor: One more thing"


def test_an_inbox_whose_socket_is_refused_polls_at_once(shop: Shop, new_context: NewContext, faults: Faults) -> None:
    faults.allow_network()
    first = visitor_saying(shop, "Hello", name="Grace")
    visitor_saying(shop, "Good morning", name="Mira")
    inbox = signed_in(shop, new_context)
    polls = Polls(inbox.page)
    end = intercept(shop.app, "/ws", no_upgrade)
    inbox.visit(first.session_id)
    inbox.expect_said("visitor: Hello", timeout=8)
    polls.wait()
    assert polls.sockets >= 1
    first.say("Anybody?")
    inbox.expect_said("visitor: Hello", "visitor: Anybody?", timeout=8)
    other = visitor_saying(shop, "Somebody new")
    expect(inbox.row("Somebody new")).to_be_visible(timeout=8000)
    wait_until(lambda: other.messages()[-1]["status"] == "delivered", "it counts as delivered")
    inbox.open("Mira")
    inbox.say("Good morning, Mira")
    inbox.expect_said("visitor: Good morning", "operator: Good morning, Mira")
    end()
    # The socket is tried when the operator looks at the page again, too.
    inbox.page.evaluate("dispatchEvent(new Event('pageshow'))")
    wait_for(inbox.page, lambda: polls.ended == 1, "the socket has taken over", seen=lambda: polls.asked[-3:])
    before = len(polls.asked)
    first.say("At last")
    inbox.open("Grace")
    inbox.expect_said("visitor: Hello", "visitor: Anybody?", "visitor: At last")
    assert (polls.bars(), len(polls.asked)) == ([], before)


def test_an_inbox_whose_socket_is_swallowed_begins_by_polling(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    polls = Polls(inbox.page)
    # It opens, and nothing comes back.
    inbox.page.route_web_socket(re.compile("/ws$"), lambda route: None)
    inbox.visit()
    expect(inbox.row("Hello")).to_be_visible(timeout=9000)
    assert polls.bars() == []


@pytest.mark.usefixtures("poll_only")
def test_who_types_by_polling_is_seen_by_those_with_a_stream(
    shop: Shop, new_context: NewContext, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = signed_in(shop, new_context).visit()
    monkeypatch.undo()
    lines = Lines(page)
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    wait_for(page, lambda: "ws" in lines.kinds(), "the line is open", seen=lines.kinds)
    inbox.open("Hello")
    inbox.field.press_sequentially("Let me")
    expect(chat.root.get_by_text("Ana Duarte is typing…")).to_be_visible()
    inbox.say("Let me see")
    chat.expect_said("visitor: Hello", "operator: Let me see")
    expect(chat.root.get_by_text("Ana Duarte is typing…")).to_be_hidden()


@pytest.mark.usefixtures("poll_only")
def test_who_is_away_stays_away_by_polling(shop: Shop, new_context: NewContext, online: Callable[[], bool]) -> None:
    inbox = signed_in(shop, new_context).visit()
    wait_until(online, "the operator is online")
    other = Inbox(inbox.page.context.new_page(), shop.url).visit()
    available(inbox, False)
    expect(other.page.get_by_role("button", name="Ana Duarte, Away")).to_be_visible()
    wait_until(lambda: not online(), "no window of the operator counts as online", 20)
    other.page.reload()
    expect(other.page.get_by_text("No conversations yet")).to_be_visible()
    assert not online()
    available(other, True)
    expect(inbox.page.get_by_role("button", name="Ana Duarte, Available")).to_be_visible()
    wait_until(online, "the operator is back", 20)
    other.page.close()
    assert online()
    inbox.page.close()
    wait_until(lambda: not online(), "the last window was closed", 20)


@pytest.mark.usefixtures("poll_only")
def test_operators_see_each_other_by_polling(shop: Shop, new_context: NewContext) -> None:
    inbox = signed_in(shop, new_context).visit()
    other = signed_in(shop, new_context, TOM).visit()
    inbox.page.get_by_role("button", name="Preferences").click()
    team = inbox.page.get_by_role("dialog")
    expect(team.get_by_text("Tom Whitby")).to_be_visible()
    other.page.close()
    expect(team.get_by_text("Tom Whitby")).to_be_hidden()


@pytest.mark.usefixtures("poll_only")
def test_two_windows_poll_each_for_itself(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    other = Inbox(inbox.page.context.new_page(), shop.url).visit(visitor.session_id)
    for number, window in enumerate((inbox, other)):
        expect(window.field).to_be_visible()
        window.say(f"From window {number}")
    lines = ["visitor: Hello", "operator: From window 0", "operator: From window 1"]
    for window in (inbox, other):
        window.expect_said(*lines)
    assert stored(shop.api) == lines


@pytest.mark.usefixtures("poll_only")
def test_a_token_is_renewed_while_it_polls(open_shop: OpenShop, new_context: NewContext) -> None:
    shop = open_shop(operator_token_lifetime=4)
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    tokens: set[str] = set()
    inbox.page.on("request", lambda request: tokens.add(request.headers.get("authorization", "")))
    inbox.visit(visitor.session_id)
    polls = Polls(inbox.page)
    wait_for(inbox.page, lambda: len(tokens - {""}) >= 3, "the token was renewed twice", 20, lambda: len(tokens))
    polls.wait()
    visitor.say("Still there?")
    inbox.expect_said("visitor: Hello", "visitor: Still there?")


@pytest.mark.usefixtures("poll_only")
def test_an_operator_who_signs_out_while_it_polls_is_told(
    open_shop: OpenShop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow(r"status of 40[13]")
    shop = open_shop(operator_token_lifetime=2)
    inbox = signed_in(shop, new_context).visit()
    expect(inbox.page.get_by_text("No conversations yet")).to_be_visible()
    shop.sign_out(inbox.page.context)
    expect(inbox.page.get_by_role("dialog", name="You're signed out")).to_be_visible()


@pytest.mark.usefixtures("poll_only")
def test_what_happened_while_nothing_got_through_is_told_once(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow_network()
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    context = inbox.page.context
    inbox.page.route("**/updates?*", lambda route: route.abort())
    expect(inbox.page.get_by_text(LOST)).to_be_visible()
    visitor.say("Meanwhile")
    for _ in range(3):
        shop.api.ok("POST", f"/sessions/{visitor.session_id}/events", {"name": "offer"})
    context.unroute_all()
    inbox.page.unroute_all()
    expect(inbox.page.get_by_text(LOST)).to_be_hidden()
    inbox.expect_said("visitor: Hello", "visitor: Meanwhile")
    expect(inbox.messages.locator("li.note").filter(has_text="offer")).to_have_count(3)


def test_a_line_that_comes_and_goes_tells_everything_once(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Number 0")
    inbox = signed_in(shop, new_context)
    polls = Polls(inbox.page)
    line = Line(inbox.page, polls=True)
    inbox.visit(visitor.session_id)
    expected = ["visitor: Number 0"]
    for number in range(1, 7):
        inbox.expect_said(*expected)
        if number % 2:
            line.cut()
        else:
            line.mend()
            inbox.page.evaluate("dispatchEvent(new Event('pageshow'))")
        visitor.say(f"Number {number}")
        expected.append(f"visitor: Number {number}")
    inbox.expect_said(*expected)
    expect(inbox.row("Number 6")).to_be_visible()
    assert polls.bars() == []
    assert polls.asked


@pytest.mark.usefixtures("poll_only")
def test_a_page_in_the_background_polls_on(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    polls = Polls(inbox.page)
    inbox.visit()
    expect(inbox.row("Hello")).to_be_visible()
    inbox.page.evaluate(
        """() => {
            Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => 'hidden'});
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    # The first of these begins while the page was seen; the ones behind it are timed by the worker.
    polls.wait(1)
    wait_for(inbox.page, lambda: len(inbox.page.workers) == 1, "a worker keeps time")
    visitor.say("Are you there?")
    expect(inbox.page).to_have_title("(1) Inbox", timeout=20_000)
    expect(inbox.row("Are you there?")).to_be_visible(timeout=20_000)
