"""After a commit: sends signals to the host app, and wakes the hub, the worker and the other processes.

Everything sent here is already in the database, so a process that dies here loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from blinker import Signal
from flask import Flask, current_app, has_app_context, has_request_context, request

from . import signals
from .host.callables import as_sync, name_of
from .realtime.bus import Bus
from .realtime.hub import Hub
from .schemas.public_urls import PublicURLs
from .values import Event, MessageDraft

logger = logging.getLogger("flask_pocketping")

_SIGNALS: dict[str, Signal] = {
    "session.created": signals.session_created,
    "session.closed": signals.session_closed,
    "session.reopened": signals.session_reopened,
    "session.updated": signals.session_updated,
    "message.created": signals.message_created,
    "message.updated": signals.message_updated,
    "message.deleted": signals.message_deleted,
    "message.read": signals.messages_read,
    "visitor.identified": signals.visitor_identified,
    "visitor.connected": signals.visitor_connected,
    "visitor.disconnected": signals.visitor_disconnected,
    "ai.toggled": signals.ai_toggled,
    "ai.takeover": signals.ai_takeover,
    "event.received": signals.event_received,
    "csat.submitted": signals.csat_submitted,
}
# Those whose payload is a value that names the session itself.
_WITH_VALUE = {"session", "message"}


class Dispatch:
    """Hands over the events of a transaction. A failure in one place reaches neither the others nor the caller.

    :param urls: makes the addresses of files.
    :param wake_worker: called if there is something to deliver.
    """

    def __init__(self, app: Flask, hub: Hub, bus: Bus, urls: PublicURLs, wake_worker: Callable[[], None]) -> None:
        self._app = app
        self._hub = hub
        self._bus = bus
        self._urls = urls
        self._wake_worker = wake_worker

    def __call__(self, events: list[Event], deliveries: int) -> None:
        if events:
            self._guarded("The hub", events, lambda: self._hub.notice(events))
        if deliveries:
            self._guarded("The worker", events, self._wake_worker)
        self._guarded("The bus", events, lambda: self._bus.publish({"wake": True, "deliveries": deliveries}))
        for event in events:
            self._guarded("A signal", [event], partial(self._signal, event))

    def _guarded(self, road: str, events: list[Event], tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:
            ids = ", ".join(event.public_id for event in events)
            logger.exception("%s could not be notified of %s. The log has it.", road, ids or "a delivery")

    def _signal(self, event: Event) -> None:
        signal = _SIGNALS.get(event.type)
        if signal is None or not signal.receivers:
            return
        event = self._urls.complete(event)
        payload = dict(event.payload)
        if not payload.keys() & _WITH_VALUE:
            payload["session_id"] = event.session_id
        send_signal(self._app, signal, event=event, **payload)


def send_signal(app: Flask, signal: Signal, **payload: Any) -> None:
    """Call each receiver in the app's context. If one raises an exception, log it and continue."""
    if not signal.receivers:
        return
    with app_context(app):
        for receiver in signal.receivers_for(app):
            try:
                as_sync(app.ensure_sync, receiver)(app, **payload)
            except Exception:
                name = getattr(signal, "name", "a signal").replace("-", "_")
                event_id = getattr(payload.get("event"), "public_id", "no event")
                logger.exception("%s, a receiver of %s, failed (%s).", name_of(receiver), name, event_id)


def send_message_received(app: Flask, **payload: Any) -> None:
    """Call each receiver of `message_received` in the app's context.

    :raises Exception: the exception of a receiver, with a note that names the receiver.
    """
    with app_context(app):
        for receiver in signals.message_received.receivers_for(app):
            try:
                as_sync(app.ensure_sync, receiver)(app, **payload)
            except Exception as error:
                error.add_note(f"Raised by {name_of(receiver)}, a receiver of message_received.")
                raise


class MessageReceived:
    """Sends the signal `message_received` to each receiver in turn. The sender gets the exception of a receiver."""

    def __init__(self, app: Flask, urls: PublicURLs) -> None:
        self._app = app
        self._urls = urls

    def __bool__(self) -> bool:
        return signals.message_received.has_receivers_for(self._app)

    def __call__(self, draft: MessageDraft) -> None:
        shown = self._urls.complete(draft)
        send_message_received(self._app, draft=shown)
        draft.content = shown.content


def app_context(app: Flask) -> AbstractContextManager[Any]:
    """Return the app's context: the active one if it belongs to the app, else a new one.

    The context of a socket lives until the socket closes. It would hold everything that a receiver binds to it, such
    as a database session, for this time.
    """
    of_socket = has_request_context() and request.url_rule is not None and request.url_rule.websocket
    if has_app_context() and current_app._get_current_object() is app and not of_socket:  # type: ignore[attr-defined]
        return nullcontext()
    return app.app_context()
