"""Tests that only JSON's true and false are accepted as booleans, and that they are accepted as nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import Schema, fields

from flask_pocketping.schemas import backoffice, sockets, uploads, visitor
from flask_pocketping.schemas.base import BackOfficeRequest, VisitorRequest
from flask_pocketping.schemas.fields import StrictBoolean

from ..support.clients import Api

LIKENESSES = [0, 1, 0.0, 1.0, "true", "false", "1", "0", "on", "", [], {}]


def refused(api: Api, method: str, path: str, body: dict[str, Any], field: str) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), answer.text
    assert answer.json()["details"].keys() == {field}


@pytest.mark.parametrize("value", [*LIKENESSES, None])
def test_values_that_only_look_like_booleans_are_refused(shared: Api, value: object) -> None:
    page = shared.visitor()
    webhook = shared.ok("POST", "/webhooks", {"url": "http://127.0.0.1:9/hook", "events": ["*"]})["webhook"]
    refused(shared, "POST", f"/sessions/{page.session_id}/ai", {"enabled": value}, "enabled")
    refused(shared, "PATCH", f"/webhooks/{webhook['id']}", {"enabled": value}, "enabled")
    refused(shared, "POST", "/connect", {"create": value}, "create")
    refused(shared, "POST", "/typing", {"sessionId": page.handle, "isTyping": value}, "isTyping")
    assert shared.ok("GET", f"/sessions/{page.session_id}")["session"]["aiEnabled"] is True


@pytest.mark.parametrize("value", LIKENESSES)
def test_a_socket_refuses_values_that_only_look_like_booleans(shared: Api, value: object) -> None:
    session_id = shared.session()
    with shared.socket() as office:
        office.send({"type": "typing", "sessionId": session_id, "isTyping": value})
        assert office.expect("error")["details"].keys() == {"isTyping"}


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_not_a_number(shared: Api, value: bool) -> None:
    page = shared.visitor()
    refused(shared, "POST", "/csat", {"sessionId": page.handle, "score": value}, "score")
    refused(shared, "POST", "/upload", {"sessionId": page.handle, "filename": "a.txt", "size": value}, "size")


@pytest.mark.parametrize("value", [True, False])
def test_booleans_are_read_and_written_as_booleans(any_api: Api, value: bool) -> None:
    page = any_api.visitor()
    page.say("Hello")
    session = any_api.ok("POST", f"/sessions/{page.session_id}/ai", {"enabled": value})["session"]
    assert session["aiEnabled"] is value
    [listed] = any_api.ok("GET", "/sessions?unanswered=true")["sessions"]
    for name in ("aiEnabled", "aiActive", "unanswered", "visitorOnline"):
        assert type(listed[name]) is bool, name
    assert type(any_api.ok("GET", f"/sessions/{page.session_id}/messages")["hasMore"]) is bool


def booleans_in(schema: type[Schema] | Schema) -> list[fields.Boolean]:
    found = []
    for field in (schema if isinstance(schema, Schema) else schema()).fields.values():
        if isinstance(field, fields.Nested):
            found += booleans_in(field.schema)
        elif isinstance(field, fields.Boolean):
            found.append(field)
    return found


def test_every_boolean_field_is_strict() -> None:
    """Texts stand for them only in queries, which have nothing else."""
    inputs = [
        found
        for module in (backoffice, visitor, uploads, sockets)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, (BackOfficeRequest, VisitorRequest))
    ]
    bodies = [schema for schema in inputs if not schema.__name__.endswith("Query")]
    found = [field for schema in bodies for field in booleans_in(schema)]
    assert len(found) >= 7
    assert all(isinstance(field, StrictBoolean) for field in found)
