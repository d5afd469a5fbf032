"""Tests of the outgoing calls to Discord, against a fake one."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import (
    OutgoingFile,
    PlatformError,
    Post,
    Refused,
    Thread,
    ThreadGone,
    ThreadsFull,
    Throttled,
    Unanswered,
    Unreachable,
)

from ...support.discord import FakeDiscord
from .conftest import platform_for


@pytest.fixture
def thread(platform: DiscordPlatform) -> Thread:
    return platform.open_thread("Ada", "Ada is here", None).thread


def file(name: str, content: bytes, mime_type: str = "text/plain") -> OutgoingFile:
    return OutgoingFile(name, name, mime_type, len(content), lambda: io.BytesIO(content))


def test_a_text_channel_gets_public_threads(server: FakeDiscord, platform: DiscordPlatform) -> None:
    opened = platform.open_thread("Ada from Berlin", "Ada is here", None)
    made = server.threads()[0]
    assert (made["id"], made["name"], made["type"]) == (opened.thread.id, "Ada from Berlin", 11)
    assert made["thread_metadata"]["auto_archive_duration"] == 10080
    assert opened.thread.channel == server.channel
    # The first post has the header.
    assert not opened.has_header
    platform.post(opened.thread, Post("1", "Hello", author="Ada", header="From *Berlin*\non /pricing"))
    assert server.texts(opened.thread.id) == ["From \\*Berlin\\*\non /pricing\n\n**Ada**\nHello"]


def test_a_forum_channel_gets_posts_that_begin_with_the_header(server: FakeDiscord) -> None:
    platform = platform_for(server, server.forum)
    opened = platform.open_thread("Ada", "<@&1> Ada\n# Shop", None)
    assert opened.has_header
    assert server.texts(opened.thread.id) == ["\\<\\@&1> Ada\n\\# Shop"]
    platform.post(opened.thread, Post("1", "Hello"))
    assert server.texts(opened.thread.id)[1] == "Hello"


def test_a_forum_that_needs_a_tag_gets_one(server: FakeDiscord) -> None:
    tags = [{"id": "11", "name": "Moderators", "moderated": True}, {"id": "12", "name": "Chat", "moderated": False}]
    server.world.find(server.forum).update(flags=1 << 4, available_tags=tags)
    platform_for(server, server.forum).open_thread("Ada", "Ada is here", None)
    assert server.threads(server.forum)[0]["applied_tags"] == ["12"]


def test_a_voice_channel_is_refused(server: FakeDiscord) -> None:
    voice = server.world.add_channel("talk", 2)["id"]
    with pytest.raises(Refused, match="POCKETPING_DISCORD_CHANNEL_ID is not a text or forum channel"):
        platform_for(server, voice).open_thread("Ada", "", None)
    with pytest.raises(Refused, match="does not exist, or the bot can't see it"):
        platform_for(server, server.world.new_id()).open_thread("Ada", "", None)


def test_titles_and_headers_fit(server: FakeDiscord) -> None:
    platform = platform_for(server, server.forum)
    opened = platform.open_thread("A" * 300, "*" * 3000, None)
    assert len(server.threads(server.forum)[0]["name"]) == 100
    assert len(server.texts(opened.thread.id)[0]) <= 2000


def test_replies_files_and_silence_travel(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    first = platform.post(thread, Post("1", "Question"))
    reply = platform.post(
        thread,
        Post("2", "Answer", reply_to=first.ids[0], files=(file("a.txt", b"one"), file("ü b.txt", b"two")), silent=True),
    )
    found = server.messages(thread.id)[1]
    assert found["id"] == reply.ids[0]
    assert found["message_reference"]["message_id"] == first.ids[0]
    assert [server.world.files[each["id"]].content for each in found["attachments"]] == [b"one", b"two"]
    assert found["flags"] & 1 << 12


def test_a_reply_to_a_deleted_message_is_posted_without_the_link(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    platform.post(thread, Post("2", "Answer", reply_to=server.world.new_id()))
    assert "message_reference" not in server.messages(thread.id)[0]


def test_many_files_become_several_messages(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    files = tuple(file(f"{number}.txt", b"x") for number in range(12))
    posted = platform.post(thread, Post("1", "Files", files=files))
    assert [len(message["attachments"]) for message in server.messages(thread.id)] == [10, 2]
    assert (posted.calls, len(posted.ids)) == (2, 2)
    # A repeat makes neither of them again.
    assert platform.post(thread, Post("1", "Files", files=files)).ids == posted.ids
    assert len(server.messages(thread.id)) == 2


def test_nothing_mentions_anybody(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    platform.post(thread, Post("1", "@everyone <@1> <@&2> <#3>", author="@here"))
    ids = platform.post(thread, Post("2", "@everyone <@1>", markdown=True)).ids
    platform.edit(thread, ids, Post("3", "@everyone <@1>", markdown=True))
    platform_for(server, server.forum).open_thread("@everyone", "@everyone", None)
    assert server.world.may_mention == []
    bodies = [message["content"] for message in server.messages(thread.id)]
    assert bodies == ["**\\@here**\n\\@everyone \\<\\@1> \\<\\@&2> \\<#3>", "\\@everyone \\<@1>"]


def test_edits_and_deletions(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    post = Post("1", "Hello", author="Ada", files=(file("a.txt", b"one"),))
    ids = platform.post(thread, post).ids
    platform.edit(thread, ids, Post("2", "Hello!", author="Ada"))
    assert server.texts(thread.id) == ["**Ada**\nHello!"]
    assert len(server.messages(thread.id)[0]["attachments"]) == 1
    platform.delete(thread, ids)
    assert server.texts(thread.id) == []
    # What is gone already is no error.
    platform.delete(thread, ids)
    platform.edit(thread, ids, Post("3", "Hello?"))


def test_others_messages_can_not_be_deleted(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    theirs = server.say(thread.id, "Hi")
    with pytest.raises(Refused, match="lacks a permission"):
        platform.delete(thread, [theirs])


def test_a_repeat_posts_once_for_some_minutes(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.fail(f"POST /channels/{thread.id}/messages", carries_out=True, cuts=True)
    post = Post("1234567890-abcdef-0", "Hello")
    with pytest.raises(Unanswered):
        platform_for(server).post(thread, post)
    again = platform.post(thread, post)
    assert [message["id"] for message in server.messages(thread.id)] == list(again.ids)
    # Equal texts are two messages.
    platform.post(thread, Post("1234567891-abcdef-0", "Hello"))
    assert server.texts(thread.id) == ["Hello", "Hello"]


def test_after_some_minutes_a_post_is_found_by_its_content(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    post = Post("1", "Hello *you*", author="Ada", files=(file("a.txt", b"one"),))
    assert platform.find(thread, post) is None
    posted = platform.post(thread, post)
    platform.post(thread, Post("2", "Later"))
    server.say(thread.id, "Answer")
    server.world.travel(600)
    assert platform.find(thread, post) == posted
    assert platform.find(thread, Post("1", "Hello *you*", author="Ben", files=post.files)) is None


def test_a_repeat_of_a_post_that_was_deleted_posts_nothing(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    platform.delete(thread, platform.post(thread, Post("1", "Hello")).ids)
    assert platform.post(thread, Post("1", "Hello")).ids == ()
    assert server.texts(thread.id) == []


def test_a_conversation_is_closed_and_opened(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    platform.close(thread)
    state = server.threads()[0]["thread_metadata"]
    assert (state["archived"], state["locked"]) == (True, True)
    platform.reopen(thread)
    state = server.threads()[0]["thread_metadata"]
    assert (state["archived"], state["locked"]) == (False, False)


def test_an_archived_thread_opens_itself(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.set_state(thread.id, archived=True)
    platform.post(thread, Post("1", "Hello"))
    assert not server.threads()[0]["thread_metadata"]["archived"]


def test_a_locked_thread_is_unlocked_for_a_post(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    ids = platform.post(thread, Post("0", "Before")).ids
    platform.close(thread)
    platform.post(thread, Post("1", "Rated 5"))
    platform.edit(thread, ids, Post("2", "Before!"))
    assert server.texts(thread.id) == ["Before!", "Rated 5"]
    # It is still closed.
    state = server.threads()[0]["thread_metadata"]
    assert (state["archived"], state["locked"]) == (True, True)


def test_a_deleted_thread_is_gone(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.delete_thread(thread.id)
    calls: list[Callable[[], Any]] = [
        lambda: platform.post(thread, Post("1", "Hello")),
        lambda: platform.edit(thread, [server.world.new_id()], Post("1", "Hello")),
        lambda: platform.close(thread),
        lambda: platform.typing(thread),
    ]
    for call in calls:
        with pytest.raises(ThreadGone):
            call()


def test_the_quietest_thread_makes_room(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.max_active = 3
    threads = [platform.open_thread(f"Visitor {number}", "", None).thread for number in range(3)]
    for index in (1, 0, 2):
        platform.post(threads[index], Post(str(index), "Hello"))
    fourth = platform.open_thread("Visitor 3", "", None).thread
    archived = [each["name"] for each in server.threads() if each["thread_metadata"]["archived"]]
    assert archived == ["Visitor 1"]
    # It opens itself with its next message, for which another one makes room.
    platform.post(threads[1], Post("9", "Still here"))
    archived = [each["id"] for each in server.threads() if each["thread_metadata"]["archived"]]
    assert archived == [threads[0].id]
    platform.close(fourth)


def test_threads_of_others_are_not_archived(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.max_active = 1
    server.world.make_thread(server.world.find(server.channel), "Theirs", 11, 10080, server.ana()["id"])
    with pytest.raises(ThreadsFull):
        platform.open_thread("Ada", "", None)


def test_typing_and_link(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    platform.typing(thread)
    assert f"POST /channels/{thread.id}/typing" in server.routes()
    assert platform.link(thread) == f"https://discord.com/channels/{server.world.guild}/{thread.id}"


# --- Limits and errors


def test_limits_are_kept_without_asking(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.limits.routes["POST /channels/:id/messages"] = (2, 30.0)
    platform.post(thread, Post("1", "one"))
    platform.post(thread, Post("2", "two"))
    asked = len(server.requests)
    with pytest.raises(Throttled) as throttled:
        platform.post(thread, Post("3", "three"))
    assert 25 < throttled.value.after <= 30
    assert not throttled.value.everywhere
    assert len(server.requests) == asked
    # Another thread has a limit of its own.
    platform.post(platform.open_thread("Ben", "", None).thread, Post("4", "four"))
    assert server.limits.exceeded == []


@pytest.mark.parametrize("everywhere", [False, True])
def test_429_is_obeyed(server: FakeDiscord, platform: DiscordPlatform, thread: Thread, everywhere: bool) -> None:
    headers = {"Retry-After": "7", "X-RateLimit-Scope": "user"} | ({"X-RateLimit-Global": "true"} if everywhere else {})
    body = {"message": "You are being rate limited.", "retry_after": 6.4, "global": everywhere}
    server.fail(f"POST /channels/{thread.id}/messages", status=429, body=body, headers=headers)
    with pytest.raises(Throttled) as throttled:
        platform.post(thread, Post("1", "one"))
    assert (throttled.value.after, throttled.value.everywhere) == (6.4, everywhere)
    asked = len(server.requests)
    with pytest.raises(Throttled):
        platform.post(thread, Post("1", "one"))
    assert len(server.requests) == asked
    if everywhere:
        with pytest.raises(Throttled):
            platform.typing(thread)
    else:
        platform.typing(thread)


def test_429_without_json_holds_everything(server: FakeDiscord, platform: DiscordPlatform, thread: Thread) -> None:
    server.fail(
        f"POST /channels/{thread.id}/messages", status=429, body="<html>1015</html>", headers={"Retry-After": "40"}
    )
    with pytest.raises(Throttled) as throttled:
        platform.post(thread, Post("1", "one"))
    assert (throttled.value.after, throttled.value.everywhere) == (40, True)


def test_a_refused_token_is_not_tried_again(server: FakeDiscord) -> None:
    token = "wrong-token-of-a-test"
    platform = platform_for(server, token=token)
    for _ in range(3):
        with pytest.raises(Refused, match="refused the bot token") as refused:
            platform.open_thread("Ada", "", None)
        assert token not in str(refused.value)
    assert len(server.requests) == 1


def test_many_refusals_stop_all_requests(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask_pocketping.bridges.discord import rate_limits

    monkeypatch.setattr(rate_limits, "MAX_REFUSALS", 5)
    platform = platform_for(server)
    server.world.find(server.channel)["permission_overwrites"] = [{"id": "1", "deny": str(1 << 38), "allow": "0"}]
    for number in range(5):
        with pytest.raises(Refused, match="lacks a permission"):
            platform.post(thread, Post(str(number), "Hello"))
    with pytest.raises(Throttled) as throttled:
        platform.post(thread, Post("9", "Hello"))
    assert throttled.value.after > 500
    assert server.refused == 5


@pytest.mark.parametrize(
    ("status", "failure"), [(500, Unanswered), (502, Unanswered), (504, Unanswered), (400, Refused), (403, Refused)]
)
def test_errors_of_posts(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, status: int, failure: type[PlatformError]
) -> None:
    server.fail(f"POST /channels/{thread.id}/messages", status=status, body="<html>")
    with pytest.raises(failure):
        platform.post(thread, Post("1", "Hello"))


def test_a_lost_connection_is_unanswered_only_for_posts(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread
) -> None:
    for _ in range(2):
        server.fail(f"PATCH /channels/{thread.id}", cuts=True)
    with pytest.raises(Unreachable):
        platform.close(thread)


def test_the_token_and_the_text_are_in_no_error(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {
        **{"message": "Invalid Form Body", "code": 50035},
        "errors": {"content": {"_errors": [{"code": "X", "message": "Must be 2000 or fewer in length."}]}},
    }
    server.fail(f"POST /channels/{thread.id}/messages", status=400, body=body)
    with pytest.raises(Refused) as refused:
        platform.post(thread, Post("1", "my secret text"))
    assert str(refused.value) == ("Discord refused this: Invalid Form Body: content Must be 2000 or fewer in length.")
    server.fail(f"POST /channels/{thread.id}/messages", cuts=True)
    with pytest.raises(Unanswered) as unanswered:
        platform_for(server).post(thread, Post("1", "my secret text"))
    shown = f"{refused.value!r} {unanswered.value!r} {platform.client!r} {platform!r} {caplog.text}"
    assert server.token not in shown
    assert "secret text" not in shown


def test_a_slow_answer_is_no_answer(
    server: FakeDiscord, platform: DiscordPlatform, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_pocketping.bridges.rest.TIMEOUT", 0.3)
    hold = threading.Event()
    server.fail(f"POST /channels/{thread.id}/messages", carries_out=True, hold=hold)
    with pytest.raises(Unanswered):
        platform.post(thread, Post("1", "Hello"))
    hold.set()
    # Discord knows the repeat.
    platform.post(thread, Post("1", "Hello"))
    assert server.texts(thread.id) == ["Hello"]
