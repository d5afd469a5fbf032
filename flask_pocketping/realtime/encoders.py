"""Encodes events as frames for operators and visitors. The hub encodes each event once for all of its recipients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .. import clock
from ..errors import APIError
from ..schemas.compact_json import to_json
from ..schemas.errors import error_body
from ..schemas.public_urls import PublicURLs
from ..schemas.visitor import visitor_message
from ..security.handles import Handles
from ..values import Event
from .framing import Frame, text_frame
from .hub import Encoder

#: The event names that pages listen to in an event stream.
_EVENT_NAMES = {"message", "csat_request", "screenshot_request", "connected"}


class Frames:
    """Makes the frames of one app."""

    def __init__(self, handles: Handles, urls: PublicURLs) -> None:
        self._handles = handles
        self._urls = urls

    def operator(self, event: Event, cursor: int) -> Frame:
        """Encode an event for the sockets of the back office."""
        return Frame(event.type, event.session_id, text_frame(self._operator_text(event, cursor)))

    def operator_json(self, event: Event, cursor: int) -> dict[str, Any]:
        """Return the frame of `operator` as a mapping, for clients that poll."""
        return dict(json.loads(self._operator_text(event, cursor)))

    def visitor(self, event: Event, cursor: int) -> Frame | None:
        """Encode an event for the visitor's stream, or return `None` if visitors do not get events of its type."""
        made = self.visitor_json(event)
        if made is None:
            return None
        return Frame(made["type"], event.session_id, text_frame(to_json({**made, "cursor": str(event.seq)})))

    def visitor_event(self, event: Event, cursor: int) -> Frame | None:
        """Encode an event like `visitor`, as a server-sent event.

        An edited or deleted message is also sent as a `message`, because widgets without a WebSocket may handle no
        other event.
        """
        made = self.visitor_json(event)
        if made is None:
            return None
        frame = event_frame(made["type"], made["data"], str(event.seq), event.session_id)
        if event.type not in {"message.updated", "message.deleted"}:
            return frame
        whole = visitor_message(
            json.loads(self._urls.complete_json(event.data))["message"], self._handles.sign(event.session_id)
        )
        return frame._replace(data=frame.data + event_frame("message", whole, str(event.seq)).data)

    def for_visitors(self, type: str, **data: Any) -> dict[Encoder, Frame]:
        """Encode a frame for visitors that is not an event of the log, for each kind of stream."""
        return {self.visitor: visitor_frame(type, **data), self.visitor_event: event_frame(type, data)}

    def visitor_json(self, event: Event) -> dict[str, Any] | None:
        """Return the `{type, data}` of an event for the visitor's page, or `None` if visitors do not get it."""
        make = _FOR_VISITORS.get(event.type)
        if make is None:
            return None
        found = json.loads(self._urls.complete_json(event.data))
        if found.get("message", {}).get("internal"):
            return None
        kind, data = make(found, event, self._handles.sign(event.session_id))
        return {"type": kind, "data": data}

    def _operator_text(self, event: Event, cursor: int) -> str:
        head = (
            f'{{"type":"{event.type}","id":"{event.public_id}","seq":{event.seq},'
            f'"timestamp":"{clock.format_utc(event.created_at)}","cursor":"{cursor}",'
        )
        return head + self._urls.complete_json(event.data)[1:]


def operator_frame(type: str, session_id: str | None = None, **fields: Any) -> Frame:
    """Encode a frame for operators that is not an event of the log."""
    return Frame(type, session_id, text_frame(to_json({"type": type, **fields})))


def visitor_frame(type: str, **data: Any) -> Frame:
    """Encode a frame for a visitor that is not an event of the log."""
    return Frame(type, None, text_frame(to_json({"type": type, "data": data})))


def event_frame(type: str, data: Any, cursor: str | None = None, session_id: str | None = None) -> Frame:
    """Encode a server-sent event. Pages listen to a few event names, so all other types use the name `message`.

    :param cursor: the cursor after it, if it is an event of the log.
    """
    payload = {"type": type, "data": data, **({"cursor": cursor} if cursor is not None else {})}
    name = type if type in _EVENT_NAMES else "message"
    head = f"id: {cursor}\n" if cursor is not None else ""
    return Frame(type, session_id, f"{head}event: {name}\ndata: {to_json(payload)}\n\n".encode())


def error_frame(error: APIError) -> Frame:
    """Encode an error as a frame."""
    return operator_frame("error", **error_body(error))


Maker = Callable[[Mapping[str, Any], Event, str], tuple[str, dict[str, Any]]]


def _message(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    return "message", visitor_message(data["message"], handle)


def _edited(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    message = data["message"]
    found = {"messageId": message["id"], "content": message["content"], "editedAt": message["editedAt"]}
    return "message_edited", found


def _deleted(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    message = data["message"]
    return "message_deleted", {"messageId": message["id"], "deletedAt": message["deletedAt"]}


def _read(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    return "read", {key: value for key, value in data.items() if key != "sessionId"}


def _takeover(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    return "ai_takeover", {"sessionId": handle, "reason": data["reason"]}


def _custom(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    found = {"name": data["name"], "data": data["data"], "timestamp": clock.format_utc(event.created_at)}
    return "event", found


def _csat_request(data: Mapping[str, Any], event: Event, handle: str) -> tuple[str, dict[str, Any]]:
    return "csat_request", {"requestedAt": data["requestedAt"]}


_FOR_VISITORS: dict[str, Maker] = {
    "message.created": _message,
    "message.updated": _edited,
    "message.deleted": _deleted,
    "message.read": _read,
    "ai.takeover": _takeover,
    "event.sent": _custom,
    "csat.requested": _csat_request,
}
