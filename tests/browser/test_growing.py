"""An answer of the AI grows in widget and inbox, and its message takes its place."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Locator, Page, expect

from flask_pocketping.realtime.encoders import operator_frame
from flask_pocketping.realtime.framing import Frame
from flask_pocketping.realtime.hub import Encoder, Topic

from ..support.browsers import check_accessible, settled
from .chat import Chat
from .inbox import Inbox
from .shop import ANA, Shop, only_session


def grow(shop: Shop, session_id: str, text: str, *, stream: str = "one", done: bool = False) -> None:
    """Send what a model has written so far to all who follow a conversation."""
    state = shop.app.extensions["pocketping"]
    made = {"streamId": stream, "text": text, "done": done}
    frames: dict[Encoder, Frame] = {
        state.frames.operator: operator_frame("message_stream", session_id, sessionId=session_id, **made),
        **state.frames.for_visitors("message_stream", **made),
    }
    project = shop.api.ok("GET", f"/sessions/{session_id}")["session"]["projectId"]
    state.hub.broadcast([Topic("project", project), Topic("session", session_id)], frames.get)


def say_as_ai(shop: Shop, session_id: str, text: str) -> None:
    shop.api.ok("POST", f"/sessions/{session_id}/messages", {"content": text, "type": "ai"})


def types(shop: Shop, session_id: str) -> None:
    """Let the AI begin to write."""
    shop.app.extensions["pocketping"].announcer.typing(
        shop.api.ok("GET", f"/sessions/{session_id}")["session"]["projectId"], session_id, "ai", True
    )


def bubble_height(bubble: Locator) -> float:
    found: float = bubble.evaluate("element => element.getBoundingClientRect().height")
    return found


#: Notes each text that the end of the log shows in a painted frame, and whether something is missing in one.
_WATCH = """(log) => {
    window.seen = [];
    const look = () => {
        const bubbles = [...log.querySelectorAll('.message:not([hidden]) .bubble')];
        window.seen.push(bubbles.at(-1)?.textContent + '|' + bubbles.length);
        requestAnimationFrame(look);
    };
    look();
}"""


def test_an_answer_grows_in_the_widget(shop: Shop, page: Page) -> None:
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("When?")
    session = only_session(shop.api)
    types(shop, session)
    expect(chat.root.get_by_text("AI assistant is typing…")).to_be_visible()
    grow(shop, session, "It ships **to")
    growing = chat.log.locator("[aria-busy=true]")
    expect(growing).to_contain_text("It ships **to")
    expect(growing).to_have_attribute("aria-live", "off")
    expect(growing.locator(".tag")).to_have_text("AI")
    expect(chat.root.get_by_text("is typing…")).to_have_count(0)
    grow(shop, session, "It ships **today**.")
    expect(growing.locator("strong")).to_have_text("today")
    check_accessible(page, "pocketping-chat")
    # On a busy machine the check takes longer than an answer may stand still.
    grow(shop, session, "It ships **today**.")
    expect(growing.locator("strong")).to_have_text("today")
    settled(page)
    height = bubble_height(growing.locator(".bubble"))
    chat.log.evaluate(_WATCH)
    say_as_ai(shop, session, "It ships **today**.")
    expect(growing).to_have_count(0)
    grow(shop, session, "", done=True)
    # A frame that comes late shows nothing any more.
    grow(shop, session, "It ships")
    types(shop, session)
    expect(chat.root.get_by_text("AI assistant is typing…")).to_be_visible()
    expect(growing).to_have_count(0)
    chat.expect_said("visitor: When?", "operator: It ships today.")
    assert bubble_height(chat.message("It ships").locator(".bubble")) == height
    # In no frame, there were both or neither.
    counts = page.evaluate("[...new Set(window.seen.map((one) => one.split('|')[1]))]")
    assert counts == ["3"], page.evaluate("window.seen")
    page.reload()
    Chat(page).open().expect_said("visitor: When?", "operator: It ships today.")


def test_an_answer_that_comes_to_nothing_disappears_in_the_widget(shop: Shop, page: Page) -> None:
    page.clock.install()
    page.goto(shop.plain())
    chat = Chat(page).open()
    chat.tell("When?")
    session = only_session(shop.api)
    growing = chat.log.locator("[aria-busy=true]")
    grow(shop, session, "It ships")
    expect(growing).to_be_visible()
    grow(shop, session, "", done=True)
    page.clock.fast_forward(2_500)
    expect(growing).to_have_count(0)
    grow(shop, session, "Another", stream="two")
    expect(growing).to_contain_text("Another")
    page.clock.fast_forward(10_000)
    expect(growing).to_be_visible()
    page.clock.fast_forward(5_500)
    expect(growing).to_have_count(0)
    # Somebody who takes over is shown at once.
    grow(shop, session, "A third", stream="three")
    expect(growing).to_be_visible()
    shop.api.ok("POST", f"/sessions/{session}/messages", {"content": "I am here."})
    chat.expect_said("visitor: When?", "operator: I am here.", "operator: A third")
    grow(shop, session, "", stream="three", done=True)
    page.clock.fast_forward(2_500)
    chat.expect_said("visitor: When?", "operator: I am here.")


def test_an_answer_grows_in_the_inbox(shop: Shop, context: BrowserContext) -> None:
    visitor = shop.api.visitor()
    visitor.say("When?")
    session = visitor.session_id
    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(session)
    inbox.expect_said("visitor: When?")
    page = inbox.page
    types(shop, session)
    expect(page.get_by_text("AI assistant is replying")).to_be_attached()
    grow(shop, session, "It ships **today**.")
    growing = inbox.messages.locator(".growing")
    expect(growing.locator("strong")).to_have_text("today")
    expect(growing).to_have_attribute("aria-busy", "true")
    expect(growing.locator(".ai-badge")).to_have_text("AI")
    settled(page)
    check_accessible(page)
    # On a busy machine the check takes longer than an answer may stand still.
    grow(shop, session, "It ships **today**.")
    box = growing.locator(".bubble").bounding_box()
    inbox.messages.evaluate(_WATCH)
    say_as_ai(shop, session, "It ships **today**.")
    expect(growing).to_be_hidden()
    grow(shop, session, "", done=True)
    grow(shop, session, "Late")
    grow(shop, session, "Other", stream="two")
    expect(growing).to_contain_text("Other")
    assert page.evaluate("[...new Set(window.seen.map((one) => one.split('|')[1]))].slice(0, 2)") in (["2", "3"], ["2"])
    grow(shop, session, "", stream="two", done=True)
    expect(growing).to_be_hidden()
    inbox.expect_said("visitor: When?", "operator: It ships today.")
    assert inbox.message("It ships").locator(".bubble").bounding_box() == box


def test_an_answer_that_stalls_disappears_in_the_inbox(shop: Shop, context: BrowserContext) -> None:
    visitor = shop.api.visitor()
    visitor.say("When?")
    shop.sign_in(context, ANA)
    page = context.new_page()
    page.clock.install()
    inbox = Inbox(page, shop.url).visit(visitor.session_id)
    inbox.expect_said("visitor: When?")
    grow(shop, visitor.session_id, "It ships")
    growing = inbox.messages.locator(".growing")
    expect(growing).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(growing).to_be_visible()
    page.clock.fast_forward(6_500)
    expect(growing).to_be_hidden()
    # Only in its own conversation.
    other = shop.api.visitor()
    other.say("Hi")
    expect(inbox.rows).to_have_count(2)
    grow(shop, other.session_id, "For another")
    grow(shop, visitor.session_id, "For this one", stream="two")
    expect(growing).to_have_text(re.compile("For this one"))
