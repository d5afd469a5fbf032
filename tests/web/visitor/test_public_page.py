"""A page of another origin with PocketPing's public widget: all that it asks for, in its order and in its words."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from ...conftest import LOCAL
from ...support.clients import BROWSER, Api, Socket, Visitor
from ...support.events import EventSource, Told
from ...support.servers import make_app, serving
from ...support.services import fresh_database

ORIGIN = "https://shop.example"
VERSION = "1.4.0"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PAGE = {
    "url": f"{ORIGIN}/boots",
    "referrer": f"{ORIGIN}/",
    "pageTitle": "Boots",
    "userAgent": BROWSER,
    "timezone": "Europe/Berlin",
    "language": "en-GB",
    "screenResolution": "1920x1080",
    "botSignals": {"webdriver": False},
}


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "brown").save(made, "PNG")
    return made.getvalue()


class PublicPage(Visitor):
    """What the public widget does in a browser on a page of `ORIGIN`; a browser asks before it sends JSON."""

    def __init__(self, api: Api) -> None:
        self.url = api.url
        self.visitor_id = "v-0123456789"
        self.handle = ""
        self.hello: dict[str, Any] = {}

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **params: Any) -> Any:
        """Preflight and request, as the widget's own `fetch` makes them."""
        wanted = "content-type,x-pocketping-version"
        preflight = requests.options(
            self.url + path,
            params=params,
            headers={
                "Origin": ORIGIN,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": wanted,
            },
            timeout=30,
        )
        self.may(preflight, method, wanted)
        headers = {"Origin": ORIGIN, "Content-Type": "application/json", "X-PocketPing-Version": VERSION}
        answer = self.request(method, path, body, params=params, headers=headers)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Content-Type"] == "application/json"
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert "X-PocketPing-Version-Status" in exposed
        return answer.json()

    def may(self, preflight: requests.Response, method: str, wanted: str) -> None:
        """As a browser reads it (Fetch, CORS-preflight fetch)."""
        assert preflight.ok, preflight.text
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert method in preflight.headers["Access-Control-Allow-Methods"].split(", ")
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert set(wanted.split(",")) <= set(allowed)

    def beacon(self, path: str, body: dict[str, Any], type: str) -> None:
        """`navigator.sendBeacon`: with cookies if there are any, so a browser asks more strictly for JSON."""
        headers = {"Origin": ORIGIN, "Content-Type": type, "User-Agent": BROWSER}
        if type == "application/json":
            asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
            preflight = requests.options(self.url + path, headers={"Origin": ORIGIN, **asked}, timeout=30)
            self.may(preflight, "POST", "content-type")
            assert preflight.headers["Access-Control-Allow-Credentials"] == "true"
        answer = requests.post(self.url + path, data=json.dumps(body).encode(), headers=headers, timeout=30)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})

    def connect(self, **body: Any) -> dict[str, Any]:
        given = {"visitorId": self.visitor_id, "sessionId": self.handle or None, "metadata": PAGE, **body}
        self.hello = self.ask("POST", "/connect", given)
        self.handle = self.hello["sessionId"]
        return self.hello

    def news(self, after: str) -> list[dict[str, Any]]:
        """What polling finds."""
        found = self.ask("GET", "/messages", sessionId=self.handle, after=after)
        assert set(found) == {"messages", "hasMore"}
        return [self.checked(message) for message in found["messages"]]

    def checked(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message in the widget's shape."""
        assert {"id", "sessionId", "content", "sender", "timestamp", "status"} <= set(message)
        assert message["sessionId"] == self.handle
        assert message["sender"] in {"visitor", "operator", "ai"}
        assert message["status"] in {"sent", "delivered", "read"}
        for name in ("timestamp", "deliveredAt", "readAt", "editedAt", "deletedAt"):
            assert name not in message or TIME.fullmatch(message[name])
        return message


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Api]:
    settings: dict[str, Any] = {
        "cors_origins": ORIGIN,
        "widget_min_version": "1.0.0",
        "widget_latest_version": "1.4.0",
        "prechat": "required",
        "prechat_fields": "email-or-phone",
        "welcome_message": "Hello!",
        "operator_name": "The shop",
        "primary_color": "#0A7CFF",
    }
    with (
        fresh_database(request.param, tmp_path) as url,
        serving(make_app(tmp_path, url, **LOCAL, **settings)) as api,
    ):
        yield api


