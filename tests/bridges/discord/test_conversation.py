"""Tests the whole conversation between a page and Discord, over real HTTP and the real Gateway connection."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import inspect
from sqlalchemy import text as sql

from flask_pocketping import PocketPing
from flask_pocketping.bridges.discord.platform import DiscordPlatform

from ...conftest import Serve
from ...support.clients import Api, Visitor
from ...support.discord import FakeDiscord
from ...support.servers import Process, make_app, process_environment, serving, wait_until
from ...support.services import fresh_database


def settings_for(server: FakeDiscord, **more: Any) -> dict[str, Any]:
    """The settings of an app that is connected to a fake Discord."""
    return {
        "discord_bot_token": server.token,
        "discord_channel_id": server.channel,
        "discord_api_url": server.url,
        "bridge_allow_networks": "127.0.0.0/8",
        "visitor_message_limit": "off",
        **more,
    }


def connected(api: Api, server: FakeDiscord) -> Api:
    """Wait until an app, which starts its threads with the first request, is connected to the Gateway."""
    api.get("/health")
    server.wait_connected()
    return api


class Talk:
    """A conversation that has a thread: the visitor's page, the back office and the thread."""

    def __init__(self, api: Api, server: FakeDiscord, first: str = "Hello", parent: str | None = None) -> None:
        self.api = api
        self.server = server
        known = {each["id"] for each in server.threads(parent)}
        self.visitor: Visitor = api.visitor(metadata={"url": "https://shop.example/tea", "pageTitle": "Tea"})
        self.first = self.visitor.say(first)["messageId"]
        self.thread = wait_until(lambda: [t["id"] for t in server.threads(parent) if t["id"] not in known], "a thread")[
            0
        ]
        self.settled(self.first)

    def say(self, text: str, **more: Any) -> str:
        """The visitor writes, and it is in the thread."""
        message_id = str(self.visitor.say(text, **more)["messageId"])
        self.settled(message_id)
        return message_id

    def shown(self) -> list[str]:
        """The texts that the page shows, without the server's own lines."""
        return [message["content"] for message in self.visitor.messages() if not message.get("metadata")]

    def wait_shown(self, *texts: str) -> None:
        """Wait until the page shows exactly these texts."""
        wait_until(lambda: self.shown() == list(texts), f"{texts} on the page", 20, self.shown)

    def texts(self) -> list[str]:
        """The last line of each message in the thread."""
        return [text.rpartition("\n")[2] for text in self.server.texts(self.thread)]

    def wait_texts(self, *texts: str) -> None:
        """Wait until the thread has exactly these texts."""
        wait_until(lambda: self.texts() == list(texts), f"{texts} in the thread", 20, self.texts)

    def office(self) -> list[dict[str, Any]]:
        """The messages that the back office shows."""
        path = f"/sessions/{self.visitor.session_id}/messages"
        return list(self.api.ok("GET", path, params={"limit": 100})["messages"])

    def session(self) -> dict[str, Any]:
        return dict(self.api.ok("GET", f"/sessions/{self.visitor.session_id}")["session"])

    def state(self, message_id: str) -> dict[str, Any]:
        """What became of a message on Discord."""
        found = next(message for message in self.office() if message["id"] == message_id)
        return dict(next(iter(found.get("deliveries", [])), {}))

    def settled(self, message_id: str, state: str = "sent", timeout: float = 20.0) -> None:
        """Wait for what becomes of a message."""
        wait_until(
            lambda: self.state(message_id).get("state") == state,
            f"{message_id} is {state}",
            timeout,
            lambda: (self.state(message_id), self.server.routes()[-5:]),
        )


def upload(api: Api, visitor: Visitor, name: str, content: bytes, mime_type: str) -> str:
    """A visitor's page uploads a file."""
    body = {"sessionId": visitor.handle, "filename": name, "mimeType": mime_type, "size": len(content)}
    made = visitor.request("POST", "/upload", body).json()
    target = made["uploadUrl"] if "://" in made["uploadUrl"] else api.url + made["uploadUrl"]
    assert requests.put(target, data=content, headers={"Content-Type": mime_type}, timeout=10).ok
    done = {"sessionId": visitor.handle, "attachmentId": made["attachmentId"]}
    assert visitor.request("POST", "/upload/complete", done).ok
    return str(made["attachmentId"])


