"""Tests what a page can do with its handle besides sending: edit, delete, type, mark as read, and identify."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ...conftest import Serve
from ...support.clients import Api, Visitor
from ...support.servers import KEY

NOBODY = "sess_01jd3w0000000000000000000.abc"


def reply(api: Api, page: Visitor, content: str = "Hi!", **body: Any) -> str:
    sent = api.ok("POST", f"/sessions/{page.session_id}/messages", {"content": content, **body})
    return str(sent["message"]["id"])


def error_of(answer: Any) -> tuple[int, str]:
    assert answer.json().keys() >= {"error", "message", "code"}, answer.text
    return answer.status_code, answer.json()["code"]


# --- Its own messages ---


def test_a_visitor_can_edit_and_delete_own_messages(any_shared: Api) -> None:
    page = any_shared.visitor()
    mine = page.say("Helo")["messageId"]
    with any_shared.socket(sessionId=page.session_id) as office:
        answer = page.request("PATCH", f"/message/{mine}", {"sessionId": page.handle, "content": "Hello"})
        told = office.expect("message.updated")["message"]
        assert answer.json() == {"message": {"id": mine, "content": "Hello", "editedAt": told["editedAt"]}}
        assert told["content"] == "Hello"
        answer = page.request("DELETE", f"/message/{mine}", params={"sessionId": page.handle})
        assert (answer.status_code, answer.json()) == (200, {"deleted": True})
        assert office.expect("message.deleted")["message"]["content"] == ""
    (left,) = page.messages()
    assert (left["id"], left["content"]) == (mine, "")
    assert left["deletedAt"]
    again = page.request("DELETE", f"/message/{mine}", params={"sessionId": page.handle})
    assert again.json() == {"deleted": True}
    late = page.request("PATCH", f"/message/{mine}", {"sessionId": page.handle, "content": "Hello?"})
    assert error_of(late) == (404, "MESSAGE_NOT_FOUND")


def test_a_visitor_cannot_change_messages_of_operators(any_shared: Api) -> None:
    page, other = any_shared.visitor(), any_shared.visitor()
    theirs = reply(any_shared, page)
    strangers = other.say("mine")["messageId"]
    for message, expected in ((theirs, (400, "INVALID_REQUEST")), (strangers, (404, "MESSAGE_NOT_FOUND"))):
        body = {"sessionId": page.handle, "content": "forged"}
        assert error_of(page.request("PATCH", f"/message/{message}", body)) == expected
        assert error_of(page.request("DELETE", f"/message/{message}", params={"sessionId": page.handle})) == expected
    assert [message["content"] for message in page.messages()] == ["Hi!"]
    assert [message["content"] for message in other.messages()] == ["mine"]


@pytest.mark.parametrize("content", ["", "   ", None, 7, "x" * 4001])
def test_an_invalid_edit_is_refused(shared: Api, content: Any) -> None:
    page = shared.visitor()
    mine = page.say("Hello")["messageId"]
    answer = page.request("PATCH", f"/message/{mine}", {"sessionId": page.handle, "content": content})
    assert error_of(answer) == (400, "INVALID_REQUEST")
    assert page.messages()[0]["content"] == "Hello"


# --- Typing ---


def test_operators_see_that_the_visitor_is_typing(shared: Api) -> None:
    page, other = shared.visitor(), shared.visitor()
    with shared.socket(events=["typing"]) as office, page.stream() as own, other.stream() as strangers:
        for is_typing in (True, False):
            answer = page.request(
                "POST", "/typing", {"sessionId": page.handle, "sender": "visitor", "isTyping": is_typing}
            )
            assert (answer.status_code, answer.json()) == (200, {"ok": True})
            assert office.receive() == {
                "type": "typing",
                "sessionId": page.session_id,
                "sender": "visitor",
                "isTyping": is_typing,
            }
        assert page.request("POST", "/typing", {"sessionId": page.handle}).status_code == 200
        assert office.receive()["isTyping"] is True
        reply(shared, page)
        assert own.expect("message")["data"]["content"] == "Hi!"
        strangers.silent(0.2)


def test_typing_with_operator_sender_is_refused(shared: Api) -> None:
    page = shared.visitor()
    for sender in ("operator", "ai", "system", 7):
        answer = page.request("POST", "/typing", {"sessionId": page.handle, "sender": sender, "isTyping": True})
        assert error_of(answer) == (400, "INVALID_REQUEST")
    answer = page.request("POST", "/typing", {"sessionId": page.handle, "isTyping": "yes"})
    assert error_of(answer) == (400, "INVALID_REQUEST")


# --- Receipts ---


def test_receipts_mark_messages_without_copying_them(any_shared: Api) -> None:
    page = any_shared.visitor()
    mine = page.say("Hello")["messageId"]
    theirs, more = reply(any_shared, page), reply(any_shared, page, "More", type="ai")

    def receipt(*ids: str, **body: Any) -> int:
        answer = page.request("POST", "/read", {"sessionId": page.handle, "messageIds": list(ids), **body})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["updated"])

    assert receipt(theirs, more, mine, status="delivered") == 2
    assert receipt(theirs, status="delivered") == 0, "it was before"
    assert receipt(theirs, mine, status="read") == 1
    assert receipt(theirs, status="delivered") == 0, "what was read stays read"
    assert receipt("msg_unknown") == 0
    assert receipt() == 0
    found = page.messages()
    assert [(message["id"], message["status"]) for message in found] == [
        (mine, "sent"),
        (theirs, "read"),
        (more, "delivered"),
    ]
    assert found[1].keys() >= {"deliveredAt", "readAt"}


def test_operators_get_receipts(shared: Api) -> None:
    page = shared.visitor()
    theirs = reply(shared, page)
    with shared.socket(events=["message.read"], sessionId=page.session_id) as office:
        page.request("POST", "/read", {"sessionId": page.handle, "messageIds": [theirs], "status": "read"})
        frame = office.receive()
        assert (frame["messageIds"], frame["status"]) == ([theirs], "read")


@pytest.mark.parametrize(
    "body", [{}, {"messageIds": "msg_1"}, {"messageIds": ["a"] * 501}, {"messageIds": [], "status": "sent"}]
)
def test_an_invalid_receipt_is_refused(shared: Api, body: dict[str, Any]) -> None:
    page = shared.visitor()
    assert error_of(page.request("POST", "/read", {"sessionId": page.handle, **body})) == (400, "INVALID_REQUEST")


# --- Who they are ---


def test_a_page_can_identify_its_visitor(any_shared: Api) -> None:
    page = any_shared.visitor()
    identity = {"id": 7, "email": "ada@example.com", "name": "Ada", "plan": "pro"}
    answer = page.request("POST", "/identify", {"sessionId": page.handle, "identity": identity})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    known = any_shared.ok("GET", f"/sessions/{page.session_id}")["session"]["identity"]
    assert known == {
        "customerId": "7",
        "email": "ada@example.com",
        "name": "Ada",
        "metadata": {"plan": "pro"},
        "verified": False,
    }
    unusable: list[Any] = [{}, {"email": "nonsense"}, "Ada", None]
    for identity in unusable:
        answer = page.request("POST", "/identify", {"sessionId": page.handle, "identity": identity})
        assert error_of(answer) == (400, "INVALID_REQUEST")


# --- Reading back ---


def test_older_messages_can_be_paged(any_shared: Api) -> None:
    page = any_shared.visitor()
    for number in range(7):
        reply(any_shared, page, str(number))
    shown = page.messages(limit=3)
    while True:
        query = {"sessionId": page.handle, "before": shown[0]["id"], "limit": 3}
        answer = page.request("GET", "/messages", params=query).json()
        assert answer["messages"] == page.messages(before=shown[0]["seq"], limit=3), "a seq does the same"
        shown = answer["messages"] + shown
        if not answer["hasMore"]:
            break
    assert [message["content"] for message in shown] == list("0123456")


def test_messages_without_a_cursor_are_the_newest_page(shared: Api) -> None:
    page = shared.visitor()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: reply(shared, page, str(number)), range(60)))
    newest = page.messages()
    assert len(newest) == 50
    last = shared.ok("GET", f"/sessions/{page.session_id}")["session"]["lastMessage"]
    assert newest[-1]["id"] == last["id"]
    assert page.messages(after=newest[-1]["id"]) == []


@pytest.mark.parametrize("query", [{"before": "msg_nonsense"}, {"before": "1", "after": "2024-01-15T10:30:00Z"}])
def test_an_invalid_position_is_refused(shared: Api, query: dict[str, str]) -> None:
    page = shared.visitor()
    answer = page.request("GET", "/messages", params={"sessionId": page.handle, **query})
    assert error_of(answer) == (400, "INVALID_REQUEST")


# --- Who may ---

ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/messages", {}),
    ("PATCH", "/message/msg_1", {"content": "x"}),
    ("DELETE", "/message/msg_1", {}),
    ("POST", "/message", {"content": "x"}),
    ("POST", "/typing", {"isTyping": True}),
    ("POST", "/read", {"messageIds": []}),
    ("POST", "/identify", {"identity": {"name": "Ada"}}),
    ("GET", "/events", {}),
    ("POST", "/events", {"name": "clicked"}),
    ("POST", "/disconnect", {"duration": 3, "reason": "unload"}),
    ("POST", "/visibility", {"state": "hidden"}),
    ("GET", "/stream", {}),
    ("GET", "/screenshot/requests", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=lambda value: value if isinstance(value, str) else "")
def test_only_a_handle_opens_a_conversation(shared: Api, method: str, path: str, body: dict[str, Any]) -> None:
    page = shared.visitor()
    crawler = Visitor.__new__(Visitor)
    crawler.url = shared.url
    connected = crawler.request(
        "POST", "/connect", {"metadata": {}}, headers={"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
    )
    for handle in (page.session_id, page.handle[:-1], page.handle + "x", NOBODY, "", connected.json()["sessionId"]):
        sent = {"params" if method in {"GET", "DELETE"} else "body": {"sessionId": handle, **body}}
        answer = page.request(method, path, **sent)
        assert error_of(answer) == (404, "SESSION_NOT_FOUND"), handle


def test_all_requests_count_for_their_address(serve: Serve) -> None:
    api = serve(visitor_address_limit="20/hour")
    page = api.visitor()
    body = {"sessionId": page.handle, "isTyping": True}
    answers = [page.request("POST", "/typing", body).status_code for _ in range(22)]
    assert answers == [200] * 19 + [429] * 3
    assert error_of(page.request("GET", "/events", params={"sessionId": page.handle})) == (429, "RATE_LIMITED")


def test_edits_and_custom_events_have_the_limit_of_messages(serve: Serve) -> None:
    api = serve(visitor_message_limit="3/hour")
    page = api.visitor()
    mine = page.say("Hello")["messageId"]
    edits = [
        page.request("PATCH", f"/message/{mine}", {"sessionId": page.handle, "content": str(number)}).status_code
        for number in range(5)
    ]
    events = [
        page.request("POST", "/events", {"sessionId": page.handle, "name": "clicked"}).status_code for _ in range(5)
    ]
    assert edits == events == [200] * 3 + [429] * 2


def test_a_wrong_method_gets_the_allowed_methods(shared: Api) -> None:
    page = shared.visitor()
    answer = page.request("GET", "/message/msg_1")
    assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "DELETE, PATCH"
    assert shared.key == KEY
