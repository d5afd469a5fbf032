"""Tests that a bot's token is nowhere to be seen, whatever fails."""

from __future__ import annotations

import io
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import inspect, text

from flask_pocketping.bridges.platform import PlatformError, Post, Thread
from flask_pocketping.bridges.telegram.client import BotAPI
from flask_pocketping.config_parsers import parse_networks

from ..conftest import Serve
from ..support.servers import make_app, wait_until
from ..support.telegram import TOKEN, Refusal, TelegramServer
from .conftest import Talk, settings_for

SECRET = TOKEN.partition(":")[2]
HOOK_SECRET = "a-secret-of-the-webhook-0123"


def test_no_token_in_log_database_or_pages(
    serve: Serve, telegram: TelegramServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(tmp_path, **settings_for(telegram))
    api = serve(app)
    talk = Talk(api, telegram)
    file_id = telegram.add_file(b"plain text")
    document = {"file_id": file_id, "file_name": "a.txt", "file_size": 10}
    telegram.write(talk.topic, "", document=document, caption="A file")
    talk.wait_shown(2)
    telegram.write(talk.topic, "", document={"file_id": "unknown", "file_name": "b.txt"}, caption="No file")
    talk.wait_shown(3)
    answers = [
        lambda: "cut",
        lambda: "drop",
        refusal(400, f"Bad Request: something about bot{TOKEN}"),
        refusal(403, "Forbidden: bot was kicked"),
        refusal(429, "Too Many Requests: retry after 1", retry_after=1),
        refusal(500, "Internal Server Error"),
    ]

    def before(method: str, given: dict[str, Any]) -> str | None:
        return answers.pop(0)() if method == "sendMessage" and answers else None

    telegram.before = before
    while left := len(answers):
        # Messages that wait for each other would be one post.
        talk.visitor.say(f"Question {left}")
        wait_until(lambda left=left: len(answers) < left, "the next failure", 40)  # type: ignore[misc]
    talk.settled(talk.visitor.say("The last one")["messageId"], timeout=40)
    with telegram.lock:
        telegram.polling += 1
    wait_until(lambda: telegram.conflicts, "a conflict", 10)
    telegram.polling -= 1
    with app.extensions["pocketping"].db.read() as connection:
        for name in inspect(connection).get_table_names():
            rows = connection.execute(text(f"SELECT * FROM {name}")).all()
            assert SECRET not in str(rows), name
    pages = [
        *(talk.visitor.messages(), talk.office(), talk.visitor.hello),
        *(api.get(path).text for path in ("/openapi.json", "/health", "/sessions", "/webhooks", "/inbox")),
    ]
    assert SECRET not in str(pages)
    assert "api.telegram.org" not in str(talk.visitor.messages())
    seen = io.StringIO(caplog.text)
    assert [line for line in seen if SECRET in line] == []
    assert SECRET not in repr(app.extensions["pocketping"].config)
    assert SECRET not in repr(vars(app.extensions["pocketping"].bridges))


def refusal(status: int, description: str, **parameters: Any) -> Any:
    def action() -> str | None:
        raise Refusal(status, description, **parameters)

    return action


@pytest.mark.parametrize("base", ["http://127.0.0.1:1", "http://name.invalid", "http://10.255.255.1", "server"])
def test_no_token_in_an_exception(telegram: TelegramServer, base: str) -> None:
    allowed = parse_networks("127.0.0.0/8")
    api = BotAPI(TOKEN, telegram.url if base == "server" else base, allow_networks=allowed)
    telegram.before = lambda method, given: "drop"
    try:
        api.call("sendMessage", {"chat_id": "1", "text": "x"})
    except PlatformError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    else:
        raise AssertionError("It must fail.")
    assert SECRET not in shown
    assert SECRET not in repr(api)
    assert SECRET not in repr(Post("k", "x")) + repr(Thread("1", "2"))


def test_a_forged_update_fetches_nothing_from_elsewhere(serve: Serve, telegram: TelegramServer, tmp_path: Path) -> None:
    """A file has an id and no address, so nothing in an update can name another server."""
    from ..support.receiver import receiving

    with receiving() as elsewhere:
        app = make_app(tmp_path, **settings_for(telegram, telegram_webhook_secret=HOOK_SECRET))
        talk = Talk(serve(app), telegram)
        update = {
            "update_id": 1,
            "message": {
                "message_id": 5000,
                "date": 1,
                "chat": {"id": -1001234567890, "type": "supergroup"},
                "message_thread_id": talk.topic,
                "from": {"id": 7, "is_bot": False, "first_name": "Ana"},
                "document": {"file_id": elsewhere.url, "file_path": elsewhere.url, "file_name": "a.txt"},
                "caption": "Look",
            },
        }
        headers = {"X-Telegram-Bot-Api-Secret-Token": HOOK_SECRET}
        answer = requests.post(f"{talk.api.url}/bridges/telegram", json=update, headers=headers, timeout=30)
        assert answer.status_code == 200
        talk.wait_shown(2)
        assert elsewhere.received == []
    assert {"chat_id", "file_id"} & {key for given in telegram.calls("getFile") for key in given} == {"file_id"}
