"""Tests reconnecting with a cursor during many writes: no event is missing or repeated, and sessions are in order."""

from __future__ import annotations

import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import websocket
from flask import Flask
from sqlalchemy import select

from flask_pocketping.chat.log import lock_session
from flask_pocketping.models import Event, table
from flask_pocketping.realtime import log_position
from flask_pocketping.state import State

from ...conftest import Serve
from ...support.clients import Api, Socket, Visitor
from ...support.servers import Process, make_app, process_environment, wait_until
from ...support.writer import write, writers

events = table(Event)


class Follower:
    """A client of `/ws` that comes and goes at random, to any of the servers, with the last cursor that it was told."""

    def __init__(self, seed: int, *apis: Api) -> None:
        self.apis = apis
        self.chance = random.Random(seed)
        self.cursor = "0"
        self.connections: list[list[dict[str, Any]]] = []
        self.seen: set[str] = set()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"test-follower-{seed}")
        self.thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            frames: list[dict[str, Any]] = []
            self.connections.append(frames)
            office = self.chance.choice(self.apis).socket(after=self.cursor)
            self.cursor = office.hello["cursor"]
            self._read(office, frames, self.chance.randrange(60))
            if self.chance.random() < 0.5:
                office.close()
            else:
                office.drop()

    def _read(self, office: Socket, frames: list[dict[str, Any]], count: int) -> None:
        until = time.monotonic() + self.chance.random()
        while len(frames) < count and time.monotonic() < until and not self.stop.is_set():
            try:
                frame = office.receive(0.1)
            except websocket.WebSocketTimeoutException:
                continue
            if "cursor" in frame:
                frames.append(frame)
                self.cursor = frame["cursor"]
                self.seen.add(frame["id"])

    def wait(self, ids: set[str]) -> None:
        """Wait until it has seen all of these."""
        wait_until(lambda: ids <= self.seen, "all events", 30, lambda: sorted(ids - self.seen))

    def check(self) -> None:
        """Within each connection nothing came twice, and each session in its order."""
        for frames in self.connections:
            ids = [frame["id"] for frame in frames]
            assert len(ids) == len(set(ids))
            last: dict[str, int] = {}
            for frame in frames:
                assert frame["seq"] > last.get(frame["sessionId"], 0), frame
                last[frame["sessionId"]] = frame["seq"]


class Page:
    """A visitor's page that comes and goes likewise."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.cursor = visitor.hello["cursor"]
        self.contents: list[str] = []
        self.connections = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="test-page")
        self.thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            self.connections += 1
            with self.visitor.stream(after=self.cursor) as page:
                count, until = len(self.contents) + 10, time.monotonic() + 0.5
                while len(self.contents) < count and time.monotonic() < until and not self.stop.is_set():
                    try:
                        frame = page.receive(0.1)
                    except websocket.WebSocketTimeoutException:
                        continue
                    if "cursor" in frame:
                        self.cursor = frame["cursor"]
                        self.contents.append(frame["data"]["content"])


@pytest.fixture(autouse=True)
def short_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids that were rolled back hold the cursors for a moment instead of half a minute."""
    monkeypatch.setattr(log_position, "GAP_WAIT", 1.0)


def logged(app: Flask, **wanted: Any) -> dict[str, str]:
    """The ids of the events in the log, with the data of each."""
    state: State = app.extensions["pocketping"]
    query = select(events.c.id, events.c.data).filter_by(**wanted).order_by(events.c.id)
    with state.db.read() as connection:
        return {f"evt_{row.id}": row.data for row in connection.execute(query)}


def test_a_client_that_reconnects_misses_no_event(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    app, other_app = make_app(tmp_path, postgresql), make_app(tmp_path, postgresql)
    api, other_api = serve(app), serve(other_app)
    visitor = api.visitor()
    session_ids = [visitor.session_id, *(api.session() for _ in range(3))]
    followers = [Follower(1, api), Follower(2, other_api), Follower(3, api, other_api)]
    page = Page(visitor)
    readers: list[Follower | Page] = [*followers, page]
    environment = process_environment(tmp_path, postgresql)
    command = [sys.executable, "-m", "tests.support.writer"]
    processes = [
        Process([*command, name, "2", "30", *session_ids], environment, tmp_path / f"{name}.log")
        for name in ("process-1", "process-2")
    ]
    threads = [*writers(app, "here", 2, 50, session_ids), *writers(other_app, "there", 2, 50, session_ids)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for process in processes:
            assert process.popen.wait(60) == 0, process.log.read_text()
        everything = set(logged(app))
        for follower in followers:
            follower.wait(everything)
        mine = len(logged(app, session_id=visitor.session_id, type="message.created"))
        wait_until(lambda: len(page.contents) >= mine, "all messages", 30, lambda: len(page.contents))
    finally:
        for reader in readers:
            reader.stop.set()
        for reader in readers:
            reader.thread.join()
    assert len(everything) > 320, "all eight wrote"
    for follower in followers:
        follower.check()
        assert len(follower.connections) > 5
    assert page.connections > 5
    assert len(page.contents) == len(set(page.contents)) == mine
    shown = visitor.messages(after="0", limit=100)
    assert [message["content"] for message in shown] == page.contents[: len(shown)]


def test_a_client_that_resumes_misses_no_event_on_any_database(any_database: str, tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, any_database)
    api = serve(app)
    session_ids = [api.session() for _ in range(3)]
    follower = Follower(4, api)
    threads = writers(app, "here", 3, 25, session_ids)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        everything = set(logged(app))
        assert len(everything) == 3 + 75
        follower.wait(everything)
    finally:
        follower.stop.set()
        follower.thread.join()
    follower.check()


def test_a_cursor_never_passes_an_open_transaction(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, postgresql)
    api = serve(app)
    slow, quick = api.session(), api.session()
    state: State = app.extensions["pocketping"]
    with api.socket() as office:
        with state.db.transaction() as tx:
            change = lock_session(tx, slow)
            late = change.log("event.sent", {"name": "late", "data": None})
            change.flush()
            write(app, "quick", 1, [quick])
            overtaker = office.expect("message.created")
            with api.socket(after=overtaker["cursor"]) as again:
                assert again.receive()["id"] == overtaker["id"]
        assert office.receive()["id"] == late.public_id
    with api.socket(after=overtaker["cursor"]) as again:
        assert {again.receive()["id"] for _ in range(2)} == {overtaker["id"], late.public_id}
    with api.socket() as later:
        assert int(later.hello["cursor"]) >= late.id


@pytest.mark.parametrize("after", ["0", "1", "999999999999999999"])
def test_any_number_is_accepted_as_a_cursor(api: Api, after: str) -> None:
    session_id = api.session()
    with api.socket(after=after) as office:
        frames = [office.receive()] if after == "0" else []
        api.ok("POST", f"/sessions/{session_id}/messages", {"content": "now"})
        frames.append(office.receive())
    assert frames[-1]["message"]["content"] == "now"
