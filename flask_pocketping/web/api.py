"""The REST API of the back office."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..chat import csat, messages, pages, sessions, visitors, webhooks
from ..errors import InvalidRequest
from ..values import Identity
from . import schemas
from .routing import Call, Routes

routes = Routes(caller="key")
for_programs = Routes(caller="program")


@routes("GET /sessions", query=schemas.SessionsQuery, answer=schemas.SessionsAnswer)
def list_sessions(call: Call) -> Any:
    """List sessions, newest activity first."""
    return sessions.list_sessions(call.state.db, call.project_id, **call.query)


@routes(
    "POST /sessions",
    body=schemas.OpenSession,
    answer=schemas.SessionAnswer,
    status=201,
    body_optional=True,
    creates=True,
)
def open_session(call: Call) -> Any:
    """Open a conversation from a server."""
    identity = call.body.get("identity")
    session = sessions.open_session(
        call.state.db,
        project_id=call.project_id,
        visitor_id=call.body.get("visitorId"),
        metadata=call.body.get("metadata"),
        identity=identity_of(identity, verified=True) if identity else None,
        ai_enabled=call.state.config.ai_enabled,
        once=wrapped(call, "session"),
    )
    return {"session": session}


@routes("GET /sessions/<session_id>", answer=schemas.SessionAnswer)
def get_session(call: Call, session_id: str) -> Any:
    """Get one session."""
    return {"session": sessions.get_session(call.state.db, session_id, call.project_id)}


@routes("POST /sessions/<session_id>/close", answer=schemas.SessionAnswer)
def close_session(call: Call, session_id: str) -> Any:
    """Close a session."""
    return {"session": sessions.close_session(call.state.db, session_id, call.project_id)}


@routes("POST /sessions/<session_id>/reopen", answer=schemas.SessionAnswer)
def reopen_session(call: Call, session_id: str) -> Any:
    """Open a closed session again."""
    return {"session": sessions.reopen_session(call.state.db, session_id, call.project_id)}


@routes("GET /sessions/<session_id>/messages", query=schemas.MessagesQuery, answer=schemas.MessagesAnswer)
def list_messages(call: Call, session_id: str) -> Any:
    """List messages, oldest first; without `after` and `before` the newest page."""
    return messages.list_messages(call.state.db, session_id, project_id=call.project_id, **call.query)


@routes(
    "POST /sessions/<session_id>/messages",
    body=schemas.SendMessage,
    answer=schemas.MessageAnswer,
    status=201,
    creates=True,
)
def send_message(call: Call, session_id: str) -> Any:
    """Send a message."""
    if call.operator is not None and call.body["type"] != "operator":
        raise InvalidRequest.field("type", "An operator can only send as operator.")
    message = messages.send_message(
        call.state.db,
        session_id,
        call.body["content"],
        type=call.body["type"],
        project_id=call.project_id,
        operator_name=call.operator.name if call.operator else call.body.get("operatorName"),
        reply_to=call.body["replyTo"],
        attachment_ids=call.body["attachmentIds"],
        once=wrapped(call, "message"),
        before=call.state.before_message,
    )
    return {"message": message}


@routes("PATCH /sessions/<session_id>/messages/<message_id>", body=schemas.EditMessage, answer=schemas.MessageAnswer)
def edit_message(call: Call, session_id: str, message_id: str) -> Any:
    """Change the text of a message."""
    message = messages.edit_message(
        call.state.db,
        session_id,
        message_id,
        call.body["content"],
        project_id=call.project_id,
        before=call.state.before_message,
    )
    return {"message": message}


@routes("DELETE /sessions/<session_id>/messages/<message_id>", answer=schemas.MessageAnswer)
def delete_message(call: Call, session_id: str, message_id: str) -> Any:
    """Empty a message; it keeps its place."""
    message = messages.delete_message(call.state.db, session_id, message_id, project_id=call.project_id)
    return {"message": message}


@routes("POST /sessions/<session_id>/identify", body=schemas.IdentityInput, answer=schemas.SessionAnswer)
def identify_visitor(call: Call, session_id: str) -> Any:
    """Say who the visitor is."""
    session = visitors.identify(
        call.state.db, session_id, identity_of(call.body, verified=True), project_id=call.project_id
    )
    return {"session": session}


@routes("POST /sessions/<session_id>/ai", body=schemas.ToggleAI, answer=schemas.SessionAnswer)
def toggle_ai(call: Call, session_id: str) -> Any:
    """Let the AI answer in this session, or not."""
    return {"session": sessions.set_ai(call.state.db, session_id, call.body["enabled"], call.project_id)}


@routes("POST /sessions/<session_id>/read", body=schemas.MarkRead, answer=schemas.UpdatedAnswer, body_optional=True)
def mark_read(call: Call, session_id: str) -> Any:
    """Mark the visitor's messages as read."""
    updated = messages.mark_messages(
        call.state.db,
        session_id,
        reader="operator",
        status=call.body.get("status", "read"),
        message_ids=call.body.get("messageIds"),
        project_id=call.project_id,
    )
    return {"updated": updated}


