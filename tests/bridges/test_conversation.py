"""Tests the whole conversation between a page and Telegram, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from flask_pocketping import ConfigurationError
from flask_pocketping.bridges import intake
from flask_pocketping.chat.projects import set_switches
from flask_pocketping.models import DEFAULT_PROJECT

from ..conftest import Serve
from ..support.clients import Api
from ..support.pictures import drawn
from ..support.servers import make_app, wait_until
from ..support.telegram import BOT_ID, Refusal, TelegramServer
from .conftest import Talk, settings_for


@pytest.fixture
def talk(bridged: Api, telegram: TelegramServer) -> Talk:
    return Talk(bridged, telegram, "Is the <green> & blue one in stock?")


def test_the_first_message_opens_a_topic_with_the_facts(bridged: Api, telegram: TelegramServer) -> None:
    page = {"url": "https://shop.example/tea", "pageTitle": "Tea"}
    talk = Talk(bridged, telegram, "Hello *there* <b>", metadata=page, identity={"id": "7", "name": "Ada"})
    assert telegram.topics[talk.topic]["name"] == "Ada · Tea"
    text = talk.post["text"]
    assert text.endswith("Hello *there* <b>")
    assert "Ada · customer 7 (unverified)" in text
    assert "Tea — https://shop.example/tea" in text
    assert telegram.calls("createForumTopic") == [{"chat_id": "-1001234567890", "name": "Ada · Tea"}]


def test_a_visitor_with_an_invisible_name_gets_a_topic(bridged: Api, telegram: TelegramServer) -> None:
    talk = Talk(bridged, telegram, "Can you see me?", identity={"id": "7", "name": "\u3164\u200b"})
    assert telegram.topics[talk.topic]["name"] == f"Visitor {talk.session_id[-4:]}"


def test_an_answer_reaches_the_page_once(talk: Talk, telegram: TelegramServer) -> None:
    talk.answer("Yes, it is.")
    answer = talk.visitor.messages()[-1]
    assert (answer["content"], answer["sender"], answer["operatorName"]) == ("Yes, it is.", "operator", "Ana")
    talk.visitor.say("Thanks")
    telegram.wait_text("Thanks", talk.topic)
    # Telegram may forget what is stored.
    wait_until(lambda: not telegram.updates, "it is confirmed")
    # Nothing came back to where it was written.
    assert [message["from"]["id"] for message in telegram.in_topic(talk.topic)] == [BOT_ID, 7, BOT_ID]
    stored = talk.office()
    assert stored[1]["sourceBridge"] == "telegram"
    assert "deliveries" not in stored[1]
    assert [message["status"] for message in stored] == ["read", "sent", "sent"]
    assert talk.session()["unread"] == 1


def test_what_operators_format_becomes_markdown(talk: Talk) -> None:
    entities = [
        {"type": "bold", "offset": 0, "length": 3},
        {"type": "text_link", "offset": 7, "length": 4, "url": "https://shop.example/"},
        {"type": "code", "offset": 15, "length": 2},
    ]
    talk.answer("Yes 👍 here or 42", entities=entities)
    assert talk.shown()[-1] == "**Yes** 👍 [here](https://shop.example/) or `42`"


def test_replies_keep_their_link_both_ways(talk: Talk, telegram: TelegramServer) -> None:
    answer = talk.answer("Which one?", reply_to_message={"message_id": talk.post["message_id"]})
    stored = talk.office()
    assert stored[1]["replyTo"] == stored[0]["id"]
    talk.visitor.say("This one", replyTo=stored[1]["id"])
    post = telegram.wait_text("This one", talk.topic)
    assert post["reply_to_message"]["message_id"] == answer


def test_edits_travel_both_ways(talk: Talk, telegram: TelegramServer) -> None:
    changed = talk.visitor.request(
        "PATCH", f"/message/{talk.first}", {"sessionId": talk.visitor.handle, "content": "Is the *red* one?"}
    )
    assert changed.status_code == 200
    post = telegram.wait_text("Is the *red* one?", talk.topic)
    assert post["message_id"] == talk.post["message_id"]
    # The facts about the visitor are still there.
    assert post["entities"][0]["type"] == "blockquote"

    answer = talk.answer("Yes")
    telegram.edit(answer, "No, sorry")
    wait_until(lambda: talk.shown()[-1] == "No, sorry", "the edit", 10, talk.shown)
    assert talk.visitor.messages()[-1]["editedAt"]


def test_an_edit_in_the_inbox_shows_in_the_topic(talk: Talk, telegram: TelegramServer) -> None:
    path = f"/sessions/{talk.session_id}/messages"
    sent = talk.api.ok("POST", path, {"content": "It is **here**", "operatorName": "Bo"})["message"]["id"]
    post = telegram.wait_text("It is here", talk.topic)
    assert post["text"].startswith("Bo\n")
    talk.api.ok("PATCH", f"{path}/{sent}", {"content": "It is gone"})
    telegram.wait_text("Bo\nIt is gone", talk.topic)
    answer = talk.answer("From Telegram")
    stored = talk.office()[-1]["id"]
    talk.api.ok("PATCH", f"{path}/{stored}", {"content": "Changed in the inbox"})
    line = telegram.wait_text("Ana, Telegram changed this message: Changed in the inbox", talk.topic)
    assert line["reply_to_message"]["message_id"] == answer


def test_deletions_travel_both_ways(talk: Talk, telegram: TelegramServer) -> None:
    second = talk.visitor.say("A mistake")["messageId"]
    post = telegram.wait_text("A mistake", talk.topic)
    talk.settled(second)
    talk.visitor.request("DELETE", f"/message/{second}", params={"sessionId": talk.visitor.handle})
    wait_until(lambda: post["message_id"] in telegram.deleted, "it is deleted in the topic")

    answer = talk.answer("Wrong window")
    telegram.react(answer, "👍")
    telegram.react(answer, "🗑")
    wait_until(lambda: talk.visitor.messages()[-1].get("deletedAt"), "it is deleted on the page", 10, talk.shown)
    other = talk.answer("Also wrong")
    telegram.write(talk.topic, "/delete", reply_to_message={"message_id": other})
    telegram.wait_text("Deleted for the visitor.", talk.topic)
    assert talk.visitor.messages()[-1]["content"] == ""
    telegram.react(talk.post["message_id"], "🗑")
    talk.answer("Still there")
    assert talk.shown()[0] == "Is the <green> & blue one in stock?"


def test_the_first_post_of_a_topic_keeps_the_facts_when_its_message_is_deleted(
    talk: Talk, telegram: TelegramServer
) -> None:
    talk.visitor.request("DELETE", f"/message/{talk.first}", params={"sessionId": talk.visitor.handle})
    post = telegram.wait_text("(deleted)", talk.topic)
    assert post["message_id"] == talk.post["message_id"]
    assert post["entities"][0]["type"] == "blockquote"


def test_files_go_to_the_topic(talk: Talk, telegram: TelegramServer) -> None:
    picture, document = drawn(size=(60, 40)), b"a plain text"
    ids = [talk_upload(talk, "a.png", picture), talk_upload(talk, "b.txt", document)]
    talk.visitor.say("Look at <this>", attachmentIds=ids[:1])
    post = telegram.wait_text("Look at <this>", talk.topic)
    assert post["photo"]
    assert telegram.uploads[post["message_id"]] == picture
    talk.visitor.say("c" * 1500, attachmentIds=ids[1:])
    wait_until(lambda: "document" in telegram.in_topic(talk.topic)[-1], "the document", 10)
    text, file = telegram.in_topic(talk.topic)[-2:]
    assert (text["text"], file["document"]["file_name"]) == ("c" * 1500, "b.txt")
    assert telegram.uploads[file["message_id"]] == document


def test_a_picture_that_telegram_does_not_show_is_a_document(talk: Talk, telegram: TelegramServer) -> None:
    def refuse(method: str, given: dict[str, Any]) -> str | None:
        if method == "sendPhoto":
            raise Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return None

    telegram.before = refuse
    picture = drawn(size=(4000, 8))
    talk.visitor.say("Very long", attachmentIds=[talk_upload(talk, "long.png", picture)])
    post = telegram.wait_text("Very long", talk.topic)
    assert post["document"]["file_name"] == "long.png"
    assert telegram.uploads[post["message_id"]] == picture


def test_several_files_are_an_album_whose_caption_can_be_edited(talk: Talk, telegram: TelegramServer) -> None:
    ids = [talk_upload(talk, f"{n}.txt", f"file {n}".encode()) for n in range(3)]
    sent = talk.visitor.say("Three files", attachmentIds=ids)["messageId"]
    talk.settled(sent)
    album = telegram.in_topic(talk.topic)[1:]
    assert [post.get("caption") for post in album] == ["Three files", None, None]
    assert len({post["media_group_id"] for post in album}) == 1
    body = {"sessionId": talk.visitor.handle, "content": "Three texts"}
    talk.visitor.request("PATCH", f"/message/{sent}", body)
    telegram.wait_text("Three texts", talk.topic)
    talk.visitor.request("DELETE", f"/message/{sent}", params={"sessionId": talk.visitor.handle})
    wait_until(lambda: len(telegram.in_topic(talk.topic)) == 1, "all of it is deleted")


def test_presence_of_the_visitor_shows_where_the_project_wants_it(
    serve: Serve, telegram: TelegramServer, tmp_path: Any
) -> None:
    app = make_app(tmp_path, disconnect_grace=1, **settings_for(telegram))
    talk = Talk(serve(app), telegram)
    with talk.visitor.stream():
        talk.answer("Hi")
    set_switches(app.extensions["pocketping"].db, DEFAULT_PROJECT, {"telegramNotifyPresence": True})
    wait_until(lambda: not talk.session()["visitorOnline"], "the visitor is gone")
    telegram.wait_text("The visitor left.", talk.topic)
    with talk.visitor.stream():
        telegram.wait_text("The visitor is online.", talk.topic)


def talk_upload(talk: Talk, name: str, data: bytes) -> str:
    """The id of a file that the visitor has uploaded."""
    handle = talk.visitor.handle
    made = talk.visitor.request(
        "POST", "/upload", {"sessionId": handle, "filename": name, "size": len(data), "mimeType": ""}
    )
    assert made.status_code < 300, made.text
    announced = made.json()
    url = announced["uploadUrl"]
    put = requests.put(url if url.startswith("http") else talk.api.url + url, data=data, timeout=30)
    assert put.status_code < 300, put.text
    found = announced["attachmentId"]
    done = talk.visitor.request("POST", "/upload/complete", {"sessionId": handle, "attachmentId": found})
    assert done.status_code < 300, done.text
    return str(found)


def test_a_file_from_the_topic_is_served_by_us(talk: Talk, telegram: TelegramServer) -> None:
    picture = drawn(size=(60, 40))
    file_id = telegram.add_file(picture)
    photo = [{"file_id": file_id, "file_unique_id": "x", "width": 60, "height": 40, "file_size": len(picture)}]
    telegram.write(talk.topic, "", photo=photo, caption="Like this?")
    telegram.write(talk.topic, "Or like that?")
    assert talk.wait_shown(3)[1:] == ["Like this?", "Or like that?"]
    [file] = talk.visitor.messages()[1]["attachments"]
    assert (file["mimeType"], file["width"]) == ("image/png", 60)
    assert file["url"].startswith(("/", talk.api.url))
    assert requests.get(talk.api.url + file["url"].removeprefix(talk.api.url), timeout=30).content == picture
    assert "424242" not in str(talk.visitor.messages())


def test_an_album_in_any_order_is_one_message(talk: Talk, telegram: TelegramServer) -> None:
    files = [(f"{n}.png", drawn(size=(10 + n, 10)), caption) for n, caption in enumerate(["One", "", "Three"])]
    telegram.write_album(talk.topic, *files, order=[2, 0, 1])
    assert talk.wait_shown(2)[1:] == ["One\nThree"]
    stored = talk.visitor.messages()[1]["attachments"]
    assert [file["width"] for file in stored] == [10, 11, 12]


def test_a_file_that_is_too_large_is_told_to_operators(serve: Serve, telegram: TelegramServer) -> None:
    talk = Talk(serve(**settings_for(telegram, max_upload_size=1000)), telegram)
    file_id = telegram.add_file(b"x" * 1001)
    telegram.write(talk.topic, "", document={"file_id": file_id, "file_name": "big.bin"}, caption="See this")
    telegram.wait_text("big.bin was not sent to the visitor: The file is too large.", talk.topic)
    assert talk.wait_shown(2)[1:] == ["See this"]
    assert talk.visitor.messages()[1].get("attachments", []) == []


def test_a_file_that_can_not_be_fetched_holds_later_answers_for_a_short_time_only(
    talk: Talk, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(method: str, given: dict[str, Any]) -> str | None:
        if method == "getFile":
            asked.append(given["file_id"])
            if given["file_id"] == lost:
                raise Refusal(500, "Internal Server Error")
        return None

    lost, kept = (telegram.add_file(data) for data in (b"lost", b"kept"))
    telegram.before = fail
    monkeypatch.setattr(intake, "FILE_ATTEMPTS", 3)
    first = telegram.write(talk.topic, "", document={"file_id": lost, "file_name": "lost.txt"}, caption="See this")
    telegram.write(talk.topic, "And this", document={"file_id": kept, "file_name": "kept.txt"})
    told = telegram.wait_text("lost.txt was not sent to the visitor: ", talk.topic)
    assert told["text"].endswith(". Post it again, or send it in the inbox.")
    assert told["reply_to_message"]["message_id"] == first
    assert talk.wait_shown(3)[1:] == ["See this", "And this"]
    assert asked == [lost, lost, lost, kept]


def test_closing_and_reopening_from_both_sides(talk: Talk, telegram: TelegramServer) -> None:
    telegram.write(talk.topic, "/close")
    wait_until(lambda: talk.session()["status"] == "closed", "closed")
    wait_until(lambda: telegram.topics[talk.topic]["closed"], "the topic is closed")
    talk.visitor.say("One more thing")
    telegram.wait_text("One more thing", talk.topic)
    wait_until(lambda: not telegram.topics[talk.topic]["closed"], "the topic is open")
    assert talk.session()["status"] == "active"
    telegram.close_topic(talk.topic)
    wait_until(lambda: talk.session()["status"] == "closed", "closed by the topic")
    talk.api.ok("POST", f"/sessions/{talk.session_id}/reopen")
    wait_until(lambda: not telegram.topics[talk.topic]["closed"], "the topic is open again")
    talk.api.ok("POST", f"/sessions/{talk.session_id}/close")
    wait_until(lambda: telegram.topics[talk.topic]["closed"], "the topic is closed again")
    # Nobody said anything of it to the visitor but the server.
    assert talk.shown() == ["Is the <green> & blue one in stock?", "One more thing"]


def test_a_rating_leaves_the_topic_of_a_closed_conversation_closed(talk: Talk, telegram: TelegramServer) -> None:
    talk.api.ok("POST", f"/sessions/{talk.session_id}/close")
    wait_until(lambda: telegram.topics[talk.topic]["closed"], "the topic is closed")
    talk.visitor.request("POST", "/csat", {"sessionId": talk.visitor.handle, "score": 5})
    telegram.wait_text("Rated 5 out of 5", talk.topic)
    wait_until(lambda: telegram.topics[talk.topic]["closed"], "the topic is closed again")
    assert talk.session()["status"] == "closed"


def test_an_answer_in_a_closed_conversation_reopens_it(talk: Talk, telegram: TelegramServer) -> None:
    talk.api.ok("POST", f"/sessions/{talk.session_id}/close")
    talk.answer("By the way")
    assert talk.session()["status"] == "active"


def test_a_long_answer_becomes_several_messages(talk: Talk) -> None:
    text = " ".join(f"word{number}" for number in range(900))
    talk.telegram.write(talk.topic, text)
    shown = talk.wait_shown(3)[1:]
    assert " ".join(shown) == text
    assert all(len(part) <= 4000 for part in shown)


def test_a_long_message_becomes_several_posts(talk: Talk, telegram: TelegramServer) -> None:
    text = "👩‍👩‍👧 " * 900
    sent = talk.visitor.say(text[:4000])["messageId"]
    talk.settled(sent)
    posts = telegram.in_topic(talk.topic)[1:]
    assert len(posts) == 2
    assert "".join(post["text"] for post in posts).replace(" ", "") == text[:4000].replace(" ", "")
    assert all(not post["text"].startswith("\u200d") for post in posts)


COMMANDS = {
    "/help": "/close – close the conversation",
    "!help": "/close – close the conversation",
    "/info": "active",
    "/info@shop_bot": "active",
    "/ai off": "AI replies are off.",
    "/ai maybe": "Write /ai on or /ai off.",
    "/csat": "The visitor is asked for a rating.",
    "/nonsense": "There is no command /nonsense.",
    "/note": "Write the note behind /note.",
    "/delete": "Write /delete as a reply to the message.",
}


@pytest.mark.parametrize("text", COMMANDS)
def test_commands_are_answered_in_the_topic_alone(talk: Talk, telegram: TelegramServer, text: str) -> None:
    written = telegram.write(talk.topic, text)
    line = telegram.wait_text(COMMANDS[text], talk.topic)
    assert line["reply_to_message"]["message_id"] == written
    talk.answer("!important: this is for you")
    assert talk.shown() == ["Is the <green> & blue one in stock?", "!important: this is for you"]
    assert talk.session()["aiEnabled"] is (text != "/ai off")


@pytest.mark.parametrize("text", ["note: they are nice", "/note they are nice", "NOTE:they are nice"])
def test_notes_reach_the_inbox_but_no_visitor(talk: Talk, telegram: TelegramServer, text: str) -> None:
    telegram.write(talk.topic, text)
    wait_until(lambda: len(talk.office()) == 2, "the note", 10, talk.office)
    note = talk.office()[1]
    assert (note["content"], note["internal"], note["type"]) == ("they are nice", True, "system")
    assert note["operatorName"] == "Ana"
    with talk.visitor.stream(after=0) as page:
        talk.answer("For you")
        frames = page.collect(lambda found: "For you" in str(found))
    polled = talk.visitor.request("GET", "/events", params={"sessionId": talk.visitor.handle, "after": "0"}).json()
    again = talk.visitor.request("POST", "/connect", {"sessionId": talk.visitor.handle, "metadata": {}}).json()
    for seen in (frames, polled, again, talk.visitor.messages(), talk.visitor.messages(after="2020-01-01T00:00:00Z")):
        assert "nice" not in str(seen)
    # Nor does it come back to where it was written.
    assert len(telegram.in_topic(talk.topic)) == 3


def test_an_aside_stays_in_the_topic(talk: Talk, telegram: TelegramServer) -> None:
    telegram.write(talk.topic, "// who takes this?")
    talk.answer("I'll look")
    assert talk.shown()[1:] == ["I'll look"]
    assert len(talk.office()) == 2


def test_the_host_adds_commands(serve: Serve, telegram: TelegramServer, tmp_path: Any) -> None:
    app = make_app(tmp_path, **settings_for(telegram))
    seen = []

    @app.extensions["test_pocketping"].bridge_command("stock")  # type: ignore[untyped-decorator]
    def stock(command: Any) -> str:
        seen.append(command)
        return f"{command.argument}: 12 left"

    @app.extensions["test_pocketping"].bridge_command("broken")  # type: ignore[untyped-decorator]
    def broken(command: Any) -> str:
        raise RuntimeError("secret details")

    @app.extensions["test_pocketping"].bridge_command("help")  # type: ignore[untyped-decorator]
    def own_help(command: Any) -> str:
        return "Ask Bo."

    with pytest.raises(ConfigurationError, match="1 to 32 small letters"):
        app.extensions["test_pocketping"].bridge_command("No such name")
    talk = Talk(serve(app), telegram)
    telegram.write(talk.topic, "/help")
    telegram.wait_text("Ask Bo.", talk.topic)
    telegram.write(talk.topic, "/stock green tea")
    telegram.wait_text("green tea: 12 left", talk.topic)
    assert (seen[0].session_id, seen[0].operator_name, seen[0].bridge) == (talk.session_id, "Ana", "telegram")
    telegram.write(talk.topic, "/broken")
    telegram.wait_text("/broken failed. The log of the app says why.", talk.topic)
    assert talk.shown() == ["Hello"]


def test_the_context_of_the_host_stands_in_the_header(serve: Serve, telegram: TelegramServer, tmp_path: Any) -> None:
    app = make_app(tmp_path, **settings_for(telegram))

    @app.extensions["test_pocketping"].context  # type: ignore[untyped-decorator]
    def facts(session: Any) -> dict[str, Any]:
        return {"Plan": "Gold", "Orders": 3, "Debts": None, "Link": ("open", "https://crm.example/7")}

    talk = Talk(serve(app), telegram)
    for line in ("Plan: Gold", "Orders: 3", "Debts: –", "Link: open"):
        assert line in talk.post["text"]


def test_lines_about_the_visitor(talk: Talk, telegram: TelegramServer) -> None:
    talk.api.ok("POST", f"/sessions/{talk.session_id}/identify", {"name": "Ada", "email": "ada@example.com"})
    telegram.wait_text("The visitor is Ada · ada@example.com", talk.topic)
    body = {"sessionId": talk.visitor.handle, "name": "cart", "data": {"items": 2}}
    talk.visitor.request("POST", "/events", body)
    telegram.wait_text('Event cart: {"items": 2}', talk.topic)
    talk.visitor.request("POST", "/csat", {"sessionId": talk.visitor.handle, "score": 4, "comment": "Good"})
    telegram.wait_text("Rated 4 out of 5: Good", talk.topic)


def test_typing_of_the_visitor_shows_in_the_topic(talk: Talk, telegram: TelegramServer) -> None:
    for _ in range(3):
        talk.visitor.request("POST", "/typing", {"sessionId": talk.visitor.handle, "isTyping": True})
    wait_until(lambda: telegram.calls("sendChatAction"), "the action", 10)
    talk.answer("Take your time")
    assert [call["message_thread_id"] for call in telegram.calls("sendChatAction")] == [talk.topic]


def test_a_conversation_of_the_office_opens_a_topic_when_the_visitor_writes(
    bridged: Api, telegram: TelegramServer
) -> None:
    visitor = bridged.visitor()
    bridged.ok("POST", f"/sessions/{visitor.session_id}/messages", {"content": "Can I help?", "operatorName": "Bo"})
    visitor.say("Yes please")
    post = telegram.wait_text("Yes please", telegram.wait_topic())
    assert "Earlier in this conversation:\nBo: Can I help?" in post["text"]
    assert len(telegram.topics) == 1


def test_visitors_are_told_that_somebody_learns_of_it(bridged: Api, serve: Serve) -> None:
    assert bridged.visitor().hello["operatorReachable"] is True
    assert bridged.visitor().hello["operatorOnline"] is False
