"""Fetches the files that operators post. Their addresses expire, so a new one is asked for if needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..platform import IncomingFile, Refused
from .client import DiscordClient, Expired
from .hosts import Hosts


def read_files(message: Mapping[str, Any], channel: str, message_id: str) -> list[IncomingFile]:
    """Return the files of a message, as Discord describes it, or of what it forwards.

    :param channel: the id of the thread.
    :param message_id: the id of the message, which has a new address when this one has expired.
    """
    return [
        IncomingFile(
            reference=json.dumps([channel, message_id, str(file.get("id")), str(file.get("url"))]),
            name=_name(file),
            mime_type=str(file["content_type"]).partition(";")[0] if file.get("content_type") else None,
            size=file["size"] if isinstance(file.get("size"), int) else None,
        )
        for file in _attachments(message)
    ]


def fetch(client: DiscordClient, hosts: Hosts, file: IncomingFile, limit: int) -> Iterator[bytes]:
    """Fetch a file, without the bot's token.

    :param limit: the maximum size in bytes.
    :raises Refused: if it is larger, not on Discord's hosts, or gone.
    :raises Unreachable: if the fetch can be repeated.
    """
    channel, message_id, file_id, url = json.loads(file.reference)
    parts = _fetch(client, hosts, url, limit)
    try:
        first = next(parts, b"")
    except Expired:
        parts = _fetch(client, hosts, _new_address(client, channel, message_id, file_id), limit)
        first = next(parts, b"")
    yield first
    yield from parts


def _fetch(client: DiscordClient, hosts: Hosts, url: str, limit: int) -> Iterator[bytes]:
    if not hosts.has_file(url):
        raise Refused("The file is not on Discord's servers.")
    return client.fetch(url, limit)


def _new_address(client: DiscordClient, channel: str, message_id: str, file_id: str) -> str:
    message = client.get(f"/channels/{channel}/messages/{message_id}")
    for file in _attachments(message if isinstance(message, dict) else {}):
        if str(file.get("id")) == file_id:
            return str(file.get("url"))
    raise Refused("The file does not exist on Discord any more.")


def _name(file: Mapping[str, Any]) -> str:
    """Return the name that the operator sees: Discord tells it without the ending if it has more than ASCII."""
    filename = str(file.get("filename") or "file")
    ending = "." + filename.rpartition(".")[2] if "." in filename else ""
    title = str(file.get("title") or "")
    if not title:
        return filename
    return title if ending and title.endswith(ending) else title + ending


def _attachments(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = list(message.get("attachments") or ())
    for snapshot in message.get("message_snapshots") or ():
        if isinstance(snapshot, dict) and isinstance(snapshot.get("message"), dict):
            found += snapshot["message"].get("attachments") or ()
    return [file for file in found if isinstance(file, dict)]
