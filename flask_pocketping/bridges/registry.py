"""Connects the platforms that the settings name. A new platform has a line in `_CONNECT` and one in `_SETUPS`."""

from __future__ import annotations

from collections.abc import Callable

from ..config import Config
from .guide import Setup
from .platform import Connection


def connect(config: Config) -> list[Connection]:
    """Return the platforms that the settings connect, without a request to any of them."""
    return [_CONNECT[name](config) for name in config.bridges]


# Each imports its platform late, so that apps without it don't load it.


def _telegram(config: Config) -> Connection:
    from .telegram import connect as telegram

    return telegram(config)


def _slack(config: Config) -> Connection:
    from .slack import connect as slack

    return slack(config)


def _discord(config: Config) -> Connection:
    from .discord import connect as discord

    return discord(config)


_CONNECT: dict[str, Callable[[Config], Connection]] = {
    "telegram": _telegram,
    "slack": _slack,
    "discord": _discord,
}


def setup_of(name: str) -> Setup:
    """Return what walks through the setup of a platform."""
    return _SETUPS[name]()


def _telegram_setup() -> Setup:
    from .telegram.setup import setup

    return setup


def _slack_setup() -> Setup:
    from .slack.setup import setup

    return setup


def _discord_setup() -> Setup:
    from .discord.setup import setup

    return setup


_SETUPS: dict[str, Callable[[], Setup]] = {
    "telegram": _telegram_setup,
    "slack": _slack_setup,
    "discord": _discord_setup,
}
#: The platforms that can be set up.
PLATFORMS = tuple(_SETUPS)
