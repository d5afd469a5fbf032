"""The AI in the inbox: who answers, drafts, calls that wait for a yes, sources, what it spent, and failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

import example_app
from flask_pocketping.ai import schedule
from flask_pocketping.chat import ai_actions, ai_drafts
from flask_pocketping.state import state_of

from ..support.browsers import Faults, check_accessible, settled
from ..support.clients import Visitor
from ..support.desk import SETTINGS
from ..support.models import ModelServer, Reply, model_server
from ..support.openai_server import OpenAIServer
from ..support.servers import wait_until
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import TOM, Shop
from .test_inbox_more import signed_in, visitor_saying
from .test_page import PHONE

OpenDesk = Callable[..., Shop]


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with model_server(OpenAIServer()) as made:
        yield made


@pytest.fixture
def open_desk(open_shop: OpenShop, model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> OpenDesk:
    """The shop with a model on this machine, which answers at once, and with two tools that need a yes."""
    monkeypatch.setattr(schedule, "BURST", timedelta(milliseconds=50))
    monkeypatch.setattr(example_app.pocketping, "_ai_tools", list(example_app.pocketping._ai_tools))

    @example_app.pocketping.ai_tool(confirm="operator")
    def refund(number: int, send_mail: bool) -> str:
        """Refund an order.

        :param number: the number of the order.
        :param send_mail: whether to tell the customer by mail.
        """
        return f"Order {number} is refunded."

    @example_app.pocketping.ai_tool(confirm="visitor", question="Cancel order {number}?")
    def cancel(number: int) -> str:
        """Cancel an order.

        :param number: the number of the order.
        """
        return f"Order {number} is cancelled."

    def start(**settings: Any) -> Shop:
        return open_shop(**{**SETTINGS, "ai_base_url": f"{model.url}/v1", "ai_delay": 0, **settings})

    return start


def ai_of(shop: Shop, visitor: Visitor, what: str) -> list[dict[str, Any]]:
    """The drafts, actions or answers of a conversation."""
    return list(shop.api.ok("GET", f"/sessions/{visitor.session_id}/ai/{what}")[what])


def draft_in(inbox: Inbox) -> Locator:
    return inbox.page.get_by_role("region", name="AI draft")


def request_in(inbox: Inbox) -> Locator:
    return inbox.page.get_by_role("region", name="AI action")


@contextmanager
def unaware(inbox: Inbox, shop: Shop, visitor: Visitor, what: str) -> Iterator[None]:
    """A page that learns nothing new about the drafts or actions of a conversation."""
    path = f"/sessions/{visitor.session_id}/ai/{what}"
    told = shop.api.ok("GET", path)
    inbox.page.route(f"**{path}", lambda route: route.fulfill(json=told))
    yield
    inbox.page.unroute(f"**{path}")


def shows(inbox: Inbox) -> None:
    """Nothing in the page is hard to reach for somebody."""
    settled(inbox.page)
    check_accessible(inbox.page)


# --- Drafts ---


@pytest.fixture
def drafting(open_desk: OpenDesk) -> Shop:
    return open_desk(ai_mode="draft")


def test_a_draft_is_sent_as_it_is(drafting: Shop, model: ModelServer, new_context: NewContext) -> None:
    model.replies = [Reply("Yes, **within two days**.")]
    visitor = visitor_saying(drafting, "Do you ship to Norway?")
    inbox = signed_in(drafting, new_context).visit(visitor.session_id)
    draft = draft_in(inbox)
    expect(draft.locator("strong")).to_have_text("within two days")
    # The note about it is folded.
    expect(inbox.message("AI draft").get_by_text("Only operators see this")).to_be_visible()
    expect(inbox.messages.get_by_text("within two days")).to_be_hidden()
    shows(inbox)
    draft.get_by_role("button", name="Send").press("Enter")
    expect(draft).to_be_hidden()
    expect(inbox.field).to_be_focused()
    inbox.expect_said("visitor: Do you ship to Norway?", "operator: Yes, within two days.")
    [stored] = ai_of(drafting, visitor, "drafts")
    assert stored["state"] == "sent"
    [message] = [one for one in visitor.messages() if one["sender"] == "operator"]
    assert message["content"] == "Yes, **within two days**."


def test_a_draft_is_changed_and_sent(drafting: Shop, new_context: NewContext, model: ModelServer) -> None:
    visitor = visitor_saying(drafting, "Do you ship to Norway?")
    inbox = signed_in(drafting, new_context, color_scheme="dark", **PHONE).visit(visitor.session_id)
    draft = draft_in(inbox)
    draft.get_by_role("button", name="Edit").click()
    field = draft.get_by_role("textbox", name="Text of the draft")
    expect(field).to_have_value("Hello!")
    field.press("Escape")
    expect(draft.get_by_role("button", name="Send")).to_be_focused()
    draft.get_by_role("button", name="Edit").click()
    shows(inbox)
    for button in draft.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    field.fill("Hello, yes we do.")
    field.press("Enter")
    expect(draft).to_be_hidden()
    inbox.expect_said("visitor: Do you ship to Norway?", "operator: Hello, yes we do.")
    assert ai_of(drafting, visitor, "drafts")[0]["state"] == "sent"


def test_what_others_decide_on_a_draft_is_shown(
    drafting: Shop, new_context: NewContext, faults: Faults, model: ModelServer
) -> None:
    visitor = visitor_saying(drafting, "Do you ship to Norway?")
    inbox = signed_in(drafting, new_context).visit(visitor.session_id)
    draft = draft_in(inbox)
    expect(draft).to_be_visible()
    faults.allow(r"status of 409")
    with unaware(inbox, drafting, visitor, "drafts"):
        ai_drafts.drop_draft(state_of(drafting.app).db, visitor.session_id, ai_of(drafting, visitor, "drafts")[0]["id"])
        draft.get_by_role("button", name="Send").click()
    expect(inbox.page.get_by_text("This draft was already sent or discarded, or someone has replied.")).to_be_visible()
    expect(draft).to_be_hidden()
    visitor.say("And to Sweden?")
    draft.get_by_role("button", name="Edit").click()
    draft.get_by_role("textbox", name="Text of the draft").fill("I was changing this")
    tom = signed_in(drafting, new_context, TOM).visit(visitor.session_id)
    draft_in(tom).get_by_role("button", name="Discard").click()
    expect(draft_in(tom)).to_be_hidden()
    expect(draft).to_be_hidden()
    # What was written is not lost.
    expect(inbox.page.get_by_text("Your changes are in the reply field.")).to_be_visible()
    expect(inbox.field).to_have_value("I was changing this")
    assert [one["state"] for one in ai_of(drafting, visitor, "drafts")] == ["dropped", "dropped"]


def test_by_polling_a_draft_comes_and_goes(
    drafting: Shop, new_context: NewContext, faults: Faults, model: ModelServer
) -> None:
    faults.allow_network()
    visitor = visitor_saying(drafting, "Do you ship to Norway?")
    inbox = signed_in(drafting, new_context)
    inbox.page.route_web_socket("**/ws", lambda socket: socket.close())
    inbox.page.clock.install()
    inbox.visit(visitor.session_id)
    expect(draft_in(inbox)).to_be_visible()
    [draft] = ai_of(drafting, visitor, "drafts")
    drafting.api.ok("DELETE", f"/sessions/{visitor.session_id}/ai/drafts/{draft['id']}")
    inbox.page.clock.fast_forward(6000)
    expect(draft_in(inbox)).to_be_hidden()
    visitor.say("And to Sweden?")
    wait_until(lambda: len(ai_of(drafting, visitor, "drafts")) == 2, "there is another draft")
    inbox.page.clock.fast_forward(3000)
    expect(draft_in(inbox)).to_be_visible()


# --- Who answers ---


def test_an_operator_takes_over_and_hands_back(open_desk: OpenDesk, new_context: NewContext) -> None:
    shop = open_desk()
    visitor = visitor_saying(shop, "Anyone there?")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Anyone there?", "operator: Hello!")
    strip = inbox.page.locator(".ai-strip")
    expect(strip).to_contain_text("AI is answering")
    expect(inbox.row("Hello!").locator(".row-ai")).to_be_visible()
    expect(inbox.row("Hello!")).to_contain_text("AI is answering")
    expect(inbox.message("You're chatting with an AI assistant.")).to_contain_text("Visitor sees:")
    shows(inbox)
    strip.get_by_role("button", name="Take over").click()
    expect(strip).to_contain_text("AI replies are off here")
    expect(inbox.field).to_be_focused()
    expect(inbox.row("Hello!").locator(".row-ai")).to_have_count(0)
    assert shop.api.ok("GET", f"/sessions/{visitor.session_id}")["session"]["aiEnabled"] is False
    visitor.say("Are you there?")
    strip.get_by_role("button", name="Hand back to AI").click()
    inbox.expect_said("visitor: Anyone there?", "operator: Hello!", "visitor: Are you there?", "operator: Hello!")
    expect(strip).to_contain_text("AI is answering")
    # A message takes over, too; the AI may come back, so there is nothing to say.
    inbox.say("Here I am")
    expect(strip).to_be_hidden()


def test_an_ai_that_hands_over_waits_until_it_is_called_back(
    open_desk: OpenDesk, model: ModelServer, new_context: NewContext
) -> None:
    shop = open_desk()
    model.replies = [Reply("A person will reply.", calls=[("hand_over", {"reason": "Wants a person"})])]
    visitor = visitor_saying(shop, "A person, please")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    strip = inbox.page.locator(".ai-strip")
    expect(strip).to_contain_text("AI handed over to your team")
    expect(inbox.details.get_by_role("switch", name="AI replies")).not_to_be_checked()
    expect(inbox.message("AI handed over")).to_contain_text("Wants a person")
    inbox.say("Here I am")
    inbox.page.reload()
    expect(strip).to_contain_text("AI handed over to your team")
    strip.get_by_role("button", name="Hand back to AI").click()
    expect(strip).to_be_hidden()


# --- Calls that wait for a yes ---


def test_a_call_is_allowed_or_refused(open_desk: OpenDesk, model: ModelServer, new_context: NewContext) -> None:
    shop = open_desk()
    ask = Reply("I have asked.", calls=[("refund", {"number": 17, "send_mail": True})])
    model.replies = [ask, Reply("It is refunded.")]
    visitor = visitor_saying(shop, "Refund order 17")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    request = request_in(inbox)
    expect(request.get_by_role("status")).to_have_text("The AI needs your approval")
    expect(request.get_by_role("definition")).to_have_text(["refund", "17", "Yes"])
    shows(inbox)
    request.get_by_role("button", name="Allow").click()
    expect(request).to_contain_text("Order 17 is refunded.")
    expect(inbox.message("It is refunded.")).to_be_visible()
    request.get_by_role("button", name="Dismiss").click()
    expect(request).to_be_hidden()
    expect(inbox.details.get_by_text("refund · Done")).to_be_visible()
    model.replies = [ask, Reply("I may not.")]
    visitor.say("Refund it again")
    request.get_by_role("button", name="Refuse").click()
    expect(request.get_by_role("status")).to_have_text("Refused")
    expect(inbox.message("I may not.")).to_be_visible()
    assert [one["state"] for one in ai_of(shop, visitor, "actions")] == ["refused", "done"]


def test_operators_see_what_waits_for_the_visitors_yes_and_may_answer_for_them(
    open_desk: OpenDesk, model: ModelServer, new_context: NewContext, faults: Faults
) -> None:
    shop = open_desk()
    model.replies = [Reply(calls=[("cancel", {"number": 17})])]
    visitor = visitor_saying(shop, "Cancel order 17")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    request = request_in(inbox)
    expect(request.get_by_role("status")).to_contain_text("waits for a yes of the visitor")
    expect(request).to_contain_text("Cancel order 17?")
    faults.allow(r"status of 409")
    [action] = ai_of(shop, visitor, "actions")
    with unaware(inbox, shop, visitor, "actions"):
        assert ai_actions.move(state_of(shop.app).db, action["id"], "waiting", "refused")
        request.get_by_role("button", name="Allow").click()
    expect(inbox.page.get_by_text("This request was already decided, or is no longer needed.")).to_be_visible()
    expect(request.get_by_role("status")).to_have_text("Refused")


# --- What it did ---


def test_sources_failures_and_spend_are_shown(open_desk: OpenDesk, model: ModelServer, new_context: NewContext) -> None:
    shop = open_desk(ai_daily_budget=1_000_000)
    with shop.app.app_context():
        example_app.pocketping.add_knowledge("a", "Shipping", "We ship to Norway.", url="https://shop.example/shipping")
        example_app.pocketping.add_knowledge("b", "Norway", "Norway is far.")
    model.replies = [Reply("We do."), Reply(status=401)]
    visitor = visitor_saying(shop, "Do you ship to Norway?")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    answer = inbox.message("We do.")
    answer.get_by_text("2 sources").click()
    expect(answer.get_by_role("link", name="Shipping")).to_have_attribute("href", "https://shop.example/shipping")
    expect(answer.get_by_role("list").get_by_role("listitem").filter(has_text="Norway")).to_contain_text("Version 1")
    expect(inbox.details.get_by_text("of 1,000,000 tokens used today")).to_be_visible()
    visitor.say("And to Sweden?")
    expect(inbox.message("AI couldn't answer")).to_be_visible()
    failure = inbox.details.get_by_role("listitem").filter(has_text="Failed")
    [told, _] = ai_of(shop, visitor, "answers")
    expect(failure).to_contain_text(told["reason"])
    # What was opened stays open, whatever happens to the message.
    path = f"/sessions/{visitor.session_id}/messages"
    shop.api.ok("PATCH", f"{path}/{ai_of(shop, visitor, 'answers')[1]['messageId']}", {"content": "We do ship."})
    answer = inbox.message("We do ship.")
    expect(answer.get_by_role("link", name="Shipping")).to_be_visible()
    shows(inbox)


def test_without_an_ai_nothing_of_it_is_shown(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/ai", {"enabled": False})
    asked: list[str] = []
    inbox = signed_in(shop, new_context)
    inbox.page.on("request", lambda request: asked.append(request.url))
    inbox.visit(visitor.session_id).say("Hello to you")
    inbox.expect_said("visitor: Hello", "operator: Hello to you")
    expect(inbox.details.get_by_role("heading", name="Technology")).to_be_visible()
    expect(inbox.details.get_by_role("heading", name="AI", exact=True)).to_have_count(0)
    expect(inbox.page.locator(".ai-strip")).to_be_hidden()
    assert not [url for url in asked if url.endswith(("/ai", "/drafts", "/actions")) or "/ai/" in url]
