"""The bases of all schemas: what becomes of unknown fields in requests, and the one way from a value to its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, missing
from marshmallow.decorators import POST_DUMP, POST_LOAD, PRE_DUMP, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

from .. import clock
from .fields import Day, Time

Writer = Callable[[Any], Any]


class InputSchema(Schema):
    """A schema for input that reads valid objects in half of marshmallow's time.

    It deserializes each field as marshmallow does. At the first error it leaves the whole input to marshmallow, which
    collects all errors. A schema with hooks, and a call with options, is left to marshmallow too.
    """

    def load(self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None) -> Any:
        if self._has_only_fields and type(data) is dict and many is None and partial is None and unknown is None:
            try:
                return self._load_fields(data)
            except ValidationError:
                pass
        return super().load(data, many=many, partial=partial, unknown=unknown)

    def _load_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        loaded: dict[str, Any] = {}
        found = 0
        for key, attribute, field in self._readers:
            value = data.get(key, missing)
            if value is not missing:
                found += 1
            value = field.deserialize(value, key, data)
            if value is not missing:
                loaded[attribute] = value
        if found < len(data) and self.unknown == RAISE:
            raise ValidationError("Unknown field.")
        return loaded

    @cached_property
    def _readers(self) -> list[tuple[str, str, fields.Field[Any]]]:
        return [(field.data_key or name, field.attribute or name, field) for name, field in self.load_fields.items()]

    @cached_property
    def _has_only_fields(self) -> bool:
        hooks = (PRE_LOAD, POST_LOAD, VALIDATES, VALIDATES_SCHEMA)
        return (
            not any(self._hooks[hook] for hook in hooks)
            and self.unknown in {RAISE, EXCLUDE}
            and not (self.many or self.partial)
            and not any("." in attribute for _, attribute, _ in self._readers)
        )


class BackOfficeRequest(InputSchema):
    """A body or a query of the back office: what it does not know is an error."""

    class Meta:
        unknown = RAISE


class VisitorRequest(InputSchema):
    """A body or a query of the visitor API: pages may send more than we know."""

    class Meta:
        unknown = EXCLUDE


class OutputSchema(Schema):
    """A schema whose `optional` fields are left out when they are empty.

    It takes what `dump` knows of marshmallow, and nothing else.

    :raises TypeError: if marshmallow would write a field otherwise than `dump` does.
    """

    optional: ClassVar[frozenset[str]] = frozenset()
    #: The only field of a response, if its route's view returns the value of that field.
    holds: ClassVar[str | None] = None
    #: Fields of a response that always have the same value, beside the one that it holds.
    always: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for reason in _unknown(self):
            raise TypeError(f"{type(self).__name__}: {reason}, which OutputSchema.dump does not know.")

    def wrap(self, result: Any) -> Any:
        """Return the data of a response for what its route's view returned."""
        if self.holds is not None:
            return {**self.always, self.holds: result}
        if not self.always:
            return result
        return {**self.always, **result} if isinstance(result, Mapping) else dict(self.always)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """As marshmallow does, in a tenth of its time: the values are typed, so most are JSON as they are."""
        if self.many if many is None else many:
            return [self.dump(item, many=False) for item in obj]
        data = {}
        is_dict = isinstance(obj, dict)
        for name, attribute, is_optional, write in self._writers:
            value = obj.get(attribute) if is_dict else getattr(obj, attribute)
            if is_optional and (value is None or value == ()):
                continue
            data[name] = write(value) if write and value is not None else value
        return data

    @cached_property
    def _writers(self) -> list[tuple[str, str, bool, Writer | None]]:
        named = [(field.data_key or name, field.attribute or name, field) for name, field in self.dump_fields.items()]
        return [(name, attribute, name in self.optional, _writer(field)) for name, attribute, field in named]


#: Fields whose values are JSON as they are.
_PLAIN = (fields.String, fields.Integer, fields.Float, fields.Boolean, fields.Raw)


def _unknown(schema: Schema) -> Iterator[str]:
    """What a schema asks of marshmallow that `OutputSchema.dump` would silently leave out."""
    for hook in (PRE_DUMP, POST_DUMP):
        if schema._hooks[hook]:
            yield f"it has a {hook} hook"
    if type(schema).get_attribute is not Schema.get_attribute:
        yield "it overrides get_attribute"
    for name, field in schema.dump_fields.items():
        if field.attribute and "." in field.attribute:
            yield f"{name} has an attribute of an attribute"
        if field.dump_default is not missing:
            yield f"{name} has a dump_default"
        if reason := _unknown_kind(field):
            yield f"{name} is {reason}"


def _unknown_kind(field: fields.Field[Any]) -> str | None:
    if type(field) is fields.List:
        inner = _unknown_kind(field.inner)
        return f"a list of what is {inner}" if inner else None
    if isinstance(field, Time | Day):
        return None if field.format in {None, "iso"} else f"a {type(field).__name__} of the format {field.format}"
    if type(field) not in {*_PLAIN, fields.Nested}:
        return f"a {type(field).__name__}"
    return "a number as text" if getattr(field, "as_string", False) else None


def _writer(field: fields.Field[Any]) -> Writer | None:
    """What makes JSON of a field's value, where that is something to do."""
    if isinstance(field, Time):
        return clock.format_utc
    if isinstance(field, Day):
        return str
    if isinstance(field, fields.Nested):
        return field.schema.dump
    if isinstance(field, fields.List) and (write := _writer(field.inner)):
        return lambda values: [write(value) for value in values]
    return None


class AcceptedResponse(OutputSchema):
    """The response to a request that has nothing else to return."""

    always = MappingProxyType({"ok": True})

    ok = fields.Boolean(required=True)
