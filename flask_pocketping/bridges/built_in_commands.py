"""What the built-in commands do, such as `/close`. `intake.py` runs them."""

from __future__ import annotations

from collections.abc import Callable

from ..bounds import MAX_CONTENT
from ..chat import ai_drafts, bridge_posts, csat, notes
from ..chat.sessions import close_session, get_session, reopen_session, set_ai
from ..db import Database
from ..errors import AlreadyDecided
from ..values import MessageDraft, Session
from . import commands
from .commands import BridgeCommand, Command


class BuiltInCommands:
    """The commands that every bridge has. Each returns the answer for operators.

    :param bridge: the name of the bridge.
    :param delete: deletes what an operator wrote, given the chat and the id of the platform's message.
    :param before: as for `send_message`.
    :ivar header: returns the lines about a visitor.
    """

    def __init__(
        self,
        db: Database,
        bridge: str,
        delete: Callable[[str, str], bool],
        header: Callable[[Session], str],
        before: Callable[[MessageDraft], None] | None = None,
    ) -> None:
        self._db = db
        self._bridge = bridge
        self._delete = delete
        self.header = header
        self._before = before

    def all(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {
            "close": self._close,
            "reopen": self._reopen,
            "info": self._info,
            "ai": self._ai,
            "send": self._send,
            "drop": self._drop,
            "csat": self._csat,
            "note": self._note,
            "delete": self._delete_replied,
            "help": lambda command: commands.HELP,
        }

    def _close(self, command: BridgeCommand) -> str:
        close_session(self._db, command.session_id)
        return "Closed."

    def _reopen(self, command: BridgeCommand) -> str:
        reopen_session(self._db, command.session_id)
        return "Open again."

    def _info(self, command: BridgeCommand) -> str:
        session = get_session(self._db, command.session_id)
        return f"{self.header(session)}\n{session.id} · {session.status}"

    def _ai(self, command: BridgeCommand) -> str:
        words = {"on": True, "off": False}
        if command.argument.lower() not in words:
            return "Write /ai on or /ai off."
        set_ai(self._db, command.session_id, words[command.argument.lower()])
        return f"AI replies are {command.argument.lower()}."

    def _send(self, command: BridgeCommand) -> str:
        draft = ai_drafts.pending_draft(self._db, command.session_id)
        if draft is None:
            return "There is no draft to send."
        try:
            ai_drafts.send_draft(
                self._db,
                command.session_id,
                draft.id,
                content=command.argument[:MAX_CONTENT] or None,
                operator_name=command.operator_name,
                source_bridge=self._bridge,
                before=self._before,
            )
        except AlreadyDecided:
            return "Somebody was faster: the draft was not sent."
        return "Sent."

    def _drop(self, command: BridgeCommand) -> str:
        draft = ai_drafts.pending_draft(self._db, command.session_id)
        if draft is None:
            return "There is no draft to drop."
        ai_drafts.drop_draft(self._db, command.session_id, draft.id)
        return "Dropped."

    def _csat(self, command: BridgeCommand) -> str:
        session = csat.request(self._db, command.session_id)
        return (
            "The visitor has already rated this conversation." if session.csat else "The visitor is asked for a rating."
        )

    def _note(self, command: BridgeCommand) -> str | None:
        if not command.argument:
            return "Write the note behind /note."
        notes.add_note(
            self._db,
            command.session_id,
            command.argument[:MAX_CONTENT],
            operator_name=command.operator_name,
            source_bridge=self._bridge,
        )
        return None

    def _delete_replied(self, command: BridgeCommand) -> str:
        if command.reply_to is None:
            return "Write /delete as a reply to the message."
        with self._db.read() as connection:
            items = bridge_posts.items_of(connection, self._bridge, command.reply_to)
        if not items or not items[0].incoming:
            return "Only messages that were written here can be deleted here."
        self._delete(items[0].channel, items[0].external_id)
        return "Deleted for the visitor."
