"""The setup of the bridge to Slack in the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ...config import key_of
from ..guide import Guide
from ..platform import Refused
from . import client_of
from .manifest import manifest
from .platform import SlackPlatform


def setup(guide: Guide) -> Mapping[str, str]:
    """Show the manifest of the app, ask for its tokens and the channel, and check them.

    :raises PlatformError: if a step does not work.
    """
    address = None if guide.public_address is None else f"{guide.public_address}/bridges/slack"
    if address is not None and not _wants_events(guide, address):
        address = None
    _show_manifest(guide, address)
    known = guide.config
    found = {"slack_bot_token": known.slack_bot_token or _ask_bot_token(guide)}
    if address is None:
        found["slack_app_token"] = known.slack_app_token or _ask_app_token(guide)
    else:
        found["slack_signing_secret"] = known.slack_signing_secret or _ask_signing_secret(guide)
    found["slack_channel_id"] = known.slack_channel_id or _ask_channel(guide)
    guide.say("The settings are checked now.")
    client = client_of(known, found["slack_bot_token"], found.get("slack_app_token"))
    try:
        platform = SlackPlatform(client, found["slack_channel_id"], uses_socket_mode=address is None)
        good = all(guide.show(check) for check in platform.check())
    finally:
        client.http.close()
    if not good:
        raise Refused("Mend that, and run this command again.")
    if address is not None:
        guide.say(
            "When the app runs with these settings, open “Event Subscriptions” in the Slack app, and let Slack verify "
            f"the request URL {address}"
        )
    return {key_of(name): value for name, value in found.items()}


def _wants_events(guide: Guide, address: str) -> bool:
    guide.say(
        f"Slack can send events to {address}, or your app can open a connection to Slack (Socket Mode), which needs "
        "no public address."
    )
    return guide.confirm("Let Slack send events to that address?")


def _show_manifest(guide: Guide, address: str | None) -> None:
    guide.say(
        "1. Open https://api.slack.com/apps?new_app=1, choose “From a manifest” and your workspace, paste this as "
        "JSON, create the app, and install it:"
    )
    guide.show_text(json.dumps(manifest(address), indent=2))


def _ask_bot_token(guide: Guide) -> str:
    guide.say("2. Copy the Bot User OAuth Token under “OAuth & Permissions”. It begins with xoxb-.")
    return guide.ask("The bot token", secret=True)


def _ask_app_token(guide: Guide) -> str:
    guide.say(
        "3. Under “Basic Information”, generate an app-level token with the scope connections:write. It begins with "
        "xapp-."
    )
    return guide.ask("The app-level token", secret=True)


def _ask_signing_secret(guide: Guide) -> str:
    guide.say("3. Copy the signing secret under “Basic Information”.")
    return guide.ask("The signing secret", secret=True)


def _ask_channel(guide: Guide) -> str:
    guide.say(
        "4. Make a channel for the chat, and write /invite @Live chat in it. Its ID is at the end of its details, and "
        "in its link. It begins with C."
    )
    answer = guide.ask("The ID of the channel, or its link")
    match = re.search(r"(?:^|/)([CG][A-Z0-9]{6,20})(?:$|[/?])", answer)
    if match is None:
        raise Refused("This is no ID of a channel, such as C0123456789.")
    return match[1]
