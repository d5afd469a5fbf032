"""Slack's Events API: signed requests to `POST /bridges/slack`."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..platform import Incoming, WebhookInbound
from .events import EventReader

#: The age of a request in seconds from which its signature counts no more.
MAX_AGE = 300
#: The number of events that are remembered, to know repeats.
MAX_EVENTS = 5000

_TIMESTAMP = re.compile("[0-9]{1,12}")
_SIGNATURE = re.compile("v0=[0-9a-f]{64}")
#: Slack repeats an event for these reasons although we may have it, or are about to.
_NO_ANSWER = {"http_timeout"}


class SlackWebhook(WebhookInbound):
    """Verifies and reads requests of Slack. Threads may share it.

    :param secret: the signing secret of the app.
    :param reader: converts the events.
    """

    def __init__(self, secret: str, reader: EventReader) -> None:
        self._secret = secret.encode()
        self._reader = reader
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def admits(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Return whether the headers have a signature that is not older than five minutes."""
        timestamp, signature = _signed(headers)
        fresh = _TIMESTAMP.fullmatch(timestamp) is not None and abs(now.timestamp() - int(timestamp)) <= MAX_AGE
        return fresh and _SIGNATURE.fullmatch(signature) is not None

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Return whether a request has Slack's signature, from the last five minutes."""
        if not self.admits(headers, now):
            return False
        timestamp, signature = _signed(headers)
        wanted = hmac.new(self._secret, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v0={wanted}", signature)

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Sequence[Incoming], Mapping[str, Any]]:
        """Return what a request tells, and the answer. Whatever it tells, the answer is good."""
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return (), {}
        if not isinstance(payload, dict):
            return (), {}
        if payload.get("type") == "url_verification":
            challenge = payload.get("challenge")
            return (), {"challenge": challenge} if isinstance(challenge, str) else {}
        if self._is_repeat(headers, payload):
            return (), {}
        return self._reader.read(payload), {}

    def _is_repeat(self, headers: Mapping[str, str], payload: Mapping[str, Any]) -> bool:
        """Return whether Slack repeats an event that has come to this process, perhaps just now.

        An event that was answered with an error has to be read again. What gets by is stored once all the same.
        """
        event_id = payload.get("event_id")
        if not isinstance(event_id, str) or len(event_id) > 100:
            return False
        with self._lock:
            known = event_id in self._seen
            self._seen[event_id] = None
            self._seen.move_to_end(event_id)
            while len(self._seen) > MAX_EVENTS:
                self._seen.popitem(last=False)
        return known and _header(headers, "x-slack-retry-reason") in _NO_ANSWER


def _signed(headers: Mapping[str, str]) -> tuple[str, str]:
    return _header(headers, "x-slack-request-timestamp"), _header(headers, "x-slack-signature")


def _header(headers: Mapping[str, str], name: str) -> str:
    """Return the value of a header, whatever the case of its name."""
    return next((value for key, value in headers.items() if key.lower() == name), "")
