"""Tests of whole conversations between a visitor's page and Slack, through a real server and worker."""

from __future__ import annotations

import itertools
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from flask_pocketping import clock
from flask_pocketping.bridges.slack import platform
from tests.conftest import Serve
from tests.support.clients import Api, Visitor
from tests.support.servers import Process, make_app, process_environment, serving, wait_until
from tests.support.slack import FakeSlack
from tests.support.slack.events import signed
from tests.support.slack.server import Fault
from tests.support.slack.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Message
from tests.web.test_uploads import send_file

SECRETS = (BOT_TOKEN, APP_TOKEN, SIGNING_SECRET, "secret-of-", "files-pri", "ticket=")


def settings_for(slack: FakeSlack, **more: Any) -> dict[str, Any]:
    """The settings of an app that is connected by Socket Mode."""
    return {
        "slack_bot_token": BOT_TOKEN,
        "slack_app_token": APP_TOKEN,
        "slack_channel_id": slack.channel,
        "slack_api_url": slack.api_url,
        "bridge_allow_networks": "127.0.0.0/8",
        **more,
    }


def for_events(slack: FakeSlack, **more: Any) -> dict[str, Any]:
    """The settings of an app that gets requests of the Events API."""
    settings = settings_for(slack, slack_signing_secret=SIGNING_SECRET, **more)
    del settings["slack_app_token"]
    return settings


