"""Operators who are set online without a connection, by code and by the API."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping import Operator, PocketPing, clock
from flask_pocketping.chat import projects
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.state import state_of

from ...conftest import LOCAL, Serve
from ...support.clients import Api
from ...support.servers import make_app, wait_until
from ...support.services import fresh_database
from ...support.travel import Travel

ANA = {"id": "7", "name": "Ana", "avatar": "https://example.com/ana.png"}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, **LOCAL)


@pytest.fixture
def pocketping(app: Flask) -> Iterator[PocketPing]:
    with app.app_context():
        yield app.extensions["test_pocketping"]


def set_available(api: Api, available: bool, **body: Any) -> dict[str, Any]:
    return dict(api.ok("POST", "/operators/me/availability", {"available": available, **body}))


def online(api: Api) -> bool:
    return bool(api.visitor().hello["operatorOnline"])


def test_code_sets_operators_online(pocketping: PocketPing, api: Api) -> None:
    assert not online(api)
    pocketping.set_operator_online(operator=ANA)
    pocketping.set_operator_online(operator=Operator("8", "Bo"))
    pocketping.set_operator_online(operator={**ANA, "name": "Ana B."})
    hello = api.visitor().hello
    assert hello["operatorOnline"] is True
    found = api.ok("GET", "/operators")["operators"]
    assert sorted((item["id"], item["name"], item["available"]) for item in found) == [
        ("7", "Ana B.", True),
        ("8", "Bo", True),
    ]
    pocketping.set_operator_online(False, operator=ANA)
    assert [item["id"] for item in api.ok("GET", "/operators")["operators"]] == ["8"]
    pocketping.set_operator_online(False)
    assert online(api), "each is set online for themselves"
    pocketping.set_operator_online(False, operator={"id": 8, "name": "Bo"})
    assert not online(api)


def test_code_without_a_name(pocketping: PocketPing, api: Api) -> None:
    pocketping.set_operator_online()
    assert online(api)
    assert api.ok("GET", "/operators")["operators"] == []
    pocketping.set_operator_online(False)
    assert not online(api)


def test_another_project_does_not_see_it(pocketping: PocketPing, app: Flask, api: Api) -> None:
    other = projects.create_project(state_of(app).db, "Other")
    pocketping.set_operator_online(operator=ANA, project_id=other.id)
    assert not online(api)


def test_it_ends_by_itself_where_a_time_was_given(pocketping: PocketPing, app: Flask, api: Api, travel: Travel) -> None:
    began = clock.now()
    travel.to(began)
    pocketping.set_operator_online(operator=ANA, seconds=600)
    with api.visitor().stream() as page:
        travel.to(began + timedelta(seconds=599))
        assert online(api)
        travel.to(began + timedelta(seconds=601))
        assert not online(api)
        assert page.expect("presence", 20)["data"] == {"online": False}
    pocketping.set_operator_online(operator=ANA)
    travel.to(began + timedelta(days=3650))
    assert online(api)
    for seconds in (0, 0.5, 31 * 86400):
        with pytest.raises(InvalidRequest, match="seconds"):
            pocketping.set_operator_online(seconds=seconds)


def test_pages_and_inboxes_are_told(pocketping: PocketPing, api: Api) -> None:
    page = api.visitor()
    with page.stream() as visitor, api.socket() as office:
        visitor.collect(lambda frames: frames[-1] == {**frames[-1], "type": "presence", "data": {"online": True}})
        pocketping.set_operator_online(operator=ANA)
        told = office.collect(lambda frames: bool(frames[-1].get("operators")))[-1]
        assert [item["name"] for item in told["operators"]] == ["Ana"]
        office.close()
        visitor.silent()
        pocketping.set_operator_online(False, operator=ANA)
        assert visitor.expect("presence")["data"] == {"online": False}


def test_what_is_no_operator_is_refused(pocketping: PocketPing) -> None:
    wrong: Any
    for wrong in ("Ana", {"name": "Ana"}, {"id": 1, "name": "x" * 201}):
        with pytest.raises(TypeError, match="operator"):
            pocketping.set_operator_online(operator=wrong)


def test_a_program_sets_itself_online_and_is_offline_when_its_key_is_revoked(app: Flask, api: Api) -> None:
    db = state_of(app).db
    made = projects.create_key(db, "A bot")
    bot = api.with_key(made.key)
    assert set_available(bot, True) == {"online": True, "operators": []}
    assert set_available(api, False)["online"] is True, "another key ends nothing of it"
    projects.revoke_key(db, made.id)
    assert not online(api)
    set_available(api, True, seconds=60)
    assert online(api)
    assert set_available(api, False)["online"] is False


def test_an_operator_sets_themselves_online(app: Flask, api: Api) -> None:
    app.extensions["test_pocketping"].operator_loader(lambda: ANA)
    token = Api(api.url, None).ok("POST", "/inbox/token")["token"]
    told = set_available(api.with_key(token), True)
    assert told == {"online": True, "operators": [{**ANA, "available": True}]}
    assert set_available(api.with_key(token), False) == {"online": False, "operators": []}


def test_what_does_not_fit_is_refused(api: Api) -> None:
    for body in ({}, {"available": "yes"}, {"available": True, "seconds": 0}, {"available": True, "seconds": 1e9}):
        assert api.post("/operators/me/availability", body).status_code == 400, body
    assert api.with_key(None).post("/operators/me/availability", {"available": True}).status_code == 401


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_many_at_once_leave_one_row(kind: str, tmp_path: Path, serve: Serve) -> None:
    with fresh_database(kind, tmp_path) as url:
        app = make_app(tmp_path, url, **LOCAL)
        app.extensions["test_pocketping"].operator_loader(lambda: ANA)
        api = serve(app)
        api.get("/health")
        bot = api.with_key(Api(api.url, None).ok("POST", "/inbox/token")["token"])
        with ThreadPoolExecutor(8) as pool:
            assert all(told["online"] for told in pool.map(lambda _: set_available(bot, True), range(24)))
        assert len(api.ok("GET", "/operators")["operators"]) == 1
        assert set_available(bot, False)["online"] is False
        wait_until(lambda: not online(api), "offline")
