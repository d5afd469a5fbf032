"""Conversations: open, find, list, close and reopen them, and store the facts about their page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, bindparam, insert, not_, or_, select

from .. import clock
from ..bounds import MAX_VISITOR_ID, PAGE_SIZE, check_identity, check_json, check_limit, check_line, storable
from ..db import Database, Transaction
from ..errors import InvalidRequest, ProjectNotFound, SessionNotFound
from ..models import DEFAULT_PROJECT, Message, Project, table
from ..schemas.values import dump_message, dump_session
from ..values import CSAT, NOTICES, Identity, MessageType, Session, SessionPage, SessionStatus
from ..values import Message as MessageValue
from .idempotency import IdempotentRequest
from .log import Change, change_session, sessions
from .mappers import Row, insert_message, message_values
from .paging import ITEM_BYTES, fit, json_size
from .session_search import contains, find_matches

messages = table(Message)

_PROJECT = select(table(Project).c.id).where(table(Project).c.id == bindparam("id"))

# This lock lets others open conversations, which only refer to the project.
_LOCK_PROJECT = _PROJECT.with_for_update(key_share=True)

_LAST = [column.label(f"last_{column.key}") for column in messages.c]
_WITH_LAST = select(sessions, *_LAST).select_from(
    sessions.outerjoin(messages, messages.c.id == sessions.c.last_message_id)
)
_GET = _WITH_LAST.where(sessions.c.id == bindparam("session_id"))
_LAST_WORD = (
    select(messages.c.type)
    .where(messages.c.session_id == bindparam("session_id"), messages.c.type != MessageType.SYSTEM)
    .order_by(messages.c.seq.desc())
    .limit(1)
)
_GET_MESSAGE = select(messages).where(messages.c.id == bindparam("message_id"))


class UnderWay(Exception):
    """The customer already has an open conversation."""


def open_session(
    db: Database,
    *,
    project_id: str = DEFAULT_PROJECT,
    visitor_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    identity: Identity | None = None,
    ai_enabled: bool = True,
    signed_in: bool = False,
    idempotency: IdempotentRequest | None = None,
    also: Callable[[Change], None] | None = None,
) -> Session:
    """Open a conversation and log `session.created`.

    :param visitor_id: the visitor. Default: a new id.
    :param metadata: facts about the visitor's page, with the keys of the API.
    :param signed_in: whether the conversation belongs to the identity, a customer of the host app.
    :param also: called with the change, to record more in the same transaction.
    :raises ProjectNotFound: if the project does not exist.
    :raises UnderWay: if the customer has an open conversation.
    """
    check_line("visitorId", visitor_id, MAX_VISITOR_ID)
    check_json("metadata", dict(metadata or {}))
    check_identity(identity)
    moment = clock.now()
    row = {
        "id": clock.new_id("sess"),
        "project_id": project_id,
        "visitor_id": visitor_id or clock.new_id("vis"),
        "status": SessionStatus.ACTIVE,
        "seq": 0,
        "created_at": moment,
        "last_activity": moment,
        "closed_at": None,
        "metadata": dict(metadata or {}),
        **identity_columns(identity),
        "ai_enabled": ai_enabled,
        "ai_active": False,
        "ai_handed_over": False,
        "unread": 0,
        "unanswered": False,
        "last_message_id": None,
        "visitor_online": False,
        "visitor_seen_at": None,
        "signed_in": signed_in,
        "first_message_at": None,
        "started_on": None,
        "response_ms": None,
        "csat_requested_at": None,
        "csat_score": None,
        "csat_comment": None,
        "csat_at": None,
        "changed_at": None,
    }
    with db.transaction() as tx:
        if idempotency:
            idempotency.claim(tx)
        if project_id != DEFAULT_PROJECT and tx.execute(_PROJECT, {"id": project_id}).first() is None:
            raise ProjectNotFound
        if signed_in and identity is not None:
            _check_none_open(tx, project_id, str(identity.customer_id))
        # The row has the number of its first event, so it needs no update.
        tx.execute(insert(sessions), {**row, "seq": 1, "changed_at": moment})
        change = Change(tx, row)
        value = session_value({**row, "seq": 1}, None)
        change.log("session.created", {"session": dump_session(value)}, session=value)
        if also:
            also(change)
        if idempotency:
            idempotency.keep(tx, value)
    return value


def open_of(project_id: str, customer_id: str) -> Select[Any]:
    """Finds the newest open conversation that is bound to a user of the host app."""
    mine = select(sessions.c.id).where(
        sessions.c.customer_id == customer_id,
        sessions.c.project_id == project_id,
        sessions.c.signed_in,
        sessions.c.status == SessionStatus.ACTIVE,
    )
    return mine.order_by(sessions.c.last_activity.desc(), sessions.c.id.desc()).limit(1)


def get_session(db: Database, session_id: str, project_id: str | None = None) -> Session:
    """Return a conversation.

    :raises SessionNotFound: if the session does not exist in the project.
    """
    with db.read() as connection:
        row = connection.execute(_GET, {"session_id": session_id}).mappings().one_or_none()
        if row is None or project_id not in {None, row["project_id"]}:
            raise SessionNotFound
        return _with_last(connection, [row])[0]


def project_of(connection: Connection, session_id: str) -> str | None:
    """Return the project of a conversation, if it exists."""
    found = connection.execute(select(sessions.c.project_id).where(sessions.c.id == session_id)).scalar()
    return None if found is None else str(found)


def list_sessions(
    db: Database,
    project_id: str = DEFAULT_PROJECT,
    *,
    status: SessionStatus | str | None = None,
    unanswered: bool | None = None,
    started: bool | None = None,
    q: str | None = None,
    visitor_id: str | None = None,
    limit: int = PAGE_SIZE,
    cursor: str | None = None,
) -> SessionPage:
    """Return a page of conversations, the newest activity first.

    :param started: true for conversations with messages, false for those without.
    :param q: text to find in the visitor's name or email or in a message, in upper or lower case.
    :param cursor: `next_cursor` of the previous page.
    :return: the page; for `q` with the message that matches in each conversation.
    """
    check_limit(limit)
    wanted: list[ColumnElement[bool]] = [sessions.c.project_id == project_id]
    if status is not None:
        wanted.append(sessions.c.status == status)
    if unanswered is not None:
        wanted.append(sessions.c.unanswered == unanswered)
    if started is not None:
        silent = sessions.c.last_message_id.is_(None)
        wanted.append(not_(silent) if started else silent)
    if visitor_id is not None:
        wanted.append(sessions.c.visitor_id == visitor_id)
    if q:
        wanted.append(contains(q))
    if cursor is not None:
        moment, session_id = _read_cursor(cursor)
        # The second condition implies the first one, but every database can use the index for the first.
        wanted.append(sessions.c.last_activity <= moment)
        wanted.append(or_(sessions.c.last_activity < moment, sessions.c.id < session_id))
    query = _WITH_LAST.where(*wanted).order_by(sessions.c.last_activity.desc(), sessions.c.id.desc())
    with db.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).mappings().all()
        found = _with_last(connection, fit(rows[:limit], _size))
        matches = find_matches(connection, [session.id for session in found], q) if q and found else ()
    return SessionPage(found, cursor_behind(found[-1]) if len(rows) > len(found) else None, matches)


def close_session(db: Database, session_id: str, project_id: str | None = None) -> Session:
    """Close a conversation and add a message about it. Closing it again changes nothing."""
    with change_session(db, session_id, project_id) as change:
        if change.row["status"] != SessionStatus.CLOSED:
            _announce(change, "session.closed")
            # In a closed conversation, nobody waits for a reply.
            change.set(status=SessionStatus.CLOSED, closed_at=change.now, ai_active=False, unanswered=False)
            change.log("session.closed", {}, session=current(change))
        return current(change)


def reopen_session(db: Database, session_id: str, project_id: str | None = None) -> Session:
    """Reopen a closed conversation and add a message about it. An open one does not change."""
    with change_session(db, session_id, project_id) as change:
        if change.row["status"] == SessionStatus.CLOSED:
            said = change.tx.execute(_LAST_WORD, {"session_id": session_id}).scalar_one_or_none()
            change.set(unanswered=said == MessageType.VISITOR)
            reopen(change)
        return current(change)


def reopen(change: Change) -> None:
    """Reopen the conversation within a change, for example after a message of the visitor."""
    _announce(change, "session.reopened")
    change.set(status=SessionStatus.ACTIVE, closed_at=None, last_activity=change.now)
    change.log("session.reopened", {}, session=current(change))


def set_ai(db: Database, session_id: str, enabled: bool, project_id: str | None = None) -> Session:
    """Allow or forbid AI replies in a conversation. Allowing them also wakes an AI that has handed over."""
    with change_session(db, session_id, project_id) as change:
        if change.row["ai_enabled"] != enabled or (enabled and change.row["ai_handed_over"]):
            change.set(ai_enabled=enabled, ai_active=enabled and change.row["ai_active"], ai_handed_over=False)
            change.log("ai.toggled", {"enabled": enabled}, session=current(change))
        return current(change)


def note_metadata(change: Change, metadata: Mapping[str, Any]) -> None:
    """Record, within a change, the facts that a visitor's page sends, if they are new."""
    merged = {**change.row["metadata"], **metadata}
    if merged != change.row["metadata"]:
        change.set(metadata=merged)
        value = current(change)
        change.log("session.updated", {"session": dump_session(value)}, session=value)


