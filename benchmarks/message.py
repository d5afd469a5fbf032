"""How many messages of visitors are accepted a second: ours, a bare Flask view, and the public Python SDK."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from . import servers
from .http import call, load, request_bytes
from .report import Report
from .servers import Server

CONNECTIONS = 16
SESSIONS = 64
TEXT = "Hello, I have a question about my order from last week."
#: The share of the bare view's rate that ours should reach.
TARGET = 0.5


@dataclass
class Contender:
    """A server with what is sent to it, and what was seen of it."""

    name: str
    server: Server
    requests: list[list[bytes]]
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def round(self, seconds: float) -> None:
        """Load it for a while."""
        before = self.server.cpu_seconds()
        answered, took = load(self.server.port, self.requests, seconds)
        self.rates.append(answered / took)
        self.costs.append((self.server.cpu_seconds() - before) / answered * 1e6)

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Load the contenders in turn, in short rounds, and compare the rates of each round."""
    rounds, seconds = (2, 0.3) if quick else (5, 3.0)
    report.title("Messages accepted a second (POST /message, 16 connections, one worker)")
    with ExitStack() as stack:
        contenders = _contenders(stack, folder, quick=quick)
        for contender in contenders:
            contender.round(seconds / 3)
            contender.rates, contender.costs = [], []
        for _ in range(rounds):
            for contender in contenders:
                contender.round(seconds)
    _tell(report, contenders)


def _contenders(stack: ExitStack, folder: Path, *, quick: bool) -> list[Contender]:
    def start(
        name: str, serve: Callable[[Path], AbstractContextManager[Server]], prefix: str, connect: bool
    ) -> Contender:
        own = folder / name.replace(" ", "-")
        own.mkdir()
        server = stack.enter_context(serve(own))
        ids = _connect(server, prefix) if connect else [f"session-{number}" for number in range(SESSIONS)]
        return Contender(name, server, _requests(prefix, ids))

    made = [
        start("ours", servers.ours, "/pocketping", True),
        start("bare view", lambda own: servers.gunicorn("bare", own), "", False),
    ]
    if servers.has_peer():
        made.append(start("Python SDK", servers.peer, "", True))
    if not quick:
        normal = {"BENCHMARK_SYNCHRONOUS": "NORMAL"}
        made += [
            start("ours, NORMAL", lambda own: servers.ours(own, **normal), "/pocketping", True),
            start("bare view, NORMAL", lambda own: servers.gunicorn("bare", own, **normal), "", False),
        ]
    return [*made, start("no work", partial(servers.script, "nothing"), "", False)]


def _connect(server: Server, prefix: str) -> list[str]:
    """Open the sessions.

    :return: what the page calls them.
    """
    return [
        str(call(server.port, "POST", f"{prefix}/connect", {"visitorId": f"vis_{number}", "metadata": {}})["sessionId"])
        for number in range(SESSIONS)
    ]


def _requests(prefix: str, ids: Sequence[str]) -> list[list[bytes]]:
    """For each connection what it sends: no two write to the same session."""
    made = [
        request_bytes("POST", f"{prefix}/message", {"sessionId": one, "content": TEXT, "sender": "visitor"})
        for one in ids
    ]
    return [made[number::CONNECTIONS] for number in range(CONNECTIONS)]


def _tell(report: Report, contenders: Sequence[Contender]) -> None:
    by_name = {contender.name: contender for contender in contenders}
    report.table(
        ["", "messages/s", "CPU µs each", "ours is"],
        [[one.name, one.rate, one.cost, f"{_ratio(by_name, one.name):.2f}"] for one in contenders],
    )
    ratio = _ratio(by_name, "bare view")
    report.line(
        f"Counts: ours / bare view = {ratio:.2f}, the median of {len(by_name['ours'].rates)} rounds;"
        f" the target is {TARGET} or more: {'met' if ratio >= TARGET else 'missed'}."
    )
    report.keep(
        "message",
        {
            "rates": {one.name: one.rates for one in contenders},
            "cpu_us": {one.name: one.cost for one in contenders},
            "ratio": ratio,
            "target": TARGET,
        },
    )


def _ratio(by_name: dict[str, Contender], other: str) -> float:
    """The median over the rounds of what ours reached of another's rate in the same round."""
    mine = by_name["ours, NORMAL" if other.endswith("NORMAL") else "ours"].rates
    return statistics.median(a / b for a, b in zip(mine, by_name[other].rates, strict=True))
