"""Tests callables of the host app: async ones are run or refused when registered, and the log names each one."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping import ConfigurationError, Message, MessageRejected, PocketPing, Session, signals
from flask_pocketping.host.callables import name_of
from flask_pocketping.testing import Refused, Visitor, api
from flask_pocketping.values import MessageDraft

from ..conftest import Serve
from ..support.servers import make_app


class Notes:
    """Notes what it is called with, as an object of a host's might."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, sender: Flask, **payload: Any) -> None:
        await asyncio.sleep(0)
        self.heard.append(payload["message"].content)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """The thread that asgiref runs a coroutine in ends with the trace of what the coroutine raised."""
    yield
    gc.collect()


@pytest.fixture
def quiet(tmp_path: Path) -> Flask:
    return make_app(tmp_path, worker="off")


def test_async_receivers_are_run(quiet: Flask) -> None:
    heard: list[str] = []

    async def hear(sender: Flask, message: Message, **extra: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"{sender.name}: {message.content}")

    async def mask(sender: Flask, draft: MessageDraft) -> None:
        await asyncio.sleep(0)
        draft.content = draft.content.replace("1234", "****")

    notes = Notes()
    with (
        signals.message_created.connected_to(hear, sender=quiet),
        signals.message_created.connected_to(notes, sender=quiet),
        signals.message_received.connected_to(mask, sender=quiet),
    ):
        Visitor(quiet).send("My code is 1234")
    assert heard == ["host: My code is ****"]
    assert notes.heard == ["My code is ****"]


def test_an_async_receiver_may_reject_a_message(quiet: Flask) -> None:
    async def refuse(sender: Flask, draft: MessageDraft) -> None:
        raise MessageRejected("Not on Sundays.")

    with signals.message_received.connected_to(refuse, sender=quiet), pytest.raises(Refused) as caught:
        Visitor(quiet).send("Hello")
    assert (caught.value.status, caught.value.message) == (400, "Not on Sundays.")


def test_async_receivers_run_for_the_requests_of_a_server(tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path)
    heard: list[str] = []

    async def hear(sender: Flask, message: Message, **extra: Any) -> None:
        await asyncio.sleep(0)
        heard.append(message.content)

    with signals.message_created.connected_to(hear, sender=app):
        served = serve(app)
        served.visitor().say("Hello")
    assert heard == ["Hello"]


def test_async_loaders_are_run(tmp_path: Path) -> None:
    app = make_app(tmp_path, worker="off")
    pocketping: PocketPing = app.extensions["test_pocketping"]

    @pocketping.identity_loader
    async def customer() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"id": 7, "name": "Ada"}

    @pocketping.operator_loader
    async def operator() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"id": 1, "name": "Ana"}

    @pocketping.context
    async def facts(session: Session) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"Visitor": session.visitor_id}

    client = app.test_client()
    assert client.get("/identity").get_json()["identityToken"]
    assert client.post("/inbox/token").get_json()["operator"]["name"] == "Ana"
    visitor = Visitor(app)
    (fact,) = api(app).get(f"/sessions/{visitor.session_id}/context").get_json()["context"]
    assert fact["label"] == "Visitor"


async def nothing(*args: Any, **extra: Any) -> None:
    """A function that needs asgiref."""


@pytest.mark.parametrize(
    "register",
    [
        lambda pocketping: pocketping.identity_loader(nothing),
        lambda pocketping: pocketping.operator_loader(nothing),
        lambda pocketping: pocketping.context(nothing),
        lambda pocketping: signals.message_created.connect(nothing),
        lambda pocketping: signals.message_received.connect_via(None)(nothing),
        lambda pocketping: signals.message_created.connect(Notes(), weak=False),
    ],
    ids=["identity_loader", "operator_loader", "context", "connect", "connect_via", "object"],
)
def test_without_asgiref_async_callables_are_refused_when_registered(
    monkeypatch: pytest.MonkeyPatch, register: Callable[[PocketPing], Any]
) -> None:
    monkeypatch.setitem(sys.modules, "asgiref", None)
    with pytest.raises(ConfigurationError, match=r"test_callables\.(nothing|Notes) is an async .* 'flask\[async\]'"):
        register(PocketPing())


def broken(sender: Flask, **extra: Any) -> None:
    raise RuntimeError("out of paper")


def test_the_log_names_a_failing_receiver(quiet: Flask, caplog: pytest.LogCaptureFixture) -> None:
    for receiver in (broken, functools.partial(broken, key=1)):
        caplog.clear()
        with caplog.at_level(logging.ERROR), signals.session_created.connected_to(receiver, sender=quiet):
            Visitor(quiet)
        (record,) = caplog.records
        assert "tests.host.test_callables.broken, a receiver of session_created, failed (evt_" in record.getMessage()
        assert "out of paper" in caplog.text


def test_the_traceback_names_a_failing_receiver_of_message_received(
    quiet: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with signals.message_received.connected_to(broken, sender=quiet), pytest.raises(Refused, match="500"):
        Visitor(quiet).send("Hello")
    assert "Raised by tests.host.test_callables.broken, a receiver of message_received." in caplog.text


def test_every_callable_has_a_name() -> None:
    here = "tests.host.test_callables"
    assert name_of(broken) == f"{here}.broken"
    assert name_of(functools.partial(functools.partial(broken))) == f"{here}.broken"
    assert name_of(Notes()) == f"{here}.Notes"
    assert name_of(Notes().__call__) == f"{here}.Notes.__call__"
    assert name_of(print) == "builtins.print"
