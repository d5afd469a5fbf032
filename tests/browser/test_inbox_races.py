"""The inbox while answers of the server come late, in another order than they were asked for, or not at all."""

from __future__ import annotations

import re

from playwright.sync_api import APIResponse, Page, Route, expect

from ..support.browsers import Faults, wait_for
from ..support.bulk import add_messages
from ..support.clients import Visitor
from ..support.servers import wait_until
from .conftest import NewContext
from .inbox import Inbox
from .shop import TOM, Shop
from .test_inbox_more import Line, signed_in, visitor_saying


class Held:
    """The first answer to a request of a page, made by the server at once and held back until the test wants it."""

    def __init__(self, page: Page, address: str, method: str = "GET") -> None:
        self._page = page
        self._method = method
        self._found: list[tuple[Route, APIResponse]] = []
        page.route(re.compile(address), self._hold)

    def wait(self) -> None:
        """Wait until there is one."""
        wait_for(self._page, lambda: self._found, "the page has asked")

    def release(self) -> None:
        """Let it arrive."""
        route, answer = self._found[0]
        with self._page.expect_event("requestfinished", lambda request: request == route.request):
            route.fulfill(response=answer)

    def drop(self) -> None:
        """Let it never arrive."""
        route, _ = self._found[0]
        with self._page.expect_event("requestfailed", lambda request: request == route.request):
            route.abort()

    def _hold(self, route: Route) -> None:
        if self._found or route.request.method != self._method:
            route.continue_()
        else:
            self._found.append((route, route.fetch()))


def expect_news(inbox: Inbox, visitor: Visitor, text: str) -> None:
    """Wait until something new came through, and with it all that was on its way before."""
    visitor.say(text)
    expect(inbox.row(text)).to_be_visible()


def go_to(inbox: Inbox, session_id: str) -> None:
    """Go where no line of the list leads, as the browser's own buttons do."""
    address = f"{inbox.url}/inbox/{session_id}"
    inbox.page.evaluate(
        "(address) => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')); }", address
    )


