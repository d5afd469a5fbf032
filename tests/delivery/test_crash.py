"""Tests processes that are killed or stopped: acknowledged changes are kept, and every event is delivered."""

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

pytestmark = pytest.mark.slow

Server = Callable[..., AbstractContextManager[tuple[Api, Process]]]

#: A receiver's time and a lease so short that a test can wait for their end; visitors may write as fast as they can.
SETTINGS = {
    **LOCAL,
    "webhook_timeout": 1,
    "worker_lease": 2,
    "visitor_message_limit": "off",
    "visitor_session_limit": "off",
    "visitor_silent_session_limit": "off",
}

# --- Killed ---


class Writer:
    """A visitor who writes without a pause and, when the line breaks, sends the last message again."""

    def __init__(self, api: Api, name: str) -> None:
        self.name = name
        self.visitor = Visitor(api.url)
        self.answered: dict[str, str] = {}
        self.unanswered = ""
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
def test_a_killed_server_loses_no_acknowledged_message(
    server: Server, kind: str, tmp_path: Path, receiver: Receiver
) -> None:
    with fresh_database(kind, tmp_path) as database:
        make_app(tmp_path, database).extensions["pocketping"].runtime.close()
        start = partial(server, tmp_path, database=database, port=free_port(), **SETTINGS)
        with start() as (api, process):
            Hook(api, receiver.url, ["message.created"])
            writers = [Writer(api, name) for name in ("Ada", "Bo", "Cy", "Di")]
            for writer in writers:
                writer.thread.start()
            wait_until(lambda: sum(len(writer.answered) for writer in writers) >= 60, "60 answers", 20)
            process.kill()
            for writer in writers:
                writer.thread.join()
        delivered_before = len(set(receiver.ids()))

        # `start` asks /health until it is answered. That one request has to be enough.
        with start() as (api, process):
            total = len(check_log(database))
            wait_until(lambda: len(set(receiver.ids())) >= total, f"{total} events", 20, lambda: len(receiver.ids()))
            for writer in writers:
                stored = Counter(contents(api, writer.visitor.session_id))
                assert Counter(writer.answered.keys()) <= stored
                assert stored <= Counter([*writer.answered, writer.unanswered])
                writer.send()
                assert Counter(contents(api, writer.visitor.session_id)) == Counter(writer.answered.keys())
            logged = check_log(database)
            wait_until(lambda: set(receiver.ids()) == set(logged), f"{len(logged)} events", 20, receiver.ids)

    arrived = {received.headers["webhook-id"]: received.json["data"]["message"] for received in receiver.received}
    expected = {message_id: text for writer in writers for text, message_id in writer.answered.items()}
    assert {message["id"]: message["content"] for message in arrived.values()} == expected
    assert delivered_before < len(arrived) == len(expected)


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


def check_log(database: str) -> list[str]:
    """The ids of the events of messages; each session's events must be numbered without a gap."""
    engine = create_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(select(events.c.id, events.c.type, events.c.session_id, events.c.seq)).all()
    engine.dispose()
    for session_id in {row.session_id for row in rows}:
        numbers = sorted(row.seq for row in rows if row.session_id == session_id)
        assert numbers == list(range(1, len(numbers) + 1))
    return [f"evt_{row.id}" for row in rows if row.type == "message.created"]


# --- Told to stop ---


def test_a_separate_worker_finishes_its_deliveries_when_stopped(
    sqlite: str, tmp_path: Path, receiver: Receiver
) -> None:
    hold = threading.Event()
    receiver.answers = [Answer(hold=hold)]
    with serving(make_app(tmp_path, sqlite, worker="off", **LOCAL)) as api:
        hook = Hook(api, receiver.url, ("session.created", "session.closed"))
        session_id = api.session()
        assert not [thread for thread in threading.enumerate() if thread.name == "pocketping-worker"]
        assert [delivery["state"] for delivery in hook.deliveries()] == ["pending"]

        def meanwhile() -> None:
            api.ok("POST", f"/sessions/{session_id}/close")
            process.popen.send_signal(signal.SIGTERM)

        with worker(tmp_path, database=sqlite, **LOCAL) as process:
            receiver.wait(1)
            code = stop_while_under_way(process, hold, meanwhile)
        assert code == 0, process.log.read_text()
        first, second = hook.deliveries()
        assert (first["state"], len(first["attempts"])) == ("succeeded", 1)
        assert (second["state"], second["attempts"]) == ("pending", [])
    with serving(make_app(tmp_path, sqlite, **LOCAL)) as hook.api:
        hook.wait_for("succeeded", "succeeded", attempts=1)
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
def test_a_serving_process_finishes_its_deliveries_when_stopped(
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
