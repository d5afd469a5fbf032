"""`BridgeReceiver` takes in what a platform's inbound road has received: it checks what is for us, and stores it once.

Messages that need nothing else are stored at once. Others become deliveries to the chat, which the worker makes: those
with files or commands, albums, what may still be taken back, and whatever comes after such a one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from ..bounds import is_external_id
from ..chat import bridge_posts, bridge_state, bridge_threads
from ..chat.bridge_posts import IN, Item
from ..chat.bridge_threads import KnownThread
from ..chat.sessions import close_session, get_session, reopen_session
from ..db import Database, Transaction, retried
from ..errors import SessionNotFound
from ..outbox import cancel
from ..values import DeliveryState
from . import incoming
from .commands import is_command
from .intake import Intake
from .lines import add_line
from .platform import (
    Author,
    Incoming,
    IncomingDelete,
    IncomingEdit,
    IncomingMessage,
    IncomingThreadChange,
    IncomingTyping,
    Platform,
    Thread,
)

logger = logging.getLogger("flask_pocketping")

#: How long the parts of an album are gathered.
GATHER = timedelta(seconds=1.2)

_ALERTS_ONLY = "This thread is for alerts only: nothing written here reaches the visitor. Reply in the inbox."


class BridgeReceiver:
    """Takes in what comes from one platform.

    :param owner: the name of the process, which holds the lease of the inbound road.
    :param intake: stores messages.
    :param test_bots: the ids of bots that count as operators.
    :param undo_seconds: for so many seconds a message may be taken back before the visitor has it.
    :param alerts_only: whether nothing that comes in reaches a visitor.
    :param show_typing: called with the id of a conversation and the operator who is typing.
    :param give_notice: called with the id of a conversation and a sentence for operators about its trouble here.
    """

    def __init__(
        self,
        db: Database,
        platform: Platform,
        intake: Intake,
        *,
        owner: str,
        test_bots: Sequence[str] = (),
        undo_seconds: float = 0.0,
        alerts_only: bool = False,
        show_typing: Callable[[str, Author], None] = lambda session_id, author: None,
        give_notice: Callable[[str, str], None] = lambda session_id, notice: None,
    ) -> None:
        self._db = db
        self._platform = platform
        self._name = platform.name
        self._configured = platform.channel
        self._intake = intake
        #: The name of the process, which holds the lease of the inbound road.
        self.owner = owner
        self._test_bots = frozenset(test_bots)
        self._undo = timedelta(seconds=undo_seconds)
        self._alerts_only = alerts_only
        self._show_typing = show_typing
        self._give_notice = give_notice

    # --- For the inbound road

    def receive(self, received: Incoming) -> None:
        """Take something in. When this returns, it is stored or need not be.

        What can't be taken in now becomes a delivery to the chat, because it must not hold up all that comes after it.
        """
        if not all(map(is_external_id, _ids(received))):
            self._leave_out(received)
            return
        try:
            self._take(received)
        except Exception as error:
            if not isinstance(received, IncomingMessage | IncomingEdit | IncomingDelete):
                raise
            # While the database fails, this fails too. Then the platform or the inbound road repeats it.
            retried(lambda: self._set_aside(received))
            logger.warning(
                "Something from %s could not be taken in at once (%s). The worker tries it again.",
                self._name,
                type(error).__name__,
            )

    def _take(self, received: Incoming) -> None:
        if isinstance(received, IncomingMessage):
            retried(lambda: self._take_message(received))
        elif isinstance(received, IncomingEdit):
            retried(lambda: self._take_edit(received))
        elif isinstance(received, IncomingDelete):
            retried(lambda: self._take_delete(received))
        elif isinstance(received, IncomingTyping):
            known = self._thread(received.thread)
            if known is not None and self._counts(received.author):
                self._show_typing(known.session_id, received.author)
        else:
            self._take_change(received)

    def cursor(self) -> str | None:
        """Return the position that was last saved."""
        return bridge_state.read_cursor(self._db, self._name)

    def save_cursor(self, cursor: str) -> None:
        """Save a position.

        :raises RuntimeError: if another process goes on meanwhile.
        """
        if not bridge_state.save_cursor(self._db, self._name, self.owner, cursor):
            raise RuntimeError("Another process has taken over.")

    def open_threads(self) -> Sequence[tuple[Thread, str | None]]:
        """Return the open threads, each with the id of the newest message of it that came in."""
        with self._db.read() as connection:
            found = bridge_threads.open_threads(connection, self._name)
        return [(Thread(known.channel, known.thread_id), known.newest_id) for known in found]

    # --- Messages

    def _take_message(self, message: IncomingMessage) -> None:
        known = self._thread(message.thread)
        if known is None or not self._counts(message.author):
            return
        with self._db.read() as connection:
            # A repeat, or a post of ours.
            if self._stored(connection, message):
                return
            waits = bool(bridge_posts.open_jobs(connection, self._name, known.session_id))
        if self._alerts_only and not is_command(message.text):
            self._warn(known)
        elif message.files or message.group or is_command(message.text) or waits or self._undo:
            self._enqueue(known, message)
        else:
            self._intake.store(known.session_id, message)
        bridge_threads.note_newest(self._db, self._name, message.thread.channel, message.thread.id, message.id)

    def _stored(self, connection: Any, message: IncomingMessage) -> bool:
        found = bridge_posts.find_item(connection, self._name, message.thread.channel, message.id)
        if not found or not found[0].incoming or found[0].message_id is None:
            return bool(found)
        # Of a long message, some parts may be missing.
        return len(found) >= len(self._intake.parts(message.text))

    def _leave_out(self, received: Incoming) -> None:
        """Leave out what has an id that the tables can't keep, and tell operators if it is a message of theirs."""
        logger.warning("Something from %s is left out: the platform's id can't be stored.", self._name)
        if not isinstance(received, IncomingMessage) or not self._counts(received.author):
            return
        place = received.thread
        if is_external_id(place.channel) and is_external_id(place.id) and (known := self._thread(place)) is not None:
            notice = f"A message from {self._platform.label} did not reach the visitor: its id can't be stored."
            self._give_notice(known.session_id, notice)

    def _set_aside(self, received: IncomingMessage | IncomingEdit | IncomingDelete) -> None:
        if isinstance(received, IncomingMessage):
            known = self._thread(received.thread)
            if known is not None:
                self._enqueue(known, received)
                bridge_threads.note_newest(self._db, self._name, known.channel, known.thread_id, received.id)
            return
        with self._db.read() as connection:
            items = bridge_posts.find_item(connection, self._name, received.channel, received.id)
        if items:
            self._add_job(items[0].session_id, _payload(received))

    def _enqueue(self, known: KnownThread, message: IncomingMessage) -> None:
        project_id = get_session(self._db, known.session_id).project_id
        channel, ids = message.thread.channel, (message.id, *message.more_ids)
        with suppress(IntegrityError), self._db.transaction() as tx:
            # Of a long message, some parts may be stored. Then only a repeat that nothing waits for goes on.
            if self._is_begun(tx, channel, message.id):
                if self._waits(tx, known.session_id, message.id):
                    return
            else:
                for position, external_id in enumerate(ids):
                    bridge_posts.add_item(
                        *(tx, self._name, channel, external_id, known.session_id, None),
                        position=position,
                        incoming=True,
                    )
            due = self._due(tx, known.session_id, message)
            payload = incoming.dump(message)
            bridge_posts.add_job(tx, project_id, self._name, IN, known.session_id, payload, due)

    def _is_begun(self, tx: Transaction, channel: str, external_id: str) -> bool:
        """Return whether some parts of a message are stored."""
        found = bridge_posts.find_item(tx.connection, self._name, channel, external_id)
        return any(item.message_id is not None for item in found)

    def _waits(self, tx: Transaction, session_id: str, external_id: str) -> bool:
        """Return whether a message waits for the worker."""
        jobs = bridge_posts.open_jobs(tx.connection, self._name, session_id)
        return any(True for _ in _jobs_of(jobs, external_id))

    def _due(self, tx: Transaction, session_id: str, message: IncomingMessage) -> datetime | timedelta | None:
        """Return when a message is dealt with: the parts of an album at the same time."""
        if message.group:
            for job in bridge_posts.open_jobs(tx.connection, self._name, session_id):
                same = json.loads(job["payload"] or "{}").get("group") == message.group
                if same and job["state"] == DeliveryState.PENDING:
                    due: datetime = job["due_at"]
                    return due
        wait = max(self._undo, GATHER if message.group else timedelta())
        if is_command(message.text):
            wait = timedelta()
        return wait or None

    def _warn(self, known: KnownThread) -> None:
        if known.warned:
            return
        project_id = get_session(self._db, known.session_id).project_id
        with self._db.transaction() as tx:
            bridge_threads.change_thread(tx, self._name, known.session_id, warned=True)
            add_line(tx, project_id, self._name, known.session_id, _ALERTS_ONLY)

    # --- Edits and deletions

    def _take_edit(self, edit: IncomingEdit) -> None:
        if edit.author is not None and not self._counts(edit.author):
            return
        with self._db.read() as connection:
            items = bridge_posts.find_item(connection, self._name, edit.channel, edit.id)
            if not items or not items[0].incoming:
                return
            jobs = bridge_posts.open_jobs(connection, self._name, items[0].session_id)
        for job, payload in _jobs_of(jobs, edit.id):
            if self._rewrite(job["id"], payload, items[0], edit):
                return
        if jobs:
            self._add_job(items[0].session_id, _payload(edit))
        else:
            self._intake.edit(edit.channel, edit.id, edit.text, edit.version)

    def _rewrite(self, job_id: int, payload: dict[str, Any], item: Item, edit: IncomingEdit) -> bool:
        """Change the text of a message that still waits, and return whether that settles the edit."""
        try:
            with self._db.transaction() as tx:
                is_new = edit.version is None or bridge_posts.note_edit(tx, item, self._name, edit.version)
                if is_new and not bridge_posts.rewrite_job(tx, job_id, _with_text(payload, edit.text)):
                    raise _UnderWay
        except _UnderWay:
            return False
        return True

    def _take_delete(self, deletion: IncomingDelete) -> None:
        if deletion.author is not None and not self._counts(deletion.author):
            return
        with self._db.read() as connection:
            items = bridge_posts.find_item(connection, self._name, deletion.channel, deletion.id)
            if not items or not items[0].incoming:
                return
            jobs = bridge_posts.open_jobs(connection, self._name, items[0].session_id)
        for job, _ in _jobs_of(jobs, deletion.id):
            if job["state"] == DeliveryState.PENDING:
                with self._db.transaction() as tx:
                    taken_back = cancel(tx, self._name, only=job["id"])
                if taken_back:
                    return
        if jobs:
            self._add_job(items[0].session_id, _payload(deletion))
        else:
            self._intake.delete(deletion.channel, deletion.id)

    def _add_job(self, session_id: str, payload: dict[str, Any]) -> None:
        project_id = get_session(self._db, session_id).project_id
        with self._db.transaction() as tx:
            bridge_posts.add_job(tx, project_id, self._name, IN, session_id, json.dumps(payload))

    # --- The rest

    def _take_change(self, change: IncomingThreadChange) -> None:
        if change.change == "moved" and change.moved_to:
            before = change.thread.channel
            if before in {self._platform.channel, self._configured}:
                bridge_state.note_move(self._db, self._name, self._configured, before, change.moved_to)
                self._platform.channel = change.moved_to
            return
        known = self._thread(change.thread)
        if known is None or (self._alerts_only and change.change != "deleted"):
            return
        with suppress(SessionNotFound):
            if change.change == "closed":
                close_session(self._db, known.session_id)
            elif change.change == "reopened":
                reopen_session(self._db, known.session_id)
            elif change.change == "deleted":
                with self._db.transaction() as tx:
                    bridge_threads.change_thread(tx, self._name, known.session_id, state="deleted")

    def _thread(self, thread: Thread) -> KnownThread | None:
        with self._db.read() as connection:
            return bridge_threads.thread_at(connection, self._name, thread.channel, thread.id)

    def _counts(self, author: Author) -> bool:
        """Return whether somebody is an operator: a person, or a bot for tests."""
        return not author.is_bot or author.id in self._test_bots


