"""What one process receives from Discord while it has the lease: events in their order, each until it is stored."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from ..platform import (
    Incoming,
    IncomingThreadChange,
    PlatformError,
    Post,
    Receiver,
    Refused,
    ThreadGone,
    Throttled,
    Unanswered,
    Unreachable,
)
from .catch_up import CatchUp
from .checks import INTENT_MISSING
from .events import Events
from .gateway_thread import ADDRESS_WANTED, Item
from .names import Names
from .platform import DiscordPlatform
from .snowflakes import number

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")

#: Seconds between two looks for new events.
POLL = 0.05
#: Seconds between two calls that renew the lease, at most.
STEP = 1.0
#: The first and the longest wait in seconds before something is tried again.
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
#: How often something is stored again before it is left out, because all that follows waits for it.
STORE_ATTEMPTS = 10
#: Seconds between two saves of the position.
SAVE_INTERVAL = 5.0
#: Seconds between two posts that tell operators that Discord hides their texts.
HIDDEN_INTERVAL = 3600.0


class NotWanted(Exception):
    """Another process has the lease, or this one stops."""


class Session:
    """Stores what the Gateway told.

    :param is_wanted: see `Inbound.run`.
    :ivar give_address: called with the address of the Gateway when its thread wants it.
    :ivar newest: the id of the newest message that was seen. Discord's ids are in the order of time over all threads,
        so this is the position from which another process goes on.
    """

    def __init__(self, platform: DiscordPlatform, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        self.platform = platform
        self.receiver = receiver
        self._is_wanted = is_wanted
        self._items: deque[Item] = deque()
        self.names = Names()
        self._events: Events | None = None
        self.newest = 0
        self._saved = 0
        self._saved_at = 0.0
        self._told_hidden_at: float | None = None
        self.give_address: Callable[[str], None] = lambda url: None

    def put(self, item: Item) -> None:
        """Take an event or a final error. Called by the thread of the Gateway."""
        self._items.append(item)

    def work(self) -> None:
        """Store events in their order.

        :raises NotWanted: when it is no longer wanted.
        :raises PlatformError: if Discord refuses the connection for good.
        """
        while True:
            # The Gateway's thread wakes nobody, because under gevent it can't wake a greenlet.
            self._go_on(0.0 if self._items else POLL)
            if self._items:
                item = self._items.popleft()
                if isinstance(item, Exception):
                    raise item
                self._take(*item)
            self._save_sometimes()

    def save(self) -> None:
        """Save the position.

        :raises Exception: if another process goes on meanwhile. It begins earlier, and stores nothing twice.
        """
        self._saved_at = time.monotonic()
        if self.newest > self._saved:
            self.receiver.save_cursor(str(self.newest))
            self._saved = self.newest

    def _save_sometimes(self) -> None:
        if time.monotonic() >= self._saved_at + SAVE_INTERVAL:
            self.save()

    def _take(self, event: str, data: Mapping[str, Any]) -> None:
        if event == ADDRESS_WANTED:
            self.give_address(self.patiently(self._find_address))
        elif event == "READY":
            self._events = Events(self.names, str(data["user"]["id"]), self._look_up)
            # Events of a new session begin now, so what was written before is fetched.
            CatchUp(self.platform.client, self.receiver, self._events, self).run()
        elif self._events is not None:
            self.read(self._events, lambda events: events.read(event, data))
        if event == "MESSAGE_CREATE":
            self.newest = max(self.newest, number(data.get("id")))

    def read(self, events: Events, read: Callable[[Events], Sequence[Incoming]]) -> None:
        """Read something that Discord told, and store it.

        :raises NotWanted: when it is no longer wanted.
        """
        try:
            found = self.patiently(lambda: read(events))
        except (KeyError, TypeError, ValueError, AttributeError):
            logger.exception("Something that Discord told could not be read.")
            return
        for incoming in found:
            self.store(incoming)
        self._tell_if_hidden(events)

    def store(self, incoming: Incoming) -> None:
        """Store something before anything that follows it, so that all stays in order.

        :raises NotWanted: when it is no longer wanted.
        """
        for attempt in range(STORE_ATTEMPTS):
            try:
                self.receiver.receive(incoming)
                return self._mark_open(incoming)
            except Exception:
                logger.exception("What an operator did on Discord could not be stored. Attempt %d.", attempt + 1)
                self._pause(min(FIRST_WAIT * 2**attempt, LONGEST_WAIT))
        # The database works, else the lease would be lost by now. So only this one can't be stored.
        logger.error("What an operator did on Discord was left out after %d attempts.", STORE_ATTEMPTS)

    def _mark_open(self, incoming: Incoming) -> None:
        if isinstance(incoming, IncomingThreadChange) and incoming.change == "reopened":
            # Else it would still look like one that the bridge has closed.
            with suppress(PlatformError):
                self.platform.reopen(incoming.thread)

    def patiently(self, action: Callable[[], T]) -> T:
        """Do something, and do it again while Discord can't be reached or asks to wait.

        :raises NotWanted: when it is no longer wanted.
        :raises PlatformError: if Discord refuses it.
        """
        wait = FIRST_WAIT
        while True:
            try:
                return action()
            except Throttled as throttled:
                self._pause(throttled.after)
            except (Unreachable, Unanswered) as error:
                logger.warning("Discord can't be asked now: %s", error)
                self._pause(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._go_on(min(left, STEP))
        self._go_on(0.0)

    def _go_on(self, seconds: float) -> None:
        if not self._is_wanted(seconds):
            raise NotWanted

    def _find_address(self) -> str:
        found = self.platform.client.get("/gateway/bot")
        limit = found["session_start_limit"]
        if int(limit["remaining"]) <= 0:
            raise Throttled(int(limit["reset_after"]) / 1000)
        return str(found["url"])

    def _look_up(self, channel: str) -> Mapping[str, Any] | None:
        try:
            found = self.platform.client.get(f"/channels/{channel}")
        except (ThreadGone, Refused):
            return None
        return found if isinstance(found, dict) else None

    def _tell_if_hidden(self, events: Events) -> None:
        thread, events.hidden = events.hidden, None
        if thread is None:
            return
        now = time.monotonic()
        if self._told_hidden_at is not None and now < self._told_hidden_at + HIDDEN_INTERVAL:
            return
        self._told_hidden_at = now
        logger.error("%s", INTENT_MISSING)
        try:
            self.platform.post(thread, Post(key=f"hidden{thread.id}"[:25], text=INTENT_MISSING))
        except PlatformError:
            logger.warning("Operators on Discord could not be told that their texts are hidden.")
