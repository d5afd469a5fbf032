"""Routes of messages in the REST API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...chat import bridge_posts, messages
from ...chat.bridge_posts import with_deliveries
from ...errors import InvalidRequest
from ...schemas import backoffice
from ...values import Message, MessageStatus, MessageType
from ..operations import Call, Routes

routes = Routes(caller="key")


@routes("GET /sessions/<session_id>/messages", query=backoffice.MessagesQuery, response=backoffice.MessagesResponse)
def list_messages(call: Call, session_id: str) -> Any:
    """List messages, oldest first. Without `after` and `before`, this is the newest page."""
    page = messages.list_messages(call.state.db, session_id, project_id=call.project_id, **call.query)
    if not call.state.bridges:
        return page
    return replace(page, messages=with_deliveries(call.state.db, page.messages, call.state.bridges.expected_wait))


@routes(
    "POST /sessions/<session_id>/messages",
    body=backoffice.SendMessageRequest,
    response=backoffice.MessageResponse,
    status=201,
    creates=True,
)
def send_message(call: Call, session_id: str) -> Any:
    """Send a message."""
    if call.operator is not None and call.body["type"] != MessageType.OPERATOR:
        raise InvalidRequest.field("type", "An operator can only send as operator.")
    return messages.send_message(
        call.state.db,
        session_id,
        call.body["content"],
        type=call.body["type"],
        project_id=call.project_id,
        operator_id=call.operator.id if call.operator else None,
        operator_name=call.operator.name if call.operator else call.body.get("operatorName"),
        reply_to=call.body["replyTo"],
        attachment_ids=call.body["attachmentIds"],
        idempotency=call.idempotency,
        before=call.state.before_message,
    )


@routes(
    "PATCH /sessions/<session_id>/messages/<message_id>",
    body=backoffice.EditMessageRequest,
    response=backoffice.MessageResponse,
)
def edit_message(call: Call, session_id: str, message_id: str) -> Any:
    """Change the text of a message. An operator may do this to their own ones, or as the settings say."""
    return messages.edit_message(
        call.state.db,
        session_id,
        message_id,
        call.body["content"],
        project_id=call.project_id,
        allowed=_allowed_for(call),
        before=call.state.before_message,
    )


@routes("DELETE /sessions/<session_id>/messages/<message_id>", response=backoffice.MessageResponse)
def delete_message(call: Call, session_id: str, message_id: str) -> Any:
    """Delete a message. It keeps its position. An operator may do this to their own ones, or as the settings say."""
    return messages.delete_message(
        call.state.db, session_id, message_id, project_id=call.project_id, allowed=_allowed_for(call)
    )


@routes(
    "POST /sessions/<session_id>/messages/<message_id>/deliveries/<bridge>/retry",
    response=backoffice.MessageDeliveriesResponse,
    status=202,
)
def send_again(call: Call, session_id: str, message_id: str, bridge: str) -> Any:
    """Post a message to a bridge again that failed or may have failed there."""
    made = bridge_posts.send_again(call.state.db, session_id, message_id, bridge, call.project_id)
    call.state.announcer.deliveries_changed(session_id, [message_id])
    return made


@routes(
    "POST /sessions/<session_id>/read",
    body=backoffice.MarkReadRequest,
    response=backoffice.UpdatedResponse,
    body_optional=True,
)
def mark_read(call: Call, session_id: str) -> Any:
    """Mark the visitor's messages as read."""
    return messages.mark_messages(
        call.state.db,
        session_id,
        reader=MessageType.OPERATOR,
        status=call.body.get("status", MessageStatus.READ),
        message_ids=call.body.get("messageIds"),
        project_id=call.project_id,
    )


def _allowed_for(call: Call) -> Callable[[Message], bool] | None:
    """Return the check of which messages the caller may change. A program may change all."""
    operator = call.operator
    if operator is None:
        return None
    if call.state.config.operators_edit == "all":
        return lambda message: message.type in {MessageType.OPERATOR, MessageType.AI}
    # Nobody owns a message without an operator's id, which programs and older versions stored.
    return lambda message: message.type == MessageType.OPERATOR and message.operator_id == operator.id
