"""`ThreadCalls` makes calls about one conversation's thread, and mends the thread where the platform asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from .. import clock
from ..bounds import is_external_id
from ..chat import bridge_state, bridge_threads
from ..chat.bridge_threads import KnownThread
from ..db import Database
from .platform import ChannelMoved, Platform, PlatformError, Thread, ThreadClosed, ThreadsFull, Unanswered, Unreachable

logger = logging.getLogger("flask_pocketping")

T = TypeVar("T")

#: How often one call is mended before it counts as failed.
_MENDS = 3


class ThreadCalls:
    """Calls about the thread of one conversation.

    :param configured: the id of the chat in the settings.
    :ivar calls: the number of requests so far.
    :ivar reopened: whether the thread was closed and had to be opened.
    """

    def __init__(self, db: Database, platform: Platform, session_id: str, configured: str) -> None:
        self._db = db
        self._platform = platform
        self._session_id = session_id
        self._configured = configured
        self.calls = 0
        self.reopened = False
        with db.read() as connection:
            found = bridge_threads.thread_of(connection, platform.name, session_id)
        self.known: KnownThread | None = found if found is None or found.state != "deleted" else None

    @property
    def thread(self) -> Thread:
        """The thread of the conversation, which has one."""
        assert self.known is not None
        return Thread(self.known.channel, self.known.thread_id)

    def keep(self, thread: Thread) -> None:
        """Store a new thread of the conversation.

        :raises PlatformError: if the tables can't keep its id.
        """
        name = self._platform.name
        if not (is_external_id(thread.channel) and is_external_id(thread.id)):
            raise PlatformError(f"{self._platform.label} gave the thread an id that can't be stored.")
        self.known = bridge_threads.keep_thread(self._db, name, self._session_id, thread.channel, thread.id)

    def forget(self) -> None:
        """Take note that the thread is gone."""
        self.known = None

    def keepable(self, ids: Sequence[str]) -> list[str]:
        """Return the ids that the tables can keep. A post without one can't be edited or deleted later."""
        found = [external_id for external_id in ids if is_external_id(external_id)]
        if len(found) < len(ids):
            logger.warning("A post of %s has an id that can't be stored.", self._platform.name)
        return found

    def call(self, work: Callable[[], T]) -> T:
        """Make a call. If the thread is closed, the chat has moved or there are too many threads, mend it and repeat.

        :raises PlatformError: if it fails otherwise.
        """
        for _ in range(_MENDS):
            self.calls += 1
            try:
                return work()
            except (ThreadClosed, ChannelMoved, ThreadsFull) as error:
                self._mend(error)
        raise Unreachable("The thread could not be mended.")

    def _mend(self, error: PlatformError) -> None:
        self.calls += 1
        try:
            if isinstance(error, ThreadClosed):
                self._platform.reopen(self.thread)
                self.reopened = True
            elif isinstance(error, ChannelMoved):
                self._move(error.channel)
            else:
                self._archive_quietest()
        except Unanswered as unanswered:
            # It can be repeated, unlike the call that it is for.
            raise Unreachable(str(unanswered)) from None

    def _move(self, channel: str) -> None:
        name, before = self._platform.name, self._platform.channel
        if not is_external_id(channel):
            raise PlatformError(f"{self._platform.label} gave the chat an id that can't be stored.")
        logger.warning("The chat of the bridge %s has a new id, %s. Update the settings.", name, channel)
        if self.known is not None:
            before = self.known.channel
            self.known = replace(self.known, channel=channel)
        bridge_state.note_move(self._db, name, self._configured, before, channel)
        self._platform.channel = channel

    def _archive_quietest(self) -> None:
        name = self._platform.name
        with self._db.read() as connection:
            found = bridge_threads.quietest(connection, name, self._session_id)
        if found is None:
            raise PlatformError("There are too many open threads, and none of them is ours.")
        self._platform.close(Thread(found.channel, found.thread_id))
        with self._db.transaction() as tx:
            # It opens itself with the next post.
            bridge_threads.change_thread(tx, name, found.session_id, used_at=clock.now())
