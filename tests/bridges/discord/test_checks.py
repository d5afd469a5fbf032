"""Tests of checking the settings against Discord."""

from __future__ import annotations

import pytest

from flask_pocketping.bridges.discord.checks import ALL_PERMISSIONS, invite_link
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import Check

from ...support.discord import FakeDiscord
from .conftest import platform_for


def problems(platform: DiscordPlatform) -> list[Check]:
    return [check for check in platform.check() if check.problem]


def test_good_settings_pass(server: FakeDiscord, platform: DiscordPlatform) -> None:
    checks = list(platform.check())
    assert [check.problem for check in checks] == [None] * 5
    assert checks[0].facts["bot"] == "pocketping"
    assert checks[0].facts["invite"] == invite_link(server.world.application)
    assert checks[2].facts["channel"] == "support"
    assert list(platform_for(server, server.forum).check())[2].facts["forum"] is True


def test_the_invite_asks_for_exactly_what_is_needed() -> None:
    assert ALL_PERMISSIONS == 326417615936
    assert invite_link("123") == (
        "https://discord.com/oauth2/authorize?client_id=123&scope=bot&permissions=326417615936"
    )


def test_a_wrong_token_ends_the_check(server: FakeDiscord) -> None:
    checks = list(platform_for(server, token="wrong-token-of-a-test").check())
    assert len(checks) == 1
    assert "Discord refused the bot token" in str(checks[0].problem)
    assert "wrong-token" not in repr(checks)


def test_a_missing_intent_is_told(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.application_flags = 0
    assert [check.name for check in problems(platform)] == ["The bot may read messages"]
    assert "Message Content Intent" in str(problems(platform)[0].problem)
    # Bots in fewer than 100 servers have another flag.
    server.world.application_flags = 1 << 19
    assert problems(platform) == []


def test_a_channel_that_the_bot_does_not_see(server: FakeDiscord) -> None:
    found = problems(platform_for(server, server.world.new_id()))
    assert "Invite it: https://discord.com/oauth2/authorize?client_id=" in str(found[0].problem)
    server.world.find(server.channel)["permission_overwrites"] = [
        {"id": server.world.guild, "type": 0, "deny": str(1 << 10), "allow": "0"}
    ]
    found = problems(platform_for(server))
    assert "can't see the channel" in str(found[0].problem)


@pytest.mark.parametrize("holder", ["guild", "bot_role", "bot"])
def test_missing_permissions_are_named(server: FakeDiscord, platform: DiscordPlatform, holder: str) -> None:
    holders = {"guild": server.world.guild, "bot_role": server.world.bot_role, "bot": server.world.bot["id"]}
    channel = server.world.find(server.channel)
    channel["permission_overwrites"] = [
        {"id": holders[holder], "type": 0, "deny": str(1 << 34 | 1 << 38), "allow": str(1 << 15)}
    ]
    found = problems(platform)
    assert [check.facts["missing"] for check in found] == [["Manage Threads", "Send Messages in Threads"]]
    assert "The bot lacks Manage Threads, Send Messages in Threads." in str(found[0].problem)
    # An overwrite of the bot itself wins.
    channel["permission_overwrites"].append(
        {"id": holders["bot"], "type": 1, "deny": "0", "allow": str(1 << 34 | 1 << 38)}
    )
    assert problems(platform) == [] or holder == "bot"


def test_administrators_may_do_everything(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.roles[1]["permissions"] = str(1 << 3 | 1 << 10)
    assert problems(platform) == []


def test_no_connections_left(server: FakeDiscord, platform: DiscordPlatform) -> None:
    server.world.sessions_left = 0
    assert "connected too often today" in str(problems(platform)[0].problem)
