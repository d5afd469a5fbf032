"""Tests that open sockets block no threads, contexts or database connections of the host, with each web server."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import websocket

from ...support.clients import BROWSER, Api, Socket, Visitor
from ...support.events import EventSource
from ...support.scripts import run_python
from ...support.servers import (
    KEY,
    Process,
    answers,
    check_log,
    free_port,
    gunicorn,
    make_app,
    process_environment,
    wait_until,
)
from ...support.wire import CLOSE, Wire

WORKER_CLASSES = ("sync", "gthread", "gevent")
#: What a visitor may not do in production, and a test with one address has to.
OPEN = {"socket_limit": 1000, "address_socket_limit": 5000, "visitor_address_limit": "off"}


def page_ms(api: Api) -> float:
    """The milliseconds of a page of the host's own: the best of a few, since the machine does other things, too."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert requests.get(f"{api.url}/hello", timeout=10).text == "Hello"
        times.append(1000 * (time.perf_counter() - began))
    return min(times)


def contexts_are_over(api: Api) -> bool:
    told = requests.get(f"{api.url}/contexts", timeout=10).json()
    assert told["begun"] >= 500
    return bool(told["begun"] - told["ended"] <= 1)


@contextmanager
def hosted(folder: Path, database: str, worker_class: str, **options: Any) -> Iterator[tuple[Api, Process]]:
    """`tests/support/host.py` under gunicorn, with the defaults of gunicorn and Flask-SQLAlchemy."""
    make_app(folder, database).extensions["pocketping"].runtime.close()
    with gunicorn(
        folder, database=database, worker_class=worker_class, app="tests.support.host:app", **{**OPEN, **options}
    ) as (api, process):
        yield api, process


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_many_open_sockets_block_no_threads_contexts_or_connections_of_the_host(
    postgresql: str, tmp_path: Path, worker_class: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOST_DATABASE", postgresql)
    with ExitStack() as stack, hosted(tmp_path, postgresql, worker_class, threads=4) as (api, process):
        visitor = api.visitor()
        for number in range(500):
            if number % 50 == 0:
                stack.enter_context(api.socket())
            else:
                stack.enter_context(visitor.stream() if number % 3 else EventSource(visitor))
        assert page_ms(api) < 250
        wait_until(lambda: contexts_are_over(api), "all contexts but that of this request itself are over")
        # And all of them are live.
        office = stack.enter_context(api.socket())
        page, stream = stack.enter_context(visitor.stream()), stack.enter_context(EventSource(visitor))
        stream.next()
        visitor.say("Is anybody there?")
        assert office.expect("message.created")["message"]["content"] == "Is anybody there?"
        assert page.expect("message")["data"]["content"] == "Is anybody there?"
        assert stream.expect("message")["data"]["content"] == "Is anybody there?"
        check_log(process)


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_a_stop_under_load_closes_with_1012_and_loses_no_event(
    postgresql: str, tmp_path: Path, worker_class: str
) -> None:
    """Preloaded, with workers that end by themselves after some requests, reloaded and stopped."""
    options = ("--preload", "--max-requests", "40", "--max-requests-jitter", "10")
    with (
        hosted(tmp_path, postgresql, worker_class, workers=2, options=options, visitor_message_limit="off") as (
            api,
            process,
        ),
        ExitStack() as stack,
    ):
        visitor = api.visitor()
        reader = stack.enter_context(Reader(visitor))
        sent = [f"message-{number}" for number in range(120)]
        for number, content in enumerate(sent):
            say(visitor, content)
            if number == 60:
                process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: reader.contents[-1:] == sent[-1:], "the last one arrived", 30, lambda: reader.contents[-3:])
        assert reader.contents == sent
        assert reader.codes, "workers ended meanwhile"
        assert set(reader.codes) <= {1012}
        assert process.stop() == 0
        log = process.log.read_text()
        assert "Traceback" not in log, log[-3000:]
        assert "TIMEOUT" not in log, log[-3000:]


