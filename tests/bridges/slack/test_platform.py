"""Tests of posts, edits, threads and files as people in Slack see them."""

from __future__ import annotations

import io
import json

import pytest

from flask_pocketping.bridges.platform import (
    OutgoingFile,
    PlatformError,
    Post,
    Thread,
    ThreadGone,
    Throttled,
    Unanswered,
    Unreachable,
)
from flask_pocketping.bridges.slack.platform import SlackPlatform
from tests.support.receiver import Receiver
from tests.support.slack import FakeSlack
from tests.support.slack.server import Fault


def file(name: str = "a.txt", data: bytes = b"hello") -> OutgoingFile:
    return OutgoingFile(f"att_{name}", name, "text/plain", len(data), lambda: io.BytesIO(data))


def opened(platform: SlackPlatform, text: str = "Hi there") -> Thread:
    return platform.open_thread(
        "Vera · Pricing", "vera@example.com\nBerlin", Post("k-first", text, author="Vera")
    ).thread


def shown(slack: FakeSlack, thread: Thread) -> list[str]:
    return slack.workspace.texts(thread.channel, thread.id)


def test_a_thread_begins_with_the_visitor_and_their_first_message(slack: FakeSlack, platform: SlackPlatform) -> None:
    found = platform.open_thread("Vera · Pricing", "vera@example.com", Post("k1", "Hi <b>", author="Vera"))
    (root,) = slack.workspace.roots(slack.channel)
    assert found.thread == Thread(slack.channel, root["ts"])
    assert found.ids == (root["ts"],)
    assert root["text"] == "Vera · Pricing\nvera@example.com\n\nHi &lt;b&gt;"
    assert root["username"] == "Vera"
    assert root["blocks"][0]["elements"][0]["elements"][0]["style"] == {"bold": True}


