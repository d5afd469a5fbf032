"""Who is who in the inbox: two operators of one name, customers, foreign projects, and what each may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from flask_pocketping.chat import projects
from flask_pocketping.host.loaders import Loaders
from flask_pocketping.state import state_of

from ..conftest import LOCAL
from ..support.browsers import Faults, check_accessible, settled
from ..support.clients import Api
from ..support.servers import make_app, serving
from .conftest import NewContext, OpenShop, end
from .inbox import Inbox
from .shop import ADA, ANA, TOM, Shop
from .test_inbox_more import signed_in, visitor_saying
from .test_page import PHONE

#: The ids of two people who have one name.
FIRST, SECOND = "7", "operator-000123"


@pytest.fixture
def loaders(shop: Shop) -> Loaders:
    """What the shop tells of its people. All its apps share it, so a test changes it by `monkeypatch`."""
    found: Loaders = shop.app.extensions["pocketping"].loaders
    return found


def tools(inbox: Inbox, text: str) -> list[str]:
    """The tools of a message."""
    message = inbox.message(text)
    message.hover()
    return [button.get_attribute("aria-label") or "" for button in message.locator(".tools button").all()]


def test_two_operators_of_one_name_are_two_people(
    shop: Shop, loaders: Loaders, new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = visitor_saying(shop, "Hello")
    inboxes = []
    for number in (FIRST, SECOND):
        monkeypatch.setattr(loaders, "operator", lambda number=number: {"id": number, "name": "Ana"})
        inboxes.append(Inbox(new_context().new_page(), shop.url).visit(visitor.session_id))
        inboxes[-1].expect_said("visitor: Hello")
    mine, other = inboxes
    other.field.press_sequentially("I")
    expect(mine.page.get_by_text("Ana (…000123) is replying…")).to_be_visible()
    other.say("I look after it")
    mine.say("So do I")
    for inbox in inboxes:
        inbox.expect_said("visitor: Hello", "operator: I look after it", "operator: So do I")
    expect(mine.message("I look after it").get_by_text("Ana (…000123)", exact=True)).to_be_visible()
    expect(mine.message("So do I").get_by_text("You", exact=True)).to_be_visible()
    expect(other.message("So do I").get_by_text("Ana (7)", exact=True)).to_be_visible()
    expect(other.message("I look after it").get_by_text("You", exact=True)).to_be_visible()
    assert tools(mine, "I look after it") == ["Reply"]
    assert tools(mine, "So do I") == ["Reply", "Edit", "Delete"]
    assert tools(other, "So do I") == ["Reply"]
    expect(mine.row("You: So do I")).to_be_visible()
    expect(other.row("Ana (7): So do I")).to_be_visible()
    mine.page.get_by_role("button", name="Preferences").click()
    dialog = mine.page.get_by_role("dialog")
    expect(dialog.get_by_text("Ana (You)")).to_be_visible()
    expect(dialog.get_by_text("Ana (…000123)")).to_be_visible()
    settled(mine.page)
    check_accessible(mine.page)
    assert [message.get("operatorName") for message in visitor.messages()] == [None, "Ana", "Ana"]


def test_a_message_without_an_id_is_nobodys_own(shop: Shop, new_context: NewContext) -> None:
    visitor = visitor_saying(shop, "Hello")
    body = {"content": "From a program", "operatorName": "Ana Duarte"}
    shop.api.ok("POST", f"/sessions/{visitor.session_id}/messages", body)
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.message("From a program").get_by_text("Ana Duarte")).to_be_visible()
    assert tools(inbox, "From a program") == ["Reply"]
    expect(inbox.row("Ana Duarte: From a program")).to_be_visible()


def test_the_host_may_let_operators_change_each_others_messages(open_shop: OpenShop, new_context: NewContext) -> None:
    shop = open_shop(operators_edit="all")
    visitor = visitor_saying(shop, "Hello")
    tom = signed_in(shop, new_context, TOM).visit(visitor.session_id)
    tom.say("A missteak")
    inbox = signed_in(shop, new_context, ANA).visit(visitor.session_id)
    assert tools(inbox, "Hello") == ["Reply"]
    assert tools(inbox, "A missteak") == ["Reply", "Edit", "Delete"]
    inbox.message("A missteak").get_by_role("button", name="Edit").click()
    editor = inbox.page.get_by_role("textbox", name="Edit message")
    editor.fill("A mistake")
    editor.press("Enter")
    tom.expect_said("visitor: Hello", "operator: A mistake")
    expect(inbox.message("A mistake").get_by_text("Tom Whitby")).to_be_visible()


def test_the_ai_switch_is_shown_where_there_is_an_ai(
    shop: Shop, new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = visitor_saying(shop, "Hello")
    inbox = signed_in(shop, new_context).visit(visitor.session_id)
    expect(inbox.details.get_by_role("button", name="Ask for a rating")).to_be_visible()
    expect(inbox.details.get_by_role("switch")).to_have_count(0)
    # Only the switch is looked at, so any object serves as an AI.
    monkeypatch.setattr(state_of(shop.app), "ai", SimpleNamespace(name="a model"))
    inbox.page.reload()
    switch = inbox.details.get_by_role("switch", name="AI replies")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    assert shop.api.ok("GET", f"/sessions/{visitor.session_id}")["session"]["aiEnabled"] is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_customer_is_told_why_the_inbox_is_closed(
    shop: Shop, new_context: NewContext, faults: Faults, device: str, scheme: str
) -> None:
    faults.allow(r"status of 403")
    context = new_context(color_scheme=scheme, **(PHONE if device == "phone" else {}))
    shop.sign_in(context, ADA)
    page = context.new_page()
    page.goto(f"{shop.url}/inbox")
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_text("You're signed in as Ada Marsh.")).to_be_visible()
    expect(page.get_by_role("link", name="Go to sign-in")).to_be_visible()
    settled(page)
    check_accessible(page)
    page.get_by_role("link", name="Back to the site").click()
    expect(page).to_have_url(f"{shop.url}/")


#: Longer than there is room for.
LONG_NAME = "Coffee bar and roastery at the old harbour"


class Site:
    """An app with two projects, of which the operator may see the first one."""

    def __init__(self, app: Flask, api: Api) -> None:
        self.app, self.api = app, api
        database = state_of(app).db
        self.own, self.foreign = (projects.create_project(database, name).id for name in ("Tea shop", LONG_NAME))
        self.who: dict[str, Any] = {"id": 7, "name": "Ana", "projects": [self.own]}
        app.extensions["test_pocketping"].operator_loader(lambda: self.who)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = make_app(tmp_path, **LOCAL)
    with serving(app) as api:
        yield Site(app, api)
        end(app)


def test_an_operator_is_told_why_a_project_is_closed(site: Site, new_context: NewContext, faults: Faults) -> None:
    faults.allow(r"status of 403")
    page = new_context().new_page()
    page.goto(f"{site.api.url}/inbox/{site.foreign}")
    expect(page.get_by_role("heading", name="No access")).to_be_visible()
    expect(page.get_by_text("You can't open the inbox of this project.")).to_be_visible()
    settled(page)
    check_accessible(page)
    page.get_by_role("link", name="Tea shop").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_attached()
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    expect(page.get_by_text(f"pocketping_widget(project='{site.own}')").filter(visible=True)).to_be_visible()


def test_an_operator_who_loses_a_project_is_told_why(site: Site, new_context: NewContext, faults: Faults) -> None:
    faults.allow(r"status of 40[13]")
    page = new_context().new_page()
    page.goto(f"{site.api.url}/inbox/{site.own}")
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    site.who = {"id": 7, "name": "Ana"}
    page.route(
        "**/sessions?*", lambda route: route.fulfill(status=401, json={"code": "UNAUTHORIZED", "message": "No."})
    )
    page.get_by_role("button", name="Closed", exact=True).click()
    dialog = page.get_by_role("dialog", name="No access")
    expect(dialog).to_be_visible()
    settled(page)
    check_accessible(page)
    page.unroute("**/sessions?*")
    dialog.get_by_role("button", name="Go to my inbox").click()
    expect(page).to_have_url(f"{site.api.url}/inbox")
    expect(page.get_by_role("button", name="Ana, Available")).to_be_visible()


def test_the_menu_of_projects_can_be_read_on_a_phone(site: Site, new_context: NewContext) -> None:
    site.who["projects"] = [site.own, site.foreign]
    for options, least in ((PHONE, 16), ({}, 14)):
        page = new_context(**options).new_page()
        page.goto(f"{site.api.url}/inbox/{site.own}")
        menu = page.get_by_label("Project")
        expect(menu).to_be_visible()
        assert menu.evaluate("menu => parseFloat(getComputedStyle(menu).fontSize)") >= least
        assert menu.evaluate("menu => menu.clientWidth") >= 90, "its name has room"
        menu.select_option(label=LONG_NAME)
        expect(page).to_have_url(f"{site.api.url}/inbox/{site.foreign}")
        expect(menu).to_be_visible()
        assert page.locator(".list-head").evaluate("head => head.scrollWidth <= head.clientWidth")
        settled(page)
        check_accessible(page)
