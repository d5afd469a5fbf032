"""Tests several processes behind one address, with and without Redis, and how they stop and die."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from flask_pocketping.realtime.bus import RedisBus

from .conftest import Serve
from .support.clients import BROWSER, Api, Socket, Visitor
from .support.events import EventSource
from .support.proxy import Proxy, proxying
from .support.servers import Process, check_log, gunicorn, make_app, wait_until

pytestmark = pytest.mark.slow

WORKER_CLASSES = ("gevent", "gthread", "sync")


def workers_of(process: Process) -> list[int]:
    pid = process.popen.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def open_files(pid: int) -> Iterator[str]:
    """What a process has open; some of it may be closed while this looks."""
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield os.readlink(path)


def worker_behind(connection: Socket, process: Process) -> int:
    """The worker process that has the other end of a connection."""
    sock = connection.ws.sock
    assert sock is not None
    here, there = sock.getsockname()[1], sock.getpeername()[1]

    def find() -> int:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {
            f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{there:04X}") and row[2].endswith(f":{here:04X}")
        }
        for pid in workers_of(process):
            if inodes & set(open_files(pid)):
                return pid
        return 0

    return int(wait_until(find, "a worker has it"))


class Spread:
    """Connections, two to each of two workers."""

    def __init__(self, stack: ExitStack, process: Process, connect: Callable[[], Socket]) -> None:
        self.by_worker: dict[int, list[Socket]] = {}
        # The system prefers one of the workers, so the surplus stays open until the other has its share too.
        with ExitStack() as surplus:
            for _ in range(60):
                made = connect()
                mine = self.by_worker.setdefault(worker_behind(made, process), [])
                if len(mine) < 2:
                    mine.append(stack.enter_context(made))
                else:
                    surplus.enter_context(made)
                if len(self.all) == 4:
                    return
        raise AssertionError(f"one worker got them all: {self.by_worker}")

    @property
    def all(self) -> list[Socket]:
        return [socket for sockets in self.by_worker.values() for socket in sockets]

    @property
    def each(self) -> list[Socket]:
        """One of each worker."""
        return [sockets[0] for sockets in self.by_worker.values()]


@contextmanager
def served(folder: Path, database: str, **options: Any) -> Iterator[tuple[Api, Process]]:
    """`gunicorn` on a database whose tables are there."""
    make_app(folder, database).extensions["pocketping"].runtime.close()
    with gunicorn(folder, database=database, **options) as (api, process):
        yield api, process


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_two_worker_processes_behave_as_one_server(postgresql: str, tmp_path: Path, worker_class: str) -> None:
    with (
        ExitStack() as stack,
        served(tmp_path, postgresql, workers=2, worker_class=worker_class, poll_interval=0.3, threads=150) as (
            api,
            process,
        ),
    ):
        offices = Spread(stack, process, api.socket)
        visitor = api.visitor()
        pages = Spread(stack, process, visitor.stream)
        for office in offices.all:
            office.expect("visitor.connected")
        assert visitor.request("POST", "/connect", {"sessionId": visitor.handle}).json()["operatorOnline"] is True
        for number in range(6):
            began = time.monotonic()
            visitor.say(str(number))
            for office in offices.all:
                assert office.expect("message.created")["message"]["content"] == str(number)
            for page in pages.all:
                assert page.expect("message")["data"]["content"] == str(number)
            assert time.monotonic() - began < 0.3 + 2, "it takes no longer than a look into the log"

        # What a page says is heard everywhere too.
        pages.each[0].send({"type": "event", "data": {"name": "clicked"}})
        for office in offices.all:
            assert office.expect("event.received")["name"] == "clicked"

        check_nothing_is_left(api, visitor, workers_of(process))

        # A worker that is killed takes its connections with it; they go on elsewhere and miss nothing.
        killed, other = offices.by_worker
        os.kill(killed, signal.SIGKILL)
        visitor.say("meanwhile", clientId="meanwhile")
        survivor = offices.by_worker[other][0]
        survivor.expect("message.created")
        with api.socket(after="0", events=["message.created"]) as again:
            told = again.collect(lambda frames: len(frames) == 7)
        assert contents(told) == [*map(str, range(6)), "meanwhile"]
        wait_until(lambda: len(workers_of(process)) == 2, "a new worker is there", 15)

        # And a stop closes those that are left so that they come back.
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < 6, "it waits for nobody"
        for left in (survivor, pages.by_worker[other][0]):
            assert left.close_code() == 1012
        log = process.log.read_text()
        assert "Traceback" not in log, log[-3000:]


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_redis_makes_updates_instant(postgresql: str, redis_url: str, tmp_path: Path, worker_class: str) -> None:
    settings: dict[str, Any] = {"poll_interval": 20, "redis_url": redis_url, "threads": 150}
    with (
        ExitStack() as stack,
        served(tmp_path, postgresql, workers=2, worker_class=worker_class, **settings) as (api, process),
    ):
        offices = Spread(stack, process, api.socket)
        visitor = api.visitor()
        pages = Spread(stack, process, visitor.stream)
        typist, colleague = offices.each
        wait_until(lambda: heard_typing(typist, colleague, visitor), "the workers hear each other", 15)

        for number in range(6):
            began = time.monotonic()
            visitor.say(str(number))
            for office in offices.all:
                expect_message(office, str(number))
            for page in pages.all:
                expect_message(page, str(number))
            assert time.monotonic() - began < 2

        # Typing is in no log; it crosses, and only its sender is spared.
        colleague.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": False})
        for other in [office for office in offices.all if office is not colleague]:
            frame = other.collect(lambda frames: frames[-1].get("isTyping") is False)[-1]
            assert frame == {
                "type": "typing",
                "sessionId": visitor.session_id,
                "sender": "operator",
                "isTyping": False,
            }
        for page in pages.all:
            page.collect(lambda frames: frames[-1]["data"] == {"sender": "operator", "isTyping": False})
        colleague.send({"type": "ping"})
        told = colleague.collect(lambda frames: frames[-1]["type"] == "pong")
        assert {"isTyping": False} not in [{"isTyping": frame.get("isTyping")} for frame in told]
        assert process.stop() == 0
        check_log(process)


def heard_typing(typist: Socket, colleague: Socket, visitor: Visitor) -> bool:
    typist.send({"type": "typing", "sessionId": visitor.session_id, "isTyping": True})
    try:
        colleague.expect("typing", 0.3)
    except AssertionError:
        return False
    return True


def expect_message(socket: Socket, content: str) -> None:
    """Wait until a message comes; what comes before is passed over."""
    socket.collect(lambda frames: contents(frames)[-1:] == [content])


def contents(frames: list[dict[str, Any]]) -> list[str]:
    """The contents of the messages among frames, of either kind."""
    told = [frame.get("message") or frame.get("data") or {} for frame in frames]
    return [str(message["content"]) for message in told if "content" in message]


def test_two_workers_share_one_sqlite_file(sqlite: str, tmp_path: Path) -> None:
    with ExitStack() as stack, served(tmp_path, sqlite, workers=2) as (api, process):
        offices = Spread(stack, process, api.socket)
        visitors = [api.visitor() for _ in range(3)]
        threads = [threading.Thread(target=say, args=(page, 8)) for page in visitors]
        for thread in threads:
            thread.start()
        for office in offices.all:
            frames = office.collect(lambda frames: len(contents(frames)) == 24)
            for page in visitors:
                mine = [frame for frame in frames if frame["sessionId"] == page.session_id]
                assert [frame["seq"] for frame in mine] == list(range(1, 10))
        for thread in threads:
            thread.join()
        assert process.stop() == 0
        check_log(process)


def say(page: Visitor, count: int) -> None:
    for number in range(count):
        page.say(str(number))


# --- Redis ---


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    address = urlsplit(redis_url)
    with proxying(address.hostname or "127.0.0.1", address.port or 6379) as made:
        yield made


def crossing(writer: Api, listener: Socket, session_id: str) -> float:
    """Seconds that a message takes from one process to a client of the other."""
    began = time.monotonic()
    sent = writer.ok("POST", f"/sessions/{session_id}/messages", {"content": "on its way"})["message"]
    assert time.monotonic() - began < 1.9, "nobody waits for Redis"
    listener.collect(lambda frames: frames[-1].get("message") == sent)
    return time.monotonic() - began


def test_updates_continue_when_redis_stops_and_restarts(
    postgresql: str, tmp_path: Path, serve: Serve, proxy: Proxy, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisBus, "RETRY", 0.2)
    settings: dict[str, Any] = {
        "poll_interval": 1.0,
        "redis_url": f"redis://127.0.0.1:{proxy.port}{urlsplit(redis_url).path}",
        "rate_limit": "1000/second",
    }
    one, two = (serve(make_app(tmp_path, postgresql, **settings)) for _ in range(2))
    session_id = one.session()
    with one.socket() as here, two.socket() as there:

        def instant() -> bool:
            return max(crossing(one, there, session_id), crossing(two, here, session_id)) < 0.4

        wait_until(instant, "instant with Redis", 20)
        for disturb in (proxy.down, proxy.freeze):
            disturb()
            # By the log alone each arrives, within one look.
            for writer, listener in ((one, there), (two, here)):
                assert crossing(writer, listener, session_id) < 1.0 + 2
            if disturb == proxy.down:
                proxy.up()
            else:
                proxy.down()
                proxy.up()
            wait_until(instant, "instant again", 20)


def test_two_apps_on_one_redis_are_separate(tmp_path: Path, serve: Serve, redis_url: str) -> None:
    # The same ids on both sides, as in a copy of a database.
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    database = f"sqlite:///{tmp_path / 'shared.db'}"
    mine = [make_app(tmp_path / "one", database, redis_url=redis_url, poll_interval=20) for _ in range(2)]
    one, one_again = map(serve, mine)
    other = serve(make_app(tmp_path / "two", database, redis_url=redis_url, poll_interval=20))
    visitor = one.visitor()
    with one.socket() as typist, one_again.socket() as colleague, other.socket() as stranger:
        wait_until(lambda: heard_typing(typist, colleague, visitor), "the processes of one app hear each other", 15)
        stranger.send({"type": "ping"})
        assert stranger.receive() == {"type": "pong"}
        stranger.silent(0.3)


# --- Stopping and dying ---


def test_a_stop_loses_no_acknowledged_message(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    answered: dict[str, str] = {}
    unanswered: list[str] = []

    def write(page: Visitor, name: str) -> None:
        for number in range(10_000):
            client_id = f"{name}-{number}"
            body = {"sessionId": page.handle, "content": client_id, "clientId": client_id}
            try:
                answer = requests.post(f"{page.url}/message", json=body, headers={"User-Agent": BROWSER}, timeout=20)
            except requests.RequestException:
                unanswered.append(client_id)
                return
            assert answer.status_code == 200, answer.text
            answered[client_id] = answer.json()["messageId"]

    settings: dict[str, Any] = {"visitor_message_limit": "off", "visitor_address_limit": "off"}
    with served(tmp_path, postgresql, workers=2, **settings) as (api, process):
        page = api.visitor()
        threads = [threading.Thread(target=write, args=(page, str(number))) for number in range(4)]
        with api.socket() as office:
            for thread in threads:
                thread.start()
            office.collect(lambda frames: len(frames) > 50)
            assert process.stop() == 0
            for thread in threads:
                thread.join()
        check_log(process)
    page.url = serve(make_app(tmp_path, postgresql, **settings)).url
    # Whoever got no answer tries again, and what was stored before is not stored twice.
    for client_id in unanswered:
        answered[client_id] = page.say(client_id, clientId=client_id)["messageId"]
    stored: list[dict[str, Any]] = []
    while more := page.messages(after=stored[-1]["seq"] if stored else "0", limit=100):
        stored.extend(more)
    assert {message["content"]: message["id"] for message in stored} == answered
    assert len(stored) == len(answered) > 50


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_a_stop_ends_event_streams(sqlite: str, tmp_path: Path, worker_class: str) -> None:
    with ExitStack() as stack, served(tmp_path, sqlite, worker_class=worker_class) as (api, process):
        pages = [api.visitor() for _ in range(3)]
        streams = [stack.enter_context(EventSource(page)) for page in pages]
        for page, stream in zip(pages, streams, strict=True):
            page.say("before")
            assert stream.expect("message")["data"]["content"] == "before"
        gone = EventSource(pages[0])
        gone.next()
        gone.close()
        assert process.stop() == 0
        for stream in streams:
            assert [told for told in stream.rest() if not told.comment] == []
        check_log(process)
    with served(tmp_path, sqlite, worker_class=worker_class) as (api, process):
        for page, stream in zip(pages, streams, strict=True):
            page.url = api.url
            page.say("after")
            with EventSource(page, after=stream.last_id) as again:
                assert again.expect("message")["data"]["content"] == "after"


def check_nothing_is_left(api: Api, visitor: Visitor, pids: list[int]) -> None:
    """Connections come and go in every way, and then the workers have as many open files and threads as before."""

    def come_and_go() -> None:
        with ExitStack() as stack:
            for number in range(8):
                office, page = stack.enter_context(api.socket()), visitor.stream()
                if number % 2:
                    page.drop()
                else:
                    page.close()
                if number % 3 == 0:
                    office.drop()
        with Socket(api.url + "/ws") as wrong:
            wrong.send("nonsense")
            assert wrong.close_code() == 4401

    def held() -> list[int]:
        """Open files and threads."""
        return [sum(len(list(Path(f"/proc/{pid}/{what}").iterdir())) for pid in pids) for what in ("fd", "task")]

    # Pools grow up to their size first.
    for _ in range(3):
        come_and_go()
    wait_until(lambda: steady(held), "all are closed", 15, held)
    before = held()
    for _ in range(5):
        come_and_go()
    # A process may have a few of its own open at any time, but not one for each of the 80 that went.
    wait_until(
        lambda: all(now <= then + 4 for now, then in zip(held(), before, strict=True)),
        "as much as before",
        15,
        lambda: (before, held()),
    )


def steady(number: Callable[[], object]) -> bool:
    """Whether something does not change for a while."""
    end, first = time.monotonic() + 0.7, number()
    while time.monotonic() < end:
        if number() != first:
            return False
    return True
