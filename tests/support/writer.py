"""A writer of conversations, in a thread of the test or, run as a module, in a process of its own."""

from __future__ import annotations

import random
import sys
import threading
from contextlib import suppress

from flask import Flask

from flask_pocketping import PocketPing
from flask_pocketping.chat.log import change_session
from flask_pocketping.state import State


class Undone(Exception):
    """The transaction is rolled back, and its id is missing from the log for ever."""


def write(app: Flask, name: str, count: int, session_ids: list[str]) -> None:
    """Send so many messages into sessions taken at random; now and then a transaction is rolled back."""
    chance = random.Random(name)
    pocketping: PocketPing = app.extensions["test_pocketping"]
    state: State = app.extensions["pocketping"]
    for number in range(count):
        session_id = chance.choice(session_ids)
        if chance.random() < 0.1:
            with suppress(Undone), change_session(state.db, session_id) as change:
                change.log("event.sent", {"name": "undone", "data": None})
                raise Undone
        with app.app_context():
            pocketping.send_message(session_id, f"{name} {number}")


def writers(app: Flask, name: str, threads: int, count: int, session_ids: list[str]) -> list[threading.Thread]:
    """Several writers, not yet started."""
    return [
        threading.Thread(target=write, args=(app, f"{name}-{number}", count, session_ids)) for number in range(threads)
    ]


if __name__ == "__main__":
    from tests.support.wsgi import app

    started = writers(app, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
