"""How many webhooks one worker delivers a second, beside `requests` by itself."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from flask_pocketping.chat.messages import send_message
from flask_pocketping.chat.sessions import open_session
from flask_pocketping.chat.webhooks import create_webhook
from flask_pocketping.db import Database, own_engine
from flask_pocketping.delivery.http.client import GuardedClient
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.targets.webhooks import WebhookTarget

from . import servers
from .http import call
from .report import Report
from .servers import ROOT

SESSIONS = 64
TEXT = "Hello, I have a question about my order from last week."
#: Deliveries a second.
TARGET = 300.0


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Let a worker deliver a backlog to a receiver, and `requests` post as much, in turns."""
    report.title("Webhooks delivered a second (one worker, one endpoint on this machine)")
    rounds, count = (1, 100) if quick else (5, 2_000)
    ours, alone = [], []
    for number in range(rounds):
        own = folder / str(number)
        own.mkdir()
        ours.append(_deliver(own, count))
        alone.append(_post(own, count))
    ratio = statistics.median(mine / other for mine, other in zip(ours, alone, strict=True))
    rate = statistics.median(ours)
    report.table(["", "a second"], [["one worker", rate], ["requests.Session, one thread", statistics.median(alone)]])
    report.line(f"one worker / requests = {ratio:.2f}, the median of {rounds} rounds")
    verdict = "met" if rate >= TARGET else "missed"
    report.line(f"Counts: {rate:.0f} deliveries a second; the target is {TARGET:g} or more: {verdict}.")
    report.keep("webhooks", {"rates": {"worker": ours, "requests": alone}, "ratio": ratio, "target": TARGET})


def _deliver(folder: Path, count: int) -> float:
    """Deliveries a second that a worker made, from the first that arrived to the last."""
    uri = f"sqlite:///{folder / 'webhooks.db'}"
    with servers.script("receiver", folder) as receiver:
        _fill(uri, f"http://127.0.0.1:{receiver.port}/hook", count)
        with _worker(folder, uri):
            return _rate(_wait(receiver.port, count))


def _post(folder: Path, count: int) -> float:
    """Posts a second of `requests` by itself, with as many bytes."""
    body = b"x" * 700
    headers = {"Content-Type": "application/json", "webhook-id": "x" * 30, "webhook-signature": "x" * 50}
    with servers.script("receiver", folder) as receiver, requests.Session() as session:
        for _ in range(count):
            session.post(f"http://127.0.0.1:{receiver.port}/hook", data=body, headers=headers, timeout=15)
        return _rate(_wait(receiver.port, count))


def _rate(seen: dict[str, Any]) -> float:
    return float((seen["count"] - 1) / seen["seconds"])


def _wait(port: int, count: int) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        seen: dict[str, Any] = call(port, "GET", "/")
        if seen["count"] >= count:
            return seen
        if time.monotonic() > deadline:
            raise RuntimeError(f"The receiver got {seen['count']} of {count} deliveries.")
        time.sleep(0.2)


def _fill(uri: str, url: str, count: int) -> None:
    """Write so many events for one endpoint, in conversations that go on side by side."""
    engine = own_engine(uri)
    try:
        db = Database(lambda: engine, upgrades_itself=True)
        db.targets.append(WebhookTarget(GuardedClient(allow_http=True, allow_networks=[]), PublicURLs("")))
        opened = [open_session(db, visitor_id=f"vis_{number}").id for number in range(SESSIONS)]
        create_webhook(db, url, ["message.created"])
        for number in range(count):
            send_message(db, opened[number % SESSIONS], TEXT, type="visitor")
    finally:
        engine.dispose()


@contextmanager
def _worker(folder: Path, uri: str) -> Iterator[None]:
    settings = {
        "POCKETPING_DATABASE_URI": uri,
        "POCKETPING_WEBHOOK_ALLOW_HTTP": "true",
        "POCKETPING_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "BENCHMARK_FOLDER": str(folder),
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("POCKETPING_", "FLASK_"))}
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "benchmarks.apps.ours", "pocketping", "worker"],
            cwd=ROOT,
            env={**kept, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