def current(change: Change) -> Session:
    """Return the session as it will be after the commit."""
    last = change.row["last_message_id"]
    if last is None:
        return session_value(change.row, None)
    rows = change.tx.execute(_GET_MESSAGE, {"message_id": last}).mappings()
    found = message_values(change.tx.connection, rows)
    return session_value(change.row, found[0] if found else None)


def session_value(row: Row, last_message: MessageValue | None) -> Session:
    """Return the value of a session's row."""
    return Session(
        id=row["id"],
        visitor_id=row["visitor_id"],
        project_id=row["project_id"],
        status=SessionStatus(row["status"]),
        created_at=row["created_at"],
        last_activity=row["last_activity"],
        metadata=MappingProxyType(row["metadata"] or {}),
        identity=_identity(row),
        ai_enabled=bool(row["ai_enabled"]),
        ai_active=bool(row["ai_active"]),
        unread=row["unread"],
        last_message=last_message,
        closed_at=row["closed_at"],
        seq=row["seq"],
        signed_in=bool(row["signed_in"]),
        unanswered=bool(row["unanswered"]),
        visitor_online=bool(row["visitor_online"]),
        csat=None if row["csat_score"] is None else CSAT(row["csat_score"], row["csat_comment"], row["csat_at"]),
        csat_requested_at=row["csat_requested_at"],
        ai_handed_over=True if row["ai_handed_over"] else None,
    )


