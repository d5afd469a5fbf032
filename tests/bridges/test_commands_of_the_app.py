"""Tests `flask pocketping doctor` and `flask pocketping bridge setup` against the local Telegram."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from flask_pocketping.bridges.doctor import TEXT

from ..support.servers import make_app, wait_until
from ..support.telegram import GROUP, TOKEN, TelegramServer
from .conftest import settings_for


def run(app: Flask, *arguments: str, answers: str = "") -> Result:
    return app.test_cli_runner().invoke(args=["pocketping", *arguments], input=answers)


@pytest.fixture
def app(tmp_path: Path, telegram: TelegramServer) -> Flask:
    return make_app(tmp_path, worker="off", **settings_for(telegram))


def test_the_doctor_finds_nothing_wrong(app: Flask) -> None:
    found = run(app, "doctor")
    assert found.exit_code == 0, found.output
    assert found.output.splitlines() == [
        "Telegram",
        "  ok      The bot token works (bot: @shop_bot)",
        "  ok      The bot is in the chat (chat: Support)",
        "  ok      The chat takes topics",
        "  ok      The bot may manage topics",
        "  ok      The bot may delete messages",
    ]


def test_the_doctor_says_what_to_do(app: Flask, telegram: TelegramServer) -> None:
    telegram.chats[GROUP]["is_forum"] = False
    telegram.member["can_manage_topics"] = False
    found = run(app, "doctor")
    assert found.exit_code == 1
    assert "-> Switch on Topics in the settings of the group." in found.output
    assert "-> Make the bot an administrator of the group with the right to manage topics." in found.output
    del telegram.chats[GROUP]
    found = run(app, "doctor")
    assert "Add the bot to the group, or write to it once." in found.output
    assert TOKEN.partition(":")[2] not in found.output


def test_the_doctor_of_a_wrong_token_and_of_a_server_that_is_away(tmp_path: Path, telegram: TelegramServer) -> None:
    wrong = settings_for(telegram, telegram_bot_token="1:wrong-token-wrong-token")
    found = run(make_app(tmp_path / "wrong", worker="off", **wrong), "doctor")
    assert found.exit_code == 1
    assert "Copy it again from @BotFather." in found.output
    away = settings_for(telegram, telegram_api_url="http://127.0.0.1:1")
    found = run(make_app(tmp_path / "away", worker="off", **away), "doctor")
    assert found.exit_code == 1
    assert "Telegram can't be reached" in found.output


def test_the_doctor_without_bridges(tmp_path: Path) -> None:
    found = run(make_app(tmp_path, worker="off"), "doctor")
    assert (found.exit_code, "No bridge is set up." in found.output) == (0, True)


def test_the_doctor_tries_it_from_end_to_end(app: Flask, telegram: TelegramServer) -> None:
    def reply() -> None:
        # Nobody sees a topic before there is a post in it.
        post = telegram.wait_text(TEXT)
        telegram.write(post["message_thread_id"], "It works")

    person = threading.Thread(target=reply)
    person.start()
    found = run(app, "doctor", "--live", "--wait", "20")
    person.join()
    assert found.exit_code == 0, found.output
    for step in ("Post a message", "Receive a reply", "Edit the message", "Delete the message"):
        assert f"  ok      {step}" in found.output
    assert "https://t.me/c/1234567890/" in found.output
    assert telegram.topics[telegram.wait_topic()]["closed"]


def test_the_doctor_notices_that_no_reply_comes(app: Flask) -> None:
    found = run(app, "doctor", "--live", "--wait", "0.5")
    assert found.exit_code == 1
    assert "-> No reply came." in found.output


def test_the_setup_finds_the_group_and_writes_the_settings(tmp_path: Path, telegram: TelegramServer) -> None:
    settings = {"telegram_api_url": telegram.url, "bridge_allow_networks": "127.0.0.0/8"}
    app = make_app(tmp_path / "app", worker="off", **settings)
    telegram.write(None, "Here we are")
    env = tmp_path / "chat.env"
    found = run(app, "bridge", "setup", "telegram", "--env", str(env), answers=f"{TOKEN}\ny\ny\n")
    assert found.exit_code == 0, found.output
    assert "The bot is @shop_bot." in found.output
    assert f"Use “Support” ({GROUP})?" in found.output
    expected = f"POCKETPING_TELEGRAM_BOT_TOKEN={TOKEN}\nPOCKETPING_TELEGRAM_CHAT_ID={GROUP}\n"
    assert env.read_text() == expected
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    # The token is typed without being shown, and not printed either.
    assert TOKEN not in found.output


def test_the_setup_gives_up_in_plain_words(tmp_path: Path, telegram: TelegramServer) -> None:
    settings = {"telegram_api_url": telegram.url, "bridge_allow_networks": "127.0.0.0/8"}
    app = make_app(tmp_path, worker="off", **settings)
    found = run(app, "bridge", "setup", "telegram", answers="1:nonsense-nonsense-nonsense\n")
    assert found.exit_code == 1
    assert "Error: Telegram does not know this bot token." in found.output
    telegram.member["can_manage_topics"] = False
    telegram.write(None, "Here we are")
    found = run(app, "bridge", "setup", "telegram", answers=f"{TOKEN}\ny\ny\n")
    assert found.exit_code == 1
    assert "Mend that, and run this command again." in found.output


def test_the_setup_tells_telegram_the_address_of_the_webhook(tmp_path: Path, telegram: TelegramServer) -> None:
    secret = "a-secret-of-the-webhook-0123"
    settings = settings_for(telegram, telegram_webhook_secret=secret, url_prefix="/chat")
    app = make_app(tmp_path / "one", worker="off", **settings)
    found = run(app, "bridge", "setup", "telegram")
    assert "Set POCKETPING_PUBLIC_URL" in found.output
    app = make_app(tmp_path / "two", worker="off", public_url="https://www.example.com", **settings)
    found = run(app, "bridge", "setup", "telegram", answers="y\n")
    assert found.exit_code == 0, found.output
    wait_until(lambda: telegram.webhook, "the webhook")
    assert telegram.webhook is not None
    assert telegram.webhook["url"] == "https://www.example.com/chat/bridges/telegram"
    assert telegram.webhook["secret_token"] == secret
    # One after the other, so that no update overtakes another.
    assert telegram.webhook["max_connections"] == 1
    assert secret not in found.output
