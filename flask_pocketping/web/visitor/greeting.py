"""The part of the response of `POST /connect` about who replies, the look of the chat and its forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request

from ... import clock
from ...chat import presence
from ...chat.contact import missing_contact
from ...chat.stats import usual_reply_time
from ...config import Config
from ...values import Session
from ..operations import Call
from ..streams.transports import transports

#: For so long a process tells pages the same usual reply time.
REPLY_TIME_KEPT = timedelta(minutes=10)


def greeting(call: Call, session: Session | None) -> dict[str, Any]:
    """Return the fields of `schemas.visitor.ConnectResponse` that are not part of the conversation.

    :param session: the conversation of the page, if any.
    """
    config = call.state.config
    project_id = session.project_id if session is not None else call.project_id
    online = presence.operator_online(call.state.db, project_id)
    named = presence.operators(call.state.db, project_id) if online else []
    name, avatar = (named[0].name, named[0].avatar) if named else (config.operator_name, config.operator_avatar)
    told: dict[str, Any] = {
        "operatorOnline": online,
        # Those who are not there learn of a message by a bridge.
        "operatorReachable": online or bool(call.state.bridges),
        "operatorName": name,
        "operatorAvatar": avatar,
        "welcomeMessage": config.welcome_message,
        "primaryColor": config.primary_color,
        "headerColor": config.header_color,
        "footerColor": config.footer_color,
        "chatBackground": config.chat_background,
        "toggleColor": config.toggle_color,
        "preChatForm": pre_chat_form(config, session),
        "replyTime": _reply_time(call, project_id),
        "maxUploadSize": call.state.files.max_size if call.state.files is not None else None,
        "aiActive": session is not None and session.ai_active,
        # The names that the widget's own option has.
        "transports": ["ws" if name == "websocket" else name for name in transports(call.state, request.environ)],
    }
    if session is not None:
        told["status"] = session.status
        told["csatRequestedAt"] = session.csat_requested_at if session.csat is None else None
    return told


def _reply_time(call: Call, project_id: str) -> int | None:
    """The usual reply time in seconds, as the database had it at most `REPLY_TIME_KEPT` ago."""
    kept, now = call.state.reply_times, clock.now()
    known = kept.get(project_id)
    if known is None or not timedelta() <= now - known[0] < REPLY_TIME_KEPT:
        known = kept[project_id] = (now, usual_reply_time(call.state.db, project_id))
    return known[1]


def pre_chat_form(config: Config, session: Session | None) -> dict[str, Any] | None:
    """Return the form for contact details, if the page must show one."""
    if config.prechat == "off":
        return None
    identity = session.identity if session is not None else None
    return {
        "enabled": True,
        "required": config.prechat == "required",
        "timing": config.prechat_timing,
        "fields": config.prechat_fields,
        "completed": not missing_contact(identity, config.prechat_fields),
    }
