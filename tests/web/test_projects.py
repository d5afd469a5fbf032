"""More than one project in an app: pages that belong to one, and operators who may see some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, render_template_string

from flask_pocketping import Operator
from flask_pocketping.chat import projects
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.state import state_of

from ..conftest import LOCAL
from ..support.clients import BROWSER, Api, Visitor
from ..support.servers import make_app, serving
from ..support.services import fresh_database


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    with fresh_database(request.param, tmp_path) as url:
        yield make_app(tmp_path, url, **LOCAL)


@pytest.fixture
def api(app: Flask) -> Iterator[Api]:
    """The back office of the default project."""
    with serving(app) as made:
        yield made


@pytest.fixture
def second(app: Flask) -> str:
    """The id of another project."""
    return projects.create_project(state_of(app).db, "Second shop").id


def back_office(app: Flask, api: Api, project_id: str) -> Api:
    return api.with_key(projects.create_key(state_of(app).db, "Test", project_id).key)


def sessions(api: Api) -> list[str]:
    return [session["id"] for session in api.ok("GET", "/sessions")["sessions"]]


def token(api: Api, project: str | None = None) -> requests.Response:
    return requests.post(f"{api.url}/inbox/token", params={"project": project} if project else None, timeout=30)


def test_a_page_talks_to_its_project(app: Flask, api: Api, second: str) -> None:
    theirs = back_office(app, api, second)
    page, other = Visitor(api.url, project=second), Visitor(api.url)
    page.say("Hello, second shop")
    assert sessions(theirs) == [page.session_id]
    assert sessions(api) == [other.session_id]
    theirs.ok("POST", f"/sessions/{page.session_id}/messages", {"content": "Hi"})
    assert [message["content"] for message in page.messages()] == ["Hello, second shop", "Hi"]


def test_a_page_is_told_who_is_online_in_its_project(app: Flask, api: Api, second: str) -> None:
    with app.app_context():
        app.extensions["test_pocketping"].set_operator_online(operator={"id": 1, "name": "Ana"}, project_id=second)
    hello = Visitor(api.url, project=second).hello
    assert (hello["operatorOnline"], hello["operatorName"]) == (True, "Ana")
    assert Visitor(api.url).hello["operatorOnline"] is False
    silent = requests.post(f"{api.url}/connect", json={"metadata": {}, "project": second, "create": False}, timeout=30)
    assert silent.json()["operatorOnline"] is True
    found = [
        requests.get(f"{api.url}/presence", params=query, timeout=30).json()["online"]
        for query in ({"project": second}, {})
    ]
    assert found == [True, False]


def test_a_page_shows_no_conversation_of_another_project(app: Flask, api: Api, second: str) -> None:
    visitor = Visitor(api.url)
    visitor.say("For the first shop")
    body = {"metadata": {}, "sessionId": visitor.handle}
    moved = visitor.request("POST", "/connect", {**body, "project": second}).json()
    assert moved["sessionId"] != visitor.handle
    assert moved["messages"] == []
    stayed = visitor.request("POST", "/connect", {**body, "project": DEFAULT_PROJECT}).json()
    assert stayed["sessionId"] == visitor.handle


def test_a_customer_has_a_conversation_in_each_project(app: Flask, api: Api, second: str) -> None:
    with app.app_context():
        signed = app.extensions["test_pocketping"].identity_token({"id": "7", "name": "Ada"})
    first = Visitor(api.url, identityToken=signed)
    there = Visitor(api.url, identityToken=signed, project=second)
    assert first.session_id != there.session_id
    assert Visitor(api.url, identityToken=signed, project=second).session_id == there.session_id
    assert Visitor(api.url, identityToken=signed).session_id == first.session_id


def test_a_project_that_is_none_opens_nothing(api: Api) -> None:
    headers = {"User-Agent": BROWSER}
    for project, status in (("proj_nothing", 404), ("no such thing", 400), ("x" * 41, 400), (5, 400)):
        body: dict[str, Any] = {"metadata": {}, "project": project}
        answer = requests.post(f"{api.url}/connect", json=body, headers=headers, timeout=30)
        assert answer.status_code == status, project
    assert sessions(api) == []


def test_the_tag_names_its_project(app: Flask, second: str) -> None:
    with app.test_request_context():
        assert f'data-project="{second}"' in render_template_string(f"{{{{ pocketping_widget(project='{second}') }}}}")
        assert "data-project" not in render_template_string("{{ pocketping_widget() }}")
        with pytest.raises(ValueError, match="project"):
            render_template_string("{{ pocketping_widget(project='Second shop') }}")


def test_operators_open_the_inboxes_that_the_loader_names(app: Flask, api: Api, second: str) -> None:
    third = projects.create_project(state_of(app).db, "Third").id
    who: dict[str, Any] = {"id": 7, "name": "Ana", "projects": [second, "proj_gone", DEFAULT_PROJECT]}
    app.extensions["test_pocketping"].operator_loader(lambda: who)
    told = token(api).json()
    assert told["project"]["id"] == DEFAULT_PROJECT
    assert told["projects"][0] == {"id": second, "name": "Second shop"}
    assert [item["id"] for item in told["projects"]] == [second, DEFAULT_PROJECT]
    page = Visitor(api.url, project=second)
    chosen = token(api, second).json()
    assert chosen["project"] == {"id": second, "name": "Second shop"}
    assert sessions(api.with_key(chosen["token"])) == [page.session_id]
    assert sessions(api.with_key(told["token"])) == []
    for project in (third, "proj_gone", "proj_nothing"):
        refused = token(api, project)
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    who["projects"] = (second,)
    assert token(api).json()["project"]["id"] == second
    assert token(api, DEFAULT_PROJECT).status_code == 403


def test_operators_without_projects_have_the_default_one(app: Flask, api: Api, second: str) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: Operator("7", "Ana"))
    told = token(api).json()
    assert [item["id"] for item in told["projects"]] == [told["project"]["id"]] == [DEFAULT_PROJECT]
    assert token(api, second).status_code == 403


@pytest.mark.parametrize("wrong", ["proj_1", 5, [5], [""], ["proj_1"] * 101])
def test_what_is_no_list_of_projects_is_a_fault_of_the_host(
    wrong: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tmp_path, **LOCAL)
    app.extensions["test_pocketping"].operator_loader(lambda: {"id": 7, "name": "Ana", "projects": wrong})
    with serving(app) as api:
        assert token(api).status_code == 500
    assert "operator_loader: projects: " in caplog.text