def test_a_closing_that_is_answered_late_closes_nothing_anew(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    closing = Held(inbox.page, "/close$", "POST")
    inbox.page.get_by_role("button", name="Close conversation").click()
    closing.wait()
    # Of one that was opened again the server is asked.
    with inbox.page.expect_response(re.compile(f"/sessions/{visitor.session_id}$")):
        visitor.say("One more thing")
    expect(inbox.row("One more thing")).to_be_visible()
    closing.release()
    expect_news(inbox, visitor, "Are you there?")
    inbox.expect_said("visitor: Hello", "visitor: One more thing", "visitor: Are you there?")
    expect(inbox.page.get_by_role("button", name="Close conversation")).to_be_visible()
    expect(inbox.field).to_be_visible()


def test_a_conversation_of_which_the_server_could_not_tell_is_asked_for_again(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow_network()
    visitor = visitor_saying(shop, "Hello")
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/close")
    inbox = signed_in(shop, new_context)
    inbox.page.clock.install()
    inbox.visit()
    expect(inbox.page.get_by_text("No open conversations")).to_be_visible()
    asked = Held(inbox.page, f"/sessions/{visitor.session_id}$")
    visitor.say("Hello again")
    asked.wait()
    asked.drop()
    inbox.page.clock.fast_forward(11_000)
    expect(inbox.row("Hello again")).to_be_visible()


def test_it_begins_without_a_socket_though_its_first_token_was_lost(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow_network()
    visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    Line(inbox.page).cut()
    tokens: list[Route] = []

    def lose_the_first(route: Route) -> None:
        tokens.append(route)
        if len(tokens) == 1:
            route.abort()
        else:
            route.continue_()

    inbox.page.route("**/inbox/token", lose_the_first)
    inbox.visit()
    expect(inbox.row("Hello")).to_be_visible()


def test_a_try_that_fails_late_does_not_take_back_one_that_worked(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow_network()
    visitor = visitor_saying(shop, "Hello", name="Grace")
    visitor_saying(shop, "Good day", name="Mira")
    inbox = signed_in(shop, new_context).visit()
    first = Held(inbox.page, f"/sessions/{visitor.session_id}/messages")
    inbox.open("Grace")
    first.wait()
    inbox.open("Mira")
    inbox.expect_said("visitor: Good day")
    inbox.open("Grace")
    inbox.expect_said("visitor: Hello")
    first.drop()
    expect_news(inbox, visitor, "Anybody?")
    inbox.expect_said("visitor: Hello", "visitor: Anybody?")
    expect(inbox.page.get_by_text("Couldn't load this conversation.")).to_be_hidden()


def test_older_messages_of_one_conversation_wait_for_those_of_no_other(shop: Shop, new_context: NewContext) -> None:
    visitors = [visitor_saying(shop, "The first", name=name) for name in ("Grace", "Mira")]
    for visitor in visitors:
        add_messages(shop.app.extensions["pocketping"].db, visitor.session_id, 120)
    inbox = signed_in(shop, new_context).visit()
    older = Held(inbox.page, f"/sessions/{visitors[0].session_id}/messages.*before=")
    for name in ("Grace", "Mira"):
        inbox.open(name)
        expect(inbox.message("Number 120")).to_be_in_viewport()
        inbox.messages.evaluate("(region) => region.scrollTo(0, 0)")
        if name == "Grace":
            older.wait()
    wait_for(inbox.page, lambda: len(inbox.said()) == 100, "older ones are loaded", seen=lambda: len(inbox.said()))
    older.release()


def test_nobody_stands_beside_a_conversation_that_is_not_theirs(
    shop: Shop, new_context: NewContext, faults: Faults
) -> None:
    faults.allow(r"status of 404")
    visitor = visitor_saying(shop, "Hello", name="Grace")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.details.get_by_text("Grace")).to_be_visible()
    go_to(inbox, "sess_of_nobody")
    expect(inbox.page.get_by_text("Conversation not found")).to_be_visible()
    expect(inbox.details.get_by_text("Grace")).to_be_hidden()
    go_to(inbox, visitor.session_id)
    expect(inbox.details.get_by_text("Grace")).to_be_visible()


def test_what_is_taken_back_stands_in_no_quote(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    path = f"/sessions/{visitor.session_id}/messages"
    said = shop.api.ok("POST", path, {"content": "The code is 1234"})["message"]
    shop.api.ok("POST", path, {"content": "Type it in", "replyTo": said["id"]})
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.messages.locator(".quote")).to_contain_text("The code is 1234")
    shop.api.ok("DELETE", f"{path}/{said['id']}")
    expect(inbox.messages.locator(".quote")).to_contain_text("Message deleted")
    expect(inbox.messages.get_by_text("1234")).to_have_count(0)


def test_who_gives_up_an_edit_sees_what_another_made_of_it(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    path = f"/sessions/{visitor.session_id}/messages"
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.say("Good")
    inbox.expect_said("visitor: Hello", "operator: Good")
    said = shop.api.ok("GET", path)["messages"][-1]
    line = inbox.message("Good")
    line.hover()
    line.get_by_role("button", name="Edit").click()
    expect(inbox.page.get_by_role("textbox", name="Edit message")).to_be_focused()
    shop.api.ok("PATCH", f"{path}/{said['id']}", {"content": "Better"})
    visitor.say("Thanks")
    wait_until(lambda: visitor.messages()[-1]["status"] == "read", "it is read")
    # Nothing more happens here that would show the line anew.
    expect_news(inbox, visitor_saying(shop, "Good day"), "Anybody?")
    inbox.page.keyboard.press("Escape")
    inbox.expect_said("visitor: Hello", "operator: Better", "visitor: Thanks")


def test_figures_that_could_not_be_had_take_no_others_away(shop: Shop, new_context: NewContext, faults: Faults) -> None:
    faults.allow_network()
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit()
    week = Held(inbox.page, r"/stats\?period=7d")
    inbox.page.get_by_role("link", name="Statistics").click()
    week.wait()
    inbox.page.get_by_role("button", name="30 days").click()
    figures = inbox.page.get_by_text("Median first response")
    expect(figures).to_be_visible()
    week.drop()
    expect_news(inbox, visitor, "Hello again")
    expect(figures).to_be_visible()


def test_an_operator_who_comes_while_the_others_are_asked_for_is_there(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context)
    operators = Held(inbox.page, "/operators$")
    inbox.visit()
    operators.wait()
    signed_in(shop, new_context, TOM).visit()
    others = inbox.page.locator(".me .others")
    expect(others).to_have_text("+1")
    operators.release()
    expect_news(inbox, visitor, "Hello again")
    expect(others).to_have_text("+1")


def test_a_saved_reply_is_not_hidden_by_a_list_from_before(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit()
    before = Held(inbox.page, "/saved-replies$")
    inbox.page.get_by_role("button", name="Saved replies").click()
    before.wait()
    dialog = inbox.page.get_by_role("dialog", name="Saved replies")
    dialog.get_by_role("button", name="New saved reply").click()
    editor = inbox.page.get_by_role("dialog", name="New saved reply")
    editor.get_by_label("Shortcut").fill("hi")
    editor.get_by_label("Text").fill("Good morning!")
    editor.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Good morning!")).to_be_visible()
    before.release()
    expect(inbox.page.get_by_role("dialog")).to_have_count(1)
    visitor.say("Hello again")
    expect(inbox.page.locator(".row").filter(has_text="Hello again")).to_be_visible()
    expect(dialog.get_by_text("Good morning!")).to_be_visible()


def test_a_key_right_after_a_dialog_has_closed_is_not_lost(shop: Shop, new_context: NewContext) -> None:
    """The browser leaves the focus in the dialog until it has drawn the page without it."""
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    inbox.expect_said("visitor: Hello")
    for key, focused in (("k", inbox.search), ("r", inbox.field)):
        inbox.page.locator("body").press("?")
        expect(inbox.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        inside = inbox.page.evaluate(
            """(key) => {
                const dialog = document.querySelector('dialog[open]');
                const focused = document.activeElement;
                dialog.close();
                const options = {key, ctrlKey: key === 'k', bubbles: true, cancelable: true};
                focused.dispatchEvent(new KeyboardEvent('keydown', options));
                return dialog.contains(focused);
            }""",
            key,
        )
        assert inside
        expect(focused).to_be_focused()
        inbox.page.evaluate("document.activeElement.blur()")
