"""Bounds of what may be stored, and the checks of them. Schemas and `chat/` share them."""

from __future__ import annotations

import re
from typing import Any

from .errors import InvalidRequest
from .values import Identity

#: Characters of a message, and of the comment of a rating.
MAX_CONTENT = 4000
MAX_COMMENT = 1000
#: Characters of an identity: the host's own id for a customer or an operator, email address, name.
MAX_CUSTOMER_ID = 255
MAX_EMAIL = 320
MAX_NAME = 200
#: Characters of ids that a page or a program chooses: of a visitor, of a message, of a client that polls.
MAX_VISITOR_ID = 64
MAX_CLIENT_ID = 64
#: Characters of an address: of a page, a picture or a webhook.
MAX_URL = 2048
#: Characters of what a page tells of itself and of its browser.
MAX_TITLE = 500
MAX_USER_AGENT = 500
MAX_LANGUAGE = 35
MAX_TIMEZONE = 64
MAX_SCREEN_RESOLUTION = 32
MAX_COUNTRY = 64
MAX_CITY = 100
MAX_DEVICE = 32
MAX_BROWSER = 64
#: Characters of a saved reply's shortcut, of a custom event's name, of a webhook's description.
MAX_SHORTCUT = 40
MAX_EVENT_NAME = 100
MAX_DESCRIPTION = 500
#: Characters of a document of the knowledge base, and of its name.
MAX_DOCUMENT = 500_000
MAX_DOCUMENT_KEY = 255
#: Characters of a name of a file: as it is given, and as it is kept.
MAX_GIVEN_FILENAME = 1000
MAX_FILENAME = 255
#: Characters of a chat platform's id of a channel, a thread or a message.
MAX_EXTERNAL_ID = 255
#: Characters of a text to search for, of a cursor and of an `Idempotency-Key`.
MAX_SEARCH = 200
MAX_CURSOR = 1000
MAX_IDEMPOTENCY_KEY = 255

#: How many attachments a message may have, and how many messages one receipt may name.
MAX_ATTACHMENTS = 10
MAX_RECEIPTS = 500
#: How many projects an operator may see.
MAX_OPERATOR_PROJECTS = 100
#: How far the conversations of a state are counted.
MAX_SESSION_COUNT = 1000
#: How many types of events a webhook or a socket may name.
MAX_EVENT_TYPES = 50
#: How many items a page has, unless more or fewer are asked for, and how many it may have.
PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
#: The same for clients that poll for events.
POLL_SIZE = 100
MAX_POLL_SIZE = 500

#: Bytes of a JSON object (metadata) and of any JSON value (the data of a custom event) of a caller's own.
MAX_OBJECT_BYTES = 8192
MAX_VALUE_BYTES = 16384

#: The periods that statistics are made for, in days.
STATS_PERIODS = {"7d": 7, "30d": 30}
#: How many days statistics from one moment to another may cover.
MAX_STATS_DAYS = 366

#: How deep JSON of a caller's own may be nested: MariaDB stores at most 32 levels.
MAX_DEPTH = 20

UNSTORABLE = "Has a character that can't be stored (NUL or half a surrogate pair)."

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


def is_external_id(text: str) -> bool:
    """Whether the tables can keep an id of a chat platform."""
    return 1 <= len(text) <= MAX_EXTERNAL_ID and storable(text)


def check_content(content: str, *, may_be_blank: bool = False) -> None:
    """Check the text of a message.

    :param may_be_blank: whether something else says enough.
    :raises InvalidRequest: if it is blank, longer than `MAX_CONTENT` characters, or can't be stored.
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
        raise InvalidRequest.field(field, f"Must be up to {size} characters.")
    if not storable(value):
        raise InvalidRequest.field(field, UNSTORABLE)


def check_line(field: str, value: str | None, size: int) -> None:
    """Check a short text, if there is one.

    :raises InvalidRequest: naming the field, if it is empty, longer than `size` characters, or can't be stored.
    """
    if value is None:
        return
    if not isinstance(value, str) or not 1 <= len(value) <= size or not storable(value):
        raise InvalidRequest.field(field, f"Must be 1–{size} characters, without NUL.")


def check_json(field: str, value: Any) -> None:
    """Check a JSON value of the caller's own.

    :raises InvalidRequest: naming the field, if some database could not store it.
    """
    if not storable_json(value) or not nested_within(value):
        raise InvalidRequest.field(field, f"Must be JSON without NUL and at most {MAX_DEPTH} levels deep.")


def check_limit(limit: int) -> None:
    """Check the size of a page.

    :raises InvalidRequest: if it is not 1 to `MAX_PAGE_SIZE`.
    """
    if not 1 <= limit <= MAX_PAGE_SIZE:
        raise InvalidRequest.field("limit", f"Must be 1–{MAX_PAGE_SIZE}.")


def check_identity(identity: Identity | None) -> None:
    """Check that every database can store an identity.

    :raises InvalidRequest: naming the field that it can't.
    """
    if identity is not None:
        check_line("customerId", identity.customer_id, MAX_CUSTOMER_ID)
        check_line("email", identity.email, MAX_EMAIL)
        check_line("name", identity.name, MAX_NAME)
        check_json("metadata", dict(identity.metadata or {}))
