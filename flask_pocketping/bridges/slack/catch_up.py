"""Takes in what was written in Slack while nothing received events: reads the open threads again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

from ... import clock
from ..platform import IncomingThreadChange, Receiver, Thread
from .client import SlackClient
from .errors import HOPELESS, SlackRefused
from .events import EventReader, is_tombstone
from .posting import NO_THREAD

#: How far the saved time goes back, in seconds, because clocks differ and an event may be under way.
OVERLAP = 60
#: Seconds between reading two threads. Slack allows about 50 requests in a minute.
PAUSE = 1.2
#: How many roots of a channel are looked at, to leave out threads in which nothing is new.
MAX_ROOTS = 1000


class Stopped(Exception):
    """The process is no longer wanted as receiver."""


class CatchUp:
    """Reads what is new in the threads that were open at the beginning.

    :param client: calls Slack.
    :param reader: converts messages.
    :param receiver: takes them in.
    :param is_wanted: see `Inbound.run`.
    :param pause: seconds after each thread that `step` reads.
    """

    def __init__(
        self,
        client: SlackClient,
        reader: EventReader,
        receiver: Receiver,
        is_wanted: Callable[[float], bool],
        pause: float = PAUSE,
    ) -> None:
        self._client = client
        self._reader = reader
        self._receiver = receiver
        self._is_wanted = is_wanted
        self._pause = pause
        since = receiver.cursor() or ""
        self._since = since
        self._is_listed = False
        #: The open threads that are not read yet, each with the message after which to read.
        self._waiting = {thread: _earlier(newest, since) for thread, newest in receiver.open_threads()}
        self._began = clock.now()

    def step(self) -> bool:
        """Read one thread, and return whether there are more. At the end, save the time up to which all is known."""
        if not self._is_listed and self._since and len(self._waiting) > 1:
            self._drop_unchanged()
        self._is_listed = True
        thread = next(iter(self._waiting), None)
        if thread is not None:
            self.read(thread)
            self.wait(self._pause)
        if not self._waiting:
            known = f"{(self._began - timedelta(seconds=OVERLAP)).timestamp():.6f}"
            self._receiver.save_cursor(max(known, self._since, key=_number))
        return bool(self._waiting)

    def read(self, thread: Thread) -> None:
        """Read a thread, unless it is read already.

        An event must not be taken in before this, because it would hide what was written before it.

        :raises PlatformError: if it can't be read now. One that Slack refuses is left out, for example because the bot
            is no member of its channel any more.
        """
        if thread not in self._waiting:
            return
        try:
            self._take_in(thread, self._waiting[thread])
        except SlackRefused as error:
            if error.code in HOPELESS:
                raise
            if error.code in NO_THREAD:
                self._receiver.receive(IncomingThreadChange(thread, "deleted"))
        del self._waiting[thread]

    def wait(self, seconds: float) -> None:
        """Wait.

        :raises Stopped: if the process is no longer wanted.
        """
        left = seconds
        while left > 0:
            if not self._is_wanted(min(left, 4.0)):
                raise Stopped
            left -= 4.0

    def _drop_unchanged(self) -> None:
        """Leave out threads without a reply since the saved time, which one request tells of many."""
        channel = next(iter(self._waiting)).channel
        first = min((thread.id for thread in self._waiting if thread.channel == channel), key=_number)
        try:
            for message in itertools.islice(self._client.history(channel, first), MAX_ROOTS):
                newest = message.get("latest_reply") if message.get("reply_count") else message.get("ts")
                if not is_tombstone(message) and isinstance(newest, str) and _number(newest) <= _number(self._since):
                    self._waiting.pop(Thread(channel, str(message.get("ts"))), None)
        except SlackRefused as error:
            if error.code in HOPELESS:
                raise

    def _take_in(self, thread: Thread, oldest: str | None) -> None:
        for number, message in enumerate(self._client.replies(thread.channel, thread.id, oldest)):
            if not number and is_tombstone(message):
                self._receiver.receive(IncomingThreadChange(thread, "deleted"))
            incoming = self._reader.message(thread.channel, message)
            if incoming is not None:
                self._receiver.receive(incoming)


def _earlier(newest: str | None, since: str) -> str | None:
    """Return the earlier of the newest known message of a thread and the time up to which all is known."""
    return min(newest, since, key=_number) if newest and since else newest


def _number(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
