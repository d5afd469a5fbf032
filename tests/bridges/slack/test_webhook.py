"""Tests of the Events API: whose requests count, and what each tells."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier
from werkzeug.datastructures import Headers

from flask_pocketping.bridges.platform import (
    IncomingDelete,
    IncomingEdit,
    IncomingMessage,
    IncomingThreadChange,
    Thread,
)
from flask_pocketping.bridges.slack.events import EventReader
from flask_pocketping.bridges.slack.platform import SlackPlatform
from flask_pocketping.bridges.slack.webhook import SlackWebhook
from tests.support.slack import FakeSlack
from tests.support.slack.events import signed
from tests.support.slack.server import Fault
from tests.support.slack.workspace import SIGNING_SECRET

from .test_platform import file, opened

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BODY = b'{"type":"event_callback","event_id":"Ev1"}'


@pytest.fixture
def webhook(reader: EventReader) -> SlackWebhook:
    return SlackWebhook(SIGNING_SECRET, reader)


def headers_at(seconds: float = 0.0, body: bytes = BODY, secret: str = SIGNING_SECRET) -> dict[str, str]:
    return signed(body, secret=secret, at=NOW.timestamp() + seconds)


def test_slacks_own_signature_is_accepted(webhook: SlackWebhook) -> None:
    headers = headers_at()
    assert webhook.verify(headers, BODY, NOW)
    assert webhook.verify(dict(Headers(headers).items()), BODY, NOW)
    assert webhook.verify({name.lower(): value for name, value in headers.items()}, BODY, NOW)
    # What Slack's library makes of the same bytes.
    verifier = SignatureVerifier(SIGNING_SECRET)
    made = verifier.generate_signature(timestamp=headers["X-Slack-Request-Timestamp"], body=BODY)
    assert made == headers["X-Slack-Signature"]


@pytest.mark.parametrize(("seconds", "valid"), [(-299, True), (299, True), (-301, False), (301, False)])
def test_a_signature_lasts_five_minutes(webhook: SlackWebhook, seconds: float, valid: bool) -> None:
    assert webhook.verify(headers_at(seconds), BODY, NOW) is valid
    assert webhook.admits(headers_at(seconds), NOW) is valid


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Signature": "v1=" + "0" * 64},
        {"X-Slack-Signature": "v0=" + "é" * 64},
        {"X-Slack-Signature": "v0=" + "0" * 64 + "\n"},
        {"X-Slack-Signature": "v0=" + "0" * 1_000_000},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": "١٢٣٤٥٦٧٨٩٠"},
        {"X-Slack-Request-Timestamp": f"{int(NOW.timestamp())}\n"},
        {"X-Slack-Request-Timestamp": f" {int(NOW.timestamp())}"},
        {"X-Slack-Request-Timestamp": f"{int(NOW.timestamp()) + 1}"},
    ],
)
def test_hostile_headers_are_no_signature(webhook: SlackWebhook, change: dict[str, str]) -> None:
    assert not webhook.verify({**headers_at(), **change}, BODY, NOW)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff\xfe", BODY + b" ", b"[" * 100_000, "é".encode("latin-1")])
def test_other_bodies_have_other_signatures(webhook: SlackWebhook, body: bytes) -> None:
    assert not webhook.verify(headers_at(), body, NOW)
    assert webhook.verify(headers_at(body=body), body, NOW)
    assert not webhook.verify(headers_at(body=body, secret="another secret"), body, NOW)
    assert webhook.read(headers_at(body=body), body) == ((), {}) or body.endswith(b" ")


def test_no_headers_are_no_signature(webhook: SlackWebhook) -> None:
    assert not webhook.verify({}, BODY, NOW)
    assert not webhook.admits({}, NOW)


def test_the_address_is_verified_by_its_challenge(webhook: SlackWebhook) -> None:
    assert read(webhook, {"type": "url_verification", "challenge": "abc"}) == ((), {"challenge": "abc"})
    assert read(webhook, {"type": "url_verification", "challenge": {"a": 1}}) == ((), {})


def read(webhook: SlackWebhook, payload: Any, headers: Mapping[str, str] | None = None) -> Any:
    return webhook.read(headers or {}, json.dumps(payload).encode())


@pytest.mark.parametrize(
    "event",
    [
        None,
        "message",
        {"type": "reaction_added"},
        {"type": "message"},
        {"type": "message", "channel": 5},
        {"type": "message", "channel": "C1", "ts": "1.1", "user": "U0ANA", "text": "in no thread"},
        {"type": "message", "channel": "C1", "ts": "1.1", "thread_ts": "1.1", "user": "U0ANA"},
        {"type": "message", "channel": "C1", "ts": "now", "thread_ts": "1.1", "user": "U0ANA"},
        {"type": "message", "channel": "C1", "ts": "9" * 30 + ".1", "thread_ts": "1.1", "user": "U0ANA"},
        {"type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1"},
        {"type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1", "user": ["U0ANA"]},
        {
            "type": "message",
            "channel": "C1",
            "ts": "1.2",
            "thread_ts": "1.1",
            "user": "U0ANA",
            "subtype": "channel_join",
        },
        {"type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1", "user": "U0ANA", "subtype": {"a": 1}},
        {"type": "message", "channel": "C1", "subtype": "message_changed"},
        {"type": "message", "channel": "C1", "subtype": "message_changed", "message": "x", "previous_message": []},
        {"type": "message", "channel": "C1", "subtype": "message_deleted", "deleted_ts": 5},
        {"type": "message", "channel": "C1", "subtype": "message_replied", "message": {"ts": "1.1"}},
    ],
)
def test_other_events_are_answered_and_tell_nothing(webhook: SlackWebhook, event: Any) -> None:
    incoming, answer = read(webhook, {"type": "event_callback", "event_id": "Ev1", "event": event})
    assert list(incoming) == []
    assert answer == {}


# What people do in Slack


class Heard:
    """What the webhook makes of all that happens."""

    def __init__(self, slack: FakeSlack, webhook: SlackWebhook) -> None:
        self._webhook = webhook
        self._waiting: list[dict[str, Any]] = []
        slack.workspace.listeners.append(self._waiting.append)

    def take(self) -> list[Any]:
        """What happened since the last time."""
        found = [incoming for envelope in self._waiting for incoming in read(self._webhook, envelope)[0]]
        self._waiting.clear()
        return found


@pytest.fixture
def heard(slack: FakeSlack, webhook: SlackWebhook) -> Heard:
    return Heard(slack, webhook)


def test_an_operators_message_has_name_text_and_time(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    ts = slack.workspace.write(thread.channel, thread.id, "Hi *there* <@U0BOB> &amp; all")
    (message,) = heard.take()
    assert isinstance(message, IncomingMessage)
    assert (message.thread, message.id) == (thread, ts)
    assert (message.author.id, message.author.name, message.author.is_bot) == ("U0ANA", "Ana", False)
    assert message.text == "Hi **there** @Bob B. & all"
    assert message.sent_at is not None
    assert abs(message.sent_at.timestamp() - float(ts)) < 0.001


def test_our_own_posts_tell_nothing_whatever_they_are(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    """Posts, edits, files, notes and deletions of ours come back as events. All but deletions are dropped here."""
    from flask_pocketping.bridges.platform import Post

    thread = opened(platform)
    posted = platform.post(thread, Post("k2", "one", author="Vera", files=(file(),)))
    platform.post(thread, Post("k3", "two"))
    platform.edit(thread, posted.ids, Post("k2", "changed"))
    platform.close(thread)
    slack.workspace.unfurl(thread.channel, posted.ids[0])
    assert heard.take() == []


def test_another_message_of_our_own_bot_is_told(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    """Loops are prevented by message: a test may let the bot itself play the operator."""
    thread = opened(platform)
    platform.client.post(thread.channel, "I am a test", thread_ts=thread.id)
    (message,) = heard.take()
    assert (message.author.id, message.author.is_bot, message.text) == ("B0001", True, "I am a test")


def test_an_edit_is_told_but_a_preview_is_none(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    ts = slack.workspace.write(thread.channel, thread.id, "see https://a.example")
    heard.take()
    slack.workspace.unfurl(thread.channel, ts)
    assert heard.take() == []
    slack.workspace.edit(thread.channel, ts, "see *this*")
    (edit,) = heard.take()
    assert isinstance(edit, IncomingEdit)
    assert (edit.thread, edit.id, edit.text) == (thread, ts, "see **this**")
    assert edit.author is not None
    assert edit.author.name == "Ana"
    slack.workspace.unfurl(thread.channel, ts)
    assert heard.take() == []


def test_edits_tell_their_order(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    ts = slack.workspace.write(thread.channel, thread.id, "one")
    heard.take()
    for text in ("two", "three"):
        slack.workspace.edit(thread.channel, ts, text)
    first, second = heard.take()
    assert (first.text, second.text) == ("two", "three")
    assert first.version < second.version


def test_deletions_are_told_and_a_root_takes_its_thread(
    slack: FakeSlack, platform: SlackPlatform, heard: Heard
) -> None:
    thread, lonely = opened(platform), opened(platform)
    ts = slack.workspace.write(thread.channel, thread.id, "oops")
    slack.workspace.write(thread.channel, thread.id, "stays")
    heard.take()
    slack.workspace.remove(thread.channel, ts)
    assert heard.take() == [IncomingDelete(thread.channel, ts)]
    # With replies it becomes a tombstone, and without any it is simply gone.
    for found in (thread, lonely):
        slack.workspace.remove(found.channel, found.id)
        assert heard.take() == [
            IncomingDelete(found.channel, found.id),
            IncomingThreadChange(Thread(found.channel, found.id), "deleted"),
        ]


def test_files_are_told_without_their_address(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    about = slack.workspace.add_file("photo.png", "image/png", b"png")
    about["url_private_download"] = "https://files.slack.com/files-pri/T1-F1/download/photo.png"
    gone = {"id": "F9", "mode": "tombstone"}
    external = {"id": "F8", "is_external": True, "title": "Plan", "external_url": "https://docs.example/plan"}
    slack.workspace.write(thread.channel, thread.id, "look", files=[about, gone, external])
    (message,) = heard.take()
    (found,) = message.files
    assert (found.reference, found.name, found.mime_type, found.size) == (about["id"], "photo.png", "image/png", 3)
    assert message.text == "look\n[Plan](https://docs.example/plan)"
    assert "slack.com" not in repr(message)


def test_other_messages_of_people_are_told(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    slack.workspace.write(thread.channel, thread.id, "waves", subtype="me_message")
    slack.workspace.write(thread.channel, thread.id, "for all", subtype="thread_broadcast")
    slack.workspace.write(thread.channel, thread.id, "joined", subtype="channel_join")
    slack.workspace.write(thread.channel, thread.id, "beep", user="", bot_id="B9", subtype="bot_message", username="CI")
    assert [(one.text, one.author.is_bot) for one in heard.take()] == [
        ("waves", False),
        ("for all", False),
        ("beep", True),
    ]


def test_a_name_that_slack_does_not_tell_delays_nothing(
    slack: FakeSlack, platform: SlackPlatform, heard: Heard
) -> None:
    """However many names an event has, Slack has one chance to tell them in time."""
    thread = opened(platform)
    slack.fail("users.info", Fault(hold=threading.Event()))
    slack.workspace.write(thread.channel, thread.id, "hello <@U0BOB> <#C0SUPPORT>")
    began = time.monotonic()
    (message,) = heard.take()
    assert time.monotonic() - began < 2.5
    assert (message.author.name, message.text) == ("Operator", "hello @Operator #channel")
    assert slack.called("conversations.info") == []


def test_names_are_asked_for_once(slack: FakeSlack, platform: SlackPlatform, heard: Heard) -> None:
    thread = opened(platform)
    for _ in range(5):
        slack.workspace.write(thread.channel, thread.id, "hello <@U0ANA> <#C0SUPPORT>")
    assert {one.text for one in heard.take()} == {"hello @Ana #support"}
    assert len(slack.called("users.info")) == len(slack.called("conversations.info")) == 1


def test_a_repeat_while_the_first_is_under_way_tells_nothing(webhook: SlackWebhook) -> None:
    """Slack repeats an event that has no answer within three seconds. One that had an error is read again."""
    event = {"type": "message", "channel": "C1", "ts": "1.2", "thread_ts": "1.1", "user": "U0ANA", "text": "hi"}
    payload = {"type": "event_callback", "event_id": "Ev7", "event": event}

    def told(**headers: str) -> int:
        return len(read(webhook, payload, {name.replace("_", "-"): value for name, value in headers.items()})[0])

    assert told() == 1
    assert told(X_Slack_Retry_Num="1", X_Slack_Retry_Reason="http_timeout") == 0
    assert told(X_Slack_Retry_Num="2", X_Slack_Retry_Reason="http_error") == 1
