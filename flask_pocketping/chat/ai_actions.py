"""Calls of tools with effects: they wait for the visitor's or an operator's yes, and are made at most once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..errors import ActionNotFound, AlreadyDecided
from ..models import AIAction as ActionModel
from ..models import Message as MessageModel
from ..models import table
from ..outbox import add_behind, new_delivery
from ..values import AIAction, MessageType
from .log import lock_session
from .mappers import Row
from .sessions import get_session

actions = table(ActionModel)
messages = table(MessageModel)

#: The name of the AI in the deliveries.
TARGET = "ai"
#: Over how many recipients its deliveries are spread.
RECIPIENTS = 1024


def recipient_of(session_id: str) -> str:
    """Return the `target_id` of the AI's deliveries in a conversation.

    The worker watches each recipient for slow and failed attempts. Conversations must not wait for each other, and
    their number must not grow without a limit.
    """
    return f"ai_{zlib.crc32(session_id.encode()) % RECIPIENTS}"


def ask(tx: Transaction, session_id: str, tool: str, arguments: Mapping[str, Any], question: str, asks: str) -> str:
    """Store a call that waits for a yes, and return its id. It takes the place of an earlier one.

    :param asks: whose yes it needs: visitor or operator.
    """
    now = clock.now()
    earlier = (actions.c.session_id == session_id, actions.c.state == "waiting")
    tx.execute(update(actions).where(*earlier).values(state="stale", changed_at=now))
    row = {
        "id": clock.new_id("act"),
        "session_id": session_id,
        "tool": tool,
        "arguments": dict(arguments),
        "question": question,
        "asks": asks,
        "state": "waiting",
        "result": None,
        "created_at": now,
        "changed_at": now,
    }
    tx.execute(insert(actions), row)
    return str(row["id"])


def list_actions(db: Database, session_id: str, project_id: str | None = None) -> list[AIAction]:
    """Return the calls of a conversation that needed a yes, newest first.

    :raises SessionNotFound: if the session does not exist in the project.
    """
    get_session(db, session_id, project_id)
    query = select(actions).where(actions.c.session_id == session_id).order_by(actions.c.id.desc()).limit(100)
    with db.read() as connection:
        return [_value(row) for row in connection.execute(query).mappings()]


def decide(db: Database, session_id: str, action_id: str, accept: bool, project_id: str | None = None) -> AIAction:
    """Record an operator's yes or no. After a yes, the AI makes the call and tells the visitor.

    :raises SessionNotFound: if the session does not exist in the project.
    :raises ActionNotFound: if there is no such action.
    :raises AlreadyDecided: if it does not wait any more.
    """
    with db.transaction() as tx:
        change = lock_session(tx, session_id, project_id)
        mine = (actions.c.id == action_id, actions.c.session_id == session_id)
        row = tx.execute(select(actions).where(*mine)).mappings().one_or_none()
        if row is None:
            raise ActionNotFound
        values = {"state": "accepted" if accept else "refused", "changed_at": clock.now()}
        if tx.execute(update(actions).where(*mine, actions.c.state == "waiting").values(values)).rowcount != 1:
            raise AlreadyDecided
        add_behind(tx, new_delivery(change.row["project_id"], TARGET, recipient_of(session_id), session_id))
        return _value({**row, **values})


def undecided(connection: Connection, session_id: str) -> AIAction | None:
    """Return the call that waits for the visitor's yes, if there is one."""
    mine = (actions.c.session_id == session_id, actions.c.state == "waiting", actions.c.asks == "visitor")
    row = connection.execute(select(actions).where(*mine)).mappings().first()
    return None if row is None else _value(row)


def decided(connection: Connection, session_id: str) -> Sequence[AIAction]:
    """Return the calls that were decided on since the last answer, oldest first."""
    replied = select(func.max(messages.c.created_at)).where(
        messages.c.session_id == session_id, messages.c.type.in_((MessageType.OPERATOR, MessageType.AI))
    )
    since = connection.execute(replied).scalar()
    wanted = [actions.c.session_id == session_id, actions.c.state.not_in(("waiting", "stale"))]
    if since is not None:
        wanted.append(actions.c.changed_at > since)
    query = select(actions).where(*wanted).order_by(actions.c.changed_at)
    return [_value(row) for row in connection.execute(query).mappings()]


def move(db: Database, action_id: str, before: str, after: str, result: str | None = None) -> bool:
    """Change the state of a call, and return whether it was in the state before.

    :param result: what the tool returned.
    """
    values: dict[str, Any] = {"state": after, "changed_at": clock.now()}
    if result is not None:
        values["result"] = result
    with db.transaction() as tx:
        mine = (actions.c.id == action_id, actions.c.state == before)
        return tx.execute(update(actions).where(*mine).values(values)).rowcount == 1


def _value(row: Row) -> AIAction:
    names = ("id", "session_id", "tool", "arguments", "question", "asks", "state", "result", "created_at")
    return AIAction(**{name: row[name] for name in names})
