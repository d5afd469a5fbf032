"""The AI's turns in a conversation: when it begins, what it answers, when it hands over to people, and when it fails.

Each function checks in its transaction that nothing was said meanwhile, so that the AI never talks over a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..bounds import MAX_CONTENT, check_content
from ..db import Database, Transaction
from ..models import Message as MessageModel
from ..models import OperatorTyping, table
from ..schemas.values import dump_message, dump_session
from ..values import Message, MessageDraft, MessageType, SessionStatus
from .log import Change, change_session, sessions
from .mappers import insert_message
from .messages import store
from .presence import is_attended
from .sessions import current

messages = table(MessageModel)
typing = table(OperatorTyping)

#: The types of messages that are an answer.
REPLIES = (MessageType.OPERATOR, MessageType.AI)
#: Seconds for which an operator who typed counts as typing. Clients repeat that somebody types every few seconds.
TYPING = 8.0

Confirm = Callable[[Transaction], None]


class Outdated(Exception):
    """Something was said, changed or decided since the AI read the conversation."""


class OperatorTypes(Exception):
    """An operator is typing, so the AI waits."""


@dataclass(frozen=True, slots=True)
class Position:
    """What was said so far. It changes with each message of a person or the AI, with edits and with deletions."""

    newest: int
    edited_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether and when the AI answers.

    :ivar position: what was said so far.
    :ivar first: when the first unanswered message was sent; `None` if none is unanswered.
    :ivar last: when the last one was sent.
    :ivar is_open: whether the conversation is open.
    :ivar permitted: whether the AI is allowed here, and has not handed over.
    :ivar active: whether it answers already.
    :ivar attended: whether an operator is available.
    :ivar typed_at: when an operator last typed here, if one did.
    """

    position: Position
    first: datetime | None
    last: datetime | None
    is_open: bool
    permitted: bool
    active: bool
    attended: bool
    typed_at: datetime | None

    @property
    def allowed(self) -> bool:
        """Whether the AI may answer here."""
        return self.is_open and self.permitted

    @property
    def operator_types(self) -> bool:
        """Whether an operator is typing."""
        return self.typed_at is not None and self.typed_at > clock.ago(seconds=TYPING)


def read_standing(connection: Connection, session_id: str) -> Standing | None:
    """Return what decides about the AI's next answer, or `None` if the conversation does not exist."""
    columns = ("project_id", "status", "ai_enabled", "ai_active", "ai_handed_over")
    row = connection.execute(select(*(sessions.c[name] for name in columns)).where(sessions.c.id == session_id)).first()
    if row is None:
        return None
    first, last = unanswered_since(connection, session_id)
    return Standing(
        position=read_position(connection, session_id),
        first=first,
        last=last,
        is_open=row.status == SessionStatus.ACTIVE,
        permitted=bool(row.ai_enabled) and not row.ai_handed_over,
        active=bool(row.ai_active),
        attended=is_attended(connection, row.project_id),
        typed_at=connection.execute(select(typing.c.typed_at).where(typing.c.session_id == session_id)).scalar(),
    )


def read_position(connection: Connection, session_id: str) -> Position:
    """Return what was said so far."""
    said = (messages.c.session_id == session_id, messages.c.type != MessageType.SYSTEM)
    columns = (func.max(messages.c.seq), func.max(messages.c.edited_at), func.max(messages.c.deleted_at))
    newest, edited_at, deleted_at = connection.execute(select(*columns).where(*said)).one()
    return Position(newest or 0, edited_at, deleted_at)


def unanswered_since(connection: Connection, session_id: str) -> tuple[datetime | None, datetime | None]:
    """Return when the first and the last of the visitor's unanswered messages were sent."""
    there = (messages.c.session_id == session_id, messages.c.deleted_at.is_(None))
    replied = select(func.max(messages.c.seq)).where(*there, messages.c.type.in_(REPLIES))
    after = connection.execute(replied).scalar() or 0
    waiting = (*there, messages.c.type == MessageType.VISITOR, messages.c.seq > after)
    query = select(func.min(messages.c.created_at), func.max(messages.c.created_at)).where(*waiting)
    first, last = connection.execute(query).one()
    return first, last


def note_typing(db: Database, session_id: str) -> None:
    """Record that an operator is typing in a conversation, for the workers of all processes."""
    mine = typing.c.session_id == session_id
    now = clock.now()
    try:
        with db.transaction() as tx:
            if not tx.execute(update(typing).where(mine).values(typed_at=now)).rowcount:
                tx.execute(insert(typing), {"session_id": session_id, "typed_at": now})
    except IntegrityError:
        # Another process was faster, or the conversation is gone.
        pass


def take_over(db: Database, session_id: str, *, seen: Position, reason: str, disclosure: str | None) -> None:
    """Let the AI begin to answer: log `ai.takeover`, once until a person takes over.

    :param seen: what was said when the AI read the conversation.
    :param reason: `delay` or `offline`.
    :param disclosure: the text that tells the visitor that an AI answers, if any.
    :raises Outdated: if something was said meanwhile.
    :raises OperatorTypes: if an operator is typing.
    """
    with change_session(db, session_id) as change:
        check_seen(change, seen)
        if change.row["ai_active"]:
            return
        if disclosure:
            add_notice(change, disclosure)
        change.set(ai_active=True)
        change.log("ai.takeover", {"reason": reason}, reason=reason)
        _log_session(change)


