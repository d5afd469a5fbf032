"""Checks the settings of the bridge against Discord, and makes the link that invites the bot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..platform import Check, PlatformError, Refused, ThreadGone
from .channels import Channel, read_channel
from .client import DiscordClient
from .hosts import Hosts

#: The permissions that the bot needs. See docs/discord.md for the reasons.
PERMISSIONS: Mapping[str, int] = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Manage Threads": 1 << 34,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}
#: What the invite asks for: those, and reactions, which PocketPing's own bridge server asks for too.
ALL_PERMISSIONS = sum(PERMISSIONS.values()) | 1 << 6
ADMINISTRATOR = 1 << 3

#: The flags of applications that get the content of messages: verified ones, and those in less than 100 servers.
MESSAGE_CONTENT = 1 << 18 | 1 << 19

INTENT_MISSING = (
    "Discord hides the text of messages from the bot. Switch on Message Content Intent in the Developer Portal "
    "(your application, Bot, Privileged Gateway Intents)."
)


def invite_link(application_id: str) -> str:
    """Return the address that invites the bot to a server with exactly the permissions that it needs."""
    return f"https://discord.com/oauth2/authorize?client_id={application_id}&scope=bot&permissions={ALL_PERMISSIONS}"


def check(client: DiscordClient, hosts: Hosts, channel_id: str) -> Iterator[Check]:
    """Check step by step. Ends with the first problem that makes the next steps pointless."""
    name = "Discord accepts the bot token"
    try:
        bot = client.get("/users/@me")
        application = client.get("/applications/@me")
    except PlatformError as error:
        yield Check(name, str(error))
        return
    invite = invite_link(str(application["id"]))
    yield Check(name, facts={"bot": bot["username"], "application": application["id"], "invite": invite})
    has_intent = int(application.get("flags") or 0) & MESSAGE_CONTENT
    yield Check("The bot may read messages", None if has_intent else INTENT_MISSING)
    name = "The bot sees the channel"
    try:
        channel = _read(client, channel_id, invite)
    except PlatformError as error:
        yield Check(name, str(error), {"invite": invite})
        return
    yield Check(name, facts={"channel": channel.name, "server": channel.guild, "forum": channel.is_forum})
    name = "The bot has its permissions in the channel"
    try:
        missing = _missing(client, channel_id, channel.guild, bot["id"])
    except PlatformError as error:
        yield Check(name, str(error))
    else:
        yield Check(name, _missing_problem(missing, invite), {"missing": missing})
    yield _check_gateway(client, hosts)


def _read(client: DiscordClient, channel_id: str, invite: str) -> Channel:
    try:
        return read_channel(client.get(f"/channels/{channel_id}"))
    except ThreadGone:
        raise Refused(
            f"There is no channel with this id, or the bot is not in its server. Invite it: {invite}"
        ) from None


def _missing(client: DiscordClient, channel_id: str, guild: str, bot_id: str) -> list[str]:
    """Return the names of the permissions that the bot lacks in the channel."""
    granted = _permissions(client, channel_id, guild, bot_id)
    if granted & ADMINISTRATOR:
        return []
    return [name for name, bit in PERMISSIONS.items() if not granted & bit]


def _permissions(client: DiscordClient, channel_id: str, guild: str, bot_id: str) -> int:
    """Calculate the permissions in a channel: https://docs.discord.com/developers/topics/permissions"""
    roles = {role["id"]: int(role["permissions"]) for role in client.get(f"/guilds/{guild}/roles")}
    mine = client.get(f"/guilds/{guild}/members/{bot_id}")["roles"]
    granted = roles.get(guild, 0)
    for role in mine:
        granted |= roles.get(role, 0)
    overwrites = {each["id"]: each for each in client.get(f"/channels/{channel_id}").get("permission_overwrites") or ()}
    # First those of everyone, then those of the roles together, then those of the bot itself.
    for holders in ([guild], mine, [bot_id]):
        found = [overwrites[holder] for holder in holders if holder in overwrites]
        deny, allow = _union(found, "deny"), _union(found, "allow")
        granted = granted & ~deny | allow
    return granted


def _union(overwrites: list[Mapping[str, Any]], name: str) -> int:
    bits = 0
    for overwrite in overwrites:
        bits |= int(overwrite[name])
    return bits


def _missing_problem(missing: list[str], invite: str) -> str | None:
    if not missing:
        return None
    return (
        f"The bot lacks {', '.join(missing)}. Grant this in the channel's settings, or invite the bot again: {invite}"
    )


def _check_gateway(client: DiscordClient, hosts: Hosts) -> Check:
    name = "The bot may connect to the Gateway"
    try:
        found = client.get("/gateway/bot")
    except PlatformError as error:
        return Check(name, str(error))
    left = found["session_start_limit"]["remaining"]
    if not hosts.has_gateway(found["url"]):
        return Check(name, "Discord named an address for the Gateway that is not Discord's.")
    if left <= 0:
        return Check(name, "The bot has connected too often today. Discord lets it connect again within a day.")
    return Check(name, facts={"connections left today": left})
