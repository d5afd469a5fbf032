"""What a workspace has: people, channels, messages and files, and what people do there."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]

BOT_TOKEN = "xoxb-1111-2222-fake-bot-token"
APP_TOKEN = "xapp-1-A1111-2222-fake-app-token"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SCOPES = {
    *("chat:write", "chat:write.customize", "channels:history", "groups:history", "users:read"),
    *("files:read", "files:write", "channels:read", "groups:read", "reactions:write"),
}


class ApiError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = {"ok": False, "error": code, **more}


@dataclass
class Channel:
    """A channel with its messages by timestamp, oldest first; replies are among them."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    members: set[str] = field(default_factory=set)
    messages: dict[str, Message] = field(default_factory=dict)

    def replies(self, root: str) -> list[Message]:
        return [found for found in self.messages.values() if found.get("thread_ts") == root and found["ts"] != root]


class Workspace:
    """The state of a workspace with one app installed."""

    team, app_id, bot_id, bot_user = "T0001", "A0001", "B0001", "U0BOT"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.scopes = set(SCOPES)
        self.users: dict[str, dict[str, Any]] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, dict[str, Any]] = {}
        #: Told each event.
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        #: After how many looks shared files appear.
        self.late_shares = 1
        self._serial = itertools.count(1)
        self._last = 0
        self.add_user(self.bot_user, "chatbot", is_bot=True)
        self.add_user("U0ANA", "ana", display_name="Ana")
        self.add_user("U0BOB", "bob", real_name="Bob B.")
        self.support = self.add_channel("C0SUPPORT", "support")

    def add_user(self, user_id: str, name: str, **more: Any) -> None:
        profile = {key: more.get(key, "") for key in ("display_name", "real_name")}
        self.users[user_id] = {"id": user_id, "name": name, "is_bot": more.get("is_bot", False), "profile": profile}

    def add_channel(self, channel_id: str, name: str, **more: Any) -> Channel:
        self.channels[channel_id] = Channel(channel_id, name, members={self.bot_user}, **more)
        return self.channels[channel_id]

    def number(self) -> int:
        return next(self._serial)

    def new_ts(self) -> str:
        """The name of a message: microseconds, never the same twice."""
        with self.lock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event to the app."""
        envelope = {
            "token": "verification-token-that-nobody-should-use",
            "team_id": self.team,
            "api_app_id": self.app_id,
            "event": _as_told(event),
            "type": "event_callback",
            "event_id": f"Ev{self.number():08d}",
            "event_time": int(time.time()),
        }
        for listener in self.listeners:
            listener(envelope)

    # What people do

    def write(
        self,
        channel: str,
        thread: str | None,
        text: str,
        user: str = "U0ANA",
        files: list[dict[str, Any]] | None = None,
        **more: Any,
    ) -> str:
        """Write a message as a person, and return its timestamp."""
        ts = self.new_ts()
        message = {"type": "message", "user": user, "text": text, "ts": ts, "team": self.team, **more}
        if thread is not None:
            message["thread_ts"] = thread
        if files:
            message |= {"subtype": "file_share", "upload": False, "files": files}
        self.add(channel, message)
        return ts

    def add(self, channel: str, message: Message) -> None:
        """Add a message, and tell the app."""
        with self.lock:
            found = self.channels[channel]
            found.messages[message["ts"]] = message
            root = found.messages.get(message.get("thread_ts", ""))
            if root is not None and root is not message:
                # A message becomes a root with its first reply.
                root["thread_ts"] = root["ts"]
                root["reply_count"] = len(found.replies(root["ts"]))
                root["latest_reply"] = message["ts"]
            self.emit(self._event(found, message))

    def edit(self, channel: str, ts: str, text: str, user: str = "U0ANA", **more: Any) -> None:
        """Edit a message as a person."""
        with self.lock:
            message = self.channels[channel].messages[ts]
            previous = deepcopy(message)
            message |= {"text": text, "edited": {"user": user, "ts": self.new_ts()}, **more}
            self._changed(channel, message, previous)

    def unfurl(self, channel: str, ts: str) -> None:
        """Add the preview of a link to a message, as Slack does some seconds later."""
        with self.lock:
            message = self.channels[channel].messages[ts]
            previous = deepcopy(message)
            message["attachments"] = [
                {"id": 1, "title": "A page", "fallback": "A page", "from_url": "https://a.example"}
            ]
            self._changed(channel, message, previous)

    def remove(self, channel: str, ts: str) -> None:
        """Delete a message. A root with replies leaves a tombstone."""
        with self.lock:
            found = self.channels[channel]
            message = found.messages[ts]
            previous = deepcopy(message)
            if found.replies(ts):
                grave = {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
                kept: Message = {key: message[key] for key in ("reply_count", "latest_reply") if key in message}
                found.messages[ts] = {**grave, **kept, "user": "USLACKBOT", "ts": ts, "thread_ts": ts}
                self._changed(channel, found.messages[ts], previous)
                return
            del found.messages[ts]
            event = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts}
            self.emit({**event, **self._where(found), "ts": self.new_ts(), "previous_message": previous})

    def remove_thread(self, channel: str, root: str) -> None:
        """Delete a root and all its replies, so that nothing is left of the thread."""
        with self.lock:
            for reply in self.channels[channel].replies(root):
                self.remove(channel, reply["ts"])
            self.remove(channel, root)
            self.channels[channel].messages.pop(root, None)

    def add_file(self, name: str, mimetype: str, data: bytes, user: str = "U0ANA") -> dict[str, Any]:
        """A file that somebody uploaded. The server adds its addresses."""
        file_id = f"F{self.number():08d}"
        about = {"id": file_id, "name": name, "title": name, "mimetype": mimetype, "size": len(data), "user": user}
        self.files[file_id] = {"about": {**about, "mode": "hosted", "shares": {}}, "data": data, "late": 0}
        return dict(self.files[file_id]["about"])

    def thread(self, channel: str, root: str) -> list[Message]:
        """The root and its replies, as they are now."""
        with self.lock:
            found = self.channels[channel]
            return deepcopy([found.messages[root], *found.replies(root)])

    def roots(self, channel: str) -> list[Message]:
        """What stands openly in a channel."""
        with self.lock:
            messages = self.channels[channel].messages.values()
            return deepcopy([one for one in messages if one.get("thread_ts", one["ts"]) == one["ts"]])

    def texts(self, channel: str, root: str) -> list[str]:
        return [message["text"] for message in self.thread(channel, root)]

    def _changed(self, channel: str, message: Message, previous: Message) -> None:
        found = self.channels[channel]
        event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": self.new_ts()}
        self.emit({**event, **self._where(found), "message": message, "previous_message": previous})

    def _event(self, channel: Channel, message: Message) -> dict[str, Any]:
        return {**message, **self._where(channel), "event_ts": message["ts"]}

    def _where(self, channel: Channel) -> dict[str, str]:
        return {"channel": channel.id, "channel_type": "group" if channel.private else "channel"}


def _as_told(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the app gets it: of metadata only the type, unless the app's manifest describes it."""
    told = deepcopy(event)
    for message in (told, told.get("message", {}), told.get("previous_message", {})):
        if "metadata" in message:
            message["metadata"] = {"event_type": message["metadata"]["event_type"]}
    return told
