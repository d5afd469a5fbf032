"""Converts rows of the tables to values, and a message to its row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, RowMapping, insert, select

from ..models import Attachment as AttachmentModel
from ..models import Message as MessageModel
from ..models import table
from ..prepared import Prepared
from ..values import Attachment, AttachmentStatus, Message, MessageStatus, MessageType

attachments = table(AttachmentModel)

_INSERT_MESSAGE = Prepared(
    insert(table(MessageModel)),
    (
        *("id", "session_id", "seq", "client_id", "type", "content", "created_at", "changed_at"),
        *("operator_id", "operator_name", "source_bridge", "reply_to", "status", "files", "internal"),
    ),
)

#: A row from the database or for it.
Row = Mapping[str, Any] | RowMapping


def message_values(connection: Connection, rows: Iterable[Row]) -> list[Message]:
    """Return the values of messages' rows, with their attachments."""
    rows = list(rows)
    found = attachments_of(connection, [row["id"] for row in rows if row["files"]])
    return [message_value(row, found.get(row["id"], ())) for row in rows]


def attachments_of(connection: Connection, message_ids: list[str]) -> dict[str, tuple[Attachment, ...]]:
    """Return the attachments of messages by message id, for messages that have any."""
    if not message_ids:
        return {}
    query = select(attachments).where(
        attachments.c.message_id.in_(message_ids), attachments.c.status == AttachmentStatus.READY
    )
    query = query.order_by(attachments.c.position)
    found: dict[str, tuple[Attachment, ...]] = {}
    for row in connection.execute(query).mappings():
        found[row["message_id"]] = (*found.get(row["message_id"], ()), attachment_value(row))
    return found


def attachment_value(row: Row) -> Attachment:
    """Return the value of an attachment's row. Its addresses are paths below the API, see `schemas.public_urls`."""
    base = f"/files/{row['id']}/{row['key']}"
    return Attachment(
        id=row["id"],
        session_id=row["session_id"],
        filename=row["filename"],
        mime_type=row["mime_type"],
        size=row["size"],
        status=AttachmentStatus(row["status"]),
        url=f"{base}/{quote(row['filename'], safe='')}",
        thumbnail_url=f"{base}/thumbnail" if row["thumbnail_path"] else None,
        width=row["width"],
        height=row["height"],
    )


def message_value(row: Row, attached: tuple[Attachment, ...] = ()) -> Message:
    """Return the value of a message's row."""
    return Message(
        id=row["id"],
        session_id=row["session_id"],
        seq=row["seq"],
        content=row["content"],
        type=MessageType(row["type"]),
        created_at=row["created_at"],
        operator_id=row["operator_id"],
        operator_name=row["operator_name"],
        source_bridge=row["source_bridge"],
        reply_to=row["reply_to"],
        status=MessageStatus(row["status"]),
        delivered_at=row["delivered_at"],
        read_at=row["read_at"],
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
        attachments=attached,
        internal=True if row["internal"] else None,
    )


def insert_message(connection: Connection, message: Message, client_id: str | None = None) -> None:
    """Write the row of a new message."""
    _INSERT_MESSAGE.write(
        connection,
        {
            "id": message.id,
            "session_id": message.session_id,
            "seq": message.seq,
            "client_id": client_id,
            "type": message.type,
            "content": message.content,
            "created_at": message.created_at,
            "changed_at": message.created_at,
            "operator_id": message.operator_id,
            "operator_name": message.operator_name,
            "source_bridge": message.source_bridge,
            "reply_to": message.reply_to,
            "status": message.status,
            "files": len(message.attachments),
            "internal": bool(message.internal),
        },
    )
