"""Keeps in the database which operators are typing, so that the AI of any process waits for them."""

from __future__ import annotations

import logging
import time

from ..chat.ai_turns import note_typing
from ..db import Database

logger = logging.getLogger("flask_pocketping")

#: Seconds between two notes for one conversation.
EVERY = 3.0
#: From how many conversations on old notes are forgotten.
MANY = 1000


class OperatorsTyping:
    """Notes that an operator is typing in a conversation. Call it with the conversation's id, as often as you like."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noted: dict[str, float] = {}

    def __call__(self, session_id: str) -> None:
        now = time.monotonic()
        if now - self._noted.get(session_id, -EVERY) < EVERY:
            return
        if len(self._noted) > MANY:
            self._noted = {one: at for one, at in list(self._noted.items()) if now - at < EVERY}
        self._noted[session_id] = now
        try:
            note_typing(self._db, session_id)
        except Exception:
            # Typing is shown all the same.
            logger.exception("It could not be noted that an operator is typing.")
