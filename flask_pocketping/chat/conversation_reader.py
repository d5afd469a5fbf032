"""Reads conversations as values from the log and the tables, for the targets of deliveries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from .. import clock
from ..db import Database
from ..errors import SessionNotFound
from ..models import Message as MessageModel
from ..models import table
from ..schemas.public_urls import PublicURLs
from ..values import Event, Identity, Message, MessageStatus, MessageType, Session
from .mappers import attachments_of, message_values
from .sessions import get_session

messages = table(MessageModel)

_TIMES = {
    "createdAt": "created_at",
    "deliveredAt": "delivered_at",
    "readAt": "read_at",
    "editedAt": "edited_at",
    "deletedAt": "deleted_at",
}


class ConversationReader:
    """Reads conversations for targets.

    :param urls: completes the addresses of files.
    """

    def __init__(self, db: Database, urls: PublicURLs) -> None:
        self._db = db
        self._urls = urls

    def payload(self, event: Event) -> Mapping[str, Any]:
        """Return the payload of an event, with the keywords that receivers of its signal get.

        A message has the state of the event, with the current files. A session has its current state.
        """
        data = json.loads(event.data)
        if "message" in data:
            return {"message": self._message(data["message"])}
        if event.type.split(".")[0] in {"session", "ai"} or "identity" in data:
            session = self.session(event.session_id)
            return {} if session is None else {"session": session, **_rest(data)}
        return _rest(data)

    def session(self, session_id: str) -> Session | None:
        """Return the current state of a conversation, if it exists."""
        try:
            return self._urls.complete(get_session(self._db, session_id))
        except SessionNotFound:
            return None

    def messages(self, session_id: str, message_ids: Sequence[str]) -> list[Message]:
        """Return the current messages with these ids, in order."""
        query = select(messages).where(messages.c.session_id == session_id, messages.c.id.in_(list(message_ids)))
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(messages.c.seq)).mappings().all()
            return self._urls.complete(message_values(connection, rows))

    def _message(self, data: Mapping[str, Any]) -> Message:
        times: dict[str, Any] = {name: clock.parse_utc(data[key]) for key, name in _TIMES.items() if data.get(key)}
        message = Message(
            id=data["id"],
            session_id=data["sessionId"],
            seq=data["seq"],
            content=data["content"],
            type=MessageType(data["type"]),
            operator_id=data.get("operatorId"),
            operator_name=data.get("operatorName"),
            source_bridge=data.get("sourceBridge"),
            reply_to=data.get("replyTo"),
            status=MessageStatus(data["status"]),
            internal=True if data.get("internal") else None,
            **times,
        )
        if not data.get("attachments"):
            return message
        with self._db.read() as connection:
            attached = attachments_of(connection, [message.id])
        return self._urls.complete(replace(message, attachments=attached.get(message.id, ())))


_NAMES = {"messageIds": "message_ids", "requestedAt": "requested_at"}
_MOMENTS = {"readAt", "deliveredAt"}


def _rest(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        if key in _MOMENTS:
            found["at"] = clock.parse_utc(value)
        elif key == "requestedAt":
            found["requested_at"] = clock.parse_utc(value)
        elif key == "identity":
            found["identity"] = _identity(value)
        elif key not in {"sessionId", "session"}:
            found[_NAMES.get(key, key)] = value
    return found


def _identity(data: Mapping[str, Any]) -> Identity:
    return Identity(
        customer_id=data.get("customerId"),
        email=data.get("email"),
        name=data.get("name"),
        metadata=data.get("metadata"),
        verified=data["verified"],
    )
