"""How long one message takes to many open WebSockets, and what an idle one costs in memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import servers
from .http import Line, call, request_bytes
from .report import Report
from .servers import Server
from .sockets import Crowd

NAMES = {"ours, visitors": "/stream", "ours, operators": "/ws", "Python SDK": "/stream"}


@dataclass
class Contender:
    """A server with its crowd, and what was seen of them."""

    name: str
    server: Server
    prefix: str
    session_id: str
    crowd: Crowd
    line: Line
    kb: float = 0.0
    #: The milliseconds to each socket, by how many were open.
    times: dict[int, list[float]] = field(default_factory=dict)
    sent: int = 0

    def open(self, count: int) -> None:
        """Open sockets until there are so many."""
        if self.name == "ours, operators":
            self.crowd.open(count, f"{self.prefix}/ws", {"type": "auth", "apiKey": servers.KEY})
        else:
            self.crowd.open(count, f"{self.prefix}/stream?sessionId={self.session_id}")

    def send(self) -> list[float]:
        """Send one message.

        :return: the seconds to each socket.
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
        return [moment - began for moment in arrived]


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Measure the contenders side by side: each size with all of them in turn, message by message."""
    sizes, messages = ((1, 20), 3) if quick else ((1, 100, 1000), 30)
    report.title(f"One message to {' and '.join(f'{size:,}' for size in sizes)} open WebSockets, one worker")
    with ExitStack() as stack:
        contenders = _contenders(stack, folder)
        for contender in contenders:
            _fill(contender, max(sizes))
        for size in reversed(sizes):
            for contender in contenders:
                contender.crowd.close(size)
                contender.crowd.idle(0.2)
                contender.send()
                contender.times[size] = []
            for _ in range(messages):
                for contender in contenders:
                    contender.times[size] += [1000 * seconds for seconds in contender.send()]
    _tell(report, contenders, sizes)


def _fill(contender: Contender, count: int) -> None:
    """Open all sockets, and weigh the server without and with them."""
    contender.open(max(10, count // 20))
    for _ in range(5):
        contender.send()
    contender.crowd.close()
    contender.crowd.idle(1.0)
    before = contender.server.memory_kb()
    contender.open(count)
    contender.crowd.idle(2.0)
    contender.kb = (contender.server.memory_kb() - before) / count


def _contenders(stack: ExitStack, folder: Path) -> list[Contender]:
    def start(name: str, serve: Callable[[Path], AbstractContextManager[Server]], prefix: str) -> Contender:
        own = folder / name.replace(", ", "-").replace(" ", "-")
        own.mkdir()
        server = stack.enter_context(serve(own))
        answer = call(server.port, "POST", f"{prefix}/connect", {"visitorId": "vis_crowd", "metadata": {}})
        crowd, line = Crowd(server.port), Line(server.port)
        stack.callback(crowd.close)
        stack.callback(line.close)
        return Contender(name, server, prefix, str(answer["sessionId"]), crowd, line)

    made = [
        start("ours, visitors", servers.ours, "/pocketping"),
        start("ours, operators", servers.ours, "/pocketping"),
    ]
    if servers.has_peer():
        made.append(start("Python SDK", servers.peer, ""))
    return made


def _tell(report: Report, contenders: Sequence[Contender], sizes: Sequence[int]) -> None:
    head = ["", *(f"{kind} ms, {size:,}" for size in sizes for kind in ("p50", "p99")), "kB a socket"]
    rows: list[list[Any]] = []
    for one in contenders:
        numbers = [quantile(one.times[size], share) for size in sizes for share in (0.5, 0.99)]
        rows.append([f"{one.name} ({NAMES[one.name]})", *numbers, one.kb])
    report.table(head, rows)
    peer = next((one for one in contenders if one.name == "Python SDK"), None)
    most = max(sizes)
    ratios = {}
    for one in contenders:
        if peer is not None and one is not peer:
            pairs = [(quantile(one.times[most], at), quantile(peer.times[most], at)) for at in (0.5, 0.99)]
            ratios[one.name] = [mine / theirs for mine, theirs in [*pairs, (one.kb, peer.kb)]]
            p50, p99, kb = ratios[one.name]
            report.line(
                f"Counts: {one.name} / Python SDK at {most:,} sockets: p50 {p50:.2f}, p99 {p99:.2f}, memory {kb:.2f};"
                f" the target is 1 or less: {'met' if max(p50, p99, kb) <= 1 else 'missed'}."
            )
    report.keep(
        "fanout",
        {
            "milliseconds": {
                one.name: {str(size): [quantile(one.times[size], at) for at in (0.5, 0.99)] for size in sizes}
                for one in contenders
            },
            "kb_per_socket": {one.name: one.kb for one in contenders},
            "ratios": ratios,
        },
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values stays below."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
