"""`Bridges`, all bridges of one app: their targets for the worker, and the inbound roads that run beside it."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import select

from .. import clock
from ..chat import bridge_threads, notes
from ..chat.bridge_posts import OUT
from ..chat.messages import messages
from ..chat.sessions import get_session
from ..db import Database
from ..delivery.pace import seconds_until_free
from ..errors import SessionNotFound
from ..files.store import Files
from ..values import BridgeThread, MessageDraft, Session
from .commands import Command
from .intake import Intake
from .links import Links
from .planning import Opener
from .platform import Author, Connection, Platform, PlatformError, Thread
from .receiver import BridgeReceiver
from .runner import LEASE, InboundRunner
from .target import BridgeTarget

logger = logging.getLogger("flask_pocketping")

#: Seconds between two signs of one visitor's typing, and how many are under way at once.
TYPING = 4.0
TYPING_AT_ONCE = 4
#: How long operators are not told again of the same trouble in one conversation.
QUIET = timedelta(hours=1)

Run = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Bridge:
    """One bridge: a platform, its target, what takes in what comes from it, and the addresses of its threads."""

    connection: Connection
    target: BridgeTarget
    receiver: BridgeReceiver
    links: Links

    @property
    def platform(self) -> Platform:
        """The platform."""
        return self.connection.platform


class Bridges:
    """The bridges of one app.

    :param connections: the platforms that the settings connect.
    :param files: the files of the app, if it has any.
    :param open_file: opens the bytes of an attachment.
    :param context: returns what the host app says of a visitor.
    :param before: sends the signal `message_received`.
    :param commands: the commands that the host has registered.
    :param announce: told the ids of a conversation and its messages whose state has changed.
    :param show_typing: called with the project, the conversation and the operator who is typing.
    """

    def __init__(
        self,
        db: Database,
        connections: Sequence[Connection],
        *,
        files: Files | None,
        open_file: Opener,
        context: Callable[[Session], Sequence[Mapping[str, Any]]] = lambda session: (),
        before: Callable[[MessageDraft], None] | None = None,
        commands: Mapping[str, Command] | None = None,
        announce: Callable[[str, Sequence[str]], None] = lambda session_id, message_ids: None,
        show_typing: Callable[[str, str, Author], None] = lambda project_id, session_id, author: None,
        test_bots: Sequence[str] = (),
        undo_seconds: float = 0.0,
        alerts_only: Sequence[str] = (),
        lease: float = LEASE,
    ) -> None:
        self._db = db
        self._lease = lease
        self._show_operator_typing = show_typing
        self._owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._runners: list[InboundRunner] = []
        self._typed_at: dict[str, float] = {}
        self._typing = threading.BoundedSemaphore(TYPING_AT_ONCE)
        self.bridges: dict[str, Bridge] = {}
        for connection in connections:
            platform = connection.platform
            intake = Intake(db, platform, files=files, before=before, own_commands=commands)
            give_notice = self._notice_of(platform)
            target = BridgeTarget(
                db,
                platform,
                work=intake.work,
                open_file=open_file,
                context=context,
                announce=announce,
                give_notice=give_notice,
            )
            intake.built_in.header = target.header
            receiver = BridgeReceiver(
                db,
                platform,
                intake,
                owner=self._owner,
                test_bots=test_bots,
                undo_seconds=undo_seconds,
                alerts_only=platform.name in alerts_only,
                show_typing=self._operator_types,
                give_notice=give_notice,
            )
            self.bridges[platform.name] = Bridge(connection, target, receiver, Links(platform))

    @property
    def targets(self) -> list[BridgeTarget]:
        """The targets of all bridges."""
        return [bridge.target for bridge in self.bridges.values()]

    def __bool__(self) -> bool:
        return bool(self.bridges)

    def start(self, run: Run) -> None:
        """Start the inbound roads that need no public address. Other processes may run them; then these wait.

        :param run: calls a function in the app's context.
        """
        # A forked process has a name of its own.
        owner = self._owner = f"{os.getpid()}-{secrets.token_hex(8)}"
        for name, bridge in self.bridges.items():
            bridge.receiver.owner = owner
            inbound = bridge.connection.inbound
            if inbound is not None:
                runner = InboundRunner(
                    self._db, name, inbound, bridge.receiver, owner=owner, run=run, lease=self._lease
                )
                self._runners.append(runner)
                runner.start()

    def stop(self) -> None:
        """End the inbound roads, so that another process goes on."""
        runners, self._runners = self._runners, []
        for runner in runners:
            runner.ask_to_stop()
        for runner in runners:
            runner.stop()

    def close(self) -> None:
        """Close the connections that are kept open."""
        for bridge in self.bridges.values():
            bridge.platform.close_client()

    def expected_wait(self, connection: DatabaseConnection, bridge: str, ahead: int) -> float:
        """Return the seconds until a bridge posts the next message, by the limits of its platform.

        :param ahead: how many conversations wait before.
        """
        found = self.bridges.get(bridge)
        if found is None:
            return 0.0
        paces = found.target.paces(OUT)
        free = seconds_until_free(connection, paces)
        return free and free + ahead * max(pace.period / pace.limit for pace in paces)

    def threads_of(self, session_id: str) -> tuple[BridgeThread, ...]:
        """Return the threads of a conversation on the bridges that are set up."""
        with self._db.read() as connection:
            found = bridge_threads.threads_of(connection, session_id)
        return tuple(
            BridgeThread(one.bridge, one.state, bridge.links.of(Thread(one.channel, one.thread_id)))
            for one in found
            if (bridge := self.bridges.get(one.bridge)) is not None
        )

    def visitor_types(self, session_id: str) -> None:
        """Show in the threads that the visitor is typing, without waiting for it."""
        now = time.monotonic()
        if not self.bridges or now - self._typed_at.get(session_id, -TYPING) < TYPING:
            return
        if not self._typing.acquire(blocking=False):
            return
        self._typed_at = {known: at for known, at in self._typed_at.items() if now - at < TYPING}
        self._typed_at[session_id] = now
        threading.Thread(
            target=self._show_typing, args=(session_id,), name="pocketping-bridge-typing", daemon=True
        ).start()

    def _show_typing(self, session_id: str) -> None:
        try:
            for bridge in self.bridges.values():
                try:
                    bridge.target.show_typing(session_id)
                except PlatformError as error:
                    logger.debug("%s does not show that a visitor types: %s", bridge.platform.label, error)
        except Exception:
            logger.exception("The bridges could not show that a visitor types.")
        finally:
            self._typing.release()

    def _operator_types(self, session_id: str, author: Author) -> None:
        with suppress(SessionNotFound):
            self._show_operator_typing(get_session(self._db, session_id).project_id, session_id, author)

    def _notice_of(self, platform: Platform) -> Callable[[str, str], None]:
        def give_notice(session_id: str, notice: str) -> None:
            text = notice[:500]
            told = select(messages.c.id).where(
                messages.c.session_id == session_id,
                messages.c.internal,
                messages.c.content == text,
                messages.c.created_at > clock.now() - QUIET,
            )
            with self._db.read() as connection:
                if connection.execute(told.limit(1)).first() is not None:
                    return
            with suppress(SessionNotFound):
                notes.add_note(self._db, session_id, text, source_bridge=platform.name)

        return give_notice
