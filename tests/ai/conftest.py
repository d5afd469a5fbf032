"""Fixtures of the AI's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ..support.desk import Desk
from ..support.models import ModelServer, model_server
from ..support.openai_server import OpenAIServer

Open = Callable[..., Desk]


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model behind OpenAI's protocol."""
    with model_server(OpenAIServer()) as made:
        yield made


@pytest.fixture
def open_desk(tmp_path: Path, model: ModelServer) -> Iterator[Open]:
    """Open an app whose AI asks `model`; its worker runs when the test says so."""
    with ExitStack() as stack:

        def start(database: str | None = None, **settings: Any) -> Desk:
            url = database or f"sqlite:///{tmp_path / 'pocketping.db'}"
            return stack.enter_context(Desk.opened(tmp_path, url, model, **settings))

        yield start


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk()
