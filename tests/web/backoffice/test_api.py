"""Tests the back office's routes as a client uses them, on each database, with responses as in the OpenAPI document."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from flask_pocketping import clock
from flask_pocketping.chat import session_counts
from flask_pocketping.values import EVENT_TYPES

from ...support.clients import Api
from ...support.contract import CheckedApi
from ...support.office import Office
from ...support.receiver import Answer, Receiver
from ...support.servers import wait_until

SESSION = {
    *("id", "visitorId", "projectId", "status", "createdAt", "lastActivity", "metadata", "identity"),
    *("aiEnabled", "aiActive", "unread", "lastMessage", "closedAt"),
}
MESSAGE = {"id", "sessionId", "seq", "content", "type", "createdAt", "status"}
WEBHOOK = {"id", "url", "events", "description", "enabled", "createdAt"}


@pytest.fixture
def api(office: Office) -> CheckedApi:
    """A project of the test's own."""
    return office.new_project()


@pytest.fixture
def any_api(any_office: Office) -> CheckedApi:
    """A project of the test's own, on each kind of database in turn."""
    return any_office.new_project()


def send(api: Api, session_id: str, content: str = "Hello", **body: Any) -> dict[str, Any]:
    """A message that was accepted."""
    return dict(api.ok("POST", f"/sessions/{session_id}/messages", {"content": content, **body})["message"])


def listed(api: Api, session_id: str, **query: Any) -> list[dict[str, Any]]:
    return list(api.ok("GET", f"/sessions/{session_id}/messages", params=query)["messages"])


def found(api: Api, **query: Any) -> list[str]:
    """The ids of the sessions that a list shows."""
    return [session["id"] for session in api.ok("GET", "/sessions", params=query)["sessions"]]


def refused(response: requests.Response, field: str) -> None:
    """Check that an answer blames a field."""
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "INVALID_REQUEST"
    assert list(response.json()["details"]) == [field], response.text


def post_raw(api: Api, path: str, text: str) -> requests.Response:
    """Post JSON as it is written here."""
    return api.request("POST", path, data=text.encode(), headers={"Content-Type": "application/json"})


def test_a_server_opens_a_session_and_reads_it(any_api: Api) -> None:
    metadata = {
        "pageUrl": "https://example.com/pricing",
        "pageTitle": "Pricing",
        "userAgent": "Mozilla/5.0",
        "language": "de-AT",
        "screenResolution": "1920x1080",
        "cart": {"items": [1, 2, 3], "total": 4.5, "gift": None},
    }
    identity = {"customerId": "cust_123", "email": "user@example.com", "name": "Zoë 🦊", "metadata": {"plan": "pro"}}
    answer = any_api.post("/sessions", {"visitorId": "vis_xyz789", "metadata": metadata, "identity": identity})
    assert answer.status_code == 201
    session = answer.json()["session"]
    assert session.keys() >= SESSION
    assert session["id"].startswith("sess_")
    assert session["visitorId"] == "vis_xyz789"
    assert session["metadata"] == metadata
    assert session["identity"] == {**identity, "verified": True}
    expected = {"status": "active", "aiEnabled": True, "aiActive": False, "unread": 0, "lastMessage": None}
    assert expected.items() <= session.items()
    assert session["closedAt"] is None
    assert session["createdAt"] == session["lastActivity"]
    assert datetime.fromisoformat(session["createdAt"]).utcoffset() == timedelta(0)
    assert session["createdAt"].endswith("Z")
    again = any_api.get(f"/sessions/{session['id']}")
    assert again.status_code == 200
    assert again.json() == {"session": session}


def test_a_session_may_be_opened_without_a_body(api: Api) -> None:
    bare = api.post("/sessions")
    assert bare.status_code == 201
    session = bare.json()["session"]
    assert session["visitorId"].startswith("vis_")
    assert session["metadata"] == {}
    assert session["identity"] is None
    assert api.post("/sessions", {}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"visitorId": ""}, "visitorId"),
        ({"visitorId": "a" * 65}, "visitorId"),
        ({"visitorId": "a" * 64 + "\n"}, "visitorId"),
        ({"visitorId": "with space"}, "visitorId"),
        ({"visitorId": 7}, "visitorId"),
        ({"visitorId": None}, "visitorId"),
        ({"surprise": True}, "surprise"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": {"pageUrl": "h" * 2049}}, "metadata.pageUrl"),
        ({"metadata": {"pageUrl": 5}}, "metadata.pageUrl"),
        ({"metadata": {"cart": "x" * 8192}}, "metadata"),
        ({"metadata": {"cart": {"note": "a\x00b"}}}, "metadata"),
        ({"metadata": {"a\x00b": 1}}, "metadata"),
        ({"identity": {}}, "identity"),
        ({"identity": {"email": "no address"}}, "identity.email"),
        ({"identity": {"email": "a@" + "b" * 320 + ".example"}}, "identity.email"),
        ({"identity": {"name": ""}}, "identity.name"),
        ({"identity": {"name": "n" * 201}}, "identity.name"),
        ({"identity": {"customerId": "c" * 256}}, "identity.customerId"),
        ({"identity": {"name": "Ann", "role": "boss"}}, "identity.role"),
        ({"identity": {"name": "Ann", "metadata": []}}, "identity.metadata"),
    ],
)
def test_a_session_with_an_invalid_field_is_refused(api: Api, body: Any, field: str) -> None:
    refused(api.post("/sessions", body), field)
    assert found(api) == []


def test_all_invalid_fields_are_named_together(api: Api) -> None:
    answer = api.post("/sessions", {"visitorId": "", "metadata": {"os": 5}, "identity": {"email": "x", "name": ""}})
    assert answer.json()["details"].keys() == {"visitorId", "metadata.os", "identity.email", "identity.name"}
    assert "Not a valid email address." in answer.json()["details"]["identity.email"]


def test_metadata_may_be_nested_up_to_twenty_levels(any_api: Api) -> None:
    def nested(levels: int) -> Any:
        return {"a": nested(levels - 1)} if levels > 1 else {}

    session_id = any_api.session(metadata=nested(20))
    assert any_api.ok("GET", f"/sessions/{session_id}")["session"]["metadata"] == nested(20)
    refused(any_api.post("/sessions", {"metadata": nested(21)}), "metadata")
    any_api.ok("POST", f"/sessions/{session_id}/events", {"name": "tree", "data": [nested(19)]})
    refused(any_api.post(f"/sessions/{session_id}/events", {"name": "tree", "data": nested(21)}), "data")
    refused(any_api.post(f"/sessions/{session_id}/events", {"name": "tree", "data": nested(600)}), "data")
    refused(any_api.post(f"/sessions/{session_id}/identify", {"metadata": nested(300)}), "metadata")


