"""Tests what targets read: the payload of a stored event equals that of its signal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_pocketping import clock
from flask_pocketping.chat import conversation_reader
from flask_pocketping.chat.log import events, read_events
from flask_pocketping.testing import recorded_signals
from flask_pocketping.values import EVENT_TYPES, Event, Identity

from ..support.clients import Api


@pytest.fixture
def told(app: Flask, api: Api) -> list[Event]:
    """The events of a conversation in which all kinds of things happen, as they were told of when they did."""
    with recorded_signals(app) as sent:
        visitor = api.visitor(metadata={"url": "https://shop.example/"})
        visitor.request("POST", "/connect", {"sessionId": visitor.handle, "metadata": {"language": "de"}})
        visitor.say("Hello")
        session = f"/sessions/{visitor.session_id}"
        message = api.ok("POST", f"{session}/messages", {"content": "Hi", "operatorName": "Ana"})["message"]["id"]
        api.ok("PATCH", f"{session}/messages/{message}", {"content": "Hi!"})
        api.ok("DELETE", f"{session}/messages/{message}")
        api.ok("POST", f"{session}/read")
        api.ok("POST", f"{session}/identify", {"email": "ada@example.com", "metadata": {"plan": "pro"}})
        api.ok("POST", f"{session}/ai", {"enabled": False})
        visitor.request("POST", "/csat", {"sessionId": visitor.handle, "score": 5, "comment": "Kind"})
        api.ok("POST", f"{session}/close")
        api.ok("POST", f"{session}/reopen")
    return [payload["event"] for _, payload in sent if isinstance(payload.get("event"), Event)]


def test_a_stored_event_has_the_values_of_its_signal(app: Flask, told: list[Event]) -> None:
    state = app.extensions["pocketping"]
    assert len({event.type for event in told}) >= 10
    assert {event.type for event in told} <= set(EVENT_TYPES)
    read = conversation_reader.ConversationReader(state.db, state.urls)
    with state.db.read() as connection:
        stored = {event.id: event for event in read_events(connection, select(events))}
    for event in told:
        found = dict(read.payload(stored[event.id]))
        expected = state.urls.complete(dict(event.payload))
        # A session is as it is now.
        for payload in (found, expected):
            if "session" in payload:
                payload["session"] = payload["session"].id
        identity = found.pop("identity", None)
        found.pop("enabled", None)
        assert found == expected, event.type
        if event.type == "visitor.identified":
            assert identity == Identity(email="ada@example.com", metadata={"plan": "pro"}, verified=True)


def test_events_of_a_deleted_session_can_still_be_read(app: Flask) -> None:
    state = app.extensions["pocketping"]
    read = conversation_reader.ConversationReader(state.db, state.urls)
    data: dict[str, Any] = {"sessionId": "sess_gone", "name": "offer", "data": [1]}
    event = Event(1, "proj_default", "sess_gone", 1, "event.sent", clock.now(), json.dumps(data))
    assert read.payload(event) == {"name": "offer", "data": [1]}
    assert read.session("sess_gone") is None
    assert read.messages("sess_gone", ["msg_1"]) == []
