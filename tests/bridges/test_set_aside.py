"""Tests what becomes of an operator's message that can't be stored, and of those after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.bridges import target
from flask_pocketping.bridges.platform import Author, IncomingMessage, Opened, Post, Posted, Thread
from flask_pocketping.signals import message_received

from ..conftest import Serve
from ..support.clients import Api
from ..support.servers import make_app, wait_until
from ..support.telegram import GROUP, TelegramServer
from .conftest import Talk, settings_for

NOTE = "A message from Telegram did not reach the visitor: Internal fault: LookupError"
LINE = "Your message did not reach the visitor: Internal fault: LookupError\nSend it again, or answer in the inbox."


@pytest.fixture(autouse=True)
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "INTERNAL_ATTEMPTS", 3, raising=False)


@pytest.fixture
def app(tmp_path: Path, telegram: TelegramServer) -> Flask:
    return make_app(tmp_path, **settings_for(telegram))


@pytest.fixture
def api(serve: Serve, app: Flask) -> Api:
    return serve(app)


@contextmanager
def failing(app: Flask, part: str = "Poison") -> Iterator[list[str]]:
    """The host's receiver raises an error at each text with this part, and notes it."""
    tries: list[str] = []

    def fail(sender: Any, draft: Any, **more: Any) -> None:
        if part in draft.content:
            tries.append(draft.content)
            raise LookupError("no such article")

    with message_received.connected_to(fail, sender=app):
        yield tries


def notes(talk: Talk) -> list[str]:
    return [message["content"] for message in talk.office() if message.get("internal")]


def test_a_message_that_can_not_be_stored_is_set_aside_and_later_ones_go_on(
    api: Api, app: Flask, telegram: TelegramServer
) -> None:
    talk, other = Talk(api, telegram), Talk(api, telegram, "Another visitor")
    with failing(app) as tries:
        written = telegram.write(talk.topic, "Poison")
        telegram.write(talk.topic, "After it")
        telegram.write(other.topic, "Elsewhere")
        # Another conversation does not wait at all, and a later answer not for long.
        assert other.wait_shown(2) == ["Another visitor", "Elsewhere"]
        assert talk.wait_shown(2) == ["Hello", "After it"]
        wait_until(lambda: notes(talk) == [NOTE], "the note", 15, lambda: notes(talk))
        line = telegram.wait_text("did not reach the visitor", talk.topic)
        assert (line["text"], line["reply_to_message"]["message_id"]) == (LINE, written)
        # Once by the reader, and then by the worker.
        assert len(tries) == 1 + target.INTERNAL_ATTEMPTS
    telegram.write(talk.topic, "Poison, again")
    assert talk.wait_shown(3) == ["Hello", "After it", "Poison, again"]
    assert notes(talk) == [NOTE]
    assert len(other.shown()) == 2


def test_one_that_can_be_stored_a_little_later_is(api: Api, app: Flask, telegram: TelegramServer) -> None:
    talk = Talk(api, telegram)
    with failing(app) as tries:
        telegram.write(talk.topic, "Poison")
        telegram.write(talk.topic, "After it")
        wait_until(lambda: len(tries) >= 2, "the worker tries", 10)
    assert talk.wait_shown(3) == ["Hello", "Poison", "After it"]
    assert notes(talk) == []


def test_an_edit_that_can_not_be_stored_is_told_too(api: Api, app: Flask, telegram: TelegramServer) -> None:
    talk = Talk(api, telegram)
    written = talk.answer("Fine")
    with failing(app):
        telegram.edit(written, "Poison")
        telegram.write(talk.topic, "After it")
        assert talk.wait_shown(3) == ["Hello", "Fine", "After it"]
        telegram.wait_text("Your edit did not reach the visitor: Internal fault: LookupError", talk.topic)
    assert notes(talk) == ["An edit from Telegram did not reach the visitor: Internal fault: LookupError"]


def test_the_parts_of_a_long_text_that_were_stored_are_not_stored_again(
    api: Api, app: Flask, telegram: TelegramServer
) -> None:
    talk = Talk(api, telegram)
    text = "word " * 900 + "Poison " * 2
    with failing(app) as tries:
        telegram.write(talk.topic, text)
        telegram.write(talk.topic, "After it")
        wait_until(lambda: len(tries) >= 2, "the worker tries", 10)
    assert " ".join(talk.wait_shown(4)[1:]).split() == f"{text} After it".split()


def test_a_message_with_a_file_that_can_not_be_stored_is_set_aside(
    api: Api, app: Flask, telegram: TelegramServer
) -> None:
    talk = Talk(api, telegram)
    document = {"file_id": telegram.add_file(b"plain text"), "file_name": "a.txt", "file_size": 10}
    with failing(app):
        telegram.write(talk.topic, "", document=document, caption="Poison")
        telegram.write(talk.topic, "After it")
        assert talk.wait_shown(2) == ["Hello", "After it"]
        telegram.wait_text(LINE, talk.topic)
    assert notes(talk) == [NOTE]


