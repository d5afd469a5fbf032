"""The bridge to Slack: a thread under a root message for each conversation, in one channel."""

from __future__ import annotations

from ...config import Config
from ...delivery.http.client import GuardedClient
from ..platform import Connection
from .client import SlackClient
from .events import EventReader
from .names import NameCache
from .platform import SlackPlatform
from .receiving import CatchUpInbound, SocketModeInbound
from .webhook import SlackWebhook


def connect(config: Config) -> Connection:
    """Connect the app of the settings: by Socket Mode if there is an app-level token, and else by the Events API."""
    assert config.slack_bot_token is not None
    assert config.slack_channel_id is not None
    client = client_of(config, config.slack_bot_token, config.slack_app_token)
    reader = EventReader(NameCache(client))
    uses_socket_mode = config.slack_app_token is not None
    platform = SlackPlatform(client, config.slack_channel_id, uses_socket_mode=uses_socket_mode)
    secret = config.slack_signing_secret
    return Connection(
        platform,
        # What requests of the Events API have missed is read from the threads.
        inbound=SocketModeInbound(client, reader) if uses_socket_mode else CatchUpInbound(client, reader),
        webhook=SlackWebhook(secret, reader) if secret is not None else None,
    )


def client_of(config: Config, bot_token: str, app_token: str | None) -> SlackClient:
    """Return a client with the addresses of the settings."""
    http = GuardedClient(
        allow_http=config.slack_api_url.startswith("http://"), allow_networks=config.bridge_allow_networks
    )
    return SlackClient(http, bot_token, api_url=config.slack_api_url, app_token=app_token)
