"""The setup of the bridge to Discord in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import key_of
from ..guide import Guide
from ..platform import Refused
from .checks import INTENT_MISSING, MESSAGE_CONTENT, invite_link
from .client import DiscordClient
from .platform import DiscordPlatform


def setup(guide: Guide) -> Mapping[str, str]:
    """Check the token, show the link that invites the bot, and check the bot's permissions in its channel.

    :raises PlatformError: if a step does not work.
    """
    guide.say(
        "1. Make an application at https://discord.com/developers/applications. Open Bot there, press Reset Token, and "
        "copy the token. Switch on Message Content Intent on the same page."
    )
    config = guide.config
    token = config.discord_bot_token or guide.ask("The bot's token", secret=True)
    client = DiscordClient(token, config.discord_api_url, allow_networks=config.bridge_allow_networks)
    try:
        me, application = client.get("/users/@me"), client.get("/applications/@me")
    finally:
        client.close()
    guide.say(f"The bot is {me['username']}.")
    if not int(application.get("flags") or 0) & MESSAGE_CONTENT:
        guide.say(INTENT_MISSING)
    guide.say(
        "2. Open this address, and choose your server. It gives the bot exactly the permissions that it asks for:"
    )
    guide.show_text(invite_link(str(application["id"])))
    guide.say(
        "3. Choose a text channel or a forum channel for the conversations. Switch on Developer Mode in Discord "
        "(User Settings, Advanced), right-click the channel, and copy its id."
    )
    channel = config.discord_channel_id or guide.ask("The channel's id")
    guide.say("4. The settings are checked now.")
    platform = DiscordPlatform(token, channel, config.discord_api_url, allow_networks=config.bridge_allow_networks)
    try:
        passed = [guide.show(check) for check in platform.check()]
    finally:
        platform.close_client()
    if not all(passed):
        raise Refused("Mend that, and run this command again.")
    return {key_of("discord_bot_token"): token, key_of("discord_channel_id"): channel}
