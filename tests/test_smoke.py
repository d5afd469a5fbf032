"""Tests a conversation from end to end."""

from __future__ import annotations

from .support.clients import Api
from .support.receiver import Receiver


def test_a_conversation_reaches_everyone(any_api: Api, receiver: Receiver) -> None:
    any_api.ok("POST", "/webhooks", {"url": receiver.url, "events": ["*"]})
    with any_api.socket() as office:
        visitor = any_api.visitor(metadata={"url": "https://shop.example/pricing"})
        assert office.expect("session.created")["session"]["id"] == visitor.session_id
        visitor.say("Hello, I have a question")
        assert office.expect("message.created")["message"]["content"] == "Hello, I have a question"
        with visitor.stream() as page:
            office.expect("visitor.connected")
            any_api.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Hi! How can I help?"})
            shown = [page.expect("message")["data"]["content"] for _ in range(2)]
            assert shown == ["Hello, I have a question", "Hi! How can I help?"]
        any_api.ok("POST", f"/sessions/{visitor.session_id}/close")
        assert office.expect("session.closed")["sessionId"] == visitor.session_id
    receiver.wait(6)
    assert receiver.events() == [
        "session.created",
        "message.created",
        "visitor.connected",
        "message.created",
        "message.created",
        "session.closed",
    ]
