"""What the public widget forgets or gets wrong costs its visitor nothing, whichever transport its page has.

The page is played here by what is known of that widget: its stream begins at the newest time that it has seen or noted
by its own clock, its WebSocket begins without any, and it shows each message once, by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flask_pocketping import clock

from ...conftest import Serve
from ...support.clients import Api, Socket
from ...support.events import EventSource
from ...support.servers import wait_until
from ...support.travel import Travel
from .test_public_page import ORIGIN, PublicPage

TRANSPORTS = ("websocket", "events", "polling")
#: The names of events that the widget listens to in an event stream.
HEARD = {"message", "csat_request", "screenshot_request", "connected"}


class PublicWidget(PublicPage):
    """The widget in one page after the other.

    :param ahead: how much its clock is ahead of the server's.
    """

    def __init__(self, api: Api, transport: str, ahead: timedelta = timedelta()) -> None:
        super().__init__(api)
        self.transport = transport
        self.ahead = ahead
        self.shown: dict[str, str] = {}
        self.rating: str | None = None
        self.newest = ""
        self.line: Socket | EventSource | None = None

    def load(self) -> None:
        """Open a page: what was shown is gone, and what the browser stores stays."""
        self.hang_up()
        self.shown, self.rating, self.newest = {}, None, ""
        for message in self.connect()["messages"]:
            self.take(message)
        self.listen()

    def listen(self) -> None:
        """Open the stream, if the page has one."""
        if self.transport == "websocket":
            self.line = Socket(f"{self.url}/stream?sessionId={self.handle}", origin=ORIGIN)
        elif self.transport == "events":
            self.line = EventSource(self, after=self.newest or None, headers={"Origin": ORIGIN})

    def hang_up(self) -> None:
        """Lose the stream without a word."""
        if isinstance(self.line, Socket):
            self.line.drop()
        elif self.line:
            self.line.close()
        self.line = None

    def expect(self, condition: Callable[[PublicWidget], bool], what: str) -> None:
        """Take what comes until the page shows what it should."""

        def look() -> bool:
            if not condition(self):
                self.hear()
            return condition(self)

        wait_until(look, what, seen=lambda: str(vars(self)))

    def expect_shown(self, *texts: str) -> None:
        self.expect(lambda page: list(page.shown.values()) == list(texts), f"the page shows {texts}")

    def hear(self) -> None:
        """Take the next frame, or what one poll finds."""
        if isinstance(self.line, Socket):
            self.frame(self.line.receive())
        elif self.line:
            told = self.line.next()
            assert told is not None, "the stream ended"
            if told.name in HEARD and told.name != "connected":
                self.frame(told.frame)
        else:
            for message in self.news(self.newest or "1970-01-01T00:00:00Z"):
                self.take(message)

    def frame(self, frame: dict[str, Any]) -> None:
        kind, data = frame["type"], frame["data"]
        if kind == "message":
            self.take(self.checked(data))
        elif kind == "message_edited" and self.transport == "websocket":
            self.shown[data["messageId"]] = data["content"]
            self.newest = max(self.newest, data["editedAt"])
        elif kind == "csat_request":
            self.rating = data["requestedAt"]

    def take(self, message: dict[str, Any]) -> None:
        self.shown[message["id"]] = message["content"]
        times = [message.get(name) for name in ("timestamp", "editedAt", "deliveredAt", "readAt")]
        self.newest = max(self.newest, *filter(None, times))

    def read_all(self) -> None:
        """The visitor looks at what is there; the page notes the time by its own clock."""
        self.ask("POST", "/read", {"sessionId": self.handle, "messageIds": list(self.shown), "status": "read"})
        self.newest = max(self.newest, clock.format_utc(clock.now() + self.ahead))


@pytest.fixture
def shop(serve: Serve) -> Api:
    return serve(cors_origins=ORIGIN)


def answer(shop: Api, page: PublicWidget, content: str) -> str:
    path = f"/sessions/{page.session_id}/messages"
    return str(shop.ok("POST", path, {"content": content, "operatorName": "Ana"})["message"]["id"])


def edit(shop: Api, page: PublicWidget, message_id: str, content: str) -> None:
    shop.ok("PATCH", f"/sessions/{page.session_id}/messages/{message_id}", {"content": content})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_page_whose_clock_is_five_minutes_ahead_misses_nothing(shop: Api, travel: Travel, transport: str) -> None:
    page = PublicWidget(shop, transport, ahead=timedelta(minutes=5))
    page.load()
    answer(shop, page, "One")
    page.expect_shown("One")
    page.read_all()
    assert page.newest > clock.format_utc(datetime.now(UTC) + timedelta(minutes=4))
    answer(shop, page, "Two")
    page.expect_shown("One", "Two")
    page.read_all()
    page.hang_up()
    answer(shop, page, "Three")
    # It is away for longer than the server goes back for any page.
    travel.forward(minutes=3)
    answer(shop, page, "Four")
    page.listen()
    page.expect_shown("One", "Two", "Three", "Four")
    page.read_all()
    page.hang_up()
    answer(shop, page, "Five")
    # By now what its clock noted is past, too.
    travel.forward(minutes=10)
    page.listen()
    page.expect_shown("One", "Two", "Three", "Four", "Five")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("ahead", [0, 5])
def test_an_edit_right_after_the_arrival_is_shown(shop: Api, transport: str, ahead: int) -> None:
    page = PublicWidget(shop, transport, ahead=timedelta(minutes=ahead))
    page.load()
    first = answer(shop, page, "Tusday")
    page.expect_shown("Tusday")
    edit(shop, page, first, "Tuesday")
    page.expect_shown("Tuesday")
    second = answer(shop, page, "At tem")
    page.expect_shown("Tuesday", "At tem")
    page.read_all()
    page.hang_up()
    edit(shop, page, second, "At ten")
    page.listen()
    page.expect_shown("Tuesday", "At ten")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("minutes", [0.5, 90])
def test_a_message_that_was_sent_while_the_stream_was_down_is_shown(
    shop: Api, travel: Travel, transport: str, minutes: float
) -> None:
    page = PublicWidget(shop, transport)
    page.load()
    answer(shop, page, "Before")
    page.expect_shown("Before")
    page.read_all()
    page.hang_up()
    answer(shop, page, "Meanwhile")
    page.say("Hello?")
    travel.forward(minutes=minutes)
    page.listen()
    page.expect(lambda page: "Meanwhile" in page.shown.values(), "the page shows it")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("ahead", [0, 5])
def test_a_request_for_a_rating_waits_over_a_reload(shop: Api, travel: Travel, transport: str, ahead: int) -> None:
    page = PublicWidget(shop, transport, ahead=timedelta(minutes=ahead))
    page.load()
    page.say("Thanks!")
    shop.ok("POST", f"/sessions/{page.session_id}/csat")
    asked_at = shop.ok("GET", f"/sessions/{page.session_id}")["session"]["csatRequestedAt"]
    answer(shop, page, "You are welcome!")
    page.expect(lambda page: "You are welcome!" in page.shown.values(), "the page shows it")
    page.read_all()
    travel.forward(minutes=2)
    answer(shop, page, "Anything else?")
    for _ in range(2):
        page.load()
        # Polls carry messages only, so a page that polls reads it in the answer to its connect.
        polled = page.hello["csatRequestedAt"] if transport == "polling" else None
        page.expect(lambda page, polled=polled: (polled or page.rating) == asked_at, "the page is asked")  # type: ignore[misc]
    rating = {"sessionId": page.handle, "score": 5}
    assert page.ask("POST", "/csat", rating) == {"ok": True}
    page.load()
    assert "csatRequestedAt" not in page.hello
    answer(shop, page, "See you!")
    page.expect(lambda page: "See you!" in page.shown.values(), "the page shows it")
    assert page.rating is None