def test_sessions_are_listed_by_their_newest_activity(any_api: Api) -> None:
    first, second, third = any_api.session(), any_api.session(), any_api.session()
    assert found(any_api) == [third, second, first]
    send(any_api, first)
    assert found(any_api) == [first, third, second]
    newest = any_api.ok("GET", "/sessions")["sessions"][0]
    assert newest["lastMessage"]["content"] == "Hello"
    assert newest["lastActivity"] == newest["lastMessage"]["createdAt"]
    assert newest == any_api.ok("GET", f"/sessions/{first}")["session"]


def test_pages_of_sessions_with_equal_times_neither_repeat_nor_skip(any_api: Api) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock.set_clock(lambda: moment)
    made = {any_api.session() for _ in range(7)}
    clock.set_clock(lambda: moment + timedelta(microseconds=1))
    made.add(any_api.session())
    pages, cursor = [], None
    while True:
        page = any_api.ok("GET", "/sessions", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        pages.append([session["id"] for session in page["sessions"]])
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [session_id for page in pages for session_id in page] == found(any_api)
    assert {session_id for page in pages for session_id in page} == made


def test_a_conversation_that_continues_between_two_pages_is_not_listed_twice(any_api: Api) -> None:
    oldest, middle, newest = any_api.session(), any_api.session(), any_api.session()
    page = any_api.ok("GET", "/sessions", params={"limit": 1})
    assert [session["id"] for session in page["sessions"]] == [newest]
    send(any_api, newest)
    rest = found(any_api, cursor=page["nextCursor"])
    assert rest == [middle, oldest]


def test_a_last_page_that_is_full_has_no_next_page(api: Api) -> None:
    api.session()
    api.session()
    assert api.ok("GET", "/sessions", params={"limit": 2})["nextCursor"] is None


@pytest.mark.parametrize("limit", [0, 101, -1, "x", "1.5", "", "9" * 30])
def test_a_limit_outside_its_range_is_refused(api: Api, limit: Any) -> None:
    session_id = api.session()
    webhook_id = api.ok("POST", "/webhooks", {"url": "https://example.com/", "events": ["*"]})["webhook"]["id"]
    for path in ("/sessions", f"/sessions/{session_id}/messages", f"/webhooks/{webhook_id}/deliveries"):
        refused(api.get(path, params={"limit": limit}), "limit")
        assert api.get(path, params={"limit": 1}).status_code == 200
        assert api.get(path, params={"limit": 100}).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "open"}, "status"),
        ({"unanswered": "perhaps"}, "unanswered"),
        ({"started": "perhaps"}, "started"),
        ({"q": ""}, "q"),
        ({"q": "q" * 201}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"0001-01-01T00:00:00+14:00 x").decode()}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"offset": "5"}, "offset"),
    ],
)
def test_an_invalid_query_is_refused(api: Api, query: dict[str, str], field: str) -> None:
    refused(api.get("/sessions", params=query), field)


def test_sessions_can_be_filtered_by_status(any_api: Api) -> None:
    active, closed = any_api.session(), any_api.session()
    any_api.ok("POST", f"/sessions/{closed}/close")
    assert found(any_api, status="active") == [active]
    assert found(any_api, status="closed") == [closed]
    assert found(any_api) == [closed, active]


def test_sessions_can_be_filtered_by_waiting_for_a_reply(any_api: Api) -> None:
    waiting, answered, quiet, by_ai, told = (any_api.session() for _ in range(5))
    for session_id in (waiting, answered, by_ai, told):
        send(any_api, session_id, type="visitor")
    send(any_api, answered, type="operator")
    send(any_api, by_ai, type="ai")
    send(any_api, told, type="system")
    assert found(any_api, unanswered="true") == [told, waiting]
    assert set(found(any_api, unanswered="false")) == {answered, quiet, by_ai}
    any_api.ok("POST", f"/sessions/{waiting}/close")
    assert found(any_api, unanswered="true") == [told]


def test_sessions_can_be_filtered_by_having_messages(any_api: Api) -> None:
    by_visitor, silent, by_operator = (any_api.session() for _ in range(3))
    send(any_api, by_visitor, type="visitor")
    deleted = send(any_api, by_operator, type="operator")["id"]
    assert found(any_api, started="true") == [by_operator, by_visitor]
    assert found(any_api, started="false") == [silent]
    any_api.ok("DELETE", f"/sessions/{by_operator}/messages/{deleted}")
    any_api.ok("POST", f"/sessions/{by_visitor}/close")
    assert found(any_api, started="true", status="active") == [by_operator]


def test_a_search_finds_names_emails_and_messages_ignoring_case(any_api: Api) -> None:
    by_name = any_api.session(identity={"name": "Ärger Meier"})
    by_email = any_api.session(identity={"email": "Sales@Example.com"})
    by_text = any_api.session()
    send(any_api, by_text, "Where is my PARCEL, please?")
    any_api.session(metadata={"pageUrl": "https://example.com/parcel"})
    assert found(any_api, q="meier") == [by_name]
    assert found(any_api, q="ärger") == [by_name]
    assert found(any_api, q="sales@example.COM") == [by_email]
    assert found(any_api, q="parcel") == [by_text]
    assert found(any_api, q="nowhere") == []


def test_a_search_returns_the_newest_message_that_matches(any_api: Api) -> None:
    session_id, by_name = any_api.session(), any_api.session(identity={"name": "Parcel"})
    long = (
        "Well, I ordered it weeks ago and have waited at home since then.\n\nWhere is my PARCEL? "
        + "Please answer. " * 40
    )
    send(any_api, session_id, "My parcel", type="visitor")
    newest = send(any_api, session_id, long, operatorName="Zoë")
    send(any_api, session_id, "No more of it", type="visitor")
    answer = any_api.ok("GET", "/sessions", params={"q": "parcel"})
    assert {session["id"] for session in answer["sessions"]} == {session_id, by_name}
    (match,) = answer["matches"]
    excerpt = match.pop("excerpt")
    assert match == {
        "sessionId": session_id,
        "messageId": newest["id"],
        "type": "operator",
        "operatorName": "Zoë",
    }
    assert excerpt.startswith("…")
    assert excerpt.endswith("…")
    assert "since then. Where is my PARCEL? Please" in excerpt
    assert len(excerpt) < 200
    (short,) = any_api.ok("GET", "/sessions", params={"q": "no MORE"})["matches"]
    assert short["excerpt"] == "No more of it"
    assert "matches" not in any_api.ok("GET", "/sessions")
    assert "matches" not in any_api.ok("GET", "/sessions", params={"q": "nowhere"})


