"""Tests signals: each is sent once after the commit with frozen values. `message_received` is sent before it."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal
from flask import Flask, current_app
from sqlalchemy import create_engine, select, text

from flask_pocketping import Identity, Message, MessageDraft, MessageRejected, PocketPing, Session, signals
from flask_pocketping.chat import projects
from flask_pocketping.models import Message as MessageModel
from flask_pocketping.models import table

from .conftest import LOCAL, Serve
from .support.clients import Api
from .support.receiver import Answer, Receiver
from .support.servers import make_app, wait_until

AFTER_THE_COMMIT = {
    name: found
    for name, found in vars(signals).items()
    if isinstance(found, Signal) and found is not signals.message_received
}


class Heard:
    """What the signals of one app said, in order."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def last(self, name: str) -> dict[str, Any]:
        return [payload for called, payload in self.calls if called == name][-1]


@contextmanager
def hearing(app: Flask) -> Iterator[Heard]:
    """Hear every signal that is sent after a commit."""
    heard = Heard(app)

    def listener(called: str) -> Callable[..., None]:
        def hear(sender: Flask, **payload: Any) -> None:
            assert sender is app
            heard.calls.append((called, payload))

        return hear

    with ExitStack() as stack:
        for name, signal in AFTER_THE_COMMIT.items():
            stack.enter_context(connected(signal, listener(name), app))
        yield heard


@pytest.fixture
def heard(app: Flask) -> Iterator[Heard]:
    with hearing(app) as found:
        yield found


def connected(signal: Signal, receiver: Callable[..., Any], app: Flask) -> Any:
    return signal.connected_to(receiver, sender=app)


def test_every_signal_of_the_contract_exists() -> None:
    expected = """
        session_created session_closed session_reopened session_updated message_created message_updated
        message_deleted messages_read visitor_identified visitor_connected visitor_disconnected ai_toggled ai_takeover
        event_received csat_submitted delivery_succeeded delivery_failed webhook_disabled
    """
    assert AFTER_THE_COMMIT.keys() == set(expected.split())


def test_each_change_sends_one_signal_in_order(heard: Heard, api: Api) -> None:
    visitor = api.visitor(metadata={"url": "https://example.com/"})
    session_id = visitor.session_id
    visitor.say("Hello")
    answer = api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hi"})["message"]
    api.ok("PATCH", f"/sessions/{session_id}/messages/{answer['id']}", {"content": "Hi!"})
    api.ok("DELETE", f"/sessions/{session_id}/messages/{answer['id']}")
    api.ok("POST", f"/sessions/{session_id}/read")
    api.ok("POST", f"/sessions/{session_id}/identify", {"email": "user@example.com"})
    api.ok("POST", f"/sessions/{session_id}/ai", {"enabled": False})
    api.ok("POST", f"/sessions/{session_id}/events", {"name": "discount"})
    api.ok("POST", f"/sessions/{session_id}/close")
    api.ok("POST", f"/sessions/{session_id}/reopen")
    page = {"visitorId": None, "sessionId": visitor.handle, "metadata": {"url": "https://example.com/next"}}
    assert visitor.request("POST", "/connect", page).status_code == 200
    assert heard.names() == [
        "session_created",
        "message_created",
        "message_created",
        "message_updated",
        "message_deleted",
        "messages_read",
        "visitor_identified",
        "ai_toggled",
        "message_created",
        "session_closed",
        "message_created",
        "session_reopened",
        "session_updated",
    ]


def test_each_action_of_a_page_sends_one_signal(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, disconnect_grace=1)
    visitor = serve(app).visitor()
    with hearing(app) as heard:
        with visitor.stream() as first, visitor.stream():
            first.send({"type": "event", "data": {"name": "added_to_cart", "data": {"sku": 7}}})
            wait_until(lambda: "event_received" in heard.names(), "the event", seen=heard.names)
        wait_until(lambda: "visitor_disconnected" in heard.names(), "the leaving", seen=heard.names)
    assert heard.names() == ["visitor_connected", "event_received", "visitor_disconnected"]
    told = heard.last("event_received")
    assert (told["session_id"], told["name"], told["data"]) == (visitor.session_id, "added_to_cart", {"sku": 7})
    assert heard.last("visitor_connected")["session_id"] == visitor.session_id


