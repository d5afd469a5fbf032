"""Tests the output of schemas: it equals that of marshmallow, and schemas that would differ are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import pytest
from marshmallow import Schema, fields, post_dump, pre_dump

from flask_pocketping.schemas import backoffice, service, uploads, visitor  # noqa: F401 -- they define schemas
from flask_pocketping.schemas.base import OutputSchema
from flask_pocketping.schemas.fields import Day, Time
from flask_pocketping.schemas.values import MessageSchema
from flask_pocketping.values import Attachment, AttachmentStatus, Message, MessageType


class Colour(Enum):
    RED = "red"


@dataclass
class Item:
    name: str = "Ärger"
    count: int = 3
    secret: str = "swordfish"


class ItemSchema(OutputSchema):
    name = fields.String()
    count = fields.Integer(data_key="howMany")


class Hooked(OutputSchema):
    @post_dump
    def change(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {}


class HookedBefore(OutputSchema):
    @pre_dump
    def change(self, data: Any, **kwargs: Any) -> Any:
        return data


class OwnAttributes(OutputSchema):
    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return None


class OwnFormat(OutputSchema):
    class Meta:
        datetimeformat = "rfc"

    at = Time()


class Shout(fields.String):
    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return str(value).upper()


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (Hooked, "post_dump hook"),
        (HookedBefore, "pre_dump hook"),
        (OwnAttributes, "get_attribute"),
        (OwnFormat, "at is a Time of the format rfc"),
    ],
)
def test_a_schema_with_other_output_in_marshmallow_is_refused(schema: type[OutputSchema], why: str) -> None:
    with pytest.raises(TypeError, match=f"{schema.__name__}: .*{why}"):
        schema()


@pytest.mark.parametrize(
    ("field", "why"),
    [
        (fields.Method("compute"), "field is a Method"),
        (fields.Function(lambda item: 1), "field is a Function"),
        (fields.Constant(1), "field is a Constant|dump_default"),
        (fields.Enum(Colour), "field is a Enum"),
        (fields.DateTime(), "field is a DateTime"),
        (fields.Decimal(as_string=True), "field is a Decimal"),
        (fields.Integer(as_string=True), "field is a number as text"),
        (fields.Pluck(ItemSchema, "name"), "field is a Pluck"),
        (fields.Dict(), "field is a Dict"),
        (Shout(), "field is a Shout"),
        (fields.List(Shout()), "field is a list of what is a Shout"),
        (fields.String(attribute="owner.name"), "field has an attribute of an attribute"),
        (fields.String(dump_default="nobody"), "field has a dump_default"),
        (Time(format="timestamp"), "field is a Time of the format timestamp"),
        (Day(format="%d.%m.%Y"), "field is a Day of the format"),
    ],
)
def test_a_field_with_other_output_in_marshmallow_is_refused(field: Any, why: str) -> None:
    schema = type("Odd", (OutputSchema,), {"field": field, "compute": lambda self, item: 1})
    with pytest.raises(TypeError, match=f"Odd: .*{why}"):
        schema()


@pytest.mark.parametrize(
    "options",
    [{}, {"only": ["name"]}, {"exclude": ["name"]}, {"load_only": ["count"]}],
    ids=lambda options: next(iter(options), "all"),
)
def test_options_of_a_schema_are_respected(options: dict[str, Any]) -> None:
    schema = ItemSchema(**options)
    assert schema.dump(Item()) == Schema.dump(schema, Item())
    assert schema.dump([Item()], many=True) == [Schema.dump(schema, Item())]
    assert ItemSchema(many=True, **options).dump([Item()]) == [schema.dump(Item())]


def test_options_of_nested_schemas_are_respected() -> None:
    class Both(OutputSchema):
        one = fields.Nested(ItemSchema, only=["name"])
        many = fields.Nested(ItemSchema, many=True, exclude=["name"])
        listed = fields.List(fields.Nested(ItemSchema))

    schema, value = Both(), {"one": Item(), "many": [Item(), Item()], "listed": [Item()]}
    assert schema.dump(value) == Schema.dump(schema, value)
    assert schema.dump(value)["many"] == [{"howMany": 3}, {"howMany": 3}]


def test_times_are_in_utc_with_microseconds() -> None:
    class Times(OutputSchema):
        at = Time()
        on = Day()

    written = Times().dump({"at": datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "on": date(2026, 3, 29)})
    assert written == {"at": "2026-03-29T01:30:00.000000Z", "on": "2026-03-29"}


def test_a_message_is_written_as_by_marshmallow() -> None:
    attached = Attachment("att_1", "sess_1", "a.txt", "text/plain", 5, AttachmentStatus.READY, "/a.txt")
    message = Message("msg_1", "sess_1", 1, "Hello", MessageType.VISITOR, datetime.now(UTC), attachments=(attached,))
    schema = MessageSchema()
    theirs: Mapping[str, Any] = Schema.dump(schema, message)
    empty = {name for name in schema.optional if theirs.get(name) in (None, [], ())}
    ours = schema.dump(message)
    assert ours.keys() == theirs.keys() - empty
    assert ours["attachments"][0]["filename"] == "a.txt"
    same = ours.keys() - {"createdAt", "attachments"}
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}


def _all(schema: type[OutputSchema]) -> Iterator[type[OutputSchema]]:
    for one in schema.__subclasses__():
        yield one
        yield from _all(one)


def test_every_schema_can_be_created() -> None:
    ours = [schema for schema in _all(OutputSchema) if schema.__module__.startswith("flask_pocketping.")]
    assert {"SessionSchema", "VisitorSendResponse"} <= {schema.__name__ for schema in ours}
    for schema in ours:
        schema()