def test_a_page_with_the_public_widget(site: Api) -> None:
    page = PublicPage(site)
    opens(page)
    session_id = page.session_id
    first = leaves_an_address_and_writes(page)
    sends_a_file(page)
    answer = hears_by_each_transport(site, page)
    changes_its_words(site, page, first)
    reads_and_rates(site, page, answer)
    goes_on_to_another_page(site, page, session_id)


def opens(page: PublicPage) -> None:
    hello = page.connect()
    assert hello | {"sessionId": "", "visitorId": "", "cursor": ""} == {
        "sessionId": "",
        "visitorId": "",
        "cursor": "",
        "status": "active",
        "operatorOnline": False,
        "operatorReachable": False,
        "operatorName": "The shop",
        "primaryColor": "#0a7cff",
        "welcomeMessage": "Hello!",
        "aiActive": False,
        "transports": ["ws", "sse", "poll"],
        "maxUploadSize": 10 * 1024 * 1024,
        "hasMore": False,
        "messages": [],
        "preChatForm": {
            "enabled": True,
            "required": True,
            "timing": "before-first-message",
            "fields": "email-or-phone",
            "completed": False,
        },
    }
    assert hello["visitorId"] == page.visitor_id
    presence = page.ask("GET", "/presence")
    assert presence == {"online": False, "operators": [], "aiEnabled": False, "aiActiveAfter": None}


def leaves_an_address_and_writes(page: PublicPage) -> str:
    said = {"sessionId": page.handle, "content": "Do they run small?", "sender": "visitor"}
    assert "email" in page.ask("POST", "/message", said, status=400)["message"]
    form = {"sessionId": page.handle, "phone": "+4930123456", "phoneCountry": "DE"}
    assert page.ask("POST", "/prechat", form) == {"ok": True}
    assert page.ask("POST", "/identify", {"sessionId": page.handle, "identity": {"id": "u1", "plan": "pro"}}) == {
        "ok": True
    }
    for is_typing in (True, False):
        body = {"sessionId": page.handle, "sender": "visitor", "isTyping": is_typing}
        assert page.ask("POST", "/typing", body) == {"ok": True}
    sent = page.ask("POST", "/message", {**said, "attachmentIds": [], "replyTo": None})
    assert set(sent) == {"messageId", "timestamp"}
    assert TIME.fullmatch(sent["timestamp"])
    refused = page.ask("POST", "/message", {**said, "sender": "operator"}, status=400)
    assert refused["code"] == "INVALID_REQUEST"
    return str(sent["messageId"])


