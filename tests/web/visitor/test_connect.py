"""The visitor's routes: who may go on with which conversation, what is stored of it, and what it shows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from flask_pocketping import PocketPing, clock
from flask_pocketping.state import State

from ...conftest import Serve
from ...support.clients import BROWSER, Api, Visitor
from ...support.servers import make_app, wait_until
from ...support.travel import Travel

CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
METADATA = {
    "url": "https://shop.example/pricing",
    "referrer": "https://search.example/",
    "pageTitle": "Pricing",
    "timezone": "Europe/Paris",
    "language": "fr-FR",
    "screenResolution": "1920x1080",
    "botSignals": {"webdriver": False},
}


def count(app: Flask, table: str) -> int:
    state: State = app.extensions["pocketping"]
    with state.db.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM pocketping_{table}")).scalar_one())


def connect(api: Api, **body: Any) -> requests.Response:
    """What `/connect` answers, whatever it is."""
    headers = {"User-Agent": body.pop("agent", BROWSER)}
    return requests.post(f"{api.url}/connect", json={"metadata": {}, **body}, headers=headers, timeout=30)


def ask(page: Visitor, content: str, **body: Any) -> requests.Response:
    """What `/message` answers, whatever it is."""
    return page.request("POST", "/message", {"sessionId": page.handle, "content": content, **body})


def session(api: Api, page: Visitor) -> dict[str, Any]:
    """The visitor's conversation as the back office sees it."""
    return dict(api.ok("GET", f"/sessions/{page.session_id}")["session"])


