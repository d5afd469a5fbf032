"""Messages: send, list, edit, delete, and the receipts that they were read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..bounds import (
    MAX_CLIENT_ID,
    MAX_CUSTOMER_ID,
    MAX_NAME,
    MAX_RECEIPTS,
    PAGE_SIZE,
    check_content,
    check_limit,
    check_line,
)
from ..db import Database, Transaction
from ..errors import Forbidden, InvalidRequest, MessageNotFound, SessionClosed, SessionNotFound
from ..models import Message as MessageModel
from ..models import table
from ..schemas.values import dump_message, dump_session
from ..values import Attachment, Message, MessageDraft, MessagePage, MessageStatus, MessageType, SessionStatus
from .attachments import claim, discard, find_unsent
from .idempotency import AlreadyAnswered, IdempotentRequest
from .log import Change, change_session, sessions
from .mappers import Row, insert_message, message_values
from .paging import PAGE_BYTES, fit, json_size
from .sessions import current, reopen

messages = table(MessageModel)

#: The most characters of the messages in one receipt. MariaDB counts bytes, up to four per character.
RECEIPT_SIZE = PAGE_BYTES // 4
#: How many messages to read for the repeated part of a page by time.
MOST_REPEATED = 500
#: How long ago a message may have been sent to count as missed by a page that does not know where it continues.
MOST_MISSED = timedelta(days=1)

_PROJECT_OF = select(sessions.c.project_id).where(sessions.c.id == bindparam("session_id"))


def send_message(
    db: Database,
    session_id: str,
    content: str,
    *,
    type: MessageType | str = MessageType.OPERATOR,
    project_id: str | None = None,
    operator_id: str | None = None,
    operator_name: str | None = None,
    source_bridge: str | None = None,
    reply_to: str | None = None,
    attachment_ids: Sequence[str] = (),
    client_id: str | None = None,
    idempotency: IdempotentRequest | None = None,
    before: Callable[[MessageDraft], None] | None = None,
    on_first: Callable[[], None] | None = None,
    confirm: Callable[[Transaction], None] | None = None,
    stored: Callable[[Transaction, Message], None] | None = None,
) -> Message:
    """Store a message and log `message.created`. A visitor's message reopens a closed conversation.

    :param content: 1 to 4000 characters; may be empty with attachments.
    :param project_id: the project that the session must belong to, if any.
    :param attachment_ids: stored files of the same session and side that are in no message yet.
    :param operator_id: the host's id of the operator, up to 255 characters.
    :param source_bridge: the bridge that it came from; it is not sent back there.
    :param reply_to: the id of a message of the same session.
    :param client_id: the sender's own id for it, unique in the session. A repeat returns the first message.
    :param before: called with the draft before the transaction. It may change the content or raise. If it is falsy,
        nothing is called.
    :param on_first: called within the transaction for the visitor's first message in a conversation. It may raise.
    :param confirm: called within the transaction with the session locked. It may raise. A target that answers passes
        `finish` of its batch, so that the answer is stored only while it is wanted.
    :param stored: called within the transaction with the stored message, to record more of it. It may raise.
    :raises SessionClosed: if the session is closed and the type is not visitor.
    """
    check_content(content, may_be_blank=bool(attachment_ids))
    type = _message_type(type)
    check_line("operatorId", operator_id, MAX_CUSTOMER_ID)
    check_line("operatorName", operator_name, MAX_NAME)
    check_line("clientId", client_id, MAX_CLIENT_ID)
    attached: tuple[Attachment, ...] = ()
    if attachment_ids:
        # The files of a repeat are already in the first message.
        if client_id and (first := find_by_client_id(db, session_id, client_id)):
            return first
        with db.read() as connection:
            _check_session(connection, session_id, project_id)
        try:
            attached = find_unsent(db, session_id, type, attachment_ids)
        except InvalidRequest:
            # The same request may have come twice, and this may be the second one.
            if client_id and (first := find_by_client_id(db, session_id, client_id)):
                return first
            if idempotency and idempotency.kept(db):
                raise AlreadyAnswered from None
            raise
    draft = MessageDraft(session_id, content, type, operator_name, reply_to, attached, operator_id=operator_id)
    if before:
        # A repeat gets the first response, without asking the receivers again.
        if client_id and (first := find_by_client_id(db, session_id, client_id)):
            return first
        # Do not call receivers for a session that the sender can't write to.
        with db.read() as connection:
            _check_session(connection, session_id, project_id)
        before(draft)
        check_content(draft.content, may_be_blank=bool(attached))
    try:
        with change_session(db, session_id, project_id, origin=source_bridge) as change:
            if idempotency:
                idempotency.claim(change.tx)
            if confirm:
                confirm(change.tx)
            message = store(change, draft, client_id, source_bridge, on_first)
            if stored:
                stored(change.tx, message)
            if idempotency:
                idempotency.keep(change.tx, message)
            return message
    except IntegrityError:
        first = find_by_client_id(db, session_id, client_id) if client_id else None
        if first is None:
            raise
        return first


def _message_type(type: MessageType | str) -> MessageType:
    try:
        return MessageType(type)
    except ValueError:
        raise InvalidRequest.field("type", f"Must be one of {', '.join(MessageType)}.") from None


def list_messages(
    db: Database,
    session_id: str,
    *,
    project_id: str | None = None,
    limit: int = PAGE_SIZE,
    after: str | int | None = None,
    before: str | int | None = None,
    internal: bool = True,
) -> MessagePage:
    """Return a page of a conversation, oldest first. Without `after` and `before`, this is the newest page.

    :param after: a message id or a seq: return the messages after it.
    :param before: a message id or a seq: return the newest messages before it.
    :param internal: whether to include notes that visitors do not see.
    """
    check_limit(limit)
    wanted: list[ColumnElement[bool]] = [messages.c.session_id == session_id]
    if not internal:
        wanted.append(~messages.c.internal)
    with db.read() as connection:
        _check_session(connection, session_id, project_id)
        if after is not None:
            wanted.append(messages.c.seq > _seq_of(connection, session_id, after, "after"))
        if before is not None:
            wanted.append(messages.c.seq < _seq_of(connection, session_id, before, "before"))
        forward = after is not None
        order = messages.c.seq.asc() if forward else messages.c.seq.desc()
        rows = connection.execute(select(messages).where(*wanted).order_by(order).limit(limit + 1)).mappings().all()
        kept = fit(rows[:limit], message_size)
        page = message_values(connection, kept)
    return MessagePage(page if forward else page[::-1], len(rows) > len(kept))


def messages_changed_since(
    db: Database, session_id: str, moment: datetime, *, repeat_from: datetime | None = None, limit: int = 100
) -> MessagePage:
    """Return what a visitor sees of the messages that were sent, edited, deleted or read after a time, in that order.

    A page may exceed `limit` and its size in bytes, because changes of one moment stay together. Otherwise a client
    that continues after this moment would miss some. Each change has its own moment, except receipts for many
    messages.

    :param repeat_from: a time before `moment`. Changes between the two come first, in addition to the limit. So a
        client that continues after the newest moment of a page always makes progress. If there are too many, only the
        newest come.
    """
    at, mine = messages.c.changed_at, and_(messages.c.session_id == session_id, ~messages.c.internal)
    changed = select(messages).where(mine).order_by(at, messages.c.seq)
    with db.read() as connection:
        _check_session(connection, session_id, None)
        begin = moment if repeat_from is None else repeat_from
        known: list[RowMapping] = []
        rows = list(connection.execute(changed.where(at > begin).limit(limit + 1)).mappings())
        if rows and rows[0]["changed_at"] <= moment and len(fit(rows[:limit], message_size)) < len(rows):
            backwards = (
                select(messages).where(mine, at > begin, at <= moment).order_by(at.desc(), messages.c.seq.desc())
            )
            newest = connection.execute(backwards.limit(MOST_REPEATED)).mappings().all()
            known = list(fit(newest, message_size))[::-1]
            rows = list(connection.execute(changed.where(at > moment).limit(limit + 1)).mappings())
        limit = _whole_moments(rows, len(fit(rows[:limit], message_size)))
        has_more = len(rows) > limit
        if has_more and rows[limit]["changed_at"] == rows[limit - 1]["changed_at"]:
            last = rows[limit]
            rows = rows[: limit + 1]
            rest = changed.where(at == last["changed_at"], messages.c.seq > last["seq"])
            rows += connection.execute(rest).mappings()
            limit = len(rows)
            has_more = (
                connection.execute(changed.where(messages.c.changed_at > last["changed_at"]).limit(1)).first()
                is not None
            )
        return MessagePage(message_values(connection, [*known, *rows[:limit]]), has_more)


def oldest_undelivered(db: Database, session_id: str) -> datetime | None:
    """Return when the oldest message was sent that the visitor's page has not confirmed, within the last day.

    Messages that were deleted don't count.
    """
    unconfirmed = select(func.min(messages.c.created_at)).where(
        messages.c.session_id == session_id,
        messages.c.changed_at > clock.now() - MOST_MISSED,
        messages.c.type != MessageType.VISITOR,
        messages.c.status == MessageStatus.SENT,
        messages.c.deleted_at.is_(None),
    )
    with db.read() as connection:
        return connection.execute(unconfirmed).scalar()


def _whole_moments(rows: Sequence[Row], count: int) -> int:
    """Return how many of the first rows fit into a page that, if possible, does not end within a moment."""
    end = count
    while 0 < end < len(rows) and rows[end]["changed_at"] == rows[end - 1]["changed_at"]:
        end -= 1
    return end or count


def edit_message(
    db: Database,
    session_id: str,
    message_id: str,
    content: str,
    *,
    project_id: str | None = None,
    by: MessageType | str | None = None,
    allowed: Callable[[Message], bool] | None = None,
    origin: str | None = None,
    before: Callable[[MessageDraft], None] | None = None,
    confirm: Callable[[Transaction], None] | None = None,
) -> Message:
    """Change the text of a message and log `message.updated`.

    :param by: the only type of message that may be changed, if given.
    :param allowed: returns whether the caller may change the message.
    :param before: as for `send_message`; the draft has the message's id.
    :param confirm: called within the transaction. It raises if the edit is no longer wanted.
    :raises MessageNotFound: if the message does not exist or is deleted.
    :raises Forbidden: if the message is not `allowed`.
    """
    check_content(content)
    if before:
        with db.read() as connection:
            _check_session(connection, session_id, project_id)
            row = _undeleted_row(connection, session_id, message_id, by)
            said = message_values(connection, [row])[0]
        _check_allowed(said, allowed)
        draft = MessageDraft(
            session_id,
            content,
            said.type,
            said.operator_name,
            said.reply_to,
            said.attachments,
            message_id,
            said.operator_id,
        )
        before(draft)
        content = draft.content
        check_content(content)
    with change_session(db, session_id, project_id, origin=origin) as change:
        row = _undeleted_row(change.tx.connection, session_id, message_id, by)
        said = _value(change.tx, row)
        _check_allowed(said, allowed)
        if confirm:
            confirm(change.tx)
        if row["content"] == content:
            return said
        return _rewrite(change, row, "message.updated", content=content, edited_at=change.now)


def delete_message(
    db: Database,
    session_id: str,
    message_id: str,
    *,
    project_id: str | None = None,
    by: MessageType | str | None = None,
    allowed: Callable[[Message], bool] | None = None,
    origin: str | None = None,
) -> Message:
    """Empty a message and log `message.deleted`. It keeps its position. Deleting it again changes nothing.

    :param by: as for `edit_message`, like `allowed`.
    """
    with change_session(db, session_id, project_id, origin=origin) as change:
        row = _own_row(change.tx.connection, session_id, message_id, by)
        said = _value(change.tx, row)
        _check_allowed(said, allowed)
        if row["deleted_at"] is not None:
            return said
        discard(change.tx, message_id)
        if row["type"] == MessageType.VISITOR and row["status"] != MessageStatus.READ:
            change.set(unread=max(0, change.row["unread"] - 1))
        return _rewrite(change, row, "message.deleted", content="", files=0, deleted_at=change.now)


def mark_messages(
    db: Database,
    session_id: str,
    *,
    reader: MessageType | str,
    status: MessageStatus | str = MessageStatus.READ,
    message_ids: Sequence[str] | None = None,
    project_id: str | None = None,
) -> int:
    """Mark messages as delivered or read, and log `message.read` for those that changed.

    :param reader: visitor, for messages of the other side, or operator, for the visitor's messages.
    :param status: delivered or read.
    :param message_ids: only these messages. Default: all.
    :return: the number of messages that changed.
    """
    theirs = (
        and_(messages.c.type != MessageType.VISITOR, ~messages.c.internal)
        if reader == MessageType.VISITOR
        else messages.c.type == MessageType.VISITOR
    )
    below = (
        (MessageStatus.SENT,) if status == MessageStatus.DELIVERED else (MessageStatus.SENT, MessageStatus.DELIVERED)
    )
    wanted = [
        messages.c.session_id == session_id,
        theirs,
        messages.c.status.in_(below),
        messages.c.deleted_at.is_(None),
    ]
    if message_ids is not None:
        wanted.append(messages.c.id.in_(list(message_ids)))
    status = MessageStatus(status)
    with change_session(db, session_id, project_id) as change:
        size = func.length(messages.c.content).label("size")
        found = change.tx.execute(select(messages.c.id, size).where(*wanted).order_by(messages.c.seq)).all()
        if found and reader != MessageType.VISITOR and status == MessageStatus.READ:
            change.set(unread=max(0, change.row["unread"] - len(found)))
        for part in _receipts(found):
            _mark(change, part, status)
        return len(found)


def _receipts(found: Sequence[Any]) -> Iterator[list[str]]:
    """Yield ids of messages in groups. Each group fits into one page, because its messages change at one moment."""
    part: list[str] = []
    total = 0
    for message_id, size in found:
        total += size
        if part and (total > RECEIPT_SIZE or len(part) >= MAX_RECEIPTS):
            yield part
            part, total = [], size
        part.append(message_id)
    if part:
        yield part


def _mark(change: Change, message_ids: list[str], status: MessageStatus) -> None:
    change.tick()
    at, column = ("deliveredAt", "delivered_at") if status == MessageStatus.DELIVERED else ("readAt", "read_at")
    marks = {"status": status, "changed_at": change.now, column: change.now}
    change.tx.execute(update(messages).where(messages.c.id.in_(message_ids)).values(marks))
    change.log(
        "message.read",
        {"messageIds": message_ids, "status": status, at: clock.format_utc(change.now)},
        message_ids=message_ids,
        status=status,
        at=change.now,
    )


def message_size(row: Row) -> int:
    """Estimate the size of a message as JSON, in bytes. An attachment has its name twice: also in its address."""
    return json_size(row["content"], row["operator_id"], row["operator_name"]) + int(row["files"]) * 2000


def find_by_client_id(db: Database, session_id: str, client_id: str) -> Message | None:
    """Return the message with this id of its sender, if it was stored."""
    query = select(messages).where(messages.c.session_id == session_id, messages.c.client_id == client_id)
    with db.read() as connection:
        found = message_values(connection, connection.execute(query).mappings())
    return found[0] if found else None


def store(
    change: Change,
    draft: MessageDraft,
    client_id: str | None = None,
    source_bridge: str | None = None,
    on_first: Callable[[], None] | None = None,
) -> Message:
    """Store a checked message within a change, like `send_message`."""
    row = change.row
    if row["status"] == SessionStatus.CLOSED:
        if draft.type != MessageType.VISITOR:
            raise SessionClosed
        reopen(change)
    if draft.reply_to is not None:
        _check_reply(change.tx, change.session_id, draft.reply_to)
    if on_first and draft.type == MessageType.VISITOR and row["first_message_at"] is None:
        on_first()
    message = Message(
        id=clock.new_id("msg"),
        session_id=change.session_id,
        seq=row["seq"] + 1,
        content=draft.content,
        type=draft.type,
        created_at=change.now,
        operator_id=draft.operator_id,
        operator_name=draft.operator_name,
        source_bridge=source_bridge,
        reply_to=draft.reply_to,
        attachments=draft.attachments,
    )
    insert_message(change.tx.connection, message, client_id)
    if message.attachments:
        claim(change.tx, message)
    unread, unanswered = row["unread"], row["unanswered"]
    if draft.type == MessageType.VISITOR:
        unread, unanswered = unread + 1, True
        if row["first_message_at"] is None:
            change.set(first_message_at=change.now, started_on=change.now.date())
    elif draft.type != MessageType.SYSTEM:
        unanswered = False
        if row["first_message_at"] is not None and row["response_ms"] is None:
            change.set(response_ms=(change.now - row["first_message_at"]) // timedelta(milliseconds=1))
    change.set(last_activity=change.now, last_message_id=message.id, unread=unread, unanswered=unanswered)
    change.log("message.created", {"message": dump_message(message)}, message=message)
    if draft.type == MessageType.OPERATOR and row["ai_active"]:
        # A person has taken over.
        change.set(ai_active=False)
        value = current(change)
        change.log("session.updated", {"session": dump_session(value)}, session=value)
    return message


def _rewrite(change: Change, row: dict[str, Any], type: str, **values: Any) -> Message:
    values["changed_at"] = change.now
    change.tx.execute(update(messages).where(messages.c.id == row["id"]).values(values))
    message = _value(change.tx, {**row, **values})
    change.log(type, {"message": dump_message(message)}, message=message)
    return message


def _value(tx: Transaction, row: Mapping[str, Any]) -> Message:
    return message_values(tx.connection, [row])[0]


def _undeleted_row(
    connection: Connection, session_id: str, message_id: str, by: MessageType | str | None
) -> dict[str, Any]:
    row = _own_row(connection, session_id, message_id, by)
    if row["deleted_at"] is not None:
        raise MessageNotFound
    return row


def _own_row(connection: Connection, session_id: str, message_id: str, by: MessageType | str | None) -> dict[str, Any]:
    query = select(messages).where(messages.c.id == message_id, messages.c.session_id == session_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise MessageNotFound
    if by not in {None, row["type"]}:
        raise InvalidRequest.field("messageId", "Not a message of your own.")
    return dict(row)


def _check_allowed(message: Message, allowed: Callable[[Message], bool] | None) -> None:
    if allowed is not None and not allowed(message):
        raise Forbidden("You can't change this message.")


def _check_reply(tx: Transaction, session_id: str, message_id: str) -> None:
    query = select(messages.c.id).where(messages.c.id == message_id, messages.c.session_id == session_id)
    if tx.execute(query).one_or_none() is None:
        raise InvalidRequest.field("replyTo", "Not a message of this session.")


def _check_session(connection: Connection, session_id: str, project_id: str | None) -> None:
    found = connection.execute(_PROJECT_OF, {"session_id": session_id}).scalar_one_or_none()
    if found is None or project_id not in {None, found}:
        raise SessionNotFound


def _seq_of(connection: Connection, session_id: str, position: str | int, field: str) -> int:
    if isinstance(position, int) or position.isdecimal():
        number = int(position) if len(str(position)) <= 18 else 10**18
        return number
    query = select(messages.c.seq).where(messages.c.id == position, messages.c.session_id == session_id)
    seq = connection.execute(query).scalar_one_or_none()
    if seq is None:
        raise InvalidRequest.field(field, "Neither a message of this session nor a seq.")
    return int(seq)
