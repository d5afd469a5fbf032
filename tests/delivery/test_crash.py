"""Processes that are killed or told to stop: what was answered stays, and every event arrives."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, select

from flask_pocketping.chat.log import events

from ..conftest import LOCAL
from ..support.clients import Api, Visitor
from ..support.hooks import Hook
from ..support.receiver import Answer, Receiver
from ..support.servers import Process, free_port, gunicorn, make_app, plain, serving, wait_until, worker
from ..support.services import fresh_database

Server = Callable[..., AbstractContextManager[tuple[Api, Process]]]

#: A receiver's time and a lease so short that a test can wait for their end; visitors may write as fast as they can.
SETTINGS = {
    **LOCAL,
    "webhook_timeout": 1,
    "worker_lease": 2,
    "visitor_message_limit": "off",
    "visitor_session_limit": "off",
}

# --- Killed ---


class Writer:
    """A visitor who writes without a pause and, when the line breaks, sends the last message again."""

    def __init__(self, api: Api, name: str) -> None:
        self.name = name
        self.visitor = Visitor(api.url)
        self.answered: dict[str, str] = {}
        self.thread = threading.Thread(target=self._write, name=f"test-{name}")

    def _write(self) -> None:
        for number in range(10_000):
            self.unanswered = f"{self.name} {number}"
            try:
                self.send()
            except requests.RequestException:
                return

    def send(self) -> None:
        """Send what was not answered yet, under the same `clientId`."""
        client_id = self.unanswered.replace(" ", "-")
        self.answered[self.unanswered] = self.visitor.say(self.unanswered, clientId=client_id)["messageId"]


@pytest.mark.parametrize(
    ("server", "kind"),
    [(gunicorn, "sqlite"), (plain, "sqlite"), (gunicorn, "postgresql")],
    ids=["gunicorn-sqlite", "plain-sqlite", "gunicorn-postgresql"],
)
def test_a_server_that_is_killed_loses_nothing_that_it_answered(
    server: Server, kind: str, tmp_path: Path, receiver: Receiver
) -> None:
    with fresh_database(kind, tmp_path) as database:
        make_app(tmp_path, database).extensions["pocketping"].close()
        start = partial(server, tmp_path, database=database, port=free_port(), **SETTINGS)
        with start() as (api, process):
            hook = Hook(api, receiver.url, ["message.created"])
            writers = [Writer(api, name) for name in ("Ada", "Bo", "Cy", "Di")]
            for writer in writers:
                writer.thread.start()
            wait_until(lambda: sum(len(writer.answered) for writer in writers) >= 60, "60 answers", 20)
            process.kill()
            for writer in writers:
                writer.thread.join()
        delivered_before = len(set(receiver.ids()))

        # `start` asks /health until it is answered; that is the first request.
        with start() as (api, process):
            stored = {writer.name: contents(api, writer.visitor.session_id) for writer in writers}
            total = sum(map(len, stored.values()))
            wait_until(lambda: len(set(receiver.ids())) >= total, f"{total} events", 20, lambda: len(receiver.ids()))
            for writer in writers:
                answered = set(writer.answered)
                assert answered <= set(stored[writer.name]) <= answered | {writer.unanswered}
                writer.send()
                after = contents(api, writer.visitor.session_id)
                assert Counter(after) == Counter([*writer.answered])
            wait_until(lambda: not hook.deliveries(state="pending"), "nothing waits", 20)
            wait_until(lambda: not hook.deliveries(state="running"), "nothing is under way", 20)
            check_seqs(database)

    arrived = {received.headers["webhook-id"]: received.json["data"]["message"] for received in receiver.received}
    expected = {message_id: text for writer in writers for text, message_id in writer.answered.items()}
    assert {message["id"]: message["content"] for message in arrived.values()} == expected
    assert len(arrived) == len(expected), "an event arrived under two ids"
    assert delivered_before < len(arrived)


def contents(api: Api, session_id: str) -> list[str]:
    """The texts of a whole conversation, page by page."""
    found: list[str] = []
    after = 0
    while True:
        page = api.ok("GET", f"/sessions/{session_id}/messages", params={"after": after, "limit": 100})
        found += [message["content"] for message in page["messages"]]
        if not page["hasMore"]:
            return found
        after = page["messages"][-1]["seq"]


def check_seqs(database: str) -> None:
    """Each session's events are numbered without a gap."""
    engine = create_engine(database)
    numbers: dict[str, list[int]] = {}
    with engine.connect() as connection:
        for row in connection.execute(select(events.c.session_id, events.c.seq).order_by(events.c.id)):
            numbers.setdefault(row.session_id, []).append(row.seq)
    engine.dispose()
    assert len(numbers) == 4
    for seqs in numbers.values():
        assert seqs == list(range(1, len(seqs) + 1))


# --- Told to stop ---


def test_a_worker_apart_from_its_server_and_threat_25_its_end(sqlite: str, tmp_path: Path, receiver: Receiver) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(hold=hold)]
    with serving(make_app(tmp_path, sqlite, worker="off", **LOCAL)) as api:
        hook = Hook(api, receiver.url)
        session_id = api.session()
        assert not [thread for thread in threading.enumerate() if thread.name == "pocketping-worker"]
        assert [delivery["state"] for delivery in hook.deliveries()] == ["pending"]
        with worker(tmp_path, database=sqlite, **LOCAL) as process:
            receiver.wait(1)
            code = stop_while_under_way(process, hold, lambda: api.ok("POST", f"/sessions/{session_id}/close"))
        first, second = hook.deliveries()
        assert code == 0, process.log.read_text()
        assert (first["state"], len(first["attempts"])) == ("succeeded", 1)
        assert (second["state"], second["attempts"]) == ("pending", [])
        with worker(tmp_path, database=sqlite, **LOCAL) as process:
            hook.wait_for("succeeded", "succeeded", attempts=1)
        assert process.popen.returncode == 0
    assert receiver.events() == ["session.created", "session.closed"]


@pytest.mark.parametrize(
    ("server", "how"),
    [
        (gunicorn, signal.SIGTERM),
        (partial(gunicorn, worker_class="gthread"), signal.SIGTERM),
        (plain, signal.SIGINT),
    ],
    ids=["gunicorn-gevent", "gunicorn-gthread", "plain"],
)
def test_threat_25_a_serving_process_finishes_its_deliveries(
    server: Server, how: signal.Signals, sqlite: str, tmp_path: Path, receiver: Receiver
) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(hold=hold)]
    app = make_app(tmp_path, sqlite, worker="off", **LOCAL)
    with server(tmp_path, database=sqlite, **LOCAL) as (api, process):
        hook = Hook(api, receiver.url)
        api.session()
        receiver.wait(1)
        assert stop_while_under_way(process, hold, how=how) == 0, process.log.read_text()
    with serving(app) as hook.api:
        [delivery] = hook.deliveries()
        assert (delivery["state"], len(delivery["attempts"])) == ("succeeded", 1)


def stop_while_under_way(
    process: Process,
    hold: threading.Event,
    meanwhile: Callable[[], Any] = lambda: None,
    how: signal.Signals = signal.SIGTERM,
) -> int:
    """Have a process stop while a receiver has not answered yet, and let it answer then.

    :return: the code with which it ends.
    """
    process.popen.send_signal(how)
    with pytest.raises(subprocess.TimeoutExpired):
        process.popen.wait(1.5)
    meanwhile()
    hold.set()
    return process.popen.wait(20)