def code(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# --- Connecting ---


def test_a_new_visitor(serve: Serve) -> None:
    api = serve(welcome_message="Hi! Ask us anything.")
    answer = connect(api, visitorId="vis-of_the.page:1", sessionId=None, metadata=METADATA)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    hello = answer.json()
    assert hello == {
        "sessionId": hello["sessionId"],
        "visitorId": "vis-of_the.page:1",
        "operatorOnline": False,
        "operatorReachable": False,
        "aiActive": False,
        "transports": ["ws", "sse", "poll"],
        "maxUploadSize": 10 * 1024 * 1024,
        "welcomeMessage": "Hi! Ask us anything.",
        "status": "active",
        "messages": [],
        "hasMore": False,
        "cursor": "1",
    }
    [stored] = api.ok("GET", "/sessions")["sessions"]
    assert hello["sessionId"].startswith(stored["id"] + ".")
    assert (stored["visitorId"], stored["identity"]) == ("vis-of_the.page:1", None)
    assert stored["metadata"] == {
        "pageUrl": "https://shop.example/pricing",
        "referrer": "https://search.example/",
        "pageTitle": "Pricing",
        "timezone": "Europe/Paris",
        "language": "fr-FR",
        "screenResolution": "1920x1080",
        "userAgent": BROWSER,
        "device": "desktop",
        "browser": "Firefox",
        "os": "Linux",
    }


@pytest.mark.parametrize(("agent", "metadata"), [("shop/1.0", {"userAgent": IPHONE}), (IPHONE, {})])
def test_the_browser_is_what_the_body_says_else_the_header(api: Api, agent: str, metadata: dict[str, str]) -> None:
    assert connect(api, agent=agent, metadata=metadata).status_code == 200
    [stored] = api.ok("GET", "/sessions")["sessions"]
    assert stored["metadata"] == {"userAgent": IPHONE, "device": "mobile", "browser": "Mobile Safari", "os": "iOS"}


def test_a_page_without_an_id_is_given_one(shared: Api) -> None:
    one, two = connect(shared).json(), connect(shared, visitorId=None).json()
    assert one["visitorId"].startswith("vis_")
    assert one["visitorId"] != two["visitorId"]


def test_a_handle_goes_on_with_its_conversation(api: Api) -> None:
    page = api.visitor(visitorId="vis_1", metadata={"url": "https://shop.example/"}, identity={"id": 7, "name": "Zoë"})
    page.say("Hello")
    api.ok("POST", f"/sessions/{page.session_id}/messages", {"content": "Hi!", "operatorName": "Ann"})
    again = connect(api, visitorId="vis_1", sessionId=page.handle, metadata={"url": "https://shop.example/buy"}).json()
    assert (again["sessionId"], again["visitorId"]) == (page.handle, "vis_1")
    assert [(message["sender"], message["content"]) for message in again["messages"]] == [
        ("visitor", "Hello"),
        ("operator", "Hi!"),
    ]
    assert again["messages"][1]["operatorName"] == "Ann"
    assert {message["sessionId"] for message in again["messages"]} == {page.handle}
    assert again["identity"] == {"id": "7", "name": "Zoë", "verified": False}
    assert again["cursor"] == "4", "created, two messages, the new page"
    stored = session(api, page)
    assert stored["metadata"]["pageUrl"] == "https://shop.example/buy"
    assert len(api.ok("GET", "/sessions")["sessions"]) == 1
    assert connect(api, sessionId=page.handle, visitorId="vis_other").json()["visitorId"] == "vis_1"


def test_the_same_page_again_is_no_news(api: Api) -> None:
    page = api.visitor(metadata=METADATA)
    with api.socket() as office:
        connect(api, sessionId=page.handle, metadata=METADATA)
        page.say("news")
        assert office.receive()["type"] == "message.created"


@pytest.mark.parametrize(
    "forge",
    [
        lambda handle: None,
        lambda handle: "",
        lambda handle: handle.split(".")[0],
        lambda handle: handle.split(".")[0] + ".",
        lambda handle: handle.replace(".", ".A" if ".A" not in handle else ".B")[:-1],
        lambda handle: "sess_0000000000000000000000000" + handle[handle.index(".") :],
        lambda handle: handle + "x",
        lambda handle: handle.replace(".", "\u2024"),
        lambda handle: "." + handle,
        lambda handle: handle * 10,
        lambda handle: "\x00" + handle,
        lambda handle: 7,
        lambda handle: [handle],
        lambda handle: {"handle": handle},
        lambda handle: True,
    ],
)
def test_anything_but_a_handle_opens_a_new_conversation(shared: Api, forge: Callable[[str], Any]) -> None:
    page = shared.visitor(visitorId="vis_1")
    page.say("private")
    answer = connect(shared, visitorId="vis_1", sessionId=forge(page.handle))
    assert answer.status_code == 200, answer.text
    assert answer.json()["messages"] == []
    assert answer.json()["sessionId"].split(".")[0] != page.session_id
    assert session(shared, page)["lastMessage"]["content"] == "private"


def test_a_handle_of_another_app_opens_nothing(tmp_path: Path, serve: Serve) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    database = f"sqlite:///{tmp_path / 'shared.db'}"
    page = serve(make_app(ours, database)).visitor()
    page.say("private")
    assert connect(serve(make_app(theirs, database)), sessionId=page.handle).json()["messages"] == []


def test_a_public_session_id_opens_no_conversation(shared: Api) -> None:
    page = shared.visitor()
    page.say("private")
    known = session(shared, page)["id"]
    for stranger in (known, known + "." + "A" * 43):
        sent = page.request("POST", "/message", {"sessionId": stranger, "content": "as the visitor"})
        read = page.request("GET", "/messages", params={"sessionId": stranger})
        for answer in (sent, read):
            assert code(answer) == (404, "SESSION_NOT_FOUND")
        assert connect(shared, sessionId=stranger).json()["messages"] == []
    assert session(shared, page)["lastMessage"]["content"] == "private"
    # The visitor API shows no id that would open anything: its sessionId is the handle.
    shared.ok("POST", f"/sessions/{page.session_id}/messages", {"content": "Hi"})
    assert {message["sessionId"] for message in page.messages()} == {page.handle}


def test_a_session_that_is_gone_is_not_found(app: Flask, api: Api) -> None:
    page = api.visitor()
    state: State = app.extensions["pocketping"]
    with state.db.transaction() as tx:
        tx.execute(text("DELETE FROM pocketping_session"))
    assert code(ask(page, "Hello?")) == (404, "SESSION_NOT_FOUND")
    assert code(page.request("GET", "/messages", params={"sessionId": page.handle})) == (404, "SESSION_NOT_FOUND")
    assert connect(api, sessionId=page.handle).json()["sessionId"] != page.handle


def test_a_visitor_id_resumes_no_conversation_and_changes_nothing(shared: Api) -> None:
    page = shared.visitor(visitorId="vis_known", identity={"id": "cust_1", "email": "ann@example.com"})
    page.say("private")
    before = session(shared, page)
    stranger = connect(
        shared, visitorId="vis_known", identity={"id": "cust_2", "email": "eve@example.com"}, metadata=METADATA
    ).json()
    assert stranger["messages"] == []
    assert stranger["identity"]["email"] == "eve@example.com"
    assert session(shared, page) == before


def test_an_identity_of_a_page_is_unverified_and_replaces_no_verified_one(shared: Api) -> None:
    page = shared.visitor(identity={"id": "cust_1", "email": "ann@example.com", "plan": "pro"})
    stored = session(shared, page)["identity"]
    assert stored == {
        "customerId": "cust_1",
        "email": "ann@example.com",
        "metadata": {"plan": "pro"},
        "verified": False,
    }
    shared.ok("POST", f"/sessions/{page.session_id}/identify", {"email": "real@example.com"})
    again = connect(shared, sessionId=page.handle, identity={"id": "cust_2", "email": "eve@example.com"}).json()
    assert again["identity"] == {"email": "real@example.com", "verified": True}
    assert session(shared, page)["identity"] == {"email": "real@example.com", "verified": True}


@pytest.mark.parametrize(
    "body",
    [
        {"visitorId": "no spaces"},
        {"visitorId": "x" * 65},
        {"visitorId": 7},
        {"visitorId": "line\nbreak"},
        {"visitorId": "vis_1\n"},
        {"identity": "ann"},
        {"identity": {"plan": "x" * 10_000}},
        {"metadata": "none"},
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(shared_app: Flask, shared: Api, body: dict[str, Any]) -> None:
    before = count(shared_app, "session")
    answer = connect(shared, **body)
    assert code(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].keys() == {next(iter(body))}
    assert count(shared_app, "session") == before


def test_what_a_visitor_could_not_correct_is_cut_or_left_out(any_shared: Api) -> None:
    page = any_shared.visitor(
        identity={"id": 7, "email": "no address", "name": ["Ann"], "plan": "pro"},
        metadata={"url": "https://shop.example/" + "x" * 3000, "pageTitle": "a\x00b\ud800", "language": 7},
    )
    stored = session(any_shared, page)
    assert stored["identity"] == {"customerId": "7", "metadata": {"plan": "pro"}, "verified": False}
    metadata = stored["metadata"]
    assert metadata["pageUrl"] == ("https://shop.example/" + "x" * 3000)[:2048]
    assert metadata["pageTitle"] == "ab"
    assert "language" not in metadata
    nobody = any_shared.visitor(identity={"email": "no address", "name": "x" * 201})
    assert session(any_shared, nobody)["identity"] is None


def test_what_a_database_cannot_store_does_no_harm(any_shared: Api) -> None:
    answer = connect(any_shared, metadata={"url": "https://shop.example/\ud800", "pageTitle": "a\x00b"})
    assert answer.status_code in {200, 400}, answer.text
    page = any_shared.visitor()
    for content in ("a\x00b", "half \ud800"):
        assert code(ask(page, content)) == (400, "INVALID_REQUEST")
    for strange in ("😀 👨‍👩‍👧 ́\u202e", "ﷺ" * 1000, "\\u0000 \\x00"):
        page.say(strange)
        assert page.messages()[-1]["content"] == strange


def test_a_crawler_gets_a_working_empty_answer_and_leaves_no_row(app: Flask, api: Api) -> None:
    answer = connect(api, agent=CRAWLER, visitorId="vis_crawler", metadata=METADATA, identity={"id": "x"})
    assert answer.status_code == 200
    hello = answer.json()
    assert (hello["visitorId"], hello["messages"], hello["operatorOnline"]) == ("vis_crawler", [], False)
    assert hello["sessionId"].startswith("sess_")
    for table in ("session", "event", "message", "presence", "delivery"):
        assert count(app, table) == 0
    # The crawler itself notices nothing, but there is nothing behind its handle.
    page = {"sessionId": hello["sessionId"], "content": "Buy now!"}
    answer = requests.post(f"{api.url}/message", json=page, headers={"User-Agent": CRAWLER}, timeout=30)
    assert code(answer) == (404, "SESSION_NOT_FOUND")


def test_a_page_that_says_it_is_a_crawler_is_one(app: Flask, api: Api) -> None:
    connect(api, agent="", metadata={"userAgent": CRAWLER})
    assert count(app, "session") == 0


@pytest.mark.parametrize(("agent", "named", "sessions"), [(CRAWLER, BROWSER, 0), (BROWSER, CRAWLER, 1)])
def test_who_is_a_crawler_says_the_header(app: Flask, api: Api, agent: str, named: str, sessions: int) -> None:
    connect(api, agent=agent, metadata={"userAgent": named})
    assert count(app, "session") == sessions


def test_the_app_says_which_user_agents_are_crawlers_and_which_are_none(serve: Serve) -> None:
    api = serve(crawlers="AcmeScan, Firefox/115.", not_crawlers=["googlebot/2.1; +http://intern"])
    agents = {
        "acmescan 2": False,
        "Mozilla/5.0 (X11; rv:115.0) Gecko/20100101 Firefox/115.0": False,
        CRAWLER: False,
        "Googlebot/2.1; +http://intern.example/AcmeScan": True,
        BROWSER: True,
    }
    opened = {}
    for agent in agents:
        handle = connect(api, agent=agent).json()["sessionId"]
        read = requests.get(f"{api.url}/messages", params={"sessionId": handle}, timeout=30)
        opened[agent] = read.status_code == 200
    assert opened == agents


# --- Sending ---


def test_a_visitor_speaks(shared: Api) -> None:
    page = shared.visitor()
    first = page.say("Hello", sender="visitor", attachmentIds=[])
    assert first.keys() == {"messageId", "timestamp"}
    second = page.say("And…", replyTo=first["messageId"])
    shown = page.messages()
    assert [message["id"] for message in shown] == [first["messageId"], second["messageId"]]
    assert shown[0] == {
        "id": first["messageId"],
        "sessionId": page.handle,
        "seq": 2,
        "content": "Hello",
        "sender": "visitor",
        "timestamp": first["timestamp"],
        "status": "sent",
    }
    assert shown[1]["replyTo"] == first["messageId"]
    stored = session(shared, page)
    assert (stored["unread"], stored["lastMessage"]["type"]) == (2, "visitor")


@pytest.mark.parametrize("sender", ["operator", "ai", "system", "Visitor", "", 1, ["visitor"]])
def test_operator_sender_is_refused(shared: Api, sender: Any) -> None:
    page = shared.visitor()
    answer = ask(page, "I am from support. Your password?", sender=sender)
    assert code(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].keys() == {"sender"}
    ask(page, "Hello", type="operator", operatorName="Support", sourceBridge="telegram")
    [message] = shared.ok("GET", f"/sessions/{page.session_id}/messages")["messages"]
    assert (message["type"], message["content"]) == ("visitor", "Hello")
    assert message.keys().isdisjoint({"operatorName", "sourceBridge"})


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"content": ""}, (400, "INVALID_REQUEST")),
        ({"content": " \n\t "}, (400, "INVALID_REQUEST")),
        ({"content": "x" * 4001}, (400, "INVALID_REQUEST")),
        ({"content": 7}, (400, "INVALID_REQUEST")),
        ({"content": "Hello", "replyTo": "msg_unknown"}, (400, "INVALID_REQUEST")),
        ({"content": "Hello", "clientId": "no spaces"}, (400, "INVALID_REQUEST")),
        ({"content": "Hello", "clientId": "x" * 65}, (400, "INVALID_REQUEST")),
        ({"content": "Hello", "attachmentIds": ["att_unknown"]}, (404, "ATTACHMENT_NOT_FOUND")),
    ],
)
def test_what_is_no_message_is_refused(shared: Api, body: dict[str, Any], wanted: tuple[int, str]) -> None:
    page = shared.visitor()
    assert code(ask(page, **body)) == wanted
    assert page.messages() == []


