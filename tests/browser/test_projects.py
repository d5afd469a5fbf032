"""Two projects of one app: each page's chat is its own, and operators go from one inbox to the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import BrowserContext, expect

from flask_pocketping.chat import projects
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.state import state_of

from ..conftest import LOCAL
from ..support.clients import Api
from ..support.servers import make_app, serving
from .chat import Chat
from .conftest import end
from .inbox import Inbox

PAGE = """<!doctype html><html lang="en">
<title>{{ name }}</title><link rel="icon" href="data:,"><body><h1>{{ name }}</h1>
{{ pocketping_widget(project=project) }}</body></html>"""


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An app with two shops, of which the one at `/second` is another project."""
    app = make_app(tmp_path, **LOCAL)
    second = projects.create_project(state_of(app).db, "Second shop").id
    app.config["SECOND"] = second
    app.add_url_rule("/", "first", lambda: render_template_string(PAGE, name="First", project=None))
    app.add_url_rule("/second", "second", lambda: render_template_string(PAGE, name="Second", project=second))
    who = {"id": "7", "name": "Ana", "projects": [DEFAULT_PROJECT, second]}
    app.extensions["test_pocketping"].operator_loader(lambda: who)
    return app


@pytest.fixture
def site(app: Flask) -> Iterator[Api]:
    with serving(app) as api:
        yield api
        end(app)


def test_each_page_and_each_inbox_shows_its_own_project(app: Flask, site: Api, context: BrowserContext) -> None:
    visitor, operator = context.new_page(), context.new_page()
    visitor.goto(site.url)
    Chat(visitor).open().tell("To the first shop")
    visitor.goto(f"{site.url}/second")
    chat = Chat(visitor).open()
    chat.expect_said()
    chat.tell("To the second shop")

    inbox = Inbox(operator, site.url).visit()
    inbox.open("To the first shop")
    expect(inbox.rows).to_have_count(1)
    switch = operator.get_by_label("Project")
    expect(switch.locator("option")).to_have_count(2)
    switch.select_option(label="Second shop")
    inbox.open("To the second shop")
    expect(inbox.rows).to_have_count(1)
    assert f"/inbox/{app.config['SECOND']}/sess_" in operator.url
    inbox.say("Welcome here")
    chat.expect_said("visitor: To the second shop", "operator: Welcome here")

    # A reload stays, and the other page never saw any of it.
    operator.reload()
    inbox.expect_said("visitor: To the second shop", "operator: Welcome here")
    visitor.goto(site.url)
    Chat(visitor).open().expect_said("visitor: To the first shop")


def test_with_one_project_there_is_nothing_to_choose(app: Flask, site: Api, context: BrowserContext) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: {"id": "7", "name": "Ana"})
    operator = context.new_page()
    Inbox(operator, site.url).visit()
    expect(operator.get_by_role("button", name="Ana, Available")).to_be_visible()
    expect(operator.get_by_label("Project")).to_be_hidden()
