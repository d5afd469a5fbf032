"""Bounds of what may be stored, and the checks of them. Schemas and `chat/` share them."""

from __future__ import annotations

import re
from typing import Any

from .errors import InvalidRequest
from .values import Identity

#: Characters of a message, and of the comment of a rating.
MAX_CONTENT = 4000
MAX_COMMENT = 1000

#: The periods that statistics are made for, in days.
STATS_PERIODS = {"7d": 7, "30d": 30}

#: How deep JSON of a caller's own may be nested: MariaDB stores at most 32 levels.
MAX_DEPTH = 20

# PostgreSQL stores no NUL, and no database stores half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Whether every database can store the text."""
    return _UNSTORABLE.search(text) is None


def storable_part(text: str) -> str:
    """The text without what can't be stored."""
    return _UNSTORABLE.sub("", text)


def storable_json(value: Any) -> bool:
    """Whether every text within a JSON value can be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return all(storable(str(key)) and storable_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(storable_json(item) for item in value)
    return True


def nested_within(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Whether a JSON value has at most so many objects and lists within each other."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(nested_within(item, levels - 1) for item in inner)


def check_content(content: str, *, may_be_blank: bool = False) -> None:
    """Check the text of a message.

    :param may_be_blank: whether something else says enough.
    :raises InvalidRequest: if it is blank, longer than 4000 characters, or can't be stored.
    """
    if not isinstance(content, str):
        raise InvalidRequest.field("content", "Not a valid string.")
    if not content.strip() and not may_be_blank:
        raise InvalidRequest.field("content", "May not be blank.")
    check_text("content", content, MAX_CONTENT)


def check_text(field: str, value: str, size: int) -> None:
    """Check a text of several lines.

    :raises InvalidRequest: naming the field, if it is longer than `size` characters, or can't be stored.
    """
    if len(value) > size:
        raise InvalidRequest.field(field, f"Longer than {size} characters.")
    if not storable(value):
        raise InvalidRequest.field(field, "Has a character that can't be stored (NUL or half a surrogate pair).")


def check_line(field: str, value: str | None, size: int) -> None:
    """Check a short text, if there is one.

    :raises InvalidRequest: naming the field, if it is empty, longer than `size` characters, or can't be stored.
    """
    if value is None:
        return
    if not isinstance(value, str) or not 1 <= len(value) <= size or not storable(value):
        raise InvalidRequest.field(field, f"Must be text of 1 to {size} characters, no NUL among them.")


def check_json(field: str, value: Any) -> None:
    """Check a JSON value of the caller's own.

    :raises InvalidRequest: naming the field, if some database could not store it.
    """
    if not storable_json(value) or not nested_within(value):
        raise InvalidRequest.field(field, f"Must be JSON without NUL and at most {MAX_DEPTH} levels deep.")


def check_limit(limit: int) -> None:
    """Check the size of a page.

    :raises InvalidRequest: if it is not 1 to 100.
    """
    if not 1 <= limit <= 100:
        raise InvalidRequest.field("limit", "Must be 1 to 100.")


def check_identity(identity: Identity | None) -> None:
    """Check that every database can store an identity.

    :raises InvalidRequest: naming the field that it can't.
    """
    if identity is not None:
        check_line("customerId", identity.customer_id, 255)
        check_line("email", identity.email, 320)
        check_line("name", identity.name, 200)
        check_json("metadata", dict(identity.metadata or {}))
