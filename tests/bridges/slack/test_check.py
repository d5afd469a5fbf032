"""Tests of the check of the settings, and of the manifest from which the app is made."""

from __future__ import annotations

import pytest

from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.slack.manifest import NEEDED_SCOPES, manifest
from flask_pocketping.bridges.slack.platform import SlackPlatform
from tests.support.slack import FakeSlack

from .conftest import connect


def problems(platform: SlackPlatform) -> dict[str, str]:
    """The problems by the name of the step."""
    return {step.name: step.problem for step in platform.check() if step.problem}


def test_a_good_set_up_has_no_problem(slack: FakeSlack, client: SlackClient) -> None:
    steps = list(SlackPlatform(client, slack.channel, uses_socket_mode=True).check())
    assert [step.problem for step in steps] == [None] * 4
    assert steps[0].facts == {"workspace": "Fake", "bot": "chatbot"}
    assert steps[2].facts == {"channel": "support", "private": False}


def test_a_wrong_token_ends_the_check(slack: FakeSlack) -> None:
    client = connect(slack, "xoxb-wrong")
    (step,) = SlackPlatform(client, slack.channel).check()
    client.http.close()
    assert "POCKETPING_SLACK_BOT_TOKEN" in (step.problem or "")
    assert "xoxb-wrong" not in (step.problem or "")


def test_missing_scopes_are_named(slack: FakeSlack, platform: SlackPlatform) -> None:
    slack.workspace.scopes -= {"files:read", "chat:write.customize"}
    assert problems(platform) == {
        "The bot has all scopes": "Missing: chat:write.customize, files:read. Add them under “OAuth & Permissions”, "
        "then install the app again."
    }


@pytest.mark.parametrize("may_read", [True, False])
def test_a_bot_that_was_not_invited_is_noticed(slack: FakeSlack, platform: SlackPlatform, may_read: bool) -> None:
    """Also without the scopes to read about channels, which the bridge can do without."""
    slack.workspace.support.members.clear()
    if not may_read:
        slack.workspace.scopes -= {"channels:read", "groups:read", "reactions:write"}
    (problem,) = problems(platform).values()
    assert "/invite" in problem


def test_a_channel_that_is_none_is_noticed(slack: FakeSlack, client: SlackClient) -> None:
    (problem,) = problems(SlackPlatform(client, "#support")).values()
    assert "not a name" in problem


def test_an_archived_channel_is_noticed(slack: FakeSlack, platform: SlackPlatform) -> None:
    slack.workspace.support.archived = True
    (problem,) = problems(platform).values()
    assert "archived" in problem


def test_a_wrong_app_level_token_is_noticed(slack: FakeSlack, client: SlackClient) -> None:
    slack.refuse("apps.connections.open", "missing_scope", needed="connections:write")
    (problem,) = problems(SlackPlatform(client, slack.channel, uses_socket_mode=True)).values()
    assert "connections:write" in problem


def test_the_manifest_has_what_the_bridge_needs(slack: FakeSlack, platform: SlackPlatform) -> None:
    made = manifest(None)
    assert made["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in made["settings"]["event_subscriptions"]
    slack.workspace.scopes = set(made["oauth_config"]["scopes"]["bot"])
    assert problems(platform) == {}
    assert set(NEEDED_SCOPES) < slack.workspace.scopes


def test_the_manifest_for_the_events_api_names_the_address() -> None:
    made = manifest("https://www.example.com/pocketping/bridges/slack", "The shop's chat, which has a very long name")
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"] == {
        "request_url": "https://www.example.com/pocketping/bridges/slack",
        "bot_events": ["message.channels", "message.groups"],
    }
    assert len(made["display_information"]["name"]) == 35
