"""`DiscordPlatform`: the outgoing calls of the bridge to Discord."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal, TypeVar

from ...config_parsers import Network
from ...delivery.target import Pace
from ..platform import (
    Check,
    IncomingFile,
    Opened,
    Platform,
    PlatformError,
    Post,
    Posted,
    Refused,
    Thread,
    ThreadClosed,
    ThreadGone,
    ThreadsFull,
)
from . import checks, files
from .channels import Channel, read_channel
from .client import UNKNOWN_MESSAGE, DiscordClient, Rejected
from .hosts import Hosts
from .posts import MAX_FILE, NO_MENTIONS, SUPPRESS_EMBEDS, Part, content_of, parts_of
from .states import CLOSED, OPEN, QUIET
from .text import MAX_CONTENT, fit, from_markdown, from_plain, length

T = TypeVar("T")

#: How many of a thread's newest messages `find` reads.
RECENT = 50


class DiscordPlatform(Platform):
    """Posts to the threads of a text channel, or to the posts of a forum channel.

    :param token: the bot's token.
    :param channel: the id of the channel.
    :param api_url: the address of the API, without a slash at its end.
    :param allow_networks: networks that the address may be in besides public ones.
    """

    name = "discord"
    label = "Discord"
    # The rest is for the marks around the author's name.
    max_text = MAX_CONTENT - 20
    max_caption = max_text
    max_title = 100
    max_file_size = MAX_FILE
    # Discord drops a repeat by its nonce, for a few minutes.
    on_unanswered: Literal["repeat", "find", "never"] = "repeat"
    repeatable_for = 60.0

    def __init__(self, token: str, channel: str, api_url: str, *, allow_networks: Sequence[Network] = ()) -> None:
        self.channel = channel
        self.client = DiscordClient(token, api_url, allow_networks=allow_networks)
        self.hosts = Hosts(api_url)
        self._channels: dict[str, Channel] = {}
        self._bot_id: str | None = None

    def measure(self, text: str, *, markdown: bool) -> int:
        """Return the length of a text with the backslashes that escaping adds."""
        return length(from_markdown(text) if markdown else from_plain(text))

    def paces(self, thread: Thread | None) -> Sequence[Pace]:
        """Return Discord's limit of requests in all. Each thread has one of its own, which responses tell."""
        return (Pace("discord", 50, 1.0),)

    def open_thread(self, title: str, header: str, first: Post | None) -> Opened:
        """Open a thread, or a forum post, which begins with the header."""
        channel = self.channel_info(self.channel)
        body: dict[str, Any] = {"name": title.strip()[: self.max_title] or "Visitor"}
        body["auto_archive_duration"] = OPEN
        if channel.is_forum:
            body["message"] = {"content": fit(header), "allowed_mentions": NO_MENTIONS, "flags": SUPPRESS_EMBEDS}
            if channel.tags:
                body["applied_tags"] = list(channel.tags)
        else:
            body["type"] = channel.thread_type
        try:
            made = self._with_room(lambda: self.client.call("POST", f"/channels/{channel.id}/threads", json=body))
        except ThreadGone:
            self._channels.clear()
            raise Refused("The channel does not exist any more, or the bot can't see it.") from None
        return Opened(Thread(channel.id, str(made["id"])), has_header=channel.is_forum)

    def post(self, thread: Thread, post: Post) -> Posted:
        """Post to a thread. Discord posts it once, even if this is repeated within some minutes."""
        parts = parts_of(post)
        ids = [self._post_part(thread, part) for part in parts]
        return Posted(tuple(found for found in ids if found is not None), calls=len(parts))

    def find(self, thread: Thread, post: Post) -> Posted | None:
        """Return the newest messages of the bot that have the content and files of a post.

        Discord knows a repeat by its nonce for some minutes only. An attempt that got no response longer ago is looked
        for here. An earlier post may have the same content, so the caller checks that the ids are new.
        """
        recent = self.client.get(f"/channels/{thread.id}/messages", limit=str(RECENT))
        bot = self.bot_id()
        left = [message for message in recent if message["author"]["id"] == bot]
        ids = []
        for part in reversed(parts_of(post)):
            found = next((message for message in left if _is_made_of(message, part)), None)
            if found is None:
                return None
            ids.append(str(found["id"]))
            del left[: left.index(found) + 1]
        return Posted(tuple(reversed(ids)))

    def edit(self, thread: Thread, ids: Sequence[str], post: Post) -> Posted:
        """Change the content of a post's first message."""
        body = {"content": content_of(post), "allowed_mentions": NO_MENTIONS}
        path = f"/channels/{thread.id}/messages/{ids[0]}"
        try:
            self._despite_lock(thread, lambda: self.client.call("PATCH", path, json=body))
        except Rejected as error:
            # Somebody deleted it on Discord, which changes nothing for the visitor.
            if error.code != UNKNOWN_MESSAGE:
                raise
        return Posted(tuple(ids))

    def delete(self, thread: Thread, ids: Sequence[str]) -> None:
        """Delete the messages of a post."""
        for message_id in ids:
            path = f"/channels/{thread.id}/messages/{message_id}"
            try:
                self._despite_lock(thread, lambda: self.client.call("DELETE", path))  # noqa: B023
            except Rejected as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise

    def close(self, thread: Thread) -> None:
        """Archive and lock a thread, so that it leaves the list and only moderators open it."""
        body = {"archived": True, "locked": True, "auto_archive_duration": CLOSED}
        self.client.call("PATCH", f"/channels/{thread.id}", json=body)

    def reopen(self, thread: Thread) -> None:
        """Unlock a thread and take it out of the archive."""
        body = {"archived": False, "locked": False, "auto_archive_duration": OPEN}
        self._with_room(lambda: self.client.call("PATCH", f"/channels/{thread.id}", json=body))

    def typing(self, thread: Thread) -> None:
        """Show for ten seconds that the bot is typing."""
        self.client.call("POST", f"/channels/{thread.id}/typing")

    def link(self, thread: Thread) -> str | None:
        """Return the address of a thread in Discord's app."""
        return f"https://discord.com/channels/{self.channel_info(thread.channel).guild}/{thread.id}"

    def fetch(self, file: IncomingFile, limit: int) -> Iterator[bytes]:
        """Fetch a file from Discord's file servers, or from where the API is."""
        return files.fetch(self.client, self.hosts, file, limit)

    def check(self) -> Iterator[Check]:
        """Check the token, the intent, the channel, the permissions and the Gateway."""
        return checks.check(self.client, self.hosts, self.channel)

    def close_client(self) -> None:
        """Close the connections that are kept open."""
        self.client.close()

    def channel_info(self, channel: str) -> Channel:
        """Return what a channel is. It is asked for once.

        :raises Refused: if it does not exist, or no threads can be opened in it.
        """
        known = self._channels.get(channel)
        if known is None:
            try:
                known = self._channels[channel] = read_channel(self.client.get(f"/channels/{channel}"))
            except ThreadGone:
                raise Refused("The channel does not exist, or the bot can't see it.") from None
        return known

    def bot_id(self) -> str:
        """Return the id of the bot's user. It is asked for once."""
        if self._bot_id is None:
            self._bot_id = str(self.client.get("/users/@me")["id"])
        return self._bot_id

    def _post_part(self, thread: Thread, part: Part) -> str | None:
        """Post one message and return its id, or `None` if it was posted before and is deleted already."""
        path = f"/channels/{thread.id}/messages"

        def post() -> Any:
            with ExitStack() as stack:
                opened = [(file.name, stack.enter_context(file.open()), file.mime_type) for file in part.files]
                payload = part.payload(thread.id)
                return self.client.call("POST", path, json=payload, files=opened)

        try:
            return str(self._despite_lock(thread, lambda: self._with_room(post))["id"])
        except Rejected as error:
            # So Discord answers a repeat whose first message somebody has deleted.
            if error.code == UNKNOWN_MESSAGE:
                return None
            raise

    def _despite_lock(self, thread: Thread, request: Callable[[], T]) -> T:
        """Make a request in a thread. If the thread is locked or archived, open it for this request."""
        try:
            return request()
        except ThreadClosed:
            before = self.client.get(f"/channels/{thread.id}")["thread_metadata"]
            self.reopen(thread)
        try:
            return request()
        finally:
            if before["locked"]:
                # The conversation is still closed. If this fails, the thread stays open, which is no harm.
                body = {name: before[name] for name in ("archived", "locked", "auto_archive_duration")}
                with contextlib.suppress(PlatformError):
                    self.client.call("PATCH", f"/channels/{thread.id}", json=body)

    def _with_room(self, request: Callable[[], T]) -> T:
        """Make a request that may open a thread. If the server has too many, archive the quietest and repeat it."""
        try:
            return request()
        except ThreadsFull:
            if not self._archive_quietest():
                raise
            return request()

    def _archive_quietest(self) -> bool:
        guild, bot = self.channel_info(self.channel).guild, self.bot_id()
        active = self.client.get(f"/guilds/{guild}/threads/active")["threads"]
        ours = [thread for thread in active if thread.get("owner_id") == bot and thread["parent_id"] == self.channel]
        if not ours:
            return False
        quietest = min(ours, key=lambda thread: int(thread.get("last_message_id") or thread["id"]))
        body = {"archived": True, "auto_archive_duration": QUIET}
        self.client.call("PATCH", f"/channels/{quietest['id']}", json=body)
        return True


def _is_made_of(message: Mapping[str, Any], part: Part) -> bool:
    names = [file.get("filename") for file in message.get("attachments") or ()]
    return message.get("content") == part.content and len(names) == len(part.files)
