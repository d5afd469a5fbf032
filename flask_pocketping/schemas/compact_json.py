"""Writes compact JSON text, for responses, frames, webhooks and the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Write compact JSON text; characters beyond ASCII stay as they are.

    :raises TypeError: if JSON can't hold the value.
    :raises ValueError: if it has a number that JSON does not know, such as NaN.
    """
    return _encode(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can hold.")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
