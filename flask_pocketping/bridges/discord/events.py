"""Turns the Gateway's raw events, and messages that were fetched, into the values of `platform.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..platform import (
    Author,
    Incoming,
    IncomingDelete,
    IncomingEdit,
    IncomingMessage,
    IncomingThreadChange,
    IncomingTyping,
    Thread,
)
from .files import read_files
from .names import Names
from .readable import quoted, readable, user_name
from .snowflakes import time_of
from .states import thread_change

# https://docs.discord.com/developers/resources/message#message-object-message-types
DEFAULT = 0
REPLY = 19
#: The type of a reference to a message that is forwarded.
FORWARD = 1


class Events:
    """Reads events of one connection.

    :param names: the names of channels and roles.
    :param bot_id: the id of the bot's user.
    :param look_up: asks Discord for a channel or thread. Returns `None` if there is none.
    """

    def __init__(self, names: Names, bot_id: str, look_up: Callable[[str], Mapping[str, Any] | None]) -> None:
        self._names = names
        self._bot_id = bot_id
        self._look_up = look_up
        #: The thread of the last message whose text Discord hid, see `checks.INTENT_MISSING`.
        self.hidden: Thread | None = None

    def read(self, event: str, data: Mapping[str, Any]) -> list[Incoming]:
        """Return what an event tells.

        :param event: its name.
        :param data: what it has.
        """
        self._names.learn(event, data)
        if event == "MESSAGE_CREATE":
            thread = None if self.is_own(data) else self._thread(data)
            return self.read_message(data, thread) if thread is not None else []
        if event == "MESSAGE_UPDATE":
            return self._edit(data)
        if event == "MESSAGE_DELETE":
            return self._delete(data, [data.get("id")])
        if event == "MESSAGE_DELETE_BULK":
            return self._delete(data, data.get("ids") or [])
        if event == "TYPING_START":
            return self._typing(data)
        if event == "THREAD_UPDATE":
            return self._thread_update(data)
        if event == "THREAD_DELETE":
            parent = str(data.get("parent_id"))
            return [IncomingThreadChange(Thread(parent, str(data.get("id"))), "deleted")]
        return []

    def is_own(self, data: Mapping[str, Any]) -> bool:
        """Return whether the bot itself wrote a message."""
        author = data.get("author")
        return isinstance(author, dict) and author.get("id") == self._bot_id

    def read_message(self, data: Mapping[str, Any], thread: Thread) -> list[Incoming]:
        """Return a message of a thread, unless it is none that somebody wrote.

        :param data: the message, as Discord describes it.
        """
        if data.get("type") not in {DEFAULT, REPLY}:
            return []
        text = _text(data, self._names)
        files = read_files(data, thread.id, str(data["id"]))
        if not text and not files:
            if _is_hidden(data):
                self.hidden = thread
            return []
        return [
            IncomingMessage(
                thread=thread,
                id=str(data["id"]),
                author=self._author(data),
                text=text,
                reply_to=_reply_to(data),
                files=tuple(files),
                sent_at=time_of(str(data["id"])),
            )
        ]

    def _edit(self, data: Mapping[str, Any]) -> list[Incoming]:
        # Other updates add the preview of a link, pin the message and so on. They tell the last edit again, if there is
        # one.
        if not data.get("edited_timestamp") or not isinstance(data.get("content"), str):
            return []
        if self.is_own(data) or (thread := self._thread(data)) is None:
            return []
        text = _text(data, self._names)
        if not text and not data.get("attachments"):
            return []
        version = str(data["edited_timestamp"])[:40]
        return [IncomingEdit(thread.channel, thread, str(data["id"]), self._author(data), text, version)]

    def _delete(self, data: Mapping[str, Any], ids: list[Any]) -> list[Incoming]:
        thread = self._thread(data)
        return [IncomingDelete(thread.channel, str(each)) for each in ids] if thread is not None else []

    def _typing(self, data: Mapping[str, Any]) -> list[Incoming]:
        user_id = str(data.get("user_id"))
        if user_id == self._bot_id or (thread := self._thread(data)) is None:
            return []
        member = data.get("member") if isinstance(data.get("member"), dict) else {}
        user = member.get("user") if isinstance(member, dict) else None
        if not isinstance(user, dict):
            return []
        return [IncomingTyping(thread, Author(user_id, user_name(user, member), bool(user.get("bot"))))]

    def _thread_update(self, data: Mapping[str, Any]) -> list[Incoming]:
        if (change := thread_change(data)) is None:
            return []
        thread_id = str(data.get("id"))
        # The thread may have changed again meanwhile, also by the bridge. So this must hold now, too.
        current = self._look_up(thread_id)
        if current is None or thread_change(current) != change:
            return []
        return [IncomingThreadChange(Thread(str(current.get("parent_id")), thread_id), change)]

    def _thread(self, data: Mapping[str, Any]) -> Thread | None:
        """Return the thread that an event is about, or `None` if it is about something else."""
        channel = str(data.get("channel_id"))
        if not data.get("guild_id"):
            return None
        place = self._names.place(channel)
        if place is None:
            # An old thread that was in the archive when the connection began.
            found = self._look_up(channel) or {"id": channel, "guild_id": data["guild_id"]}
            place = self._names.learn_place(found)
        return Thread(place.parent, channel) if place.parent is not None else None

    def _author(self, data: Mapping[str, Any]) -> Author:
        user = data.get("author")
        user = user if isinstance(user, dict) else {}
        is_bot = bool(user.get("bot") or data.get("webhook_id"))
        return Author(str(user.get("id")), user_name(user, data.get("member")), is_bot)


def _text(data: Mapping[str, Any], names: Names) -> str:
    """Return the text of a message: its own, then what it forwards, its stickers and its poll."""
    mentions = data.get("mentions") or []
    parts = [readable(str(data.get("content") or ""), mentions, names)]
    for snapshot in data.get("message_snapshots") or ():
        forwarded = snapshot.get("message") if isinstance(snapshot, dict) else None
        if isinstance(forwarded, dict) and forwarded.get("content"):
            parts.append(quoted(readable(str(forwarded["content"]), forwarded.get("mentions") or [], names)))
    parts += [f"[{sticker.get('name')}]" for sticker in data.get("sticker_items") or () if isinstance(sticker, dict)]
    poll = data.get("poll")
    if isinstance(poll, dict) and isinstance(poll.get("question"), dict):
        parts.append(str(poll["question"].get("text") or ""))
    return "\n\n".join(part for part in parts if part.strip())


def _is_hidden(data: Mapping[str, Any]) -> bool:
    """Return whether a message without text and files has some that Discord hides from the bot."""
    shown = ("embeds", "components", "message_snapshots", "sticker_items", "poll", "interaction_metadata", "webhook_id")
    author = data.get("author")
    is_bot = isinstance(author, dict) and author.get("bot")
    return not is_bot and not any(data.get(name) for name in shown)


def _reply_to(data: Mapping[str, Any]) -> str | None:
    reference = data.get("message_reference")
    if not isinstance(reference, dict) or reference.get("type") == FORWARD or not reference.get("message_id"):
        return None
    return str(reference["message_id"])
