"""The addresses of files, made when a value or its JSON leaves the app.

The database and the log keep the path of a file below the root of the API, because the app's address may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from ..values import Attachment, Event, Message, MessageDraft, MessagePage, Session, SessionPage
from .compact_json import to_json

T = TypeVar("T")

# Within other text the quotes would be escaped, so only JSON that has such a list pays for being parsed.
_HAS_ATTACHMENTS = '"attachments":['


class PublicURLs:
    """Makes the addresses of one app.

    :param root: where the API is reached: an address, or a path where the app's own address is not configured.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._completers: dict[type, Callable[[Any], Any]] = {
            Attachment: self._attachment,
            Message: self._message,
            MessageDraft: self._message,
            MessagePage: lambda page: replace(page, messages=self.complete(page.messages)),
            Session: self._session,
            SessionPage: lambda page: replace(page, sessions=self.complete(page.sessions)),
            Event: self._event,
            list: lambda items: [self.complete(item) for item in items],
            tuple: lambda items: tuple(self.complete(item) for item in items),
            dict: lambda found: {name: self.complete(item) for name, item in found.items()},
        }

    def upload(self, path: str) -> str:
        """Make the address that takes the bytes of an announced file."""
        return f"{self.root}/upload/{path}"

    def complete(self, value: T) -> T:
        """Give the attachments within a value their addresses; a value without any comes back as it is.

        :param value: a value of `chat/`, an event, or a list, tuple or dict of these. Doing it twice changes nothing.
        """
        completer = self._completers.get(type(value))
        completed: T = completer(value) if completer else value
        return completed

    def complete_json(self, data: str) -> str:
        """Give the attachments within an event's data their addresses.

        :param data: JSON text as the log has it; older lines of the log have addresses of their time.
        """
        if _HAS_ATTACHMENTS not in data:
            return data
        found = json.loads(data)
        session = found.get("session") or {}
        for message in (found.get("message"), session.get("lastMessage")):
            for attachment in (message or {}).get("attachments", ()):
                for name in ("url", "thumbnailUrl"):
                    if name in attachment:
                        attachment[name] = self._address(attachment["id"], attachment[name])
        return to_json(found)

    def _address(self, attachment_id: str, path: str) -> str:
        start = path.find(f"/files/{attachment_id}/")
        return f"{self.root}{path[start:]}" if start >= 0 else path

    def _attachment(self, value: Attachment) -> Attachment:
        thumbnail = value.thumbnail_url and self._address(value.id, value.thumbnail_url)
        return replace(value, url=self._address(value.id, value.url), thumbnail_url=thumbnail)

    def _message(self, value: Message | MessageDraft) -> Message | MessageDraft:
        return replace(value, attachments=self.complete(value.attachments)) if value.attachments else value

    def _session(self, value: Session) -> Session:
        last = value.last_message
        return replace(value, last_message=self.complete(last)) if last is not None and last.attachments else value

    def _event(self, value: Event) -> Event:
        payload: Mapping[str, Any] = MappingProxyType(self.complete(dict(value.payload)))
        return replace(value, data=self.complete_json(value.data), payload=payload)
