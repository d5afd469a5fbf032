"""What a channel is: whether threads or forum posts are opened in it, in which server it is, and which tag it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..platform import Refused

TEXT = 0
ANNOUNCEMENT = 5
FORUM = 15
MEDIA = 16
ANNOUNCEMENT_THREAD = 10
PUBLIC_THREAD = 11

#: The flag of forum channels whose posts need a tag.
REQUIRE_TAG = 1 << 4


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel in which conversations are opened.

    :ivar guild: the id of its server.
    :ivar tags: the ids of the tags for a new post, if the forum needs one.
    """

    id: str
    name: str
    guild: str
    type: int
    tags: tuple[str, ...] = ()

    @property
    def is_forum(self) -> bool:
        """Whether its threads are posts, which begin with a message."""
        return self.type in {FORUM, MEDIA}

    @property
    def thread_type(self) -> int:
        """The type of threads in a text channel."""
        return ANNOUNCEMENT_THREAD if self.type == ANNOUNCEMENT else PUBLIC_THREAD


def read_channel(data: Any) -> Channel:
    """Read a channel as Discord describes it.

    :raises Refused: if no threads can be opened in it.
    """
    kind = data.get("type") if isinstance(data, dict) else None
    if kind not in {TEXT, ANNOUNCEMENT, FORUM, MEDIA} or not data.get("guild_id"):
        raise Refused(
            "POCKETPING_DISCORD_CHANNEL_ID is not a text or forum channel of a server. Right-click such a channel in "
            "Discord and copy its id (Settings, Advanced, Developer Mode)."
        )
    return Channel(str(data["id"]), str(data.get("name") or ""), str(data["guild_id"]), kind, _tags(data))


def _tags(data: Mapping[str, Any]) -> tuple[str, ...]:
    if data.get("type") not in {FORUM, MEDIA} or not int(data.get("flags") or 0) & REQUIRE_TAG:
        return ()
    tags = [tag for tag in data.get("available_tags") or () if isinstance(tag, dict)]
    # Moderated tags can be set by the bot too, because it manages threads, but they have a meaning of their own.
    tags.sort(key=lambda tag: bool(tag.get("moderated")))
    return (str(tags[0]["id"]),) if tags else ()
