"""An app with an AI, with what visitors and operators do in it. Its deliveries are made when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from flask_pocketping import PocketPing
from flask_pocketping.chat import ai_answers, messages, presence, sessions
from flask_pocketping.chat import deliveries as all_deliveries
from flask_pocketping.chat.log import events
from flask_pocketping.db import Database, retried
from flask_pocketping.state import State
from flask_pocketping.values import AIAnswer, Message, MessageType, Session

from .models import KEY, ModelServer
from .servers import make_app

#: The settings that connect an app to a server of `models.py`.
SETTINGS: dict[str, Any] = {
    "ai_provider": "openai",
    "ai_api_key": KEY,
    "ai_model": "gpt-5",
    "ai_allow_networks": "127.0.0.0/8",
    "ai_delay": 60,
    "ai_timeout": 10,
}


class Desk:
    """The app."""

    def __init__(self, app: Flask, model: ModelServer) -> None:
        self.app = app
        self.model = model
        self.pocketping: PocketPing = app.extensions["test_pocketping"]
        self.state: State = app.extensions["pocketping"]
        self.db: Database = self.state.db

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, database: str, model: ModelServer, **settings: Any) -> Iterator[Desk]:
        given = {**SETTINGS, "ai_base_url": f"{model.url}/v1", "worker": "off", **settings}
        app = make_app(folder, database, **given)
        try:
            yield cls(app, model)
        finally:
            app.extensions["pocketping"].runtime.close()

    def begin(self, *contents: str, **more: Any) -> str:
        """A visitor opens a conversation and says something."""
        session_id = sessions.open_session(self.db, **more).id
        self.ask(session_id, *contents)
        return session_id

    def ask(self, session_id: str, *contents: str) -> None:
        for content in contents:
            messages.send_message(self.db, session_id, content, type=MessageType.VISITOR)

    def reply(self, session_id: str, content: str = "Here I am") -> Message:
        """An operator answers."""
        return messages.send_message(self.db, session_id, content, operator_name="Ana")

    def operator_comes(self, project_id: str = "proj_default") -> presence.Presence:
        return presence.arrive(self.db, project_id)

    def deliver(self) -> int:
        """Make what is due now, as a worker does."""
        return retried(self.state.runtime.deliver_due)

    def session(self, session_id: str) -> Session:
        return sessions.get_session(self.db, session_id)

    def said(self, session_id: str) -> list[tuple[str, str]]:
        """Who said what, without system messages."""
        found = messages.list_messages(self.db, session_id).messages
        return [(str(one.type), one.content) for one in found if one.type != MessageType.SYSTEM]

    def notices(self, session_id: str, *, internal: bool) -> list[str]:
        """The system messages that visitors see, or those that only operators do."""
        found = messages.list_messages(self.db, session_id).messages
        return [one.content for one in found if one.type == MessageType.SYSTEM and bool(one.internal) == internal]

    def events(self, session_id: str) -> list[str]:
        """The types of the events, oldest first."""
        query = select(events.c.type).where(events.c.session_id == session_id).order_by(events.c.seq)
        with self.db.read() as connection:
            return list(connection.execute(query).scalars())

    def data(self, session_id: str, type: str) -> str:
        """The data of the newest event of a type, as JSON."""
        query = select(events.c.data).where(events.c.session_id == session_id, events.c.type == type)
        with self.db.read() as connection:
            return str(connection.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar())

    def answers(self, session_id: str) -> list[AIAnswer]:
        """The record of the AI, oldest first."""
        return ai_answers.list_answers(self.db, session_id)[::-1]

    def states(self) -> list[str]:
        """States of all deliveries, oldest first."""
        return [str(delivery.state) for delivery in reversed(all_deliveries.list_deliveries(self.db).deliveries)]
