"""Operators find things in the inbox: the search and where it leads, the tabs' counts, and the first steps."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from ..support.browsers import Faults, check_accessible, settled, wait_for
from ..support.bulk import add_messages, add_sessions
from .conftest import NewContext
from .inbox import Inbox
from .shop import Shop
from .test_inbox_more import signed_in, visitor_saying
from .test_page import PHONE


def marks(place: Locator) -> list[str]:
    """The words that are marked in some place."""
    return place.locator("mark").all_text_contents()


def tab(inbox: Inbox, name: str) -> Locator:
    """The tab of the list with this name."""
    return inbox.page.get_by_role("button", name=name, exact=True)


def test_a_search_shows_the_message_that_it_found_and_jumps_to_it(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Is the CELADON pot back?", name="Grace")
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 1000)
    visitor_saying(shop, "Something else")
    inbox = signed_in(shop, new_context).visit()
    expect(inbox.row("Number 1000")).to_be_visible()
    inbox.search.fill("celadon")
    row = inbox.row("Is the CELADON pot back?")
    expect(row).to_be_visible()
    expect(inbox.rows).to_have_count(1)
    assert marks(row) == ["CELADON"]
    row.click()
    found = inbox.message("Is the CELADON pot back?")
    expect(found).to_be_in_viewport()
    assert marks(found) == ["CELADON"]
    assert len(inbox.said()) < 100, "what lies between is not loaded"
    settled(inbox.page)
    check_accessible(inbox.page)

    # What follows comes as the operator reads on, without a jump.
    before = inbox.messages.evaluate("region => region.scrollTop")
    expect(inbox.page.get_by_role("button", name="Latest messages")).to_be_visible()
    inbox.messages.evaluate("region => region.scrollTo(0, region.scrollHeight)")
    expect(inbox.message("Number 79").first).to_be_attached()
    assert inbox.messages.evaluate("region => region.scrollTop") >= before
    # A new message waits below, and the button leads to it.
    visitor.say("And now?")
    newest = inbox.page.get_by_role("button", name="New messages")
    expect(newest).to_be_visible()
    newest.click()
    expect(inbox.message("And now?")).to_be_in_viewport()
    expect(inbox.message("Number 1000")).to_be_in_viewport()
    expect(found).to_have_count(0)
    expect(newest).to_be_hidden()

    # The same row leads back, and so does a link.
    inbox.row("Is the CELADON pot back?").click()
    expect(found).to_be_in_viewport()
    inbox.page.reload()
    expect(found).to_be_in_viewport()
    assert marks(found) == []


def test_every_message_from_the_match_to_the_newest_can_be_read(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "The first of all")
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 150)
    inbox = signed_in(shop, new_context).visit()
    inbox.search.fill("first of all")
    inbox.row("The first of all").click()
    expect(inbox.message("The first of all")).to_be_in_viewport()

    def read_on() -> bool:
        inbox.messages.evaluate("region => region.scrollBy(0, region.clientHeight)")
        return "visitor: Number 149" in inbox.said()

    wait_for(inbox.page, read_on, "the newest is reached", seen=lambda: inbox.said()[-1])
    whole = [f"{'visitor' if number % 2 else 'operator'}: Number {number}" for number in range(1, 151)]
    inbox.expect_said("visitor: The first of all", *whole)
    expect(inbox.page.get_by_role("button", name="Latest messages")).to_be_hidden()


def test_a_search_marks_names_and_addresses(shop: Shop, new_context: NewContext) -> None:
    visitor_saying(shop, "Hello", name="Grace Hopper", email="grace@navy.example")
    inbox = signed_in(shop, new_context).visit()
    inbox.search.fill("HOPP")
    row = inbox.row("Grace Hopper")
    wait_for(inbox.page, lambda: marks(row) == ["Hopp"], "the name is marked", seen=lambda: marks(row))
    inbox.search.fill("navy")
    wait_for(inbox.page, lambda: marks(row) == ["navy"], "the address is marked", seen=lambda: marks(row))
    expect(row).to_contain_text("grace@navy.example")
    inbox.page.get_by_role("button", name="Clear search").click()
    expect(row).to_contain_text("Hello")
    assert marks(row) == []


def test_a_quote_leads_to_its_message_far_up(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Black or green?")
    question = visitor.messages()[0]["id"]
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 300)
    visitor.say("About this one", replyTo=question)
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.message("About this one").get_by_role("button", name="Earlier message").click()
    expect(inbox.message("Black or green?")).to_be_in_viewport()
    inbox.say("Green")
    expect(inbox.message("Green")).to_be_in_viewport()
    expect(inbox.message("About this one")).to_be_in_viewport()


def test_a_link_to_a_message_that_does_not_exist_opens_the_conversation(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow(r"status of 400")
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    inbox.page.goto(f"{shop.url}/inbox/{visitor.session_id}#msg_none")
    expect(inbox.page.get_by_role("alert").filter(has_text="This message was deleted.")).to_be_visible()
    inbox.expect_said("visitor: Hello")


def test_on_a_phone_a_search_leads_to_the_message_and_back(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Is the celadon pot back?")
    add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 200)
    inbox = signed_in(shop, new_context, **PHONE).visit()
    inbox.search.fill("celadon")
    inbox.row("celadon").tap()
    found = inbox.message("Is the celadon pot back?")
    expect(found).to_be_in_viewport()
    inbox.page.get_by_role("button", name="Details").tap()
    expect(inbox.details.get_by_role("heading", name="Details")).to_be_visible()
    inbox.page.go_back()
    expect(found).to_be_in_viewport()
    inbox.page.go_back()
    expect(inbox.row("celadon")).to_be_visible()
    expect(inbox.search).to_have_value("celadon")


def test_tabs_count_their_conversations(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "First")
    visitor_saying(shop, "Second")
    inbox = signed_in(shop, new_context).visit()

    def counts() -> dict[str, str]:
        names = ("Open", "Unanswered", "Closed", "All")
        return {name: tab(inbox, name).locator(".tab-count").inner_text() for name in names}

    def expect_counts(*wanted: str) -> None:
        wait_for(inbox.page, lambda: tuple(counts().values()) == wanted, f"the tabs show {wanted}", seen=counts)

    expect_counts("2", "2", "0", "2")
    expect(tab(inbox, "Unanswered")).to_have_attribute("title", "2 conversations")
    third = visitor_saying(shop, "Third")
    expect_counts("3", "3", "0", "3")
    inbox.open("First")
    inbox.say("An answer")
    expect_counts("3", "2", "0", "3")
    shop.api.ok("POST", f"/sessions/{third.session_id}/close")
    expect_counts("2", "1", "1", "3")
    visitor.say("Thanks")
    expect_counts("2", "2", "1", "3")
    expect(tab(inbox, "Closed")).to_have_attribute("title", "1 conversation")
    settled(inbox.page)
    check_accessible(inbox.page)
    # In a search they would count something else than what is listed.
    inbox.search.fill("Thanks")
    expect_counts("", "", "", "")


def test_tabs_of_a_busy_site_show_that_there_are_more(shop: Shop, new_context: NewContext) -> None:
    add_sessions(shop.app.extensions["pocketping"].db, 1200)
    inbox = signed_in(shop, new_context).visit()
    for name in ("Open", "Unanswered", "All"):
        expect(tab(inbox, name).locator(".tab-count")).to_have_text("99+")
    expect(tab(inbox, "Open")).to_have_attribute("title", "1,000 or more conversations")
    bar = inbox.page.get_by_role("group", name="Filter conversations")
    for width in (1280, 1000, 390, 340):
        inbox.page.set_viewport_size({"width": width, "height": 800})
        assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth"), width


def test_badges_and_dots_say_what_they_mean(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "First", name="Grace")
    inbox = signed_in(shop, new_context).visit()
    with visitor.stream():
        row = inbox.row("Grace")
        expect(row.get_by_title("1 unread message")).to_be_visible()
        expect(row.get_by_title("Online")).to_be_visible()
        expect(row).to_have_accessible_name(re.compile("1 unread message, Online, waiting for a reply"))
        inbox.open("Grace")
        expect(row.get_by_title("Waiting for a reply")).to_be_visible()
        expect(inbox.page.locator(".conversation-head").get_by_title("Online")).to_be_visible()
    expect(inbox.page.get_by_role("button", name="Preferences")).to_have_attribute("title", "Ana Duarte, Available")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_an_empty_inbox_says_what_to_do(shop: Shop, new_context: NewContext, device: str, scheme: str) -> None:
    inbox = signed_in(shop, new_context, color_scheme=scheme, **(PHONE if device == "phone" else {})).visit()
    steps = inbox.page.get_by_role("heading", name="Get your first conversation")
    expect(steps).to_have_count(1)
    expect(steps).to_be_visible()
    expect(inbox.page.get_by_text("{{ pocketping_widget() }}").filter(visible=True)).to_have_count(1)
    link = inbox.page.get_by_role("link", name="Open the site")
    expect(link).to_have_attribute("href", "/")
    settled(inbox.page)
    check_accessible(inbox.page)
    assert inbox.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    description = inbox.page.get_by_role("link", name="the description of the API").get_attribute("href")
    assert inbox.page.request.get(f"{shop.url}{description}").ok
    with inbox.page.context.expect_page() as opened:
        link.click()
    expect(opened.value).to_have_url(f"{shop.url}/")
    opened.value.close()
    visitor = visitor_saying(shop, "Hello")
    expect(inbox.row("Hello")).to_be_visible()
    expect(steps.filter(visible=True)).to_have_count(0)
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/close")
    expect(inbox.page.get_by_text("No open conversations")).to_be_visible()
    expect(steps.filter(visible=True)).to_have_count(0)