def test_requests_without_a_change_send_no_signal(heard: Heard, api: Api) -> None:
    session_id = api.session(identity={"name": "Ann"})
    message = api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hi", "type": "visitor"})["message"]
    path = f"/sessions/{session_id}"
    api.ok("PATCH", f"{path}/messages/{message['id']}", {"content": "Hi"})
    for _ in range(2):
        api.ok("POST", f"{path}/read")
        api.ok("POST", f"{path}/close")
        api.ok("DELETE", f"{path}/messages/{message['id']}")
        api.ok("POST", f"{path}/ai", {"enabled": False})
        api.ok("POST", f"{path}/identify", {"name": "Ann"})
    for refused in ({"content": ""}, {"content": "x"}, {"content": "x", "replyTo": "none"}):
        assert api.post(f"{path}/messages", refused).status_code in {400, 409}
    assert heard.names() == [
        "session_created",
        "message_created",
        "messages_read",
        "message_created",
        "session_closed",
        "message_deleted",
        "ai_toggled",
    ]


def test_payloads_are_frozen_values(heard: Heard, api: Api) -> None:
    session_id = api.session(identity={"customerId": "42"}, metadata={"pageUrl": "https://example.com/"})
    sent = api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hi", "type": "visitor"})["message"]
    api.ok("POST", f"/sessions/{session_id}/read")
    session, message = heard.last("session_created")["session"], heard.last("message_created")["message"]
    assert isinstance(session, Session)
    assert (session.id, session.status) == (session_id, "active")
    assert session.identity == Identity(customer_id="42", verified=True)
    assert isinstance(message, Message)
    assert (message.id, message.content, message.type, message.seq) == (sent["id"], "Hi", "visitor", sent["seq"])
    for value, field in ((session, "status"), (message, "content"), (heard.calls[0][1]["event"], "type")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "changed")
    with pytest.raises(TypeError):
        session.metadata["pageUrl"] = "changed"  # type: ignore[index]
    read = heard.last("messages_read")
    assert (read["session_id"], read["message_ids"], read["status"]) == (session_id, [sent["id"]], "read")
    assert read["at"] > message.created_at
    events = [payload["event"] for _, payload in heard.calls]
    assert [(event.type, event.seq) for event in events] == [
        ("session.created", 1),
        ("message.created", 2),
        ("message.read", 3),
    ]
    assert all(event.public_id.startswith("evt_") for event in events)


def test_a_signal_is_sent_after_the_commit(tmp_path: Path, any_database: str) -> None:
    served = make_app(tmp_path, any_database, worker="off")
    pocketping: PocketPing = served.extensions["test_pocketping"]
    onlooker = create_engine(any_database)
    seen: list[list[str]] = []

    def look(sender: Flask, message: Message, **extra: Any) -> None:
        with onlooker.connect() as connection:
            query = select(table(MessageModel).c.id).where(table(MessageModel).c.id == message.id)
            seen.append(list(connection.execute(query).scalars()))

    with served.app_context(), connected(signals.message_created, look, served):
        sent = pocketping.send_message(pocketping.open_session().id, "Hello")
    assert seen == [[sent.id]]
    onlooker.dispose()
    pocketping.close(served)


def test_a_receiver_may_use_the_python_api(app: Flask, api: Api) -> None:
    pocketping: PocketPing = app.extensions["test_pocketping"]

    def answer(sender: Flask, message: Message, **extra: Any) -> None:
        assert current_app._get_current_object() is sender  # type: ignore[attr-defined]
        if message.type == "visitor":
            pocketping.send_message(message.session_id, "We are closed today.", type="system")

    session_id = api.session()
    with connected(signals.message_created, answer, app):
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello", "type": "visitor"})
    messages = api.ok("GET", f"/sessions/{session_id}/messages")["messages"]
    assert [message["content"] for message in messages] == ["Hello", "We are closed today."]


def test_a_failing_receiver_does_not_affect_others(
    app: Flask, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def first(sender: Flask, **payload: Any) -> None:
        heard.append("first")
        raise ValueError("swordfish")

    def second(sender: Flask, **payload: Any) -> None:
        heard.append("second")
        raise SystemError("of another kind")

    def third(sender: Flask, **payload: Any) -> None:
        heard.append("third")

    api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["message.created"]})
    session_id = api.session()
    chain = [connected(signals.message_created, found, app) for found in (first, second, third)]
    with chain[0], chain[1], chain[2], api.socket() as office:
        answer = api.post(f"/sessions/{session_id}/messages", {"content": "Hello"})
        assert answer.status_code == 201
        assert office.expect("message.created")["message"]["content"] == "Hello"
    assert sorted(heard) == ["first", "second", "third"]
    receiver.wait(1)
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 2
    assert all("evt_" in record.getMessage() and record.exc_info for record in failures)
    assert "swordfish" not in answer.text


def test_signals_of_another_app_are_not_received(heard: Heard, tmp_path: Path, serve: Serve) -> None:
    serve(make_app(tmp_path / "another")).session()
    assert heard.calls == []