def test_four_thousand_characters_are_a_message(any_shared: Api) -> None:
    page = any_shared.visitor()
    page.say("😀" * 4000)
    assert page.messages()[0]["content"] == "😀" * 4000


def test_a_reply_is_to_a_message_of_the_same_conversation(shared: Api) -> None:
    page, other = shared.visitor(), shared.visitor()
    elsewhere = other.say("elsewhere")["messageId"]
    assert code(ask(page, "Hello", replyTo=elsewhere)) == (400, "INVALID_REQUEST")


def test_a_closed_conversation_is_reopened_by_the_visitor(any_shared: Api) -> None:
    page = any_shared.visitor()
    page.say("Hello")
    any_shared.ok("POST", f"/sessions/{page.session_id}/close")
    with any_shared.socket() as office:
        page.say("One more thing")
        frames = [office.receive() for _ in range(3)]
    assert [frame["type"] for frame in frames] == ["message.created", "session.reopened", "message.created"]
    assert [found["content"] for found in page.messages()] == [
        "Hello",
        "Session closed",
        "Session reopened",
        "One more thing",
    ]
    stored = session(any_shared, page)
    assert (stored["status"], stored["closedAt"], stored["unread"]) == ("active", None, 2)


def test_a_repeated_message_gets_the_first_response(any_shared: Api) -> None:
    page, other = any_shared.visitor(), any_shared.visitor()
    first = page.say("Hello", clientId="draft-1")
    assert page.say("Hello", clientId="draft-1") == first
    assert page.say("changed meanwhile", clientId="draft-1") == first
    assert page.say("Hello", clientId="DRAFT-1") != first
    assert other.say("Hello", clientId="draft-1") != first, "it is unique in its session only"
    any_shared.ok("POST", f"/sessions/{page.session_id}/close")
    assert page.say("Hello", clientId="draft-1") == first
    assert session(any_shared, page)["status"] == "closed", "a repeat of what was said before reopens nothing"
    assert [message["content"] for message in page.messages()] == ["Hello", "Hello", "Session closed"]


