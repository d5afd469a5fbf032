"""How long one message takes to many open WebSockets, and what an idle one costs in memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import servers
from .http import Line, call, request_bytes
from .report import Report
from .servers import Server
from .sockets import Crowd

PEER = "Python SDK"
#: A server that does nothing but send, which is the least that a message can take.
LEAST = "send only"
#: Of our sockets the visitor's own; one conversation may have 32, so the others are operators'.
PAGES = 16
#: Workers of gunicorn that ours is measured under.
WORKERS = ("gthread", "sync", "gevent")
#: What ours may take, as a multiple of the peer's, and kB of memory for each idle socket.
TARGETS = {"p50": 0.75, "p99": 0.6}
TARGET_KB = 8.0
#: Share of a core that a server without anything to do may take.
QUIET = 0.1


@dataclass
class Contender:
    """A server with its crowd, and what was seen of them.

    :ivar fill: opens sockets until there are so many.
    """

    name: str
    server: Server
    prefix: str
    session_id: str
    crowd: Crowd
    fill: Callable[[Contender, int], None]
    kb: float = 0.0
    #: The milliseconds to each socket, by how many were open.
    times: dict[int, list[float]] = field(default_factory=dict)
    sent: int = 0
    #: Whether the server keeps the connection that messages are sent over, as browsers want it.
    keeps_alive: bool = True
    line: Line | None = None

    def hang_up(self) -> None:
        """Close the connection that messages are sent over."""
        if self.line is not None:
            self.line.close()
            self.line = None

    def settle(self, timeout: float = 30.0) -> None:
        """Wait until the server has nothing to do, as after many sockets that opened or closed."""
        deadline = time.perf_counter() + timeout
        busy = 1.0
        while busy > QUIET and time.perf_counter() < deadline:
            cpu, began = self.server.cpu_seconds(), time.perf_counter()
            self.crowd.idle(0.5)
            busy = (self.server.cpu_seconds() - cpu) / (time.perf_counter() - began)

    def send(self) -> list[float]:
        """Send one message of the visitor.

        :return: the milliseconds to each socket.
        """
        self.sent += 1
        text = f"message {self.sent} to all"
        body = {"sessionId": self.session_id, "content": text, "sender": "visitor"}
        request = request_bytes("POST", f"{self.prefix}/message", body)
        if self.line is None:
            self.line = Line(self.server.port)
        began = time.perf_counter()
        self.line.sock.sendall(request)
        arrived = self.crowd.collect(text.encode())
        while not self.line.read():
            pass
        if not self.keeps_alive:
            self.hang_up()
        return [1000 * (moment - began) for moment in arrived]


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Measure the contenders side by side: each size with all of them in turn, message by message."""
    # As many as that one hiccup of the machine is not the slowest hundredth of all that is counted.
    sizes, messages = ((1, 20), 3) if quick else ((1, 100, 1000), 200)
    most = max(sizes)
    report.title(f"One message to {most:,} open WebSockets, and what each costs while idle, one worker")
    with ExitStack() as stack:
        contenders = _contenders(stack, folder)
        for contender in contenders:
            _weigh(contender, most)
        for size in reversed(sizes):
            for contender in contenders:
                contender.crowd.close(size)
                contender.settle()
                contender.send()
                contender.times[size] = []
            for _ in range(messages):
                for contender in contenders:
                    contender.times[size] += contender.send()
    pages = weigh_pages(folder, most)
    _tell(report, contenders, pages, sizes)
    _hold(report, folder, quick=quick)


def weigh_pages(folder: Path, count: int) -> Contender:
    """Weigh the server with so many visitors' pages open, each with a conversation and a stream of its own."""
    with ExitStack() as stack:
        pages = _ours(stack, folder, "gthread, a conversation each", "gthread", _fill_with_pages)
        handles = [_connect(pages.server.port, pages.prefix, number) for number in range(count)]
        pages.fill = partial(_fill_with_visitors, handles)
        _weigh(pages, count)
    return pages


