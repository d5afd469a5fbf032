"""Tests the whole conversation between a page and Telegram, over real HTTP."""

from __future__ import annotations

from ..conftest import Serve
from ..support.servers import wait_until
from ..support.telegram import TelegramServer
from .conftest import settings_for


def test_a_visitor_writes_and_the_operator_answers_from_telegram(serve: Serve, telegram: TelegramServer) -> None:
    api = serve(**settings_for(telegram))
    visitor = api.visitor(metadata={"url": "https://shop.example/tea", "pageTitle": "Tea"})
    visitor.say("Is the <green> & blue one in stock?")
    topic = telegram.wait_topic()
    post = telegram.wait_text("Is the <green> & blue one in stock?", topic)
    assert "https://shop.example/tea" in post["text"]

    telegram.write(topic, "Yes, it is.")
    wait_until(lambda: len(visitor.messages()) == 2, "the answer", 10, visitor.messages)
    answer = visitor.messages()[-1]
    assert (answer["content"], answer["sender"], answer["operatorName"]) == ("Yes, it is.", "operator", "Ana")
    assert len(telegram.in_topic(topic)) == 2