def test_concurrent_changes_send_one_signal_each(heard: Heard, api: Api) -> None:
    session_id = api.session()
    barrier = threading.Barrier(20)

    def send(number: int) -> str:
        barrier.wait()
        return str(api.ok("POST", f"/sessions/{session_id}/messages", {"content": f"No. {number}"})["message"]["id"])

    with ThreadPoolExecutor(20) as pool:
        sent = list(pool.map(send, range(20)))
    told = [payload["message"].id for name, payload in heard.calls if name == "message_created"]
    assert sorted(told) == sorted(sent)


def test_a_repeated_request_sends_one_signal(heard: Heard, api: Api) -> None:
    session_id = api.session()
    for _ in range(3):
        api.post(f"/sessions/{session_id}/messages", {"content": "x"}, headers={"Idempotency-Key": "key"})
    assert heard.names() == ["session_created", "message_created"]


def test_a_change_sends_its_signal_only_in_its_own_process(tmp_path: Path, sqlite: str, serve: Serve) -> None:
    one, other = make_app(tmp_path, sqlite), make_app(tmp_path, sqlite)
    with hearing(one) as in_one, hearing(other) as in_other:
        here, there = serve(one), serve(other)
        with there.socket() as office:
            session_id = here.session()
            assert office.expect("session.created")["sessionId"] == session_id
        assert (in_one.names(), in_other.names()) == (["session_created"], [])


def test_signals_of_deliveries_are_sent_in_the_worker(heard: Heard, api: Api, receiver: Receiver) -> None:
    receiver.answers = [Answer(500), Answer(200)]
    hook = api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["session.closed"]})["webhook"]
    delivery = api.ok("POST", f"/webhooks/{hook['id']}/test")["delivery"]
    wait_until(lambda: "delivery_failed" in heard.names(), "a failure", seen=heard.names)
    api.ok("POST", f"/webhooks/{hook['id']}/deliveries/{delivery['id']}/retry")
    wait_until(lambda: "delivery_succeeded" in heard.names(), "a success", seen=heard.names)
    assert heard.names() == ["delivery_failed", "delivery_succeeded"]
    failed, succeeded = heard.last("delivery_failed")["delivery"], heard.last("delivery_succeeded")["delivery"]
    assert (failed.id, failed.state, [attempt.status_code for attempt in failed.attempts]) == (
        delivery["id"],
        "pending",
        [500],
    )
    assert (succeeded.state, [attempt.status_code for attempt in succeeded.attempts]) == ("succeeded", [500, 200])


def test_a_webhook_disabled_by_410_sends_a_signal(heard: Heard, api: Api, receiver: Receiver) -> None:
    receiver.answers = [Answer(410)]
    hook = api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["session.created"]})["webhook"]
    api.session()
    wait_until(lambda: "webhook_disabled" in heard.names(), "disabled", seen=heard.names)
    told = heard.last("webhook_disabled")["webhook"]
    assert (told.id, told.enabled, told.secret) == (hook["id"], False, None)
    assert told.disabled_reason


def test_message_received_sees_every_message_before_it_is_stored(app: Flask, api: Api) -> None:
    drafts: list[tuple[str, str, str]] = []

    def note(sender: Flask, draft: MessageDraft) -> None:
        assert sender is app
        drafts.append((draft.session_id, draft.type, draft.content))

    pocketping: PocketPing = app.extensions["test_pocketping"]
    visitor = api.visitor()
    session_id = visitor.session_id
    with connected(signals.message_received, note, app):
        visitor.say("One")
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Two", "type": "ai"})
        with app.app_context():
            pocketping.send_message(session_id, "Three")
    assert drafts == [(session_id, "visitor", "One"), (session_id, "ai", "Two"), (session_id, "operator", "Three")]


def test_message_received_may_change_the_content(app: Flask, api: Api, receiver: Receiver) -> None:
    def mask(sender: Flask, draft: MessageDraft) -> None:
        draft.content = draft.content.replace("1234", "****")

    def shout(sender: Flask, draft: MessageDraft) -> None:
        draft.content = draft.content + "!"

    api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["message.created"]})
    visitor = api.visitor()
    with connected(signals.message_received, mask, app), connected(signals.message_received, shout, app):
        visitor.say("My card is 1234")
    assert [message["content"] for message in visitor.messages()] == ["My card is ****!"]
    receiver.wait(1)
    assert receiver.received[0].json["data"]["message"]["content"] == "My card is ****!"


@pytest.mark.parametrize("content", ["", " ", "x" * 4001, "a\x00b", None])
def test_content_changed_by_message_received_is_validated(app: Flask, api: Api, content: Any) -> None:
    def spoil(sender: Flask, draft: MessageDraft) -> None:
        draft.content = content

    session_id = api.session()
    with connected(signals.message_received, spoil, app):
        answer = api.post(f"/sessions/{session_id}/messages", {"content": "Fine"})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["content"])
    assert api.ok("GET", f"/sessions/{session_id}/messages")["messages"] == []


