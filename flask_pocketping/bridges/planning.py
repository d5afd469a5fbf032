"""Turns messages into posts: joined, cut to what the platform takes, with names, replies and files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from ..files.store import format_size
from ..values import Attachment, Message, MessageType
from .conversation import said, speaker
from .platform import OutgoingFile, Platform, Post
from .text import clip, cut

#: The longest quote of a message, in characters.
QUOTE = 100

Opener = Callable[[Attachment], BinaryIO]


def plan(
    platform: Platform,
    messages: Sequence[Message],
    *,
    key: str,
    open_file: Opener,
    header: str | None = None,
    lead: str | None = None,
    reply_to: str | None = None,
    quoted: Message | None = None,
) -> list[Post]:
    """Return the posts for one message, or for several messages of a visitor that are joined.

    :param key: what tells the posts of these messages from all others.
    :param open_file: opens the bytes of a file.
    :param header: the lines about the visitor, for the first post of a thread that does not show them yet.
    :param lead: a line to show before an operator's message.
    :param reply_to: the post that the first message replies to.
    :param quoted: the message that it replies to.
    """
    first = messages[0]
    markdown = first.type in {MessageType.OPERATOR, MessageType.AI}
    author = speaker(first)
    files, too_large = _files(platform, messages, open_file)
    text = "\n".join([*(message.content for message in messages if message.content), *too_large])
    if lead:
        text = f"{lead}\n{text}" if text else lead
    post = Post(
        key="",
        text="",
        author=author,
        markdown=markdown,
        reply_to=reply_to,
        quote=clip(said(quoted), QUOTE) if quoted is not None else None,
        silent=first.type == MessageType.SYSTEM,
        header=header,
    )
    posts = _with_text(platform, post, text, files)
    return [replace(found, key=f"{key}-{index}") for index, found in enumerate(posts)]


def digest(messages: Sequence[Message]) -> str:
    """Return a hash of what posts show of messages, to tell whether an edit changes anything."""
    shown = "\0".join(message.content for message in messages)
    return hashlib.sha256(shown.encode()).hexdigest()


def _files(
    platform: Platform, messages: Sequence[Message], open_file: Opener
) -> tuple[tuple[OutgoingFile, ...], list[str]]:
    files, too_large = [], []
    for attachment in (found for message in messages for found in message.attachments):
        if attachment.size > platform.max_file_size:
            too_large.append(f"{attachment.filename} ({format_size(attachment.size)}): {attachment.url}")
            continue

        def opener(attachment: Attachment = attachment) -> BinaryIO:
            return open_file(attachment)

        files.append(OutgoingFile(attachment.id, attachment.filename, attachment.mime_type, attachment.size, opener))
    return tuple(files), too_large


def _with_text(platform: Platform, post: Post, text: str, files: tuple[OutgoingFile, ...]) -> list[Post]:
    def measure(part: str) -> int:
        return platform.measure(part, markdown=post.markdown)

    before = _length_before(platform, post)
    if files and measure(text) + before <= platform.max_caption:
        return [replace(post, text=text, files=files)]
    if not text:
        return [replace(post, text=text)]
    parts = cut(text, platform.max_text - 8, measure, first=max(1, platform.max_text - 8 - before))
    following = replace(post, header=None, reply_to=None, quote=None)
    posts = [replace(post if index == 0 else following, text=part) for index, part in enumerate(parts)]
    if files:
        posts.append(replace(following, files=files))
    return posts


def _length_before(platform: Platform, post: Post) -> int:
    """Return the length of what a platform shows above the text of a post."""
    above = [part for part in (post.header, post.author, post.quote) if part]
    return sum(platform.measure(part, markdown=False) + 4 for part in above)
