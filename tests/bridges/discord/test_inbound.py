"""Tests of what comes in from Discord: live, after a pause, and from hostile or unrelated places."""

from __future__ import annotations

import pytest

from flask_pocketping.bridges.discord import session as session_module
from flask_pocketping.bridges.discord.checks import INTENT_MISSING
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import (
    IncomingDelete,
    IncomingEdit,
    IncomingMessage,
    IncomingThreadChange,
    IncomingTyping,
    Post,
    Thread,
)

from ...support.discord import FakeDiscord
from ...support.servers import wait_until
from .conftest import platform_for
from .listening import Kept, listening, wait_live


@pytest.fixture
def thread(platform: DiscordPlatform) -> Thread:
    return platform.open_thread("Ada", "", None).thread


def test_messages_edits_deletions_and_typing_come_in(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        server.wait_connected()
        post = platform.post(thread, Post("1", "Question")).ids[0]
        first = server.say(thread.id, "Answer to <@1>", reply_to=post, mentions=[{"id": "1", "username": "ada"}])
        server.edit(thread.id, first, "Answer!")
        server.preview(thread.id, first)
        second, third = server.say(thread.id, "two"), server.say(thread.id, "three")
        server.delete(thread.id, first)
        server.delete(thread.id, second, third)
        server.type(thread.id)
        kept.wait(lambda: kept.of(IncomingTyping), "typing")
    message = kept.of(IncomingMessage)[0]
    assert (message.thread, message.id, message.text, message.reply_to) == (thread, first, "Answer to @ada", post)
    assert (message.author.name, message.author.is_bot) == ("Ana (Support)", False)
    assert message.sent_at is not None
    # The preview of a link tells the same edit again, and the bridge's own post and its typing are nothing new.
    assert {(edit.id, edit.text) for edit in kept.of(IncomingEdit)} == {(first, "Answer!")}
    assert len({edit.version for edit in kept.of(IncomingEdit)}) == 1
    assert [gone.id for gone in kept.of(IncomingDelete)] == [first, second, third]
    assert {gone.channel for gone in kept.of(IncomingDelete)} == {server.channel}
    assert kept.texts() == ["Answer to @ada", "two", "three"]
    assert kept.of(IncomingTyping)[0].author.name == "Ana (Support)"
    assert kept.position is not None
    assert int(kept.position) >= int(third)


def test_files_forwards_stickers_and_polls_are_readable(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        server.wait_connected()
        server.say(thread.id, "", files=[("a.txt", b"one", "text/plain"), ("b.png", b"two", "image/png")])
        server.forward(thread.id, "Original\ntext", files=[("c.txt", b"three", "text/plain")])
        server.say(thread.id, "", sticker_items=[{"id": "1", "name": "Wave", "format_type": 1}])
        server.say(thread.id, "", poll={"question": {"text": "Which size?"}, "answers": []})
        kept.wait(lambda: len(kept.texts()) == 4, "four messages")
    files, forward, sticker, poll = kept.of(IncomingMessage)
    assert [(file.name, file.mime_type, file.size) for file in files.files] == [
        ("a.txt", "text/plain", 3),
        ("b.png", "image/png", 3),
    ]
    assert forward.text == "> Original\n> text"
    assert forward.reply_to is None
    assert [file.name for file in forward.files] == ["c.txt"]
    assert (sticker.text, poll.text) == ("[Wave]", "Which size?")
    assert [b"".join(platform.fetch(file, 100)) for file in (*files.files, *forward.files)] == [
        b"one",
        b"two",
        b"three",
    ]


def test_what_is_not_said_in_a_thread_is_ignored(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        server.say(server.channel, "in the channel")
        server.say(thread.id, "Ada changed the name", type=4)
        # A thread of which the connection did not hear, because it was in the archive.
        server.world.emit = lambda event, data: None
        other = server.world.make_thread(server.world.find(server.forum), "Old", 11, 60, server.ana()["id"])
        server.world.emit = server._emit
        server.say(other["id"], "elsewhere")
        server.say(other["id"], "again")
        bot = server.world.add_user("Helper", bot=True)
        server.say(thread.id, "beep", bot)
        server.say(thread.id, "hook", server.ben(), webhook_id="1")
        server.say(thread.id, "Hello")
        kept.wait(lambda: "Hello" in kept.texts(), "the message")
    found = {message.text: message for message in kept.of(IncomingMessage)}
    # The receiver decides by thread and author.
    assert found.keys() == {"elsewhere", "again", "beep", "hook", "Hello"}
    assert found["elsewhere"].thread == Thread(server.forum, other["id"])
    assert [found[text].author.is_bot for text in ("beep", "hook", "Hello")] == [True, True, False]
    assert server.routes().count(f"GET /channels/{other['id']}") == 1


def test_nothing_is_lost_while_it_can_not_be_stored(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FIRST_WAIT", 0.05)
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        kept.fails = 3
        for text in ("one", "two", "three"):
            server.say(thread.id, text)
        kept.wait_texts("one", "two", "three")


def test_what_can_never_be_stored_does_not_stop_the_rest(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(session_module, "LONGEST_WAIT", 0.01)
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        kept.fails = session_module.STORE_ATTEMPTS
        server.say(thread.id, "poison")
        server.say(thread.id, "next")
        kept.wait_texts("next")


def test_what_was_written_meanwhile_comes_in_afterwards_in_order(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    quiet = platform.open_thread("Ben", "", None).thread
    platform.post(quiet, Post("0", "Hello"))
    server.world.travel(600)
    kept = Kept(thread, quiet)
    with listening(platform, kept):
        server.wait_connected()
        server.say(thread.id, "live")
        kept.wait_texts("live")
    server.world.travel(600)
    written = [f"{number}" for number in range(230)]
    for number, text in enumerate(written):
        server.say(thread.id, text)
        if number == 200:
            # The bridge goes on posting while nobody listens.
            platform.post(thread, Post("1", "from the visitor"))
    server.delete_thread(server.world.make_thread(server.world.find(server.channel), "x", 11, 60, "1")["id"])
    server.requests.clear()
    with listening(platform_for(server), kept):
        server.wait_connected()
        server.say(thread.id, "live again")
        kept.wait_texts("live", *written, "live again")
    # Threads without news cost no request.
    assert f"GET /channels/{quiet.id}/messages" not in server.routes()


def test_what_was_closed_meanwhile_comes_in_afterwards(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    others = [platform.open_thread(name, "", None).thread for name in ("Ben", "Cleo", "Dan")]
    kept = Kept(thread, *others)
    with listening(platform, kept):
        server.wait_connected()
        for each in (thread, *others):
            platform.post(each, Post(each.id[-20:], "Hello"))
        server.say(others[2].id, "hi")
        kept.wait_texts("hi")
    server.say(thread.id, "Bye")
    server.set_state(thread.id, archived=True)
    platform.close(others[0])
    server.delete_thread(others[1].id)
    with listening(platform_for(server), kept):
        kept.wait(lambda: kept.changes(), "a change")
        server.wait_connected()
        server.say(others[2].id, "still here")
        kept.wait_texts("hi", "Bye", "still here")
    assert [(change.thread, change.change) for change in kept.of(IncomingThreadChange)] == [(thread, "closed")]


def test_operators_close_reopen_and_delete_threads(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        platform.post(thread, Post("1", "Hello"))
        # The bridge's own changes are no news.
        platform.close(thread)
        platform.reopen(thread)
        platform.post(thread, Post("2", "Hello"))
        server.set_state(thread.id, archived=True)
        kept.wait(lambda: kept.changes() == ["closed"], "closed")
        platform.reopen(thread)
        platform.close(thread)
        server.set_state(thread.id, archived=False, locked=False)
        kept.wait(lambda: kept.changes() == ["closed", "reopened"], "reopened")
        # Now it no longer looks as if the bridge had closed it, so that somebody can close it again.
        wait_until(lambda: server.threads()[0]["thread_metadata"]["auto_archive_duration"] == 10080, "the mark")
        server.set_state(thread.id, archived=True, locked=True)
        kept.wait(lambda: kept.changes() == ["closed", "reopened", "closed"], "closed again")
        server.delete_thread(thread.id)
        kept.wait(lambda: kept.changes()[3:] == ["deleted"], "deleted")


def test_a_thread_that_discord_archives_is_not_closed(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    server.world.max_active = 1
    kept = Kept(thread)
    with listening(platform, kept):
        wait_live(server, kept, thread)
        platform.post(thread, Post("1", "Hello"))
        server.world.travel(10080 * 60)
        server.set_state(thread.id, archived=True)
        # Its event is dealt with before the thread comes back.
        server.type(thread.id)
        kept.wait(lambda: len(kept.of(IncomingTyping)) == 2, "typing")
        platform.post(thread, Post("2", "Hello"))
        # This one makes room for another.
        other = platform.open_thread("Ben", "", None).thread
        assert server.threads()[0]["thread_metadata"]["archived"]
        server.say(other.id, "Hi")
        kept.wait_texts("Hi")
    assert kept.changes() == []


def test_operators_are_told_that_their_texts_are_hidden(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    kept = Kept(thread)
    with listening(platform, kept):
        server.wait_connected()
    server.say(thread.id, "Hello")
    server.world.application_flags = 0
    # The Gateway refuses the bot now, so this is what fetching gets.
    from flask_pocketping.bridges.discord.catch_up import CatchUp
    from flask_pocketping.bridges.discord.events import Events
    from flask_pocketping.bridges.discord.names import Names

    session = session_module.Session(platform, kept, lambda seconds: True)
    events = Events(Names(), server.world.bot["id"], lambda channel: None)
    for _ in range(2):
        CatchUp(platform.client, kept, events, session).run()
    wait_until(lambda: len(server.texts(thread.id)) == 2, "the post")
    assert kept.texts() == []
    # They are told once, in the thread.
    assert [text.replace("\\", "") for text in server.texts(thread.id)] == ["Hello", INTENT_MISSING]
