"""Tests `Idempotency-Key`: a repeated request gets the first response again and has no second effect."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from flask_pocketping import clock
from flask_pocketping.chat.idempotency import forget_old
from flask_pocketping.models import IdempotencyKey, table

from ..conftest import Serve
from ..support.clients import Api, Visitor
from ..support.contract import CheckedApi
from ..support.office import Office
from ..support.receiver import Receiver
from ..support.servers import make_app

SENDERS = 50
keys = table(IdempotencyKey)


@pytest.fixture
def api(office: Office) -> CheckedApi:
    return office.new_project()


@pytest.fixture
def any_api(any_office: Office) -> CheckedApi:
    """A project of the test's own, on each kind of database in turn."""
    return any_office.new_project()


def once(api: Api, path: str, body: Any, key: str = "key") -> requests.Response:
    return api.post(path, body, headers={"Idempotency-Key": key})


def replayed(response: requests.Response) -> bool:
    return response.headers.get("Idempotent-Replayed") == "true"


def test_a_repeated_request_gets_the_first_response(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    path, body = f"/sessions/{session_id}/messages", {"content": "Once"}
    first = once(any_api, path, body)
    assert (first.status_code, replayed(first)) == (201, False)
    for _ in range(2):
        again = once(any_api, path, body)
        assert replayed(again)
        assert (again.status_code, again.content) == (first.status_code, first.content)
    any_api.ok("POST", f"/sessions/{session_id}/close")
    assert once(any_api, path, body).content == first.content
    # The second message is the one that says "Session closed".
    assert any_office.events_of(session_id) == [
        *("session.created", "message.created", "message.created", "session.closed")
    ]


def test_the_same_key_with_another_request_is_a_conflict(any_api: Api, any_office: Office) -> None:
    session_id, other = any_api.session(), any_api.session()
    assert once(any_api, f"/sessions/{session_id}/messages", {"content": "One"}).status_code == 201
    for path, body in (
        (f"/sessions/{session_id}/messages", {"content": "Two"}),
        (f"/sessions/{other}/messages", {"content": "One"}),
        (f"/sessions/{session_id}/events", {"name": "One"}),
        ("/sessions", None),
        ("/webhooks", {"url": "https://example.com/", "events": ["*"]}),
    ):
        answer = once(any_api, path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert any_office.events_of(session_id) == ["session.created", "message.created"]
    assert any_office.events_of(other) == ["session.created"]


def test_every_route_that_creates_can_be_repeated(office: Office, receiver: Receiver) -> None:
    api = office.new_project()
    session_id = api.session()
    webhook_id = api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["session.closed"]})["webhook"]["id"]
    routes: dict[str, Any] = {
        "/sessions": {"visitorId": "vis_1"},
        f"/sessions/{session_id}/messages": {"content": "x"},
        f"/sessions/{session_id}/events": {"name": "x", "data": [1]},
        "/webhooks": {"url": receiver.url, "events": ["session.closed"]},
        f"/webhooks/{webhook_id}/test": None,
        "/saved-replies": {"shortcut": "hi", "content": "Hello!"},
        f"/api/v1/sessions/{session_id}/reply": {"content": "x"},
    }
    for number, (path, body) in enumerate(routes.items()):
        first, second = once(api, path, body, f"key {number}"), once(api, path, body, f"key {number}")
        assert (first.status_code, second.status_code) in {(201, 201), (202, 202)}
        assert second.content == first.content
        assert (replayed(first), replayed(second)) == (False, True)
    assert len(api.ok("GET", "/sessions")["sessions"]) == 2
    assert len(api.ok("GET", "/webhooks")["webhooks"]) == 2
    assert office.events_of(session_id) == ["session.created", "message.created", "event.sent", "message.created"]
    receiver.wait(1)
    assert len(api.ok("GET", f"/webhooks/{webhook_id}/deliveries")["deliveries"]) == 1
    taking = {
        operation["operationId"]
        for operations in api.contract.document["paths"].values()
        for operation in operations.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
    }
    assert len(taking) == len(routes)


def test_fifty_concurrent_repeats_create_one_message_and_get_one_response(
    any_office: Office, any_api: Api, receiver: Receiver
) -> None:
    any_api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["message.created", "session.closed"]})
    session_id = any_api.session()
    barrier = threading.Barrier(SENDERS)

    def send(number: int) -> requests.Response:
        barrier.wait()
        return once(any_api, f"/sessions/{session_id}/messages", {"content": "Only once"})

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(send, range(SENDERS)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(not replayed(answer) for answer in answers) == 1
    assert any_office.events_of(session_id) == ["session.created", "message.created"]
    messages = any_api.ok("GET", f"/sessions/{session_id}/messages")["messages"]
    assert [answers[0].json()["message"]] == messages
    any_api.ok("POST", f"/sessions/{session_id}/close")
    receiver.wait(3)
    # The second message is the one that says "Session closed".
    assert receiver.events() == ["message.created", "message.created", "session.closed"]


def test_concurrent_repeats_open_one_session(any_office: Office) -> None:
    api = any_office.new_project()
    barrier = threading.Barrier(20)

    def send(number: int) -> requests.Response:
        barrier.wait()
        return once(api, "/sessions", {"visitorId": "the-one"})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert len(api.ok("GET", "/sessions")["sessions"]) == 1


def test_concurrent_requests_with_different_keys_all_count(any_office: Office, any_api: Api) -> None:
    session_id = any_api.session()
    barrier = threading.Barrier(10)

    def send(number: int) -> int:
        barrier.wait()
        return once(any_api, f"/sessions/{session_id}/messages", {"content": "x"}, f"key {number}").status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(10))) == {201}
    assert any_office.events_of(session_id) == ["session.created", *["message.created"] * 10]