@routes(
    "POST /sessions/<session_id>/events",
    body=schemas.SendEvent,
    answer=schemas.AcceptedAnswer,
    status=202,
    creates=True,
)
def send_event(call: Call, session_id: str) -> Any:
    """Send a custom event to the visitor's page."""
    visitors.send_event(
        call.state.db,
        session_id,
        call.body["name"],
        call.body["data"],
        project_id=call.project_id,
        once=wrapped(call, "ok", lambda result: True),
    )
    return {"ok": True}


@routes("POST /sessions/<session_id>/csat", answer=schemas.AcceptedAnswer, status=202)
def request_csat(call: Call, session_id: str) -> Any:
    """Ask the visitor for a rating; one who has given theirs is not asked again."""
    csat.request(call.state.db, session_id, call.project_id)
    return {"ok": True}


@routes("GET /sessions/<session_id>/pages", query=schemas.PagesQuery, answer=schemas.PagesAnswer)
def list_pages(call: Call, session_id: str) -> Any:
    """The pages that the visitor was on, newest first."""
    return pages.list_pages(call.state.db, session_id, project_id=call.project_id, **call.query)


@for_programs("POST /webhooks", body=schemas.CreateWebhook, answer=schemas.WebhookAnswer, status=201, creates=True)
def create_webhook(call: Call) -> Any:
    """Register a webhook; its secret is shown in this answer only."""
    call.state.check_url(call.body["url"])
    webhook = webhooks.create_webhook(
        call.state.db,
        call.body["url"],
        call.body["events"],
        description=call.body["description"],
        project_id=call.project_id,
        most=call.state.config.webhook_limit,
        once=wrapped(call, "webhook"),
    )
    return {"webhook": webhook}


@for_programs("GET /webhooks", query=schemas.CursorQuery, answer=schemas.WebhooksAnswer)
def list_webhooks(call: Call) -> Any:
    """List webhooks, oldest first."""
    return webhooks.list_webhooks(call.state.db, call.project_id, **call.query)


@for_programs("GET /webhooks/<webhook_id>", answer=schemas.WebhookAnswer)
def get_webhook(call: Call, webhook_id: str) -> Any:
    """Get one webhook."""
    return {"webhook": webhooks.get_webhook(call.state.db, webhook_id, call.project_id)}


@for_programs("PATCH /webhooks/<webhook_id>", body=schemas.UpdateWebhook, answer=schemas.WebhookAnswer)
def update_webhook(call: Call, webhook_id: str) -> Any:
    """Change a webhook; enabling one that was disabled starts it afresh."""
    if not call.body:
        raise InvalidRequest("At least one of url, events, description and enabled is needed.")
    if "url" in call.body:
        call.state.check_url(call.body["url"])
    webhook = webhooks.update_webhook(call.state.db, webhook_id, call.body, project_id=call.project_id)
    return {"webhook": webhook}


@for_programs("DELETE /webhooks/<webhook_id>", status=204)
def delete_webhook(call: Call, webhook_id: str) -> Any:
    """Remove a webhook and its deliveries."""
    webhooks.delete_webhook(call.state.db, webhook_id, call.project_id)


@for_programs("POST /webhooks/<webhook_id>/test", answer=schemas.DeliveryAnswer, status=202, creates=True)
def send_test(call: Call, webhook_id: str) -> Any:
    """Send a `webhook.test` event to this webhook."""
    delivery = webhooks.send_test(call.state.db, webhook_id, project_id=call.project_id, once=wrapped(call, "delivery"))
    return {"delivery": delivery}


@for_programs("POST /webhooks/<webhook_id>/rotate", answer=schemas.WebhookAnswer)
def rotate_secret(call: Call, webhook_id: str) -> Any:
    """Give the webhook a new secret; the old one signs too for 24 hours."""
    return {"webhook": webhooks.rotate_secret(call.state.db, webhook_id, call.project_id)}


@for_programs("GET /webhooks/<webhook_id>/deliveries", query=schemas.DeliveriesQuery, answer=schemas.DeliveriesAnswer)
def list_deliveries(call: Call, webhook_id: str) -> Any:
    """List deliveries with their attempts, newest first."""
    return webhooks.list_deliveries(call.state.db, webhook_id, project_id=call.project_id, **call.query)


@for_programs("POST /webhooks/<webhook_id>/deliveries/<delivery_id>/retry", answer=schemas.DeliveryAnswer, status=202)
def retry_delivery(call: Call, webhook_id: str, delivery_id: str) -> Any:
    """Make a delivery again, now."""
    delivery = webhooks.retry_delivery(call.state.db, webhook_id, delivery_id, project_id=call.project_id)
    return {"delivery": delivery}


def identity_of(body: dict[str, Any], *, verified: bool) -> Identity:
    """The value of an identity's JSON."""
    return Identity(
        customer_id=body.get("customerId"),
        email=body.get("email"),
        name=body.get("name"),
        metadata=body.get("metadata"),
        verified=verified,
    )


def wrapped(call: Call, name: str, value: Any = None) -> Any:
    """The call's `Once`, whose answer has the result under a name."""
    if call.once is None:
        return None
    answer = call.once.answer
    pick = value or (lambda result: result)
    return replace(call.once, answer=lambda result: answer({name: pick(result)}))
