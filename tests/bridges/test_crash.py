"""Tests workers that are killed while they post: nothing is lost, nothing is there twice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..support.servers import Process, make_app, process_environment, serving, wait_until
from ..support.services import fresh_database
from ..support.telegram import TelegramServer
from .conftest import Talk, settings_for

pytestmark = pytest.mark.slow


@contextmanager
def worker_that_dies(folder: Path, database: str, step: str, text: str, **settings: Any) -> Iterator[Process]:
    """`flask pocketping worker` that dies at a step of a post with this text."""
    command = [sys.executable, "-m", "flask", "--app", "tests.support.crashing:app", "pocketping", "worker"]
    environment = process_environment(folder, database, **settings)
    environment |= {"TEST_KILL": step, "TEST_KILL_TEXT": text}
    process = Process(command, environment, folder / f"worker-{step}.log")
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.stop()


STEPS: list[tuple[str, int, set[str]]] = [("before", 0, {"maybe"}), ("after", 1, {"maybe"}), ("settle", 1, {"sent"})]


@pytest.mark.parametrize(
    ("kind", "step", "posted", "states"),
    # MariaDB, at the step that leaves most behind.
    [*((kind, *step) for kind in ("sqlite", "postgresql") for step in STEPS), ("mariadb", *STEPS[1])],
)
def test_a_killed_worker_loses_nothing_and_posts_nothing_twice(
    kind: str, step: str, posted: int, states: set[str], tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = settings_for(telegram, worker_lease="3", webhook_timeout="1")
    with fresh_database(kind, tmp_path) as database:
        app = make_app(tmp_path, database, worker="off", **settings)
        with serving(app) as api:
            with worker_that_dies(tmp_path, database, step, "Deadly", **settings) as process:
                talk = Talk(api, telegram)
                sent = talk.visitor.say("Deadly")["messageId"]
                after = talk.visitor.say("And after it", replyTo=sent)["messageId"]
                process.popen.wait(20)
            assert (tmp_path / "killed").exists()
            assert talk.state(sent)["state"] == "queued"
            with worker_that_dies(tmp_path, database, step, "Deadly", **settings) as process:
                # The lease of the killed worker is as long as an attempt may take.
                talk.settled(after, timeout=120)
                assert talk.state(sent)["state"] in states
                # What may be lost is not repeated, and can be sent again.
                assert talk.texts().count("Deadly") == posted
                if states == {"maybe"} and not posted:
                    path = f"/sessions/{talk.session_id}/messages/{sent}/deliveries/telegram/retry"
                    assert api.post(path).status_code == 202
                    talk.settled(sent)
                assert talk.texts().count("Deadly") == 1
                telegram.write(talk.topic, "Answer")
                wait_until(lambda: "Answer" in talk.shown(), "an answer", 20)


def test_a_worker_that_dies_when_it_has_opened_a_topic(tmp_path: Path, telegram: TelegramServer, sqlite: str) -> None:
    """The topic may stay empty, which Telegram does not show. The message is in another one, once."""
    settings = settings_for(telegram, worker_lease="3", webhook_timeout="1")
    with serving(make_app(tmp_path, sqlite, worker="off", **settings)) as api:
        with worker_that_dies(tmp_path, sqlite, "opened", "Deadly", **settings) as process:
            talk = Talk.begin(api, telegram, "Deadly")
            process.popen.wait(60)
        assert (tmp_path / "killed").exists()
        assert talk.state(talk.first)["state"] == "queued"
        with worker_that_dies(tmp_path, sqlite, "opened", "Deadly", **settings):
            talk.settled(talk.first, timeout=120)
            post = telegram.wait_text("Deadly")
            assert sum("Deadly" in text for text in telegram.texts()) == 1
            telegram.write(post["message_thread_id"], "Answer")
            assert talk.wait_shown(2) == ["Deadly", "Answer"]


@pytest.mark.parametrize("with_file", [False, True], ids=["text", "file"])
def test_a_worker_that_dies_when_it_has_stored_an_answer(
    tmp_path: Path, telegram: TelegramServer, sqlite: str, with_file: bool
) -> None:
    """Telegram tells it again, because nothing was confirmed. The visitor has it once, and what comes after it too."""
    settings = settings_for(telegram, worker_lease="3", webhook_timeout="1")
    with serving(make_app(tmp_path, sqlite, worker="off", **settings)) as api:
        with worker_that_dies(tmp_path, sqlite, "stored", "Deadly", **settings) as process:
            talk = Talk(api, telegram)
            document = {"file_id": telegram.add_file(b"plain text"), "file_name": "a.txt", "file_size": 10}
            if with_file:
                telegram.write(talk.topic, "", document=document, caption="Deadly")
            else:
                telegram.write(talk.topic, "Deadly")
            telegram.write(talk.topic, "After it")
            process.popen.wait(60)
        assert (tmp_path / "killed").exists()
        with worker_that_dies(tmp_path, sqlite, "stored", "Deadly", **settings):
            wait_until(lambda: talk.shown() == ["Hello", "Deadly", "After it"], "both", 60, talk.shown)
            telegram.write(talk.topic, "The end")
            assert talk.wait_shown(4) == ["Hello", "Deadly", "After it", "The end"]
            assert len(talk.visitor.messages()[1].get("attachments", [])) == with_file


def test_a_worker_that_dies_before_it_notes_the_post_has_not_posted(tmp_path: Path, telegram: TelegramServer) -> None:
    """Before its first note, nothing was sent, so the next worker posts it: no `maybe`."""
    app = make_app(tmp_path, f"sqlite:///{tmp_path / 'pocketping.db'}", worker="off", **settings_for(telegram))
    with serving(app) as api:
        state = app.extensions["pocketping"]
        talk_worker = state.runtime
        visitor = api.visitor()
        sent = visitor.say("Hello")["messageId"]
        with state.db.transaction() as tx:
            from sqlalchemy import update

            from flask_pocketping import clock
            from flask_pocketping.outbox import deliveries

            dead = {"state": "running", "lease_owner": "dead", "attempts": 1, "due_at": clock.ago(seconds=1)}
            tx.execute(update(deliveries).where(deliveries.c.target == "telegram").values(dead))
        talk_worker.deliver_due()
        stored = api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"]
        assert [(m["id"], m["deliveries"][0]["state"]) for m in stored] == [(sent, "sent")]
        assert sum("Hello" in text for text in telegram.texts()) == 1
