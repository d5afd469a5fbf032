"""The AI's drafts: operators send them, change them first, or drop them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, exists, insert, select, update

from .. import clock
from ..bounds import check_content
from ..db import Database, Transaction
from ..errors import AlreadyDecided, DraftNotFound
from ..models import AIDraft as DraftModel
from ..models import Message as MessageModel
from ..models import table
from ..values import AIDraft, AISource, Message, MessageDraft, MessageType
from .ai_answers import passage_rows, passage_values
from .ai_turns import REPLIES, Confirm, Position, add_notice, check_seen
from .log import change_session
from .mappers import Row
from .messages import send_message
from .sessions import get_session

drafts = table(DraftModel)
messages = table(MessageModel)


def write_draft(
    db: Database,
    session_id: str,
    content: str,
    *,
    sources: Sequence[AISource],
    seen: Position,
    confirm: Confirm,
    stored: Callable[[Transaction, str], None],
    hand_over: str | None = None,
) -> AIDraft:
    """Store a draft and tell operators of it. It takes the place of an earlier one.

    :param sources: the passages that it is based on.
    :param seen: what was said when the AI read the conversation.
    :param confirm: called within the transaction. It raises if the draft is no longer wanted.
    :param stored: called within the transaction with the draft's id.
    :param hand_over: why the AI would hand over, if it would.
    :raises Outdated: if something was said meanwhile.
    """
    check_content(content)
    with change_session(db, session_id) as change:
        check_seen(change, seen, busy=False)
        confirm(change.tx)
        now = clock.now()
        earlier = (drafts.c.session_id == session_id, drafts.c.state == "pending")
        change.tx.execute(update(drafts).where(*earlier).values(state="stale", changed_at=now))
        row = {
            "id": clock.new_id("drf"),
            "session_id": session_id,
            "content": content,
            "state": "pending",
            "passages": passage_rows(sources),
            "message_id": None,
            "created_at": now,
            "changed_at": now,
        }
        change.tx.execute(insert(drafts), row)
        stored(change.tx, str(row["id"]))
        note = f"Draft of the AI:\n{content}"[:3500]
        more = f"\n\nThe AI would hand this over: {hand_over}" if hand_over else ""
        add_notice(change, note + more, internal=True)
        return _value(row, answered=False)


def list_drafts(db: Database, session_id: str, project_id: str | None = None) -> list[AIDraft]:
    """Return the drafts of a conversation, newest first.

    :raises SessionNotFound: if the session does not exist in the project.
    """
    get_session(db, session_id, project_id)
    query = select(drafts, _ANSWERED).where(drafts.c.session_id == session_id)
    with db.read() as connection:
        rows = connection.execute(query.order_by(drafts.c.id.desc()).limit(100)).mappings().all()
    return [_value(row, answered=row["answered"]) for row in rows]


def pending_draft(db: Database, session_id: str) -> AIDraft | None:
    """Return the draft of a conversation that waits for an operator, if there is one."""
    return next((draft for draft in list_drafts(db, session_id) if draft.state == "pending"), None)


def send_draft(
    db: Database,
    session_id: str,
    draft_id: str,
    *,
    content: str | None = None,
    project_id: str | None = None,
    operator_id: str | None = None,
    operator_name: str | None = None,
    source_bridge: str | None = None,
    before: Callable[[MessageDraft], None] | None = None,
) -> Message:
    """Send a draft as the operator's message.

    :param content: the changed text; the draft's own if unset.
    :param operator_id: the host's id of the operator who sends it.
    :param operator_name: the operator's name.
    :param source_bridge: the bridge that it is sent from.
    :param before: as for `send_message`.
    :raises SessionNotFound: if the session does not exist in the project.
    :raises DraftNotFound: if there is no such draft.
    :raises AlreadyDecided: if it was sent or dropped, or somebody has answered meanwhile.
    """
    get_session(db, session_id, project_id)
    with db.read() as connection:
        draft = _find(connection, session_id, draft_id)

    def confirm(tx: Transaction) -> None:
        # The session is locked, so nothing can be said between this check and the commit.
        if _find(tx.connection, session_id, draft_id).state != "pending":
            raise AlreadyDecided

    def stored(tx: Transaction, message: Message) -> None:
        values = {"state": "sent", "message_id": message.id, "changed_at": clock.now()}
        tx.execute(update(drafts).where(drafts.c.id == draft_id).values(values))

    return send_message(
        db,
        session_id,
        draft.content if content is None else content,
        type=MessageType.OPERATOR,
        project_id=project_id,
        operator_id=operator_id,
        operator_name=operator_name,
        source_bridge=source_bridge,
        before=before,
        confirm=confirm,
        stored=stored,
    )


def drop_draft(db: Database, session_id: str, draft_id: str, project_id: str | None = None) -> None:
    """Drop a draft. Dropping it again changes nothing.

    :raises SessionNotFound: if the session does not exist in the project.
    :raises DraftNotFound: if there is no such draft.
    :raises AlreadyDecided: if it was sent.
    """
    with change_session(db, session_id, project_id) as change:
        draft = _find(change.tx.connection, session_id, draft_id)
        if draft.state == "sent":
            raise AlreadyDecided
        values = {"state": "dropped", "changed_at": clock.now()}
        change.tx.execute(update(drafts).where(drafts.c.id == draft_id).values(values))


_ANSWERED = (
    exists()
    .where(
        messages.c.session_id == drafts.c.session_id,
        messages.c.type.in_(REPLIES),
        messages.c.created_at > drafts.c.created_at,
    )
    .label("answered")
)


def _find(connection: Connection, session_id: str, draft_id: str) -> AIDraft:
    query = select(drafts, _ANSWERED).where(drafts.c.id == draft_id, drafts.c.session_id == session_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise DraftNotFound
    return _value(row, answered=row["answered"])


def _value(row: Row, *, answered: bool) -> AIDraft:
    return AIDraft(
        id=row["id"],
        session_id=row["session_id"],
        content=row["content"],
        state="stale" if row["state"] == "pending" and answered else row["state"],
        passages=passage_values(row["passages"]),
        message_id=row["message_id"],
        created_at=row["created_at"],
    )
