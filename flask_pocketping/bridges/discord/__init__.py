"""The bridge to Discord: a thread, or a post in a forum channel, for each conversation.

What operators write comes in by the Gateway.
"""

from __future__ import annotations

from ...config import Config
from ..platform import Connection
from .inbound import DiscordInbound
from .platform import DiscordPlatform


def connect(config: Config) -> Connection:
    """Connect the bot of the settings."""
    assert config.discord_bot_token is not None
    assert config.discord_channel_id is not None
    platform = DiscordPlatform(
        config.discord_bot_token,
        config.discord_channel_id,
        config.discord_api_url,
        allow_networks=config.bridge_allow_networks,
    )
    return Connection(platform, inbound=DiscordInbound(platform))
