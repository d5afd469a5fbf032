"""Fixtures of bridges: a Telegram of the test's own, and apps that are connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..support.telegram import GROUP, TOKEN, TelegramServer, telegram_server


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with telegram_server() as made:
        yield made


def settings_for(telegram: TelegramServer, **more: Any) -> dict[str, Any]:
    """The settings of an app that is connected to it."""
    return {
        "telegram_bot_token": TOKEN,
        "telegram_chat_id": str(GROUP),
        "telegram_api_url": telegram.url,
        "bridge_allow_networks": "127.0.0.0/8",
        **more,
    }
