"""What operators do in the fake Discord, and what its threads show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .world import Json, StoredFile, World


class People:
    """Acts as operators."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.world.token

    @property
    def channel(self) -> str:
        """The id of the text channel."""
        return str(self.world.channel)

    @property
    def forum(self) -> str:
        """The id of the forum channel."""
        return str(self.world.forum)

    def threads(self, parent: str | None = None) -> list[Json]:
        """The threads of a channel, by default of the text channel, oldest first."""
        with self.world.lock:
            return [each for each in self.world.channels.values() if each["parent_id"] == (parent or self.channel)]

    def texts(self, thread: str) -> list[str]:
        """The content of each message in a thread."""
        with self.world.lock:
            return [message["content"] for message in self.world.messages[thread]]

    def messages(self, thread: str) -> list[Json]:
        """The messages of a thread."""
        with self.world.lock:
            return [self.world.shown(message) for message in self.world.messages[thread]]

    def say(
        self,
        thread: str,
        content: str,
        author: Json | None = None,
        *,
        reply_to: str | None = None,
        files: Sequence[tuple[str, bytes, str]] = (),
        **more: Any,
    ) -> str:
        """Write a message, by default as Ana, and return its id.

        :param files: name, content and media type of each.
        :param more: other fields of the message, such as `mentions`.
        """
        with self.world.lock:
            body: Json = {"content": content, **more}
            if reply_to is not None:
                body["message_reference"] = {"type": 0, "message_id": reply_to, "channel_id": thread}
            stored = [self._store(thread, *file) for file in files]
            target = self.world.find(thread)
            return str(self.world.make_message(target, author or self.ana(), body, stored)["id"])

    def forward(self, thread: str, content: str, files: Sequence[tuple[str, bytes, str]] = ()) -> str:
        """Forward a message of another channel into a thread."""
        with self.world.lock:
            stored = [self._store(thread, *file).id for file in files]
            snapshot = {"message": {"type": 0, "content": content, "mentions": [], "attachments": stored, "embeds": []}}
            reference = {"type": 1, "message_id": self.world.new_id(), "channel_id": self.channel}
        return self.say(thread, "", message_reference=reference, message_snapshots=[snapshot])

    def edit(self, thread: str, message_id: str, content: str) -> None:
        """Edit a message."""
        with self.world.lock:
            message = self.world.find_message(thread, message_id)
            message.update(content=content, edited_timestamp=self.world.stamp())
            self._tell_update(message)

    def preview(self, thread: str, message_id: str) -> None:
        """Add the preview of a link, as Discord does a moment later."""
        with self.world.lock:
            message = self.world.find_message(thread, message_id)
            message["embeds"] = [{"type": "link", "url": "https://example.com", "title": "Example"}]
            self._tell_update(message)

    def delete(self, thread: str, *message_ids: str) -> None:
        """Delete one message, or several at once as moderators can."""
        with self.world.lock:
            for message_id in message_ids:
                self.world.messages[thread].remove(self.world.find_message(thread, message_id))
            where = {"channel_id": thread, "guild_id": self.world.guild}
            if len(message_ids) == 1:
                self.world.emit("MESSAGE_DELETE", {"id": message_ids[0], **where})
            else:
                self.world.emit("MESSAGE_DELETE_BULK", {"ids": list(message_ids), **where})

    def type(self, thread: str) -> None:
        """Begin to type."""
        self.world.emit_typing(self.world.find(thread), self.ana())

    def set_state(self, thread: str, **state: Any) -> None:
        """Archive, lock or open a thread, or let its time run out."""
        with self.world.lock:
            self.world.set_state(self.world.find(thread), **state)

    def delete_thread(self, thread: str) -> None:
        """Delete a thread."""
        with self.world.lock:
            found = self.world.channels.pop(thread)
            del self.world.messages[thread]
            self.world.emit("THREAD_DELETE", {key: found[key] for key in ("id", "guild_id", "parent_id", "type")})

    def ana(self) -> Json:
        """An operator with a nickname."""
        return self._user("Ana", nick="Ana (Support)")

    def ben(self) -> Json:
        """Another operator."""
        return self._user("Ben")

    def _user(self, name: str, nick: str | None = None) -> Json:
        for user in self.world.users.values():
            if user["global_name"] == name:
                return user
        return self.world.add_user(name, nick=nick)

    def _store(self, thread: str, name: str, content: bytes, mime_type: str) -> StoredFile:
        file = StoredFile(self.world.new_id(), thread, name, content, mime_type)
        self.world.files[file.id] = file
        return file

    def _tell_update(self, message: Json) -> None:
        self.world.emit("MESSAGE_UPDATE", {**self.world.shown(message), **self.world.member(message["author"])})
