"""What a list costs when there are many: the first page of sessions, a page far inside, the newest messages."""

from __future__ import annotations

import contextlib
import os
import secrets
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from flask_pocketping.chat.sessions import cursor_behind, get_session
from flask_pocketping.db import Database, create_tables, own_engine
from flask_pocketping.models import DEFAULT_PROJECT, Message, Session, table

from . import servers
from .http import Line, request_bytes
from .report import Report

SMALL, LARGE = 1_000, 1_000_000
#: Messages of the one long conversation.
LONG = 10_000
#: What the large one may cost, as a multiple of the small one.
TARGET = 2.0
POSTGRES = os.environ.get("POCKETPING_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1/postgres")

_BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Time each list at both sizes, on SQLite and on PostgreSQL."""
    sizes = (1_000, 5_000) if quick else (SMALL, LARGE)
    report.title(f"Lists at {sizes[0]:,} and {sizes[1]:,} sessions (median ms of one request)")
    kept: dict[str, Any] = {}
    rows = []
    for kind in ("SQLite", "PostgreSQL"):
        try:
            small, large = _times(kind, folder, sizes, 6 if quick else 60)
        except OperationalError:
            report.line(f"{kind} can't be reached: left out.")
            continue
        kept[kind] = {"small": small, "large": large, "ratios": {name: large[name] / small[name] for name in small}}
        rows += [[f"{kind}: {name}", small[name], large[name], f"{large[name] / small[name]:.2f}"] for name in small]
    report.table(["", f"{sizes[0]:,}", f"{sizes[1]:,}", "large / small"], rows)
    worst = max(ratio for found in kept.values() for ratio in found["ratios"].values())
    verdict = "met" if worst <= TARGET else "missed"
    report.line(f"Counts: the worst of large / small = {worst:.2f}; the target is {TARGET:g} or less: {verdict}.")
    report.keep("lists", {"databases": kept, "worst": worst, "target": TARGET})


@dataclass
class _Contender:
    """A server with so many sessions, what is asked of it, and how long that took."""

    line: Line
    requests: dict[str, bytes]
    seen: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def medians(self) -> dict[str, float]:
        return {name: statistics.median(times[len(times) // 6 :]) for name, times in self.seen.items()}


def _times(kind: str, folder: Path, sizes: Sequence[int], rounds: int) -> list[dict[str, float]]:
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(_database(kind, folder, size)) for size in sizes]
        contenders = []
        for url, size in zip(urls, sizes, strict=True):
            own = folder / f"{kind}-{size}"
            own.mkdir()
            server = stack.enter_context(servers.ours(own, POCKETPING_DATABASE_URI=url))
            line = stack.enter_context(contextlib.closing(Line(server.port)))
            contenders.append(_Contender(line, _requests(url, size)))
        # In turns, so that a slow moment of the machine meets all alike.
        for _ in range(rounds):
            for name in contenders[0].requests:
                for contender in contenders:
                    contender.seen[name].append(contender.line.exchange(contender.requests[name]) * 1000)
    return [contender.medians() for contender in contenders]


def _requests(url: str, size: int) -> dict[str, bytes]:
    key = {"Authorization": f"Bearer {servers.KEY}"}
    paths = {
        "sessions": "/sessions",
        "sessions, far inside": f"/sessions?cursor={_cursor_far_inside(url, size)}",
        "active sessions": "/sessions?status=active",
        "closed sessions": "/sessions?status=closed",
        "unanswered sessions": "/sessions?unanswered=true",
        "newest messages": f"/sessions/{_session_id(0)}/messages",
    }
    return {name: request_bytes("GET", "/pocketping" + path, headers=key) for name, path in paths.items()}


def _cursor_far_inside(url: str, size: int) -> str:
    engine = own_engine(url)
    try:
        return cursor_behind(get_session(Database(lambda: engine), _session_id(size // 2)))
    finally:
        engine.dispose()


@contextlib.contextmanager
def _database(kind: str, folder: Path, size: int) -> Iterator[str]:
    """The URL of a database with so many sessions, one of which is long."""
    with _empty(kind, folder, size) as url:
        # Not the package's own engine: that one would commit each row to a SQLite file by itself.
        engine = create_engine(url)
        try:
            create_tables(engine)
            _fill(engine, size)
        finally:
            engine.dispose()
        yield url


@contextlib.contextmanager
def _empty(kind: str, folder: Path, size: int) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder / f'lists-{size}.db'}"
        return
    name = f"pocketping_benchmark_{secrets.token_hex(6)}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
        finally:
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        server.dispose()


def _fill(engine: Engine, size: int) -> None:
    """One message in each session, and many in the first. Most sessions are closed and answered, as in life."""
    page = 20_000
    for start in range(0, size, page):
        numbers = range(start, min(size, start + page))
        with engine.begin() as connection:
            connection.execute(insert(table(Session)), [_session(number) for number in numbers])
            connection.execute(insert(table(Message)), [_message(number, 1) for number in numbers])
    with engine.begin() as connection:
        connection.execute(insert(table(Message)), [_message(0, seq) for seq in range(2, LONG + 2)])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _session(number: int) -> dict[str, Any]:
    moment = _BEGAN + timedelta(seconds=number)
    return {
        "id": _session_id(number),
        "project_id": DEFAULT_PROJECT,
        "visitor_id": f"vis_{number}",
        "status": "active" if number % 10 == 0 else "closed",
        "seq": 2,
        "created_at": moment,
        "last_activity": moment,
        "closed_at": None,
        "metadata": {"pageUrl": "https://shop.example/pricing", "browser": "Firefox", "os": "Linux"},
        "ai_enabled": True,
        "ai_active": False,
        "unread": 1,
        "unanswered": number % 10 == 0,
        "last_message_id": _message_id(number, 1),
    }


def _message(number: int, seq: int) -> dict[str, Any]:
    moment = _BEGAN + timedelta(seconds=number)
    return {
        "id": _message_id(number, seq),
        "session_id": _session_id(number),
        "seq": seq,
        "type": "visitor",
        "content": "Hello, I have a question about my order from last week.",
        "created_at": moment,
        "changed_at": moment,
        "status": "sent",
    }


def _session_id(number: int) -> str:
    return f"sess_{number:026d}"


def _message_id(number: int, seq: int) -> str:
    return f"msg_{number:016d}{seq:010d}"
