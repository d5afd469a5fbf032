"""Webhooks in the older shape, as receivers of PocketPing's public bridge server read them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from standardwebhooks import Webhook as Verifier

from flask_pocketping.targets.bridge_format import bridge_event
from flask_pocketping.values import EVENT_TYPES

from ..conftest import Serve
from ..support.hooks import Hook, moment
from ..support.receiver import Answer, Receiver
from ..support.servers import wait_until

IDENTITY = {"email": "ada@example.com", "name": "Ada", "customerId": "7", "metadata": {"plan": "pro"}}


def of_type(receiver: Receiver, kind: str) -> dict[str, Any]:
    """The data of the one event of a type, once it is there."""

    def found() -> list[dict[str, Any]]:
        return [received.json for received in receiver.received if received.json["type"] == kind]

    wait_until(lambda: bool(found()), kind, 10, lambda: [received.json["type"] for received in receiver.received])
    [event] = found()
    assert event.keys() == {"type", "data", "sentAt"}
    assert moment(event["sentAt"])
    return dict(event["data"])


def test_a_conversation_in_the_older_shape(serve: Serve, receiver: Receiver) -> None:
    api = serve(webhook_format="pocketping", public_url="https://shop.example")
    Hook(api, receiver.url)
    visitor = api.visitor(metadata={"url": "https://shop.example/tea", "pageTitle": "Tea"})
    path = f"/sessions/{visitor.session_id}"
    said = visitor.say("Grüße 👋")["messageId"]
    visitor.request("PATCH", f"/message/{said}", {"sessionId": visitor.handle, "content": "Grüße!"})
    attachment = api.ok("POST", f"{path}/attachments?filename=a.txt", data=b"text")["attachment"]
    body = {"content": "Hi", "operatorName": "Ana", "replyTo": said, "attachmentIds": [attachment["id"]]}
    sent = api.ok("POST", f"{path}/messages", body)["message"]
    api.ok("PATCH", f"{path}/messages/{sent['id']}", {"content": "Hello"})
    api.ok("DELETE", f"{path}/messages/{sent['id']}")
    api.ok("POST", f"{path}/messages", {"content": "I am a robot", "type": "ai"})
    api.ok("POST", f"{path}/identify", IDENTITY)
    visitor.request("POST", "/events", {"sessionId": visitor.handle, "name": "cart", "data": [1]})
    visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 4})
    api.ok("POST", f"{path}/close")

    own = {"sessionId": visitor.session_id}
    opened = of_type(receiver, "new_session")
    assert opened["session"]["id"] == visitor.session_id
    assert opened["session"]["metadata"]["url"] == "https://shop.example/tea"
    assert "identity" not in opened["session"]
    message = of_type(receiver, "visitor_message")["message"]
    assert (message["id"], message["content"], message["sender"]) == (said, "Grüße 👋", "visitor")
    assert moment(message["timestamp"])
    edited = of_type(receiver, "visitor_message_edited")
    assert (edited["messageId"], edited["content"]) == (said, "Grüße!")
    assert moment(edited["editedAt"])
    told = of_type(receiver, "operator_message")
    [file] = told.pop("attachments")
    assert file["url"].startswith("https://shop.example/files/")
    assert told == {**own, "messageId": sent["id"], "content": "Hi", "operatorName": "Ana", "replyTo": said}
    assert of_type(receiver, "operator_message_edited")["content"] == "Hello"
    assert moment(of_type(receiver, "operator_message_deleted")["deletedAt"])
    assert of_type(receiver, "ai_message")["content"] == "I am a robot"
    identity = {"id": "7", "email": "ada@example.com", "name": "Ada", "plan": "pro", "verified": True}
    assert of_type(receiver, "identity_update") == {**own, "identity": identity}
    event = of_type(receiver, "custom_event")["event"]
    assert moment(event.pop("timestamp"))
    assert event == {**own, "name": "cart", "data": [1]}
    rated = of_type(receiver, "csat_submitted")
    assert moment(rated.pop("respondedAt"))
    assert rated == {**own, "score": 4, "comment": None}
    assert of_type(receiver, "session_closed") == own
    assert of_type(receiver, "system_message")["content"] == "Session closed"


def test_signatures_and_headers_are_those_of_the_contract(serve: Serve, receiver: Receiver) -> None:
    api = serve(webhook_format="pocketping")
    hook = Hook(api, receiver.url, ["message.created"])
    receiver.answers.append(Answer(500))
    api.visitor().say("Hello")
    receiver.wait(1)
    wait_until(lambda: bool(hook.deliveries()[0]["attempts"]), "the first attempt is recorded", 10)
    api.ok("POST", f"{hook.path}/deliveries/{hook.deliveries()[0]['id']}/retry")
    received, repeated = receiver.wait(2)
    assert received.body == repeated.body
    assert received.headers["X-PocketPing-Event"] == "visitor_message"
    expected = hmac.new(hook.secret.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["X-PocketPing-Signature"] == f"sha256={expected}"
    assert Verifier(hook.secret).verify(received.body, received.headers) == received.json
    api.ok("POST", f"/webhooks/{hook.id}/test")
    assert of_type(receiver, "webhook_test")["webhookId"] == hook.id


def test_every_other_event_keeps_its_data() -> None:
    own = {"sessionId": "sess_1", "messageIds": ["msg_1"]}
    assert bridge_event("message.read", "now", own) == {"type": "message_read", "data": own, "sentAt": "now"}
    names = {bridge_event(type, "now", {})["type"] for type in EVENT_TYPES if type.startswith(("ai.", "visitor.c"))}
    assert names == {"ai_toggled", "ai_takeover", "visitor_connected"}
