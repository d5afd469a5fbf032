"""The bridge to Telegram: a forum topic for each conversation, in a supergroup or in the bot's private chat."""

from __future__ import annotations

from ...config import Config
from ..platform import Connection
from .client import BotAPI
from .inbound import TelegramPolling, TelegramWebhook
from .platform import Telegram


def connect(config: Config) -> Connection:
    """Connect the bot of the settings."""
    assert config.telegram_bot_token is not None
    assert config.telegram_chat_id is not None
    api = BotAPI(config.telegram_bot_token, config.telegram_api_url, allow_networks=config.bridge_allow_networks)
    platform = Telegram(api, config.telegram_chat_id)
    if config.telegram_webhook_secret is not None:
        return Connection(platform, webhook=TelegramWebhook(config.telegram_webhook_secret, api.bot_id))
    return Connection(platform, inbound=TelegramPolling(api))
