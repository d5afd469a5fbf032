"""What happens at the same time in a page, in another order than usual: it ends as if all had come in turn."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ..support.browsers import Faults, wait_for
from ..support.bulk import add_messages
from .chat import Chat, fill_storage
from .conftest import OpenShop
from .shop import Shop, answer, only_session, stored

# Requests leave the page, and answers arrive in it, when the test says so.
_GATE = """
const real = fetch;
async function pass(held, address) {
    if (held && address.includes(held)) await new Promise((letGo) => { window.letGo = letGo; });
}
window.fetch = async (...request) => {
    await pass(sessionStorage.request, request[0]);
    const answer = await real(...request);
    await pass(sessionStorage.answer, request[0]);
    return answer;
};
"""


class Gate:
    """Holds up one kind of requests of a page, or the answers to them, over reloads."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(_GATE)

    def hold(self, what: str, path: str) -> None:
        """Hold up the next `request` or `answer` with that in its address."""
        self.page.evaluate("([what, path]) => { sessionStorage[what] = path; }", [what, path])

    @property
    def reached(self) -> bool:
        return bool(self.page.evaluate("Boolean(window.letGo)"))

    def wait(self) -> None:
        """Wait until one is held up."""
        wait_for(self.page, lambda: self.reached, "something is held up")

    def let_one_go(self) -> None:
        """Let the one pass that is held up, and hold up the next."""
        self.page.evaluate("(window.letGo(), window.letGo = null)")

    def let_go(self) -> None:
        """Let it and all that follow pass."""
        self.page.evaluate("sessionStorage.clear()")
        self.let_one_go()


def hide(page: Page) -> None:
    """Leave the page as a browser does that keeps it for the way back."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")


def show(page: Page) -> None:
    """Come back to it."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")


def test_a_page_of_the_way_back_has_what_came_meanwhile(shop: Shop, context: BrowserContext, faults: Faults) -> None:
    faults.allow_network()
    first, second = context.new_page(), context.new_page()
    first.goto(shop.url)
    one = Chat(first).open()
    one.tell("From the first")
    second.goto(f"{shop.url}/about")
    two = Chat(second).open()
    two.expect_said("visitor: From the first")
    first.route("**/message", lambda route: route.abort())
    two.say("From the second")
    two.expect_status("From the second", "Sending")
    hide(second)
    first.unroute("**/message")
    lines = ["visitor: From the first", "visitor: From the second"]
    one.expect_said(*lines)
    answer(shop.api, "To both")
    one.expect_said(*lines, "operator: To both")
    show(second)
    two.expect_said(*lines, "operator: To both")