def sends_a_file(page: PublicPage) -> None:
    content = picture()
    body = {"sessionId": page.handle, "filename": "boot.png", "mimeType": "image/png", "size": len(content)}
    upload = page.ask("POST", "/upload", body)
    assert set(upload) == {"attachmentId", "uploadUrl", "expiresAt"}
    address = page.url + upload["uploadUrl"]
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    page.may(requests.options(address, headers={"Origin": ORIGIN, **asked}, timeout=30), "PUT", "content-type")
    headers = {"Origin": ORIGIN, "Content-Type": "image/png", "User-Agent": BROWSER}
    stored = requests.put(address, data=content, headers=headers, timeout=30)
    assert (stored.status_code, stored.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    done = page.ask("POST", "/upload/complete", {"sessionId": page.handle, "attachmentId": upload["attachmentId"]})
    assert {"id", "filename", "mimeType", "size", "url", "thumbnailUrl", "status"} <= set(done)
    assert (done["mimeType"], done["status"]) == ("image/png", "ready")
    body = {"sessionId": page.handle, "content": "", "sender": "visitor", "attachmentIds": [done["id"]]}
    assert page.ask("POST", "/message", body)["attachments"] == [done]
    for url in (done["url"], done["thumbnailUrl"]):
        shown = requests.get(page.url + url, headers={"Origin": ORIGIN}, timeout=30)
        assert (shown.status_code, shown.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
        assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def hears_by_each_transport(site: Api, page: PublicPage) -> str:
    """WebSocket first, then events, then asking every 2 seconds, each from the newest message that it has."""
    said = page.ask("GET", "/messages", sessionId=page.handle)["messages"]
    newest, known = page.checked(said[-1])["timestamp"], {message["id"] for message in said}
    path = f"/sessions/{page.session_id}/messages"
    with (
        Socket(f"{page.url}/stream?sessionId={page.handle}", origin=ORIGIN) as socket,
        EventSource(page, after=newest, headers={"Origin": ORIGIN}) as events,
        site.socket() as office,
    ):
        # Whoever hears what was said before listens; and that somebody types is in no log, so it is waited for.
        over_socket = socket.collect(lambda frames: frames[-1]["data"].get("id") == said[-1]["id"])
        told = until(events, lambda frame: frame["data"].get("id") == said[-1]["id"])
        office.send({"type": "typing", "sessionId": page.session_id, "isTyping": True})
        over_socket += socket.collect(lambda frames: frames[-1]["type"] == "typing")
        told += until(events, lambda frame: frame["type"] == "typing")
        sent = site.ok("POST", path, {"content": "Half a size.", "operatorName": "Ana"})["message"]
        site.ok("POST", f"/sessions/{page.session_id}/events", {"name": "cart", "data": {"open": True}})
        site.ok("POST", f"/sessions/{page.session_id}/csat")
        over_socket += socket.collect(lambda frames: frames[-1]["type"] == "csat_request")
        socket.send({"type": "event", "data": {"name": "seen", "timestamp": sent["createdAt"]}})
        assert office.expect("event.received")["name"] == "seen"
        told += until(events, lambda frame: frame["type"] == "csat_request")
    assert {event.name for event in told} <= {"message", "csat_request", "screenshot_request", "connected"}
    assert told[0].name == "connected"
    frames = [event.frame for event in told if not event.comment]
    assert all({"type", "data"} <= set(frame) for frame in (*frames, *over_socket))
    kinds = ["typing", "message", "event", "csat_request"]
    heard = [frame for frame in frames if frame["type"] in kinds and frame["data"].get("id") not in known]
    assert [frame["type"] for frame in heard] == kinds
    assert heard == [frame for frame in over_socket if frame["type"] in kinds and frame["data"].get("id") not in known]
    message = heard[1]["data"]
    assert page.checked(message)["content"] == "Half a size."
    assert [found for found in page.news(newest) if found["id"] not in known] == [message]
    assert page.ask("GET", "/screenshot/requests", sessionId=page.handle) == {"requests": []}
    body = {"sessionId": page.handle, "name": "seen", "data": None}
    assert page.ask("POST", "/events", body) == {"ok": True}
    polled = page.ask("GET", "/events", sessionId=page.handle, after="0")
    assert set(polled) == {"frames", "cursor", "hasMore", "operatorOnline"}
    return str(message["id"])


def until(events: EventSource, last: Callable[[dict[str, Any]], bool]) -> list[Told]:
    """What comes up to a frame."""
    told: list[Told] = []
    while not told or told[-1].comment or not last(told[-1].frame):
        event = events.next()
        assert event is not None
        told.append(event)
    return told


def changes_its_words(site: Api, page: PublicPage, first: str) -> None:
    newest = page.news("1970-01-01T00:00:00Z")[-1]["timestamp"]
    body = {"sessionId": page.handle, "content": "Do these run small?"}
    changed = page.ask("PATCH", f"/message/{first}", body)["message"]
    assert {"id": first, "content": "Do these run small?"}.items() <= changed.items()
    assert TIME.fullmatch(changed["editedAt"])
    latest = page.news(newest)[-1]
    assert (latest["id"], latest["content"]) == (first, "Do these run small?")
    assert page.ask("DELETE", f"/message/{first}", sessionId=page.handle) == {"deleted": True}
    gone = page.news(newest)[-1]
    assert (gone["id"], gone["content"]) == (first, "")
    assert "deletedAt" in gone
    assert page.ask("PATCH", f"/message/{first}", body, status=404)["code"] == "MESSAGE_NOT_FOUND"


def reads_and_rates(site: Api, page: PublicPage, answer: str) -> None:
    for status in ("delivered", "read"):
        body = {"sessionId": page.handle, "messageIds": [answer], "status": status}
        assert page.ask("POST", "/read", body) == {"updated": 1}
        assert page.ask("POST", "/read", body) == {"updated": 0}
    found = site.ok("GET", f"/sessions/{page.session_id}/messages")["messages"]
    assert next(message["status"] for message in found if message["id"] == answer) == "read"
    rating = {"sessionId": page.handle, "score": 5, "comment": "Quick!"}
    assert page.ask("POST", "/csat", rating) == {"ok": True}
    assert page.ask("POST", "/csat", rating) == {"ok": True, "alreadyRated": True}


def goes_on_to_another_page(site: Api, page: PublicPage, session_id: str) -> None:
    for type in ("text/plain;charset=UTF-8", "application/json"):
        page.beacon(
            "/visibility", {"sessionId": page.handle, "state": "hidden", "timestamp": "2026-01-01T00:00:00Z"}, type
        )
        page.beacon("/disconnect", {"sessionId": page.handle, "duration": 12, "reason": "unload"}, type)
    hello = page.connect(metadata={**PAGE, "url": f"{ORIGIN}/cart", "pageTitle": "Cart"})
    assert page.session_id == session_id
    assert [page.checked(message)["content"] for message in hello["messages"]] == ["", "", "Half a size."]
    assert hello["preChatForm"]["completed"] is True
    assert "csatRequestedAt" not in hello
    assert hello["identity"] | {"phone": "", "phoneCountry": ""} == {
        "id": "u1",
        "plan": "pro",
        "phone": "",
        "phoneCountry": "",
        "verified": False,
    }
    walked = site.ok("GET", f"/sessions/{session_id}/pages")["pages"]
    assert [found["url"] for found in walked] == [f"{ORIGIN}/cart", f"{ORIGIN}/boots"]


def test_a_public_widget_that_is_too_old_reads_why(site: Api) -> None:
    headers = {"Origin": ORIGIN, "X-PocketPing-Version": "0.9.0", "User-Agent": BROWSER}
    answer = requests.post(site.url + "/connect", json={"metadata": PAGE}, headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (426, ORIGIN)
    assert set(answer.json()) == {"error", "message", "code"}
    told = {name: answer.headers.get(f"X-PocketPing-{name}") for name in ("Version-Status", "Min-Version")}
    assert told == {"Version-Status": "unsupported", "Min-Version": "1.0.0"}


def test_a_page_of_another_origin_gets_nothing_to_read(site: Api) -> None:
    headers = {"Origin": "https://evil.example", "User-Agent": BROWSER}
    for method, path in (
        ("POST", "/connect"),
        ("PUT", "/upload/att_1/key"),
        ("GET", "/messages"),
        ("DELETE", "/message/m"),
    ):
        asked = {"Access-Control-Request-Method": method}
        preflight = requests.options(site.url + path, headers={**headers, **asked}, timeout=30)
        answer = requests.request(method, site.url + path, headers=headers, timeout=30)
        for found in (preflight, answer):
            assert not {name for name in found.headers if name.lower().startswith("access-control-")}