def test_sessions_are_counted_by_state(any_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def counts() -> Any:
        return any_api.ok("GET", "/sessions/counts")

    assert counts() == {"open": 0, "unanswered": 0, "closed": 0}
    any_api.session()
    silent_and_closed = any_api.session()
    any_api.ok("POST", f"/sessions/{silent_and_closed}/close")
    waiting, answered, closed = (any_api.session() for _ in range(3))
    for session_id in (waiting, answered, closed):
        send(any_api, session_id, type="visitor")
    send(any_api, answered)
    assert counts() == {"open": 3, "unanswered": 2, "closed": 0}
    any_api.ok("POST", f"/sessions/{closed}/close")
    assert counts() == {"open": 2, "unanswered": 1, "closed": 1}
    # The database stops counting there.
    monkeypatch.setattr(session_counts, "MAX_SESSION_COUNT", 1)
    assert counts() == {"open": 1, "unanswered": 1, "closed": 1}


def test_a_search_has_no_special_characters(any_api: Api) -> None:
    without = any_api.session()
    send(any_api, without, "100x sure")
    for character in "%_\\/'*":
        with_it = any_api.session()
        send(any_api, with_it, f"100{character} sure")
        assert found(any_api, q=f"100{character} s") == [with_it]
        assert found(any_api, q=character) == [with_it]


def test_a_search_continues_over_pages(any_api: Api) -> None:
    wanted = []
    for number in range(6):
        session_id = any_api.session()
        send(any_api, session_id, "needle" if number % 2 else "hay", type="visitor")
        if number % 2:
            wanted.append(session_id)
    first = any_api.ok("GET", "/sessions", params={"q": "NEEDLE", "unanswered": "true", "status": "active", "limit": 2})
    assert [session["id"] for session in first["sessions"]] == wanted[:0:-1]
    assert found(any_api, q="NEEDLE", unanswered="true", cursor=first["nextCursor"]) == wanted[:1]


def test_deleted_and_edited_text_is_not_found(any_api: Api) -> None:
    session_id = any_api.session()
    deleted, edited = send(any_api, session_id, "my secret word"), send(any_api, session_id, "my other word")
    any_api.ok("DELETE", f"/sessions/{session_id}/messages/{deleted['id']}")
    any_api.ok("PATCH", f"/sessions/{session_id}/messages/{edited['id']}", {"content": "gone"})
    assert found(any_api, q="word") == []


def test_a_session_is_closed_once(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    send(any_api, session_id, type="visitor")
    closed = any_api.ok("POST", f"/sessions/{session_id}/close")
    assert closed["session"]["status"] == "closed"
    assert closed["session"]["closedAt"] >= closed["session"]["lastActivity"]
    assert any_api.ok("POST", f"/sessions/{session_id}/close") == closed
    assert any_api.ok("GET", f"/sessions/{session_id}") == closed
    assert closed["session"]["lastMessage"]["content"] != "Session closed", "nobody said that"
    assert any_office.events_of(session_id) == [
        "session.created",
        "message.created",
        "message.created",
        "session.closed",
    ]
    announced = any_api.ok("GET", f"/sessions/{session_id}/messages")["messages"][-1]
    assert announced | {"id": "", "seq": 0} == {
        "id": "",
        "seq": 0,
        "sessionId": session_id,
        "content": "Session closed",
        "type": "system",
        "kind": "session.closed",
        "createdAt": closed["session"]["closedAt"],
        "status": "sent",
    }


def test_a_session_closed_by_many_at_once_is_announced_once(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    barrier = threading.Barrier(8)

    def close(number: int) -> Any:
        barrier.wait()
        return any_api.ok("POST", f"/sessions/{session_id}/close")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(close, range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert any_office.events_of(session_id) == ["session.created", "message.created", "session.closed"]


def test_a_silent_session_stays_silent_when_it_is_closed_and_reopened(any_api: Api) -> None:
    session_id = any_api.session()
    for path in ("close", "reopen"):
        session = any_api.ok("POST", f"/sessions/{session_id}/{path}")["session"]
        assert (session["lastMessage"], session["unread"], session["unanswered"]) == (None, 0, False)
    assert any_api.ok("GET", "/sessions", params={"started": True})["sessions"] == []
    found = any_api.ok("GET", f"/sessions/{session_id}/messages")["messages"]
    assert [(message["content"], message["kind"]) for message in found] == [
        ("Session closed", "session.closed"),
        ("Session reopened", "session.reopened"),
    ]


def test_a_reopened_session_still_waits_for_a_reply(any_api: Api) -> None:
    session_id = any_api.session()
    send(any_api, session_id, type="visitor")
    assert any_api.ok("POST", f"/sessions/{session_id}/close")["session"]["unanswered"] is False
    reopened = any_api.ok("POST", f"/sessions/{session_id}/reopen")["session"]
    assert (reopened["unanswered"], reopened["unread"]) == (True, 1)


def test_only_a_closed_session_can_be_reopened(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    untouched = any_api.ok("POST", f"/sessions/{session_id}/reopen")
    closed = any_api.ok("POST", f"/sessions/{session_id}/close")["session"]
    reopened = any_api.ok("POST", f"/sessions/{session_id}/reopen")["session"]
    assert untouched["session"]["lastActivity"] == closed["lastActivity"]
    assert (reopened["status"], reopened["closedAt"]) == ("active", None)
    assert reopened["lastActivity"] > closed["closedAt"]
    assert any_office.events_of(session_id) == [
        "session.created",
        "message.created",
        "session.closed",
        "message.created",
        "session.reopened",
    ]


def test_a_message_of_the_visitor_reopens_a_closed_session(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    any_api.ok("POST", f"/sessions/{session_id}/close")
    for kind in ("operator", "ai", "system"):
        answer = any_api.post(f"/sessions/{session_id}/messages", {"content": "Too late", "type": kind})
        assert (answer.status_code, answer.json()["code"]) == (409, "SESSION_CLOSED")
    message = send(any_api, session_id, "I am back", type="visitor")
    session = any_api.ok("GET", f"/sessions/{session_id}")["session"]
    assert (session["status"], session["closedAt"], session["unread"]) == ("active", None, 1)
    assert session["lastMessage"] == message
    assert any_office.events_of(session_id) == [
        "session.created",
        "message.created",
        "session.closed",
        "message.created",
        "session.reopened",
        "message.created",
    ]
    said = any_api.ok("GET", f"/sessions/{session_id}/messages")["messages"]
    assert [found["content"] for found in said] == ["Session closed", "Session reopened", "I am back"]


def test_an_identity_can_be_added_in_parts(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()

    def identify(**body: Any) -> Any:
        answer = any_api.ok("POST", f"/sessions/{session_id}/identify", body)
        assert answer == any_api.ok("GET", f"/sessions/{session_id}")
        return answer["session"]["identity"]

    assert identify(email="user@example.com") == {"email": "user@example.com", "verified": True}
    metadata = {"plan": "pro", "company": "Acme Inc", "seats": [1, 2]}
    known = identify(name="John Doe", customerId="cust_123", metadata=metadata)
    assert known == {
        "email": "user@example.com",
        "name": "John Doe",
        "customerId": "cust_123",
        "metadata": metadata,
        "verified": True,
    }
    assert identify(name="John Doe") == known
    assert identify(metadata={"plan": "free"})["metadata"] == {"plan": "free"}
    assert any_office.events_of(session_id).count("visitor.identified") == 3


@pytest.mark.parametrize("body", [{}, {"metadata": {}}])
def test_an_empty_identity_is_refused(api: Api, office: Office, body: Any) -> None:
    session_id = api.session()
    assert api.post(f"/sessions/{session_id}/identify", body).status_code == 400
    assert api.ok("GET", f"/sessions/{session_id}")["session"]["identity"] is None
    assert office.events_of(session_id) == ["session.created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "x"}, "email"),
        ({"email": None}, "email"),
        ({"name": 5}, "name"),
        ({"name": "Ann\ud800"}, "name"),
        ({"customerId": ""}, "customerId"),
        ({"metadata": {"x": "y" * 9000}}, "metadata"),
        ({"name": "Ann", "verified": True}, "verified"),
    ],
)
def test_an_invalid_identity_is_refused(api: Api, body: Any, field: str) -> None:
    refused(post_raw(api, f"/sessions/{api.session()}/identify", json.dumps(body)), field)


def test_an_identity_from_a_page_never_replaces_a_verified_one(office: Office) -> None:
    api = office.api
    page = api.visitor(identity={"id": "me", "name": "Mallory", "email": "mallory@example.com"})
    claimed = api.ok("GET", f"/sessions/{page.session_id}")["session"]["identity"]
    assert claimed == {"customerId": "me", "name": "Mallory", "email": "mallory@example.com", "verified": False}
    vouched = api.ok("POST", f"/sessions/{page.session_id}/identify", {"customerId": "42"})["session"]["identity"]
    assert vouched == {"customerId": "42", "verified": True}
    body = {"visitorId": None, "sessionId": page.handle, "identity": {"id": "me", "name": "Mallory"}}
    assert page.request("POST", "/connect", body).status_code == 200
    assert api.ok("GET", f"/sessions/{page.session_id}")["session"]["identity"] == vouched


def test_the_ai_can_be_switched_off_and_on(api: Api, office: Office) -> None:
    session_id = api.session()
    for enabled in (False, False, True):
        answer = api.ok("POST", f"/sessions/{session_id}/ai", {"enabled": enabled})
        assert answer["session"]["aiEnabled"] is enabled
        assert api.ok("GET", f"/sessions/{session_id}") == answer
    assert office.events_of(session_id) == ["session.created", "ai.toggled", "ai.toggled"]


@pytest.mark.parametrize("body", [{}, {"enabled": "false"}, {"enabled": None}, {"enabled": 2}, {"enabled": []}])
def test_the_ai_switch_accepts_only_booleans(api: Api, body: Any) -> None:
    refused(api.post(f"/sessions/{api.session()}/ai", body), "enabled")


def test_a_message_is_marked_as_delivered_and_then_as_read(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    mine = [send(any_api, session_id, f"Question {number}", type="visitor")["id"] for number in range(2)]
    path = f"/sessions/{session_id}/read"
    assert any_api.ok("POST", path, {"status": "delivered"}) == {"updated": 2}
    assert any_api.ok("POST", path, {"status": "delivered"}) == {"updated": 0}
    assert any_api.ok("GET", f"/sessions/{session_id}")["session"]["unread"] == 2
    assert any_api.ok("POST", path, {"status": "read", "messageIds": mine[:1]}) == {"updated": 1}
    assert any_api.ok("POST", path, {"status": "delivered"}) == {"updated": 0}
    read, delivered = listed(any_api, session_id)
    assert (read["status"], delivered["status"]) == ("read", "delivered")
    assert read["deliveredAt"] == delivered["deliveredAt"] < read["readAt"]
    assert "readAt" not in delivered
    assert any_api.ok("GET", f"/sessions/{session_id}")["session"]["unread"] == 1
    assert any_office.events_of(session_id).count("message.read") == 2
    refused(any_api.post(path, {"status": "sent"}), "status")


def test_unread_counts_messages_that_no_operator_has_read(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    mine = [send(any_api, session_id, f"Question {number}", type="visitor")["id"] for number in range(4)]
    theirs = send(any_api, session_id, "Answer")

    def unread() -> int:
        return int(any_api.ok("GET", f"/sessions/{session_id}")["session"]["unread"])

    assert unread() == 4
    elsewhere = send(any_api, any_api.session(), type="visitor")["id"]
    ids = [mine[0], mine[0], theirs["id"], elsewhere, "msg_none"]
    assert any_api.ok("POST", f"/sessions/{session_id}/read", {"messageIds": ids}) == {"updated": 1}
    assert any_api.ok("POST", f"/sessions/{session_id}/read", {"messageIds": []}) == {"updated": 0}
    assert unread() == 3
    any_api.ok("DELETE", f"/sessions/{session_id}/messages/{mine[1]}")
    assert unread() == 2
    assert any_api.ok("POST", f"/sessions/{session_id}/read") == {"updated": 2}
    assert any_api.ok("POST", f"/sessions/{session_id}/read") == {"updated": 0}
    assert unread() == 0
    messages = listed(any_api, session_id)
    assert [message["status"] for message in messages] == ["read", "sent", "read", "read", "sent"]
    assert all(("readAt" in message) == (message["status"] == "read") for message in messages)
    assert any_office.events_of(session_id).count("message.read") == 2


def test_a_read_receipt_creates_no_message(any_api: Api) -> None:
    session_id = any_api.session()
    sent = [send(any_api, session_id, "One", type="visitor"), send(any_api, session_id, "Two", type="visitor")]
    for _ in range(3):
        any_api.ok("POST", f"/sessions/{session_id}/read", {"messageIds": [message["id"] for message in sent]})
    messages = listed(any_api, session_id)
    assert [(message["id"], message["seq"], message["content"]) for message in messages] == [
        (message["id"], message["seq"], message["content"]) for message in sent
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"messageIds": "all"}, "messageIds"), ({"messageIds": ["m"] * 501}, "messageIds"), ({"ids": []}, "ids")],
)
def test_an_invalid_receipt_is_refused(api: Api, body: Any, field: str) -> None:
    refused(api.post(f"/sessions/{api.session()}/read", body), field)


@pytest.mark.parametrize("data", [None, True, 0, -1.5e300, "text 🦊", [1, [2]], {"a": {"b": None}}])
def test_a_custom_event_reaches_only_the_visitors_page(office: Office, data: Any) -> None:
    api = office.api
    page, other = api.visitor(), api.visitor()
    with page.stream() as stream, other.stream() as elsewhere:
        answer = api.post(f"/sessions/{page.session_id}/events", {"name": "discount", "data": data})
        assert (answer.status_code, answer.json()) == (202, {"ok": True})
        event = stream.expect("event")["data"]
        assert (event["name"], event["data"]) == ("discount", data)
        api.ok("POST", f"/sessions/{other.session_id}/events", {"name": "end"})
        assert elsewhere.expect("event")["data"]["name"] == "end"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "n", "data": "d" * 16385}, "data"),
        ({"name": "n", "data": ["\x00"]}, "data"),
    ],
)
def test_an_invalid_event_is_refused(api: Api, body: Any, field: str) -> None:
    refused(api.post(f"/sessions/{api.session()}/events", body), field)


def test_a_message_has_the_shape_of_the_contract(any_api: Api) -> None:
    session_id = any_api.session()
    sent = []
    for kind in ("visitor", "operator", "ai", "system"):
        body = {"content": "Thanks for reaching out!", "type": kind}
        answer = any_api.post(f"/sessions/{session_id}/messages", body)
        assert answer.status_code == 201
        message = answer.json()["message"]
        assert message.keys() == MESSAGE
        assert message["id"].startswith("msg_")
        assert {**body, "sessionId": session_id, "status": "sent"}.items() <= message.items()
        sent.append(message)
    assert listed(any_api, session_id) == sent
    assert send(any_api, session_id)["type"] == "operator"


def test_a_message_may_name_its_operator(api: Api) -> None:
    session_id = api.session()
    assert send(api, session_id, operatorName="Zoë")["operatorName"] == "Zoë"
    assert listed(api, session_id)[0]["operatorName"] == "Zoë"


def test_content_is_stored_unchanged(any_api: Api) -> None:
    session_id = any_api.session()
    edited = send(any_api, session_id)["id"]
    for content in (
        "a",
        "x" * 4000,
        "🦊" * 4000,
        "  spaces and\n\n\tlines stay \r\n",
        "👩\u200d👩\u200d👧 é ﷽ \u202eabc \ufeff",
        "<script>alert('1')</script> & \"quotes\" \\ % _",
        '{"json": true}',
        "\x01\x7f\u2028\u2029",
    ):
        message = send(any_api, session_id, content)
        assert message["content"] == content
        assert listed(any_api, session_id)[-1] == message
        answer = any_api.ok("PATCH", f"/sessions/{session_id}/messages/{edited}", {"content": content})
        assert answer["message"]["content"] == content
        assert listed(any_api, session_id)[0]["content"] == content


@pytest.mark.parametrize(
    "content",
    [
        '""',
        '" "',
        r'"\n\t\u2003\u00a0"',
        f'"{"x" * 4001}"',
        f'"{"🦊" * 4001}"',
        r'"a\u0000b"',
        r'"a\ud800"',
        r'"\udc00b"',
        "5",
        "null",
        "[]",
        "{}",
    ],
)
def test_empty_content_is_refused(api: Api, content: str) -> None:
    session_id = api.session()
    message = send(api, session_id, "The first")
    refused(post_raw(api, f"/sessions/{session_id}/messages", f'{{"content": {content}}}'), "content")
    path = f"/sessions/{session_id}/messages/{message['id']}"
    headers = {"Content-Type": "application/json"}
    refused(api.request("PATCH", path, data=f'{{"content": {content}}}'.encode(), headers=headers), "content")
    assert listed(api, session_id) == [message]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": "x", "type": "boss"}, "type"),
        ({"content": "x", "type": None}, "type"),
        ({"content": "x", "operatorName": ""}, "operatorName"),
        ({"content": "x", "operatorName": "n" * 201}, "operatorName"),
        ({"content": "x", "replyTo": "msg_none"}, "replyTo"),
        ({"content": "x", "replyTo": 5}, "replyTo"),
        ({"content": "x", "replyTo": "\x00"}, "replyTo"),
        ({"content": "x", "attachmentIds": "one"}, "attachmentIds"),
        ({"content": "x", "attachmentIds": ["a"] * 11}, "attachmentIds"),
        ({"content": "x", "sender": "visitor"}, "sender"),
    ],
)
def test_an_invalid_message_is_refused(api: Api, body: Any, field: str) -> None:
    session_id = api.session()
    refused(api.post(f"/sessions/{session_id}/messages", body), field)
    assert listed(api, session_id) == []


