"""Tests of the settings for Slack, and of the commands that set it up and check it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_pocketping.bridges.slack import connect
from flask_pocketping.bridges.slack.receiving import CatchUpInbound, SocketModeInbound
from flask_pocketping.config import Config, key_of
from flask_pocketping.errors import ConfigurationError
from tests.support.servers import make_app, wait_until
from tests.support.slack import FakeSlack
from tests.support.slack.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET

from .test_conversation import settings_for

COMPLETE = {"slack_bot_token": BOT_TOKEN, "slack_channel_id": "C0123456789"}


def config(**settings: Any) -> Config:
    return Config.from_mapping({key_of(name): value for name, value in settings.items()})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"slack_bot_token": BOT_TOKEN, "slack_app_token": APP_TOKEN}, "POCKETPING_SLACK_CHANNEL_ID"),
        ({"slack_channel_id": "C0123456789"}, "POCKETPING_SLACK_BOT_TOKEN"),
        ({"slack_signing_secret": SIGNING_SECRET}, "POCKETPING_SLACK_BOT_TOKEN"),
        (COMPLETE, "POCKETPING_SLACK_SIGNING_SECRET"),
        (COMPLETE, "POCKETPING_SLACK_APP_TOKEN"),
    ],
)
def test_an_app_with_half_of_the_settings_does_not_start(tmp_path: Path, settings: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key) as caught:
        make_app(tmp_path, **settings)
    assert not any(value in str(caught.value) for value in settings.values())


def test_a_token_brings_socket_mode_and_a_secret_brings_requests() -> None:
    socket = connect(config(**COMPLETE, slack_app_token=APP_TOKEN))
    assert isinstance(socket.inbound, SocketModeInbound)
    assert socket.webhook is None
    events = connect(config(**COMPLETE, slack_signing_secret=SIGNING_SECRET))
    assert isinstance(events.inbound, CatchUpInbound)
    assert events.webhook is not None


def test_socket_mode_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "slack_sdk" else object())
    with pytest.raises(ConfigurationError, match=r"flask-pocketping\[slack\]"):
        config(**COMPLETE, slack_app_token=APP_TOKEN)
    assert config(**COMPLETE, slack_signing_secret=SIGNING_SECRET).bridges == ("slack",)


def test_the_names_of_the_public_bridge_server_work() -> None:
    names = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_CHANNEL_ID": "C0123456789", "SLACK_APP_TOKEN": APP_TOKEN}
    found = Config.from_mapping({}, {**names, "SLACK_API_URL": "https://slack-gov.com/api"})
    assert found.bridges == ("slack",)
    assert (found.slack_app_token, found.slack_api_url) == (APP_TOKEN, "https://slack-gov.com/api")
    other = Config.from_mapping({"POCKETPING_SLACK_CHANNEL_ID": "C9876543210"}, names)
    assert other.slack_channel_id == "C9876543210"
    # The app's own bot, with which nothing can be posted for us.
    assert Config.from_mapping({}, {"SLACK_BOT_TOKEN": BOT_TOKEN}).bridges == ()


# Commands


def run(app: Flask, *arguments: str, typed: tuple[str, ...] = ()) -> Result:
    return app.test_cli_runner().invoke(args=["pocketping", *arguments], input="\n".join([*typed, ""]))


@pytest.fixture
def new_app(slack: FakeSlack, tmp_path: Path) -> Iterator[Any]:
    """An app that knows only where Slack is."""
    apps = []

    def make(**settings: Any) -> Flask:
        known = {"slack_api_url": slack.api_url, "bridge_allow_networks": "127.0.0.0/8"}
        apps.append(make_app(tmp_path, **{**known, **settings}))
        return apps[-1]

    yield make
    for app in apps:
        app.extensions["pocketping"].runtime.close()


def test_the_setup_shows_the_manifest_and_checks_the_tokens(slack: FakeSlack, new_app: Any) -> None:
    shown = run(new_app(), "bridge", "setup", "slack", typed=(BOT_TOKEN, APP_TOKEN, slack.channel))
    assert shown.exit_code == 0, shown.output
    manifest = json.JSONDecoder().raw_decode(shown.output[shown.output.index("{") :])[0]
    assert manifest["settings"]["socket_mode_enabled"] is True
    for line in (f"SLACK_BOT_TOKEN={BOT_TOKEN}", f"SLACK_APP_TOKEN={APP_TOKEN}", f"SLACK_CHANNEL_ID={slack.channel}"):
        assert f"POCKETPING_{line}\n" in shown.output
    assert shown.output.count(" ok ") == 4


def test_the_setup_for_requests_names_their_address(slack: FakeSlack, new_app: Any, tmp_path: Path) -> None:
    app = new_app(public_url="https://www.example.com", url_prefix="/chat")
    link = f"https://app.slack.com/client/T0001/{slack.channel}"
    env = tmp_path / ".env"
    typed = ("y", BOT_TOKEN, SIGNING_SECRET, link)
    shown = run(app, "bridge", "setup", "slack", "--env", str(env), typed=typed)
    assert shown.exit_code == 0, shown.output
    assert '"request_url": "https://www.example.com/chat/bridges/slack"' in shown.output
    written = dict(line.split("=") for line in env.read_text().split())
    assert written == {
        "POCKETPING_SLACK_BOT_TOKEN": BOT_TOKEN,
        "POCKETPING_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "POCKETPING_SLACK_CHANNEL_ID": slack.channel,
    }
    assert BOT_TOKEN not in shown.output


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (("xoxb-wrong-token-1", APP_TOKEN, "C0SUPPORT"), "does not accept the token"),
        ((BOT_TOKEN, "xapp-wrong-token-1", "C0SUPPORT"), "connections:write"),
        ((BOT_TOKEN, APP_TOKEN, "C0NOWHERE"), "does not know the channel"),
        ((BOT_TOKEN, APP_TOKEN, "#support"), "no ID of a channel"),
    ],
)
def test_the_setup_says_what_is_wrong(new_app: Any, typed: tuple[str, ...], problem: str) -> None:
    shown = run(new_app(), "bridge", "setup", "slack", typed=typed)
    assert shown.exit_code != 0
    assert problem in " ".join(shown.output.split())
    assert typed[0] not in shown.output


def test_the_doctor_checks_the_settings(slack: FakeSlack, new_app: Any) -> None:
    app = new_app(**settings_for(slack))
    shown = run(app, "doctor")
    assert shown.exit_code == 0, shown.output
    assert "Slack accepts the app-level token" in shown.output
    slack.workspace.support.members.clear()
    shown = run(app, "doctor")
    assert shown.exit_code == 1
    assert "/invite" in shown.output


def test_the_doctor_tests_it_from_end_to_end(slack: FakeSlack, new_app: Any) -> None:
    """Somebody replies, as the command asks them to."""
    slack.uses_sockets = True
    app = new_app(**settings_for(slack, worker="off"))

    def reply() -> None:
        def ready() -> str | None:
            roots = slack.workspace.roots(slack.channel)
            return roots[0]["ts"] if roots and slack.called("chat.getPermalink") and slack.sockets.open else None

        slack.workspace.write(slack.channel, wait_until(ready, "a thread", 30), "ping")

    thread = threading.Thread(target=reply)
    thread.start()
    shown = run(app, "doctor", "--live", "--wait", "20")
    thread.join()
    assert shown.exit_code == 0, shown.output
    for step in ("Post a message (", "Receive a reply (write one at https://fake", "Edit the message (", "Delete the"):
        assert f"ok      {step}" in shown.output, shown.output
