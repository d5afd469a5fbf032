"""The AI and a thread of operators: what it answers, why it hands over, what it could not do, and what wakes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import Serve
from ..support.clients import Api
from ..support.desk import SETTINGS
from ..support.models import ModelServer, Reply, model_server
from ..support.openai_server import OpenAIServer
from ..support.servers import wait_until
from ..support.telegram import TelegramServer
from .conftest import Talk, settings_for


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with model_server(OpenAIServer()) as made:
        yield made


@pytest.fixture
def bridged(serve: Serve, telegram: TelegramServer, model: ModelServer) -> Api:
    settings = {**SETTINGS, "ai_base_url": f"{model.url}/v1", "ai_delay": 0}
    return serve(**settings_for(telegram, **settings))


def test_operators_read_in_their_thread_what_the_ai_did_and_wake_it(
    bridged: Api, telegram: TelegramServer, model: ModelServer
) -> None:
    model.replies = [
        Reply("Hello, I am **an AI**."),
        Reply("A person will reply.", calls=[("hand_over", {"reason": "Wants a *person* <b>"})]),
    ]
    talk = Talk(bridged, telegram, "Hi")
    telegram.wait_text("Hello, I am an AI.", talk.topic)
    talk.visitor.say("A person, please")
    told = telegram.wait_text("The AI hands over to you: Wants a *person* <b>", talk.topic)
    assert told["from"]["is_bot"]
    talk.visitor.say("Hello?")
    telegram.wait_text("Hello?", talk.topic)
    assert len(model.asked) == 2
    telegram.write(talk.topic, "/ai on")
    model.replies = [Reply(status=401)]
    wait_until(lambda: len(model.asked) == 3, "the AI is awake", 20)
    telegram.wait_text("The AI could not answer: The model's server answered with HTTP 401", talk.topic)
    wait_until(lambda: not talk.session()["aiActive"], "it has ended")
    telegram.write(talk.topic, "/ai off")
    telegram.wait_text("AI replies are off.", talk.topic)
    talk.visitor.say("Anybody?")
    telegram.wait_text("Anybody?", talk.topic)
    assert len(model.asked) == 3