def test_an_unknown_attachment_is_not_found(api: Api) -> None:
    session_id = api.session()
    answer = api.post(f"/sessions/{session_id}/messages", {"content": "x", "attachmentIds": ["att_none"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "ATTACHMENT_NOT_FOUND")
    assert send(api, session_id, attachmentIds=[])["content"] == "Hello"


def test_a_message_may_reply_to_one_of_the_same_session(any_api: Api) -> None:
    session_id = any_api.session()
    first = send(any_api, session_id, type="visitor")
    assert send(any_api, session_id, replyTo=first["id"])["replyTo"] == first["id"]
    assert "replyTo" not in send(any_api, session_id, replyTo=None)
    foreign = send(any_api, any_api.session())
    refused(any_api.post(f"/sessions/{session_id}/messages", {"content": "x", "replyTo": foreign["id"]}), "replyTo")


def test_without_a_cursor_the_newest_page_is_listed_oldest_first(any_api: Api) -> None:
    session_id = any_api.session()
    sent = [send(any_api, session_id, f"No. {number}")["id"] for number in range(6)]
    page = any_api.ok("GET", f"/sessions/{session_id}/messages", params={"limit": 4})
    assert [message["id"] for message in page["messages"]] == sent[2:]
    assert page["hasMore"] is True
    page = any_api.ok("GET", f"/sessions/{session_id}/messages", params={"limit": 6})
    assert [message["id"] for message in page["messages"]] == sent
    assert page["hasMore"] is False


@pytest.mark.parametrize("direction", ["after", "before"])
def test_messages_can_be_paged_in_both_directions(any_api: Api, direction: str) -> None:
    session_id = any_api.session()
    sent = [send(any_api, session_id, f"No. {number}") for number in range(7)]
    # Events of other kinds take numbers too, so the messages' own have gaps.
    any_api.ok("POST", f"/sessions/{session_id}/ai", {"enabled": False})
    sent.append(send(any_api, session_id, "The last"))
    forward = direction == "after"
    start, rest = (sent[0], sent[1:]) if forward else (sent[-1], sent[:-1])
    for by in ("id", "seq"):
        read: list[dict[str, Any]] = []
        position, more = start, True
        while more:
            query = {direction: position[by], "limit": 3}
            page = any_api.ok("GET", f"/sessions/{session_id}/messages", params=query)
            more = page["hasMore"]
            read = read + page["messages"] if forward else page["messages"] + read
            position = page["messages"][-1 if forward else 0]
        assert read == rest


def test_after_and_before_together_select_a_range(api: Api) -> None:
    session_id = api.session()
    sent = [send(api, session_id, f"No. {number}") for number in range(5)]
    assert listed(api, session_id, after=sent[0]["id"], before=sent[4]["seq"]) == sent[1:4]


@pytest.mark.parametrize(("seq", "count"), [("0", 2), ("1", 2), ("999", 0), ("9" * 18, 0), ("9" * 40, 0)])
def test_any_seq_is_accepted_as_a_position(api: Api, seq: str, count: int) -> None:
    session_id = api.session()
    send(api, session_id)
    send(api, session_id)
    assert len(listed(api, session_id, after=seq)) == count
    assert len(listed(api, session_id, before=seq)) == (0 if count else 2)


@pytest.mark.parametrize("position", ["", "-1", "1.5", "msg_none", "a\x00b", "' OR 1=1 --", "²"])
@pytest.mark.parametrize("field", ["after", "before"])
def test_an_invalid_position_is_refused(api: Api, field: str, position: str) -> None:
    refused(api.get(f"/sessions/{api.session()}/messages", params={field: position}), field)


def test_a_message_of_another_session_is_refused_as_a_position(api: Api) -> None:
    foreign = send(api, api.session())
    refused(api.get(f"/sessions/{api.session()}/messages", params={"after": foreign["id"]}), "after")


def test_an_edited_message_keeps_its_place(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    first, second = send(any_api, session_id, "Frist"), send(any_api, session_id, "Second")
    path = f"/sessions/{session_id}/messages/{first['id']}"
    edited = any_api.ok("PATCH", path, {"content": "First"})["message"]
    assert edited == {**first, "content": "First", "editedAt": edited["editedAt"]}
    assert edited["editedAt"] > second["createdAt"]
    assert listed(any_api, session_id) == [edited, second]
    assert any_api.ok("PATCH", path, {"content": "First"})["message"] == edited
    assert any_office.events_of(session_id)[-2:] == ["message.created", "message.updated"]


def test_a_deleted_message_keeps_its_place_with_empty_content(any_api: Api, any_office: Office) -> None:
    session_id = any_api.session()
    first, second = (
        send(any_api, session_id, "First", type="visitor"),
        send(any_api, session_id, "Second", type="visitor"),
    )
    path = f"/sessions/{session_id}/messages/{second['id']}"
    deleted = any_api.ok("DELETE", path)["message"]
    assert deleted == {**second, "content": "", "deletedAt": deleted["deletedAt"]}
    assert listed(any_api, session_id) == [first, deleted]
    assert any_api.ok("DELETE", path)["message"] == deleted
    assert any_api.patch(path, {"content": "Back"}).json()["code"] == "MESSAGE_NOT_FOUND"
    session = any_api.ok("GET", f"/sessions/{session_id}")["session"]
    assert (session["unread"], session["lastMessage"]) == (1, deleted)
    assert any_office.events_of(session_id)[-2:] == ["message.created", "message.deleted"]


def test_a_message_is_found_in_its_own_session_only(api: Api) -> None:
    mine, other = api.session(), api.session()
    message = send(api, other)
    for method, body in (("PATCH", {"content": "x"}), ("DELETE", None)):
        answer = api.request(method, f"/sessions/{mine}/messages/{message['id']}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "MESSAGE_NOT_FOUND")
    assert listed(api, other) == [message]


@pytest.mark.parametrize("session_id", ["sess_none", "%00", "x" * 500])
def test_an_unknown_session_is_not_found(any_api: Api, session_id: str) -> None:
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("POST", "/close", None),
        ("POST", "/reopen", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"content": "x"}),
        ("PATCH", f"/messages/{session_id}", {"content": "x"}),
        ("DELETE", f"/messages/{session_id}", None),
        ("POST", "/identify", {"name": "x"}),
        ("POST", "/ai", {"enabled": True}),
        ("POST", "/read", None),
        ("POST", "/events", {"name": "x"}),
    ]
    for method, path, body in calls:
        answer = any_api.request(method, f"/sessions/{session_id}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "SESSION_NOT_FOUND"), answer.url


def test_ids_are_compared_exactly(any_api: Api) -> None:
    session_id = any_api.session()
    message = send(any_api, session_id)
    for other in (session_id + "%20", session_id.upper(), session_id + "%00"):
        assert any_api.get(f"/sessions/{other}").status_code == 404
    for other in (message["id"] + "%20", message["id"].upper(), "%00"):
        answer = any_api.patch(f"/sessions/{session_id}/messages/{other}", {"content": "x"})
        assert (answer.status_code, answer.json()["code"]) == (404, "MESSAGE_NOT_FOUND")


def test_text_that_no_database_can_store_is_refused(any_api: Api) -> None:
    session_id = any_api.session()
    refused(any_api.get(f"/sessions/{session_id}/messages?after=%00"), "after")
    refused(any_api.get(f"/sessions/{session_id}/messages?before=msg_%00"), "before")
    refused(any_api.get("/sessions?q=%00"), "q")
    nul_in_id = base64.urlsafe_b64encode(b"2024-01-15T10:30:00Z \x00").decode()
    refused(any_api.get("/sessions", params={"cursor": nul_in_id}), "cursor")
    refused(any_api.post("/sessions", {"visitorId": "v" * 64 + "\n"}), "visitorId")


def webhook(api: Api, url: str, *events: str, **body: Any) -> dict[str, Any]:
    """A webhook that was accepted."""
    return dict(api.ok("POST", "/webhooks", {"url": url, "events": list(events or ("*",)), **body})["webhook"])


def test_a_webhooks_secret_is_shown_only_when_it_is_created(api: Api, receiver: Receiver) -> None:
    answer = api.post("/webhooks", {"url": receiver.url, "events": ["message.created"], "description": "CRM"})
    assert answer.status_code == 201
    made = answer.json()["webhook"]
    assert made.keys() == {*WEBHOOK, "secret"}
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"]) == (receiver.url, ["message.created"])
    assert (made["description"], made["enabled"]) == ("CRM", True)
    del made["secret"]
    assert api.ok("GET", "/webhooks") == {"webhooks": [made]}
    assert api.ok("GET", f"/webhooks/{made['id']}") == {"webhook": made}
    assert api.ok("PATCH", f"/webhooks/{made['id']}", {"description": ""})["webhook"] == {**made, "description": ""}


def test_a_webhook_gets_the_requested_events(api: Api, receiver: Receiver) -> None:
    made = webhook(api, receiver.url, "session.created", "session.closed", "session.created")
    assert made["events"] == ["session.created", "session.closed"]
    session_id = api.session()
    send(api, session_id)
    api.ok("POST", f"/sessions/{session_id}/close")
    receiver.wait(2)
    assert receiver.events() == ["session.created", "session.closed"]
    assert receiver.received[1].json["data"] == {"sessionId": session_id}


def test_a_webhook_can_be_changed_disabled_and_removed(any_api: Api, receiver: Receiver) -> None:
    made = webhook(any_api, "https://example.com/hook", "session.closed")
    path = f"/webhooks/{made['id']}"
    changed = any_api.ok("PATCH", path, {"url": receiver.url, "events": ["*"], "enabled": False})["webhook"]
    assert (changed["url"], changed["events"], changed["enabled"]) == (receiver.url, ["*"], False)
    assert changed["disabledReason"]
    any_api.session()
    enabled = any_api.ok("PATCH", path, {"enabled": True})["webhook"]
    assert "disabledReason" not in enabled
    session_id = any_api.session()
    receiver.wait(1)
    assert receiver.received[0].json["data"]["session"]["id"] == session_id
    gone = any_api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert any_api.get(path).json()["code"] == "WEBHOOK_NOT_FOUND"
    assert any_api.ok("GET", "/webhooks") == {"webhooks": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": ["*"]}, "url"),
        ({"url": 5, "events": ["*"]}, "url"),
        ({"url": "", "events": ["*"]}, "url"),
        ({"url": "ftp://example.com/", "events": ["*"]}, "url"),
        ({"url": "https://user:pass@example.com/", "events": ["*"]}, "url"),
        ({"url": "https://example.com/" + "a" * 2048, "events": ["*"]}, "url"),
        ({"url": "https://10.0.0.1/", "events": ["*"]}, "url"),
        ({"url": "https://example.com/"}, "events"),
        ({"url": "https://example.com/", "events": []}, "events"),
        ({"url": "https://example.com/", "events": "*"}, "events"),
        ({"url": "https://example.com/", "events": ["session.exploded"]}, "events.0"),
        ({"url": "https://example.com/", "events": ["*"], "description": "d" * 501}, "description"),
        ({"url": "https://example.com/", "events": ["*"], "secret": "mine"}, "secret"),
    ],
)
def test_an_invalid_webhook_is_refused(api: Api, body: Any, field: str) -> None:
    refused(api.post("/webhooks", body), field)
    assert api.ok("GET", "/webhooks") == {"webhooks": []}
    made = webhook(api, "https://example.com/")
    if field in body or "." in field:
        refused(api.patch(f"/webhooks/{made['id']}", body), field)


def test_every_event_type_can_be_requested(api: Api) -> None:
    assert webhook(api, "https://example.com/", *EVENT_TYPES)["events"] == list(EVENT_TYPES)


def test_an_empty_change_is_refused(api: Api) -> None:
    made = webhook(api, "https://example.com/")
    assert api.patch(f"/webhooks/{made['id']}", {}).status_code == 400
    refused(api.patch(f"/webhooks/{made['id']}", {"enabled": "no"}), "enabled")


def test_a_test_event_reaches_one_webhook_and_its_delivery_is_listed(any_api: Api, receiver: Receiver) -> None:
    made, other = webhook(any_api, receiver.url), webhook(any_api, receiver.url)
    receiver.answers = [Answer(500, body=b"x" * 5000)]
    answer = any_api.post(f"/webhooks/{made['id']}/test")
    assert answer.status_code == 202
    delivery = answer.json()["delivery"]
    assert (delivery["webhookId"], delivery["event"], delivery["state"]) == (made["id"], "webhook.test", "pending")
    assert delivery["attempts"] == []
    receiver.wait(1)

    def deliveries(**query: Any) -> list[dict[str, Any]]:
        return list(any_api.ok("GET", f"/webhooks/{made['id']}/deliveries", params=query)["deliveries"])

    wait_until(lambda: deliveries()[0]["attempts"], "an attempt", seen=deliveries)
    (seen,) = deliveries()
    assert (seen["id"], seen["state"]) == (delivery["id"], "pending")
    assert seen["nextAttemptAt"] > seen["createdAt"]
    (attempt,) = seen["attempts"]
    assert (attempt["number"], attempt["statusCode"], attempt["error"]) == (1, 500, "HTTP 500")
    assert attempt["duration"] >= 0
    assert attempt["response"] == "x" * 2048
    retried = any_api.post(f"/webhooks/{made['id']}/deliveries/{delivery['id']}/retry")
    assert retried.status_code == 202
    assert retried.json()["delivery"]["id"] == delivery["id"]
    wait_until(lambda: deliveries(state="succeeded"), "the second attempt", seen=deliveries)
    (seen,) = deliveries()
    assert [attempt["statusCode"] for attempt in seen["attempts"]] == [500, 200]
    assert seen["nextAttemptAt"] is None
    assert deliveries(state="pending") == []
    assert any_api.ok("GET", f"/webhooks/{other['id']}/deliveries")["deliveries"] == []


def test_deliveries_are_listed_page_by_page_newest_first(any_api: Api, receiver: Receiver) -> None:
    made = webhook(any_api, receiver.url)
    path = f"/webhooks/{made['id']}/deliveries"
    ids = [any_api.ok("POST", f"/webhooks/{made['id']}/test")["delivery"]["id"] for _ in range(5)]
    pages, cursor = [], None
    while True:
        page = any_api.ok("GET", path, params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        pages.append([delivery["id"] for delivery in page["deliveries"]])
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    refused(any_api.get(path, params={"state": "lost"}), "state")
    refused(any_api.get(path, params={"cursor": "x"}), "cursor")
    refused(any_api.get(path, params={"cursor": "9" * 30}), "cursor")
    receiver.wait(5)


def test_a_new_secret_is_shown_once_and_the_old_one_still_signs(api: Api, receiver: Receiver) -> None:
    made = webhook(api, receiver.url)
    rotated = api.ok("POST", f"/webhooks/{made['id']}/rotate")["webhook"]
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    assert "secret" not in api.ok("GET", f"/webhooks/{made['id']}")["webhook"]
    api.ok("POST", f"/webhooks/{made['id']}/test")
    receiver.wait(1)
    assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("webhook_id", ["whk_none", "%00"])
def test_an_unknown_webhook_is_not_found(any_api: Api, webhook_id: str) -> None:
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"enabled": True}),
        ("DELETE", "", None),
        ("POST", "/test", None),
        ("POST", "/rotate", None),
        ("GET", "/deliveries", None),
        ("POST", "/deliveries/dlv_1/retry", None),
    ]
    for method, path, body in calls:
        answer = any_api.request(method, f"/webhooks/{webhook_id}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "WEBHOOK_NOT_FOUND"), answer.url


@pytest.mark.parametrize("delivery_id", ["dlv_999999999", "dlv_x", "x", "dlv_" + "9" * 40, "%00", "dlv_%C2%B2"])
def test_an_unknown_delivery_is_not_found(api: Api, delivery_id: str) -> None:
    made = webhook(api, "https://example.com/")
    answer = api.post(f"/webhooks/{made['id']}/deliveries/{delivery_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (404, "DELIVERY_NOT_FOUND")


def test_a_delivery_is_found_under_its_own_webhook_only(api: Api, receiver: Receiver) -> None:
    mine, other = webhook(api, receiver.url), webhook(api, receiver.url)
    delivery = api.ok("POST", f"/webhooks/{other['id']}/test")["delivery"]
    answer = api.post(f"/webhooks/{mine['id']}/deliveries/{delivery['id']}/retry")
    assert answer.json()["code"] == "DELIVERY_NOT_FOUND"
    receiver.wait(1)


def test_health_needs_no_key(api: Api) -> None:
    assert api.with_key(None).ok("GET", "/health") == {"status": "ok"}


def test_responses_must_not_be_cached(api: Api) -> None:
    for path in ("/sessions", "/sessions/none", "/health"):
        assert api.get(path).headers["Cache-Control"] == "no-store"


def test_no_route_finds_data_of_another_project(any_office: Office, receiver: Receiver) -> None:
    owner, stranger = any_office.new_project(), any_office.new_project()
    session_id = owner.session(identity={"name": "Findme"})
    message = send(owner, session_id, "Findme too", type="visitor")
    hook = webhook(owner, receiver.url, "session.closed")
    delivery = owner.ok("POST", f"/webhooks/{hook['id']}/test")["delivery"]
    receiver.wait(1)
    saved = {"shortcut": "x", "content": "x"}
    ids = {
        "session_id": session_id,
        "message_id": message["id"],
        "webhook_id": hook["id"],
        "delivery_id": delivery["id"],
        "bridge": "telegram",
        "reply_id": owner.ok("POST", "/saved-replies", saved)["savedReply"]["id"],
        "project_id": owner.ok("GET", f"/sessions/{session_id}")["session"]["projectId"],
        "draft_id": "drf_1",
        "action_id": "act_1",
    }
    bodies = {
        "decide_ai_action": {"accept": True},
        "send_reply": {"content": "x"},
        "update_managed_project": {"botHeuristicsEnabled": False},
        "edit_message": {"content": "x"},
        "send_message": {"content": "x"},
        "identify_visitor": {"name": "x"},
        "toggle_ai": {"enabled": False},
        "send_event": {"name": "x"},
        "update_webhook": {"enabled": False},
        "update_saved_reply": saved,
    }
    codes = {"sessions": "SESSION_", "webhooks": "WEBHOOK_", "saved-replies": "SAVED_REPLY_", "projects": ""}
    before = (owner.get("/sessions").json(), owner.get("/webhooks").json(), any_office.events_of(session_id))
    tried = set()
    for path, operations in owner.contract.document["paths"].items():
        for method, operation in operations.items():
            if "{" not in path or operation["security"] == []:
                continue
            body = bodies.get(operation["operationId"])
            named = {"filename": "x.txt"} if operation["operationId"] == "add_attachment" else None
            answer = stranger.request(method.upper(), path.format(**ids), json=body, params=named)
            code = f"{codes[path.removeprefix('/api/v1').split('/')[1]]}NOT_FOUND"
            assert (answer.status_code, answer.json()["code"]) == (404, code), f"{method} {path}"
            tried.add(operation["operationId"])
    assert len(tried) >= 18
    assert stranger.ok("GET", "/sessions", params={"q": "Findme"})["sessions"] == []
    assert stranger.ok("GET", "/webhooks") == {"webhooks": []}
    assert (owner.get("/sessions").json(), owner.get("/webhooks").json(), any_office.events_of(session_id)) == before
    mine = stranger.session()
    refused(stranger.post(f"/sessions/{mine}/messages", {"content": "x", "replyTo": message["id"]}), "replyTo")
    assert stranger.ok("POST", f"/sessions/{mine}/read", {"messageIds": [message["id"]]}) == {"updated": 0}
    refused(stranger.get(f"/sessions/{mine}/messages", params={"after": message["id"]}), "after")


def test_events_go_only_to_webhooks_of_their_project(office: Office, receiver: Receiver) -> None:
    owner, stranger = office.new_project(), office.new_project()
    webhook(stranger, receiver.url)
    webhook(owner, receiver.url)
    session_id = owner.session()
    stranger_session = stranger.session()
    receiver.wait(2)
    assert {received.json["data"]["session"]["id"] for received in receiver.received} == {session_id, stranger_session}
