"""Tests bridges from end to end with a conversation of their own, for `flask pocketping doctor --live`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..chat import bridge_posts, messages, sessions
from ..chat.bridge_threads import thread_of
from ..db import Database
from ..errors import SessionNotFound
from ..values import MessageType, PostState
from .connected import Bridge
from .platform import PlatformError, Thread

#: Seconds for each step of ours, and between two looks.
_STEP = 60.0
_LOOK = 0.2

TEXT = "This is a test of `flask pocketping doctor`. Reply in this thread with any word."


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the test.

    :ivar name: what was done.
    :ivar seconds: how long it took, or `None` if it did not work.
    :ivar problem: what is wrong, if something is.
    """

    name: str
    seconds: float | None = None
    problem: str | None = None


class LiveTest:
    """A test of one bridge.

    :param deliver: makes the deliveries that are due.
    :param wait: seconds that a person has to reply.
    """

    def __init__(self, db: Database, bridge: Bridge, deliver: Callable[[], Any], wait: float = 60.0) -> None:
        self._db = db
        self._bridge = bridge
        self._deliver = deliver
        self._wait = wait
        self._name = bridge.platform.name

    def run(self) -> Iterator[Step]:
        """Post, receive, edit and delete a message. Ends with the first step that does not work."""
        metadata = {"pageTitle": "Test", "userAgent": "flask pocketping doctor"}
        session_id = sessions.open_session(self._db, metadata=metadata).id
        try:
            yield from self._steps(session_id)
        finally:
            sessions.close_session(self._db, session_id)
            self._deliver()

    def _steps(self, session_id: str) -> Iterator[Step]:
        message = messages.send_message(self._db, session_id, TEXT, type=MessageType.VISITOR)
        step = self._step("Post a message", lambda: self._is_posted(message.id), lambda: self._problem(message.id))
        yield step
        if step.problem:
            return
        link = self._link(session_id)
        name = "Receive a reply" + (f" (write one at {link})" if link else "")
        yield Step(f"Waiting up to {self._wait:g} s for a reply in the new thread…")
        step = self._step(name, lambda: self._is_answered(session_id), lambda: "No reply came.", self._wait)
        yield step
        messages.edit_message(self._db, session_id, message.id, f"{TEXT} (edited)")
        yield self._step("Edit the message", lambda: self._is_done(session_id), lambda: "The edit is not done.")
        messages.delete_message(self._db, session_id, message.id)
        yield self._step("Delete the message", lambda: self._is_done(session_id), lambda: "The deletion is not done.")

    def _step(self, name: str, reached: Callable[[], bool], problem: Callable[[], str], wait: float = _STEP) -> Step:
        started = time.monotonic()
        while time.monotonic() - started < wait:
            self._deliver()
            if reached():
                return Step(name, time.monotonic() - started)
            time.sleep(_LOOK)
        return Step(name, problem=problem())

    def _is_posted(self, message_id: str) -> bool:
        return self._state(message_id).get("state") == PostState.SENT

    def _problem(self, message_id: str) -> str:
        found = self._state(message_id)
        return f"It is {found.get('state', 'lost')}: {found.get('reason') or 'without a reason'}"

    def _state(self, message_id: str) -> Mapping[str, Any]:
        with self._db.read() as connection:
            states = bridge_posts.states_of(connection, [message_id]).get(message_id, ())
        return next(({"state": one.state, "reason": one.reason} for one in states if one.bridge == self._name), {})

    def _is_answered(self, session_id: str) -> bool:
        page = messages.list_messages(self._db, session_id, limit=20)
        return any(message.source_bridge == self._name for message in page.messages)

    def _is_done(self, session_id: str) -> bool:
        with self._db.read() as connection:
            return not bridge_posts.has_open(connection, self._name, session_id)

    def _link(self, session_id: str) -> str | None:
        try:
            with self._db.read() as connection:
                found = thread_of(connection, self._name, session_id)
            thread = None if found is None else Thread(found.channel, found.thread_id)
            return None if thread is None else self._bridge.platform.link(thread)
        except (PlatformError, SessionNotFound):
            return None