def _weigh(contender: Contender, count: int) -> None:
    """Open all sockets, and weigh the server without and with them. What it needs once is there before."""
    contender.fill(contender, max(10, count // 20))
    contender.crowd.idle(0.5)
    contender.crowd.close()
    contender.crowd.idle(1.5)
    before = contender.server.memory_kb()
    contender.fill(contender, count)
    contender.crowd.idle(2.0)
    contender.kb = (contender.server.memory_kb() - before) / count


def _contenders(stack: ExitStack, folder: Path) -> list[Contender]:
    made = [_ours(stack, folder, worker, worker, _fill_with_both) for worker in WORKERS]
    others: dict[str, Callable[[Path], AbstractContextManager[Server]]] = {LEAST: partial(servers.script, "send_only")}
    if servers.has_peer():
        others[PEER] = servers.peer
    for name, serve in others.items():
        own = folder / name.replace(" ", "-")
        own.mkdir()
        made.append(_start(stack, name, stack.enter_context(serve(own)), "", _fill_with_pages))
    return made


def _ours(stack: ExitStack, folder: Path, name: str, worker: str, fill: Callable[[Contender, int], None]) -> Contender:
    own = folder / name.replace(", ", "-").replace(" ", "-")
    own.mkdir()
    server = stack.enter_context(servers.ours(own, worker))
    made = _start(stack, f"ours, {name}", server, "/pocketping", fill)
    made.keeps_alive = worker != "sync"
    return made


def _start(
    stack: ExitStack, name: str, server: Server, prefix: str, fill: Callable[[Contender, int], None]
) -> Contender:
    crowd = Crowd(server.port)
    stack.callback(crowd.close)
    made = Contender(name, server, prefix, _connect(server.port, prefix, 0), crowd, fill)
    stack.callback(made.hang_up)
    return made


def _connect(port: int, prefix: str, number: int) -> str:
    """Open a conversation; what its page calls it."""
    body = {"visitorId": f"vis_{number}", "metadata": {}}
    return str(call(port, "POST", f"{prefix}/connect", body)["sessionId"])


def _fill_with_pages(contender: Contender, count: int) -> None:
    path = f"{contender.prefix}/stream?sessionId={contender.session_id}"
    contender.crowd.open([path] * (count - len(contender.crowd)))


def _fill_with_both(contender: Contender, count: int) -> None:
    _fill_with_pages(contender, min(count, PAGES))
    hello = {"type": "auth", "apiKey": servers.KEY}
    contender.crowd.open([f"{contender.prefix}/ws"] * (count - len(contender.crowd)), hello)


def _fill_with_visitors(handles: Sequence[str], contender: Contender, count: int) -> None:
    contender.crowd.open([f"{contender.prefix}/stream?sessionId={handle}" for handle in handles[:count]])


def _tell(report: Report, contenders: Sequence[Contender], pages: Contender, sizes: Sequence[int]) -> None:
    head = ["", *(f"{kind} ms, {size:,}" for size in sizes for kind in ("p50", "p99")), "kB a socket"]
    rows: list[list[Any]] = [
        [one.name, *(quantile(one.times[size], share) for size in sizes for share in (0.5, 0.99)), one.kb]
        for one in contenders
    ]
    report.table(head, [*rows, [pages.name, *[""] * (2 * len(sizes)), pages.kb]])
    most = max(sizes)
    ratios: dict[str, dict[str, float]] = {}
    if contenders[-1].name == PEER:
        peer = contenders[-1]
        for one in contenders[:-1]:
            ratios[one.name] = {
                name: quantile(one.times[most], share) / quantile(peer.times[most], share)
                for name, share in (("p50", 0.5), ("p99", 0.99))
            } | {"memory": one.kb / peer.kb}
            told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios[one.name].items())
            if one.name == LEAST:
                report.line(f"{one.name} / {PEER} at {most:,} sockets: {told}.")
                continue
            met = one.kb <= TARGET_KB and all(ratios[one.name][name] <= most for name, most in TARGETS.items())
            report.line(f"{one.name} / {PEER} at {most:,} sockets: {told}: {'met' if met else 'missed'}.")
        goals = ", ".join(f"{name} {ratio:g}" for name, ratio in TARGETS.items())
        report.line(f"The targets are {goals} or less, and {TARGET_KB:g} kB for an idle socket.")
    report.keep(
        "fanout",
        {
            "milliseconds": {
                one.name: {str(size): [quantile(one.times[size], share) for share in (0.5, 0.99)] for size in sizes}
                for one in contenders
            },
            "kb_per_socket": {one.name: one.kb for one in (*contenders, pages)},
            "ratios": ratios,
            "targets": {**TARGETS, "kb": TARGET_KB},
        },
    )


def _hold(report: Report, folder: Path, *, quick: bool) -> None:
    """Hold many idle sockets on one threaded worker, and see what is left for the host."""
    count, seconds = (100, 2.0) if quick else (10_000, 120.0)
    report.title(f"{count:,} idle WebSockets on one gthread worker with 8 threads, for {seconds:g} s")
    with ExitStack() as stack:
        one = _ours(stack, folder, "gthread, idle", "gthread", _fill_with_pages)
        _pages_of_host(one.server, 20)
        before = _pages_of_host(one.server, 200)
        memory, began = one.server.memory_kb(), time.perf_counter()
        one.fill(one, count)
        took = time.perf_counter() - began
        one.crowd.idle(2.0)
        cpu, began = one.server.cpu_seconds(), time.perf_counter()
        one.crowd.idle(seconds)
        share = (one.server.cpu_seconds() - cpu) / (time.perf_counter() - began)
        kb = (one.server.memory_kb() - memory) / count
        after = _pages_of_host(one.server, 200)
        arrived = one.send()
    report.table(
        ["", "opened in s", "kB a socket", "% of a core", "host's page p50 ms", "p99 ms", "message p50 ms", "p99 ms"],
        [
            ["without", "", "", "", quantile(before, 0.5), quantile(before, 0.99), "", ""],
            [
                *("with", took, kb, 100 * share, quantile(after, 0.5), quantile(after, 0.99)),
                *(quantile(arrived, 0.5), quantile(arrived, 0.99)),
            ],
        ],
    )
    report.keep(
        "hold",
        {
            "sockets": count,
            "seconds": seconds,
            "kb_per_socket": kb,
            "cpu_share": share,
            "host_page_ms": {"without": quantile(before, 0.5), "with": quantile(after, 0.5)},
        },
    )


def _pages_of_host(server: Server, count: int) -> list[float]:
    """Milliseconds of some requests for a page of the host's own."""
    request = request_bytes("GET", "/hello")
    line = Line(server.port)
    try:
        return [1000 * line.exchange(request) for _ in range(count)]
    finally:
        line.close()


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values stays below."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