def test_a_post_is_a_reply_with_author_and_picture(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    picture = "https://shop.example/ana.png"
    posted = platform.post(thread, Post("k2", "Hello *you*", author="Ana, Telegram", avatar=picture, markdown=True))
    reply = slack.workspace.thread(thread.channel, thread.id)[1]
    assert posted.ids == (reply["ts"],)
    assert (reply["text"], reply["username"]) == ("Hello _you_", "Ana, Telegram")
    assert reply["icons"] == {"image_48": picture}
    call = slack.called("chat.postMessage")[-1]
    assert (call["unfurl_links"], call["unfurl_media"], call["link_names"]) == (False, False, False)
    assert call["metadata"] == {"event_type": "pocketping_post", "event_payload": {"key": "k2", "files": []}}


def test_a_reply_quotes_the_message(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    platform.post(thread, Post("k2", "Yes.", quote="Is it\n<blue>?" + " really" * 50))
    platform.post(thread, Post("k3", "**No.**", quote="Is it red?", markdown=True))
    first, second = shown(slack, thread)[1:]
    assert first.startswith("> Is it &lt;blue&gt;? really")
    assert first.endswith("…\nYes.")
    assert second == "> Is it red?\n*No.*"


def test_a_post_may_begin_with_the_lines_about_the_visitor(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    platform.post(thread, Post("k2", "Hi <you>", header="Vera\nBerlin"))
    platform.post(thread, Post("k3", "**Hi**", header="Vera\nBerlin", markdown=True))
    assert shown(slack, thread)[1:] == ["Vera\nBerlin\n\nHi &lt;you&gt;", "Vera\nBerlin\n\n*Hi*"]


def test_a_dead_thread_is_noticed_and_the_stray_post_removed(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    slack.workspace.remove_thread(thread.channel, thread.id)
    with pytest.raises(ThreadGone):
        platform.post(thread, Post("k2", "Anybody there?"))
    assert slack.workspace.roots(slack.channel) == []
    assert platform.link(thread) is None


def test_a_stray_post_is_removed_also_after_a_crash(slack: FakeSlack, platform: SlackPlatform) -> None:
    """The worker may be killed between the post in the channel and its removal."""
    thread = opened(platform)
    slack.workspace.remove_thread(thread.channel, thread.id)
    slack.fail("chat.postMessage", Fault(cut=True, after=True))
    with pytest.raises(Unanswered):
        platform.post(thread, Post("k2", "Anybody there?"))
    assert len(slack.workspace.roots(slack.channel)) == 1
    with pytest.raises(ThreadGone):
        platform.find(thread, Post("k2", "Anybody there?"))
    assert slack.workspace.roots(slack.channel) == []


def test_a_post_without_an_answer_is_found_by_its_key(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    slack.fail("chat.postMessage", Fault(cut=True, after=True))
    post = Post("k2", "Once only")
    with pytest.raises(Unanswered):
        platform.post(thread, post)
    found = platform.find(thread, post)
    assert found is not None
    assert found.ids == (slack.workspace.thread(thread.channel, thread.id)[1]["ts"],)
    assert platform.find(thread, Post("k3", "Once only")) is None


def test_a_thread_without_an_answer_is_found_too(slack: FakeSlack, platform: SlackPlatform) -> None:
    first = Post("k1", "Hi", files=(file(),))
    slack.fail("chat.postMessage", Fault(cut=True, after=True))
    with pytest.raises(Unanswered):
        platform.open_thread("Vera", "Berlin", first)
    found = platform.find_thread("Vera", first)
    assert found is not None
    (root,) = slack.workspace.roots(slack.channel)
    assert found.thread.id == root["ts"]
    assert len(found.ids) == 2
    assert [one["name"] for one in slack.workspace.thread(slack.channel, root["ts"])[1]["files"]] == ["a.txt"]
    assert platform.find_thread("Vera", Post("k9", "Hi")) is None


def test_edits_change_text_and_keep_the_lines_about_the_visitor(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    reply = platform.post(thread, Post("k2", "one"))
    platform.edit(thread, [thread.id], Post("k1", "Hi & bye"))
    platform.edit(thread, reply.ids, Post("k2", "*two*"))
    root, changed = slack.workspace.thread(thread.channel, thread.id)
    assert root["text"] == "Vera · Pricing\nvera@example.com\nBerlin\n\nHi &amp; bye"
    assert changed["text"] == "*two*"
    assert changed["blocks"][0]["elements"][0]["elements"] == [{"type": "text", "text": "*two*"}]
    # The metadata stays, by which an edited post is still found.
    assert platform.find(thread, Post("k2", "")) is not None


def test_an_edit_of_what_somebody_deleted_in_slack_is_no_failure(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    reply = platform.post(thread, Post("k2", "one"))
    slack.workspace.remove(thread.channel, reply.ids[0])
    platform.edit(thread, reply.ids, Post("k2", "two"))
    assert shown(slack, thread)[1:] == []


def test_lines_of_the_bridge_look_different(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    platform.post(thread, Post("k2", "The visitor left.", silent=True))
    (part,) = slack.workspace.thread(thread.channel, thread.id)[1]["blocks"][0]["elements"][0]["elements"]
    assert part == {"type": "text", "text": "The visitor left.", "style": {"italic": True}}


def test_a_deleted_first_message_leaves_the_thread_alive(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform, "my password is 1234")
    reply = platform.post(thread, Post("k2", "one"))
    platform.delete(thread, [thread.id])
    platform.delete(thread, reply.ids)
    platform.delete(thread, reply.ids)
    assert shown(slack, thread) == ["Vera · Pricing\nvera@example.com\nBerlin\n\nThis message was deleted."]
    platform.post(thread, Post("k3", "still here"))
    assert "1234" not in str(slack.workspace.thread(thread.channel, thread.id))


def test_closing_and_reopening_are_shown(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    platform.close(thread)
    # A repeat, because no answer came, changes nothing.
    platform.close(thread)
    assert slack.workspace.thread(thread.channel, thread.id)[0]["reactions"] == ["white_check_mark"]
    assert shown(slack, thread)[1:] == ["The conversation was closed."]
    platform.reopen(thread)
    platform.reopen(thread)
    assert slack.workspace.thread(thread.channel, thread.id)[0]["reactions"] == []
    assert shown(slack, thread)[-1] == "The conversation was reopened."
    slack.workspace.scopes.discard("reactions:write")
    platform.close(thread)
    assert shown(slack, thread)[-1] == "The conversation was closed."


def test_a_thread_has_an_address_for_people(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    assert platform.link(thread) == f"https://fake.slack.com/archives/{slack.channel}/p{thread.id.replace('.', '')}"


def test_files_are_uploaded_in_three_steps_and_found_when_they_appear(
    slack: FakeSlack, platform: SlackPlatform
) -> None:
    thread = opened(platform)
    slack.workspace.late_shares = 2
    posted = platform.post(thread, Post("k2", "Two files", author="Vera", files=(file("a.txt"), file("b & c.txt"))))
    text, shared = slack.workspace.thread(thread.channel, thread.id)[1:]
    assert posted.ids == (text["ts"], shared["ts"])
    assert [one["name"] for one in shared["files"]] == ["a.txt", "b & c.txt"]
    assert [slack.workspace.files[one["id"]]["data"] for one in shared["files"]] == [b"hello", b"hello"]


def test_a_file_without_text_says_whose_it_is(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    platform.post(thread, Post("k2", "", author="Vera", files=(file("a.txt"),)))
    text = slack.workspace.thread(thread.channel, thread.id)[1]
    assert (text["username"], text["text"]) == ("Vera", "a.txt")


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.getUploadURLExternal", Fault(502)),
        ("files.getUploadURLExternal", Fault(429, headers={"Retry-After": "3"})),
        ("upload", Fault(503)),
        ("chat.postMessage", Fault(429, headers={"Retry-After": "3"})),
        ("chat.postMessage", Fault(cut=True)),
        ("chat.postMessage", Fault(cut=True, after=True)),
        ("files.completeUploadExternal", Fault(cut=True)),
        ("files.completeUploadExternal", Fault(cut=True, after=True)),
        ("files.completeUploadExternal", Fault(429, headers={"Retry-After": "3"})),
        ("files.info", Fault(502)),
        ("files.info", Fault(429, headers={"Retry-After": "3"})),
    ],
)
def test_text_and_files_stand_there_once_wherever_it_breaks_off(
    slack: FakeSlack, platform: SlackPlatform, method: str, fault: Fault
) -> None:
    """What a bridge does: repeat after errors that say so, and look first after those that leave it open."""
    thread = opened(platform)
    slack.fail(method, fault)
    post = Post("k2", "One file", files=(file(),))
    with pytest.raises((Unanswered, Unreachable, Throttled)) as caught:
        platform.post(thread, post)
    found = platform.find(thread, post) if isinstance(caught.value, Unanswered) else None
    posted = found or platform.post(thread, post)
    messages = slack.workspace.thread(thread.channel, thread.id)[1:]
    assert posted.ids == tuple(message["ts"] for message in messages)
    assert [message["text"] for message in messages] == ["One file", ""]


def test_a_file_that_slack_does_not_show_is_shared_again_once(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    post = Post("k2", "One file", files=(file(),))
    slack.workspace.late_shares = 100
    with pytest.raises(Unanswered, match="did not show"):
        platform.post(thread, post)
    slack.workspace.late_shares = 0
    found = platform.find(thread, post)
    assert found is not None
    assert found.ids == tuple(message["ts"] for message in slack.workspace.thread(thread.channel, thread.id)[1:])


def test_a_file_that_slack_never_shows_stops_nothing(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    post = Post("k2", "One file", files=(file(),))
    slack.workspace.late_shares = 1000
    with pytest.raises(Unanswered):
        platform.post(thread, post)
    found = platform.find(thread, post)
    assert found is not None
    assert len(found.ids) == 1
    assert len(slack.called("files.completeUploadExternal")) == 2
    assert shown(slack, thread)[1:] == ["One file", "Files are missing here: a.txt. Slack does not show them."]


def test_a_file_that_slack_refuses_does_not_keep_back_the_text(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    slack.workspace.scopes.discard("files:write")
    posted = platform.post(thread, Post("k2", "One file", files=(file(),)))
    assert len(posted.ids) == 1
    assert "One file\na.txt was not posted. The Slack app is missing scope files:write." in shown(slack, thread)[1]
    slack.workspace.scopes.add("files:write")
    slack.refuse("files.completeUploadExternal", "storage_limit_reached")
    platform.post(thread, Post("k3", "Another", files=(file(),)))
    assert shown(slack, thread)[2:] == [
        "Another",
        "Files are missing here: a.txt. Slack refused it: storage_limit_reached.",
    ]


def test_an_address_to_upload_to_must_be_slacks(slack: FakeSlack, platform: SlackPlatform, receiver: Receiver) -> None:
    thread = opened(platform)
    body = json.dumps({"ok": True, "file_id": "F1", "upload_url": receiver.url}).encode()
    slack.fail("files.getUploadURLExternal", Fault(200, body))
    platform.post(thread, Post("k2", "x", files=(file(),)))
    assert "does not belong to Slack" in shown(slack, thread)[1]
    assert receiver.received == []


def test_texts_are_measured_as_they_are_sent(platform: SlackPlatform) -> None:
    assert platform.measure("a<b>&c", markdown=False) == len("a&lt;b&gt;&amp;c")
    assert platform.measure("**a<b**", markdown=True) == len("*a&lt;b*")


def test_the_longest_text_fits(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = platform.open_thread("t" * 150, "h" * 500, Post("k1", "x" * platform.max_text)).thread
    platform.post(thread, Post("k2", "y" * platform.max_text, quote="<" * 500))
    platform.edit(thread, [thread.id], Post("k1", "z" * platform.max_text))
    root = slack.workspace.thread(thread.channel, thread.id)[0]
    assert "z" * platform.max_text in str(root["blocks"])
    assert len(root["text"]) <= 4000


def test_only_one_message_per_second_goes_to_a_channel(platform: SlackPlatform) -> None:
    (pace,) = platform.paces(None)
    assert (pace.limit, pace.period) == (1, 1.0)
    assert platform.paces(Thread(platform.channel, "1.1")) == [pace]


def test_every_failure_is_a_platform_error(slack: FakeSlack, platform: SlackPlatform) -> None:
    thread = opened(platform)
    slack.workspace.support.archived = True
    for call in (
        lambda: platform.post(thread, Post("k2", "x")),
        lambda: platform.find(thread, Post("k2", "x")),
        lambda: platform.edit(thread, [thread.id], Post("k2", "x")),
        lambda: platform.delete(thread, ["1.1"]),
        lambda: platform.close(thread),
        lambda: platform.reopen(thread),
        lambda: platform.open_thread("t", "h", None),
    ):
        with pytest.raises(PlatformError, match="archived"):
            call()
