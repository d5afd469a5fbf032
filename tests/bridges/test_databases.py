"""Tests a conversation on each kind of database, with writers on both sides at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ..support.servers import make_app, serving, wait_until
from ..support.telegram import Refusal, TelegramServer
from .conftest import Talk, settings_for

pytestmark = pytest.mark.slow


def test_a_conversation_on_every_database(any_database: str, tmp_path: Path, telegram: TelegramServer) -> None:
    with serving(make_app(tmp_path, any_database, **settings_for(telegram))) as api:
        talk = Talk(api, telegram, "Höllo 👋")
        telegram.write(talk.topic, "word " * 1500)
        talk.wait_shown(3)
        file_id = telegram.add_file(b"plain text")
        document = {"file_id": file_id, "file_name": "a.txt", "file_size": 10}
        telegram.write(talk.topic, "", document=document, caption="A file")
        answer = telegram.write(talk.topic, "After the file")
        assert talk.wait_shown(5)[3:] == ["A file", "After the file"]
        telegram.edit(answer, "Edited")
        wait_until(lambda: talk.shown()[-1] == "Edited", "the edit")
        telegram.write(talk.topic, "note: for us")
        telegram.write(talk.topic, "/close")
        wait_until(lambda: talk.session()["status"] == "closed", "closed")
        refused: list[int] = []

        def refuse_once(method: str, given: dict[str, object]) -> str | None:
            if method == "sendMessage" and "Again" in str(given["text"]) and not refused:
                refused.append(1)
                raise Refusal(403, "Forbidden: not now")
            return None

        telegram.before = refuse_once
        again = talk.visitor.say("Again")["messageId"]
        talk.settled(again, "failed")
        assert api.post(f"/sessions/{talk.session_id}/messages/{again}/deliveries/telegram/retry").status_code == 202
        talk.settled(again)
        assert [message["content"] for message in talk.office() if message.get("internal")] == [
            "for us",
            "A message was not posted to Telegram: Forbidden: not now",
        ]


@pytest.mark.parametrize("database", ["postgresql", "mariadb"])
def test_both_sides_write_at_once(database: str, request: pytest.FixtureRequest, telegram: TelegramServer) -> None:
    url, folder = request.getfixturevalue(database), request.getfixturevalue("tmp_path")
    with serving(make_app(folder, url, **settings_for(telegram))) as api:
        talks = [Talk(api, telegram, f"Visitor {number}") for number in range(3)]

        def write(talk: Talk) -> None:
            for number in range(12):
                talk.visitor.say(f"Question {number}")

        def answer(talk: Talk) -> None:
            for number in range(12):
                telegram.write(talk.topic, f"Answer {number}")

        started = [threading.Thread(target=work, args=(talk,)) for talk in talks for work in (write, answer)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        for talk in talks:
            shown = talk.wait_shown(25)
            assert [text for text in shown if "Answer" in text] == [f"Answer {number}" for number in range(12)]
            last = next(message for message in reversed(talk.office()) if message["content"] == "Question 11")
            talk.settled(last["id"], timeout=60)
            posted = "\n".join(talk.texts()).split("\n")
            assert [text for text in posted if "Question" in text] == [f"Question {number}" for number in range(12)]