@pytest.mark.parametrize("with_file", [False, True], ids=["text", "file"])
def test_half_characters_are_left_out_and_hold_nothing_up(api: Api, telegram: TelegramServer, with_file: bool) -> None:
    """JSON can have half of a surrogate pair, which no database stores, and NUL, which PostgreSQL does not."""
    talk = Talk(api, telegram)
    more: dict[str, Any] = {"from": {"id": 7, "is_bot": False, "first_name": "A\ud800na\x00"}}
    if with_file:
        more["document"] = {"file_id": telegram.add_file(b"plain text"), "file_name": "a\ud800.txt", "file_size": 10}
        telegram.write(talk.topic, "", caption="Half \ud83d of it\x00", **more)
    else:
        telegram.write(talk.topic, "Half \ud83d of it\x00", **more)
    written = telegram.write(talk.topic, "After it")
    assert talk.wait_shown(3) == ["Hello", "Half  of it", "After it"]
    assert talk.office()[1]["operatorName"] == "Ana"
    telegram.edit(written, "Edited \ud800")
    wait_until(lambda: talk.shown()[-1] == "Edited", "the edit", 10, talk.shown)
    telegram.write(talk.topic, "/unknown \ud800")
    telegram.wait_text("There is no command /unknown.", talk.topic)


# --- Ids of platforms


def receiver_of(app: Flask) -> Any:
    return app.extensions["pocketping"].bridges.bridges["telegram"].receiver


def bridged_app(folder: Path, database: str, telegram: TelegramServer) -> Flask:
    return make_app(folder, database, **settings_for(telegram))


def test_ids_of_255_characters_are_stored(
    any_database: str, tmp_path: Path, telegram: TelegramServer, serve: Serve
) -> None:
    """As those of Matrix: `$` and 254 more."""
    app = bridged_app(tmp_path, any_database, telegram)
    talk = Talk(serve(app), telegram)
    thread = Thread(str(GROUP), str(talk.topic))
    long = "$" + "é" * 254
    with app.app_context():
        for _ in range(2):
            receiver_of(app).receive(IncomingMessage(thread, long, Author("7", "Ana"), "One", reply_to=long))
    assert talk.wait_shown(2) == ["Hello", "One"]


@pytest.mark.parametrize("wrong", ["x" * 256, "x\x00", "\ud800", ""], ids=["long", "nul", "surrogate", "empty"])
def test_ids_that_can_not_be_stored_are_refused_and_told(
    any_database: str, tmp_path: Path, telegram: TelegramServer, serve: Serve, wrong: str
) -> None:
    app = bridged_app(tmp_path, any_database, telegram)
    talk = Talk(serve(app), telegram)
    thread = Thread(str(GROUP), str(talk.topic))
    receiver, ana = receiver_of(app), Author("7", "Ana")
    with app.app_context():
        for _ in range(2):
            receiver.receive(IncomingMessage(thread, wrong, ana, "Never"))
        receiver.receive(IncomingMessage(Thread(str(GROUP), wrong), "1", ana, "Never"))
        receiver.receive(IncomingMessage(Thread(wrong, "1"), "1", ana, "Never"))
        receiver.receive(IncomingMessage(thread, "900", ana, "Never", more_ids=(wrong,)))
        receiver.receive(IncomingMessage(thread, "901", ana, "In the end", reply_to=wrong))
    assert talk.wait_shown(2) == ["Hello", "In the end"]
    told = "A message from Telegram did not reach the visitor: its id can't be stored."
    assert notes(talk) == [told]


def test_posts_with_ids_that_can_not_be_stored_are_posted_all_the_same(
    postgresql: str, tmp_path: Path, telegram: TelegramServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bridged_app(tmp_path, postgresql, telegram)
    platform = app.extensions["pocketping"].bridges.bridges["telegram"].platform
    post = platform.post

    def post_with_long_id(thread: Thread, given: Post) -> Posted:
        posted: Posted = post(thread, given)
        return replace(posted, ids=("x" * 300,))

    monkeypatch.setattr(platform, "post", post_with_long_id)
    talk = Talk(serve(app), telegram)
    sent = talk.visitor.say("Second")["messageId"]
    talk.settled(sent)
    # Nobody can know where it is, so an edit changes nothing there, and holds nothing up.
    talk.visitor.request("PATCH", f"/message/{sent}", {"sessionId": talk.visitor.handle, "content": "Edited"})
    talk.settled(talk.visitor.say("Third")["messageId"])
    assert talk.texts()[1:] == ["Second", "Third"]


def test_a_thread_with_an_id_that_can_not_be_stored_is_told(
    postgresql: str, tmp_path: Path, telegram: TelegramServer, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bridged_app(tmp_path, postgresql, telegram)
    platform = app.extensions["pocketping"].bridges.bridges["telegram"].platform
    open_thread = platform.open_thread

    def open_with_long_id(*given: Any) -> Opened:
        opened: Opened = open_thread(*given)
        return replace(opened, thread=Thread(opened.thread.channel, "x" * 300))

    monkeypatch.setattr(platform, "open_thread", open_with_long_id)
    talk = Talk.begin(serve(app), telegram, "Hello")
    reason = talk.settled(talk.first, "failed")["reason"]
    assert reason == "Telegram gave the thread an id that can't be stored."
    wait_until(lambda: notes(talk), "the note", 10)
    assert notes(talk) == [f"A message was not posted to Telegram: {reason}"]
