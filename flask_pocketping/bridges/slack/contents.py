"""What our messages in Slack consist of: text, blocks, and the metadata by which they are recognised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..platform import Post
from .markup import Blocks, escape, first_characters, plain_blocks, quote_line, text_of, to_mrkdwn
from .uploading import is_our_file

#: The type of our metadata.
EVENT_TYPE = "pocketping_post"

Json = Mapping[str, Any]


def contents(post: Post, problems: Sequence[str] = ()) -> tuple[str, Blocks]:
    """Return the escaped text of a post, and blocks for text that is shown character by character.

    :param problems: lines about files that are missing.
    """
    quote = quote_line(post.quote) if post.quote else ""
    quoted = f"> {escape(quote)}" if quote else ""
    header = f"{post.header}\n" if post.header else ""
    if post.markdown and post.text:
        return first_characters(text_of([escape(header), quoted, to_mrkdwn(post.text), *map(escape, problems)])), []
    shown = text_of([header, _shown(post, problems)])
    # Lines of the bridge itself look different from what the visitor writes.
    blocks = plain_blocks(shown, quote=quote, italic=post.silent and post.author is None)
    return first_characters(text_of([quoted, escape(shown)])), blocks


def root_contents(title: str, header: str, post: Post, problems: Sequence[str] = ()) -> tuple[str, Blocks]:
    """Return the escaped text and the blocks of a root: the title, the header and the first message."""
    body = "\n\n".join(part for part in (header, _shown(post, problems)) if part)
    return first_characters(text_of([escape(title), escape(body)])), plain_blocks(body, title=title)


def metadata(
    key: str, files: Sequence[str] = (), heading: Mapping[str, str] | None = None, state: str | None = None
) -> Json:
    """Return the metadata by which a post is recognised.

    :param key: the key of the post.
    :param files: the ids of its files.
    :param heading: of a root, its title and header, for edits.
    :param state: of a note about the conversation, its new state.
    """
    payload: dict[str, Any] = {"key": key, "files": list(files)}
    if heading is not None:
        payload["heading"] = dict(heading)
    if state is not None:
        payload["state"] = state
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def key_of(message: Json) -> str | None:
    """Return the key of a message that we have posted, or `None`."""
    key = payload_of(message).get("key")
    return key if isinstance(key, str) and key else None


def is_ours(message: Json) -> bool:
    """Return whether we have posted a message, whoever its author is."""
    files = message.get("files")
    ours = isinstance(files, list) and any(isinstance(file, dict) and is_our_file(file) for file in files)
    return ours or object_of(message, "metadata").get("event_type") == EVENT_TYPE


def _shown(post: Post, problems: Sequence[str]) -> str:
    return text_of([post.text or ", ".join(file.name for file in post.files), *problems])


def payload_of(message: Json) -> Json:
    """Return what our metadata of a message holds. It is empty for messages of others."""
    found = object_of(message, "metadata")
    return object_of(found, "event_payload") if found.get("event_type") == EVENT_TYPE else {}


def object_of(holder: Json, name: str) -> Json:
    """Return a JSON object within another one, or an empty one."""
    found = holder.get(name)
    return found if isinstance(found, dict) else {}