def test_twenty_concurrent_repeats_store_one_message(any_shared: Api) -> None:
    page = any_shared.visitor()
    barrier = threading.Barrier(20)

    def send(number: int) -> dict[str, Any]:
        barrier.wait()
        return page.say("Hello", clientId="draft-1")

    with any_shared.socket() as office, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
        assert office.receive()["type"] == "message.created"
        page.say("afterwards")
        assert office.receive()["message"]["content"] == "afterwards", "nobody heard of it twice"
    assert all(answer == answers[0] for answer in answers)
    assert len(page.messages()) == 2


def test_equal_texts_without_a_client_id_are_two_messages(shared: Api) -> None:
    page = shared.visitor()
    one, two = page.say("yes"), page.say("yes")
    three, four = page.say("yes", clientId="a"), page.say("yes", clientId="b")
    assert len({one["messageId"], two["messageId"], three["messageId"], four["messageId"]}) == 4
    assert len(page.messages()) == 4


def test_many_at_once_keep_one_order(any_shared: Api) -> None:
    page = any_shared.visitor()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: page.say(f"message {number}"), range(24)))
    shown = page.messages()
    assert [message["seq"] for message in shown] == list(range(2, 26))
    times = [message["timestamp"] for message in shown]
    assert times == sorted(set(times)), "later in the conversation is later in time"


