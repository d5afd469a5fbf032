"""Tests that types and states are enumerations for the host's code, and plain text everywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from flask_pocketping.chat import attachments, messages, sessions
from flask_pocketping.db import Database, create_tables, own_engine
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.schemas.compact_json import to_json
from flask_pocketping.schemas.values import dump_message, dump_session
from flask_pocketping.values import AttachmentStatus, MessageStatus, MessageType, SessionStatus


@pytest.fixture
def db(any_database: str) -> Iterator[Database]:
    made = Database(lambda: own_engine(any_database))
    create_tables(made.engine)
    yield made
    made.dispose()


def test_plain_text_is_accepted_and_enumerations_are_returned(db: Database) -> None:
    session_id = sessions.open_session(db).id
    for sender in ("visitor", MessageType.OPERATOR):
        messages.send_message(db, session_id, "Hello", type=sender)
    messages.mark_messages(db, session_id, reader="operator", status="delivered")
    messages.mark_messages(db, session_id, reader=MessageType.VISITOR, status=MessageStatus.READ)
    first, second = messages.list_messages(db, session_id).messages
    assert (first.type, first.status) == ("visitor", "delivered")
    assert (second.type, second.status) == ("operator", "read")
    assert [type(value) for value in (first.type, first.status)] == [MessageType, MessageStatus]
    assert json.loads(to_json(dump_message(second)))["type"] == "operator"
    closed = sessions.close_session(db, session_id)
    assert closed.status is SessionStatus.CLOSED
    assert to_json(dump_session(closed)).count('"status":"closed"') == 1
    assert [found.id for found in sessions.list_sessions(db, status="closed").sessions] == [session_id]
    assert sessions.list_sessions(db, status=SessionStatus.ACTIVE).sessions == []


def test_another_type_is_refused(db: Database) -> None:
    session_id = sessions.open_session(db).id
    with pytest.raises(InvalidRequest, match="type: Must be one of visitor, operator, ai, system"):
        messages.send_message(db, session_id, "Hello", type="nobody")


def test_the_sides_of_files_are_enumerations() -> None:
    assert [attachments.side_of(sender) for sender in ("visitor", MessageType.VISITOR)] == ["visitor"] * 2
    assert attachments.side_of("ai") == "office"
    assert list(AttachmentStatus) == ["pending", "ready"]
