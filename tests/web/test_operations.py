"""Tests the declarations of operations: the session of a handle, limits, and responses with a single field."""

from __future__ import annotations

from dataclasses import fields

import pytest

from flask_pocketping.config import Config
from flask_pocketping.schemas.base import OutputSchema
from flask_pocketping.web.operations import Operation
from flask_pocketping.web.registry import all_operations

OPERATIONS = {f"{operation.method} {operation.path}": operation for operation in all_operations()}

#: A stream reads its handle while it is admitted, since a WebSocket does so before there is a view.
STREAMS = {"GET /stream"}


def names_a_session(operation: Operation) -> bool:
    schemas = (operation.body_schema, operation.query_schema)
    return operation.caller == "visitor" and any(schema and "sessionId" in schema.fields for schema in schemas)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_route_with_a_handle_declares_its_session(name: str) -> None:
    operation = OPERATIONS[name]
    assert (operation.session is not None) == (names_a_session(operation) and name not in STREAMS)


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.limit])
def test_a_limit_counts_per_session_by_the_rules_of_a_setting(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.session == "required"
    assert operation.limit
    assert operation.limit.setting in {field.name for field in fields(Config)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_schema_that_holds_a_field_has_only_that_and_fixed_fields(name: str) -> None:
    schema = OPERATIONS[name].response_schema
    if isinstance(schema, OutputSchema) and schema.holds is not None:
        assert list(schema.dump_fields) == [*schema.always, schema.holds]