def test_too_many_messages_are_429_for_that_conversation(serve: Serve) -> None:
    api = serve(visitor_message_limit="3/minute")
    page, other = api.visitor(), api.visitor()
    for number in range(3):
        page.say(str(number))
    answer = ask(page, "one too many")
    assert code(answer) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    other.say("not my fault")
    page.messages()


def test_too_many_conversations_are_429_for_that_address(serve: Serve) -> None:
    api = serve(visitor_silent_session_limit="2/hour")
    page = api.visitor()
    api.visitor()
    assert code(connect(api)) == (429, "RATE_LIMITED")
    assert connect(api, sessionId=page.handle).status_code == 200, "going on opens none"
    assert connect(api, agent=CRAWLER).status_code == 200


def test_too_many_requests_are_429_for_that_address(serve: Serve) -> None:
    api = serve(visitor_address_limit="4/minute")
    page = api.visitor()
    for _ in range(3):
        page.messages()
    assert code(page.request("GET", "/messages", params={"sessionId": page.handle})) == (429, "RATE_LIMITED")
    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    answer = page.request("GET", "/messages", params={"sessionId": page.handle}, headers=forwarded)
    assert code(answer) == (429, "RATE_LIMITED"), "nobody vouches for that header"


def test_a_large_body_is_413(shared: Api) -> None:
    page = shared.visitor()
    answer = ask(page, "Hello", padding="x" * 70_000)
    assert code(answer) == (413, "PAYLOAD_TOO_LARGE")