def test_a_key_can_be_used_again_after_a_day(any_api: Api) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock.set_clock(lambda: start)
    session_id = any_api.session()
    path, body = f"/sessions/{session_id}/messages", {"content": "Daily"}
    first = once(any_api, path, body)
    clock.set_clock(lambda: start + timedelta(hours=23, minutes=59))
    assert once(any_api, path, body).content == first.content
    clock.set_clock(lambda: start + timedelta(hours=24, seconds=1))
    second = once(any_api, path, body)
    assert (second.status_code, replayed(second)) == (201, False)
    assert second.json()["message"]["id"] != first.json()["message"]["id"]
    assert once(any_api, path, body).content == second.content
    clock.set_clock(lambda: start + timedelta(hours=49))
    assert once(any_api, path, {"content": "Something else"}).status_code == 201


def test_only_old_responses_are_deleted(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    app = make_app(tmp_path, sqlite)
    api, db = serve(app), app.extensions["pocketping"].db
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hours, key in ((0, "old"), (12, "young")):
        clock.set_clock(lambda hours=hours: start + timedelta(hours=hours))  # type: ignore[misc]
        once(api, "/sessions", None, key)
    clock.set_clock(lambda: start + timedelta(hours=25))
    forget_old(db)
    with db.read() as connection:
        assert connection.execute(select(keys.c.key)).scalars().all() == ["young"]


def test_a_key_belongs_to_its_project(office: Office) -> None:
    one, other = office.new_project(), office.new_project()
    first, second = once(one, "/sessions", None), once(other, "/sessions", None)
    assert not replayed(second)
    assert first.json()["session"]["id"] != second.json()["session"]["id"]


def test_a_failed_request_does_not_use_its_key(any_api: Api) -> None:
    session_id = any_api.session()
    any_api.ok("POST", f"/sessions/{session_id}/close")
    path = f"/sessions/{session_id}/messages"
    assert once(any_api, path, {"content": ""}).status_code == 400
    assert once(any_api, "/sessions/none/messages", {"content": "x"}).status_code == 404
    assert once(any_api, path, {"content": "x"}).status_code == 409
    any_api.ok("POST", f"/sessions/{session_id}/reopen")
    assert once(any_api, path, {"content": "x"}).status_code == 201
    assert replayed(once(any_api, path, {"content": "x"}))


@pytest.mark.parametrize("key", ["", "a" * 256, "tab\there", "\xe9"])
def test_an_invalid_key_is_refused(api: Api, office: Office, key: str) -> None:
    answer = once(api, "/sessions", None, key)
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == ["Idempotency-Key"]
    assert api.ok("GET", "/sessions")["sessions"] == []


def test_a_key_may_have_any_printable_ascii(any_api: Api) -> None:
    for key in ("a", "a" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324", 'a key, with "all" \' % sorts'):
        first = once(any_api, "/sessions", None, key)
        assert first.status_code == 201
        assert once(any_api, "/sessions", None, key).content == first.content


def test_keys_are_compared_exactly(any_api: Api) -> None:
    first, second = once(any_api, "/sessions", None, "Key"), once(any_api, "/sessions", None, "key")
    assert first.json()["session"]["id"] != second.json()["session"]["id"]


def test_routes_that_create_nothing_ignore_a_key(api: Api) -> None:
    session_id = api.session()
    headers = {"Idempotency-Key": "key"}
    for enabled in (False, True):
        answer = api.post(f"/sessions/{session_id}/ai", {"enabled": enabled}, headers=headers)
        assert answer.json()["session"]["aiEnabled"] is enabled


def test_responses_outlive_their_process(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    first = once(serve(make_app(tmp_path, sqlite)), "/sessions", None)
    again = once(serve(make_app(tmp_path, sqlite)), "/sessions", None)
    assert replayed(again)
    assert again.content == first.content


def test_a_page_that_retries_after_a_timeout_adds_no_message(any_office: Office) -> None:
    visitor = Visitor(any_office.api.url)
    barrier = threading.Barrier(10)

    def send(number: int) -> dict[str, Any]:
        barrier.wait()
        return visitor.say("Are you there?", clientId="c1")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert {tuple(sorted(answer.items())) for answer in answers} == {tuple(sorted(answers[0].items()))}
    assert visitor.say("Are you there?", clientId="c2")["messageId"] != answers[0]["messageId"]
    assert visitor.say("Are you there?")["messageId"] != visitor.say("Are you there?")["messageId"]
    assert len(visitor.messages()) == 4
    other = Visitor(any_office.api.url)
    assert other.say("Mine", clientId="c1")["messageId"] != answers[0]["messageId"]
    assert any_office.events_of(visitor.session_id).count("message.created") == 4


def test_only_the_response_is_stored(office: Office, api: Api) -> None:
    once(api, "/sessions", {"identity": {"name": "Swordfish"}})
    with office.db.read() as connection:
        fingerprints = connection.execute(select(keys.c.fingerprint)).scalars().all()
        empty = connection.execute(select(func.count()).where(keys.c.body == "")).scalar()
    assert all(len(fingerprint) == 64 for fingerprint in fingerprints)
    assert empty == 0
