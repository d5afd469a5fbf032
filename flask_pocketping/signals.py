"""The blinker signals that a host app can hook. The sender is always the Flask app.

All but `message_received` are sent after the commit, once, in the process that made the change. Each gets
`event`, the :class:`~flask_pocketping.values.Event`, next to the keywords named below. A receiver that raises is
logged and stops neither the others nor the caller.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: Before a message is stored, with `draft` (:class:`~flask_pocketping.values.MessageDraft`). A receiver may set
#: `draft.content`, or raise :class:`~flask_pocketping.errors.MessageRejected`. No transaction is open meanwhile.
message_received = _signals.signal("message-received")

#: With `session` (:class:`~flask_pocketping.values.Session`).
session_created = _signals.signal("session-created")
#: With `session`.
session_closed = _signals.signal("session-closed")
#: With `session`.
session_reopened = _signals.signal("session-reopened")
#: With `session`.
session_updated = _signals.signal("session-updated")
#: With `message` (:class:`~flask_pocketping.values.Message`).
message_created = _signals.signal("message-created")
#: With `message`.
message_updated = _signals.signal("message-updated")
#: With `message`.
message_deleted = _signals.signal("message-deleted")
#: With `session_id`, `message_ids`, `status` (delivered or read) and `at`.
messages_read = _signals.signal("messages-read")
#: With `session`; its `identity` is the new one.
visitor_identified = _signals.signal("visitor-identified")
#: With `session_id`.
visitor_connected = _signals.signal("visitor-connected")
#: With `session_id`.
visitor_disconnected = _signals.signal("visitor-disconnected")
#: With `session`; its `ai_enabled` is the new state.
ai_toggled = _signals.signal("ai-toggled")
#: With `session_id` and `reason`.
ai_takeover = _signals.signal("ai-takeover")
#: With `session_id`, `name` and `data`: a custom event from the visitor's page.
event_received = _signals.signal("event-received")
#: With `session_id`, `score` (1 to 5) and `comment`.
csat_submitted = _signals.signal("csat-submitted")
#: With `delivery` (:class:`~flask_pocketping.values.Delivery`), in the worker. No `event` keyword.
delivery_succeeded = _signals.signal("delivery-succeeded")
#: With `delivery`, in the worker, after each failed attempt. No `event` keyword.
delivery_failed = _signals.signal("delivery-failed")
#: With `webhook` (:class:`~flask_pocketping.values.Webhook`), in the worker, when failures or a 410 disabled it. No
#: `event` keyword.
webhook_disabled = _signals.signal("webhook-disabled")
