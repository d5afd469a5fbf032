"""What the visitor's wire shows of a message: its own names, and never who else is in the room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..values import MessagePage
from . import output

_AS_THEY_ARE = ("replyTo", "status", "deliveredAt", "readAt", "editedAt", "deletedAt", "operatorName", "attachments")


def visitor_message(message: Mapping[str, Any], handle: str) -> dict[str, Any]:
    """A message as the visitor's page knows it.

    :param message: in the API's shape.
    :param handle: of its session; the page knows no other id.
    """
    system = message["type"] == "system"
    made = {
        "id": message["id"],
        "sessionId": handle,
        "seq": message["seq"],
        "content": message["content"],
        "sender": "operator" if system else message["type"],
        "timestamp": message["createdAt"],
        **{name: message[name] for name in _AS_THEY_ARE if name in message},
    }
    if system:
        made["metadata"] = {"system": True, **({"kind": message["kind"]} if "kind" in message else {})}
    return made


def visitor_messages(page: MessagePage, handle: str) -> list[dict[str, Any]]:
    """A page of messages as the visitor's page knows them."""
    return [visitor_message(output.message(item), handle) for item in page.messages]