def identity_columns(identity: Identity | None) -> dict[str, Any]:
    """Return the columns of an identity."""
    known = identity or Identity()
    return {
        "customer_id": known.customer_id,
        "email": known.email,
        "name": known.name,
        "identity_metadata": dict(known.metadata) if known.metadata is not None else None,
        "identity_verified": known.verified,
    }


def _check_none_open(tx: Transaction, project_id: str, customer_id: str) -> None:
    # Two tabs of a customer may connect at once. There is no row to lock yet, so both lock this one.
    tx.execute(_LOCK_PROJECT, {"id": project_id})
    if tx.execute(open_of(project_id, customer_id)).first() is not None:
        raise UnderWay


def _announce(change: Change, kind: str) -> None:
    """Add the system message that announces an event.

    It changes nothing else in the session, because it is neither a reply nor the last message.
    """
    message = MessageValue(
        id=clock.new_id("msg"),
        session_id=change.session_id,
        seq=change.row["seq"] + 1,
        content=NOTICES[kind],
        type=MessageType.SYSTEM,
        created_at=change.now,
    )
    insert_message(change.tx.connection, message)
    change.log("message.created", {"message": dump_message(message)}, message=message)


def _identity(row: Row) -> Identity | None:
    if not (row["customer_id"] or row["email"] or row["name"] or row["identity_metadata"]):
        return None
    details = row["identity_metadata"]
    return Identity(
        customer_id=row["customer_id"],
        email=row["email"],
        name=row["name"],
        metadata=MappingProxyType(details) if details is not None else None,
        verified=bool(row["identity_verified"]),
    )


def _with_last(connection: Connection, rows: Sequence[RowMapping]) -> list[Session]:
    parts = [{column.key: row[f"last_{column.key}"] for column in messages.c} for row in rows if row["last_id"]]
    last = {message.session_id: message for message in message_values(connection, parts)}
    return [session_value(row, last.get(row["id"])) for row in rows]


def _size(row: RowMapping) -> int:
    known = ("metadata", "email", "name", "customer_id", "identity_metadata", "csat_comment", "last_content")
    return json_size(*(row[name] for name in known)) + ITEM_BYTES + (row["last_files"] or 0) * 2000


def cursor_behind(last: Session) -> str:
    """Return the cursor of the page that begins after a session."""
    text = f"{clock.format_utc(last.last_activity)} {last.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, session_id = text.split(" ")
        if not storable(session_id):
            raise ValueError(session_id)
        return clock.parse_utc(moment), session_id
    except (ValueError, binascii.Error):
        raise InvalidRequest.field("cursor", "Not a cursor that this server gave.") from None