def answer(
    db: Database,
    session_id: str,
    content: str,
    *,
    seen: Position,
    confirm: Confirm,
    hand_over: str | None = None,
    note: str | None = None,
    before: Callable[[MessageDraft], None] | None = None,
    stored: Callable[[Transaction, Message], None] | None = None,
) -> Message:
    """Store an answer of the AI.

    :param content: 1 to 4000 characters.
    :param seen: what was said when the AI read the conversation.
    :param confirm: called within the transaction. It raises if the answer is no longer wanted.
    :param hand_over: why a person is to go on, if one is.
    :param note: what operators are told beside it, if anything.
    :param before: as for `send_message`.
    :param stored: called within the transaction with the stored message.
    :raises Outdated: if something was said meanwhile, or the AI may no longer answer.
    :raises OperatorTypes: if an operator is typing.
    """
    draft = MessageDraft(session_id, content, MessageType.AI)
    if before:
        before(draft)
    check_content(draft.content)
    with change_session(db, session_id) as change:
        check_seen(change, seen)
        confirm(change.tx)
        message = store(change, draft)
        if stored:
            stored(change.tx, message)
        if note:
            add_notice(change, note[:MAX_CONTENT], internal=True)
        if hand_over is not None:
            _hand_over(change, hand_over)
        return message


def hand_over(
    db: Database,
    session_id: str,
    reason: str,
    *,
    seen: Position,
    confirm: Confirm,
    silent: bool = True,
    sentence: str | None = None,
    stored: Callable[[Transaction], None] | None = None,
) -> None:
    """Hand over to people without an answer.

    :param reason: why, for operators.
    :param silent: whether the AI is silent from now on, until somebody allows it again.
    :param sentence: what the visitor is told, if anything.
    :param stored: called within the transaction, to record more.
    :raises Outdated: if something was said meanwhile.
    """
    with change_session(db, session_id) as change:
        check_seen(change, seen, busy=False)
        confirm(change.tx)
        if sentence:
            _say_once(change, sentence)
        if stored:
            stored(change.tx)
        if silent:
            _hand_over(change, reason)
        else:
            add_notice(change, f"The AI would hand over to you: {reason}"[:MAX_CONTENT], internal=True)


def fail(
    db: Database,
    session_id: str,
    reason: str,
    *,
    confirm: Confirm,
    sentence: str | None,
    stored: Callable[[Transaction], None] | None = None,
) -> None:
    """Record that the AI could not answer: operators are told why, and the visitor gets the owner's sentence once.

    :param reason: why, for operators.
    :param sentence: what the visitor is told, if anything.
    """
    with change_session(db, session_id) as change:
        confirm(change.tx)
        if stored:
            stored(change.tx)
        if sentence and change.row["status"] == SessionStatus.ACTIVE:
            _say_once(change, sentence)
        add_notice(change, f"The AI could not answer: {reason}"[:MAX_CONTENT], internal=True)
        if change.row["ai_active"]:
            change.set(ai_active=False)
            _log_session(change)


def add_notice(change: Change, content: str, *, internal: bool = False) -> Message:
    """Add a system message within a change. It is neither a reply nor the last message.

    :param internal: whether only operators see it.
    """
    message = Message(
        id=clock.new_id("msg"),
        session_id=change.session_id,
        seq=change.row["seq"] + 1,
        content=content,
        type=MessageType.SYSTEM,
        created_at=change.now,
        internal=True if internal else None,
    )
    insert_message(change.tx.connection, message)
    change.log("message.created", {"message": dump_message(message)}, message=message)
    return message


def check_seen(change: Change, seen: Position, *, busy: bool = True) -> None:
    """Check, within a change, that nothing was said since the AI read the conversation.

    :param busy: whether to check too that no operator is typing.
    :raises Outdated: if something was said, or the AI may no longer answer.
    :raises OperatorTypes: if an operator is typing.
    """
    standing = read_standing(change.tx.connection, change.session_id)
    if standing is None or not standing.allowed or standing.position != seen:
        raise Outdated
    if busy and standing.operator_types:
        raise OperatorTypes


def _hand_over(change: Change, reason: str) -> None:
    add_notice(change, f"The AI hands over to you: {reason}"[:MAX_CONTENT], internal=True)
    # The visitor still waits for a person.
    change.set(ai_handed_over=True, ai_active=False, unanswered=True)
    _log_session(change)


def _say_once(change: Change, sentence: str) -> None:
    """Add a notice for the visitor, unless they have it since the last answer."""
    there = (messages.c.session_id == change.session_id, messages.c.deleted_at.is_(None))
    replied = select(func.max(messages.c.seq)).where(*there, messages.c.type.in_(REPLIES))
    after = change.tx.execute(replied).scalar() or 0
    said = (*there, messages.c.type == MessageType.SYSTEM, messages.c.content == sentence, messages.c.seq > after)
    if change.tx.execute(select(messages.c.id).where(*said).limit(1)).first() is None:
        add_notice(change, sentence)


def _log_session(change: Change) -> None:
    value: Any = current(change)
    change.log("session.updated", {"session": dump_session(value)}, session=value)
