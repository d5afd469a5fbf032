"""Bridges in the inbox: what became of a message there, sending it again, who has the conversation, and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from flask_pocketping.web.streams import transports

from ..bridges.conftest import settings_for
from ..support.browsers import check_accessible, settled
from ..support.clients import Visitor
from ..support.servers import wait_until
from ..support.telegram import GROUP, Refusal, TelegramServer, telegram_server
from .chat import Chat
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import Shop
from .test_inbox_more import signed_in, visitor_saying
from .test_inbox_people import tools
from .test_page import PHONE

FORBIDDEN = "Bad Request: not enough rights to send text messages to the chat"


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with telegram_server() as made:
        yield made


@pytest.fixture
def bridged(open_shop: OpenShop, telegram: TelegramServer) -> Shop:
    """The shop with a bridge to Telegram."""
    return open_shop(**settings_for(telegram))


@dataclass(frozen=True)
class Opened:
    """A conversation that has a topic, and the inbox that shows it."""

    visitor: Visitor
    topic: int
    inbox: Inbox


OpenInbox = Callable[..., Opened]


@pytest.fixture
def open_inbox(
    open_shop: OpenShop, telegram: TelegramServer, new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> OpenInbox:
    """Open a conversation in the inbox of a shop with a bridge to Telegram.

    `live` is how the inbox learns what happens, and `settings` are more settings of the shop.
    """

    def start(live: str = "socket", settings: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Opened:
        shop = open_shop(**settings_for(telegram, **settings))
        visitor = visitor_saying(shop, "Hello")
        topic = topic_of(shop, visitor)
        if live == "polling":
            # As on a server that can't hand over a socket.
            monkeypatch.setattr(transports, "find_socket", lambda environ: None)
        inbox = signed_in(shop, new_context, **options).visit(visitor.session_id)
        inbox.expect_said("visitor: Hello")
        return Opened(visitor, topic, inbox)

    return start


def refusing(part: str, status: int, description: str, **parameters: Any) -> Any:
    def before(method: str, given: dict[str, Any]) -> str | None:
        if method == "sendMessage" and part in str(given):
            raise Refusal(status, description, **parameters)
        return None

    return before


def on_bridges(inbox: Inbox, text: str) -> Locator:
    """What the inbox says about bridges on a message."""
    return inbox.message(text).get_by_role("list", name="Chat apps")


def topic_of(shop: Shop, visitor: Visitor) -> int:
    """The topic of a conversation, once all that the visitor wrote is in there."""
    path = f"/sessions/{visitor.session_id}/messages"

    def posted() -> list[str]:
        return [one["state"] for message in shop.api.ok("GET", path)["messages"] for one in message["deliveries"]]

    wait_until(lambda: set(posted()) == {"sent"}, "the messages are in the topic", 15, posted)
    [thread] = shop.api.ok("GET", f"/sessions/{visitor.session_id}")["threads"]
    return int(thread["link"].rpartition("/")[2])


@pytest.mark.parametrize("live", ["socket", "polling"])
def test_a_refused_message_says_why_and_is_sent_again(
    open_inbox: OpenInbox, telegram: TelegramServer, live: str
) -> None:
    opened = open_inbox(live)
    visitor, inbox = opened.visitor, opened.inbox
    expect(on_bridges(inbox, "Hello")).to_have_count(0)
    assert "Send again to Telegram" not in tools(inbox, "Hello")
    telegram.before = refusing("Anyone", 400, FORBIDDEN)
    visitor.say("Anyone there?")
    expect(on_bridges(inbox, "Anyone there?")).to_have_text("Not sent to Telegram: The bot isn't allowed to post.")
    expect(inbox.details.get_by_text("1 message not sent")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    telegram.before = lambda method, given: None
    message = inbox.message("Anyone there?")
    message.hover()
    message.get_by_role("button", name="Send again to Telegram").click()
    expect(on_bridges(inbox, "Anyone there?")).to_have_count(0, timeout=15_000)
    expect(inbox.details.get_by_text("1 message not sent")).to_have_count(0)
    telegram.wait_text("Anyone there?", opened.topic)
    assert tools(inbox, "Anyone there?") == ["Reply"]


def test_a_message_that_may_have_arrived_is_repeated_only_after_a_question(
    open_inbox: OpenInbox, telegram: TelegramServer
) -> None:
    opened = open_inbox()
    visitor, inbox = opened.visitor, opened.inbox
    cut: list[str] = []

    def cut_once(method: str, given: dict[str, Any]) -> str | None:
        if method != "sendMessage" or "Was it" not in str(given) or cut:
            return None
        cut.append(method)
        return "cut"

    telegram.before = cut_once
    visitor.say("Was it there?")
    expect(on_bridges(inbox, "Was it there?")).to_have_text("May have arrived in Telegram")
    message = inbox.message("Was it there?")
    message.hover()
    message.get_by_role("button", name="Send again to Telegram").click()
    dialog = inbox.page.get_by_role("dialog", name="Send this message to Telegram again?")
    expect(dialog.get_by_text("it will appear there twice")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)
    dialog.get_by_role("button", name="Cancel").click()
    expect(on_bridges(inbox, "Was it there?")).to_have_text("May have arrived in Telegram")
    assert telegram.texts(opened.topic).count("Was it there?") == 1
    message.hover()
    message.get_by_role("button", name="Send again to Telegram").click()
    dialog.get_by_role("button", name="Send again").click()
    expect(on_bridges(inbox, "Was it there?")).to_have_count(0, timeout=15_000)
    assert telegram.texts(opened.topic).count("Was it there?") == 2


@pytest.mark.parametrize("live", ["socket", "polling"])
def test_the_wait_for_a_busy_platform_is_shown(open_inbox: OpenInbox, telegram: TelegramServer, live: str) -> None:
    opened = open_inbox(live)
    visitor, inbox = opened.visitor, opened.inbox
    telegram.before = refusing("Busy", 429, "Too Many Requests: retry after 300", retry_after=300)
    visitor.say("Busy?")
    expect(on_bridges(inbox, "Busy?")).to_contain_text("Waiting for Telegram, about 5 min")
    expect(inbox.details.get_by_text("1 message waiting")).to_be_visible()
    assert "Send again to Telegram" not in tools(inbox, "Busy?")
    settled(inbox.page)
    check_accessible(inbox.page)


@pytest.mark.parametrize("device", ["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_of_the_phone_says_where_it_comes_from_and_claims_the_conversation(
    open_inbox: OpenInbox, telegram: TelegramServer, device: str, scheme: str
) -> None:
    opened = open_inbox(color_scheme=scheme, **(PHONE if device == "phone" else {}))
    topic, inbox = opened.topic, opened.inbox
    telegram.write(topic, "From the phone")
    inbox.expect_said("visitor: Hello", "operator: From the phone")
    expect(inbox.message("From the phone").locator(".author")).to_have_text("Anavia Telegram")
    inbox.say("From the inbox")
    expect(inbox.message("From the inbox").locator(".author")).to_have_text("You")
    # Whoever wrote in the app has no id here, so nobody owns it.
    assert tools(inbox, "From the phone") == ["Reply"]
    assert tools(inbox, "From the inbox") == ["Reply", "Edit", "Delete"]
    settled(inbox.page)
    check_accessible(inbox.page)
    if device == "phone":
        inbox.page.get_by_role("button", name="Details").click()
    expect(inbox.details.get_by_text("Ana, Telegram, has this conversation.")).to_be_visible()
    link = inbox.details.get_by_role("link", name="Open in Telegram")
    expect(link).to_have_attribute("href", f"https://t.me/c/{str(GROUP).removeprefix('-100')}/{topic}")
    settled(inbox.page)
    check_accessible(inbox.page)


def test_the_end_of_a_conversation_ends_the_claim(open_inbox: OpenInbox, telegram: TelegramServer) -> None:
    opened = open_inbox()
    inbox = opened.inbox
    telegram.write(opened.topic, "Mine")
    expect(inbox.details.get_by_text("Ana, Telegram, has this conversation.")).to_be_visible()
    inbox.page.get_by_role("button", name="Close conversation").click()
    expect(inbox.details.get_by_text("has this conversation")).to_have_count(0)
    inbox.page.get_by_role("button", name="Reopen conversation").first.click()
    inbox.say("Now it is mine")
    expect(inbox.details.get_by_text("Ana Duarte has this conversation.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_notes_are_for_operators_only(
    bridged: Shop, telegram: TelegramServer, new_context: NewContext, scheme: str
) -> None:
    context = new_context()
    page = context.new_page()
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(str(data))))
    page.goto(f"{bridged.url}/")
    chat = Chat(page).open()
    chat.tell("Hello")
    telegram.wait_text("Hello")
    [session] = bridged.api.ok("GET", "/sessions?status=active&started=true")["sessions"]
    [topic] = telegram.topics
    inbox = signed_in(bridged, new_context, color_scheme=scheme).visit(session["id"])
    inbox.expect_said("visitor: Hello")
    telegram.write(topic, "note: Regular customer")
    note = inbox.message("Regular customer")
    expect(note.get_by_text("Note from Ana via Telegram")).to_be_visible()
    expect(note.get_by_text("Only operators see this")).to_be_visible()
    # The bridge's own lines are notes, too.
    telegram.before = refusing("Refused", 400, FORBIDDEN)
    visitor_path = f"/sessions/{session['id']}/messages"
    bridged.api.ok("POST", visitor_path, {"content": "Refused", "operatorName": "Bo"})
    expect(inbox.message("A message was not posted to Telegram").get_by_text("Only operators see this")).to_be_visible()
    telegram.before = lambda method, given: None
    telegram.write(topic, "After the note")
    said = ["visitor: Hello", "operator: Refused", "operator: After the note"]
    chat.expect_said(*said)
    assert any("After the note" in frame for frame in frames)
    assert not any("Regular customer" in frame or "deliveries" in frame or "not posted" in frame for frame in frames)
    page.reload()
    chat.open().expect_said(*said)
    # A note is no reply: the list goes on showing the last message.
    expect(inbox.row("After the note")).to_be_visible()
    settled(inbox.page)
    check_accessible(inbox.page)


def test_a_note_does_not_become_the_last_message(open_inbox: OpenInbox, telegram: TelegramServer) -> None:
    opened = open_inbox()
    inbox = opened.inbox
    telegram.write(opened.topic, "note: Careful")
    expect(inbox.message("Careful")).to_be_visible()
    expect(inbox.row("Hello")).to_be_visible()
    expect(inbox.row("Careful")).to_have_count(0)


def test_all_operators_may_edit_what_came_from_the_phone_if_the_host_says_so(
    open_inbox: OpenInbox, telegram: TelegramServer
) -> None:
    opened = open_inbox(settings={"operators_edit": "all"})
    inbox = opened.inbox
    telegram.write(opened.topic, "From the phone")
    expect(inbox.message("From the phone")).to_be_visible()
    assert tools(inbox, "From the phone") == ["Reply", "Edit", "Delete"]


def test_a_shop_without_bridges_says_nothing_of_them(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    expect(inbox.details.get_by_role("heading", name="Technology")).to_be_visible()
    expect(inbox.details.get_by_role("heading", name="Chat apps")).to_have_count(0)
