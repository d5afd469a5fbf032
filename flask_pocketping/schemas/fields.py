"""The fields of schemas: text that can be stored, strict booleans, free JSON, times, and the checks of lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import ValidationError, fields, validate

from ..bounds import (
    MAX_CONTENT,
    MAX_DEPTH,
    MAX_OBJECT_BYTES,
    MAX_PAGE_SIZE,
    MAX_VALUE_BYTES,
    MAX_VISITOR_ID,
    PAGE_SIZE,
    UNSTORABLE,
    nested_within,
    storable,
    storable_json,
    storable_part,
)
from .compact_json import to_json


class Time(fields.DateTime):
    """A UTC time in ISO 8601 with `Z`."""


class Day(fields.Date):
    """A day in ISO 8601."""


class Text(fields.String):
    """Text that every database can store."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not storable(text):
            raise ValidationError(UNSTORABLE)
        return text


class TruncatedText(fields.Field[str]):
    """Text that a visitor could not correct. It is truncated to `size` characters. Other types become empty text."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)
        self.size = size

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return storable_part(value)[: self.size] if isinstance(value, str) else ""


class StrictBoolean(fields.Boolean):
    """True or false in JSON, and nothing that Python takes for either: 0 equals False there."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is True or value is False:
            return value
        raise self.make_error("invalid", input=value)


class FreeObject(fields.Dict):
    """A JSON object of the caller's own, up to `MAX` bytes of JSON."""

    MAX = MAX_OBJECT_BYTES

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        return _checked(value, self.MAX)


class FreeValue(fields.Raw):
    """Any JSON value of the caller's own, up to `MAX` bytes of JSON."""

    MAX = MAX_VALUE_BYTES

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return _checked(value, self.MAX)


def _checked(value: Any, size: int) -> Any:
    if not nested_within(value):
        raise ValidationError(f"Nested deeper than {MAX_DEPTH} levels.")
    if not storable_json(value):
        raise ValidationError(UNSTORABLE)
    if len(to_json(value).encode()) > size:
        raise ValidationError(f"Longer than {size} bytes of JSON.")
    return value


def length(most: int, *, least: int = 0) -> validate.Length:
    """Check how long a text is, in characters."""
    return validate.Length(least or None, most, error=f"Must be {_span(most, least)} characters.")


def count(most: int, *, least: int = 0) -> validate.Length:
    """Check how many items a list has."""
    return validate.Length(least or None, most, error=f"Must have {_span(most, least)} items.")


def _span(most: int, least: int) -> str:
    return f"{least}–{most}" if least else f"up to {most}"


def matching(pattern: str, error: str) -> dict[str, Any]:
    """Check that a text matches from end to end; `$` alone would let a line break pass.

    :param pattern: a regular expression.
    :param error: says what is allowed.
    :return: keywords for a field.
    """
    return {"validate": validate.Regexp(rf"(?:{pattern})\Z", error=error), "metadata": {"pattern": f"^{pattern}$"}}


#: Keywords for the field of a project's id.
PROJECT_ID = matching("[A-Za-z0-9_]{1,40}", "Must be the id of a project.")
#: Keywords for the field of a visitor's id.
VISITOR_ID = matching(f"[A-Za-z0-9_.:-]{{1,{MAX_VISITOR_ID}}}", f"Must be 1–{MAX_VISITOR_ID} of A-Z a-z 0-9 _ . : -")


def line(size: int, **kwargs: Any) -> Text:
    """Make a field for a text of up to `size` characters."""
    return Text(validate=length(size), **kwargs)


def optional_line(size: int, **kwargs: Any) -> Text:
    """Make a field for a text of up to `size` characters, or null."""
    return line(size, allow_none=True, **kwargs)


def content_field(**kwargs: Any) -> Text:
    """Make a field for the text of a message; `chat/` checks its length, after what receivers made of it."""
    return Text(metadata={"minLength": 1, "maxLength": MAX_CONTENT}, **kwargs)


def page_size(size: int = PAGE_SIZE, most: int = MAX_PAGE_SIZE) -> fields.Integer:
    """Make a field for how many items a page may have."""
    return fields.Integer(load_default=size, validate=validate.Range(1, most))


def one_of(values: Iterable[str], **kwargs: Any) -> fields.String:
    """Make a field for one of several texts."""
    return fields.String(validate=validate.OneOf([str(value) for value in values]), **kwargs)