# --- Reading ---


def test_connecting_to_a_long_conversation_returns_its_newest_messages(any_shared: Api) -> None:
    page = any_shared.visitor()
    path = f"/sessions/{page.session_id}/messages"
    for number in range(60):
        any_shared.ok("POST", path, {"content": str(number)})
    newest = [str(number) for number in range(10, 60)]
    assert [message["content"] for message in page.messages()] == newest
    again = connect(any_shared, sessionId=page.handle).json()
    assert [message["content"] for message in again["messages"]] == newest
    answer = page.request("GET", "/messages", params={"sessionId": page.handle}).json()
    assert answer["hasMore"] is True
    assert [message["content"] for message in page.messages(limit=5)] == newest[-5:]


def test_after_a_message_or_a_seq_comes_what_follows(any_shared: Api) -> None:
    page = any_shared.visitor()
    ids = [page.say(str(number))["messageId"] for number in range(7)]
    everything = page.messages()
    assert [message["id"] for message in page.messages(after=ids[3])] == ids[4:]
    assert [message["id"] for message in page.messages(after=everything[3]["seq"])] == ids[4:]
    assert [message["id"] for message in page.messages(after="0")] == ids
    assert page.messages(after=ids[-1]) == []
    assert page.messages(after="999999999999999999999") == []
    answer = page.request("GET", "/messages", params={"sessionId": page.handle, "after": ids[0], "limit": 2}).json()
    assert ([message["id"] for message in answer["messages"]], answer["hasMore"]) == (ids[1:3], True)


@pytest.mark.parametrize("after", ["yesterday", "-1", "msg_unknown", "1e3", "2024-13-01T00:00:00Z", "0x10"])
def test_anything_else_after_is_refused(shared: Api, after: str) -> None:
    page = shared.visitor()
    answer = page.request("GET", "/messages", params={"sessionId": page.handle, "after": after})
    assert code(answer) == (400, "INVALID_REQUEST")
    assert answer.json()["details"].keys() == {"after"}


def test_a_message_of_another_conversation_is_no_position(shared: Api) -> None:
    page, other = shared.visitor(), shared.visitor()
    elsewhere = other.say("elsewhere")["messageId"]
    answer = page.request("GET", "/messages", params={"sessionId": page.handle, "after": elsewhere})
    assert code(answer) == (400, "INVALID_REQUEST")


def test_after_a_time_comes_everything_that_changed(any_shared: Api, travel: Travel) -> None:
    page = any_shared.visitor()
    path = f"/sessions/{page.session_id}"
    first = any_shared.ok("POST", f"{path}/messages", {"content": "first"})["message"]["id"]
    second = any_shared.ok("POST", f"{path}/messages", {"content": "second"})["message"]["id"]
    mine = page.say("mine")
    untouched = any_shared.ok("POST", f"{path}/messages", {"content": "untouched"})["message"]
    assert page.messages(after=untouched["createdAt"]) == page.messages(), "clocks differ: what is 30 s old comes again"
    travel.forward(hours=1)

    any_shared.ok("PATCH", f"{path}/messages/{first}", {"content": "edited"})
    any_shared.ok("DELETE", f"{path}/messages/{second}")
    any_shared.ok("POST", f"{path}/read")
    later = page.say("later")
    changed = page.messages(after=untouched["createdAt"])
    assert [(message["id"], message["content"]) for message in changed] == [
        (untouched["id"], "untouched"),
        (first, "edited"),
        (second, ""),
        (mine["messageId"], "mine"),
        (later["messageId"], "later"),
    ]
    assert "editedAt" in changed[1]
    assert "deletedAt" in changed[2]
    assert (changed[3]["status"], changed[3]["readAt"]) == ("read", changed[3]["readAt"])
    # The page has not confirmed the operators' messages, so they come again.
    assert page.messages(after=later["timestamp"]) == changed
    travel.forward(days=1)
    assert page.messages(after=clock.format_utc(travel.now())) == []


