"""Tests that the fake Discord behaves as discord.py expects of the real one."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from yarl import URL

from ...support.discord import FakeDiscord, discord_server
from ...support.servers import wait_until
from .library import discord


class Bot(discord.AutoShardedClient):
    """A client of discord.py in a thread, which keeps what it was told."""

    def __init__(self, intents: discord.Intents, silence: float) -> None:
        super().__init__(intents=intents, heartbeat_timeout=silence, chunk_guilds_at_startup=False)
        self.seen: list[tuple[str, Any]] = []
        self.failure: BaseException | None = None

    async def on_message(self, message: discord.Message) -> None:
        self.seen.append(("message", message))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        self.seen.append(("edit", payload))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self.seen.append(("delete", payload))

    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        self.seen.append(("thread", payload))

    async def on_raw_typing(self, payload: discord.RawTypingEvent) -> None:
        self.seen.append(("typing", payload))

    async def on_resumed(self) -> None:
        self.seen.append(("resumed", None))

    def of(self, kind: str) -> list[Any]:
        """What it was told of one kind."""
        return [found for name, found in list(self.seen) if name == kind]

    def do(self, action: Callable[[], Awaitable[Any]]) -> Any:
        """Run something in its loop."""

        async def run() -> Any:
            return await action()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(15)


class Run:
    """Starts bots and ends them."""

    def __init__(self, server: FakeDiscord) -> None:
        self.server = server
        self.bots: list[tuple[Bot, threading.Thread]] = []

    def start(self, token: str | None = None, intents: discord.Intents | None = None, silence: float = 60.0) -> Bot:
        """Start a bot. `failure` is what ended it."""
        usual = discord.Intents(guilds=True, guild_messages=True, message_content=True, guild_typing=True)
        bot = Bot(intents or usual, silence)

        async def main() -> None:
            async with bot:
                await bot.start(token or self.server.token)

        def run() -> None:
            try:
                asyncio.run(main())
            except BaseException as error:
                bot.failure = error

        thread = threading.Thread(target=run, name="judge")
        thread.start()
        self.bots.append((bot, thread))
        return bot

    def stop(self) -> None:
        """End all."""
        for bot, thread in self.bots:
            if thread.is_alive():
                bot.do(bot.close)
            thread.join(15)


@pytest.fixture
def server() -> Iterator[FakeDiscord]:
    with discord_server() as made:
        yield made


@pytest.fixture
def run(server: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr("discord.http.Route.BASE", server.url)
    gateway = URL(server.world.base.replace("http", "ws", 1) + "/gateway/")
    monkeypatch.setattr("discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY", gateway)
    made = Run(server)
    yield made
    made.stop()


def ready(bot: Bot) -> Bot:
    wait_until(lambda: bot.is_ready() or bot.failure, "ready")
    assert bot.failure is None, repr(bot.failure)
    return bot


def test_threads_posts_and_files_are_made_by_the_library(server: FakeDiscord, run: Run) -> None:
    bot = ready(run.start())
    channel = bot.get_channel(int(server.channel))
    assert isinstance(channel, discord.TextChannel)
    thread = bot.do(lambda: channel.create_thread(name="Ada", type=discord.ChannelType.public_thread))
    sent = bot.do(lambda: thread.send("Hello", nonce="one", file=discord.File(io.BytesIO(b"data"), "a.txt")))
    assert bot.do(lambda: sent.attachments[0].read()) == b"data"
    reply = bot.do(lambda: sent.reply("Hi"))
    assert reply.reference.message_id == sent.id
    bot.do(lambda: reply.edit(content="Hi!"))
    assert [message.content for message in bot.do(lambda: recent(thread))] == ["Hi!", "Hello"]
    bot.do(lambda: reply.delete())
    bot.do(lambda: thread.edit(archived=True, locked=True))
    wait_until(lambda: bot.of("thread"), "the thread's update")
    assert bot.do(lambda: bot.fetch_channel(thread.id)).locked


async def recent(thread: discord.Thread) -> list[discord.Message]:
    return [message async for message in thread.history(limit=10)]


def test_forum_posts_need_a_message(server: FakeDiscord, run: Run) -> None:
    bot = ready(run.start())
    forum = bot.get_channel(int(server.forum))
    assert isinstance(forum, discord.ForumChannel)
    made = bot.do(lambda: forum.create_thread(name="Ada", content="Hello"))
    assert made.message.content == "Hello"
    with pytest.raises(discord.HTTPException) as refused:
        bot.do(lambda: bot.http.start_thread_without_message(forum.id, name="Ada", type=11, auto_archive_duration=60))
    assert refused.value.code == 50035
    assert "message" in refused.value.text


def test_operators_events_reach_the_library(server: FakeDiscord, run: Run) -> None:
    bot = ready(run.start())
    thread = server.world.make_thread(server.world.find(server.channel), "Ada", 11, 60, server.world.bot["id"])["id"]
    message = server.say(thread, "Hello **you**")
    wait_until(lambda: bot.of("message"), "the message")
    found = bot.of("message")[0]
    assert (found.content, found.author.display_name, found.channel.id) == (
        "Hello **you**",
        "Ana (Support)",
        int(thread),
    )
    server.edit(thread, message, "Hello")
    server.type(thread)
    server.delete(thread, message)
    wait_until(lambda: bot.of("delete") and bot.of("typing"), "the other events", seen=lambda: bot.seen)
    assert bot.of("edit")[0].data["content"] == "Hello"


def test_a_lost_connection_is_resumed_with_what_was_missed(server: FakeDiscord, run: Run) -> None:
    bot = ready(run.start())
    thread = server.world.make_thread(server.world.find(server.channel), "Ada", 11, 60, server.world.bot["id"])["id"]
    losses: list[Callable[[], None]] = [
        lambda: server.send_to_all(7),
        lambda: server.close_connections(4000),
        server.cut_connections,
    ]
    for lose in losses:
        count, before = len(bot.of("resumed")), len(bot.of("message"))
        lose()
        server.say(thread, "in between")
        wait_until(lambda: len(bot.of("resumed")) > count, "a resume", 20.0, lambda: server.gateway.opened)  # noqa: B023
        wait_until(lambda: len(bot.of("message")) > before, "the message")  # noqa: B023
    assert server.gateway.opened.count("identify") == 1


def test_sessions_that_expired_begin_anew(server: FakeDiscord, run: Run) -> None:
    ready(run.start())
    server.gateway.sessions.clear()
    server.close_connections(4000)
    wait_until(lambda: len(server.gateway.opened) == 3, "a new session", 20.0, lambda: server.gateway.opened)
    assert server.gateway.opened == ["identify", "resume", "identify"]


def test_silence_is_noticed(server: FakeDiscord, run: Run) -> None:
    server.gateway.heartbeat_ms = 300
    bot = ready(run.start(silence=1.0))
    wait_until(lambda: server.gateway.heartbeats > 2, "heartbeats")
    server.gateway.acknowledges = False
    wait_until(lambda: bot.of("resumed"), "a resume after silence", 20.0)


@pytest.mark.parametrize(
    ("cause", "failure"),
    [
        ("token", discord.LoginFailure),
        ("intents", discord.PrivilegedIntentsRequired),
        ("unknown intents", discord.ConnectionClosed),
    ],
)
def test_refusals_are_final(server: FakeDiscord, run: Run, cause: str, failure: type[Exception]) -> None:
    if cause == "intents":
        server.world.application_flags = 0
    intents = discord.Intents(value=1 << 27) if cause == "unknown intents" else None
    bot = run.start("wrong" if cause == "token" else None, intents)
    wait_until(lambda: bot.failure, "the failure")
    assert isinstance(bot.failure, failure)


def test_the_library_waits_as_long_as_it_is_told(server: FakeDiscord, run: Run) -> None:
    server.limits.routes["POST /channels/:id/messages"] = (2, 0.5)
    bot = ready(run.start())
    channel = bot.get_channel(int(server.channel))
    assert isinstance(channel, discord.TextChannel)
    thread = bot.do(lambda: channel.create_thread(name="Ada", type=discord.ChannelType.public_thread))
    for number in range(5):
        bot.do(lambda: thread.send(str(number)))  # noqa: B023
    assert server.texts(str(thread.id)) == ["0", "1", "2", "3", "4"]
    assert server.limits.exceeded == []
    server.fail(
        f"POST /channels/{thread.id}/messages",
        status=429,
        body={"message": "You are being rate limited.", "retry_after": 0.2, "global": True},
        headers={"X-RateLimit-Global": "true", "Retry-After": "1", "Via": "1.1 google"},
    )
    bot.do(lambda: thread.send("after"))
    assert server.texts(str(thread.id))[-1] == "after"
