"""Fixtures of bridges: a Telegram of the test's own, and apps that are connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..conftest import Serve
from ..support.clients import Api, Visitor
from ..support.servers import wait_until
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
        "visitor_message_limit": "off",
        "visitor_session_limit": "off",
        "visitor_silent_session_limit": "off",
        **more,
    }


class Talk:
    """A conversation that has a topic: the visitor's page, the back office and the topic."""

    api: Api
    telegram: TelegramServer
    visitor: Visitor
    topic: int
    session_id: str
    first: str

    @classmethod
    def begin(cls, api: Api, telegram: TelegramServer, first: str, **connect: Any) -> Talk:
        """A conversation that may have no topic yet."""
        made = cls.__new__(cls)
        made.api, made.telegram, made.visitor = api, telegram, api.visitor(**connect)
        made.session_id = made.visitor.session_id
        made.first = made.visitor.say(first)["messageId"]
        return made

    def __init__(self, api: Api, telegram: TelegramServer, first: str = "Hello", **connect: Any) -> None:
        topics = set(telegram.topics)
        vars(self).update(vars(self.begin(api, telegram, first, **connect)))
        self.topic = int(wait_until(lambda: set(telegram.topics) - topics, "a topic", 15).pop())
        self.post = telegram.wait_text(first[:50], self.topic)
        self.settled(self.first)

    def shown(self) -> list[str]:
        """The texts that the page shows, without the server's own lines."""
        return [message["content"] for message in self.visitor.messages() if not message.get("metadata")]

    def office(self) -> list[dict[str, Any]]:
        """The messages that the back office shows."""
        return list(self.api.ok("GET", f"/sessions/{self.session_id}/messages", params={"limit": 100})["messages"])

    def session(self) -> dict[str, Any]:
        return dict(self.api.ok("GET", f"/sessions/{self.session_id}")["session"])

    def answer(self, text: str, **more: Any) -> int:
        """An operator answers in the topic, and the page shows it."""
        known = len(self.shown())
        message_id = self.telegram.write(self.topic, text, **more)
        self.wait_shown(known + 1)
        return message_id

    def wait_shown(self, count: int) -> list[str]:
        wait_until(lambda: len(self.shown()) >= count, f"{count} messages on the page", 15, self.shown)
        return self.shown()

    def state(self, message_id: str) -> dict[str, Any]:
        """What became of a message on Telegram."""
        found = next(message for message in self.office() if message["id"] == message_id)
        return dict(next(iter(found.get("deliveries", [])), {}))

    def settled(self, message_id: str, state: str = "sent", timeout: float = 15.0) -> dict[str, Any]:
        """Wait for what becomes of a message."""
        reached = lambda: self.state(message_id).get("state") == state  # noqa: E731
        wait_until(reached, f"{message_id} is {state}", timeout, lambda: self.state(message_id))
        return self.state(message_id)

    def texts(self) -> list[str]:
        """The texts in the topic."""
        return self.telegram.texts(self.topic)


@pytest.fixture
def bridged(serve: Serve, telegram: TelegramServer) -> Api:
    """A server with a bridge to Telegram."""
    return serve(**settings_for(telegram))
