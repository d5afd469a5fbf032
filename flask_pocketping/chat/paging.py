"""How many bytes a page of a list may have, whatever number of items was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..schemas.compact_json import to_json

#: Bytes of JSON at which a page ends.
PAGE_BYTES = 256 * 1024
#: Bytes that an item has beside what people wrote in it.
ITEM_BYTES = 700

T = TypeVar("T")


def fit(items: Sequence[T], size: Callable[[T], int]) -> Sequence[T]:
    """The first items, as many as a page has room for; one at the least.

    :param size: how many bytes of JSON an item has, about.
    """
    total = 0
    for index, item in enumerate(items):
        total += size(item)
        if total > PAGE_BYTES and index:
            return items[:index]
    return items


def json_size(*values: Any) -> int:
    """About how many bytes of JSON an item with these values has."""
    return ITEM_BYTES + len(to_json([value for value in values if value]).encode())
