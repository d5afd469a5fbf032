"""After the commit: signals to the host app, a nudge to the hub, the worker and the other processes.

Nothing here carries what is not in the database already, so a process that dies here loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from blinker import Signal
from flask import Flask, current_app, has_app_context

from . import signals
from .realtime.bus import Bus
from .realtime.hub import Hub
from .values import Event

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
    """Hands the events of a transaction over; each road is isolated from the others and from the caller.

    :param wake_worker: called when there is something to deliver.
    """

    def __init__(self, app: Flask, hub: Hub, bus: Bus, wake_worker: Callable[[], None]) -> None:
        self._app = app
        self._hub = hub
        self._bus = bus
        self._wake_worker = wake_worker

    def __call__(self, events: list[Event], deliveries: int) -> None:
        try:
            if events:
                self._hub.notice(events)
            if deliveries:
                self._wake_worker()
            self._bus.publish({"wake": True, "deliveries": deliveries})
        except Exception:
            logger.exception("Event %s could not be passed on; it is found in the log.", events[-1:] or "")
        for event in events:
            self._signal(event)

    def _signal(self, event: Event) -> None:
        signal = _SIGNALS.get(event.type)
        if signal is None or not signal.receivers:
            return
        payload = dict(event.payload)
        if not payload.keys() & _WITH_VALUE:
            payload["session_id"] = event.session_id
        send_signal(self._app, signal, event=event, **payload)


def send_signal(app: Flask, signal: Signal, **payload: Any) -> None:
    """Call each receiver in the app's context. One that raises is logged and stops nothing."""
    if not signal.receivers:
        return
    with app_context(app):
        for receiver in signal.receivers_for(app):
            try:
                receiver(app, **payload)
            except Exception:
                event_id = getattr(payload.get("event"), "public_id", "no event")
                logger.exception("A receiver of %r failed (%s).", signal, event_id)


def app_context(app: Flask) -> AbstractContextManager[Any]:
    """The app's context: the present one if it is that, else a new one."""
    if has_app_context() and current_app._get_current_object() is app:  # type: ignore[attr-defined]
        return nullcontext()
    return app.app_context()
