"""Checks the settings for Slack against Slack, step by step, in words for the person who sets it up."""

from __future__ import annotations

from collections.abc import Iterator

from ..platform import Check, PlatformError
from .client import SlackClient
from .errors import SlackRefused
from .manifest import NEEDED_SCOPES, OPTIONAL_SCOPES


def check(client: SlackClient, channel: str, *, uses_socket_mode: bool) -> Iterator[Check]:
    """Check the bot's token, its scopes, the channel, the bot's membership there, and the app-level token.

    It ends with the first problem that makes the next steps pointless.
    """
    name = "Slack accepts the bot token"
    try:
        identity, scopes = client.test_auth()
    except PlatformError as error:
        yield Check(name, f"{error} Copy the Bot User OAuth Token (xoxb-…) to POCKETPING_SLACK_BOT_TOKEN.")
        return
    yield Check(name, facts={"workspace": identity.get("team"), "bot": identity.get("user")})
    yield _check_scopes(scopes)
    yield _check_channel(client, channel)
    if uses_socket_mode:
        yield _check_socket_mode(client)


def _check_scopes(scopes: frozenset[str]) -> Check:
    missing = [scope for scope in NEEDED_SCOPES if scope not in scopes]
    name = "The bot has all scopes"
    if missing:
        return Check(
            name,
            f"Missing: {', '.join(missing)}. Add them under “OAuth & Permissions”, then install the app again.",
            {"missing": missing},
        )
    return Check(name, facts={"without": [scope for scope in OPTIONAL_SCOPES if scope not in scopes]})


def _check_channel(client: SlackClient, channel: str) -> Check:
    name = "The bot is a member of the channel"
    invite = "Open the channel in Slack, and write /invite @ and the name of the app."
    try:
        found = client.channel(channel)
    except SlackRefused as error:
        if error.code == "missing_scope":
            return _check_history(client, channel, invite)
        if error.code == "channel_not_found":
            return Check(
                name,
                "Slack does not know the channel, or it is private and the bot is no member. "
                f"POCKETPING_SLACK_CHANNEL_ID is an ID such as C0123456789, not a name. {invite}",
            )
        return Check(name, str(error))
    except PlatformError as error:
        return Check(name, str(error))
    facts = {"channel": found.get("name"), "private": found.get("is_private") is True}
    if found.get("is_archived") is True:
        return Check(name, "The channel is archived. Unarchive it, or choose another one.", facts)
    if found.get("is_member") is not True:
        return Check(name, f"The bot is not in #{found.get('name')}. {invite}", facts)
    return Check(name, facts=facts)


def _check_history(client: SlackClient, channel: str, invite: str) -> Check:
    """Check the membership without the scope to read about channels: members may read the messages."""
    name = "The bot is a member of the channel"
    try:
        next(client.history(channel), None)
    except SlackRefused as error:
        return Check(name, f"{error} {invite}" if error.code == "not_in_channel" else str(error))
    except PlatformError as error:
        return Check(name, str(error))
    return Check(name)


def _check_socket_mode(client: SlackClient) -> Check:
    name = "Slack accepts the app-level token"
    try:
        client.open_connection()
    except PlatformError as error:
        return Check(
            name,
            f"{error} Switch Socket Mode on, create an app-level token with the scope connections:write, and copy it "
            "(xapp-…) to POCKETPING_SLACK_APP_TOKEN.",
        )
    return Check(name)
