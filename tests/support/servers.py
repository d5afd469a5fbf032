"""Apps behind real sockets: in a thread of the test, or in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from flask_pocketping import PocketPing

from .clients import Api

KEY = "test-key-0123456789"
ROOT = Path(__file__).parents[2]


def make_app(folder: Path, database: str | None = None, **settings: Any) -> Flask:
    """A host app with the extension at the root.

    :param settings: `POCKETPING_…` settings without the prefix, in small letters.
    """
    app = Flask("host", instance_path=str(folder))
    app.config["SECRET_KEY"] = f"secret of {folder}"
    defaults: dict[str, Any] = {"url_prefix": "", "api_key": KEY, "poll_interval": 0.1}
    if database is not None:
        defaults["database_uri"] = database
    for name, value in {**defaults, **settings}.items():
        app.config["POCKETPING_" + name.upper()] = value
    pocketping = PocketPing(app)
    if database is not None:
        app.extensions["pocketping"].db.create_tables()
    app.extensions["test_pocketping"] = pocketping
    return app


def closing(app: Flask) -> Callable[..., Iterator[bytes]]:
    """An app whose answers are closed whatever happens.

    Werkzeug's server forgets to where a page goes away with something of its own still unread.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        answer = app(environ, start_response)
        try:
            yield from answer
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    return serve


@contextmanager
def serving(app: Flask) -> Iterator[Api]:
    """Serve an app in threads on a free port; on leaving it is stopped as a deployment would stop it."""
    server = make_server("127.0.0.1", 0, closing(app), threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="test-server")
    thread.start()
    try:
        yield Api(f"http://127.0.0.1:{server.server_port}{app.config.get('POCKETPING_URL_PREFIX', '')}", KEY)
    finally:
        state = app.extensions.get("pocketping")
        if state is not None:
            state.runtime.close()
        server.shutdown()
        thread.join()
        server.server_close()


class Process:
    """A server or worker in a process of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, folder: Path = ROOT) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                command, env={**os.environ, **environment}, cwd=folder, stdout=output, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        """SIGKILL, as a crash would be, also for the processes that it started."""
        with contextlib.suppress(OSError):
            started = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
            self.popen.kill()
            for pid in started:
                os.kill(int(pid), signal.SIGKILL)
        self.popen.wait()

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM, and wait for the end."""
        self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {timeout} s:\n{self.log.read_text()[-3000:]}") from None


def check_log(process: Process) -> None:
    """Nothing went wrong that a log would tell of."""
    log = process.log.read_text()
    for word in ("Traceback", "Exception", "SIGKILL", "ERROR", "CRITICAL", "WORKER TIMEOUT"):
        assert word not in log, log[-3000:]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def gunicorn(
    folder: Path,
    *,
    database: str,
    workers: int = 1,
    worker_class: str = "gevent",
    threads: int = 20,
    port: int | None = None,
    app: str = "tests.support.wsgi:app",
    options: Sequence[str] = (),
    scheme: str = "http",
    **settings: Any,
) -> Iterator[tuple[Api, Process]]:
    """`tests/support/wsgi.py`, or another app, under gunicorn, with the settings in its environment.

    :param worker_class: gunicorn's own default if empty.
    :param options: further options of the command.
    """
    port = port or free_port()
    # The sync worker would be taken for a threaded one if threads were named.
    chosen = ["--worker-class", worker_class] if worker_class else []
    chosen += ["--threads", str(threads)] if worker_class in {"gthread", "gevent"} else []
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(workers), *chosen),
        *("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket", *options, app),
    ]
    process = Process(command, process_environment(folder, database, **settings), folder / "gunicorn.log")
    try:
        api = Api(f"{scheme}://127.0.0.1:{port}", KEY)
        wait_until(lambda: answers(api), "gunicorn answers", 60, lambda: process.log.read_text()[-3000:])
        yield api, process
    finally:
        if process.popen.poll() is None:
            process.stop()


@contextmanager
def plain(folder: Path, *, database: str, port: int | None = None, **settings: Any) -> Iterator[tuple[Api, Process]]:
    """`tests/support/wsgi.py` under Flask's own threaded server."""
    port = port or free_port()
    command = [sys.executable, "-m", "flask", "--app", "tests.support.wsgi:app", "run", "--port", str(port)]
    process = Process(command, process_environment(folder, database, **settings), folder / "plain.log")
    try:
        api = Api(f"http://127.0.0.1:{port}", KEY)
        wait_until(lambda: answers(api), "the server answers", 60, lambda: process.log.read_text()[-3000:])
        yield api, process
    finally:
        if process.popen.poll() is None:
            process.stop()


@contextmanager
def worker(folder: Path, *, database: str, **settings: Any) -> Iterator[Process]:
    """`flask pocketping worker` in a process of its own."""
    command = [sys.executable, "-m", "flask", "--app", "tests.support.wsgi:app", "pocketping", "worker"]
    process = Process(command, process_environment(folder, database, **settings), folder / "worker.log")
    try:
        wait_until(
            lambda: "worker is running" in process.log.read_text(), "the worker is running", 60, process.log.read_text
        )
        yield process
    finally:
        if process.popen.poll() is None:
            process.stop()


def process_environment(folder: Path, database: str, **settings: Any) -> dict[str, str]:
    """The environment that `tests/support/wsgi.py` reads.

    :param settings: `POCKETPING_…` settings; and `clock_ahead`, the seconds by which its clock is ahead of ours.
    """
    given: dict[str, Any] = {
        "url_prefix": "",
        "api_key": KEY,
        "poll_interval": "0.1",
        "database_uri": database,
        **settings,
    }
    ahead = given.pop("clock_ahead", 0)
    return {
        "TEST_FOLDER": str(folder),
        "TEST_CLOCK_AHEAD": str(ahead),
        "PYTHONPATH": str(ROOT),
        **{"POCKETPING_" + name.upper(): str(value) for name, value in given.items()},
    }


def wait_until(
    condition: Callable[[], Any], what: str, timeout: float = 10.0, seen: Callable[[], object] = lambda: ""
) -> Any:
    """Wait for something with a deadline; a failure says what was seen instead."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}. Seen: {seen()}")
        time.sleep(0.02)


def answers(api: Api) -> bool:
    """Whether a server serves: its health is asked for."""
    try:
        # A server with TLS has a certificate that nobody knows.
        return requests.get(api.url + "/health", timeout=20, verify=False).status_code == 200
    except requests.RequestException:
        return False


#: Servers that several tests share, open now. Their workers may start a thread, or use one again, in any test.
shared_servers: list[Api] = []


def expect_no_threads_but(before: set[threading.Thread]) -> None:
    """Wait until all threads that were started since then have ended, but for those of shared servers' deliveries."""
    deadline = time.monotonic() + 5
    left: list[threading.Thread] = []
    while time.monotonic() < deadline:
        started = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
        left = [thread for thread in started if not (shared_servers and thread.name == "pocketping-delivery")]
        if not left:
            return
        time.sleep(0.005)
    pytest.fail(f"threads left running: {left}")


@contextmanager
def sharing(app: Flask) -> Iterator[Api]:
    """A server that several tests share; none of its threads outlives it."""
    before = set(threading.enumerate())
    with serving(app) as made:
        shared_servers.append(made)
        # With the first request all threads begin, so that none of them is news to a test.
        made.get("/health")
        yield made
        shared_servers.remove(made)
    expect_no_threads_but(before)
