"""How far an attempt got with its posts, kept with its delivery so that a killed worker's successor goes on there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Progress:
    """The progress of a delivery.

    :ivar step: the number of the next post. -1: the thread is being opened.
    :ivar calling: whether the request for `step` may have been sent.
    :ivar called_at: when it was first sent, in seconds since 1970, or 0 if that is not known.
    :ivar ids: the ids of what was posted so far.
    :ivar maybe: why a post may or may not be there, if that is so.
    """

    step: int = 0
    calling: bool = False
    ids: list[str] = field(default_factory=list)
    maybe: str | None = None
    called_at: float = 0.0

    @classmethod
    def read(cls, note: str | None) -> Progress:
        """Read the note of a delivery."""
        found: Any = json.loads(note) if note else {}
        return cls(**{name: found[name] for name in cls.__slots__ if name in found})

    def note(self) -> str:
        """Return the note of a delivery."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def begun(self) -> bool:
        """Whether something was posted, so that the delivery must go on with the same messages."""
        return self.step > 0 or bool(self.ids) or self.maybe is not None