class Reader:
    """A page that reads its stream, and comes back with its last cursor when the server closes it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.contents: list[str] = []
        self.codes: list[int] = []
        self._cursor = "0"
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            try:
                stream = self.visitor.stream(after=self._cursor)
            except (OSError, websocket.WebSocketException):
                continue
            self._read(stream)
            stream.drop()

    def _read(self, stream: Socket) -> None:
        while not self._stopping:
            try:
                stream.ws.settimeout(0.2)
                opcode, data = stream.ws.recv_data()
            except websocket.WebSocketTimeoutException:
                continue
            except (OSError, websocket.WebSocketException):
                return
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self.codes.append(int.from_bytes(data[:2], "big"))
                return
            frame = json.loads(data)
            self._cursor = frame.get("cursor", self._cursor)
            if frame["type"] == "message":
                self.contents.append(frame["data"]["content"])


def say(visitor: Visitor, content: str) -> None:
    """Send a message for certain, as a page does: again until there is an answer."""

    def sent() -> bool:
        body = {"sessionId": visitor.handle, "content": content, "clientId": content}
        try:
            answer = requests.post(f"{visitor.url}/message", json=body, headers={"User-Agent": BROWSER}, timeout=10)
        except requests.RequestException:
            return False
        assert answer.status_code in {200, 429}, answer.text
        return answer.status_code == 200

    wait_until(sent, "it is sent", 30)


def test_werkzeugs_reloader_closes_sockets_without_a_traceback(sqlite: str, tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text("from tests.support.wsgi import app\n")
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", str(module), "--debug", "run", "--port", str(port)]
    process = Process(command, process_environment(tmp_path, sqlite), tmp_path / "flask.log", tmp_path)
    try:
        api = Api(f"http://127.0.0.1:{port}", KEY)
        wait_until(lambda: answers(api), "it answers", 60, lambda: process.log.read_text()[-3000:])
        visitor = api.visitor()
        with visitor.stream() as page, api.socket() as office, EventSource(visitor) as stream:
            visitor.say("before")
            for frames in (page, office):
                frames.expect("message.created" if frames is office else "message")
            stream.expect("message")
            module.write_text("from tests.support.wsgi import app  # changed\n")
            assert page.close_code() == 1012
            assert office.close_code() == 1012
            stream.rest()
        wait_until(lambda: answers(api), "it answers again", 60)
        with visitor.stream(after="0") as page:
            assert page.expect("message")["data"]["content"] == "before"
        log = process.log.read_text()
        assert "Traceback" not in log, log[-3000:]
        assert "Error" not in log, log[-3000:]
    finally:
        process.kill()


def test_one_thread_is_enough_for_werkzeug(sqlite: str, tmp_path: Path) -> None:
    """Its thread is free after the handshake; were it not, nothing else would be answered."""
    with served_by(tmp_path, sqlite, "werkzeug") as (api, process):
        visitor = api.visitor()
        with visitor.stream() as page, api.socket() as office:
            visitor.say("hello")
            assert page.expect("message")["data"]["content"] == "hello"
            office.expect("message.created")
        log = process.log.read_text()
        assert "Traceback" not in log, log


# --- Servers without a socket to take ---


@contextmanager
def served_by(folder: Path, database: str, server: str, **settings: Any) -> Iterator[tuple[Api, Process]]:
    """`tests/support/wsgi.py` under another server: see `tests/support/other_servers.py`."""
    make_app(folder, database).extensions["pocketping"].runtime.close()
    port = free_port()
    command = [sys.executable, "-m", "tests.support.other_servers", server, str(port)]
    process = Process(command, process_environment(folder, database, **settings), folder / "server.log")
    try:
        api = Api(f"http://127.0.0.1:{port}", KEY)
        wait_until(lambda: answers(api), "it answers", 60, lambda: process.log.read_text()[-3000:])
        yield api, process
    finally:
        process.kill()


@pytest.mark.parametrize("server", ["waitress", "tornado", "pywsgi", "wsgiref"])
def test_pages_poll_if_the_server_lends_no_socket(sqlite: str, tmp_path: Path, server: str) -> None:
    with served_by(tmp_path, sqlite, server) as (api, process):
        visitor = api.visitor()
        stream = f"/stream?sessionId={visitor.handle}"
        for _ in range(2):
            for path in ("/ws", stream):
                with Wire(api.url + path) as wire:
                    assert wire.status == 501
            refused = visitor.request("GET", stream)
            assert refused.status_code == 501
            assert refused.json()["code"] == "TRANSPORT_UNSUPPORTED"
        began = visitor.request("GET", "/events", params={"sessionId": visitor.handle}).json()
        visitor.say("hello")
        frames = visitor.request(
            "GET", "/events", params={"sessionId": visitor.handle, "after": began["cursor"]}
        ).json()["frames"]
        assert [frame["data"]["content"] for frame in frames if frame["type"] == "message"] == ["hello"]
        log = process.log.read_text()
        assert log.count("Live connections are off") == 1, log
        assert "Serve the app with gunicorn" in log
        assert "Traceback" not in log, log


def test_gevents_own_server_works_with_its_monkey_patch(sqlite: str, tmp_path: Path) -> None:
    with served_by(tmp_path, sqlite, "pywsgi-patched") as (api, process):
        visitor = api.visitor()
        with visitor.stream() as page, api.socket() as office, EventSource(visitor) as stream:
            stream.next()
            visitor.say("hello")
            assert page.expect("message")["data"]["content"] == "hello"
            assert stream.expect("message")["data"]["content"] == "hello"
            office.expect("message.created")
        log = process.log.read_text()
        assert "Traceback" not in log, log


@pytest.mark.parametrize(
    ("transports", "websocket_status", "stream_status"),
    [("poll", 501, 501), ("sse,poll", 501, 200), ("websocket", 101, 501)],
)
def test_the_settings_decide_which_transports_are_available(
    tmp_path: Path, serve: Any, transports: str, websocket_status: int, stream_status: int
) -> None:
    api = serve(transports=transports)
    visitor = api.visitor()
    path = f"/stream?sessionId={visitor.handle}"
    with Wire(api.url + path) as wire:
        assert wire.status == websocket_status
    with Wire(api.url + "/ws") as wire:
        assert wire.status == websocket_status
    with EventSource(visitor) as stream:
        assert stream.response.status == stream_status
    polled = visitor.request("GET", "/events", params={"sessionId": visitor.handle}), api.get("/updates")
    assert {answer.status_code for answer in polled} == {200 if "poll" in transports else 501}


def test_connections_of_a_process_are_limited_and_further_pages_poll(tmp_path: Path, serve: Any) -> None:
    # The tries until there is room again are many.
    api = serve(process_socket_limit=3, visitor_address_limit="off")
    visitor = api.visitor()
    with visitor.stream(), visitor.stream(), api.socket():
        refused = visitor.request("GET", f"/stream?sessionId={visitor.handle}")
        assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
        assert refused.headers["Retry-After"]
        with Wire(api.url + "/ws") as wire:
            assert wire.status == 503
    wait_until(lambda: streams(visitor), "there is room again")


def streams(visitor: Visitor) -> bool:
    try:
        visitor.stream().close()
    except websocket.WebSocketBadStatusException:
        return False
    return True


# --- TLS ---


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    made = trustme.CA().issue_cert("localhost", "127.0.0.1")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.cert_chain_pems[0].write_to_path(str(paths[0]))
    made.private_key_pem.write_to_path(str(paths[1]))
    return paths


def secure(api: Api, path: str) -> websocket.WebSocket:
    return websocket.create_connection(
        api.url.replace("https", "wss") + path,
        timeout=10,
        header={"User-Agent": BROWSER},
        sslopt={"cert_reqs": ssl.CERT_NONE},
    )


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("worker_class", ["gthread", "gevent"])
def test_tls_in_gunicorn_blocks_at_most_a_quarter_of_the_threads(
    sqlite: str, tmp_path: Path, worker_class: str, certificate: tuple[Path, Path]
) -> None:
    options = ("--certfile", str(certificate[0]), "--keyfile", str(certificate[1]), "--worker-connections", "1000")
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    with gunicorn(
        tmp_path,
        database=sqlite,
        worker_class=worker_class,
        threads=8,
        options=options,
        scheme="https",
        visitor_address_limit="off",
    ) as (
        api,
        process,
    ):
        handle = post(api, "/connect", {"visitorId": None, "sessionId": None, "metadata": {}})["sessionId"]
        path = f"/stream?sessionId={handle}"
        pages = [secure(api, path) for _ in range(2)]
        post(api, "/message", {"sessionId": handle, "content": "x" * 3000})
        for page in pages:
            assert "x" * 3000 in page.recv()
            page.send('{"type":"event","data":{"name":"clicked"}}')
        if worker_class == "gthread":
            with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
                secure(api, path)
        pages.pop().close()
        wait_until(lambda: opened(api, path), "there is room again")
        assert process.stop() == 0
        assert pages[0].recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
        pages[0].shutdown()  # type: ignore[no-untyped-call]
        # On a busy machine, a client may give up during the handshake, which gevent reports.
        tracebacks = process.log.read_text().split("Traceback (most recent call last):")[1:]
        assert all("do_handshake" in traceback for traceback in tracebacks), tracebacks


def post(api: Api, path: str, body: dict[str, Any]) -> Any:
    answer = requests.post(api.url + path, json=body, headers={"User-Agent": BROWSER}, timeout=10, verify=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def opened(api: Api, path: str) -> bool:
    try:
        secure(api, path).close()
    except websocket.WebSocketBadStatusException:
        return False
    return True


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_in_the_sync_worker_supports_no_sockets(
    sqlite: str, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    options = ("--certfile", str(certificate[0]), "--keyfile", str(certificate[1]))
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    with gunicorn(tmp_path, database=sqlite, worker_class="", options=options, scheme="https") as (api, process):
        with pytest.raises(websocket.WebSocketBadStatusException, match="501"):
            secure(api, "/ws")
        assert "does TLS itself" in process.log.read_text()


# --- Clients that are slow, silent or gone ---


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_clients_that_do_not_read_do_not_affect_others(sqlite: str, tmp_path: Path, worker_class: str) -> None:
    settings = {**OPEN, "visitor_message_limit": "off"}
    with hosted(tmp_path, sqlite, worker_class, **settings) as (api, process), ExitStack() as stack:
        visitor = api.visitor()
        path = f"{api.url}/stream?sessionId={visitor.handle}"
        stack.enter_context(Wire(path, receive_buffer=4096))
        half_open = stack.enter_context(Wire(path))
        half_open.sock.shutdown(socket.SHUT_WR)
        page = stack.enter_context(visitor.stream())
        for number in range(150):
            visitor.say(f"{number} " + "x" * 3900)
        contents = [frame["data"]["content"] for frame in page.collect(lambda frames: len(frames) >= 150, 30)]
        assert [content.split()[0] for content in contents] == [str(number) for number in range(150)]
        assert page_ms(api) < 250
        frames = half_open.rest()
        assert not frames or frames[-1].opcode == CLOSE or len(frames) < 150, "half a line is none"
        check_log(process)


def test_a_forked_child_serves_its_own_sockets(sqlite: str, tmp_path: Path) -> None:
    """An app that was used before the fork has threads that the child has not."""
    code = """
import os, sys
from tests.support.servers import make_app, serving
from pathlib import Path
app = make_app(Path(sys.argv[1]), sys.argv[2])
with serving(app) as api:
    with api.visitor().stream():
        pid = os.fork()
        if pid == 0:
            with serving(app) as mine:
                visitor = mine.visitor()
                with visitor.stream() as page:
                    for content in ("in the child", "live, too"):
                        visitor.say(content)
                        assert page.expect("message")["data"]["content"] == content
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
"""
    run_python(code, str(tmp_path), sqlite)