class _UnderWay(Exception):
    """The worker deals with it just now."""


def _ids(received: Incoming) -> list[str]:
    """Return the platform's ids that name something that came in."""
    if isinstance(received, IncomingMessage):
        return [received.thread.channel, received.thread.id, received.id, *received.more_ids]
    if isinstance(received, IncomingEdit | IncomingDelete):
        return [received.channel, received.id]
    if isinstance(received, IncomingTyping):
        return [received.thread.channel, received.thread.id]
    if received.moved_to is not None:
        return [received.thread.channel, received.moved_to]
    return [received.thread.channel, received.thread.id]


def _jobs_of(jobs: Sequence[Mapping[str, Any]], external_id: str) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
    """Yield the deliveries to the chat that are to store a message of the platform, each with its payload."""
    for job in jobs:
        payload = json.loads(job["payload"] or "{}")
        if payload.get("message", {}).get("id") == external_id:
            yield job, payload


def _payload(change: IncomingEdit | IncomingDelete) -> dict[str, Any]:
    """Return what a delivery to the chat keeps of an edit or a deletion."""
    made = {"channel": change.channel, "id": change.id}
    if isinstance(change, IncomingDelete):
        return {"kind": "delete", **made}
    return {"kind": "edit", **made, "text": change.text, "version": change.version}


def _with_text(payload: dict[str, Any], text: str) -> str:
    return json.dumps({**payload, "message": {**payload["message"], "text": text}})
