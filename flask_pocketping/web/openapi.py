"""The OpenAPI 3.1 document, made from the schemas that serve the routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from ..bounds import MAX_IDEMPOTENCY_KEY
from ..schemas.errors import ErrorSchema
from ..schemas.fields import Time
from .operations import Operation

_GROUPS = {"key": "Back office", "program": "Back office", "visitor": "Visitor", "anyone": "Service"}


def build_document(operations: Iterable[Operation], version: str, server: str) -> dict[str, Any]:
    """Describe all operations.

    :param version: the version of this package.
    :param server: the address of the API.
    """
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec("Flask-PocketPing", version, "3.1.0", plugins=[plugin], servers=[{"url": server}])
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_field_details)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("apiKey", {"type": "http", "scheme": "bearer"})
    spec.components.response("Error", {"description": "An error.", **_json(ErrorSchema)})
    for operation in operations:
        spec.path(
            path=re.sub(r"<(\w+)>", r"{\1}", operation.path),
            operations={operation.method.lower(): _describe(operation)},
        )
    return spec.to_dict()


def _describe(operation: Operation) -> dict[str, Any]:
    response: dict[str, Any] = {"description": "Done."}
    if operation.response:
        response |= _json(operation.response)
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": (operation.view.__doc__ or "").strip().splitlines()[0],
        "tags": [_GROUPS[operation.caller]],
        "parameters": [
            {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"<(\w+)>", operation.path)
        ],
        "responses": {str(operation.status): response, "default": {"$ref": "#/components/responses/Error"}},
        "security": [{"apiKey": []}] if operation.caller in {"key", "program"} else [],
    }
    if operation.query:
        described["parameters"].append({"in": "query", "schema": operation.query})
    if operation.creates:
        described["parameters"].append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "Repeating a request with the same key returns the first response again, for 24 hours.",
                "schema": {"type": "string", "maxLength": MAX_IDEMPOTENCY_KEY},
            }
        )
    if operation.body:
        described["requestBody"] = {"required": not operation.body_optional, **_json(operation.body)}
    if operation.raw:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    return described


def _json(schema: type[Schema]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _schema_name(schema: type[Schema] | Schema) -> str:
    name = (schema if isinstance(schema, type) else type(schema)).__name__
    return name.removesuffix("Schema").removesuffix("Request")


def _field_details(self: Any, field: Any, **kwargs: Any) -> dict[str, Any]:
    return {"examples": ["2024-01-15T10:30:00.000000Z"]} if isinstance(field, Time) else {}