def test_a_conversation_that_is_forgotten_while_it_is_opened_stays_forgotten(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Mine")
    gate.hold("answer", "/connect")
    page.reload()
    gate.wait()
    page.evaluate("PocketPing.reset()")
    gate.let_go()
    chat.open().tell("Somebody else's")
    chat.expect_said("visitor: Somebody else's")


def test_the_order_stays_however_the_answers_and_the_news_of_them_arrive(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    page.goto(shop.plain(transport="poll"))
    chat = Chat(page).open()
    gate.hold("answer", "/message")
    written = [f"visitor: {text}" for text in ("One", "Two", "Three", "Four")]
    for line in written:
        chat.say(line.removeprefix("visitor: "))
    for told_first in (True, True, False, True):
        gate.wait()
        if told_first:
            # What one poll has not seen yet, the next one has.
            for _ in range(2):
                page.wait_for_event("requestfinished", lambda request: "/events?" in request.url)
        gate.let_one_go()
    chat.expect_said(*written)
    assert stored(shop.api) == written


def test_what_was_being_written_is_forgotten_with_the_conversation(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Mine")
    chat.field.fill("My card is 12")
    with page.expect_response("**/upload/complete"):
        chat.attach("card.txt", "text/plain", b"12 34")
    expect(chat.root.get_by_text("card.txt")).to_be_visible()
    page.evaluate("PocketPing.reset()")
    expect(chat.panel).to_be_hidden()
    chat.open()
    expect(chat.field).to_have_value("")
    expect(chat.root.get_by_text("card.txt")).to_have_count(0)
    chat.tell("Somebody else's")
    chat.expect_said("visitor: Somebody else's")


def test_what_comes_while_a_page_connects_reaches_its_own_script(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    with page.expect_websocket() as opened:
        page.goto(shop.plain())
        chat = Chat(page).open()
        chat.tell("Hello")
    page.evaluate(
        """() => {
            window.heard = [];
            PocketPing.on('message', ({content}) => heard.push(content));
            PocketPing.onEvent('coupon', () => heard.push('coupon'));
        }"""
    )
    gate.hold("request", "/connect")
    page.evaluate("history.pushState({}, '', '/elsewhere')")
    gate.wait()
    with opened.value.expect_event("framereceived", lambda frame: "coupon" in str(frame)):
        answer(shop.api, "Now")
        shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/events", {"name": "coupon", "data": {}})
    # However long it takes to connect.
    chat.expect_said("visitor: Hello", "operator: Now")
    with page.expect_response("**/connect"):
        gate.let_go()
    answer(shop.api, "Later")
    chat.expect_said("visitor: Hello", "operator: Now", "operator: Later")
    assert page.evaluate("heard") == ["Now", "coupon", "Later"]


def test_what_changes_while_the_page_reads_is_not_put_back_by_what_it_reads(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    with page.expect_websocket() as opened:
        page.goto(shop.plain())
        chat = Chat(page).open()
        chat.tell("Hello")
    first = answer(shop.api, "Wrong window, sorry")
    chat.expect_said("visitor: Hello", "operator: Wrong window, sorry")
    gate.hold("answer", "/connect")
    page.evaluate("history.pushState({}, '', '/elsewhere')")
    gate.wait()
    with opened.value.expect_event("framereceived", lambda frame: "message_deleted" in str(frame)):
        shop.api.delete(f"/sessions/{first['sessionId']}/messages/{first['id']}")
    gate.let_go()
    answer(shop.api, "Later")
    chat.expect_said("visitor: Hello", "operator: Message deleted", "operator: Later")


def test_a_message_that_is_taken_back_while_it_is_loaded_is_not_shown(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    first = answer(shop.api, "Wrong window, sorry")
    add_messages(shop.app.extensions["pocketping"].db, only_session(shop.api), 60)
    gate.hold("answer", "/messages?")
    with page.expect_websocket() as opened:
        page.reload()
    chat.open()
    wait_for(page, lambda: chat.log.evaluate("log => { log.scrollTop = 0; }") or gate.reached, "older ones are read")
    with opened.value.expect_event("framereceived", lambda frame: "message_deleted" in str(frame)):
        shop.api.delete(f"/sessions/{first['sessionId']}/messages/{first['id']}")
    gate.let_go()
    wait_for(page, lambda: len(chat.said()) == 62, "all are there", seen=lambda: len(chat.said()))
    assert chat.said()[:2] == ["visitor: Hello", "operator: Message deleted"]


def test_more_than_a_page_of_news_leaves_no_gap(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    add_messages(shop.app.extensions["pocketping"].db, only_session(shop.api), 120)
    page.evaluate("history.pushState({}, '', '/elsewhere')")
    expect(chat.numbered(120)).to_be_attached()

    def scrolled() -> int:
        chat.log.evaluate("log => { log.scrollTop = 0; log.dispatchEvent(new Event('scroll')); }")
        return len(chat.said())

    wait_for(page, lambda: scrolled() == 121, "all are there", seen=scrolled)
    lines = [f"{'visitor' if number % 2 else 'operator'}: Number {number}" for number in range(1, 121)]
    assert chat.said() == ["visitor: Hello", *lines]


def test_an_identity_that_is_told_while_the_page_connects_is_told_to_the_shop(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    gate.hold("answer", "/connect")
    page.reload()
    gate.wait()
    page.evaluate("void PocketPing.identify({id: '7', name: 'Grace'})")
    with shop.api.socket() as office:
        gate.let_go()
        assert office.expect("visitor.identified")["identity"]["name"] == "Grace"


def test_a_message_on_its_way_keeps_no_other_from_its_place(shop: Shop, page: Page) -> None:
    gate = Gate(page)
    page.goto(shop.plain(transport="poll"))
    chat = Chat(page).open()
    chat.tell("Hello")
    gate.hold("answer", "/message")
    chat.say("One")
    chat.say("Two")
    gate.wait()
    # What one poll has not seen yet, the next one has.
    for _ in range(2):
        page.wait_for_event("requestfinished", lambda request: "/events?" in request.url)
    page.evaluate("(window.letGo(), window.letGo = null)")
    gate.wait()
    answer(shop.api, "Three")
    chat.expect_said("visitor: Hello", "visitor: One", "operator: Three", "visitor (not sent): Two")
    gate.let_go()
    chat.expect_said("visitor: Hello", "visitor: One", "visitor: Two", "operator: Three")


def test_what_was_taken_back_is_not_quoted_either(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    first = answer(shop.api, "Wrong window, sorry")
    chat.tell("Between them")
    page.evaluate("id => void PocketPing.sendMessage('About that', {replyTo: id})", first["id"])
    excerpt = chat.message("About that").locator(".excerpt")
    expect(excerpt).to_have_text("Wrong window, sorry")
    chat.expect_status("About that", "Sent")
    shop.api.ok("POST", f"/sessions/{first['sessionId']}/read")
    chat.expect_status("About that", "Read")
    shop.api.delete(f"/sessions/{first['sessionId']}/messages/{first['id']}")
    expect(excerpt).to_have_text("Message deleted")


def test_the_day_stays_above_the_first_message_of_it(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 400")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.say("That dratted kettle")
    chat.expect_status("kettle", "Not sent")
    chat.say("That dratted teapot")
    chat.expect_status("teapot", "Not sent")
    expect(chat.log.locator(".day")).to_have_count(1)
    chat.message("kettle").get_by_role("button", name="Delete").click()
    expect(chat.message("kettle")).to_have_count(0)
    expect(chat.message("teapot").locator(".day")).to_have_text("Today")


def test_a_chat_that_has_ended_asks_no_more(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow_network()
    asked: list[str] = []
    gate = Gate(page)
    page.clock.install()
    page.route("**/connect", lambda route: route.abort())
    page.goto(shop.plain())
    gate.hold("request", "/connect")
    page.evaluate("PocketPing.open()")
    gate.wait()
    page.evaluate("PocketPing.destroy()")
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_event("requestfailed"):
        gate.let_go()
    page.clock.run_for(60_000)
    page.clock.run_for(60_000)
    assert len(asked) == 1


def test_handlers_of_a_chat_end_with_it(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    page.evaluate(
        """async () => {
            window.heard = [];
            for (const name of ['one', 'two']) {
                await PocketPing.destroy();
                await PocketPing.init({endpoint: '/', onOpen: () => heard.push(name)});
            }
            await PocketPing.open();
        }"""
    )
    assert page.evaluate("heard") == ["two"]


def test_a_refusal_is_shown_in_the_tab_that_could_not_store(
    shop: Shop, context: BrowserContext, faults: Faults
) -> None:
    faults.allow(r"status of 400")
    first, second = context.new_page(), context.new_page()
    first.goto(shop.url)
    Chat(first).open().tell("Hello")
    second.goto(f"{shop.url}/about")
    two = Chat(second).open()
    two.expect_said("visitor: Hello")
    fill_storage(second)
    two.say("That dratted kettle")
    two.expect_status("kettle", "Not sent")


def test_a_file_that_is_given_up_sends_nothing_later(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow_network()
    page.goto(shop.plain())
    chat = Chat(page).open()
    page.route("**/upload", lambda route: route.abort())
    chat.attach("lost.txt", "text/plain", b"Lost")
    expect(chat.panel.get_by_role("button", name="Try again")).to_be_visible()
    chat.say("Half a sent")
    chat.panel.get_by_role("button", name=re.compile("Delete lost.txt")).click()
    page.unroute("**/upload")
    chat.attach("note.txt", "text/plain", b"A note")
    expect(chat.panel.get_by_text("note.txt")).to_be_visible()
    expect(chat.panel.get_by_role("progressbar")).to_have_count(0)
    assert chat.said() == []
    expect(chat.field).to_have_value("Half a sent")


def test_who_passed_over_one_form_is_asked_by_the_next(open_shop: OpenShop, page: Page) -> None:
    shop = open_shop(prechat="optional", prechat_fields="phone-only")
    page.goto(shop.url)
    chat = Chat(page)
    chat.launcher.click()
    chat.panel.get_by_role("button", name="Not now").click()
    expect(chat.panel).not_to_contain_text("object")
    chat.tell("Hello")
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/csat")
    expect(chat.panel.get_by_role("form", name="How did we do?")).to_be_visible()


@pytest.mark.parametrize("gesture", [True, False], ids=["heard", "not allowed"])
def test_a_sound_leaves_nothing_behind(shop: Shop, page: Page, faults: Faults, gesture: bool) -> None:
    faults.allow("AudioContext was not allowed to start")
    page.add_init_script(
        """
        window.made = [];
        window.AudioContext = class extends AudioContext {
            constructor() {
                super();
                made.push(this);
            }
        };
        """
    )
    page.goto(shop.plain(sound=True))
    chat = Chat(page).open()
    chat.tell("Hello")
    if gesture:
        chat.field.press("Escape")
    else:
        # What is answered before the page has connected is no news to it.
        with page.expect_response("**/connect"):
            page.reload()
    with page.expect_request("**/read"):
        answer(shop.api, "Hi")
    states = "made.map(({state}) => state)"
    wait_for(page, lambda: page.evaluate(states) == ["closed"], "it ended", seen=lambda: page.evaluate(states))


def test_a_tab_that_is_just_joining_a_new_conversation_keeps_the_order(
    shop: Shop, context: BrowserContext, page: Page
) -> None:
    """The answer to its connect is older than the first message, and the cursors of the closed one are higher."""
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("The kettle whistles")
    chat.tell("It whistles loudly")
    other = context.new_page()
    gate = Gate(other)
    other.goto(shop.plain())
    beside = Chat(other).open()
    beside.expect_said("visitor: The kettle whistles", "visitor: It whistles loudly")
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/close")
    line = chat.log.locator(".system", has_text="Conversation closed")
    gate.hold("answer", "/connect")
    line.get_by_role("button", name="New conversation").click()
    chat.expect_said()
    gate.wait()
    chat.tell("Another matter")
    beside.expect_said("visitor: Another matter")
    gate.let_go()
    answer(shop.api, "Which one?")
    for one in (chat, beside):
        one.expect_said("visitor: Another matter", "operator: Which one?")
