"""A registered webhook as its owner sees it through the API, and what a receiver can check of a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook as Verifier

from flask_pocketping import clock

from .clients import Api
from .receiver import Received
from .servers import wait_until


class Hook:
    """A webhook that is registered with its making.

    :param events: event types; all if unset.
    """

    def __init__(self, api: Api, url: str, events: Sequence[str] = ("*",)) -> None:
        self.api = api
        made = api.ok("POST", "/webhooks", {"url": url, "events": list(events)})["webhook"]
        self.id: str = made["id"]
        self.secret: str = made["secret"]
        self.path = f"/webhooks/{self.id}"

    def shown(self) -> dict[str, Any]:
        """What the API shows of it."""
        return dict(self.api.ok("GET", self.path)["webhook"])

    def change(self, **fields: Any) -> dict[str, Any]:
        return dict(self.api.ok("PATCH", self.path, fields)["webhook"])

    def test(self) -> dict[str, Any]:
        """Have a test sent."""
        return dict(self.api.ok("POST", self.path + "/test")["delivery"])

    def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        """Its deliveries, oldest first."""
        found = self.api.ok("GET", self.path + "/deliveries", params={"limit": 100, **query})
        return list(reversed(found["deliveries"]))

    def wait_for(self, *states: str, attempts: int = 0) -> list[dict[str, Any]]:
        """Wait until its deliveries, oldest first, are in these states.

        :param attempts: how many are recorded of each at the least.
        """

        def reached() -> list[dict[str, Any]]:
            found = self.deliveries()
            done = all(len(delivery["attempts"]) >= attempts for delivery in found)
            return found if done and [delivery["state"] for delivery in found] == list(states) else []

        return list(wait_until(reached, f"{states} with {attempts} attempts", 15, self.deliveries))


def signed_with(received: Received, secret: str) -> bool:
    """Whether one of the signatures is that of a secret, whenever it was made."""
    moment = sent_at(received)
    signature = Verifier(secret).sign(received.headers["webhook-id"], moment, received.body.decode())
    return signature in received.headers["webhook-signature"].split(" ")


def sent_at(received: Received) -> datetime:
    """The time that the request says it was sent at, in whole seconds."""
    return datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)


def moment(text: str) -> datetime:
    """A time of the API."""
    assert text.endswith("Z")
    return clock.parse_utc(text)
