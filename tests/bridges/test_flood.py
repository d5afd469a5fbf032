"""Tests a thousand messages into one group: all arrive, in order, within its limit, in little more than it allows."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flask_pocketping.chat import messages, sessions
from flask_pocketping.values import MessageType

from ..conftest import Serve
from ..support.servers import make_app, wait_until
from ..support.telegram import TelegramServer
from .conftest import settings_for

pytestmark = pytest.mark.slow

#: A group takes 20 posts in these seconds: a minute of Telegram's, twenty times as fast.
LIMIT, PERIOD = 20, 3.0
VISITORS, EACH = 40, 25


def test_a_thousand_messages_in_a_minute(
    serve: Serve, telegram: TelegramServer, tmp_path: Path, record_property: Any
) -> None:
    app = make_app(tmp_path, **settings_for(telegram))
    api = serve(app)
    state = app.extensions["pocketping"]
    bridge = state.bridges.bridges["telegram"]
    bridge.platform._group_limit = (LIMIT, PERIOD)
    telegram.limit, telegram.period = LIMIT, PERIOD - 0.2
    conversations = [sessions.open_session(state.db).id for _ in range(VISITORS)]
    api.get("/health")

    def write(mine: list[str]) -> None:
        for number in range(EACH):
            for session_id in mine:
                text = f"{session_id[-6:]} {number}"
                messages.send_message(state.db, session_id, text, type=MessageType.VISITOR)

    started = time.monotonic()
    writers = [threading.Thread(target=write, args=(conversations[n::4],)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    written = time.monotonic() - started

    def arrived() -> int:
        with telegram.lock:
            return sum(_own(text).count("\n") + 1 for text in telegram.texts())

    wait_until(lambda: arrived() >= VISITORS * EACH, "all messages", 170, arrived)
    took = time.monotonic() - started
    assert arrived() == VISITORS * EACH

    # In order, in one topic for each conversation.
    assert len(telegram.topics) == VISITORS
    for topic in telegram.topics:
        lines = [line for text in telegram.texts(topic) for line in _own(text).split("\n")]
        assert [int(line.split()[1]) for line in lines] == list(range(EACH)), lines

    # Never more than the group takes: it has refused none.
    assert telegram.refused == 0
    times = sorted(moment for moment, _ in telegram.times)
    most = max(sum(moment <= other < moment + telegram.period for other in times) for moment in times)
    assert most <= LIMIT

    # Not much longer than the limit allows for so many requests, with those that open topics.
    least = (len(times) + VISITORS - LIMIT) / LIMIT * PERIOD
    ends = {
        topic: max(moment for moment, where in telegram.times if where == topic) - started for topic in telegram.topics
    }
    begins = {
        topic: min(moment for moment, where in telegram.times if where == topic) - started for topic in telegram.topics
    }
    shares = [len(telegram.in_topic(topic)) for topic in telegram.topics]
    told = {
        "written_s": round(written, 1),
        "posts": len(times),
        "posts_per_visitor": (min(shares), max(shares)),
        "took_s": round(took, 1),
        "least_s": round(least, 1),
        "first_post_s": (round(min(begins.values()), 1), round(max(begins.values()), 1)),
        "last_post_s": (round(min(ends.values()), 1), round(max(ends.values()), 1)),
    }
    record_property("flood", told)
    print(told)
    assert took < least * 1.6 + 10
    # Each conversation has about the same share, and the last one begins after the requests for all first posts.
    assert max(shares) <= 3 * min(shares) + 3, shares
    assert max(begins.values()) < written + 2 * VISITORS / LIMIT * PERIOD


def _own(text: str) -> str:
    """The visitor's text, without the facts above it in a first post."""
    return "\n".join(
        line
        for line in text.split("\n")
        if len(line.split()) == 2 and line.split()[1].isdecimal() and len(line.split()[0]) == 6
    )
