"""Tests of setting up the bridge in the terminal."""

from __future__ import annotations

import importlib.util
from ipaddress import ip_network
from typing import Any

import pytest

from flask_pocketping.bridges.discord.setup import setup
from flask_pocketping.bridges.guide import Guide
from flask_pocketping.bridges.platform import Check, Refused
from flask_pocketping.config import Config
from flask_pocketping.errors import ConfigurationError

from ...support.discord import FakeDiscord


class Terminal(Guide):
    """Answers questions, and keeps what it was shown."""

    def __init__(self, server: FakeDiscord, answers: dict[str, str]) -> None:
        self.config = Config(discord_api_url=server.url, bridge_allow_networks=(ip_network("127.0.0.0/8"),))
        self.public_address = None
        self.answers = answers
        self.secrets: list[str] = []
        self.shown = ""

    def say(self, text: str) -> None:
        """Keep it."""
        self.shown += text + "\n"

    def show_text(self, text: str) -> None:
        """Keep it."""
        self.shown += text + "\n"

    def ask(self, question: str, *, secret: bool = False, default: str | None = None) -> str:
        """Answer."""
        if secret:
            self.secrets.append(question)
        return self.answers[question]

    def confirm(self, question: str) -> bool:
        """Agree."""
        return True

    def show(self, check: Check) -> bool:
        """Keep it."""
        self.shown += f"{check.name}: {check.problem}\n"
        return check.problem is None


def terminal(server: FakeDiscord, **more: Any) -> Terminal:
    return Terminal(server, {"The bot's token": server.token, "The channel's id": server.channel, **more})


def test_the_setup_ends_with_the_settings(server: FakeDiscord) -> None:
    guide = terminal(server)
    assert setup(guide) == {
        "POCKETPING_DISCORD_BOT_TOKEN": server.token,
        "POCKETPING_DISCORD_CHANNEL_ID": server.channel,
    }
    link = f"https://discord.com/oauth2/authorize?client_id={server.world.application}&scope=bot"
    assert f"{link}&permissions=326417615936" in guide.shown
    assert guide.secrets == ["The bot's token"]
    assert server.token not in guide.shown


def test_a_problem_ends_the_setup_with_what_to_do(server: FakeDiscord) -> None:
    server.world.application_flags = 0
    guide = terminal(server)
    with pytest.raises(Refused, match="Mend that"):
        setup(guide)
    assert "Switch on Message Content Intent" in guide.shown


def test_a_wrong_token_ends_the_setup(server: FakeDiscord) -> None:
    with pytest.raises(Refused, match="refused the bot token"):
        setup(Terminal(server, {"The bot's token": "wrong-token-of-a-test"}))


def test_settings_without_the_library_are_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "discord" else found(name))
    with pytest.raises(ConfigurationError, match=r"pip install 'flask-pocketping\[discord\]'"):
        Config(discord_bot_token="x" * 30, discord_channel_id="1" * 18)


def test_half_of_the_settings_are_an_error_that_names_the_other() -> None:
    with pytest.raises(ConfigurationError, match="POCKETPING_DISCORD_CHANNEL_ID must be set"):
        Config(discord_bot_token="x" * 30)
