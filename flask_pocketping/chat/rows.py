"""From rows of the tables to values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from ..values import Message

#: A row, from the database or about to go there.
Row = Mapping[str, Any] | RowMapping


def message_value(row: Row) -> Message:
    """The value of a message's row."""
    return Message(
        id=row["id"],
        session_id=row["session_id"],
        seq=row["seq"],
        content=row["content"],
        type=row["type"],
        created_at=row["created_at"],
        operator_name=row["operator_name"],
        source_bridge=row["source_bridge"],
        reply_to=row["reply_to"],
        status=row["status"],
        delivered_at=row["delivered_at"],
        read_at=row["read_at"],
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
    )
