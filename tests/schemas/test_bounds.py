"""Tests maximum lengths: the schemas, the checks of `chat/` and the columns agree."""

from __future__ import annotations

from typing import Any

import pytest

from flask_pocketping import bounds
from flask_pocketping.errors import InvalidRequest
from flask_pocketping.models import Message, Session, WebhookEndpoint, table

from ..support.clients import Api


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"visitorId": "v" * 65}, "visitorId", "Must be 1–64 of A-Z a-z 0-9 _ . : -"),
        ({"identity": {"name": ""}}, "identity.name", "Must be 1–200 characters."),
        ({"identity": {"name": "n" * 201}}, "identity.name", "Must be 1–200 characters."),
        ({"identity": {"email": "a" * 320 + "@example.com"}}, "identity.email", "Must be up to 320 characters."),
        ({"metadata": {"pageUrl": "u" * 2049}}, "metadata.pageUrl", "Must be up to 2048 characters."),
    ],
)
def test_the_error_names_the_limits(shared: Api, body: dict[str, Any], field: str, text: str) -> None:
    answer = shared.post("/sessions", body)
    assert answer.status_code == 400
    assert text in answer.json()["details"][field]


def test_values_of_the_maximum_length_are_stored(any_shared: Api) -> None:
    identity = {"name": "n" * bounds.MAX_NAME, "customerId": "c" * bounds.MAX_CUSTOMER_ID}
    body = {"visitorId": "v" * bounds.MAX_VISITOR_ID, "identity": identity}
    made = any_shared.ok("POST", "/sessions", body)["session"]
    assert made["visitorId"] == body["visitorId"]
    assert made["identity"] == {**identity, "verified": True}


def test_checks_of_the_domain_name_the_limits() -> None:
    with pytest.raises(InvalidRequest, match="name: Must be 1–200 characters, without NUL"):
        bounds.check_line("name", "n\x00", bounds.MAX_NAME)
    with pytest.raises(InvalidRequest, match="limit: Must be 1–100"):
        bounds.check_limit(101)


def test_columns_are_as_wide_as_the_maximum_length() -> None:
    widths = {
        table(Session).c.visitor_id: bounds.MAX_VISITOR_ID,
        table(Session).c.email: bounds.MAX_EMAIL,
        table(Message).c.client_id: bounds.MAX_CLIENT_ID,
        table(WebhookEndpoint).c.description: bounds.MAX_DESCRIPTION,
    }
    assert {column.key: column.type.length for column in widths} == {  # type: ignore[attr-defined]
        column.key: width for column, width in widths.items()
    }
