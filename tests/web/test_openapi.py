"""Tests the OpenAPI document: it is valid, complete and correct. `CheckedApi` checks that responses match it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from flask_pocketping import __version__

from ..conftest import Serve
from ..support.clients import Api
from ..support.contract import Contract
from ..support.servers import make_app

#: What is in no document: sockets, and the rule that answers in JSON whatever is asked there.
UNDESCRIBED = {"pocketping.ws", "pocketping.stream", "pocketping.unknown", "pocketping.assets", "pocketping.inbox"}


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    answer = api.with_key(None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    return dict(answer.json())


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, found in document["paths"].items()
        for method, operation in found.items()
    }


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()
    for schema in document["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


def test_the_document_has_exactly_the_routes_of_the_app(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("pocketping.") and rule.endpoint not in UNDESCRIBED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert operations(document).keys() == served


def test_the_document_has_every_back_office_route(document: dict[str, Any]) -> None:
    expected = """
        GET /sessions, POST /sessions, GET /sessions/{session_id}, POST /sessions/{session_id}/close,
        POST /sessions/{session_id}/reopen, GET /sessions/{session_id}/messages, POST /sessions/{session_id}/messages,
        PATCH /sessions/{session_id}/messages/{message_id}, DELETE /sessions/{session_id}/messages/{message_id},
        POST /sessions/{session_id}/identify, POST /sessions/{session_id}/ai, POST /sessions/{session_id}/read,
        POST /sessions/{session_id}/events, POST /webhooks, GET /webhooks, GET /webhooks/{webhook_id},
        PATCH /webhooks/{webhook_id}, DELETE /webhooks/{webhook_id}, POST /webhooks/{webhook_id}/test,
        POST /sessions/{session_id}/messages/{message_id}/deliveries/{bridge}/retry,
        POST /webhooks/{webhook_id}/rotate, GET /webhooks/{webhook_id}/deliveries,
        POST /webhooks/{webhook_id}/deliveries/{delivery_id}/retry, POST /sessions/{session_id}/csat,
        GET /sessions/{session_id}/pages, GET /sessions/{session_id}/context, POST /sessions/{session_id}/attachments,
        GET /operators, POST /operators/me/availability, GET /sessions/counts,
        GET /stats, GET /saved-replies, POST /saved-replies, PATCH /saved-replies/{reply_id},
        DELETE /saved-replies/{reply_id}, GET /updates, DELETE /updates, POST /sessions/{session_id}/typing,
        GET /ai, GET /sessions/{session_id}/ai/answers, GET /sessions/{session_id}/ai/drafts,
        POST /sessions/{session_id}/ai/drafts/{draft_id}/send, DELETE /sessions/{session_id}/ai/drafts/{draft_id},
        GET /sessions/{session_id}/ai/actions, POST /sessions/{session_id}/ai/actions/{action_id},
        GET /api/v1/me, GET /api/v1/projects, GET /api/v1/projects/{project_id}, PATCH /api/v1/projects/{project_id},
        GET /api/v1/sessions, GET /api/v1/sessions/{session_id}, POST /api/v1/sessions/{session_id}/reply,
        GET /api/v1/stats, POST /api/mcp
    """
    routes = {(route.split()[0], route.split()[1]) for route in expected.split(",")}
    with_key = {route for route, operation in operations(document).items() if operation["security"] == [{"apiKey": []}]}
    assert with_key == routes
    without = {route for route, operation in operations(document).items() if operation["security"] == []}
    assert {("GET", "/health"), ("GET", "/openapi.json")} <= without
    assert with_key | without == operations(document).keys()


def test_every_operation_has_a_summary_and_an_error(document: dict[str, Any]) -> None:
    found = operations(document).values()
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert operation["summary"].endswith(".")
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Error"}
        (success,) = operation["responses"].keys() - {"default"}
        assert success in {"200", "201", "202", "204"}


def test_the_document_has_the_limits_of_fields(document: dict[str, Any]) -> None:
    sessions = {parameter["name"]: parameter for parameter in operations(document)["GET", "/sessions"]["parameters"]}
    assert sessions.keys() == {"status", "q", "unanswered", "started", "limit", "cursor"}
    assert sessions["limit"]["schema"] == {"type": "integer", "default": 50, "minimum": 1, "maximum": 100}
    schemas = document["components"]["schemas"]
    content = schemas["SendMessage"]["properties"]["content"]
    assert (content["minLength"], content["maxLength"]) == (1, 4000)
    assert schemas["SendMessage"]["properties"]["type"]["enum"] == ["visitor", "operator", "ai", "system"]
    assert schemas["OpenSession"]["properties"]["visitorId"]["pattern"] == "^[A-Za-z0-9_.:-]{1,64}$"
    assert schemas["Message"]["properties"]["createdAt"]["format"] == "date-time"


@pytest.mark.parametrize(("prefix", "server"), [("", "/"), ("/chat", "/chat"), ("/pocketping", "/pocketping")])
def test_the_document_has_the_address_of_the_server(tmp_path: Path, serve: Serve, prefix: str, server: str) -> None:
    api = serve(make_app(tmp_path, url_prefix=prefix))
    document = requests.get(api.url + "/openapi.json", timeout=10).json()
    assert document["servers"] == [{"url": server}]
    assert document["info"]["version"] == __version__


def test_the_check_of_responses_can_fail(api: Api, document: dict[str, Any]) -> None:
    """The check of all answers can fail: against a document that says something else."""
    answer = api.get("/sessions")
    Contract(document).check("GET", "/sessions", answer)
    document["components"]["schemas"]["SessionsResponse"]["required"].append("total")
    with pytest.raises(AssertionError, match="'total' is a required property"):
        Contract(document).check("GET", "/sessions", answer)
    with pytest.raises(AssertionError, match="is not in the OpenAPI document"):
        Contract(document).check("PUT", "/sessions", answer)
    answer.status_code = 206
    with pytest.raises(AssertionError, match="206 is not in the document"):
        Contract(document).check("GET", "/sessions", answer)
