"""The older shape of webhooks, `{type, data, sentAt}`, for receivers written for PocketPing's public bridge server.

`webhooks.py` sends it if `POCKETPING_WEBHOOK_FORMAT` is `pocketping`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Data = Mapping[str, Any]


def bridge_event(type: str, timestamp: str, data: Data) -> dict[str, Any]:
    """Make the older shape of an event.

    :param type: one of `EVENT_TYPES`, or `webhook.test`.
    :param timestamp: when it happened; every attempt sends the same `sentAt`.
    :param data: what it says, as the log keeps it.
    """
    name, content = _CONVERTERS.get(type, _unchanged)(type, timestamp, data)
    return {"type": name, "data": content, "sentAt": timestamp}


def _unchanged(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    return type.replace(".", "_"), data


def _session(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    name = "new_session" if type == "session.created" else "session_updated"
    return name, {"sessionId": data["sessionId"], "session": _old_session(data["session"])}


def _message(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    message = data["message"]
    name = f"{message['type']}_message"
    if message["type"] == "visitor":
        return name, {"sessionId": data["sessionId"], "message": _old_message(message)}
    known = ("content", "operatorName", "sourceBridge", "replyTo", "attachments")
    flat = {key: message[key] for key in known if key in message}
    return name, {"sessionId": data["sessionId"], "messageId": message["id"], **flat}


def _edited(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    message = data["message"]
    told = {"content": message["content"], "editedAt": message["editedAt"]}
    return f"{message['type']}_message_edited", {"sessionId": data["sessionId"], "messageId": message["id"], **told}


def _deleted(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    message = data["message"]
    told = {"messageId": message["id"], "deletedAt": message["deletedAt"]}
    return f"{message['type']}_message_deleted", {"sessionId": data["sessionId"], **told}


def _identified(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    return "identity_update", {"sessionId": data["sessionId"], "identity": _old_identity(data["identity"])}


def _custom(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    event = {key: data[key] for key in ("name", "data", "sessionId")}
    return "custom_event", {"sessionId": data["sessionId"], "event": {**event, "timestamp": timestamp}}


def _rated(type: str, timestamp: str, data: Data) -> tuple[str, Data]:
    return "csat_submitted", {"comment": None, **data, "respondedAt": timestamp}


def _old_message(message: Data) -> dict[str, Any]:
    renamed = {"type": "sender", "createdAt": "timestamp"}
    return {renamed.get(key, key): value for key, value in message.items()}


def _old_session(session: Data) -> dict[str, Any]:
    renamed = {"pageUrl": "url", "device": "deviceType"}
    page = {renamed.get(key, key): value for key, value in session["metadata"].items()}
    kept = {key: session[key] for key in ("id", "visitorId", "createdAt", "lastActivity", "aiActive")}
    identity = session["identity"]
    return {**kept, "metadata": page, **({"identity": _old_identity(identity)} if identity else {})}


def _old_identity(identity: Data) -> dict[str, Any]:
    """Further facts stood beside the name in the older shape."""
    renamed = {"customerId": "id"}
    told = {renamed.get(key, key): value for key, value in identity.items() if key != "metadata"}
    return {**(identity.get("metadata") or {}), **told}


_CONVERTERS: dict[str, Callable[[str, str, Data], tuple[str, Data]]] = {
    "session.created": _session,
    "session.updated": _session,
    "message.created": _message,
    "message.updated": _edited,
    "message.deleted": _deleted,
    "visitor.identified": _identified,
    "event.received": _custom,
    "csat.submitted": _rated,
}
