"""`Intake` stores what operators wrote on a platform in the conversation, and runs their commands.

The receiver calls it for what can be stored at once, and the worker for the rest, with the batch of its deliveries.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError

from ..bounds import MAX_ATTACHMENTS, MAX_CONTENT, MAX_NAME, is_external_id, storable_part
from ..chat import bridge_posts, bridge_threads, messages
from ..chat.bridge_posts import Item
from ..chat.sessions import get_session, reopen_session
from ..db import Database, Transaction, retried
from ..delivery.batch import Batch
from ..delivery.target import Outcome
from ..errors import (
    APIError,
    InvalidRequest,
    MessageNotFound,
    PayloadTooLarge,
    PocketPingError,
    SessionNotFound,
    Unavailable,
)
from ..files.store import Files
from ..values import Message, MessageDraft, MessageType, SessionStatus
from . import commands, conversation, incoming
from .built_in_commands import BuiltInCommands
from .commands import BridgeCommand, Command
from .lines import add_line
from .platform import (
    IncomingFile,
    IncomingMessage,
    Platform,
    PlatformError,
    Refused,
    Throttled,
    Unanswered,
    Unreachable,
)
from .text import clip, cut

logger = logging.getLogger("flask_pocketping")

#: Attempts to fetch a message's files, about half a minute, in which what was written after it waits.
FILE_ATTEMPTS = 6


class Intake:
    """Stores what came in from one platform.

    :param files: stores files; `None` where files are off.
    :param before: sends the signal `message_received`.
    :param own_commands: the commands that the host has registered.
    :param header: returns the lines about a visitor.
    """

    def __init__(
        self,
        db: Database,
        platform: Platform,
        *,
        files: Files | None,
        before: Callable[[MessageDraft], None] | None = None,
        own_commands: Mapping[str, Command] | None = None,
        header: Callable[[Any], str] = conversation.header_of,
    ) -> None:
        self._db = db
        self._platform = platform
        self._name = platform.name
        self._files = files
        self._before = before
        self.built_in = BuiltInCommands(db, platform.name, self.delete, header, before)
        self._own_commands = {} if own_commands is None else own_commands

    def work(self, batch: Batch) -> Outcome:
        """Do the work of a delivery to the chat."""
        payloads = [json.loads(job.payload or "{}") for job in batch.jobs]
        first = payloads[0]
        try:
            if first["kind"] == "edit":
                self.edit(first["channel"], first["id"], first["text"], first.get("version"))
            elif first["kind"] == "delete":
                self.delete(first["channel"], first["id"])
            else:
                self._take(batch, incoming.gather([incoming.load(payload) for payload in payloads]))
        except SessionNotFound:
            return Outcome.cancelled("The conversation was deleted.")
        except Throttled as error:
            return Outcome.throttled(error.after, str(error))
        except (Unreachable, Unanswered) as error:
            return Outcome.retry(str(error))
        except PlatformError as error:
            return Outcome.failed(str(error))
        except Unavailable as error:
            return Outcome.retry(error.message)
        return Outcome.succeeded()

    # --- Messages

    def store(
        self,
        session_id: str,
        message: IncomingMessage,
        attachment_ids: Sequence[str] = (),
        batch: Batch | None = None,
    ) -> None:
        """Store an operator's message, once: a long text as several messages.

        :param attachment_ids: its files.
        :param batch: the delivery to finish in the transaction that stores the last part.
        """
        if get_session(self._db, session_id).status == SessionStatus.CLOSED:
            reopen_session(self._db, session_id)
        parts = self.parts(message.text)
        try:
            for number, text in enumerate(parts):
                files = attachment_ids if number == 0 else ()
                if text.strip() or files:
                    last = number == len(parts) - 1
                    self._store_part(session_id, message, number, text, files, batch if last else None)
        except InvalidRequest as error:
            self._answer(session_id, message, f"Not sent to the visitor: {error.message}")
            return
        messages.mark_messages(self._db, session_id, reader=MessageType.OPERATOR)

    @staticmethod
    def parts(text: str) -> list[str]:
        """Cut a text into messages."""
        return cut(storable_part(text).strip(), MAX_CONTENT)

    def _store_part(
        self,
        session_id: str,
        message: IncomingMessage,
        part: int,
        text: str,
        attachment_ids: Sequence[str],
        batch: Batch | None,
    ) -> None:
        channel, ids = message.thread.channel, (message.id, *message.more_ids)
        if self._is_stored(channel, message.id, part):
            return
        name = clip(storable_part(message.author.name), MAX_NAME) or "Operator"

        def stored(tx: Transaction, made: Message) -> None:
            for position, external_id in enumerate(ids):
                # What waited has its row already. Of two repeats, the second one fails here.
                if not bridge_posts.settle_item(tx, self._name, channel, external_id, part, made.id):
                    bridge_posts.add_item(
                        *(tx, self._name, channel, external_id, session_id, made.id),
                        part=part,
                        position=position,
                        incoming=True,
                    )

        def confirm(tx: Transaction) -> None:
            if batch is not None:
                batch.finish(tx)
            bridge_threads.claim(tx, session_id, name, self._name)

        try:
            retried(
                lambda: messages.send_message(
                    self._db,
                    session_id,
                    text,
                    operator_name=name,
                    source_bridge=self._name,
                    reply_to=self._replied(channel, message.reply_to) if part == 0 else None,
                    attachment_ids=attachment_ids,
                    before=self._before,
                    confirm=confirm,
                    stored=stored,
                )
            )
        except IntegrityError:
            if not self._is_stored(channel, message.id, part):
                raise

    def _is_stored(self, channel: str, external_id: str, part: int) -> bool:
        with self._db.read() as connection:
            found = bridge_posts.find_item(connection, self._name, channel, external_id)
        return any(item.part == part and item.message_id is not None for item in found)

    def _replied(self, channel: str, external_id: str | None) -> str | None:
        if external_id is None or not is_external_id(external_id):
            return None
        with self._db.read() as connection:
            found = bridge_posts.find_item(connection, self._name, channel, external_id)
        return found[0].message_id if found else None

    def _take(self, batch: Batch, message: IncomingMessage) -> None:
        parsed = commands.parse(message.text) if commands.is_command(message.text) else ("", "", "")
        if parsed is None:
            return
        mark, name, argument = parsed
        known = {**self.built_in.all(), **self._own_commands}
        if name and (mark == "/" or name in known):
            self._run(batch.subject, message, name, argument, known)
            return
        attachment_ids = list(self._fetch_all(batch, message)) if message.files else []
        self.store(batch.subject, message, attachment_ids, batch)

    # --- Files

    def _fetch_all(self, batch: Batch, message: IncomingMessage) -> Iterator[str]:
        may_wait = batch.attempt - batch.first.throttled < FILE_ATTEMPTS
        for number, file in enumerate(message.files):
            try:
                if number >= MAX_ATTACHMENTS:
                    raise Refused(f"Up to {MAX_ATTACHMENTS} files per message.")
                yield self._fetch(batch.subject, file)
            except (Refused, PayloadTooLarge, InvalidRequest) as error:
                self._leave_out(batch.subject, message, file, error)
            except (Unreachable, Unanswered, Unavailable) as error:
                if may_wait:
                    raise
                self._leave_out(batch.subject, message, file, error, " Post it again, or send it in the inbox.")

    def _leave_out(
        self,
        session_id: str,
        message: IncomingMessage,
        file: IncomingFile,
        error: APIError | PlatformError,
        advice: str = "",
    ) -> None:
        reason = error.message if isinstance(error, APIError) else str(error)
        self._answer(session_id, message, f"{file.name} was not sent to the visitor: {reason}{advice}")

    def _fetch(self, session_id: str, file: IncomingFile) -> str:
        if self._files is None:
            raise Refused("Files are switched off.")
        stream = _Stream(self._platform.fetch(file, self._files.max_size))
        try:
            return self._files.add(session_id, file.name, stream, by="office").id
        finally:
            stream.close()

    # --- Edits and deletions

    def edit(self, channel: str, external_id: str, text: str, version: str | None = None) -> None:
        """Change the messages of what an operator has edited on the platform.

        :param version: as in `IncomingEdit`.
        """
        items = self._own_items(channel, external_id)
        if not items:
            return
        parts = self.parts(text)
        session_id = items[0].session_id
        for number, item in enumerate(items):
            # The end of a text that has become longer than its messages goes into the last one, as far as it fits.
            rest = parts[number:] if number == len(items) - 1 else parts[number : number + 1]
            content = "\n".join(rest)[:MAX_CONTENT]
            self._edit_part(session_id, item, content, version)

    def _edit_part(self, session_id: str, item: Item, content: str, version: str | None) -> None:
        message_id = str(item.message_id)

        def confirm(tx: Transaction) -> None:
            if version is not None and not bridge_posts.note_edit(tx, item, self._name, version):
                raise _OldEdit

        try:
            if content.strip():
                messages.edit_message(
                    *(self._db, session_id, message_id, content),
                    origin=self._name,
                    before=self._before,
                    confirm=confirm,
                )
            else:
                messages.delete_message(self._db, session_id, message_id, origin=self._name)
        except (MessageNotFound, _OldEdit):
            pass
        except InvalidRequest as error:
            self._line(session_id, f"Your edit was not sent to the visitor: {error.message}")

    def delete(self, channel: str, external_id: str) -> bool:
        """Delete the messages of what an operator has deleted on the platform.

        :return: whether it was an operator's message.
        """
        items = self._own_items(channel, external_id)
        for item in items:
            messages.delete_message(self._db, item.session_id, str(item.message_id), origin=self._name)
        return bool(items)

    def _own_items(self, channel: str, external_id: str) -> list[Item]:
        with self._db.read() as connection:
            found = bridge_posts.find_item(connection, self._name, channel, external_id)
        return [item for item in found if item.incoming and item.message_id is not None]

    # --- Commands

    def _run(
        self, session_id: str, message: IncomingMessage, name: str, argument: str, known: Mapping[str, Command]
    ) -> None:
        command = BridgeCommand(
            name=name,
            argument=argument,
            session_id=session_id,
            operator_id=message.author.id,
            operator_name=clip(storable_part(message.author.name), MAX_NAME) or "Operator",
            bridge=self._name,
            reply_to=self._replied(message.thread.channel, message.reply_to),
        )
        try:
            answer = commands.run(known, command)
        except PocketPingError as error:
            answer = str(error)
        except Exception:
            logger.exception("The command /%s of the bridge %s failed.", name, self._name)
            answer = f"/{name} failed. The log of the app says why."
        if answer:
            self._answer(session_id, message, answer)

    def _answer(self, session_id: str, message: IncomingMessage, line: str) -> None:
        self._line(session_id, line, message.id)

    def _line(self, session_id: str, line: str, reply_to: str | None = None) -> None:
        """Let the bridge post a line in the thread."""
        project_id = get_session(self._db, session_id).project_id
        with self._db.transaction() as tx:
            add_line(tx, project_id, self._name, session_id, line, reply_to)


class _OldEdit(Exception):
    """The platform told an edit again, or after a later one."""


class _Stream:
    """The bytes of a file as a stream."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def read(self, size: int = 65536, /) -> bytes:
        while not self._rest:
            try:
                self._rest = next(self._parts)
            except StopIteration:
                return b""
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
