"""Turns a post into the requests that make it: contents, files and the nonces by which Discord knows a repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..platform import OutgoingFile, Post
from .text import author_line, from_markdown, from_plain

#: The largest file in bytes, and how many files and bytes a message may have.
MAX_FILE = 10 * 1024 * 1024
MAX_FILES = 10
MAX_FILES_SIZE = 20 * 1024 * 1024
#: The maximum length of a nonce in characters.
MAX_NONCE = 25

SUPPRESS_EMBEDS = 1 << 2
SUPPRESS_NOTIFICATIONS = 1 << 12
NO_MENTIONS: Mapping[str, Any] = {"parse": [], "replied_user": False}


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a post.

    :ivar nonce: the same for each attempt.
    :ivar reply_to: the id of the message that it replies to.
    """

    content: str
    files: tuple[OutgoingFile, ...]
    nonce: str
    reply_to: str | None
    silent: bool

    def payload(self, channel: str) -> dict[str, Any]:
        """Return the JSON of the request.

        :param channel: the id of the thread.
        """
        payload: dict[str, Any] = {
            "content": self.content,
            "nonce": self.nonce,
            "enforce_nonce": True,
            "allowed_mentions": NO_MENTIONS,
            "flags": SUPPRESS_EMBEDS | (SUPPRESS_NOTIFICATIONS if self.silent else 0),
        }
        if self.reply_to is not None:
            # If that message is gone, the reply is posted without the link.
            payload["message_reference"] = {
                "message_id": self.reply_to,
                "channel_id": channel,
                "fail_if_not_exists": False,
            }
        if self.files:
            payload["attachments"] = [
                {"id": index, "filename": file.name[:200]} for index, file in enumerate(self.files)
            ]
        return payload


def content_of(post: Post) -> str:
    """Return the content of a post's first message."""
    header = f"{from_plain(post.header)}\n\n" if post.header else ""
    text = from_markdown(post.text) if post.markdown else from_plain(post.text)
    return (header + (author_line(post.author) if post.author else "") + text).strip()


def parts_of(post: Post) -> list[Part]:
    """Return the messages of a post, in order. Files that don't fit into the first one follow in others."""
    groups = _groups(post.files)
    first = Part(content_of(post), groups[0], post.key, post.reply_to, post.silent)
    others = [
        replace(first, content="", files=group, nonce=nonce_of(post.key, index), reply_to=None)
        for index, group in enumerate(groups[1:], 1)
    ]
    return [first, *others]


def nonce_of(key: str, index: int) -> str:
    """Return the nonce of a further message of a post."""
    return hashlib.sha256(f"{key} {index}".encode()).hexdigest()[:MAX_NONCE]


def _groups(files: Sequence[OutgoingFile]) -> list[tuple[OutgoingFile, ...]]:
    groups: list[tuple[OutgoingFile, ...]] = [()]
    for file in files:
        size = sum(other.size for other in groups[-1])
        if groups[-1] and (len(groups[-1]) == MAX_FILES or size + file.size > MAX_FILES_SIZE):
            groups.append(())
        groups[-1] += (file,)
    return groups