def test_a_page_whose_clock_runs_ahead_misses_nothing(any_shared: Api, travel: Travel) -> None:
    page = any_shared.visitor()
    page.say("One")
    travel.forward(seconds=20)
    ahead = clock.format_utc(travel.now() + timedelta(hours=3))
    assert [message["content"] for message in page.messages(after=ahead)] == ["One"]
    travel.forward(seconds=20)
    page.say("Two")
    assert [message["content"] for message in page.messages(after=ahead)] == ["Two"]
    assert len(page.messages(after="0001-01-01T00:00:00Z")) == 2


def test_pages_of_changes_lead_on_however_much_changed_just_now(any_shared: Api) -> None:
    page = any_shared.visitor()
    for number in range(25):
        any_shared.ok("POST", f"/sessions/{page.session_id}/messages", {"content": str(number)})
    seen: dict[str, str] = {}
    after, has_more, asked = "1970-01-01T00:00:00Z", True, 0
    while has_more:
        query = {"sessionId": page.handle, "after": after, "limit": 10}
        found = page.request("GET", "/messages", params=query).json()
        seen |= {message["id"]: message["timestamp"] for message in found["messages"]}
        after, has_more, asked = max(seen.values()), found["hasMore"], asked + 1
        assert asked <= 4
    assert len(seen) == 25


def test_times_may_be_written_as_pages_write_them(any_shared: Api, travel: Travel) -> None:
    page = any_shared.visitor()
    travel.to(datetime(2031, 3, 1, 12, 0, 0, tzinfo=UTC))
    page.say("at noon")
    travel.to(datetime(2031, 3, 1, 13, 0, 0, tzinfo=UTC))
    page.say("at one")
    for after in ("2031-03-01T12:30:00Z", "2031-03-01T12:30:00.000Z", "2031-03-01T13:30:00+01:00", "2031-03-01 12:30"):
        assert [message["content"] for message in page.messages(after=after)] == ["at one"], after


def test_polling_by_time_misses_nothing(any_shared: Api) -> None:
    """As a page without a socket does: it asks for what came after the newest that it has."""
    page = any_shared.visitor()
    seen: dict[str, str] = {}
    done = threading.Event()

    def write() -> None:
        for number in range(40):
            any_shared.ok("POST", f"/sessions/{page.session_id}/messages", {"content": str(number)})
        done.set()

    def poll() -> bool:
        last = done.is_set()
        after = max(seen.values(), default="2000-01-01T00:00:00Z")
        seen.update((message["id"], message["timestamp"]) for message in page.messages(after=after))
        return last

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write)]
        wait_until(poll, "all is written", 30)
        for writer in writers:
            writer.result()
    assert len(seen) == 40


def test_a_receipt_stores_no_copy_of_the_message(app: Flask, any_shared: Api) -> None:
    page = any_shared.visitor()
    asked = page.say("Hello")["messageId"]
    path = f"/sessions/{page.session_id}"
    with page.stream() as stream:
        assert any_shared.ok("POST", f"{path}/read", {"messageIds": [asked]}) == {"updated": 1}
        frame = stream.expect("read")
        assert frame["data"] == {"messageIds": [asked], "status": "read", "readAt": frame["data"]["readAt"]}
        assert any_shared.ok("POST", f"{path}/read") == {"updated": 0}
    [message] = page.messages()
    assert (message["id"], message["status"], message["readAt"]) == (asked, "read", frame["data"]["readAt"])
    assert len(any_shared.ok("GET", f"{path}/messages")["messages"]) == 1
    assert session(any_shared, page)["unread"] == 0


def test_system_messages_are_the_operators_with_a_mark(shared: Api) -> None:
    page = shared.visitor()
    path = f"/sessions/{page.session_id}/messages"
    for kind in ("operator", "ai", "system"):
        shared.ok("POST", path, {"content": kind, "type": kind})
    assert [(message["sender"], message.get("metadata")) for message in page.messages()] == [
        ("operator", None),
        ("ai", None),
        ("operator", {"system": True}),
    ]


# --- Who may ask ---