def test_a_visitor_and_an_operator_talk(server: FakeDiscord, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api = connected(serve(**settings_for(server)), server)
    talk = Talk(api, server, "Is the *blue* one in stock? @everyone")
    head = server.texts(talk.thread)[0]
    assert "https://shop.example/tea" in head
    assert head.endswith("Is the \\*blue\\* one in stock? \\@everyone")
    assert server.threads()[0]["name"].startswith("Visitor")

    answer = server.say(talk.thread, "Yes, **it is**.", reply_to=server.messages(talk.thread)[0]["id"])
    talk.wait_shown("Is the *blue* one in stock? @everyone", "Yes, **it is**.")
    message = talk.visitor.messages()[-1]
    assert (message["sender"], message["operatorName"], message["replyTo"]) == ("operator", "Ana (Support)", talk.first)
    assert [each["sourceBridge"] for each in talk.office() if each["type"] == "operator"] == ["discord"]

    # Edits and deletions, from both sides.
    second = talk.say("Great", replyTo=message["id"])
    assert server.messages(talk.thread)[-1]["message_reference"]["message_id"] == answer
    assert talk.visitor.request(
        "PATCH", f"/message/{second}", {"sessionId": talk.visitor.handle, "content": "Great!"}
    ).ok
    wait_until(lambda: server.texts(talk.thread)[-1].endswith("Great!"), "the edit")
    assert talk.visitor.request("DELETE", f"/message/{second}", params={"sessionId": talk.visitor.handle}).ok
    wait_until(lambda: len(server.texts(talk.thread)) == 2, "the deletion")
    server.edit(talk.thread, answer, "Yes!")
    wait_until(lambda: talk.shown()[1:2] == ["Yes!"], "the edit on the page", seen=talk.shown)
    server.delete(talk.thread, answer)
    wait_until(lambda: talk.visitor.messages()[1].get("deletedAt"), "the deletion on the page", seen=talk.shown)

    # An operator answers in the inbox, and it stands in the thread with their name.
    path = f"/sessions/{talk.visitor.session_id}/messages"
    assert api.post(path, json={"content": "From the __inbox__ <@1>", "operatorName": "Ben"}).ok
    wait_until(lambda: server.texts(talk.thread)[-1].endswith("From the **inbox** \\<@1>"), "the post", 15)
    assert "**Ben" in server.texts(talk.thread)[-1]
    assert server.token not in caplog.text


def test_files_travel_both_ways(server: FakeDiscord, serve: Serve) -> None:
    api = connected(serve(**settings_for(server)), server)
    talk = Talk(api, server)
    first = upload(api, talk.visitor, "a.txt", b"from the visitor", "text/plain")
    talk.say("Look", attachmentIds=[first])
    posted = server.messages(talk.thread)[-1]["attachments"]
    assert [server.world.files[each["id"]].content for each in posted] == [b"from the visitor"]
    server.say(talk.thread, "Two files", files=[("b.txt", b"one", "text/plain"), ("größe c.txt", b"two", "text/plain")])
    server.say(talk.thread, "after them")
    talk.wait_shown("Hello", "Look", "Two files", "after them")
    files = talk.visitor.messages()[2]["attachments"]
    assert [file["filename"] for file in files] == ["b.txt", "größe c.txt"]
    urls = [file["url"] if "://" in file["url"] else api.url + file["url"] for file in files]
    assert [requests.get(url, timeout=10).content for url in urls] == [b"one", b"two"]
    # Visitors never see Discord's addresses.
    assert "attachments/" + talk.thread not in str(talk.visitor.messages())


def test_closing_and_opening_from_both_sides(server: FakeDiscord, serve: Serve) -> None:
    api = connected(serve(**settings_for(server)), server)
    talk = Talk(api, server)

    def is_closed() -> bool:
        state = server.world.find(talk.thread)["thread_metadata"]
        return bool(state["archived"] and state["locked"])

    api.ok("POST", f"/sessions/{talk.visitor.session_id}/close")
    wait_until(is_closed, "the thread is closed")
    # A new message of the visitor opens both.
    talk.say("One more thing")
    wait_until(lambda: not is_closed(), "the thread is open")
    assert talk.session()["status"] != "closed"
    server.set_state(talk.thread, archived=True)
    wait_until(lambda: talk.session()["status"] == "closed", "the conversation is closed", 15, talk.session)
    talk.say("And another")
    wait_until(lambda: talk.session()["status"] != "closed", "the conversation is open", 15, talk.session)
    server.say(talk.thread, "/close")
    wait_until(lambda: talk.texts()[-1] == "Closed." and is_closed(), "closed by a command", 15, talk.texts)
    server.set_state(talk.thread, archived=False, locked=False)
    wait_until(lambda: talk.session()["status"] != "closed", "the conversation is opened in Discord", 15, talk.session)
    assert talk.shown() == ["Hello", "One more thing", "And another"]


def test_a_forum_works_like_a_channel(server: FakeDiscord, serve: Serve) -> None:
    api = connected(serve(**settings_for(server, discord_channel_id=server.forum)), server)
    talk = Talk(api, server, "Hello", server.forum)
    server.say(talk.thread, "Hi")
    talk.wait_shown("Hello", "Hi")
    texts = server.texts(talk.thread)
    assert "https://shop.example/tea" in texts[0]
    assert texts[1:] == ["Hello", "Hi"]


def test_a_deleted_thread_is_replaced(server: FakeDiscord, serve: Serve) -> None:
    api = connected(serve(**settings_for(server)), server)
    talk = Talk(api, server)
    server.delete_thread(talk.thread)
    talk.say("Are you there?")
    thread = server.threads()[0]["id"]
    assert thread != talk.thread
    text = server.texts(thread)[0]
    # It begins with what was said before.
    assert text.index("Hello") < text.index("Are you there?")
    server.say(thread, "Yes")
    talk.wait_shown("Hello", "Are you there?", "Yes")


@pytest.mark.parametrize("is_late", [False, True], ids=["soon", "late"])
@pytest.mark.parametrize("accepted", [False, True])
def test_a_post_without_an_answer_is_there_once(
    server: FakeDiscord, serve: Serve, monkeypatch: pytest.MonkeyPatch, accepted: bool, is_late: bool
) -> None:
    if is_late:
        # Discord has forgotten the nonce when it is repeated.
        monkeypatch.setattr(DiscordPlatform, "repeatable_for", 0.0)
        server.world.nonce_seconds = 0
    talk = Talk(serve(**settings_for(server)), server)
    talk.say("Once")
    # An equal text of another message is not taken for this one.
    server.fail(f"POST /channels/{talk.thread}/messages", carries_out=accepted, cuts=True)
    talk.say("Once")
    talk.wait_texts("Hello", "Once", "Once")


def test_a_burst_keeps_to_the_limits_and_its_order(server: FakeDiscord, serve: Serve) -> None:
    server.limits.routes["POST /channels/:id/messages"] = (3, 1.0)
    api = serve(**settings_for(server))
    talk = Talk(api, server)
    texts = [f"Message {number}" for number in range(20)]
    for text in texts:
        last = talk.visitor.say(text)["messageId"]
    talk.settled(last, timeout=40)
    everything = "\n".join(server.texts(talk.thread))
    positions = [everything.index(f"{text}\n") if text != texts[-1] else everything.index(text) for text in texts]
    assert positions == sorted(positions)
    assert server.limits.exceeded == []


def test_answers_of_a_day_without_the_app_come_in(tmp_path: Path, server: FakeDiscord) -> None:
    database = f"sqlite:///{tmp_path / 'pocketping.db'}"
    with serving(make_app(tmp_path, database, **settings_for(server))) as api:
        talk = Talk(connected(api, server), server)
        server.say(talk.thread, "live")
        talk.wait_shown("Hello", "live")
    for number in range(3):
        server.say(talk.thread, f"answer {number}")
    server.set_state(talk.thread, archived=True)
    with serving(make_app(tmp_path, database, **settings_for(server))) as api:
        talk.api, talk.visitor.url = connected(api, server), api.url
        talk.wait_shown("Hello", "live", "answer 0", "answer 1", "answer 2")
        wait_until(lambda: talk.session()["status"] == "closed", "closed", 15, talk.session)


def test_the_token_is_nowhere(
    tmp_path: Path, server: FakeDiscord, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the log, in a table, on a page, or in what the API tells, whatever fails."""
    caplog.set_level(logging.DEBUG)
    app = make_app(tmp_path, **settings_for(server))
    api = connected(serve(app), server)
    talk = Talk(api, server)
    server.say(talk.thread, "A file", files=[("a.txt", b"plain text", "text/plain")])
    talk.wait_shown("Hello", "A file")
    lost = server.say(talk.thread, "No file", files=[("b.txt", b"gone", "text/plain")])
    server.delete(talk.thread, lost)
    server.delete_thread(talk.thread)
    again = talk.visitor.say("Again")["messageId"]
    talk.settled(again)
    with app.extensions["pocketping"].db.read() as connection:
        for name in inspect(connection).get_table_names():
            assert server.token not in str(connection.execute(sql(f"SELECT * FROM {name}")).all()), name
    pages = [api.get(path).text for path in ("/openapi.json", "/health", "/sessions", "/inbox")]
    told = str([*pages, talk.office(), talk.visitor.messages(), talk.visitor.hello])
    assert server.token not in told
    assert server.url not in str([talk.visitor.messages(), talk.office()])
    assert server.token not in caplog.text
    assert server.token not in repr(app.extensions["pocketping"].config)


def test_a_preview_of_a_link_does_not_bring_back_an_older_text(tmp_path: Path, server: FakeDiscord) -> None:
    """Discord tells the last edit again with it. A process that was started anew has not seen that edit."""
    settings = settings_for(server, operators_edit="all")
    database = f"sqlite:///{tmp_path / 'pocketping.db'}"
    with serving(make_app(tmp_path, database, **settings)) as api:
        talk = Talk(connected(api, server), server)
        answer = server.say(talk.thread, "https://example.com")
        talk.wait_shown("Hello", "https://example.com")
        server.edit(talk.thread, answer, "See https://example.com")
        talk.wait_shown("Hello", "See https://example.com")
        path = f"/sessions/{talk.visitor.session_id}/messages/{talk.office()[-1]['id']}"
        api.ok("PATCH", path, {"content": "See our shop"})
    with serving(make_app(tmp_path, database, **settings)) as api:
        talk.api, talk.visitor.url = connected(api, server), api.url
        server.say(talk.thread, "Live again")
        talk.wait_shown("Hello", "See our shop", "Live again")
        server.preview(talk.thread, answer)
        server.say(talk.thread, "After it")
        talk.wait_shown("Hello", "See our shop", "Live again", "After it")


def test_one_process_listens_at_a_time(tmp_path: Path, server: FakeDiscord) -> None:
    database = f"sqlite:///{tmp_path / 'pocketping.db'}"
    with serving(make_app(tmp_path, database, **settings_for(server))) as second:
        with serving(make_app(tmp_path, database, **settings_for(server))) as first:
            talk = Talk(connected(first, server), server)
            second.get("/health")
            server.say(talk.thread, "one")
            talk.wait_shown("Hello", "one")
            assert server.gateway.opened == ["identify"]
        # The first one has gone, and the other one goes on.
        server.say(talk.thread, "two")
        talk.visitor.url = second.url
        talk.wait_shown("Hello", "one", "two")
    assert server.gateway.opened == ["identify", "identify"]


def test_only_bots_for_tests_count_as_operators(server: FakeDiscord, serve: Serve) -> None:
    tester, other = server.world.add_user("Tester", bot=True), server.world.add_user("Other", bot=True)
    api = connected(serve(**settings_for(server, bridge_test_bot_ids=tester["id"])), server)
    talk = Talk(api, server)
    server.say(talk.thread, "from a bot", other)
    server.say(talk.thread, "from a test", tester)
    talk.wait_shown("Hello", "from a test")


@contextmanager
def worker_that_dies(folder: Path, database: str, step: str, **settings: Any) -> Iterator[Process]:
    """`flask pocketping worker` that dies at a step of a post."""
    app = "tests.support.discord.crashing:app"
    environment = process_environment(folder, database, **settings)
    environment |= {"TEST_KILL": step, "TEST_KILL_TEXT": "Deadly"}
    command = [sys.executable, "-m", "flask", "--app", app, "pocketping", "worker"]
    process = Process(command, environment, folder / f"worker-{time.monotonic()}.log")
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.stop()


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["soon", "after minutes"])
@pytest.mark.parametrize("step", ["before", "after"])
def test_a_killed_worker_loses_nothing_and_posts_nothing_twice(
    step: str, late: bool, tmp_path: Path, server: FakeDiscord
) -> None:
    settings = settings_for(server, worker_lease="3", webhook_timeout="1")
    with fresh_database("sqlite", tmp_path) as database:
        app = make_app(tmp_path, database, worker="off", **settings)
        with serving(app) as api:
            with worker_that_dies(tmp_path, database, step, **settings) as process:
                talk = Talk(api, server)
                # The same text as before, which must not be taken for this one.
                talk.say("Deadly"[:4])
                sent = talk.visitor.say("Deadly")["messageId"]
                after = talk.visitor.say("And after it", replyTo=sent)["messageId"]
                process.popen.wait(20)
            assert (tmp_path / "killed").exists()
            ahead = 0
            if late:
                # Discord has forgotten the nonce by now.
                ahead = 1000
                server.world.travel(1000)
            with worker_that_dies(tmp_path, database, step, clock_ahead=ahead, **settings):
                talk.settled(after, timeout=120)
                assert talk.state(sent)["state"] == "sent"
                talk.wait_texts("Hello", "Dead", "Deadly", "And after it")


def test_the_public_names_of_settings_work(
    tmp_path: Path, server: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", server.token)
    monkeypatch.setenv("DISCORD_CHANNEL_ID", server.channel)
    monkeypatch.setenv("DISCORD_API_URL", server.url)
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the test", POCKETPING_BRIDGE_ALLOW_NETWORKS="127.0.0.0/8")
    PocketPing(app)
    assert app.extensions["pocketping"].config.bridges == ("discord",)