class Room:
    """A conversation: the page, its thread in Slack, and the back office."""

    def __init__(self, api: Api, slack: FakeSlack, first: str = "Is the <green> & *blue* one in stock?") -> None:
        self.api = api
        self.slack = slack
        self.channel = slack.channel
        known = {root["ts"] for root in slack.workspace.roots(slack.channel)}
        self.visitor: Visitor = api.visitor(metadata={"url": "https://shop.example/tea", "pageTitle": "Tea"})
        self.visitor.say(first)
        self.root = wait_until(lambda: self.new_root(known), "a thread", 20, lambda: slack.calls)
        self.until(self.all_sent, "the thread is known")

    def new_root(self, known: set[str]) -> str | None:
        return next((root["ts"] for root in self.slack.workspace.roots(self.channel) if root["ts"] not in known), None)

    def thread(self) -> list[Message]:
        return self.slack.workspace.thread(self.channel, self.root)

    def texts(self) -> list[str]:
        """The replies in the thread."""
        return [message["text"] for message in self.thread()[1:]]

    def answer(self, text: str, **more: Any) -> str:
        """Write in the thread as Ana."""
        return self.slack.workspace.write(self.channel, self.root, text, **more)

    def shown(self) -> list[str]:
        """What the page shows."""
        return [message["content"] for message in self.visitor.messages() if not message.get("deletedAt")]

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 20) -> Any:
        return wait_until(condition, what, timeout, lambda: (self.shown(), self.texts()))

    def states(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Each message with its state on the bridge, as the back office shows it."""
        found = self.api.ok("GET", f"/sessions/{self.visitor.session_id}/messages")["messages"]
        return [(message["content"], message.get("deliveries", [])) for message in found]

    def all_sent(self) -> bool:
        """Whether everything is in the thread, and recorded as such."""
        return _all_sent(self.api, self.visitor)()


@pytest.fixture(autouse=True)
def fast_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that takes more than one message a second."""
    monkeypatch.setattr(platform, "PERIOD", 0.05)


@contextmanager
def getting_requests(slack: FakeSlack, serve: Serve, **settings: Any) -> Iterator[Api]:
    """A server to which Slack sends requests."""
    api = serve(**for_events(slack, **settings))
    api.get("/health")
    assert slack.events.verify(f"{api.url}/bridges/slack")
    yield api
    # A request to a server that is being stopped would start its threads again.
    slack.events.url = None
    slack.events.wait_idle()


@pytest.fixture
def by_requests(slack: FakeSlack, serve: Serve) -> Iterator[Api]:
    with getting_requests(slack, serve) as api:
        yield api


@pytest.fixture
def by_socket(slack: FakeSlack, serve: Serve) -> Api:
    """A server that has a connection to Slack."""
    slack.uses_sockets = True
    api = serve(**settings_for(slack))
    api.get("/health")
    wait_until(lambda: slack.sockets.open, "a connection", 20)
    return api


@pytest.fixture(params=["by_socket", "by_requests"])
def connected(request: pytest.FixtureRequest) -> Api:
    """A server that receives what is written in Slack, in each of the two ways."""
    api: Api = request.getfixturevalue(request.param)
    return api


def test_a_conversation_goes_both_ways(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack)
    root = room.thread()[0]
    assert root["text"].endswith("Is the &lt;green&gt; &amp; *blue* one in stock?")
    assert "https://shop.example/tea" in root["text"]
    room.answer("Yes, *both* are. <@U0BOB> &amp; I keep one")
    room.until(lambda: len(room.shown()) == 2, "the answer")
    answer = room.visitor.messages()[-1]
    assert answer["content"] == "Yes, **both** are. @Bob B. & I keep one"
    assert (answer["sender"], answer["operatorName"]) == ("operator", "Ana")
    room.visitor.say("Thanks!")
    room.until(lambda: room.texts()[-1] == "Thanks!", "the thanks")
    session = f"/sessions/{room.visitor.session_id}/messages"
    connected.ok("POST", session, {"content": "I'll *send* it", "operatorName": "Cleo"})
    room.until(lambda: room.texts()[-1] == "I'll _send_ it", "the other operator")
    assert room.thread()[-1]["username"].startswith("Cleo")
    # Nothing came back, and nothing came twice.
    assert len(room.shown()) == 4
    assert len(room.thread()) == 4
    room.until(lambda: not slack.sockets.waiting or not slack.uses_sockets, "all is confirmed")
    room.until(room.all_sent, "all is sent")


def test_edits_and_deletions_go_both_ways(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack, "First")
    ts = room.answer("Hello")
    gone = room.answer("Wrong window")
    room.until(lambda: room.shown() == ["First", "Hello", "Wrong window"], "both answers")
    slack.workspace.unfurl(room.channel, ts)
    slack.workspace.edit(room.channel, ts, "Hello, *you*")
    slack.workspace.remove(room.channel, gone)
    room.until(lambda: room.shown() == ["First", "Hello, **you**"], "the edit and the deletion")
    said = room.visitor.say("Oops")
    room.until(lambda: room.texts()[-1:] == ["Oops"], "the message")
    room.visitor.request("PATCH", f"/message/{said['messageId']}", {"sessionId": room.visitor.handle, "content": "Ups"})
    room.until(lambda: room.texts()[-1:] == ["Ups"], "the edit")
    page = {"sessionId": room.visitor.handle}
    room.visitor.request("DELETE", f"/message/{said['messageId']}", params=page)
    room.until(lambda: "Ups" not in room.texts(), "the deletion")
    first = room.visitor.messages()[0]["id"]
    room.visitor.request("DELETE", f"/message/{first}", params=page)
    room.until(lambda: "First" not in room.thread()[0]["text"], "the first message is gone")
    assert "https://shop.example/tea" in room.thread()[0]["text"]


def test_files_go_both_ways(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack)
    about = slack.workspace.add_file("plan.txt", "text/plain", b"the plan")
    room.answer("Here it is", files=[about])
    room.until(lambda: len(room.shown()) == 2, "the file")
    message = room.visitor.messages()[-1]
    (attachment,) = message["attachments"]
    assert (message["content"], attachment["filename"]) == ("Here it is", "plan.txt")
    assert connected.get(attachment["url"]).content == b"the plan"
    assert not any(secret in json.dumps(message) for secret in SECRETS)
    uploaded = send_file(room.visitor, b"a photo", "photo.txt")
    room.visitor.say("Look", attachmentIds=[uploaded["id"]])
    room.until(lambda: len(room.thread()) == 4, "text and file")
    text, file = room.thread()[-2:]
    assert (text["text"], file["files"][0]["name"]) == ("Look", "photo.txt")
    assert slack.workspace.files[file["files"][0]["id"]]["data"] == b"a photo"
    # The file came back as an event, but not to the page.
    room.answer("Got it")
    room.until(lambda: room.shown()[-1] == "Got it", "the answer")
    assert len(room.shown()) == 4


def test_closing_and_reopening(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack)
    room.answer("!close")
    room.until(lambda: room.thread()[0].get("reactions") == ["white_check_mark"], "the reaction")
    assert "!close" not in str(room.visitor.messages())
    room.visitor.say("One more thing")
    room.until(lambda: room.thread()[0].get("reactions") == [], "no reaction")
    assert "The conversation was closed." in room.texts()
    room.until(lambda: "The conversation was reopened." in room.texts(), "the note")


@pytest.mark.parametrize("keeps_replies", [False, True])
def test_a_deleted_thread_is_replaced(slack: FakeSlack, connected: Api, keeps_replies: bool) -> None:
    """A root with replies leaves a tombstone, under which Slack would go on posting."""
    room = Room(connected, slack, "Do you remember me?")
    room.answer("Sure")
    room.until(lambda: room.shown()[-1] == "Sure", "the answer")
    old = room.root
    (slack.workspace.remove if keeps_replies else slack.workspace.remove_thread)(room.channel, old)
    known = {root["ts"] for root in slack.workspace.roots(room.channel)}
    slack.events.wait_idle()
    room.until(lambda: not slack.sockets.waiting or not slack.uses_sockets, "the event")
    room.visitor.say("Still there?")
    room.root = room.until(lambda: room.new_root(known), "a new thread")
    room.until(room.all_sent, "the thread is known")
    assert "Do you remember me?" in room.thread()[0]["text"]
    assert "Still there?" in room.thread()[0]["text"]
    room.answer("Here again")
    room.until(lambda: room.shown()[-1] == "Here again", "the answer")
    assert not any(message["text"] == "Still there?" for message in slack.workspace.roots(room.channel))


def test_a_forged_request_does_nothing(slack: FakeSlack, serve: Serve) -> None:
    api = serve(**for_events(slack))
    room = Room(api, slack)
    event = {"type": "message", "channel": room.channel, "ts": "1900000000.000001", "thread_ts": room.root}
    payload = {"type": "event_callback", "event_id": "Ev1", "event": {**event, "user": "U0ANA", "text": "forged"}}
    body = json.dumps(payload).encode()
    url = f"{api.url}/bridges/slack"
    good = signed(body)
    old = signed(body, at=clock.now().timestamp() - 301)
    for headers in ({}, signed(body, secret="another-secret-of-16"), old, {**good, "X-Slack-Signature": "v0=é"}):
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        assert requests.post(url, data=body, headers=sent, timeout=5).status_code == 401
    assert requests.post(url, data=body + b" ", headers=good, timeout=5).status_code == 401
    assert room.shown() == ["Is the <green> & *blue* one in stock?"]
    # The same with Slack's signature counts, so it was the signature.
    assert requests.post(url, data=body, headers=good, timeout=5).status_code == 200
    room.until(lambda: room.shown()[-1] == "forged", "the message")


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "C0ELSEWHERE"},
        {"thread_ts": "1700000000.000001"},
        {"bot_id": "B0OTHER", "subtype": "bot_message"},
        {"subtype": "channel_join"},
    ],
)
def test_what_is_not_for_us_is_answered_and_ignored(slack: FakeSlack, serve: Serve, change: dict[str, str]) -> None:
    api = serve(**for_events(slack))
    room = Room(api, slack)
    event = {"type": "message", "channel": room.channel, "ts": "1900000000.000001", "thread_ts": room.root}
    payload = {"type": "event_callback", "event_id": "Ev1", "event": {**event, "user": "U0ANA", "text": "no", **change}}
    body = json.dumps(payload).encode()
    assert requests.post(f"{api.url}/bridges/slack", data=body, headers=signed(body), timeout=5).status_code == 200
    room.visitor.say("Hello?")
    room.until(lambda: room.texts() == ["Hello?"], "the next message")
    assert len(room.shown()) == 2


