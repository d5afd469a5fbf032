"""A local Slack, and what talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.slack.events import EventReader
from flask_pocketping.bridges.slack.names import NameCache
from flask_pocketping.bridges.slack.platform import SlackPlatform
from flask_pocketping.delivery.http.client import GuardedClient
from tests.support.slack import FakeSlack, slack_server
from tests.support.slack.workspace import APP_TOKEN, BOT_TOKEN


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with slack_server() as made:
        yield made


def connect(slack: FakeSlack, bot_token: str = BOT_TOKEN, timeout: float = 5.0) -> SlackClient:
    """Our client for a local Slack."""
    http = GuardedClient(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")])
    return SlackClient(http, bot_token, api_url=slack.api_url, app_token=APP_TOKEN, timeout=timeout)


@pytest.fixture
def client(slack: FakeSlack) -> Iterator[SlackClient]:
    made = connect(slack)
    yield made
    made.http.close()


@pytest.fixture
def reader(client: SlackClient) -> EventReader:
    return EventReader(NameCache(client))


@pytest.fixture
def platform(slack: FakeSlack, client: SlackClient) -> SlackPlatform:
    # Files are looked for again without waiting.
    return SlackPlatform(client, slack.channel, sleep=lambda seconds: None)
