"""The manifest from which Slack creates the app, with exactly the scopes and events that the bridge uses."""

from __future__ import annotations

from typing import Any

#: The scopes that the bridge can't do without.
NEEDED_SCOPES = (
    "channels:history",
    "chat:write",
    "chat:write.customize",
    "files:read",
    "files:write",
    "groups:history",
    "users:read",
)
#: Scopes for names of channels, for the check of a channel, and for the reaction on closed conversations.
OPTIONAL_SCOPES = ("channels:read", "groups:read", "reactions:write")

#: The events that Slack sends: messages in public and in private channels of which the bot is a member.
EVENTS = ("message.channels", "message.groups")


def manifest(request_url: str | None, name: str = "Live chat") -> dict[str, Any]:
    """Return the manifest of the Slack app.

    :param request_url: the address of `POST /bridges/slack`, or `None` for Socket Mode.
    :param name: the name of the app and its bot, up to 35 characters.
    """
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    if request_url is not None:
        events = {"request_url": request_url, **events}
    return {
        "display_information": {"name": name[:35], "description": "Answers visitors of the website."},
        "features": {"bot_user": {"display_name": name[:35], "always_online": True}},
        "oauth_config": {"scopes": {"bot": sorted({*NEEDED_SCOPES, *OPTIONAL_SCOPES})}},
        "settings": {
            "event_subscriptions": events,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
