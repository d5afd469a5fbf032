"""What came in from a platform, as the JSON that a delivery keeps until it is dealt with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .platform import Author, IncomingFile, IncomingMessage, Thread


def dump(message: IncomingMessage) -> str:
    """Make the JSON of a message."""
    found = asdict(message)
    found["sent_at"] = None
    return json.dumps({"kind": "message", "group": message.group, "message": found})


def load(payload: Mapping[str, Any]) -> IncomingMessage:
    """Read a message."""
    found = dict(payload["message"])
    return IncomingMessage(
        **{
            **found,
            "thread": Thread(**found["thread"]),
            "author": Author(**found["author"]),
            "files": tuple(IncomingFile(**file) for file in found["files"]),
            "more_ids": tuple(found["more_ids"]),
        }
    )


def gather(parts: Sequence[IncomingMessage]) -> IncomingMessage:
    """Return the message of an album whose parts came in any order."""
    ordered = sorted(parts, key=lambda part: (len(part.id), part.id))
    first = ordered[0]
    return replace(
        first,
        text="\n".join(part.text for part in ordered if part.text),
        files=tuple(file for part in ordered for file in part.files),
        more_ids=tuple(part.id for part in ordered[1:]),
        reply_to=next((part.reply_to for part in ordered if part.reply_to), None),
    )
