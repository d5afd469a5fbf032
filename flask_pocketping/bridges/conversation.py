"""How a conversation is shown on a platform: the title of its thread, the facts about the visitor, who said what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..values import Message, MessageType, Session
from .text import clip, is_visible

#: How many messages a new thread repeats of an older one, and how much of each.
TRANSCRIPT = 10
TRANSCRIPT_LINE = 200
#: The longest value of a fact, in characters.
_FACT = 200


def title_of(session: Session, limit: int) -> str:
    """Return the title of a thread: the visitor's name or address, and the page."""
    page = session.metadata.get("pageTitle") or _path(session.metadata.get("pageUrl"))
    parts = [visitor_name(session), page]
    return clip(" · ".join(str(part) for part in parts if part), limit)


def visitor_name(session: Session) -> str:
    """Return what to call a visitor."""
    identity = session.identity
    known = identity and (identity.name or identity.email or identity.customer_id)
    # A platform refuses a title that nobody can see.
    return clip(str(known), 80) if known and is_visible(str(known)) else f"Visitor {session.id[-4:]}"


def header_of(session: Session, facts: Iterable[Mapping[str, Any]] = (), project: str | None = None) -> str:
    """Return the lines about a visitor: who they are, where they are, what they look at, and what the host says.

    :param facts: the host's facts, each with `label` and `value`.
    :param project: the name of the project, if the app has several.
    """
    seen = session.metadata
    lines = [
        _who(session),
        _join(seen.get("city"), seen.get("country"), separator=", "),
        _join(_join(seen.get("browser"), seen.get("os"), separator=" on "), seen.get("device"), seen.get("language")),
        _join(seen.get("pageTitle"), seen.get("pageUrl"), separator=" — "),
        project and f"Project: {project}",
        *(f"{fact['label']}: {_shown(fact['value'])}" for fact in facts),
    ]
    return "\n".join(clip(line, 2 * _FACT) for line in lines if line)


def transcript_of(messages: Sequence[Message]) -> str:
    """Return the lines that repeat the newest messages for a new thread."""
    lines = [
        f"{speaker(message) or 'Visitor'}: {clip(said(message), TRANSCRIPT_LINE)}"
        for message in messages
        if not message.deleted_at and not message.internal and message.kind is None
    ]
    return "\n".join(["Earlier in this conversation:", *lines[-TRANSCRIPT:]]) if lines else ""


def speaker(message: Message) -> str | None:
    """Return the name to show for a message, such as "Ana, Telegram". The visitor's own messages have none."""
    if message.type == MessageType.VISITOR:
        return None
    usual = {MessageType.AI: "AI", MessageType.SYSTEM: "System"}.get(message.type, "Operator")
    if message.internal:
        usual = "Note"
    name = message.operator_name or usual
    if message.internal and message.operator_name:
        name = f"Note by {message.operator_name}"
    # Names of bridges are words: "telegram", "slack".
    return f"{name}, {message.source_bridge.capitalize()}" if message.source_bridge else name


def said(message: Message) -> str:
    """Return the text of a message, or the names of its files."""
    return message.content or ", ".join(attachment.filename for attachment in message.attachments)


def identity_line(session: Session) -> str:
    """Return the line that tells who the visitor is now."""
    return f"The visitor is {_who(session)}"


def event_line(name: str, data: Any) -> str:
    """Return the line about a custom event of the page."""
    shown = "" if data is None else f": {clip(json.dumps(data, ensure_ascii=False), _FACT)}"
    return f"Event {name}{shown}"


def rating_line(score: int, comment: str | None) -> str:
    """Return the line about a rating."""
    return f"Rated {score} out of 5" + (f": {comment}" if comment else "")


def _who(session: Session) -> str:
    identity = session.identity
    if identity is None:
        return visitor_name(session)
    phone = (identity.metadata or {}).get("phone")
    known = _join(identity.name, identity.email, phone, identity.customer_id and f"customer {identity.customer_id}")
    return f"{known or visitor_name(session)}{'' if identity.verified else ' (unverified)'}"


def _join(*parts: Any, separator: str = " · ") -> str:
    return separator.join(clip(str(part), _FACT) for part in parts if part)


def _path(url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    return url.partition("://")[2].partition("?")[0] or None


def _shown(value: Any) -> str:
    words = {None: "–", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
