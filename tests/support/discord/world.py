"""The server that the fake Discord has: its channels, threads, messages and people, and who may do what."""

from __future__ import annotations

import base64
import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

EPOCH = 1420070400000

VIEW, SEND, FILES, HISTORY, REACT = 1 << 10, 1 << 11, 1 << 15, 1 << 16, 1 << 6
MANAGE_THREADS, CREATE_THREADS, SEND_IN_THREADS = 1 << 34, 1 << 35, 1 << 38
MANAGE_MESSAGES = 1 << 13
BOT_PERMISSIONS = 326417615936
MESSAGE_CONTENT = 1 << 18

Json = dict[str, Any]


class ApiError(Exception):
    """An answer that refuses a request."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code, **({"errors": errors} if errors else {})}


def invalid(field_name: str, code: str, message: str) -> ApiError:
    """What Discord answers to a body with a wrong field."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field_name.split(".")):
        errors = {part: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


@dataclass
class StoredFile:
    """A file in the store."""

    id: str
    channel: str
    name: str
    content: bytes
    mime_type: str


@dataclass
class World:
    """All that is stored. Threads of the test and of the server use it under `lock`.

    :ivar nonce_seconds: how long a nonce is known.
    :ivar max_active: how many threads may be active at once.
    :ivar application_flags: the flags of the bot's application.
    :ivar attachment_seconds: how long an address of a file is valid.
    :ivar sessions_left: how often the bot may identify today.
    """

    base: str = ""
    nonce_seconds: float = 180.0
    max_active: int = 1000
    application_flags: int = MESSAGE_CONTENT
    attachment_seconds: float = 24 * 3600.0
    sessions_left: int = 1000
    max_file_size: int = 10 * 1024 * 1024
    lock: threading.RLock = field(default_factory=threading.RLock)
    emit: Callable[[str, Json], None] = lambda event, data: None

    def __post_init__(self) -> None:
        self._count = itertools.count(1)
        self._shift = 0.0
        self.channels: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {}
        self.files: dict[str, StoredFile] = {}
        #: What was posted so that it could mention somebody.
        self.may_mention: list[Json] = []
        self.nonces: dict[tuple[str, str, str], tuple[str, float]] = {}
        self.users: dict[str, Json] = {}
        self.guild = self.new_id()
        self.bot = self.add_user("PocketPing", bot=True)
        self.application = self.new_id()
        first = base64.urlsafe_b64encode(self.bot["id"].encode()).decode().rstrip("=")
        self.token = f"{first}.GfAkE1.{'x' * 20}-secret-{'y' * 10}"
        self.bot_role = self.new_id()
        self.roles: list[Json] = [
            {"id": self.guild, "name": "@everyone", "permissions": str(VIEW | HISTORY)},
            {"id": self.bot_role, "name": "PocketPing", "permissions": str(BOT_PERMISSIONS)},
        ]
        self.channel = self.add_channel("support", 0)["id"]
        self.forum = self.add_channel("questions", 15)["id"]

    def now(self) -> float:
        """The time, which a test can move."""
        return time.time() + self._shift

    def travel(self, seconds: float) -> None:
        """Move the time on."""
        self._shift += seconds

    def new_id(self) -> str:
        """An id with the time in it, larger than all before."""
        return str(((int(self.now() * 1000) - EPOCH) << 22) + next(self._count))

    def add_user(self, name: str, *, bot: bool = False, nick: str | None = None) -> Json:
        """A person or a bot in the server."""
        user: Json = {
            **{"id": self.new_id(), "username": name.lower(), "global_name": None if bot else name, "avatar": None},
            **{"discriminator": "0000", "bot": bot, "nick": nick},
        }
        self.users[user["id"]] = user
        return user

    def add_channel(self, name: str, kind: int, **more: Any) -> Json:
        """A channel of the server."""
        channel: Json = {
            **{"id": self.new_id(), "type": kind, "guild_id": self.guild, "name": name, "position": 0, "flags": 0},
            **{"permission_overwrites": [], "parent_id": None, "nsfw": False, "last_message_id": None, "topic": None},
            **({"available_tags": []} if kind == 15 else {}),
            **more,
        }
        self.channels[channel["id"]] = channel
        self.messages[channel["id"]] = []
        return channel

    def require(self, channel: Json, *permissions: int) -> None:
        """Refuse the bot what it may not do in a channel, as Discord does."""
        granted = self.granted(channel)
        if not granted & VIEW:
            raise ApiError(403, 50001, "Missing Access")
        for permission in permissions:
            if not granted & permission:
                raise ApiError(403, 50013, "Missing Permissions")

    def granted(self, channel: Json) -> int:
        """The bot's permissions in a channel, or in the one that a thread is of."""
        parent = self.channels.get(channel["parent_id"] or "", channel)
        bits = 0
        for role in self.roles:
            bits |= int(role["permissions"])
        for each in parent["permission_overwrites"]:
            bits = bits & ~int(each["deny"]) | int(each["allow"])
        return bits

    def find(self, channel_id: str) -> Json:
        """A channel or thread."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        return channel

    def find_message(self, channel_id: str, message_id: str) -> Json:
        """A message of a channel."""
        for message in self.messages[channel_id]:
            if message["id"] == message_id:
                return message
        raise ApiError(404, 10008, "Unknown Message")

    def active_threads(self) -> list[Json]:
        """All threads that are not in the archive."""
        return [each for each in self.channels.values() if is_thread(each) and not each["thread_metadata"]["archived"]]

    def make_thread(self, parent: Json, name: str, kind: int, minutes: int, owner: str) -> Json:
        """Open a thread, if there is room for one."""
        self.require_room()
        thread: Json = {
            **self.add_channel(name, kind),
            **{"parent_id": parent["id"], "owner_id": owner, "message_count": 0, "member_count": 1},
            **{"total_message_sent": 0, "rate_limit_per_user": 0},
            "thread_metadata": {
                **{"archived": False, "locked": False, "auto_archive_duration": minutes},
                **{"archive_timestamp": self.stamp(), "create_timestamp": self.stamp()},
            },
        }
        del thread["permission_overwrites"]
        self.channels[thread["id"]] = thread
        self.emit("THREAD_CREATE", {**thread, "newly_created": True})
        return thread

    def require_room(self) -> None:
        """Refuse one more active thread if there are too many."""
        if len(self.active_threads()) >= self.max_active:
            raise ApiError(400, 160006, "Maximum number of active threads reached")

    def set_state(self, thread: Json, **state: Any) -> None:
        """Archive, lock or open a thread."""
        metadata = thread["thread_metadata"]
        if state.get("archived") is False and metadata["archived"]:
            self.require_room()
        if state.keys() & {"archived", "auto_archive_duration"}:
            metadata["archive_timestamp"] = self.stamp()
        metadata.update(state)
        self.emit("THREAD_UPDATE", thread)

    def stamp(self, moment: float | None = None) -> str:
        """A time as Discord writes it."""
        return datetime.fromtimestamp(self.now() if moment is None else moment, UTC).isoformat()

    def make_message(self, channel: Json, author: Json, body: Json, files: list[StoredFile]) -> Json:
        """Store a message and tell the Gateway."""
        if is_thread(channel) and channel["thread_metadata"]["archived"]:
            self.set_state(channel, archived=False)
        replied = body.get("message_reference")
        message: Json = {
            **{"id": body.get("id") or self.new_id(), "channel_id": channel["id"]},
            "content": body.get("content") or "",
            **{"author": author, "timestamp": self.stamp(), "edited_timestamp": None, "tts": False, "embeds": []},
            **{"mention_everyone": False, "mentions": body.get("mentions", []), "mention_roles": [], "pinned": False},
            **{"attachments": [file.id for file in files], "components": [], "flags": body.get("flags", 0)},
            "type": body.get("type", 19 if replied and not body.get("message_snapshots") else 0),
        }
        for name in ("message_reference", "message_snapshots", "sticker_items", "webhook_id", "poll"):
            if body.get(name):
                message[name] = body[name]
        self.messages[channel["id"]].append(message)
        channel["last_message_id"] = message["id"]
        if is_thread(channel):
            channel["message_count"] += 1
        nonce = {"nonce": body["nonce"]} if body.get("nonce") is not None else {}
        self.emit("MESSAGE_CREATE", {**self.shown(message), **nonce, **self.member(author)})
        return message

    def member(self, author: Json) -> Json:
        """What events add to a message."""
        more = {"joined_at": self.stamp(), "flags": 0, "deaf": False, "mute": False, "premium_since": None}
        return {"guild_id": self.guild, "member": {"nick": author.get("nick"), "roles": [], **more}}

    def emit_typing(self, channel: Json, user: Json) -> None:
        """Tell the Gateway that somebody types."""
        found = self.member(user)
        found["member"]["user"] = {key: value for key, value in user.items() if key != "nick"}
        data = {"channel_id": channel["id"], "user_id": user["id"], "timestamp": int(self.now())}
        self.emit("TYPING_START", {**data, **found})

    def shown(self, message: Json) -> Json:
        """A message with addresses for its files that are valid from now."""
        shown = {**message, "author": {key: value for key, value in message["author"].items() if key != "nick"}}
        shown["attachments"] = [self.shown_file(each) for each in message["attachments"]]
        if "message_snapshots" in message:
            inner = message["message_snapshots"][0]["message"]
            files = [self.shown_file(each) for each in inner["attachments"]]
            shown["message_snapshots"] = [{"message": {**inner, "attachments": files}}]
        return shown

    def shown_file(self, file_id: str) -> Json:
        """A file with an address that is valid from now."""
        file = self.files[file_id]
        until = int(self.now() + self.attachment_seconds)
        # Discord has the whole name of a file apart from the one that suits addresses, and without its ending.
        filename = re.sub(r"[^\w.-]", "_", file.name, flags=re.ASCII)
        title = {"title": file.name.rpartition(".")[0]} if filename != file.name else {}
        url = f"{self.base}/attachments/{file.channel}/{file.id}/{filename}?ex={until:x}&is=0&hm=5f"
        return {
            **title,
            **{"id": file.id, "filename": filename, "size": len(file.content), "url": url, "proxy_url": url},
            "content_type": file.mime_type,
        }

    def hides(self, message: Json) -> bool:
        """Whether the bot gets a message without its text."""
        mine = message["author"]["id"] == self.bot["id"]
        return not mine and not self.application_flags & MESSAGE_CONTENT


def hidden(message: Json) -> Json:
    """A message as a bot gets it that may not read it."""
    return {**message, "content": "", "attachments": [], "embeds": [], "components": []}


def is_thread(channel: Json) -> bool:
    """Whether a channel is a thread."""
    return channel["type"] in {10, 11, 12}
