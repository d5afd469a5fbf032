"""Tests the test helpers as developers use them for their own hooks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal
from flask import Flask

from flask_pocketping import MessageDraft, MessageRejected, PocketPing, clock, signals
from flask_pocketping.chat.projects import create_project
from flask_pocketping.errors import ProjectNotFound
from flask_pocketping.testing import Refused, Visitor, api, deliver_all, recorded_signals

from .conftest import LOCAL
from .support.receiver import Answer, Receiver
from .support.servers import make_app


@pytest.fixture
def shop(tmp_path: Path) -> Flask:
    """A host app as its own tests would set it up: nothing runs beside the requests."""
    return make_app(tmp_path, None, worker="off", url_prefix="/chat", **LOCAL)


def test_a_visitor_uses_the_test_client(shop: Flask) -> None:
    threads = set(threading.enumerate())
    visitor = Visitor(shop, metadata={"url": "https://shop.example/teapots"}, identity={"email": "ada@example.com"})
    sent = visitor.send("Is it in stock?", clientId="first")
    assert visitor.send("Is it in stock?", clientId="first") == sent
    answered = api(shop).post(f"/chat/sessions/{visitor.session_id}/messages", json={"content": "It is."})
    assert answered.status_code == 201
    assert [(message["sender"], message["content"]) for message in visitor.messages()] == [
        ("visitor", "Is it in stock?"),
        ("operator", "It is."),
    ]
    assert [message["content"] for message in visitor.messages(after=sent["messageId"])] == ["It is."]
    session = api(shop).get(f"/chat/sessions/{visitor.session_id}").get_json()["session"]
    assert session["metadata"]["pageUrl"] == "https://shop.example/teapots"
    assert session["identity"]["email"] == "ada@example.com"
    assert set(threading.enumerate()) == threads


def test_a_returning_visitor_continues_their_conversation(shop: Flask) -> None:
    visitor = Visitor(shop)
    visitor.send("Hello")
    again = visitor.connect()
    assert [message["content"] for message in again["messages"]] == ["Hello"]
    same = Visitor(shop, sessionId=visitor.handle)
    assert same.session_id == visitor.session_id
    assert Visitor(shop).session_id != visitor.session_id


def test_a_visitor_uses_a_given_client(shop: Flask) -> None:
    seen: list[str | None] = []

    @shop.before_request
    def look() -> None:
        from flask import request

        seen.append(request.cookies.get("customer"))

    client = shop.test_client()
    client.set_cookie("customer", "ada")
    Visitor(client).send("Hello")
    assert seen == ["ada", "ada"]


def test_each_visitor_can_have_an_own_address(tmp_path: Path) -> None:
    app = make_app(tmp_path, worker="off", visitor_silent_session_limit="1/hour")
    Visitor(app)
    with pytest.raises(Refused) as refused:
        Visitor(app)
    assert refused.value.status == 429
    assert "Retry-After" in refused.value.response.headers
    Visitor(app, address="192.0.2.7")


def test_a_rejected_message_raises_its_text(shop: Flask) -> None:
    def veto(app: Flask, draft: MessageDraft) -> None:
        if "dratted" in draft.content:
            raise MessageRejected("Please mind your language.")

    visitor = Visitor(shop)
    with signals.message_received.connected_to(veto, sender=shop):
        with pytest.raises(Refused, match="POST /message: 400") as refused:
            visitor.send("That dratted kettle")
        visitor.send("That kettle")
    assert (refused.value.code, refused.value.message) == ("INVALID_REQUEST", "Please mind your language.")
    assert [message["content"] for message in visitor.messages()] == ["That kettle"]


def test_signals_are_recorded_in_order_and_only_of_that_app(shop: Flask, tmp_path: Path) -> None:
    other = make_app(tmp_path / "other", worker="off")
    with recorded_signals(shop) as sent:
        visitor = Visitor(shop)
        visitor.send("Hello")
        Visitor(other).send("Elsewhere")
        api(shop).post(f"/chat/sessions/{visitor.session_id}/close")
    visitor.send("After the block")
    assert [signal.name for signal in sent] == [
        "session_created",
        "message_created",
        "message_created",
        "session_closed",
    ]
    name, payload = sent[1]
    assert (name, payload["message"].content, payload["event"].type) == ("message_created", "Hello", "message.created")
    assert payload["message"].session_id == visitor.session_id
    assert _receivers_for(shop) == []


def test_recording_also_ends_after_an_error(shop: Flask) -> None:
    with pytest.raises(ZeroDivisionError), recorded_signals(shop):
        raise ZeroDivisionError
    assert _receivers_for(shop) == []


def test_webhooks_are_delivered_on_demand(shop: Flask, receiver: Receiver) -> None:
    office = api(shop)
    office.post("/chat/webhooks", json={"url": receiver.url, "events": ["message.created", "session.closed"]})
    visitor = Visitor(shop)
    for content in ("one", "two", "three"):
        visitor.send(content)
    office.post(f"/chat/sessions/{visitor.session_id}/close")
    assert receiver.received == []
    with recorded_signals(shop) as sent:
        assert deliver_all(shop) == 5
        assert deliver_all(shop) == 0
    assert receiver.events() == ["message.created"] * 4 + ["session.closed"]
    assert [received.json["data"]["message"]["content"] for received in receiver.received[:4]] == [
        "one",
        "two",
        "three",
        "Session closed",
    ]
    assert [signal.name for signal in sent] == ["delivery_succeeded"] * 5
    assert {signal.payload["delivery"].state for signal in sent} == {"succeeded"}


def test_a_failed_delivery_is_retried_when_the_clock_advances(shop: Flask, receiver: Receiver) -> None:
    receiver.answers = [Answer(status=500)]
    api(shop).post("/chat/webhooks", json={"url": receiver.url, "events": ["message.created"]})
    Visitor(shop).send("Hello")
    with recorded_signals(shop) as sent:
        assert deliver_all(shop) == 1
        assert deliver_all(shop) == 0
        clock.set_clock(lambda: datetime.now(UTC) + timedelta(seconds=6))
        assert deliver_all(shop) == 1
    assert [signal.name for signal in sent] == ["delivery_failed", "delivery_succeeded"]
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_deliver_all_refuses_an_app_with_a_worker(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="POCKETPING_WORKER"):
        deliver_all(make_app(tmp_path))


def test_the_back_office_of_a_project(shop: Flask) -> None:
    project = create_project(shop.extensions["pocketping"].db, "Second site")
    theirs = api(shop, project.id)
    opened = theirs.post("/chat/sessions", json={}).get_json()["session"]
    assert opened["projectId"] == project.id
    assert api(shop).get(f"/chat/sessions/{opened['id']}").status_code == 404
    with pytest.raises(ProjectNotFound):
        api(shop, "proj_missing")


def test_the_back_office_of_an_app_without_a_fixed_key(tmp_path: Path) -> None:
    app = make_app(tmp_path, api_key=None, worker="off")
    assert api(app).get("/sessions").get_json()["sessions"] == []
    assert app.test_client().get("/sessions").status_code == 401


def test_an_app_without_the_extension_gets_a_clear_error() -> None:
    with pytest.raises(RuntimeError, match=r"init_app\(app\)"):
        Visitor(Flask("bare"))


def test_the_helpers_work_with_an_engine_in_memory(tmp_path: Path) -> None:
    app = Flask("memory", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="s", POCKETPING_DATABASE_URI="sqlite://", POCKETPING_WORKER="off")
    PocketPing(app)
    app.extensions["pocketping"].db.create_tables()
    visitor = Visitor(app)
    visitor.send("Hello")
    assert visitor.messages()[0]["content"] == "Hello"


def _receivers_for(app: Flask) -> list[Any]:
    found = [item for item in vars(signals).values() if isinstance(item, Signal)]
    return [receiver for signal in found for receiver in signal.receivers_for(app)]