def preflight(api: Api, path: str, origin: str, method: str = "POST") -> requests.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-pocketping-version",
    }
    return requests.options(api.url + path, headers=headers, timeout=30)


def cors(response: requests.Response) -> set[str]:
    return {name.lower() for name in response.headers if name.lower().startswith("access-control")}


def test_a_listed_origin_may_ask_and_read(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example, https://blog.example:8443")
    for origin in ("https://shop.example", "https://blog.example:8443"):
        allowed = preflight(api, "/message", origin)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == origin
        assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
        listed = {name.strip().lower() for name in allowed.headers["Access-Control-Allow-Headers"].split(",")}
        assert listed >= {"content-type", "x-pocketping-version"}
        assert "Origin" in allowed.headers["Vary"]
        page = api.visitor()
        headers = {"Origin": origin, "X-PocketPing-Version": "1.0.0"}
        for answer in (
            page.request("POST", "/message", {"sessionId": page.handle, "content": "Hello"}, headers=headers),
            page.request("GET", "/messages", params={"sessionId": page.handle}, headers=headers),
            page.request("POST", "/message", {"sessionId": "nobody", "content": "Hello"}, headers=headers),
            page.request("DELETE", "/message", headers=headers),
        ):
            assert answer.headers["Access-Control-Allow-Origin"] == origin, answer.text
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "retry-after" in answer.headers["Access-Control-Expose-Headers"].lower()


@pytest.mark.parametrize("listed", ["", "https://shop.example"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://evil.example/https://shop.example",
        "null",
    ],
)
def test_other_origins_are_refused(serve: Serve, listed: str, origin: str) -> None:
    api = serve(cors_origins=listed)
    page = api.visitor()
    for answer in (
        preflight(api, "/connect", origin),
        preflight(api, "/messages", origin, "GET"),
        page.request("GET", "/messages", params={"sessionId": page.handle}, headers={"Origin": origin}),
    ):
        assert cors(answer) == set()
        if listed:
            assert "Origin" in answer.headers["Vary"], "a cache must not give it to another origin"


def test_the_back_office_is_for_no_origin(serve: Serve) -> None:
    api = serve(cors_origins="https://shop.example")
    for answer in (
        preflight(api, "/sessions", "https://shop.example"),
        api.get("/sessions", headers={"Origin": "https://shop.example"}),
        api.get("/health", headers={"Origin": "https://shop.example"}),
    ):
        assert cors(answer) == set()


# --- Keys that change ---


def test_handles_outlive_a_change_of_the_secret_key(tmp_path: Path, serve: Serve) -> None:
    def start(key: str, *fallbacks: str) -> Api:
        app = Flask("host", instance_path=str(tmp_path))
        app.config |= {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": list(fallbacks), "POCKETPING_URL_PREFIX": ""}
        app.config["POCKETPING_API_KEY"] = "test-key-0123456789"
        PocketPing(app)
        return serve(app)

    page = start("first").visitor()
    page.say("Hello")
    second = start("second", "first")
    again = connect(second, sessionId=page.handle).json()
    assert [message["content"] for message in again["messages"]] == ["Hello"]
    assert again["sessionId"] != page.handle, "signed afresh"
    third = start("third", "second", "first")
    for handle in (page.handle, again["sessionId"]):
        answer = requests.get(f"{third.url}/messages", params={"sessionId": handle}, timeout=30)
        assert answer.status_code == 200
    last = start("fourth", "third")
    for handle in (page.handle, again["sessionId"]):
        answer = requests.get(f"{last.url}/messages", params={"sessionId": handle}, timeout=30)
        assert code(answer) == (404, "SESSION_NOT_FOUND")


def test_what_the_clock_says_matters_to_no_handle(api: Api, travel: Travel) -> None:
    page = api.visitor()
    travel.forward(days=3650)
    page.say("Still here")
    travel.forward(days=-7300)
    sent = page.say("In the past")
    assert sent["timestamp"] > page.messages()[0]["timestamp"], "a clock that is set back reorders nothing"
    assert (
        timedelta(0)
        < datetime.fromisoformat(sent["timestamp"]) - datetime.fromisoformat(page.messages()[0]["timestamp"])
        < timedelta(seconds=1)
    )
