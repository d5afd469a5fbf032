"""The size limit of a page of a list in bytes, in addition to its number of items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..schemas.compact_json import to_json

#: The size of a page in bytes of JSON.
PAGE_BYTES = 256 * 1024
#: The bytes of an item without the text that people wrote.
ITEM_BYTES = 700

T = TypeVar("T")


def fit(items: Sequence[T], size: Callable[[T], int]) -> Sequence[T]:
    """Return the first items that fit into a page, at least one.

    :param size: returns the approximate size of an item in bytes of JSON.
    """
    total = 0
    for index, item in enumerate(items):
        total += size(item)
        if total > PAGE_BYTES and index:
            return items[:index]
    return items


def json_size(*values: Any) -> int:
    """Estimate the size of an item with these values, in bytes of JSON."""
    return ITEM_BYTES + len(to_json([value for value in values if value]).encode())