@pytest.mark.usefixtures("by_requests")
def test_slack_keeps_sending_events_whatever_they_are(slack: FakeSlack) -> None:
    """It switches them off when nearly all of them fail, so also those that tell nothing are answered with 200."""
    elsewhere = slack.workspace.add_channel("C0RANDOM", "random")
    root = slack.workspace.write(elsewhere.id, None, "lunch?")
    for number in range(10):
        ts = slack.workspace.write(
            elsewhere.id, root, f"me {number}", subtype="channel_topic" if number % 2 else "x" * 99
        )
        slack.workspace.unfurl(elsewhere.id, ts)
    for event in ({"type": "app_mention"}, {"type": "message", "channel": "C0RANDOM", "text": "\0" * 100}):
        slack.workspace.emit(event)
    slack.workspace.remove_thread(elsewhere.id, root)
    slack.events.wait_idle()
    assert {attempt.status for attempt in slack.events.attempts} == {200}
    assert max(attempt.seconds for attempt in slack.events.attempts) < 3
    assert len(slack.events.attempts) > 20
    assert slack.events.enabled


def test_the_event_stays_one_message_however_often_slack_sends_it(slack: FakeSlack, by_requests: Api) -> None:
    """Repeats come while the first is under way, and later."""
    room = Room(by_requests, slack)
    url, slack.events.url = slack.events.url, None
    sent: list[dict[str, Any]] = []
    slack.workspace.listeners.append(sent.append)
    room.answer("Only once")
    slack.events.url = url
    reasons = ("http_error", "http_timeout")
    threads = [
        threading.Thread(target=slack.events.send, args=(sent[0], number, reasons[number % 2])) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [attempt.status for attempt in slack.events.attempts[-8:]] == [200] * 8
    assert room.shown().count("Only once") == 1
    assert slack.events.send(sent[0], 3, "http_error").status == 200
    assert room.shown().count("Only once") == 1


def test_a_bot_for_tests_counts_as_operator(slack: FakeSlack, serve: Serve) -> None:
    """It may even be our own bot: what it posts for the bridge does not come back."""
    slack.uses_sockets = True
    api = serve(**settings_for(slack, bridge_test_bot_ids="B0001"))
    api.get("/health")
    wait_until(lambda: slack.sockets.open, "a connection", 20)
    room = Room(api, slack)
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    post = {"channel": room.channel, "thread_ts": room.root, "text": "I am a test"}
    requests.post(f"{slack.api_url}/chat.postMessage", json=post, headers=headers, timeout=5)
    room.until(lambda: room.shown()[-1] == "I am a test", "the answer")
    room.visitor.say("Are you?")
    room.until(lambda: room.texts()[-1] == "Are you?", "the question")
    requests.post(f"{slack.api_url}/chat.postMessage", json={**post, "text": "Yes"}, headers=headers, timeout=5)
    room.until(lambda: room.shown()[-1] == "Yes", "the answer")
    assert len(room.shown()) == 4


def test_a_long_text_arrives_in_parts_that_fit(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack)
    text = " ".join(f"<{number}>" for number in range(700))
    room.visitor.say(text[:3900])
    wanted = text[:3900].replace("<", "&lt;").replace(">", "&gt;").split()
    room.until(lambda: " ".join(room.texts()).split() == wanted, "all parts")
    assert max(map(len, room.texts())) <= 4000


def test_a_limit_delays_and_loses_nothing(slack: FakeSlack, connected: Api) -> None:
    room = Room(connected, slack)
    slack.throttle("chat.postMessage", 2)
    room.visitor.say("one")
    room.visitor.say("two")
    room.until(lambda: "\n".join(room.texts()).split() == ["one", "two"], "both")
    room.until(room.all_sent, "both are sent")


def test_a_channel_gets_one_message_a_second(slack: FakeSlack, by_socket: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """All conversations share this. Nothing is refused, because nothing comes too fast."""
    monkeypatch.setattr(platform, "PERIOD", 1.0)
    visitors = [by_socket.visitor() for _ in range(4)]
    for number, visitor in enumerate(visitors):
        visitor.say(f"I am {number}")
    wait_until(lambda: len(slack.workspace.roots(slack.channel)) == 4, "all threads", 20)
    times = [float(root["ts"]) for root in slack.workspace.roots(slack.channel)]
    assert min(after - before for before, after in itertools.pairwise(times)) > 0.8


def test_a_post_without_an_answer_stands_there_once(slack: FakeSlack, connected: Api) -> None:
    """Also the one that opens the thread, and a line of the bridge itself."""
    method = "chat.postMessage"
    slack.fail(method, Fault(cut=True, after=True))
    room = Room(connected, slack)
    slack.fail(method, Fault(cut=True, after=True))
    room.visitor.say("Once")
    room.until(lambda: room.texts() == ["Once"], "the message")
    slack.fail(method, Fault(cut=True, after=True))
    room.answer("!info")
    room.until(lambda: len(slack.called("chat.postMessage")) >= 3, "the line")
    room.visitor.say("Done")
    room.until(lambda: room.texts()[-1] == "Done", "the last message")
    assert len(slack.workspace.roots(slack.channel)) == 1
    assert len(room.texts()) == 4
    room.until(room.all_sent, "all are sent")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["First", "Second"])
@pytest.mark.parametrize("step", ["before", "after", "settle"])
def test_a_killed_worker_loses_nothing_and_posts_nothing_twice(
    slack: FakeSlack, tmp_path: Path, step: str, text: str
) -> None:
    """Neither the post that opens the thread, nor one in it. A file goes with each."""
    database = f"sqlite:///{tmp_path / 'pocketping.db'}"
    settings = settings_for(slack, worker_lease=2, webhook_timeout=1)
    command = [sys.executable, "-m", "flask", "--app", "tests.support.slack.crashing:app", "pocketping", "worker"]
    environment = process_environment(tmp_path, database, **settings)
    environment |= {"TEST_KILL": step, "TEST_KILL_TEXT": text}
    with serving(make_app(tmp_path, database, **{**settings, "worker": "off"})) as api:
        visitor = api.visitor()
        for said in ("First", "Second"):
            uploaded = send_file(visitor, b"bytes", f"{said}.txt")
            visitor.say(said, attachmentIds=[uploaded["id"]])
        dead = Process(command, environment, tmp_path / "dead.log")
        assert dead.popen.wait(40) == -signal.SIGKILL
        heir = Process(command, environment, tmp_path / "heir.log")
        try:
            wait_until(_all_sent(api, visitor), "everything is recorded", 60, heir.log.read_text)
        finally:
            heir.stop()
    (root,) = slack.workspace.roots(slack.channel)
    thread = slack.workspace.thread(slack.channel, root["ts"])
    assert [message["text"].split("\n")[-1] for message in thread] == ["First", "", "Second", ""]
    assert [file["name"] for message in thread for file in message.get("files", ())] == ["First.txt", "Second.txt"]


def _all_sent(api: Api, visitor: Visitor) -> Callable[[], bool]:
    def are_sent() -> bool:
        messages = api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"]
        return all(state["state"] == "sent" for message in messages for state in message.get("deliveries", ()))

    return are_sent


def test_no_secret_is_anywhere(
    slack: FakeSlack, connected: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a conversation with failures, in the log, the pages, and the whole database."""
    caplog.set_level("DEBUG")
    room = Room(connected, slack)
    for method in ("chat.postMessage", "users.info", "files.info", "conversations.info"):
        slack.fail(method, Fault(502, f"{BOT_TOKEN} is wrong".encode()))
    slack.refuse("chat.postMessage", "missing_scope", needed=BOT_TOKEN)
    room.answer("Here <#C0SUPPORT>", files=[slack.workspace.add_file("a.txt", "text/plain", b"x")])
    uploaded = send_file(room.visitor, b"a photo", "photo.txt")
    room.visitor.say("Look", attachmentIds=[uploaded["id"]])
    room.visitor.say("And?")
    room.until(lambda: len(room.shown()) == 4, "all messages")
    room.until(lambda: any(text == "And?" for text in room.texts()), "the last one", 40)
    seen = caplog.text + json.dumps(room.visitor.messages()) + json.dumps(room.states())
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*.db*")).decode("utf-8", "replace")
    for secret in SECRETS:
        assert secret not in seen
        assert secret not in stored


def test_what_was_written_while_nothing_ran_comes_in_afterwards(slack: FakeSlack, tmp_path: Path) -> None:
    slack.uses_sockets = True
    first = make_app(tmp_path, **settings_for(slack, webhook_allow_http=True))
    with serving(first) as api:
        room = Room(api, slack)
        room.answer("Before")
        room.until(lambda: room.shown()[-1] == "Before", "the answer")
    slack.uses_sockets = False
    for text in ("one", "two", "three"):
        room.answer(text)
    slack.uses_sockets = True
    with serving(make_app(tmp_path, **settings_for(slack, webhook_allow_http=True))) as api:
        room.visitor.url = api.url
        room.answer("four")
        room.until(lambda: len(room.shown()) == 6, "all answers")
        assert room.shown()[2:] == ["one", "two", "three", "four"]
