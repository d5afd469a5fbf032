"""How long one message takes to many open WebSockets, and what an idle one costs in memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
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
#: Of our sockets the visitor's own; one conversation may have 32, so the others are operators'.
PAGES = 16
#: What ours may cost, as a multiple of the peer's.
TARGET = 1.0


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
    line: Line
    fill: Callable[[Contender, int], None]
    kb: float = 0.0
    #: The milliseconds to each socket, by how many were open.
    times: dict[int, list[float]] = field(default_factory=dict)
    sent: int = 0

    def send(self) -> list[float]:
        """Send one message of the visitor.

        :return: the milliseconds to each socket.
        """
        self.sent += 1
        text = f"message {self.sent} to all"
        body = {"sessionId": self.session_id, "content": text, "sender": "visitor"}
        request = request_bytes("POST", f"{self.prefix}/message", body)
        began = time.perf_counter()
        self.line.sock.sendall(request)
        arrived = self.crowd.collect(text.encode())
        while not self.line.read():
            pass
        return [1000 * (moment - began) for moment in arrived]


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Measure the contenders side by side: each size with all of them in turn, message by message."""
    sizes, messages = ((1, 20), 3) if quick else ((1, 100, 1000), 30)
    most = max(sizes)
    report.title(f"One message to {most:,} open WebSockets, and what each costs while idle, one worker")
    with ExitStack() as stack:
        contenders = _contenders(stack, folder)
        for contender in contenders:
            _weigh(contender, most)
        for size in reversed(sizes):
            for contender in contenders:
                contender.crowd.close(size)
                contender.crowd.idle(0.2)
                contender.send()
                contender.times[size] = []
            for _ in range(messages):
                for contender in contenders:
                    contender.times[size] += contender.send()
    pages = weigh_pages(folder, most)
    _tell(report, contenders, pages, sizes)


def weigh_pages(folder: Path, count: int) -> Contender:
    """Weigh the server with so many visitors' pages open, each with a conversation and a stream of its own."""
    with ExitStack() as stack:
        pages = _ours(stack, folder, "ours, a conversation each", _fill_with_pages)
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
    made = [_ours(stack, folder, "ours", _fill_with_both)]
    if servers.has_peer():
        own = folder / "peer"
        own.mkdir()
        made.append(_start(stack, PEER, stack.enter_context(servers.peer(own)), "", _fill_with_pages))
    return made


def _ours(stack: ExitStack, folder: Path, name: str, fill: Callable[[Contender, int], None]) -> Contender:
    own = folder / name.replace(", ", "-").replace(" ", "-")
    own.mkdir()
    return _start(stack, name, stack.enter_context(servers.ours(own)), "/pocketping", fill)


def _start(
    stack: ExitStack, name: str, server: Server, prefix: str, fill: Callable[[Contender, int], None]
) -> Contender:
    crowd, line = Crowd(server.port), Line(server.port)
    stack.callback(crowd.close)
    stack.callback(line.close)
    return Contender(name, server, prefix, _connect(server.port, prefix, 0), crowd, line, fill)


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
    ratios = {}
    if len(contenders) > 1:
        ours, peer = contenders
        ratios = {
            f"p{round(share * 100)}": quantile(ours.times[most], share) / quantile(peer.times[most], share)
            for share in (0.5, 0.99)
        } | {"memory": ours.kb / peer.kb, "memory, a conversation each": pages.kb / peer.kb}
        told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        verdict = "met" if max(ratios.values()) <= TARGET else "missed"
        report.line(f"Counts: ours / {PEER} at {most:,} sockets: {told}; the target is {TARGET:g} or less: {verdict}.")
    report.keep(
        "fanout",
        {
            "milliseconds": {
                one.name: {str(size): [quantile(one.times[size], share) for share in (0.5, 0.99)] for size in sizes}
                for one in contenders
            },
            "kb_per_socket": {one.name: one.kb for one in (*contenders, pages)},
            "ratios": ratios,
            "target": TARGET,
        },
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values stays below."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
