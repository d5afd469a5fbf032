"""Tests what the back office tells of a conversation's threads: where they are, and who has the conversation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import cast

import pytest

from flask_pocketping.bridges.links import Links
from flask_pocketping.bridges.platform import Platform, Thread, Unreachable

from ..support.clients import Api
from ..support.servers import wait_until
from ..support.telegram import GROUP, TelegramServer
from .conftest import Talk

PLACE = Thread("C1", "17.5")


class Addressed:
    """A platform that is asked for the address of a thread."""

    label = "Slack"

    def __init__(self, answer: Callable[[], str | None]) -> None:
        self.answer = answer
        self.asked = 0

    def link(self, thread: Thread) -> str | None:
        self.asked += 1
        return self.answer()


def links_of(platform: Addressed, wait: float) -> Links:
    return Links(cast(Platform, platform), wait=wait)


def test_an_address_is_asked_for_once() -> None:
    platform = Addressed(lambda: "https://slack.example/17.5")
    links = links_of(platform, 10.0)
    assert [links.of(PLACE) for _ in range(3)] == ["https://slack.example/17.5"] * 3
    assert platform.asked == 1


def test_nobody_waits_for_a_platform_that_does_not_answer() -> None:
    answers = threading.Event()

    def answer() -> str:
        answers.wait(10)
        return "https://slack.example/17.5"

    platform = Addressed(answer)
    links = links_of(platform, 0.05)
    assert links.of(PLACE) is None
    assert links.of(PLACE) is None
    answers.set()
    wait_until(lambda: links.of(PLACE), "the address is known")
    assert platform.asked == 1


@pytest.mark.parametrize("error", [Unreachable("Slack can't be reached."), RuntimeError("a fault")])
def test_a_platform_that_fails_leaves_the_address_out(error: Exception) -> None:
    def fail() -> None:
        raise error

    platform = Addressed(fail)
    links = links_of(platform, 10.0)
    assert [links.of(PLACE), links.of(PLACE)] == [None, None]
    assert platform.asked == 1


def test_the_back_office_is_told_of_threads_and_the_claim(bridged: Api, telegram: TelegramServer) -> None:
    talk = Talk(bridged, telegram)
    path = f"/sessions/{talk.session_id}"
    link = f"https://t.me/c/{str(GROUP).removeprefix('-100')}/{talk.topic}"
    found = bridged.ok("GET", path)
    assert found["threads"] == [{"bridge": "telegram", "state": "open", "link": link}]
    assert "claim" not in found
    talk.answer("Mine")
    bridged.ok("POST", f"{path}/messages", {"content": "Mine too", "operatorName": "Bo"})
    assert bridged.ok("GET", path)["claim"] == {"name": "Ana", "bridge": "telegram"}
    bridged.ok("POST", f"{path}/close")
    wait_until(lambda: bridged.ok("GET", path)["threads"][0]["state"] == "closed", "the topic is closed", 15)
    assert "claim" not in bridged.ok("GET", path)
    bridged.ok("POST", f"{path}/reopen")
    bridged.ok("POST", f"{path}/messages", {"content": "Now mine", "operatorName": "Ana"})
    assert bridged.ok("GET", path)["claim"] == {"name": "Ana"}


def test_a_conversation_without_a_thread_says_nothing_of_it(bridged: Api) -> None:
    session = bridged.ok("POST", "/sessions", {})["session"]
    assert set(bridged.ok("GET", f"/sessions/{session['id']}")) == {"session"}
