"""A fake Discord, and the bridge's calls to it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from flask_pocketping.bridges.discord.platform import DiscordPlatform

from ...support.discord import FakeDiscord, discord_server


@pytest.fixture
def server() -> Iterator[FakeDiscord]:
    with discord_server() as made:
        yield made


@pytest.fixture
def platform(server: FakeDiscord) -> Iterator[DiscordPlatform]:
    """The calls to a text channel."""
    made = platform_for(server)
    yield made
    made.close_client()


def platform_for(server: FakeDiscord, channel: str | None = None, token: str | None = None) -> DiscordPlatform:
    """The calls to a channel of the fake Discord."""
    loopback = [ip_network("127.0.0.0/8")]
    return DiscordPlatform(token or server.token, channel or server.channel, server.url, allow_networks=loopback)
