"""Runs the inbound road with a receiver that keeps what it gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from flask_pocketping.bridges.discord.inbound import DiscordInbound
from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import (
    Incoming,
    IncomingMessage,
    IncomingThreadChange,
    IncomingTyping,
    Receiver,
    Thread,
)

from ...support.discord import FakeDiscord
from ...support.servers import wait_until

T = TypeVar("T")


class Kept(Receiver):
    """Keeps what came in, each message once as the real receiver does.

    :ivar fails: how often the next thing is refused.
    """

    def __init__(self, *threads: Thread) -> None:
        self.threads = list(threads)
        self.all: list[Incoming] = []
        self.position: str | None = None
        self.fails = 0

    def receive(self, incoming: Incoming) -> None:
        """Keep something."""
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the database is away")
        if isinstance(incoming, IncomingMessage) and incoming.id in {each.id for each in self.of(IncomingMessage)}:
            return
        self.all.append(incoming)

    def cursor(self) -> str | None:
        """The position."""
        return self.position

    def save_cursor(self, cursor: str) -> None:
        """Keep the position."""
        self.position = cursor

    def open_threads(self) -> Sequence[tuple[Thread, str | None]]:
        """The open threads."""
        return [(thread, None) for thread in self.threads]

    def of(self, kind: type[T]) -> list[T]:
        """What came of one kind."""
        return [each for each in list(self.all) if isinstance(each, kind)]

    def texts(self) -> list[str]:
        """The texts of messages."""
        return [message.text for message in self.of(IncomingMessage)]

    def changes(self) -> list[str]:
        """What happened to threads."""
        return [change.change for change in self.of(IncomingThreadChange)]

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = 15.0) -> None:
        """Wait until something has come in."""
        wait_until(condition, what, timeout, lambda: self.all)

    def wait_texts(self, *texts: str, timeout: float = 15.0) -> None:
        """Wait until exactly these texts have come in."""
        self.wait(lambda: self.texts() == list(texts), f"{texts}", timeout)


class Listening:
    """An inbound road that runs.

    :ivar failure: what ended it.
    """

    def __init__(self, platform: DiscordPlatform, receiver: Receiver, silence: float = 60.0) -> None:
        self._inbound = DiscordInbound(platform, silence)
        self._receiver = receiver
        self._stopping = threading.Event()
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self._run, name="listening")
        self.thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self.thread.join(15)

    def _run(self) -> None:
        try:
            self._inbound.run(self._receiver, lambda seconds: not self._stopping.wait(seconds or 0.0))
        except Exception as error:
            self.failure = error


def wait_live(server: FakeDiscord, kept: Kept, thread: Thread) -> None:
    """Wait until the road is connected and has caught up, so that events come in live."""
    server.wait_connected()
    server.type(thread.id)
    kept.wait(lambda: kept.of(IncomingTyping), "a live event")


@contextmanager
def listening(platform: DiscordPlatform, receiver: Receiver, silence: float = 60.0) -> Iterator[Listening]:
    """Run an inbound road in a thread."""
    made = Listening(platform, receiver, silence)
    try:
        yield made
    finally:
        made.stop()
