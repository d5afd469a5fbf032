"""Fetches what was written in open threads while nobody was connected to the Gateway."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from ..platform import Incoming, IncomingThreadChange, Receiver, Refused, Thread, ThreadGone
from .client import DiscordClient
from .events import Events
from .snowflakes import number, snowflake_at, time_of
from .states import parse_time, thread_change

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")

#: How much earlier than the position it begins, because events of different threads may come out of order.
OVERLAP = timedelta(minutes=2)
#: How many messages or threads Discord returns at once.
PAGE = 100


class Storing(Protocol):
    """What `CatchUp` needs of the session."""

    newest: int

    def read(self, events: Events, read: Callable[[Events], Sequence[Incoming]]) -> None:
        """Read something and store it."""

    def store(self, incoming: Incoming) -> None:
        """Store something."""

    def patiently(self, action: Callable[[], T]) -> T:
        """Do something until Discord answers."""


class CatchUp:
    """Reads the threads that have changed since the position that was saved, with few requests for the others."""

    def __init__(self, client: DiscordClient, receiver: Receiver, events: Events, session: Storing) -> None:
        self._client = client
        self._receiver = receiver
        self._events = events
        self._session = session

    def run(self) -> None:
        """Store what is new. Threads that Discord refuses to show are left out."""
        cursor = max(number(self._receiver.cursor()), self._session.newest)
        since = snowflake_at(time_of(str(cursor)) - OVERLAP) if cursor else 0
        threads = [thread for thread, _ in self._receiver.open_threads()]
        changed: dict[str, Mapping[str, Any]] = {}
        for channel in sorted({thread.channel for thread in threads}):
            try:
                changed |= self._changed_threads(channel, since)
            except (Refused, ThreadGone) as error:
                logger.warning("What operators wrote on Discord in the meantime could not be fetched: %s", error)
        for thread in threads:
            if thread.id in changed:
                self._read_thread(thread, changed[thread.id], since)
        self._session.newest = max(self._session.newest, cursor)

    def _read_thread(self, thread: Thread, found: Mapping[str, Any], since: int) -> None:
        # Without a position, the whole thread is read. What is stored already is not stored again.
        after = since or number(thread.id) - 1
        if number(found.get("last_message_id")) > after:
            for message in self._messages(thread, after):
                if not self._events.is_own(message):
                    self._session.read(self._events, lambda events: events.read_message(message, thread))  # noqa: B023
                self._session.newest = max(self._session.newest, number(message.get("id")))
        if (change := thread_change(found)) is not None:
            self._session.store(IncomingThreadChange(thread, change))

    def _changed_threads(self, channel: str, since: int) -> dict[str, Mapping[str, Any]]:
        """Return the threads that are active, or were archived after an id. All others have nothing new."""
        guild = self._get(f"/channels/{channel}")["guild_id"]
        active = self._get(f"/guilds/{guild}/threads/active")["threads"]
        found = {str(thread["id"]): thread for thread in active}
        moment = time_of(str(since)) if since else None
        for thread in self._archived(channel, moment):
            found.setdefault(str(thread["id"]), thread)
        return found

    def _archived(self, channel: str, since: datetime | None) -> Iterator[Mapping[str, Any]]:
        before: dict[str, str] = {}
        while True:
            page = self._get(f"/channels/{channel}/threads/archived/public", limit=str(PAGE), **before)
            for thread in page["threads"]:
                archived_at = str(thread["thread_metadata"]["archive_timestamp"])
                moment = parse_time(archived_at)
                if since is not None and moment is not None and moment < since:
                    return
                before = {"before": archived_at}
                yield thread
            if not page.get("has_more") or not page["threads"]:
                return

    def _messages(self, thread: Thread, after: int) -> Iterator[Mapping[str, Any]]:
        """Yield the messages of a thread after an id, oldest first."""
        while True:
            try:
                page = self._get(f"/channels/{thread.id}/messages", after=str(after), limit=str(PAGE))
            except ThreadGone:
                self._session.store(IncomingThreadChange(thread, "deleted"))
                return
            except Refused as error:
                logger.warning("The messages of a thread on Discord could not be fetched: %s", error)
                return
            page = sorted(page, key=lambda message: number(message["id"]))
            yield from page
            if len(page) < PAGE:
                return
            after = number(page[-1]["id"])

    def _get(self, path: str, **params: str) -> Any:
        return self._session.patiently(lambda: self._client.get(path, **params))
