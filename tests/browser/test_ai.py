"""The AI in the widget of the example shop: it takes over, grows, hands over and ends, and nothing of it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from flask_pocketping.config import NOTICE

from ..ai.test_words import SLIPPERY
from ..support.browsers import check_accessible, wait_for
from ..support.desk import SETTINGS
from ..support.models import Asked, ModelServer, Reply, model_server
from ..support.openai_server import OpenAIServer
from ..support.servers import wait_until
from .chat import Chat
from .conftest import OpenShop
from .inbox import Inbox
from .shop import ANA, Shop, answer, only_session
from .test_script_in_fields import EVIL, expect_harmless

OpenAIShop = Callable[..., Shop]


class AnyModel(OpenAIServer):
    """A server that knows all models."""

    def check(self, server: ModelServer, asked: Asked) -> None:
        pass


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with model_server(AnyModel()) as made:
        yield made


@pytest.fixture
def open_ai_shop(open_shop: OpenShop, model: ModelServer) -> OpenAIShop:
    """Serve the shop with its help pages and an AI that asks `model`."""

    def start(**settings: Any) -> Shop:
        given = {**SETTINGS, "ai_base_url": f"{model.url}/v1", "ai_knowledge": "help", "ai_delay": 0, **settings}
        shop = open_shop(**given)
        indexer = shop.app.extensions["pocketping"].folder_indexer
        indexer.index()
        return shop

    return start


def test_the_ai_takes_over_says_what_it_is_and_answers_from_a_help_page(
    open_ai_shop: OpenAIShop, model: ModelServer, context: BrowserContext
) -> None:
    go_on = threading.Event()
    text = "It takes **5 to 8 days**, says our page on [shipping](/help/shipping). " + "And more words. " * 12
    model.reply = lambda asked: Reply(text, pieces=2, stall=go_on)
    shop = open_ai_shop(ai_delay=2)
    page = context.new_page()
    page.goto(shop.url)
    chat = Chat(page).open()
    asked_at = time.monotonic()
    chat.tell("Do you ship to Norway?")
    growing = chat.log.locator("[aria-busy=true]")
    expect(growing).to_contain_text("5 to 8 days")
    assert model.asked[0].at - asked_at > 1.5, "it waits for its delay"
    # The visitor reads what it is before they read what it says.
    expect(growing.locator(".tag")).to_have_text("AI")
    notice, *_ = chat.log.get_by_text(NOTICE).all()
    assert notice.evaluate("(a, b) => a.compareDocumentPosition(b) & 4", growing.element_handle())
    check_accessible(page, "pocketping-chat")
    # Tabs that come in the middle: one follows, and one only polls.
    late, polls = context.new_page(), context.new_page()
    late.goto(f"{shop.url}/about")
    polls.goto(shop.plain(transport="poll"))
    readers = [chat, Chat(late).open(), Chat(polls).open()]
    expect(readers[1].log.get_by_text(NOTICE)).to_be_visible()
    go_on.set()
    for reader in readers:
        message = reader.message("And more words")
        expect(message.locator("strong")).to_have_text("5 to 8 days", timeout=20_000)
        expect(message.locator(".tag")).to_have_text("AI")
        expect(reader.log.locator("[aria-busy=true]")).to_have_count(0)
        expect(reader.log.get_by_text(NOTICE)).to_have_count(1)
        expect(message).to_have_count(1)
    link = chat.message("And more words").get_by_role("link", name="shipping")
    with context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", name="Shipping", exact=True)).to_be_visible()
    check_accessible(opened.value)
    assert "Norway and the rest of Europe" in str(model.asked[0].body), "the passage was found"
    assert len(model.asked) == 1


def test_a_hand_over_is_said_and_a_person_ends_it(open_ai_shop: OpenAIShop, model: ModelServer, page: Page) -> None:
    shop = open_ai_shop()
    page.goto(shop.url)
    chat = Chat(page).open()
    model.replies = [
        Reply("Hello! How can I help?"),
        Reply("I call a person, who will reply here.", calls=[("hand_over", {"reason": "Wants a person"})]),
    ]
    chat.tell("Hi")
    expect(chat.message("How can I help?")).to_be_visible()
    chat.tell("A person, please")
    expect(chat.message("I call a person").locator(".tag")).to_have_text("AI")
    chat.tell("Thanks")
    session = only_session(shop.api)
    answer(shop.api, "Ana here.")
    expect(chat.message("Ana here.")).to_be_visible()
    expect(chat.message("Ana here.").locator(".tag")).to_have_count(0)
    found = shop.api.ok("GET", f"/sessions/{session}")["session"]
    assert found["aiActive"] is False
    kinds = [one["type"] for one in shop.api.ok("GET", f"/sessions/{session}/messages")["messages"]]
    assert [kind for kind in kinds if kind != "system"] == ["visitor", "ai", "visitor", "ai", "visitor", "operator"]
    assert len(model.asked) == 2


def test_an_operators_answer_stops_the_growing_one(open_ai_shop: OpenAIShop, model: ModelServer, page: Page) -> None:
    go_on = threading.Event()
    model.reply = lambda asked: Reply("I am a robot that talks. " * 20, pieces=2, stall=go_on)
    shop = open_ai_shop(ai_delay=1)
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Hi")
    expect(chat.message("I am a robot")).to_be_visible()
    answer(shop.api, "Ana here.")
    expect(chat.message("Ana here.")).to_be_visible()
    go_on.set()
    expect(chat.message("I am a robot")).to_have_count(0)
    chat.expect_said("visitor: Hi", f"operator: {NOTICE}", "operator: Ana here.")


def test_a_draft_reaches_the_visitor_when_an_operator_sends_it(
    open_ai_shop: OpenAIShop, model: ModelServer, page: Page
) -> None:
    model.reply = lambda asked: Reply("We ship to **Norway**.")
    shop = open_ai_shop(ai_mode="draft")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Norway?")
    path = f"/sessions/{only_session(shop.api)}/ai/drafts"
    [draft] = wait_until(lambda: shop.api.ok("GET", path)["drafts"], "there is a draft")
    assert chat.said() == ["visitor: Norway?"]
    body = {"content": f"{draft['content']} Shall I?", "operatorName": "Ana"}
    shop.api.ok("POST", f"{path}/{draft['id']}/send", body)
    chat.expect_said("visitor: Norway?", "operator: We ship to Norway. Shall I?")
    expect(chat.message("We ship").locator("strong")).to_have_text("Norway")
    expect(chat.message("We ship").locator(".tag")).to_have_count(0)


def test_no_text_of_a_model_leads_to_a_foreign_host(open_ai_shop: OpenAIShop, model: ModelServer, page: Page) -> None:
    model.reply = lambda asked: Reply("\n\n".join([*SLIPPERY, "And [that](https://shop.example/fine) is all."]))
    shop = open_ai_shop(ai_link_hosts="shop.example")
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Hi")
    expect(chat.message("is all.")).to_be_visible()
    links = chat.log.locator(".message a").evaluate_all("links => links.map(({href, hostname}) => [href, hostname])")
    assert [host for _, host in links if host != "shop.example"] == [], links
    assert ["https://shop.example/fine", "shop.example"] in links


def test_nothing_that_the_ai_brings_runs(open_ai_shop: OpenAIShop, model: ModelServer, context: BrowserContext) -> None:
    context.add_init_script("window.ran = 0")
    link = f"[{EVIL}](https://shop.example/{EVIL}) [x](javascript:window.ran=1) [y](https://shop.example/'onclick=x)"
    name = "'\"><svg/onload=window.ran=1>"
    shop = open_ai_shop(ai_model=name, ai_disclosure=f"Told: {EVIL}", ai_link_hosts="shop.example")
    model.replies = [
        # A tool that is not there, with any arguments, and what another one said.
        Reply(calls=[(EVIL[:40], {EVIL: EVIL}), ("order_status", {"number": 1})]),
        Reply(f"First {EVIL} `{EVIL}` **{EVIL}**\n\n{link}\n\n```\n{EVIL}\n```\n", calls=()),
        Reply(f"Second {EVIL}", calls=[("hand_over", {"reason": EVIL})]),
    ]
    page = context.new_page()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Hi")
    expect(chat.message("First")).to_be_visible()
    expect(chat.log.get_by_text("Told: ")).to_contain_text("<script>window.ran=1</script>")
    chat.tell("More")
    expect(chat.message("Second")).to_contain_text("<img src=x onerror=window.ran=1>")
    expect_harmless(page)
    shop.sign_in(context, ANA)
    inbox = Inbox(context.new_page(), shop.url).visit(only_session(shop.api))
    expect(inbox.message("Second").first).to_be_visible()
    wait_for(
        inbox.page,
        lambda: any("AI handed over" in one for one in inbox.page.locator("body").all_inner_texts()),
        "a note",
    )
    expect_harmless(inbox.page)
