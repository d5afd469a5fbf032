"""The setup of the bridge to Telegram in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from ...config import key_of
from ..guide import Guide
from ..platform import PlatformError, Refused
from .client import BotAPI, Conflict
from .inbound import UPDATES
from .platform import Telegram

#: How often to ask Telegram for a chat, each time for so many seconds.
_TRIES = 15
_POLL = 4


def setup(guide: Guide) -> Mapping[str, str]:
    """Find the bot and its chat, check the bot's rights, and set the webhook if one is wanted.

    :raises PlatformError: if a step does not work.
    """
    guide.say("1. Write to @BotFather in Telegram, send /newbot, and copy the token that it gives you.")
    token = guide.config.telegram_bot_token or guide.ask("The bot's token", secret=True)
    api = BotAPI(token, guide.config.telegram_api_url, allow_networks=guide.config.bridge_allow_networks)
    with closing(api):
        me = api.call("getMe", {})
        guide.say(f"The bot is @{me.get('username')}.")
        chat_id = guide.config.telegram_chat_id or _find_chat(guide, api)
        guide.say("3. The settings are checked now.")
        found = [guide.show(check) for check in Telegram(api, chat_id).check()]
        if not all(found):
            raise Refused("Mend that, and run this command again.")
        _set_webhook(guide, api)
    return {key_of("telegram_bot_token"): token, key_of("telegram_chat_id"): chat_id}


def _find_chat(guide: Guide, api: BotAPI) -> str:
    guide.say(
        "2. Make a group, switch on Topics in its settings, add the bot as an administrator who may manage topics and "
        "delete messages, and write something in the group. If you work alone, write to the bot instead."
    )
    if not guide.confirm("Done?"):
        raise Refused("Run this command again when it is done.")
    offset = 0
    for _ in range(_TRIES):
        try:
            asked = {"timeout": _POLL, "offset": offset or None, "allowed_updates": list(UPDATES)}
            updates = api.call("getUpdates", asked, timeout=_POLL + 10.0)
        except Conflict:
            raise Refused("Another program reads the bot's messages. Stop it first, or enter the number.") from None
        for update in updates:
            offset = int(update["update_id"]) + 1
            chat = _chat_of(update)
            if chat is not None and guide.confirm(f"Use {_title(chat)}?"):
                return str(chat["id"])
    return guide.ask("Nothing came. The number of the chat")


def _chat_of(update: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for name in ("message", "edited_message", "my_chat_member"):
        if name in update:
            found: Mapping[str, Any] = update[name]["chat"]
            return found
    return None


def _title(chat: Mapping[str, Any]) -> str:
    return f"“{chat.get('title') or chat.get('first_name')}” ({chat['id']})"


def _set_webhook(guide: Guide, api: BotAPI) -> None:
    secret = guide.config.telegram_webhook_secret
    if secret is None:
        return
    if guide.public_address is None:
        raise Refused("Set POCKETPING_PUBLIC_URL, so that Telegram knows where the app is.")
    url = f"{guide.public_address}/bridges/telegram"
    if not guide.confirm(f"Let Telegram send messages to {url}?"):
        return
    try:
        # Over several connections, updates could overtake each other.
        options = {"allowed_updates": list(UPDATES), "max_connections": 1}
        api.call("setWebhook", {"url": url, "secret_token": secret, **options})
    except PlatformError as error:
        raise Refused(f"Telegram does not take that address: {error}") from None
    guide.say("Telegram sends messages there from now on.")
