"""Tests of the connection to the Gateway: what ends it, what it survives, and that it never storms Discord."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from flask_pocketping.bridges.discord import gateway as gateway_module
from flask_pocketping.bridges.discord import session as session_module
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import Refused, Thread

from ...support.discord import FakeDiscord
from ...support.servers import wait_until
from .conftest import platform_for
from .listening import Kept, listening, wait_live


@pytest.fixture
def thread(platform: DiscordPlatform) -> Thread:
    return platform.open_thread("Ada", "", None).thread


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "NEW_SESSION_WAIT", (0.05, 0.1))
    monkeypatch.setattr(gateway_module, "FIRST_WAIT", 0.1)


LOSSES: dict[str, Callable[[FakeDiscord], None]] = {
    "op 7": lambda server: server.send_to_all(7),
    "op 9 true": lambda server: server.send_to_all(9, True),
    "4000": lambda server: server.close_connections(4000),
    "4009": lambda server: server.close_connections(4009),
    "1001": lambda server: server.close_connections(1001),
    "cut": lambda server: server.cut_connections(),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_connection_is_resumed(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, loss: str
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        server.wait_connected()
        server.say(thread.id, "before")
        kept.wait_texts("before")
        LOSSES[loss](server)
        server.say(thread.id, "between")
        kept.wait_texts("before", "between")
        server.say(thread.id, "after")
        kept.wait_texts("before", "between", "after")
    assert server.gateway.opened == ["identify", "resume"]
    # The session is ended properly, so that the bot does not look online.
    wait_until(lambda: 1000 in server.gateway.closed_with, "the end", seen=lambda: server.gateway.closed_with)


@pytest.mark.parametrize("way", ["op 9 false", "forgotten"])
def test_a_session_that_can_not_be_resumed_is_mended_by_fetching(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, way: str
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        server.wait_connected()
        server.say(thread.id, "before")
        kept.wait_texts("before")
        server.gateway.sessions.clear()
        server.say(thread.id, "between")
        if way == "op 9 false":
            server.send_to_all(9, False)
        else:
            server.close_connections(4000)
        kept.wait_texts("before", "between")
        server.wait_connected()
        server.say(thread.id, "after")
        kept.wait_texts("before", "between", "after")
    assert server.gateway.opened[-1] == "identify"


def test_a_missing_ack_is_noticed(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.gateway.heartbeat_ms = 300
    kept = Kept(thread)
    with listening(platform, kept, silence=1.0):
        server.wait_connected()
        wait_until(lambda: server.gateway.heartbeats >= 2, "heartbeats")
        for link in list(server.gateway.links):
            link.is_silent = True
        server.say(thread.id, "into the void")
        kept.wait_texts("into the void")
    assert server.gateway.opened == ["identify", "resume"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4004, "Discord refused the bot token"),
        (4013, "Update discord.py"),
        (4014, "Switch on Message Content Intent"),
    ],
)
def test_refusals_are_final(server: FakeDiscord, platform: DiscordPlatform, code: int, words: str) -> None:
    if code == 4014:
        server.world.application_flags = 0
    else:
        server.gateway.refuse_with = code
    with listening(platform, Kept()) as road:
        road.thread.join(10)
        assert isinstance(road.failure, Refused)
        assert words in str(road.failure)
    assert server.gateway.opened == ["identify"]


def test_a_refused_token_asks_once(server: FakeDiscord, caplog: pytest.LogCaptureFixture) -> None:
    token = "wrong-token-of-a-test"
    with listening(platform_for(server, token=token), Kept()) as road:
        road.thread.join(10)
        assert isinstance(road.failure, Refused)
        assert token not in str(road.failure) + caplog.text
    assert server.routes() == ["GET /gateway/bot"]


def test_the_gateway_is_where_discord_says_and_nowhere_else(server: FakeDiscord, platform: DiscordPlatform) -> None:
    for url in ("wss://gateway.discord.gg.example.com", "ws://127.0.0.1:1/", "wss://127.0.0.1", "https://discord.gg"):
        body = {"url": url, "session_start_limit": {"remaining": 1, "reset_after": 0}}
        server.fail("GET /gateway/bot", body=body)
        with listening(platform, Kept()) as road:
            road.thread.join(10)
            assert isinstance(road.failure, Refused), url
    assert platform.hosts.has_gateway("wss://gateway-us-east1-b.discord.gg/?v=10")


def test_it_waits_when_it_has_connected_too_often(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.sessions_left = 0
    with listening(platform, Kept()):
        wait_until(lambda: "GET /gateway/bot" in server.routes(), "the question")
        server.world.sessions_left = 5
        server.wait_connected()
    # Discord said 1.5 seconds.
    assert server.routes().count("GET /gateway/bot") == 2


def test_failures_are_tried_again_more_and_more_slowly(
    server: FakeDiscord,
    platform: DiscordPlatform,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(session_module, "FIRST_WAIT", 0.05)
    for _ in range(3):
        server.fail("GET /gateway/bot", status=502, body="<html>")
    kept = Kept()
    with listening(platform, kept) as road:
        server.wait_connected()
        assert road.failure is None
    assert caplog.text.count("Discord can't be asked now") == 3
    assert server.token not in caplog.text


def test_connections_that_do_not_last_are_no_storm(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            server.close_connections(4000)
            time.sleep(0.01)
        count = len(server.gateway.opened)
        server.say(thread.id, "Hello")
        kept.wait_texts("Hello")
    # The waits double from a tenth of a second.
    assert count <= 7


def test_new_things_from_discord_break_nothing(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        server.world.emit(
            "MESSAGE_CREATE", {"id": "x", "channel_id": thread.id, "guild_id": "1", "type": 0, "content": "y"}
        )
        server.world.emit("THREAD_UPDATE", {"id": [], "thread_metadata": 5})
        server.world.emit("GUILD_CREATE", {"channels": {"a": 1}, "roles": [None, 5]})
        server.world.emit("SOMETHING_NEW", {"a": 1})
        server.say(thread.id, "Hello")
        kept.wait_texts("Hello")
    assert server.gateway.opened == ["identify"]


def test_nothing_is_lost_between_two_processes(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    kept = Kept(thread)
    written = []
    for number in range(3):
        with listening(platform, kept):
            server.wait_connected()
            server.say(thread.id, f"live {number}")
            kept.wait(lambda: f"live {number}" in kept.texts(), "the message")  # noqa: B023
        server.say(thread.id, f"between {number}")
        written += [f"live {number}", f"between {number}"]
    with listening(platform, kept):
        kept.wait_texts(*written)
