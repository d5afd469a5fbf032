"""Files of messages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AttachmentStatus(StrEnum):
    """Whether a file is stored, so that a message can have it."""

    PENDING = "pending"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a conversation.

    :ivar id: the public id, `att_…`.
    :ivar session_id: the public id of its session.
    :ivar filename: the name from its sender, without folders.
    :ivar mime_type: its media type, found in its content.
    :ivar size: its size in bytes.
    :ivar status: pending until it is stored, then ready.
    :ivar url: its address, which works for everyone who knows it.
    :ivar thumbnail_url: the address of its thumbnail, for an image.
    :ivar width: in pixels, for an image.
    :ivar height: in pixels, for an image.
    """

    id: str
    session_id: str
    filename: str
    mime_type: str
    size: int
    status: AttachmentStatus
    # Within `chat/` both are paths below the API's root; `schemas.public_urls` makes addresses of them.
    url: str
    thumbnail_url: str | None = None
    width: int | None = None
    height: int | None = None
