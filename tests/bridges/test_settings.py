"""Tests how bridges are set up: by settings of the app, or by their public names in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from flask_pocketping import ConfigurationError, PocketPing
from flask_pocketping.config import Config

from ..support.telegram import TOKEN

PUBLIC = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_CHAT_ID": "-1001", "BRIDGE_TEST_BOT_IDS": "5,6"}


def test_the_public_names_are_read_from_the_environment() -> None:
    config = Config.from_mapping({}, PUBLIC)
    assert (config.telegram_bot_token, config.telegram_chat_id, config.bridges) == (TOKEN, "-1001", ("telegram",))
    assert config.bridge_test_bot_ids == ("5", "6")


def test_a_setting_of_the_app_comes_first() -> None:
    config = Config.from_mapping({"POCKETPING_TELEGRAM_CHAT_ID": -1002}, PUBLIC)
    assert (config.telegram_chat_id, config.telegram_bot_token) == ("-1002", TOKEN)


@pytest.mark.parametrize("name", ["TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID"])
def test_a_bot_of_the_apps_own_is_left_alone(name: str) -> None:
    """The app may have a `TELEGRAM_BOT_TOKEN` for something else."""
    environ = {key: value for key, value in PUBLIC.items() if key != name} | {"TELEGRAM_API_URL": "nonsense"}
    config = Config.from_mapping({}, environ)
    assert (config.bridges, config.telegram_bot_token, config.telegram_chat_id) == ((), None, None)


def test_a_public_name_that_is_empty_counts_as_unset() -> None:
    assert Config.from_mapping({}, {**PUBLIC, "TELEGRAM_CHAT_ID": ""}).bridges == ()


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"POCKETPING_TELEGRAM_BOT_TOKEN": TOKEN}, "POCKETPING_TELEGRAM_CHAT_ID"),
        ({"POCKETPING_TELEGRAM_CHAT_ID": "-1001"}, "POCKETPING_TELEGRAM_BOT_TOKEN"),
        ({"POCKETPING_TELEGRAM_WEBHOOK_SECRET": "s" * 16}, "POCKETPING_TELEGRAM_BOT_TOKEN"),
    ],
)
def test_half_a_bridge_stops_the_app(settings: dict[str, str], missing: str, tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the test", **settings)
    with pytest.raises(ConfigurationError, match=f"{missing} must be set for the bridge to Telegram") as raised:
        PocketPing(app)
    assert TOKEN not in str(raised.value)


def test_an_invalid_token_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="POCKETPING_TELEGRAM_BOT_TOKEN must be the token") as raised:
        Config.from_mapping({"POCKETPING_TELEGRAM_BOT_TOKEN": "my secret"})
    assert "my secret" not in str(raised.value)


def test_the_tests_of_an_app_write_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's machine may have the names in its environment."""
    for name, value in PUBLIC.items():
        monkeypatch.setenv(name, value)
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the test", TESTING=True)
    PocketPing(app)
    assert not app.extensions["pocketping"].bridges


def test_the_app_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PUBLIC.items():
        monkeypatch.setenv(name, value)
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="a secret of the test")
    PocketPing(app)
    assert list(app.extensions["pocketping"].bridges.bridges) == ["telegram"]
