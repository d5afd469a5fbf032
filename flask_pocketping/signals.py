"""The blinker signals for hooks in a host app. The sender is always the Flask app.

All signals except `message_received` are sent after the commit, once, in the process that made the change. A signal of
an event has the keyword `event`, an :class:`~flask_pocketping.values.Event`, in addition to those below. If a receiver
raises an exception, it is logged, and the other receivers and the caller continue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from blinker import ANY, NamedSignal

from .host.callables import check_async

R = TypeVar("R", bound=Callable[..., Any])


class HostSignal(NamedSignal):
    """A signal that refuses an `async def` receiver if Flask can't run it."""

    def connect(self, receiver: R, sender: Any = ANY, weak: bool = True) -> R:
        """Connect a receiver.

        :param receiver: a function, `async def` or not.
        :param sender: the app whose signals it receives. Default: all apps.
        :param weak: whether to keep only a weak reference to the receiver.
        :raises ConfigurationError: if it is `async def` and Flask's `async` extra is not installed.
        """
        check_async(receiver)
        return super().connect(receiver, sender, weak)


#: Before a message is stored, with `draft` (:class:`~flask_pocketping.values.MessageDraft`). A receiver may set
#: `draft.content`, or raise :class:`~flask_pocketping.errors.MessageRejected`. No transaction is open meanwhile.
message_received = HostSignal("message-received")

#: With `session` (:class:`~flask_pocketping.values.Session`).
session_created = HostSignal("session-created")
#: With `session`.
session_closed = HostSignal("session-closed")
#: With `session`.
session_reopened = HostSignal("session-reopened")
#: With `session`.
session_updated = HostSignal("session-updated")
#: With `message` (:class:`~flask_pocketping.values.Message`).
message_created = HostSignal("message-created")
#: With `message`.
message_updated = HostSignal("message-updated")
#: With `message`.
message_deleted = HostSignal("message-deleted")
#: With `session_id`, `message_ids`, `status` (delivered or read) and `at`.
messages_read = HostSignal("messages-read")
#: With `session`; its `identity` is the new one.
visitor_identified = HostSignal("visitor-identified")
#: With `session_id`.
visitor_connected = HostSignal("visitor-connected")
#: With `session_id`.
visitor_disconnected = HostSignal("visitor-disconnected")
#: With `session`; its `ai_enabled` is the new state.
ai_toggled = HostSignal("ai-toggled")
#: With `session_id` and `reason`.
ai_takeover = HostSignal("ai-takeover")
#: With `session_id`, `name` and `data`: a custom event from the visitor's page.
event_received = HostSignal("event-received")
#: With `session_id`, `score` (1 to 5) and `comment`.
csat_submitted = HostSignal("csat-submitted")
#: With `delivery` (:class:`~flask_pocketping.values.Delivery`), in the worker. No `event` keyword.
delivery_succeeded = HostSignal("delivery-succeeded")
#: With `delivery`, in the worker, after each failed attempt. No `event` keyword.
delivery_failed = HostSignal("delivery-failed")
#: With `webhook` (:class:`~flask_pocketping.values.Webhook`), in the worker, when failures or a 410 disabled it. No
#: `event` keyword.
webhook_disabled = HostSignal("webhook-disabled")
