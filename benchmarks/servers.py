"""Servers under test, each in processes of its own, and what the system says of them."""

from __future__ import annotations

import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Settings of ours that a load would run into: high, but on.
HIGH_LIMITS = {
    "POCKETPING_VISITOR_MESSAGE_LIMIT": "10000000/minute",
    "POCKETPING_VISITOR_ADDRESS_LIMIT": "10000000/minute",
    "POCKETPING_VISITOR_SESSION_LIMIT": "10000000/hour",
    "POCKETPING_VISITOR_SILENT_SESSION_LIMIT": "10000000/hour",
    "POCKETPING_SOCKET_LIMIT": "100000",
    "POCKETPING_ADDRESS_SOCKET_LIMIT": "100000",
}
KEY = "benchmark-key-0123456789"


class Server:
    """A server that runs.

    :ivar port: where it listens, on 127.0.0.1.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self._log = log
        self.port = port

    def cpu_seconds(self) -> float:
        """The processor's time that it has used so far."""
        ticks = 0
        for pid in self._pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """Its memory, in kB; what processes share is counted once."""
        return sum(_field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in self._pids())

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Wait until it answers, whatever it answers."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            try:
                connection.request("GET", "/")
                connection.getresponse().read()
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()
        raise RuntimeError(f"A server did not start:\n{self._log.read_text()[-3000:]}")

    def stop(self) -> None:
        """End it and all that it started."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _pids(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found


@contextmanager
def serving(command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a command that serves on a port, in a process group of its own."""
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            # The settings of whoever runs this must not change what is measured.
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("POCKETPING_")},
                "BENCHMARK_FOLDER": str(folder),
                **environment,
            },
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, port, log)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


#: What gunicorn is told of its worker, by its class.
WORKERS = {
    "gevent": ("--worker-class", "gevent", "--worker-connections", "5000", "--keep-alive", "75"),
    "gthread": ("--worker-class", "gthread", "--threads", "8", "--keep-alive", "75"),
    "sync": ("--worker-class", "sync"),
}


@contextmanager
def gunicorn(app: str, folder: Path, worker_class: str = "gevent", **environment: str) -> Iterator[Server]:
    """`benchmarks/apps/APP.py` under one worker of gunicorn."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", *WORKERS[worker_class]),
        *("--log-level", "warning", "--no-control-socket", f"benchmarks.apps.{app}:app"),
    ]
    with serving(command, port, folder, environment) as server:
        yield server


@contextmanager
def ours(folder: Path, worker_class: str = "gevent", **environment: str) -> Iterator[Server]:
    """The extension in a Flask app; the environment may say more."""
    with gunicorn("ours", folder, worker_class, POCKETPING_API_KEY=KEY, **HIGH_LIMITS, **environment) as server:
        yield server


@contextmanager
def peer(folder: Path) -> Iterator[Server]:
    """The public PocketPing SDK under one worker of uvicorn."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--timeout-keep-alive", "75", "--log-level", "warning", "--no-access-log", "benchmarks.apps.peer:app"),
    ]
    with serving(command, port, folder, {}) as server:
        yield server


@contextmanager
def script(name: str, folder: Path) -> Iterator[Server]:
    """`benchmarks/apps/NAME.py`, which is a server by itself."""
    port = free_port()
    with serving([sys.executable, "-m", f"benchmarks.apps.{name}", str(port)], port, folder, {}) as server:
        yield server


def has_peer() -> bool:
    """Whether the SDK and its server are installed."""
    return all(importlib.util.find_spec(name) for name in ("pocketping", "fastapi", "uvicorn", "websockets"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _field(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise RuntimeError(f"{path} has no {name}")
