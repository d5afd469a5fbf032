"""Tests ratings: the back office requests one, the visitor's page rates once, and operators and webhooks get it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.testing import recorded_signals

from ...conftest import Serve
from ...support.clients import Api, Visitor
from ...support.hooks import Hook
from ...support.receiver import Receiver


def rate(visitor: Visitor, **body: Any) -> Any:
    return visitor.request("POST", "/csat", {"sessionId": visitor.handle, **body})


def shown(api: Api, visitor: Visitor) -> dict[str, Any]:
    return dict(api.ok("GET", f"/sessions/{visitor.session_id}")["session"])


def greeted(visitor: Visitor) -> dict[str, Any]:
    """What the page is told when it comes back."""
    return dict(visitor.request("POST", "/connect", {"sessionId": visitor.handle}).json())


def test_a_visitor_rates_a_conversation_on_request(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    path = f"/sessions/{visitor.session_id}/csat"
    with any_shared.socket(sessionId=visitor.session_id) as office, visitor.stream() as page:
        asked = any_shared.post(path)
        assert (asked.status_code, asked.json()) == (202, {"ok": True})
        requested_at = office.expect("csat.requested")["requestedAt"]
        assert page.expect("csat_request")["data"] == {"requestedAt": requested_at}
        assert shown(any_shared, visitor)["csatRequestedAt"] == requested_at
        assert greeted(visitor)["csatRequestedAt"] == requested_at

        answer = rate(visitor, score=4, comment="Quick and kind")
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        told = office.expect("csat.submitted")
        assert (told["score"], told["comment"]) == (4, "Quick and kind")
    session = shown(any_shared, visitor)
    assert session["csat"].pop("submittedAt") == told["timestamp"]
    assert session["csat"] == {"score": 4, "comment": "Quick and kind"}
    assert "csatRequestedAt" not in greeted(visitor)


def test_only_the_first_rating_counts(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    assert rate(visitor, score=5).json() == {"ok": True}
    session = shown(any_shared, visitor)
    assert rate(visitor, score=1, comment="Changed my mind").json() == {"ok": True, "alreadyRated": True}
    assert any_shared.post(f"/sessions/{visitor.session_id}/csat").status_code == 202
    assert shown(any_shared, visitor) == session
    assert "comment" not in session["csat"]
    assert "csatRequestedAt" not in session


def test_only_one_of_two_concurrent_ratings_counts(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    bodies = [{"sessionId": visitor.handle, "score": score} for score in (1, 2, 3, 4, 5)]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda body: visitor.request("POST", "/csat", body).json(), bodies))
    assert all(answer.get("ok") for answer in answers)
    (first,) = [body["score"] for body, answer in zip(bodies, answers, strict=True) if answer == {"ok": True}]
    assert shown(any_shared, visitor)["csat"]["score"] == first


def test_a_second_request_updates_the_time_of_the_request(shared: Api) -> None:
    visitor = shared.visitor()
    with visitor.stream() as page:
        for _ in range(2):
            shared.ok("POST", f"/sessions/{visitor.session_id}/csat")
        first, last = page.expect("csat_request"), page.expect("csat_request")
    assert first["data"]["requestedAt"] < last["data"]["requestedAt"] == greeted(visitor)["csatRequestedAt"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "score"),
        ({"score": None}, "score"),
        ({"score": 0}, "score"),
        ({"score": 6}, "score"),
        ({"score": 4.5}, "score"),
        ({"score": "good"}, "score"),
        ({"score": 3, "comment": "x" * 1001}, "comment"),
        ({"score": 3, "comment": "\0"}, "comment"),
        ({"score": 3, "comment": ["fine"]}, "comment"),
    ],
)
def test_an_invalid_rating_is_refused_and_not_stored(shared: Api, body: dict[str, Any], field: str) -> None:
    visitor = shared.visitor()
    answer = rate(visitor, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert list(answer.json()["details"]) == [field]
    assert "csat" not in shown(shared, visitor)


def test_a_comment_may_be_long_empty_or_in_any_script(any_shared: Api) -> None:
    for comment, kept in [("ж" * 1000, "ж" * 1000), ("   ", None), ("", None), ("👍 <b>gut</b>", "👍 <b>gut</b>")]:
        visitor = any_shared.visitor()
        assert rate(visitor, score=3, comment=comment).status_code == 200
        assert shown(any_shared, visitor)["csat"].get("comment") == kept


def test_a_visitor_can_only_rate_their_own_conversation(shared: Api) -> None:
    visitor = shared.visitor()
    for handle in (visitor.session_id, visitor.handle.replace(".", ".x", 1), None, 5):
        answer = visitor.request("POST", "/csat", {"sessionId": handle, "score": 1})
        assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")
    assert shared.post("/sessions/sess_none/csat").json()["code"] == "SESSION_NOT_FOUND"
    assert shared.with_key(None).post(f"/sessions/{visitor.session_id}/csat").status_code == 401


def test_a_closed_conversation_can_be_rated_and_stays_closed(shared: Api) -> None:
    visitor = shared.visitor()
    visitor.say("Hello")
    shared.ok("POST", f"/sessions/{visitor.session_id}/close")
    before = shown(shared, visitor)
    shared.ok("POST", f"/sessions/{visitor.session_id}/csat")
    assert rate(visitor, score=2).status_code == 200
    after = shown(shared, visitor)
    assert after["status"] == "closed"
    assert after["lastActivity"] == before["lastActivity"]


def test_a_rating_reaches_hooks_and_webhooks(app: Flask, serve: Serve, receiver: Receiver) -> None:
    with recorded_signals(app) as sent:
        api = serve(app)
        hook = Hook(api, receiver.url, ["csat.requested", "csat.submitted"])
        visitor = api.visitor()
        with app.app_context():
            asked = app.extensions["test_pocketping"].request_csat(visitor.session_id)
        assert asked.csat_requested_at is not None
        rate(visitor, score=5)
        hook.wait_for("succeeded", "succeeded")
    payload = next(payload for name, payload in sent if name == "csat_submitted")
    assert (payload["session_id"], payload["score"], payload["comment"]) == (visitor.session_id, 5, None)
    asked_body, rated_body = (received.json for received in receiver.received)
    assert set(asked_body["data"]) == {"sessionId", "requestedAt"}
    assert rated_body["data"] == {"sessionId": visitor.session_id, "score": 5}
