"""Tests webhooks as receivers see them: the signed request, retries, and disabling endpoints that fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal
from flask import Flask, current_app
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from flask_pocketping import clock, signals
from flask_pocketping.chat import projects
from flask_pocketping.values import EVENT_TYPES, Delivery, Webhook

from ..conftest import LOCAL, Serve
from ..support.clients import Api
from ..support.hooks import Hook, moment, sent_at, signed_with
from ..support.receiver import Answer, Receiver, receiving
from ..support.servers import free_port, make_app, serving, wait_until
from ..support.travel import Travel

HOUR = 3600.0
#: Seconds from each attempt to the next, as the contract has them.
DELAYS = [5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR]
IDENTITY = {"email": "ada@example.com", "name": "Ada"}

# --- The request ---


def test_the_request_matches_the_reference(api: Api, receiver: Receiver) -> None:
    hook = Hook(api, receiver.url, ["message.created"])
    visitor = api.visitor()
    message_id = visitor.say("Grüße! 👋")["messageId"]
    [received] = receiver.wait(1)

    assert received.path == "/hook"
    assert received.json.keys() == {"event", "timestamp", "data"}
    assert received.json["event"] == "message.created"
    data = received.json["data"]
    assert data.keys() == {"sessionId", "message"}
    assert data["sessionId"] == visitor.session_id
    assert (data["message"]["id"], data["message"]["content"], data["message"]["type"]) == (
        message_id,
        "Grüße! 👋",
        "visitor",
    )
    [message] = api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"]
    assert data["message"] == message
    assert received.json["timestamp"] == message["createdAt"]

    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["webhook-id"].startswith("evt_")
    assert abs(sent_at(received) - datetime.now(UTC)) < timedelta(seconds=30)
    assert received.headers["X-PocketPing-Event"] == "message.created"
    expected = hmac.new(hook.secret.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["X-PocketPing-Signature"] == f"sha256={expected}"
    assert "Authorization" not in received.headers
    assert Verifier(hook.secret).verify(received.body, received.headers) == received.json


def test_each_endpoint_has_its_own_standard_secret(api: Api, receiver: Receiver) -> None:
    first, second = Hook(api, receiver.url), Hook(api, receiver.url)
    for hook in (first, second):
        assert hook.secret.startswith("whsec_")
        assert len(base64.b64decode(hook.secret.removeprefix("whsec_"), validate=True)) == 32
    api.session()
    requests = receiver.wait(2)
    assert {signed_with(requests[0], hook.secret) for hook in (first, second)} == {True, False}
    assert requests[0].headers["webhook-id"] == requests[1].headers["webhook-id"]
    assert requests[0].body == requests[1].body


def test_a_signature_is_valid_for_one_request_and_five_minutes(api: Api, receiver: Receiver, travel: Travel) -> None:
    hook = Hook(api, receiver.url)
    api.session()
    [received] = receiver.wait(1)
    verifier = Verifier(hook.secret)
    verifier.verify(received.body, received.headers)
    later = str(int(received.headers["webhook-timestamp"]) + 1)
    for changed in ({"webhook-timestamp": later}, {"webhook-id": "evt_2"}):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(received.body, received.headers | changed)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(received.body.replace(b"session.created", b"session.deleted"), received.headers)

    travel.forward(minutes=-6)
    hook.test()
    with pytest.raises(WebhookVerificationError, match="too old"):
        verifier.verify(receiver.wait(2)[1].body, receiver.received[1].headers)


def test_webhook_secrets_appear_only_where_they_are_created(
    app: Flask, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = Hook(api, receiver.url)
    rotated: str = api.ok("POST", hook.path + "/rotate")["webhook"]["secret"]
    assert rotated != hook.secret
    receiver.answers = [Answer(500)]
    api.session()
    hook.wait_for("pending", attempts=1)
    refused = api.patch(hook.path, {"url": "ftp://example.com", "events": ["nonsense"]})
    assert refused.status_code == 400
    shown = [
        api.get("/webhooks").text,
        api.get(hook.path).text,
        api.get(hook.path + "/deliveries").text,
        api.patch(hook.path, {"description": "Ours"}).text,
        api.post(hook.path + "/test").text,
        refused.text,
        caplog.text,
        repr([received.headers for received in receiver.wait(2)]),
        *(received.path + received.body.decode() for received in receiver.received),
    ]
    for secret in (hook.secret, rotated):
        assert not [text for text in shown if secret.removeprefix("whsec_") in text]
    assert '"secret"' not in "".join(shown)


def test_a_rotated_secret_also_signs_for_a_day(api: Api, receiver: Receiver, travel: Travel) -> None:
    hook = Hook(api, receiver.url)
    new: str = api.ok("POST", hook.path + "/rotate")["webhook"]["secret"]

    def signatures() -> tuple[bool, bool, int]:
        before = len(receiver.received)
        hook.test()
        received = receiver.wait(before + 1)[-1]
        plain = hmac.new(new.encode(), received.body, hashlib.sha256).hexdigest()
        assert received.headers["X-PocketPing-Signature"] == f"sha256={plain}"
        count = len(received.headers["webhook-signature"].split(" "))
        return signed_with(received, hook.secret), signed_with(received, new), count

    assert signatures() == (True, True, 2)
    for secret in (hook.secret, new):
        Verifier(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    travel.forward(hours=23, minutes=59)
    assert signatures() == (True, True, 2)
    travel.forward(minutes=2)
    assert signatures() == (False, True, 1)


def test_every_type_of_event_has_its_data(serve: Serve, receiver: Receiver) -> None:
    api = serve(disconnect_grace=1, visitor_message_limit="off")
    everything, closings = Hook(api, receiver.url), Hook(api, receiver.url + "/closed", ["session.closed"])
    page = {"url": "https://shop.example/", "userAgent": "Mozilla/5.0"}
    visitor = api.visitor(metadata=page)
    session = f"/sessions/{visitor.session_id}"
    visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {**page, "language": "de"}})
    visitor.say("Hello!")
    sent = api.ok("POST", session + "/messages", {"content": "Hi", "operatorName": "Bo"})["message"]["id"]
    api.ok("PATCH", f"{session}/messages/{sent}", {"content": "Hi!"})
    api.ok("DELETE", f"{session}/messages/{sent}")
    api.ok("POST", session + "/read")
    api.ok("POST", session + "/identify", IDENTITY)
    api.ok("POST", session + "/ai", {"enabled": False})
    api.ok("POST", session + "/events", {"name": "show-offer", "data": {"percent": 10}})
    with visitor.stream() as stream:
        stream.send({"type": "event", "data": {"name": "cart", "data": [1, 2]}})
        wait_until(lambda: "event.received" in receiver.events(), "event.received", 10, receiver.events)
    wait_until(lambda: "visitor.disconnected" in receiver.events(), "visitor.disconnected", 10, receiver.events)
    api.ok("POST", session + "/close")
    api.ok("POST", session + "/reopen")
    wait_until(lambda: "session.reopened" in receiver.events(), "session.reopened", 10, receiver.events)

    mine = [received for received in receiver.received if signed_with(received, everything.secret)]
    of_type = {received.event: received for received in mine}
    for received in mine:
        assert received.json.keys() == {"event", "timestamp", "data"}
        assert received.json["data"]["sessionId"] == visitor.session_id
        assert received.headers["X-PocketPing-Event"] == received.event
        assert moment(received.json["timestamp"])
    [closed] = [received for received in receiver.received if signed_with(received, closings.secret)]
    assert closed.path == "/hook/closed"
    assert closed.body == of_type["session.closed"].body

    keys = {event: received.json["data"].keys() - {"sessionId"} for event, received in of_type.items()}
    assert keys == {
        "session.created": {"session"},
        "session.updated": {"session"},
        "session.closed": set(),
        "session.reopened": set(),
        "message.created": {"message"},
        "message.updated": {"message"},
        "message.deleted": {"message"},
        "message.read": {"messageIds", "status", "readAt"},
        "visitor.identified": {"identity"},
        "visitor.connected": set(),
        "visitor.disconnected": set(),
        "ai.toggled": {"enabled"},
        "event.sent": {"name", "data"},
        "event.received": {"name", "data"},
    }
    assert of_type.keys() <= set(EVENT_TYPES)
    data: dict[str, dict[str, Any]] = {event: received.json["data"] for event, received in of_type.items()}
    shown = api.ok("GET", session)["session"]
    assert data["session.created"]["session"].keys() == shown.keys()
    assert data["session.updated"]["session"]["metadata"]["language"] == "de"
    assert data["message.updated"]["message"]["content"] == "Hi!"
    assert data["message.updated"]["message"]["operatorName"] == "Bo"
    assert data["message.deleted"]["message"]["content"] == ""
    assert moment(data["message.deleted"]["message"]["deletedAt"])
    assert data["message.read"]["status"] == "read"
    assert len(data["message.read"]["messageIds"]) == 1
    assert data["visitor.identified"]["identity"] == {**IDENTITY, "verified": True}
    assert data["ai.toggled"] == {"sessionId": visitor.session_id, "enabled": False}
    assert data["event.sent"]["data"] == {"percent": 10}
    assert (data["event.received"]["name"], data["event.received"]["data"]) == ("cart", [1, 2])


def test_an_endpoint_gets_its_types_of_its_project_only(app: Flask, api: Api) -> None:
    db = app.extensions["pocketping"].db
    project = projects.create_project(db, "Another site")
    other = api.with_key(projects.create_key(db, "A key", project.id).key)
    with receiving() as ours, receiving() as theirs:
        Hook(api, ours.url, ["session.created", "session.closed"])
        Hook(other, theirs.url)
        session_id = api.session()
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hi"})
        api.ok("POST", f"/sessions/{session_id}/close")
        other.session()
        ours.wait(2)
        theirs.wait(1)
        assert ours.events() == ["session.created", "session.closed"]
        assert theirs.events() == ["session.created"]


def test_a_read_receipt_sends_no_second_message_event(api: Api, receiver: Receiver) -> None:
    Hook(api, receiver.url)
    visitor = api.visitor()
    visitor.say("Only once")
    for _ in range(3):
        api.ok("POST", f"/sessions/{visitor.session_id}/read")
    api.ok("POST", f"/sessions/{visitor.session_id}/close")
    receiver.wait(5)
    assert receiver.events() == [
        "session.created",
        "message.created",
        "message.read",
        "message.created",
        "session.closed",
    ]
    assert receiver.received[3].json["data"]["message"]["content"] == "Session closed"
    message = api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"][0]
    assert message["status"] == "read"
    assert [item["content"] for item in visitor.messages()] == ["Only once", "Session closed"]


# --- Failures and retries ---


def test_a_retry_is_the_same_request_with_a_fresh_timestamp(api: Api, receiver: Receiver, travel: Travel) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(500, body=b"broken", hold=hold)]
    hook = Hook(api, receiver.url)
    api.session()
    receiver.wait(1)
    before = travel.now()
    hold.set()
    [delivery] = hook.wait_for("pending", attempts=1)
    due = moment(delivery["nextAttemptAt"])
    assert before + timedelta(seconds=4) <= due <= travel.now() + timedelta(seconds=6)

    travel.to(due - timedelta(seconds=1))
    hook.test()
    assert receiver.wait(2)[1].event == "webhook.test", "the retry came before its time"
    travel.to(due)
    [first, _, second] = receiver.wait(3)
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body
    assert sent_at(second) - sent_at(first) >= timedelta(seconds=3)
    assert signed_with(first, hook.secret)
    assert signed_with(second, hook.secret)
    assert [attempt["statusCode"] for attempt in hook.wait_for("succeeded", "succeeded")[0]["attempts"]] == [500, 200]


def test_a_delivery_fails_after_its_last_retry(api: Api, receiver: Receiver, travel: Travel) -> None:
    receiver.answer = lambda received: Answer(503, body=b"down for maintenance")
    hook = Hook(api, receiver.url)
    api.session()
    for made, delay in enumerate(DELAYS, start=1):
        [delivery] = hook.wait_for("pending", attempts=made)
        due = moment(delivery["nextAttemptAt"])
        wait = (due - moment(delivery["attempts"][-1]["startedAt"])).total_seconds()
        assert 0.8 * delay <= wait <= 1.2 * delay + 2
        travel.to(due)
    [delivery] = hook.wait_for("failed", attempts=len(DELAYS) + 1)
    assert delivery["nextAttemptAt"] is None
    assert [attempt["number"] for attempt in delivery["attempts"]] == list(range(1, 9))
    assert {attempt["error"] for attempt in delivery["attempts"]} == {"HTTP 503"}
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert len({received.body for received in receiver.received}) == 1
    assert len({sent_at(received) for received in receiver.received}) == 8
    assert all(signed_with(received, hook.secret) for received in receiver.received)

    travel.forward(days=2)
    hook.test()
    assert receiver.wait(9)[-1].event == "webhook.test"
    assert hook.shown()["enabled"] is True


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
def test_retry_after_is_honoured(api: Api, receiver: Receiver, travel: Travel, as_date: bool) -> None:
    asked = travel.now().replace(microsecond=0) + timedelta(minutes=10)
    value = format_datetime(asked, usegmt=True) if as_date else "600"
    receiver.answers = [Answer(429, headers={"Retry-After": value})]
    hook = Hook(api, receiver.url)
    before = travel.now()
    api.session()
    [delivery] = hook.wait_for("pending", attempts=1)
    earliest = asked if as_date else before + timedelta(minutes=10)
    assert earliest <= moment(delivery["nextAttemptAt"]) <= travel.now() + timedelta(minutes=10)
    travel.to(moment(delivery["nextAttemptAt"]))
    hook.wait_for("succeeded", attempts=2)


def test_410_disables_the_endpoint(app: Flask, api: Api, receiver: Receiver, travel: Travel) -> None:
    hook = Hook(api, receiver.url)
    receiver.answers = [Answer(500), Answer(410, body=b"gone")]
    with heard(app) as signs:
        session_id = api.session()
        hook.wait_for("pending", attempts=1)
        api.ok("POST", f"/sessions/{session_id}/close")
        [waiting, gone, behind] = hook.wait_for("cancelled", "failed", "cancelled")
    assert (waiting["nextAttemptAt"], behind["nextAttemptAt"]) == (None, None)
    assert [attempt["statusCode"] for attempt in gone["attempts"]] == [410]
    shown = hook.shown()
    assert shown["enabled"] is False
    assert "410" in shown["disabledReason"]
    assert [name for name, _ in signs] == ["delivery_failed", "delivery_failed", "webhook_disabled"]
    told = signs[-1][1]
    assert isinstance(told, Webhook)
    assert (told.id, told.enabled, told.disabled_reason) == (hook.id, False, shown["disabledReason"])
    assert told.secret is None

    api.ok("POST", f"/sessions/{session_id}/reopen")
    travel.forward(days=1)
    hook.test()
    assert receiver.wait(3)[-1].event == "webhook.test"
    assert len(hook.deliveries()) == 4


def test_a_redirect_is_not_followed(api: Api, receiver: Receiver, travel: Travel) -> None:
    with receiving() as elsewhere:
        receiver.answers = [Answer(status, headers={"Location": elsewhere.url}) for status in (301, 302, 303, 307, 308)]
        hook = Hook(api, receiver.url)
        api.session()
        for made in range(1, 6):
            [delivery] = hook.wait_for("pending", attempts=made)
            travel.to(moment(delivery["nextAttemptAt"]))
        [delivery] = hook.wait_for("succeeded", attempts=6)
        assert elsewhere.received == []
    assert delivery["attempts"][1]["statusCode"] == 302
    assert "redirect" in delivery["attempts"][1]["error"]


def test_a_hanging_endpoint_does_not_delay_others(api: Api, receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(hold=threading.Event())
    with receiving() as healthy:
        hanging = Hook(api, receiver.url)
        Hook(api, healthy.url)
        for _ in range(20):
            api.session()
        healthy.wait(20)
        states = [delivery["state"] for delivery in hanging.deliveries()]
        assert states == ["running"] * 8 + ["pending"] * 12, "the healthy endpoint was to be done first"


def test_a_missing_response_times_out(serve: Serve, receiver: Receiver) -> None:
    api = serve(webhook_timeout=0.3)
    receiver.answer = lambda received: Answer(hold=threading.Event())
    hook = Hook(api, receiver.url)
    hook.test()
    [delivery] = hook.wait_for("pending", attempts=1)
    [attempt] = delivery["attempts"]
    assert attempt["statusCode"] is None
    assert attempt["error"].startswith("Timeout")
    assert attempt["duration"] >= 300


def test_a_refused_connection_is_retried(api: Api, travel: Travel) -> None:
    hook = Hook(api, f"http://127.0.0.1:{free_port()}/hook")
    api.session()
    [delivery] = hook.wait_for("pending", attempts=1)
    [attempt] = delivery["attempts"]
    assert attempt["statusCode"] is None
    assert attempt["response"] is None
    assert "failed" in attempt["error"]
    with receiving() as late:
        hook.change(url=late.url)
        travel.to(moment(delivery["nextAttemptAt"]))
        late.wait(1)
        hook.wait_for("succeeded", attempts=2)


def test_a_name_with_a_private_address_is_refused_when_delivering(serve: Serve, receiver: Receiver) -> None:
    api = serve(webhook_allow_networks="")
    hook = Hook(api, f"http://localhost:{receiver.port}/hook")
    api.session()
    [delivery] = hook.wait_for("pending", attempts=1)
    assert "not allowed" in delivery["attempts"][0]["error"]
    assert "127.0.0.1" not in delivery["attempts"][0]["error"]
    assert receiver.received == []


def test_up_to_two_kilobytes_of_a_response_are_stored(api: Api, receiver: Receiver) -> None:
    receiver.answers = [Answer(body="é".encode() * 5000)]
    hook = Hook(api, receiver.url)
    hook.test()
    [delivery] = hook.wait_for("succeeded", attempts=1)
    [attempt] = delivery["attempts"]
    assert attempt["response"] == "é" * 1024
    assert (attempt["number"], attempt["statusCode"], attempt["error"]) == (1, 200, None)
    assert attempt["duration"] >= 0
    assert moment(attempt["startedAt"]) >= moment(delivery["createdAt"])


def test_a_failed_delivery_is_retried_even_after_a_restart(tmp_path: Path, receiver: Receiver, travel: Travel) -> None:
    receiver.answer = lambda received: Answer(500)
    with serving(make_app(tmp_path, **LOCAL)) as api:
        hook = Hook(api, receiver.url, ["message.created"])
        visitor = api.visitor()
        sent = [visitor.say(text)["messageId"] for text in ("Do not lose me", "Nor me")]
        hook.wait_for("pending", "pending", attempts=1)
    receiver.answer = lambda received: Answer()
    travel.forward(seconds=7)
    with serving(make_app(tmp_path, **LOCAL)) as api:
        assert api.get("/health").status_code == 200
        hook.api = api
        hook.wait_for("succeeded", "succeeded", attempts=2)
    assert {received.json["data"]["message"]["id"] for received in receiver.received[2:]} == set(sent)


# --- The end of an endpoint, and a new beginning ---


def test_five_days_of_failures_disable_an_endpoint(app: Flask, api: Api, receiver: Receiver, travel: Travel) -> None:
    hook = Hook(api, receiver.url)

    def one_more(status: int) -> None:
        receiver.answer = lambda received: Answer(status)
        before = len(hook.deliveries())
        api.session()
        wait_until(lambda: len(hook.deliveries()) == before + 1, "a delivery")
        states = {"succeeded"} if status == 200 else {"pending", "failed", "cancelled", "succeeded"}
        wait_until(lambda: _all_tried(hook.deliveries(), states), f"all {states}", 15, hook.deliveries)

    with heard(app, "webhook_disabled") as signs:
        one_more(500)
        travel.forward(days=4, hours=23)
        one_more(500)
        assert hook.shown()["enabled"] is True
        first_failure = travel.now() - timedelta(days=4, hours=23)
        travel.forward(minutes=50)
        one_more(200)
        for days in (0, 2, 2.9):
            travel.forward(days=days)
            one_more(500)
            assert hook.shown()["enabled"] is True, "the success in between was to count"
        assert travel.now() - first_failure > timedelta(days=9)
        assert not signs
        travel.forward(days=0.2)
        one_more(500)
        wait_until(lambda: signs, "webhook_disabled")
    shown = hook.shown()
    assert shown["enabled"] is False
    assert "five days" in shown["disabledReason"]
    assert {delivery["state"] for delivery in hook.deliveries()} <= {"succeeded", "failed", "cancelled"}
    [(_, told)] = signs
    assert isinstance(told, Webhook)
    assert told.disabled_reason == shown["disabledReason"]

    again = hook.change(enabled=True)
    assert again["enabled"] is True
    assert "disabledReason" not in again
    travel.forward(days=1)
    old = len(hook.deliveries())
    api.session()
    wait_until(lambda: _all_tried(hook.deliveries()[old:], {"pending"}), "a first failure", 10)
    assert hook.shown()["enabled"] is True, "re-enabled, it was to begin afresh"
    travel.forward(seconds=7)
    receiver.answer = lambda received: Answer()
    wait_until(lambda: hook.deliveries()[-1]["state"] == "succeeded", "a success", 10)


def test_disabling_an_endpoint_cancels_pending_and_failing_deliveries(
    api: Api, receiver: Receiver, travel: Travel
) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(500), Answer(500, hold=hold)]
    hook = Hook(api, receiver.url)
    api.session()
    hook.wait_for("pending", attempts=1)
    api.session()
    receiver.wait(2)
    shown = hook.change(enabled=False)
    assert shown["enabled"] is False
    assert "hand" in shown["disabledReason"]
    assert [item["state"] for item in hook.deliveries()] == ["cancelled", "running"]
    hold.set()
    [_, second] = hook.wait_for("cancelled", "cancelled")
    assert [attempt["statusCode"] for attempt in second["attempts"]] == [500]

    api.session()
    assert len(hook.deliveries()) == 2
    hook.change(enabled=True)
    travel.forward(days=1)
    api.session()
    hook.wait_for("cancelled", "cancelled", "succeeded")
    assert len(receiver.received) == 3


def test_a_test_event_reaches_a_disabled_endpoint_once(api: Api, receiver: Receiver, travel: Travel) -> None:
    hook = Hook(api, receiver.url, ["session.closed"])
    hook.change(enabled=False)
    receiver.answers = [Answer(), Answer(500)]
    delivery = hook.test()
    assert delivery["event"] == "webhook.test"
    assert delivery["webhookId"] == hook.id
    assert delivery["state"] == "pending"
    [received] = receiver.wait(1)
    assert received.event == received.headers["X-PocketPing-Event"] == "webhook.test"
    assert received.headers["webhook-id"] == delivery["id"] == delivery["eventId"]
    assert received.json["data"]["webhookId"] == hook.id
    assert signed_with(received, hook.secret)
    hook.test()
    hook.wait_for("succeeded", "cancelled")


# --- Signals ---


def test_each_attempt_sends_a_signal(app: Flask, api: Api, receiver: Receiver, travel: Travel) -> None:
    receiver.answers = [Answer(500, body=b"not yet")]
    hook = Hook(api, receiver.url, ["session.created"])
    with heard(app) as signs:
        session_id = api.session()
        [shown] = hook.wait_for("pending", attempts=1)
        travel.to(moment(shown["nextAttemptAt"]))
        hook.wait_for("succeeded", attempts=2)
        wait_until(lambda: len(signs) == 2, "two signals")
    assert [name for name, _ in signs] == ["delivery_failed", "delivery_succeeded"]
    for (_, delivery), state, status in zip(signs, ("pending", "succeeded"), (500, 200), strict=True):
        assert isinstance(delivery, Delivery)
        assert (delivery.id, delivery.target_id, delivery.session_id) == (shown["id"], hook.id, session_id)
        assert (delivery.event_type, delivery.event_id) == ("session.created", shown["eventId"])
        assert delivery.state == state
        assert delivery.attempts[-1].status_code == status
    failed = signs[0][1]
    assert isinstance(failed, Delivery)
    assert failed.attempts[0].response == "not yet"
    assert failed.next_attempt_at == moment(shown["nextAttemptAt"])


def test_a_failing_signal_receiver_stops_neither_others_nor_the_worker(
    app: Flask, api: Api, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(sender: Flask, **payload: Any) -> None:
        raise RuntimeError("a fault of the host")

    hook = Hook(api, receiver.url)
    with signals.delivery_succeeded.connected_to(broken, sender=app), heard(app) as signs:
        api.session()
        wait_until(lambda: len(signs) == 1, "the other receiver")
    hook.wait_for("succeeded", attempts=1)
    assert "a fault of the host" in caplog.text
    api.session()
    receiver.wait(2)


@contextmanager
def heard(app: Flask, *names: str) -> Iterator[list[tuple[str, object]]]:
    """The worker's signals and their payloads, each of which must come in the app's context."""
    signs: list[tuple[str, object]] = []

    def listen(name: str) -> Any:
        def note(sender: Flask, **payload: Any) -> None:
            [value] = payload.values()
            if current_app._get_current_object() is app and sender is app:  # type: ignore[attr-defined]
                signs.append((name, value))

        return note

    with ExitStack() as stack:
        for name in names or ("delivery_succeeded", "delivery_failed", "webhook_disabled"):
            signal: Signal = getattr(signals, name)
            stack.enter_context(signal.connected_to(listen(name), sender=app))
        yield signs


def _all_tried(deliveries: list[dict[str, Any]], states: set[str]) -> bool:
    """Whether all were tried at least once, none is due or under way, and all are in one of these states."""
    now = clock.now()
    return bool(deliveries) and all(
        delivery["state"] in states
        and (delivery["attempts"] or delivery["state"] == "cancelled")
        and (delivery["nextAttemptAt"] is None or moment(delivery["nextAttemptAt"]) > now)
        for delivery in deliveries
    )
