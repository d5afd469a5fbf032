"""Conversations by the thousand, written past the log: what lists and pages must cope with, in no time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from flask_pocketping import clock
from flask_pocketping.db import Database
from flask_pocketping.models import DEFAULT_PROJECT, Message, Session, table

_sessions, _messages = table(Session), table(Message)


def add_messages(db: Database, session_id: str, count: int) -> None:
    """Let a conversation grow by `Number 1`, `Number 2` and so on, visitor and operator in turn."""
    with db.transaction() as change:
        connection = change.connection
        last = connection.scalar(select(func.max(_sessions.c.seq)).where(_sessions.c.id == session_id)) or 0
        rows = [
            _message(session_id, last + number, f"Number {number}", "visitor" if number % 2 else "operator")
            for number in range(1, count + 1)
        ]
        connection.execute(insert(_messages), rows)
        now = clock.now()
        connection.execute(
            update(_sessions)
            .where(_sessions.c.id == session_id)
            .values(seq=last + count, last_message_id=rows[-1]["id"], last_activity=now)
        )


def add_sessions(db: Database, count: int) -> None:
    """Open conversations of `Visitor 1`, `Visitor 2` and so on, each with one message; the last is the newest."""
    ids = [(clock.new_id("sess"), clock.new_id("msg")) for _ in range(count)]
    began = clock.now() - timedelta(days=1)
    with db.transaction() as change:
        rows = [
            {
                "id": session_id,
                "project_id": DEFAULT_PROJECT,
                "visitor_id": f"vis_{number}",
                "status": "active",
                "seq": 2,
                "created_at": began + timedelta(seconds=number),
                "last_activity": began + timedelta(seconds=number),
                "metadata": {"pageUrl": "https://shop.example/", "browser": "Firefox", "os": "Linux"},
                "name": f"Visitor {number}",
                "email": f"visitor{number}@example.com",
                "unread": 1,
                "unanswered": True,
                "last_message_id": message_id,
                "started_on": began.date(),
                "first_message_at": began,
            }
            for number, (session_id, message_id) in enumerate(ids, 1)
        ]
        change.connection.execute(insert(_sessions), rows)
        change.connection.execute(
            insert(_messages),
            [
                _message(session_id, 2, f"Question {number}", "visitor", message_id)
                for number, (session_id, message_id) in enumerate(ids, 1)
            ],
        )


def _message(session_id: str, seq: int, content: str, type: str, message_id: str | None = None) -> dict[str, Any]:
    now = clock.now()
    return {
        "id": message_id or clock.new_id("msg"),
        "session_id": session_id,
        "seq": seq,
        "type": type,
        "content": content,
        "created_at": now,
        "changed_at": now,
        "status": "read",
    }
