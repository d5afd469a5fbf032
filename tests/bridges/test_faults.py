"""Tests what becomes of messages when Telegram refuses, breaks off, asks to wait, or has lost the topic."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Serve
from ..support.clients import Api
from ..support.servers import free_port, make_app, serving, wait_until
from ..support.telegram import Refusal, TelegramServer, telegram_server
from .conftest import Talk, settings_for

Before = Callable[[str, dict[str, Any]], str | None]


def only_once(action: Callable[[], str | None], method: str = "sendMessage", part: str = "") -> Before:
    """What a server does at the first request of a method with a text in it."""
    done: list[str] = []

    def before(called: str, given: dict[str, Any]) -> str | None:
        if called != method or part not in str(given) or done:
            return None
        done.append(called)
        return action()

    return before


def refuse(status: int, description: str, **parameters: Any) -> Callable[[], str | None]:
    def action() -> str | None:
        raise Refusal(status, description, **parameters)

    return action


@pytest.fixture
def talk(bridged: Api, telegram: TelegramServer) -> Talk:
    return Talk(bridged, telegram)


def test_a_post_whose_answer_never_came_is_maybe_and_not_repeated(talk: Talk, telegram: TelegramServer) -> None:
    telegram.before = only_once(lambda: "cut", part="Was it there")
    lost = talk.visitor.say("Was it there?")["messageId"]
    state = talk.settled(lost, "maybe")
    assert state["reason"] == "It may have been posted: the answer never came."
    after = talk.visitor.say("And after it")["messageId"]
    talk.settled(after)
    assert talk.texts()[1:] == ["Was it there?", "And after it"]


def test_operators_can_send_again_what_may_be_lost(talk: Talk, telegram: TelegramServer) -> None:
    telegram.before = only_once(lambda: "drop", part="Lost")
    lost = talk.visitor.say("Lost?")["messageId"]
    talk.settled(lost, "maybe")
    assert "Lost?" not in talk.texts()
    path = f"/sessions/{talk.session_id}/messages/{lost}/deliveries/telegram/retry"
    answer = talk.api.post(path)
    assert (answer.status_code, answer.json()["deliveries"][0]["state"]) == (202, "queued")
    talk.settled(lost)
    assert talk.texts().count("Lost?") == 1
    again = talk.api.post(path)
    assert (again.status_code, again.json()["code"]) == (404, "DELIVERY_NOT_FOUND")
    for wrong in (
        path.replace("telegram", "slack"),
        path.replace(lost, talk.session_id),
        path.replace(talk.session_id, "sess_no"),
    ):
        assert talk.api.post(wrong).status_code == 404


def test_other_operators_learn_that_a_message_is_sent_again(
    serve: Serve, telegram: TelegramServer, tmp_path: Path
) -> None:
    """Their inboxes show at once that it waits, and not only when it was posted."""
    app = make_app(tmp_path, **settings_for(telegram, worker="off"))
    api, deliver = serve(app), app.extensions["pocketping"].runtime.deliver_due
    talk = Talk.begin(api, telegram, "Hello")
    telegram.before = only_once(refuse(403, "Forbidden: not now"))
    with app.app_context():
        deliver()
    assert talk.state(talk.first)["state"] == "failed"
    with api.socket() as another:
        api.ok("POST", f"/sessions/{talk.session_id}/messages/{talk.first}/deliveries/telegram/retry")
        frame = another.expect("deliveries")
        assert (frame["sessionId"], frame["messageId"]) == (talk.session_id, talk.first)
        assert [(one["bridge"], one["state"]) for one in frame["deliveries"]] == [("telegram", "queued")]
        with app.app_context():
            deliver()
        assert [one["state"] for one in another.expect("deliveries")["deliveries"]] == ["sent"]


@pytest.mark.parametrize("status", ["500", "502", "503", "504"])
def test_an_error_of_the_platform_may_come_after_the_post_was_accepted(
    talk: Talk, telegram: TelegramServer, status: str
) -> None:
    telegram.before = only_once(lambda: status, part="Was it there")
    doubtful = talk.visitor.say("Was it there?")["messageId"]
    reason = talk.settled(doubtful, "maybe")["reason"]
    assert reason == "It may have been posted: the answer never came."
    talk.settled(talk.visitor.say("And now?")["messageId"])
    assert talk.texts()[1:] == ["Was it there?", "And now?"]


def test_an_error_that_telegram_itself_reports_proves_nothing(talk: Talk, telegram: TelegramServer) -> None:
    def refuse() -> str:
        raise Refusal(500, "Internal Server Error: restart")

    telegram.before = only_once(refuse, part="Was it there")
    lost = talk.visitor.say("Was it there?")["messageId"]
    talk.settled(lost, "maybe")
    talk.settled(talk.visitor.say("And now?")["messageId"])
    assert talk.texts()[1:] == ["And now?"]
    talk.api.ok("POST", f"/sessions/{talk.session_id}/messages/{lost}/deliveries/telegram/retry")
    talk.settled(lost)
    assert talk.texts()[1:] == ["And now?", "Was it there?"]


def test_while_telegram_is_out_of_order_messages_wait(talk: Talk, telegram: TelegramServer) -> None:
    broken = True

    def before(method: str, given: dict[str, Any]) -> str | None:
        if broken:
            raise Refusal(502, "Bad Gateway")
        return None

    telegram.before = before
    doubtful = talk.visitor.say("First")["messageId"]
    talk.settled(doubtful, "maybe")
    # It is asked whether it works before anything else is posted, so that nothing else is in doubt.
    waiting = [talk.visitor.say(text)["messageId"] for text in ("Second", "Third")]
    wait_until(lambda: "HTTP 502" in talk.state(waiting[0]).get("reason", ""), "the reason", 10)
    broken = False
    for message_id in waiting:
        talk.settled(message_id, timeout=40)
    assert [line for text in talk.texts()[1:] for line in text.split("\n")] == ["Second", "Third"]
    assert talk.state(doubtful)["state"] == "maybe"


def test_live_connections_learn_what_became_of_a_message(talk: Talk, telegram: TelegramServer) -> None:
    telegram.before = only_once(lambda: "cut", part="Was it there")
    with talk.api.socket() as office:
        lost = talk.visitor.say("Was it there?")["messageId"]
        frame = office.expect("deliveries")
    assert (frame["sessionId"], frame["messageId"]) == (talk.session_id, lost)
    assert (frame["deliveries"][0]["bridge"], frame["deliveries"][0]["state"]) == ("telegram", "maybe")


def test_a_later_message_waits_for_an_earlier_one_and_other_topics_do_not(
    bridged: Api, talk: Talk, telegram: TelegramServer
) -> None:
    other = Talk(bridged, telegram, "Another visitor")
    broken = True

    def before(method: str, given: dict[str, Any]) -> str | None:
        if method == "sendMessage" and "First" in given["text"] and broken:
            raise Refusal(400, "Bad Request: TOPIC_CLOSED")
        if method == "reopenForumTopic" and broken:
            raise Refusal(500, "Internal Server Error")
        return None

    telegram.before = before
    first, second = (talk.visitor.say(text)["messageId"] for text in ("First", "Second"))
    state = talk.settled(first, "queued")
    wait_until(lambda: talk.state(first).get("reason"), "the reason", 10)
    assert "HTTP 500" in talk.state(first)["reason"], state
    for number in range(3):
        other.settled(other.visitor.say(f"Fast {number}")["messageId"], timeout=5)
    assert talk.texts() == talk.texts()[:1]
    broken = False
    talk.settled(second, timeout=40)
    assert [text for text in talk.texts()[1:] for text in text.split("\n")] == ["First", "Second"]


def test_429_is_obeyed_to_the_second_and_waiting_messages_are_joined(talk: Talk, telegram: TelegramServer) -> None:
    asked: list[float] = []
    refused: list[float] = []

    def before(method: str, given: dict[str, Any]) -> str | None:
        if method != "sendMessage":
            return None
        asked.append(time.monotonic())
        if not refused:
            refused.append(asked[-1])
            raise Refusal(429, "Too Many Requests: retry after 4", retry_after=4)
        return None

    telegram.before = before
    first = talk.visitor.say("One")["messageId"]
    wait_until(lambda: refused, "the refusal")
    state = talk.settled(first, "queued")
    wait_until(lambda: "waitSeconds" in talk.state(first), "the wait is shown")
    assert 0 <= talk.state(first)["waitSeconds"] <= 4, state
    rest = [talk.visitor.say(text)["messageId"] for text in ("Two", "Three")]
    talk.settled(rest[-1])
    assert 4.0 <= asked[1] - refused[0] < 8.0
    assert talk.texts()[1:] in (["One\nTwo\nThree"], ["One", "Two\nThree"])


def test_the_wait_for_a_busy_group_is_shown(serve: Serve, telegram: TelegramServer, tmp_path: Path) -> None:
    app = make_app(tmp_path, **settings_for(telegram))
    api = serve(app)
    app.extensions["pocketping"].bridges.bridges["telegram"].platform._group_limit = (2, 60.0)
    first = Talk(api, telegram, "One")
    second = Talk.begin(api, telegram, "Two")
    assert "waitSeconds" not in first.state(first.first)
    wait_until(lambda: second.state(second.first).get("waitSeconds", 0) > 40, "the wait", 5)
    third = Talk.begin(api, telegram, "Three")
    wait_until(lambda: third.state(third.first).get("waitSeconds", 0) > 70, "the wait behind another", 5)


def test_a_message_in_a_joined_post_can_be_edited_and_deleted(talk: Talk, telegram: TelegramServer) -> None:
    telegram.before = only_once(refuse(429, "Too Many Requests: retry after 1", retry_after=1))
    ids = [talk.visitor.say(text)["messageId"] for text in ("One", "Two", "Three")]
    talk.settled(ids[-1])
    edit = {"sessionId": talk.visitor.handle, "content": "2"}
    talk.visitor.request("PATCH", f"/message/{ids[1]}", edit)
    wait_until(lambda: "2" in talk.texts()[-1] or "2" in talk.texts()[-2], "the edit", 10, talk.texts)
    for message_id in ids[1:]:
        talk.visitor.request("DELETE", f"/message/{message_id}", params={"sessionId": talk.visitor.handle})
    wait_until(lambda: talk.texts()[1:] == ["One"], "the deletions", 10, talk.texts)


@pytest.mark.parametrize("reply", [False, True], ids=["post", "reply"])
def test_a_deleted_topic_is_followed_by_a_new_one_with_a_transcript(
    talk: Talk, telegram: TelegramServer, reply: bool
) -> None:
    talk.answer("An answer")
    telegram.delete_topic(talk.topic)
    more = {"replyTo": talk.office()[1]["id"]} if reply else {}
    sent = talk.visitor.say("Still there?", **more)["messageId"]
    talk.settled(sent)
    [topic] = telegram.topics
    [post] = telegram.in_topic(topic)
    assert "Earlier in this conversation:\nVisitor: Hello\nAna, Telegram: An answer" in post["text"]
    assert post["text"].endswith("Still there?")
    telegram.write(topic, "Yes")
    assert talk.wait_shown(4)[-1] == "Yes"


def test_a_closed_topic_is_opened_again(talk: Talk, telegram: TelegramServer) -> None:
    telegram.close_topic(talk.topic, told=False)
    talk.settled(talk.visitor.say("Knock")["messageId"])
    assert not telegram.topics[talk.topic]["closed"]
    assert talk.texts()[1:] == ["Knock"]


def test_a_group_with_a_new_id_is_remembered(
    serve: Serve, telegram: TelegramServer, tmp_path: Path, sqlite: str
) -> None:
    settings = settings_for(telegram)
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        talk = Talk(api, telegram)
        telegram.migrate(-1009999)
        talk.settled(talk.visitor.say("Moved")["messageId"])
        telegram.write(talk.topic, "I see")
        talk.wait_shown(3)
    before = len(telegram.requests)
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        talk.api = api
        talk.visitor.url = api.url
        talk.settled(talk.visitor.say("After a restart")["messageId"])
        other = api.visitor()
        other.say("From another")
        telegram.wait_text("From another")
    asked = [given["chat_id"] for method, given in telegram.requests[before:] if "chat_id" in given]
    assert set(asked) == {"-1009999"}


def test_what_is_impossible_is_told_in_the_inbox(bridged: Api, telegram: TelegramServer) -> None:
    telegram.member["can_manage_topics"] = False
    visitor = bridged.visitor()
    first = visitor.say("Hello?")["messageId"]
    visitor.say("Anybody?")
    path = f"/sessions/{visitor.session_id}/messages"

    def notes() -> list[dict[str, Any]]:
        return [message for message in bridged.ok("GET", path)["messages"] if message.get("internal")]

    wait_until(notes, "the note", 10)
    expected = "A message was not posted to Telegram: Bad Request: not enough rights to create a topic"
    assert notes()[0]["content"] == expected
    [failed] = [message for message in bridged.ok("GET", path)["messages"] if message["id"] == first]
    assert failed["deliveries"][0]["state"] == "failed"
    wait_until(
        lambda: all(
            m["deliveries"][0]["state"] == "failed"
            for m in bridged.ok("GET", path)["messages"]
            if not m.get("internal")
        ),
        "both failed",
    )
    assert len(notes()) == 1
    assert "Telegram" not in str(visitor.messages())
    telegram.member["can_manage_topics"] = True
    assert bridged.post(f"{path}/{first}/deliveries/telegram/retry").status_code == 202
    telegram.wait_text("Hello?")


def test_while_the_app_or_telegram_is_away_nothing_is_lost(tmp_path: Path, sqlite: str) -> None:
    port = free_port()
    with telegram_server(port) as telegram:
        settings = settings_for(telegram)
        with serving(make_app(tmp_path, sqlite, **settings)) as api:
            talk = Talk(api, telegram)
            # Our side stops for a while; an operator writes meanwhile.
        for number in range(3):
            telegram.write(talk.topic, f"Answer {number}")
        kept = {name: getattr(telegram, name) for name in ("topics", "messages", "updates", "_ids", "_update_ids")}
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        talk.api, talk.visitor.url = api, api.url
        # Telegram is away; the visitor writes meanwhile.
        sent = [talk.visitor.say(f"Question {number}")["messageId"] for number in range(3)]
        wait_until(lambda: "reached" in talk.state(sent[0]).get("reason", ""), "it is tried", 10)
        with telegram_server(port) as telegram:
            for name, value in kept.items():
                setattr(telegram, name, value)
            talk.telegram = telegram
            talk.wait_shown(7)
            talk.settled(sent[-1], timeout=40)
            assert [text for text in talk.shown() if "Answer" in text] == [f"Answer {number}" for number in range(3)]
            texts = "\n".join(talk.texts()).split("\n")
            assert [text for text in texts if "Question" in text] == [f"Question {number}" for number in range(3)]


def test_a_message_that_is_deleted_before_it_is_posted_is_not_posted(talk: Talk, telegram: TelegramServer) -> None:
    telegram.before = only_once(refuse(429, "Too Many Requests: retry after 2", retry_after=2))
    sent = talk.visitor.say("Oops")["messageId"]
    wait_until(lambda: talk.state(sent).get("reason"), "the refusal")
    talk.visitor.request("DELETE", f"/message/{sent}", params={"sessionId": talk.visitor.handle})
    talk.settled(talk.visitor.say("Better")["messageId"])
    assert talk.texts()[1:] == ["Better"]
    assert talk.state(sent) == {}


def test_telegrams_own_markup_in_a_visitors_text_is_only_text(talk: Talk, telegram: TelegramServer) -> None:
    for text in (
        "</b><a href='https://evil.example'>x</a>",
        "@everyone & &amp; <pre>",
        "*a* _b_ [c](https://d.example)",
    ):
        talk.settled(talk.visitor.say(text)["messageId"])
        post = telegram.in_topic(talk.topic)[-1]
        assert (post["text"], post.get("entities", [])) == (text, [])


def test_the_visitor_never_waits_for_telegram(talk: Talk, telegram: TelegramServer) -> None:
    def before(method: str, given: dict[str, Any]) -> str | None:
        if method == "sendMessage":
            telegram.stopping.wait(5)
        return None

    telegram.before = before
    started = time.monotonic()
    for number in range(5):
        talk.visitor.say(f"Quick {number}")
    assert time.monotonic() - started < 3
    telegram.stopping.set()
    telegram.before = lambda method, given: None
