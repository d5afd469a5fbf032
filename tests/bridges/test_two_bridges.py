"""Tests a conversation on two bridges at once: who sees what, who has it, and that one does not hold up the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_pocketping.bridges import registry
from flask_pocketping.bridges.platform import Connection
from flask_pocketping.bridges.telegram.client import BotAPI
from flask_pocketping.bridges.telegram.inbound import TelegramPolling
from flask_pocketping.bridges.telegram.platform import Telegram
from flask_pocketping.config import Config

from ..conftest import Serve
from ..support.servers import make_app, wait_until
from ..support.telegram import GROUP, TOKEN, Refusal, TelegramServer, telegram_server
from .conftest import Talk, settings_for


class Second(Telegram):
    """Another platform, which happens to speak as Telegram does."""

    name = "discord"
    label = "Discord"


@pytest.fixture
def other() -> Iterator[TelegramServer]:
    with telegram_server() as made:
        yield made


@pytest.fixture
def both(
    telegram: TelegramServer, other: TelegramServer, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> Talk:
    """A conversation that has a topic on both."""
    connect = registry.connect

    def connect_both(config: Config) -> list[Connection]:
        api = BotAPI(TOKEN, other.url, allow_networks=config.bridge_allow_networks)
        return [*connect(config), Connection(Second(api, str(GROUP)), inbound=TelegramPolling(api))]

    monkeypatch.setattr("flask_pocketping.builders.connect", connect_both)
    talk = Talk(serve(make_app(tmp_path, **settings_for(telegram))), telegram)
    other.wait_text("Hello")
    return talk


def states(talk: Talk, message_id: str) -> dict[str, str]:
    found = next(message for message in talk.office() if message["id"] == message_id)
    return {one["bridge"]: one["state"] for one in found.get("deliveries", [])}


def test_an_answer_shows_on_the_other_bridge_with_its_author(both: Talk, other: TelegramServer) -> None:
    [topic] = other.topics
    both.answer("From the phone")
    post = other.wait_text("From the phone", topic)
    assert post["text"] == "Ana, Telegram\nAna has this conversation.\nFrom the phone"
    other.write(topic, "Me too", **{"from": {"id": 8, "is_bot": False, "first_name": "Bo"}})
    post = both.telegram.wait_text("Me too", both.topic)
    # The first answer has it.
    assert post["text"] == "Bo, Discord\nMe too"
    assert both.wait_shown(3) == ["Hello", "From the phone", "Me too"]
    # Nothing came back to where it was written.
    assert [m["from"]["id"] for m in both.telegram.in_topic(both.topic)] == [424242, 7, 424242]
    assert [m["from"]["id"] for m in other.in_topic(topic)] == [424242, 424242, 8]
    answer = both.office()[1]["id"]
    wait_until(lambda: states(both, answer) == {"discord": "sent"}, "posted elsewhere")


def test_two_who_answer_at_once(both: Talk, other: TelegramServer) -> None:
    [topic] = other.topics
    both.telegram.write(both.topic, "Mine")
    other.write(topic, "No, mine", **{"from": {"id": 8, "is_bot": False, "first_name": "Bo"}})
    both.wait_shown(3)
    other.wait_text("Mine", topic)
    both.telegram.wait_text("No, mine", both.topic)
    told = [text for server in (both.telegram, other) for text in server.texts() if "has this conversation" in text]
    first = both.office()[1]["operatorName"]
    assert len(told) == 1
    assert f"{first} has this conversation." in told[0]


def test_after_the_end_somebody_else_may_take_it(both: Talk, other: TelegramServer) -> None:
    [topic] = other.topics
    both.answer("One")
    other.wait_text("One", topic)
    both.api.ok("POST", f"/sessions/{both.session_id}/close")
    both.api.ok("POST", f"/sessions/{both.session_id}/reopen")
    other.write(topic, "Two", **{"from": {"id": 8, "is_bot": False, "first_name": "Bo"}})
    post = both.telegram.wait_text("Two", both.topic)
    assert post["text"] == "Bo, Discord\nBo has this conversation.\nTwo"


def test_an_answer_of_the_inbox_shows_on_both_and_edits_follow(both: Talk, other: TelegramServer) -> None:
    path = f"/sessions/{both.session_id}/messages"
    sent = both.api.ok("POST", path, {"content": "It is **here**", "operatorName": "Cy"})["message"]["id"]
    for server in (both.telegram, other):
        server.wait_text("Cy has this conversation.\nIt is here")
    both.api.ok("PATCH", f"{path}/{sent}", {"content": "Gone"})
    for server in (both.telegram, other):
        server.wait_text("Cy\nGone")
    both.answer("Typo")
    other.wait_text("Typo")
    both.telegram.edit(both.telegram.in_topic(both.topic)[-1]["message_id"], "Mended")
    other.wait_text("Ana, Telegram\nMended")
    both.telegram.react(both.telegram.in_topic(both.topic)[-1]["message_id"], "🗑")
    wait_until(lambda: not any("Mended" in text for text in other.texts()), "deleted there", 10, other.texts)


def test_files_and_notes_of_one_show_on_the_other(both: Talk, other: TelegramServer) -> None:
    file_id = both.telegram.add_file(b"plain text")
    document = {"file_id": file_id, "file_name": "a.txt", "file_size": 10}
    both.telegram.write(both.topic, "", document=document, caption="See <this>")
    post = other.wait_text("See <this>")
    assert other.uploads[post["message_id"]] == b"plain text"
    both.telegram.write(both.topic, "note: careful")
    assert other.wait_text("careful")["text"] == "Note by Ana, Telegram\ncareful"


def test_one_bridge_does_not_hold_up_the_other(both: Talk, other: TelegramServer) -> None:
    def refuse(method: str, given: dict[str, Any]) -> str | None:
        if method in {"sendMessage", "createForumTopic", "getMe"}:
            raise Refusal(500, "Internal Server Error")
        return None

    both.telegram.before = refuse
    doubtful = both.visitor.say("Question 0")["messageId"]
    wait_until(lambda: states(both, doubtful).get("telegram") == "maybe", "in doubt", 5)
    sent = [both.visitor.say(f"Question {number}")["messageId"] for number in (1, 2)]
    wait_until(lambda: states(both, sent[-1]).get("discord") == "sent", "posted", 5)
    assert states(both, sent[0])["telegram"] == "queued"
    [topic] = other.topics
    other.write(topic, "Answer")
    wait_until(lambda: "Answer" in both.shown(), "the answer", 10)
    both.telegram.before = lambda method, given: None
    wait_until(lambda: states(both, sent[-1])["telegram"] == "sent", "posted", 40)


def test_what_fails_on_one_is_told_on_the_other(both: Talk, other: TelegramServer) -> None:
    def refuse(method: str, given: dict[str, Any]) -> str | None:
        if method == "sendMessage":
            raise Refusal(403, "Forbidden: bot was kicked from the supergroup chat")
        return None

    both.telegram.before = refuse
    both.visitor.say("Anybody?")
    note = other.wait_text("A message was not posted to Telegram: Forbidden: bot was kicked")
    assert note["text"].startswith("Note\n") or note["text"].startswith("Note, Telegram\n")
    assert "kicked" not in str(both.visitor.messages())
