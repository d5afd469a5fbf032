"""The Events API: signed requests to the app's address, with repeats, switched off after too many failures."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

import requests

from .workspace import SIGNING_SECRET


@dataclass(frozen=True)
class Attempt:
    """A request to the app, and what it answered: a status, or `None` if nothing came in time."""

    event_id: str
    retry: int
    status: int | None
    seconds: float


def signed(body: bytes, *, secret: str = SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a request with Slack's signature."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }


class EventSender:
    """Sends events one after the other, and repeats those that got no 200.

    :ivar url: where to, or `None` for nowhere.
    :ivar patience: seconds that the app has for an answer.
    :ivar delays: seconds before each repeat: Slack's own are 0, 60 and 300.
    """

    def __init__(self) -> None:
        self.url: str | None = None
        self.patience = 3.0
        self.delays = (0.0, 0.2, 0.5)
        self.attempts: list[Attempt] = []
        self.enabled = True
        self._offered: queue.Queue[tuple[dict[str, Any], int, str] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="test-slack-events")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._offered.put(None)
        self._thread.join()

    def offer(self, envelope: dict[str, Any]) -> None:
        if self.url is not None and self.enabled:
            self._offered.put((envelope, 0, ""))

    def wait_idle(self) -> None:
        """Wait until all events are sent."""
        self._offered.join()

    def send(self, envelope: dict[str, Any], retry: int = 0, reason: str = "") -> Attempt:
        """Send an event once."""
        assert self.url is not None
        return self._post(self.url, envelope, retry, reason)

    def _post(self, url: str, envelope: dict[str, Any], retry: int, reason: str) -> Attempt:
        body = json.dumps(envelope).encode()
        headers = signed(body)
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        began = time.monotonic()
        status = None
        with contextlib.suppress(requests.RequestException):
            status = requests.post(url, data=body, headers=headers, timeout=self.patience).status_code
        attempt = Attempt(envelope.get("event_id", ""), retry, status, time.monotonic() - began)
        self.attempts.append(attempt)
        self._judge()
        return attempt

    def verify(self, url: str) -> bool:
        """Ask the address for the challenge, as Slack does before it accepts it."""
        body = json.dumps({"token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", "type": "url_verification"})
        answer = requests.post(url, data=body.encode(), headers=signed(body.encode()), timeout=3)
        found = answer.json().get("challenge") if answer.headers["Content-Type"].startswith("application/json") else ""
        if answer.status_code == 200 and found == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd":
            self.url = url
            return True
        return False

    def _judge(self) -> None:
        """Switch events off when 95 % failed. Slack looks at an hour, and this at twenty requests."""
        recent = self.attempts[-20:]
        if len(recent) == 20 and sum(attempt.status != 200 for attempt in recent) >= 19:
            self.enabled = False

    def _run(self) -> None:
        while (item := self._offered.get()) is not None:
            self._send_offered(*item)
            self._offered.task_done()
        self._offered.task_done()

    def _send_offered(self, envelope: dict[str, Any], retry: int, reason: str) -> None:
        url = self.url
        if url is None:
            # It has been taken away since the event was offered.
            return
        attempt = self._post(url, envelope, retry, reason)
        if attempt.status != 200 and retry < len(self.delays) and self.enabled:
            time.sleep(self.delays[retry])
            why = "http_timeout" if attempt.status is None else "http_error"
            self._offered.put((envelope, retry + 1, why))