def test_message_received_may_reject_with_a_text_for_the_sender(app: Flask, api: Api, heard: Heard) -> None:
    called: list[str] = []

    def refuse(sender: Flask, draft: MessageDraft) -> None:
        called.append(draft.content)
        if "spam" in draft.content:
            raise MessageRejected("Please, no spam.")

    visitor = api.visitor()
    pocketping: PocketPing = app.extensions["test_pocketping"]
    with connected(signals.message_received, refuse, app):
        answer = visitor.request("POST", "/message", {"sessionId": visitor.handle, "content": "spam"})
        assert (answer.status_code, answer.json()["message"]) == (400, "Please, no spam.")
        answer = api.post(f"/sessions/{visitor.session_id}/messages", {"content": "spam"})
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
        with app.app_context(), pytest.raises(MessageRejected, match=r"Please, no spam\."):
            pocketping.send_message(visitor.session_id, "spam")
        visitor.say("ham")
    assert called == ["spam", "spam", "spam", "ham"]
    assert [message["content"] for message in visitor.messages()] == ["ham"]
    assert heard.names() == ["session_created", "message_created"]


def test_message_received_sees_an_edit_before_it_is_stored(app: Flask, api: Api) -> None:
    drafts: list[tuple[str | None, str, str | None]] = []

    def mind(sender: Flask, draft: MessageDraft) -> None:
        drafts.append((draft.message_id, draft.type, draft.operator_name))
        if "spam" in draft.content:
            raise MessageRejected("Please, no spam.")
        draft.content = draft.content.replace("1234", "****")

    pocketping: PocketPing = app.extensions["test_pocketping"]
    visitor = api.visitor()
    path = f"/sessions/{visitor.session_id}/messages"
    mine = visitor.say("ham")["messageId"]
    theirs = api.ok("POST", path, {"content": "eggs", "operatorName": "Ana"})["message"]["id"]
    with connected(signals.message_received, mind, app):
        answer = visitor.request("PATCH", f"/message/{mine}", {"sessionId": visitor.handle, "content": "spam"})
        assert (answer.status_code, answer.json()["message"]) == (400, "Please, no spam.")
        answer = api.request("PATCH", f"{path}/{theirs}", json={"content": "spam"})
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
        with app.app_context(), pytest.raises(MessageRejected, match=r"Please, no spam\."):
            pocketping.edit_message(visitor.session_id, theirs, "spam")
        answer = visitor.request("PATCH", f"/message/{mine}", {"sessionId": visitor.handle, "content": "PIN 1234"})
        assert answer.json()["message"]["content"] == "PIN ****"
        for message_id in (theirs, "msg_none"):
            body = {"sessionId": visitor.handle, "content": "Hello"}
            assert visitor.request("PATCH", f"/message/{message_id}", body).status_code in {400, 404}
    assert drafts == [(mine, "visitor", None), *[(theirs, "operator", "Ana")] * 2, (mine, "visitor", None)]
    assert [message["content"] for message in visitor.messages()] == ["PIN ****", "eggs"]


def test_message_received_is_not_sent_for_messages_of_others(app: Flask, api: Api) -> None:
    asked: list[str] = []

    def note(sender: Flask, draft: MessageDraft) -> None:
        asked.append(draft.session_id)

    db = app.extensions["pocketping"].db
    stranger = api.with_key(projects.create_key(db, "CRM", projects.create_project(db, "Another").id).key)
    session_id = api.session()
    with connected(signals.message_received, note, app):
        for client, of in ((stranger, session_id), (api, "sess_none")):
            answer = client.post(f"/sessions/{of}/messages", {"content": "Hello"})
            assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")
    assert asked == []


def test_message_received_runs_outside_of_transactions(tmp_path: Path, serve: Serve) -> None:
    path = tmp_path / "shop.db"
    app = make_app(tmp_path, f"sqlite:///{path}", **LOCAL)
    host = create_engine(f"sqlite:///{path}", connect_args={"timeout": 2})
    with host.begin() as connection:
        connection.execute(text("CREATE TABLE word (content TEXT)"))

    def keep(sender: Flask, draft: MessageDraft) -> None:
        with host.begin() as connection:
            connection.execute(text("INSERT INTO word VALUES (:content)"), {"content": draft.content})

    def keep_again(sender: Flask, message: Message, **extra: Any) -> None:
        with host.begin() as connection:
            connection.execute(text("INSERT INTO word VALUES (:content)"), {"content": message.content.upper()})

    visitor = serve(app).visitor()
    with connected(signals.message_received, keep, app), connected(signals.message_created, keep_again, app):
        visitor.say("hello")
    with host.connect() as connection:
        assert connection.execute(text("SELECT content FROM word")).scalars().all() == ["hello", "HELLO"]
    host.dispose()
