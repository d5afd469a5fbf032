"""Reads messages of Slack, from events and from `conversations.replies`, as what a bridge takes in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..platform import (
    Author,
    Incoming,
    IncomingDelete,
    IncomingEdit,
    IncomingFile,
    IncomingMessage,
    IncomingThreadChange,
    Thread,
)
from .contents import is_ours, object_of
from .names import SOMEBODY, NameCache
from .rich_text import to_markdown

Json = Mapping[str, Any]

#: The kinds of messages that people write. All others tell of joins, topics and the like.
_WRITTEN = {None, "bot_message", "file_share", "me_message", "thread_broadcast"}
#: Files that are not there, or no longer.
_NO_FILES = {"tombstone", "hidden_by_limit"}
_TS = re.compile(r"[0-9]{1,10}\.[0-9]{1,9}")


class EventReader:
    """Converts events of the Events API, which Socket Mode sends too. Threads may share it.

    :param names: finds the names of authors and mentioned people.
    """

    def __init__(self, names: NameCache) -> None:
        self._names = names

    def read(self, payload: Json) -> list[Incoming]:
        """Return what an event tells. It is empty for events that are not for bridges.

        :param payload: the JSON of an `event_callback`. It may be of any shape.
        """
        event = payload.get("event")
        if payload.get("type") != "event_callback" or not isinstance(event, dict) or event.get("type") != "message":
            return []
        channel = event.get("channel")
        if not isinstance(channel, str):
            return []
        subtype = event.get("subtype")
        if subtype == "message_changed":
            return list(self._changed(channel, event))
        if subtype == "message_deleted":
            return list(self._deleted(channel, event))
        message = self.message(channel, event)
        return [message] if message is not None else []

    def message(self, channel: str, message: Json) -> IncomingMessage | None:
        """Return a message that somebody else wrote in a thread, or `None`.

        :param channel: the id of the channel.
        :param message: a message of the Web API, or a message event.
        """
        subtype, ts, root = message.get("subtype"), _ts(message, "ts"), _ts(message, "thread_ts")
        if not (subtype is None or isinstance(subtype, str)) or subtype not in _WRITTEN or is_ours(message):
            return None
        if ts is None or root is None or ts == root:
            return None
        author = self._author(message)
        if author is None:
            return None
        files = message.get("files")
        shared = [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []
        text = to_markdown(message, self._names)
        return IncomingMessage(
            thread=Thread(channel, root),
            id=ts,
            author=author,
            text="\n".join([*([text] if text else []), *_external_links(shared)]),
            files=tuple(file for found in shared if (file := _file(found)) is not None),
            sent_at=datetime.fromtimestamp(float(ts), UTC),
        )

    def _changed(self, channel: str, event: Json) -> Iterator[Incoming]:
        message, previous = object_of(event, "message"), object_of(event, "previous_message")
        ts, root = _ts(message, "ts"), _ts(message, "thread_ts")
        if ts is None:
            return
        if message.get("subtype") == "tombstone":
            yield from _gone(channel, ts, root)
            return
        edited = _ts(object_of(message, "edited"), "ts")
        # Adding a preview of a link changes a message too, but is no edit.
        if edited is None or edited == _ts(object_of(previous, "edited"), "ts") or root is None or is_ours(message):
            return
        editor = object_of(message, "edited").get("user")
        author = self._user(editor) if isinstance(editor, str) else self._author(message)
        text = to_markdown(message, self._names)
        yield IncomingEdit(channel, Thread(channel, root), ts, author, text, version=_sortable(edited))

    def _deleted(self, channel: str, event: Json) -> Iterator[Incoming]:
        ts, previous = _ts(event, "deleted_ts"), object_of(event, "previous_message")
        if ts is not None:
            yield from _gone(channel, ts, _ts(previous, "thread_ts"))

    def _author(self, message: Json) -> Author | None:
        bot_id, user_id = message.get("bot_id"), message.get("user")
        if isinstance(bot_id, str):
            profile = object_of(message, "bot_profile")
            name = next((name for name in (message.get("username"), profile.get("name")) if name), SOMEBODY)
            return Author(bot_id, str(name)[:100], is_bot=True)
        return self._user(user_id) if isinstance(user_id, str) else None

    def _user(self, user_id: str) -> Author:
        # What a bot uploads has the bot's user as author.
        return Author(user_id, self._names.user(user_id), is_bot=self._names.is_bot(user_id))


def is_tombstone(message: Json) -> bool:
    """Return whether a root was deleted, and only its replies are left."""
    return message.get("subtype") == "tombstone"


def _gone(channel: str, ts: str, root: str | None) -> Sequence[Incoming]:
    """Return that a message is gone, and with a root also its thread. A root without replies names no thread."""
    deleted = IncomingDelete(channel, ts)
    if root in {None, ts}:
        return [deleted, IncomingThreadChange(Thread(channel, ts), "deleted")]
    return [deleted]


def _file(file: Json) -> IncomingFile | None:
    file_id, size = file.get("id"), file.get("size")
    if not isinstance(file_id, str) or file.get("mode") in _NO_FILES or _is_external(file):
        return None
    name = next((name for name in (file.get("name"), file.get("title")) if isinstance(name, str) and name), "file")
    mime_type = file.get("mimetype")
    return IncomingFile(
        reference=file_id,
        name=name,
        mime_type=mime_type if isinstance(mime_type, str) and mime_type else None,
        size=size if isinstance(size, int) and size >= 0 else None,
    )


def _is_external(file: Json) -> bool:
    return file.get("is_external") is True or file.get("mode") == "external"


def _external_links(files: Sequence[Json]) -> Iterator[str]:
    """Return links to files that are not in Slack but, for example, in Google Drive."""
    for file in files:
        url = file.get("external_url")
        if _is_external(file) and isinstance(url, str) and re.fullmatch(r"https://[^\s<>()\[\]]{1,2000}", url):
            title = str(file.get("title") or file.get("name") or "file")
            yield f"[{title.replace('[', '(').replace(']', ')')[:200]}]({url})"


def _sortable(ts: str) -> str:
    """Return a timestamp as a text that sorts by time."""
    seconds, _, fraction = ts.partition(".")
    return f"{seconds.zfill(10)}.{fraction.ljust(9, '0')}"


def _ts(holder: Json, name: str) -> str | None:
    """Return the timestamp by which Slack names a message."""
    found = holder.get(name)
    return found if isinstance(found, str) and _TS.fullmatch(found) else None
