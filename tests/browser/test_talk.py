"""Visitor and operator talk, over each transport and over whatever happens to the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from ..support.browsers import Faults, wait_for
from ..support.clients import Api
from ..support.proxy import proxying
from ..support.scripts import environment
from ..support.servers import KEY, Process, free_port, wait_until
from .chat import Chat, Lines, fill_storage
from .shop import Shop, answer, only_session, stored

TRANSPORTS = ["ws", "sse", "poll"]


def test_a_visitor_and_the_shop_talk(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Is the teapot back?")
    answer(shop.api, "Since this morning.")
    chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    assert stored(shop.api) == ["visitor: Is the teapot back?", "operator: Since this morning."]
    page.reload()
    Chat(page).open().expect_said("visitor: Is the teapot back?", "operator: Since this morning.")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_all_that_an_operator_does_is_seen_on_each_transport(shop: Shop, page: Page, transport: str) -> None:
    lines = Lines(page)
    page.goto(shop.plain(transport=transport))
    chat = Chat(page).open()
    chat.tell("Hello")
    with shop.api.socket() as office:
        session = only_session(shop.api)
        wait_for(page, lambda: lines.kinds() == {transport}, "the line is open", seen=lines.kinds)
        first = answer(shop.api, "Hi ther")
        second = answer(shop.api, "Wrong window, sorry")
        chat.expect_said("visitor: Hello", "operator: Hi ther", "operator: Wrong window, sorry")
        shop.api.patch(f"/sessions/{session}/messages/{first['id']}", {"content": "Hi there"})
        shop.api.delete(f"/sessions/{session}/messages/{second['id']}")
        chat.expect_said("visitor: Hello", "operator: Hi there", "operator: Message deleted")
        if transport != "poll":
            office.send({"type": "typing", "sessionId": session, "isTyping": True})
            expect(chat.root.get_by_text(re.compile("is typing…"))).to_be_visible()
        shop.api.ok("POST", f"/sessions/{session}/read")
        chat.expect_status("Hello", "Read")
        chat.field.press_sequentially("Are")
        if transport != "poll":
            assert office.expect("typing")["isTyping"] is True
    assert lines.kinds() == {transport}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_closed_conversation_says_so_quietly_and_offers_to_go_on(shop: Shop, page: Page, transport: str) -> None:
    page.goto(shop.plain(transport=transport))
    chat = Chat(page).open()
    chat.tell("Is the teapot back?")
    session = only_session(shop.api)
    answer(shop.api, "Since this morning.")
    chat.expect_said("visitor: Is the teapot back?", "operator: Since this morning.")
    path = f"/sessions/{session}/messages"
    wait_until(lambda: shop.api.ok("GET", path)["messages"][-1]["status"] == "read", "the answer is read")
    chat.root.get_by_role("button", name="Close chat").first.click()
    page.evaluate("() => { window.told = []; PocketPing.on('message', ({ content }) => told.push(content)); }")
    closed = shop.api.ok("POST", f"/sessions/{session}/close")["session"]
    line = chat.root.locator(".system", has_text="Conversation closed")
    expect(line).to_have_count(1)
    expect(chat.launcher).to_have_accessible_name("Open chat")
    assert page.evaluate("told") == []
    chat.open()
    expect(line).to_be_visible()
    chat.log.focus()
    line.get_by_role("button", name="Write a message…").click()
    expect(chat.field).to_be_focused()
    chat.tell("Thank you!")
    chat.expect_said(
        "visitor: Is the teapot back?",
        "operator: Since this morning.",
        "operator: Conversation closed",
        "operator: Conversation reopened",
        "visitor: Thank you!",
    )
    expect(line.get_by_role("button")).to_be_hidden()
    assert shop.api.ok("GET", f"/sessions/{session}")["session"]["status"] == "active"
    assert closed["closedAt"] is not None


def test_that_a_conversation_was_closed_is_said_in_the_language_of_the_page(shop: Shop, page: Page) -> None:
    page.goto(shop.plain(language="de"))
    chat = Chat(page)
    chat.root.get_by_role("button", name="Chat öffnen").click()
    field = chat.root.get_by_role("textbox", name="Nachricht schreiben …")
    field.fill("Hallo")
    field.press("Enter")
    chat.expect_status("Hallo", re.compile("^(Gesendet|Zugestellt)$"))
    shop.api.ok("POST", f"/sessions/{only_session(shop.api)}/close")
    expect(chat.log.get_by_text("Unterhaltung beendet")).to_be_visible()
    page.reload()
    chat.root.get_by_role("button", name="Chat öffnen").click()
    expect(chat.log.get_by_text("Unterhaltung beendet")).to_be_visible()


def test_a_page_that_may_open_no_socket_goes_on_with_events_and_then_polling(
    shop: Shop, page: Page, faults: Faults
) -> None:
    faults.allow_network()
    lines = Lines(page)
    page.route_web_socket(re.compile(r"/stream\?"), lambda socket: socket.close())
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("Hello")
    wait_for(page, lambda: "sse" in lines.kinds(), "events", seen=lines.kinds)
    answer(shop.api, "One")
    chat.expect_said("visitor: Hello", "operator: One")
    assert "poll" not in lines.kinds()
    page.route(re.compile(r"/stream\?"), lambda route: route.abort())
    page.reload()
    chat.open()
    wait_for(page, lambda: "poll" in lines.kinds(), "polling", seen=lines.kinds)
    answer(shop.api, "Two")
    chat.expect_said("visitor: Hello", "operator: One", "operator: Two")


@pytest.fixture
def own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Process]:
    """`python -m example_app` on a port, as `make run` does it."""

    def start(port: int) -> Process:
        variables = environment(
            EXAMPLE_INSTANCE=str(tmp_path), PORT=str(port), POCKETPING_API_KEY=KEY, POCKETPING_POLL_INTERVAL="0.1"
        )
        return Process(["python", "-m", "example_app"], variables, tmp_path / "shop.log")

    return start


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_restarted_in_mid_talk_loses_and_doubles_nothing(
    own_process: Callable[..., Process], page: Page, faults: Faults, transport: str
) -> None:
    faults.allow_network()
    port = free_port()
    api = Api(f"http://localhost:{port}", KEY)
    server = own_process(port)
    try:
        wait_until(lambda: "Stop " in server.log.read_text(), "the shop is open", 60, server.log.read_text)
        page.goto(f"{api.url}/about")
        page.evaluate("PocketPing.destroy()")
        page.evaluate(f"void PocketPing.init({{endpoint: '/', transport: '{transport}'}})")
        chat = Chat(page).open()
        chat.tell("One")
        answer(api, "Two")
        chat.expect_said("visitor: One", "operator: Two")
        assert server.stop() == 0
        chat.say("Three")
        chat.say("Four")
        server = own_process(port)
        wait_until(lambda: server.log.read_text().count("Stop ") == 2, "it is open again", 60, server.log.read_text)
        chat.expect_status("Four", "Sent", timeout=40_000)
        answer(api, "Five")
        lines = ["visitor: One", "operator: Two", "visitor: Three", "visitor: Four", "operator: Five"]
        chat.expect_said(*lines, timeout=20)
        assert stored(api) == lines
    finally:
        server.stop()


def test_messages_written_offline_arrive_once_and_in_order(
    shop: Shop, context: BrowserContext, page: Page, faults: Faults
) -> None:
    faults.allow_network()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Before")
    context.set_offline(True)
    for text in ("One", "Same", "Same", "Two"):
        chat.say(text)
    chat.field.fill("Half a sent")
    chat.expect_status("Two", "Sending")
    answer(shop.api, "Meanwhile")
    context.set_offline(False)
    wait_for(page, lambda: len(stored(shop.api)) == 6, "all have arrived", 20, lambda: stored(shop.api))
    written = ["visitor: One", "visitor: Same", "visitor: Same", "visitor: Two"]
    assert stored(shop.api) == ["visitor: Before", "operator: Meanwhile", *written]
    chat.expect_said("visitor: Before", "operator: Meanwhile", *written)
    expect(chat.field).to_have_value("Half a sent")


def test_a_lost_response_causes_no_duplicate_message(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow_network()
    lost: list[int] = []

    def lose_the_answer(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/message", lose_the_answer)
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Only once")
    chat.say("And this")
    chat.expect_said("visitor: Only once", "visitor: And this")
    assert lost == [200]
    assert stored(shop.api) == ["visitor: Only once", "visitor: And this"]


def test_what_was_written_survives_the_page(shop: Shop, context: BrowserContext, page: Page, faults: Faults) -> None:
    faults.allow_network()
    page.goto(shop.url)
    chat = Chat(page).open()
    page.route("**/message", lambda route: route.abort())
    with page.expect_request("**/message"):
        chat.say("Unsent")
    chat.field.fill("A draft")
    chat.expect_status("Unsent", "Sending")
    page.unroute("**/message")
    page.goto(f"{shop.url}/about")
    chat.launcher.click()
    expect(chat.field).to_have_value("A draft")
    chat.expect_status("Unsent", "Sent")
    assert stored(shop.api) == ["visitor: Unsent"]


def test_a_line_that_dies_without_a_word_is_noticed_when_the_page_wakes(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow_network()
    port = int(shop.url.rsplit(":", 1)[1])
    with proxying("127.0.0.1", port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/about")
        chat = Chat(page).open()
        chat.tell("Hello")
        proxy.freeze()
        answer(shop.api, "Are you there?")
        page.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
        chat.expect_said("visitor: Hello", "operator: Are you there?")


def test_a_message_that_the_shop_refuses_says_why_and_stays(shop: Shop, page: Page, faults: Faults) -> None:
    faults.allow(r"status of 400")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.say("That dratted kettle")
    expect(chat.message("dratted")).to_contain_text("mind your language")
    chat.say("That lovely kettle")
    chat.expect_status("lovely", "Sent")
    assert stored(shop.api) == ["visitor: That lovely kettle"]


def test_a_tab_hands_over_what_it_cannot_store(shop: Shop, context: BrowserContext) -> None:
    first, second = context.new_page(), context.new_page()
    first.goto(shop.url)
    one = Chat(first).open()
    one.tell("From the first")
    second.goto(f"{shop.url}/about")
    two = Chat(second).open()
    two.expect_said("visitor: From the first")
    fill_storage(second)
    two.tell("From the second")
    one.expect_said("visitor: From the first", "visitor: From the second")


def test_two_tabs_share_one_line_and_show_the_same(shop: Shop, context: BrowserContext) -> None:
    first, second = context.new_page(), context.new_page()
    lines = [Lines(first), Lines(second)]
    first.goto(shop.url)
    one = Chat(first).open()
    one.tell("From the first")
    second.goto(f"{shop.url}/about")
    two = Chat(second).open()
    two.tell("From the second")
    answer(shop.api, "To both")
    for chat in (one, two):
        chat.expect_said("visitor: From the first", "visitor: From the second", "operator: To both")
    assert [len(line.opened) for line in lines] == [1, 0]
    first.close()
    wait_for(second, lambda: lines[1].opened, "the second tab has the line")
    answer(shop.api, "To the one that is left")
    two.expect_said(
        "visitor: From the first",
        "visitor: From the second",
        "operator: To both",
        "operator: To the one that is left",
    )


def test_moving_between_pages_does_not_count_as_leaving(open_shop: Callable[..., Shop], page: Page) -> None:
    shop = open_shop(disconnect_grace=1)
    with shop.api.socket() as office:
        page.goto(shop.url)
        chat = Chat(page).open()
        chat.tell("Hello")
        for path in ("/about", "/products/river-teapot", "/"):
            page.goto(shop.url + path)
            chat.open().expect_said("visitor: Hello")
        session = only_session(shop.api)
        pages = [visit["url"] for visit in shop.api.ok("GET", f"/sessions/{session}/pages")["pages"]]
        assert pages == [f"{shop.url}{path}" for path in ("/", "/products/river-teapot", "/about", "/")]
        page.close()
        seen = office.collect(lambda frames: frames[-1]["type"] == "visitor.disconnected")
    assert [frame["type"] for frame in seen].count("visitor.connected") == 1
