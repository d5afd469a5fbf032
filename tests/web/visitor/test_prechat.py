"""Tests the form before or after the first message, and the other settings that a page gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.chat import presence, projects
from flask_pocketping.chat.contact import missing_contact
from flask_pocketping.models import DEFAULT_PROJECT
from flask_pocketping.values import Identity, Operator

from ...conftest import LOCAL, Serve
from ...support.clients import Api, Visitor
from ...support.servers import make_app

EMAIL, PHONE = {"email": "ada@example.com"}, {"phone": "+4930123456", "phoneCountry": "DE"}


def fill_in(visitor: Visitor, **body: Any) -> Any:
    return visitor.request("POST", "/prechat", {"sessionId": visitor.handle, **body})


def identity(api: Api, visitor: Visitor) -> Any:
    return api.ok("GET", f"/sessions/{visitor.session_id}")["session"]["identity"]


def greeted(visitor: Visitor, **body: Any) -> dict[str, Any]:
    """What the page is told when it comes back."""
    return dict(visitor.request("POST", "/connect", {"sessionId": visitor.handle, **body}).json())


def test_contact_details_are_stored_as_unverified(any_shared: Api) -> None:
    visitor = any_shared.visitor()
    with any_shared.socket(sessionId=visitor.session_id) as office:
        answer = fill_in(visitor, **EMAIL, **PHONE)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        told = office.expect("visitor.identified")["identity"]
    assert told == {**EMAIL, "metadata": PHONE, "verified": False} == identity(any_shared, visitor)


def test_known_contact_details_are_kept(any_shared: Api) -> None:
    visitor = any_shared.visitor(identity={"id": "c1", "name": "Ada", "plan": "pro"})
    fill_in(visitor, **PHONE)
    fill_in(visitor, **EMAIL)
    known = {"customerId": "c1", "name": "Ada", **EMAIL, "metadata": {"plan": "pro", **PHONE}, "verified": False}
    assert identity(any_shared, visitor) == known
    # Another number comes without the country of the old one.
    fill_in(visitor, phone="+15550100", email=None)
    known["metadata"] = {"plan": "pro", "phone": "+15550100"}
    assert identity(any_shared, visitor) == known
    # The page tells what it knows each time it loads; that is not to lose the number.
    greeted(visitor, identity={"id": "c1", "plan": "free"})
    known["metadata"] = {"plan": "free", "phone": "+15550100"}
    assert identity(any_shared, visitor) == known


def test_a_verified_identity_is_not_overwritten(shared: Api) -> None:
    visitor = shared.visitor()
    shared.ok("POST", f"/sessions/{visitor.session_id}/identify", {"customerId": "c1", "email": "real@example.com"})
    before = identity(shared, visitor)
    assert fill_in(visitor, email="forged@example.com", **PHONE).status_code == 200
    assert identity(shared, visitor) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"email": None, "phone": None}, "body"),
        ({"phoneCountry": "DE"}, "body"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"email": f"{'x' * 320}@example.com"}, "email"),
        ({"phone": "030 123456"}, "phone"),
        ({"phone": "+0123456"}, "phone"),
        ({"phone": "+1234567890123456"}, "phone"),
        ({"phone": "+4930123456\n"}, "phone"),
        ({"phone": 4930123456}, "phone"),
        ({**PHONE, "phoneCountry": "Germany"}, "phoneCountry"),
        ({**PHONE, "phoneCountry": "de"}, "phoneCountry"),
    ],
)
def test_invalid_contact_details_are_refused(shared: Api, body: dict[str, Any], field: str) -> None:
    visitor = shared.visitor()
    answer = fill_in(visitor, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert field in answer.json()["details"]
    assert identity(shared, visitor) is None


def test_the_prechat_form_has_the_rate_limit_of_messages(serve: Serve) -> None:
    page = serve(visitor_message_limit="2/minute").visitor()
    found = [
        page.request("POST", "/prechat", {"sessionId": page.handle, "email": f"{number}@example.com"}).status_code
        for number in range(3)
    ]
    assert found == [200, 200, 429]


def test_a_visitor_can_only_fill_in_their_own_form(shared: Api) -> None:
    visitor = shared.visitor()
    for handle in (visitor.session_id, visitor.handle.replace(".", ".x", 1), None):
        answer = visitor.request("POST", "/prechat", {"sessionId": handle, **EMAIL})
        assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND")


def test_a_page_gets_the_form_and_whether_it_is_completed(serve: Serve) -> None:
    api = serve(prechat="optional", prechat_fields="phone-only", prechat_timing="after-first-message")
    visitor = api.visitor()
    form = {"enabled": True, "required": False, "timing": "after-first-message", "fields": "phone-only"}
    assert visitor.hello["preChatForm"] == {**form, "completed": False}
    fill_in(visitor, **EMAIL)
    assert greeted(visitor)["preChatForm"] == {**form, "completed": False}
    fill_in(visitor, **PHONE)
    assert greeted(visitor)["preChatForm"] == {**form, "completed": True}
    # What is optional keeps nobody from talking.
    api.visitor().say("Hello")


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ("email-only", {"nothing": ["email"], "email": [], "phone": ["email"], "both": []}),
        ("phone-only", {"nothing": ["phone"], "email": ["phone"], "phone": [], "both": []}),
        ("email-or-phone", {"nothing": ["email", "phone"], "email": [], "phone": [], "both": []}),
        ("email-and-phone", {"nothing": ["email", "phone"], "email": ["phone"], "phone": ["email"], "both": []}),
    ],
)
def test_missing_contact_details_are_found(fields: str, missing: dict[str, list[str]]) -> None:
    known = {
        "nothing": None,
        "email": Identity(email="ada@example.com"),
        "phone": Identity(name="Ada", metadata=PHONE),
        "both": Identity(email="ada@example.com", metadata=PHONE),
    }
    assert {name: missing_contact(identity, fields) for name, identity in known.items()} == missing
    assert missing_contact(Identity(customer_id="c1", verified=True), fields) == []


def test_a_message_needs_the_required_form(serve: Serve) -> None:
    api = serve(prechat="required", prechat_fields="email-or-phone")
    visitor = api.visitor()
    body = {"sessionId": visitor.handle, "content": "Hello"}
    refused = visitor.request("POST", "/message", body)
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_REQUEST")
    assert refused.json()["message"] == "Please leave your email address or your phone number first."
    assert api.ok("GET", f"/sessions/{visitor.session_id}/messages")["messages"] == []
    fill_in(visitor, **PHONE)
    visitor.say("Hello")
    # The back office speaks when it likes, and one that it knows need not say who they are.
    other = api.visitor()
    api.ok("POST", f"/sessions/{other.session_id}/messages", {"content": "May I help?"})
    api.ok("POST", f"/sessions/{other.session_id}/identify", {"customerId": "c1"})
    other.say("Yes")
    assert greeted(other)["preChatForm"]["completed"]


def test_a_form_after_the_first_message_does_not_block_it(serve: Serve) -> None:
    visitor = serve(prechat="required", prechat_timing="after-first-message").visitor()
    visitor.say("Hello")
    assert visitor.hello["preChatForm"]["required"]


def test_a_page_gets_the_settings_of_the_chat(serve: Serve) -> None:
    look = {
        "welcomeMessage": "Hello!",
        "operatorName": "The team",
        "operatorAvatar": "https://shop.example/team.png",
        "primaryColor": "#0a7cff",
        "headerColor": "#111111",
        "footerColor": "#eee",
        "chatBackground": "dots",
        "toggleColor": "#ff0000",
    }
    api = serve(
        welcome_message="Hello!",
        operator_name="The team",
        operator_avatar="https://shop.example/team.png",
        primary_color="#0A7CFF",
        header_color="#111111",
        footer_color="#eee",
        chat_background="dots",
        toggle_color="#ff0000",
    )
    visitor = api.visitor()
    assert {name: visitor.hello[name] for name in look} == look
    assert visitor.hello["status"] == "active"
    api.ok("POST", f"/sessions/{visitor.session_id}/close")
    assert greeted(visitor)["status"] == "closed"


def test_a_page_gets_no_unset_settings(shared: Api) -> None:
    unset = {"welcomeMessage", "operatorName", "operatorAvatar", "primaryColor", "headerColor", "footerColor"}
    unset |= {"chatBackground", "toggleColor", "preChatForm", "csatRequestedAt"}
    assert unset & set(shared.visitor().hello) == set()


def test_a_page_gets_whether_the_team_is_online(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, operator_name="The team", **LOCAL))
    away = api.visitor().hello
    assert (away["operatorOnline"], away["operatorReachable"], away["aiActive"]) == (False, False, False)
    with api.socket():
        there = api.visitor().hello
    assert (there["operatorOnline"], there["operatorReachable"], there["operatorName"]) == (True, True, "The team")


def test_a_page_gets_the_online_operators_of_its_project(app: Flask, api: Api) -> None:
    state = app.extensions["pocketping"]
    other = api.with_key(projects.create_key(state.db, "Key", projects.create_project(state.db, "Other").id).key)
    handle = state.handles.sign(other.session())
    assert api.visitor(sessionId=handle).hello["operatorOnline"] is False
    with other.socket():
        assert api.visitor(sessionId=handle).hello["operatorOnline"] is True
        assert api.visitor().hello["operatorOnline"] is False


def test_a_page_gets_the_online_operators(app: Flask, api: Api) -> None:
    db = app.extensions["pocketping"].db
    ana = presence.arrive(db, DEFAULT_PROJECT, operator=Operator("1", "Ana", "https://shop.example/ana.png"))
    presence.arrive(db, DEFAULT_PROJECT, operator=Operator("2", "Ben"))
    hello = api.visitor().hello
    assert (hello["operatorName"], hello["operatorAvatar"]) == ("Ana", "https://shop.example/ana.png")
    presence.leave(db, ana)
    hello = api.visitor().hello
    assert (hello["operatorName"], "operatorAvatar" in hello) == ("Ben", False)
