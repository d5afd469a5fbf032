"""Tests the input of schemas: it is read as marshmallow itself reads it, with the same errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validates, validates_schema

from flask_pocketping.schemas import backoffice, management, service, uploads, visitor  # noqa: F401 -- define schemas
from flask_pocketping.schemas.base import BackOfficeRequest, InputSchema, VisitorRequest

#: What a field may be given: right, wrong, empty, and what JSON can hold beside.
VALUES: tuple[Any, ...] = (
    None,
    "",
    "hello",
    "visitor",
    "a\x00b",
    0,
    1,
    -1,
    3,
    10**30,
    1.5,
    True,
    False,
    [],
    ["a"],
    [1],
    {},
    {"a": 1},
)


def _all(schema: type[InputSchema]) -> Iterator[type[InputSchema]]:
    for one in schema.__subclasses__():
        if one.__module__.startswith("flask_pocketping."):
            yield one
        yield from _all(one)


def _outcome(load: Any, data: Any) -> Any:
    try:
        return load(data)
    except ValidationError as error:
        return error.messages


def _inputs(schema: Schema) -> Iterator[dict[str, Any]]:
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    valid = {name: next(iter(_accepted(schema, name)), "hello") for name in names}
    yield {}
    yield valid
    yield {**valid, "unknown": 1}
    yield {"unknown": 1}
    for name, value in itertools.product(names, VALUES):
        yield {**valid, name: value}
        yield {name: value}
    for name in names:
        yield {key: value for key, value in valid.items() if key != name}


def _accepted(schema: Schema, name: str) -> Iterator[Any]:
    field = next(field for key, field in schema.load_fields.items() if (field.data_key or key) == name)
    for value in VALUES:
        try:
            field.deserialize(value, name, {name: value})
        except ValidationError:
            continue
        if value is not None:
            yield value


@pytest.mark.parametrize("schema", sorted(set(_all(InputSchema)), key=str))
def test_every_input_is_read_as_by_marshmallow(schema: type[InputSchema]) -> None:
    made = schema()
    for data in _inputs(made):
        expected = _outcome(lambda found: Schema.load(made, found), data)
        assert _outcome(made.load, data) == expected, data


class Small(VisitorRequest):
    count = fields.Integer(required=True, data_key="howMany")
    tags = fields.List(fields.String(), load_default=list)


class Strict(BackOfficeRequest):
    count = fields.Integer(required=True)


def test_fields_get_their_own_names_and_defaults() -> None:
    assert Small().load({"howMany": 3, "more": 1}) == {"count": 3, "tags": []}
    first, second = Small().load({"howMany": 3}), Small().load({"howMany": 3})
    assert first["tags"] is not second["tags"]


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValidationError, match="Unknown field"):
        Strict().load({"count": 1, "more": 1})


def test_hooks_are_called() -> None:
    class Hooked(VisitorRequest):
        count = fields.Integer()

        @post_load
        def change(self, data: Any, **more: Any) -> Any:
            return {"changed": data["count"]}

    class Checked(VisitorRequest):
        count = fields.Integer()

        @validates("count")
        def check(self, value: int, data_key: str) -> None:
            raise ValidationError("never")

    class CheckedWhole(VisitorRequest):
        count = fields.Integer()

        @validates_schema
        def check(self, data: Any, **more: Any) -> None:
            raise ValidationError("never")

    assert Hooked().load({"count": 1}) == {"changed": 1}
    for schema in (Checked, CheckedWhole):
        with pytest.raises(ValidationError, match="never"):
            schema().load({"count": 1})


def test_options_are_respected() -> None:
    assert Strict(partial=True).load({}) == {}
    assert Strict().load({}, partial=True) == {}
    assert Strict(many=True).load([{"count": 1}]) == [{"count": 1}]
    assert Strict().load([{"count": 1}], many=True) == [{"count": 1}]
    assert Strict(unknown=EXCLUDE).load({"count": 1, "more": 1}) == {"count": 1}
    assert Strict().load({"count": 1, "more": 1}, unknown=EXCLUDE) == {"count": 1}
    with pytest.raises(ValidationError, match="Invalid input type"):
        Strict().load([])
