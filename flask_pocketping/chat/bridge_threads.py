"""The threads of conversations on chat platforms, and who has claimed which conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, func, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..models import BridgeThread as BridgeThreadModel
from ..models import Message, table
from ..values import NOTICES, Claim, MessageType

threads = table(BridgeThreadModel)
messages = table(Message)

State = Literal["open", "closed", "deleted"]

_OF_SESSION = select(threads).where(
    threads.c.bridge == bindparam("bridge"), threads.c.session_id == bindparam("session_id")
)
_AT = select(threads).where(
    threads.c.bridge == bindparam("bridge"),
    threads.c.channel == bindparam("channel"),
    threads.c.thread_id == bindparam("thread_id"),
)


@dataclass(frozen=True, slots=True)
class KnownThread:
    """The thread of a conversation on a bridge.

    :ivar channel: the chat that it is in.
    :ivar thread_id: its id there.
    :ivar state: `open`, `closed` with its conversation, or `deleted` on the platform, so that the next post opens
        another one. Until then, what is written in it still counts.
    :ivar head_id: the post that begins with the facts about the visitor.
    :ivar newest_id: the newest message that came in.
    :ivar claimed_by: the operator who answered first.
    :ivar claim_shown: whether the thread says so.
    :ivar warned: whether the thread says that nobody can answer there.
    """

    bridge: str
    session_id: str
    channel: str
    thread_id: str
    state: State
    head_id: str | None = None
    newest_id: str | None = None
    claimed_by: str | None = None
    claim_shown: bool = False
    warned: bool = False


def thread_of(connection: Connection, bridge: str, session_id: str) -> KnownThread | None:
    """Return the thread of a conversation, if it has one."""
    return _value(connection.execute(_OF_SESSION, {"bridge": bridge, "session_id": session_id}).mappings().first())


def thread_at(connection: Connection, bridge: str, channel: str, thread_id: str) -> KnownThread | None:
    """Return the thread with this id on its platform, if it is one of ours."""
    place = {"bridge": bridge, "channel": channel, "thread_id": thread_id}
    return _value(connection.execute(_AT, place).mappings().first())


def threads_of(connection: Connection, session_id: str) -> list[KnownThread]:
    """Return the threads of a conversation on all bridges."""
    query = select(threads).where(threads.c.session_id == session_id).order_by(threads.c.bridge)
    return [found for row in connection.execute(query).mappings() if (found := _value(row))]


def claim_of(db: Database, session_id: str) -> Claim | None:
    """Return who has a conversation, if somebody answered since it was opened and it has a thread."""
    claimed = select(threads.c.claimed_by).where(threads.c.session_id == session_id, threads.c.claimed_by.is_not(None))
    with db.read() as connection:
        name = connection.execute(claimed.limit(1)).scalar()
        if name is None:
            return None
        mine = messages.c.session_id == session_id
        opened = select(func.coalesce(func.max(messages.c.seq), 0)).where(
            mine, messages.c.type == MessageType.SYSTEM, messages.c.content.in_(list(NOTICES.values()))
        )
        answer = (
            select(messages.c.source_bridge)
            .where(
                mine,
                messages.c.type == MessageType.OPERATOR,
                messages.c.operator_name == name,
                messages.c.seq > opened.scalar_subquery(),
            )
            .order_by(messages.c.seq)
        )
        return Claim(name, connection.execute(answer.limit(1)).scalar())


def open_threads(connection: Connection, bridge: str, limit: int = 1000) -> list[KnownThread]:
    """Return the open threads of a bridge, those used last first."""
    query = select(threads).where(threads.c.bridge == bridge, threads.c.state == "open")
    rows = connection.execute(query.order_by(threads.c.used_at.desc()).limit(limit)).mappings()
    return [found for row in rows if (found := _value(row))]


def quietest(connection: Connection, bridge: str, besides: str) -> KnownThread | None:
    """Return the open thread of a bridge that was used least recently.

    :param besides: a conversation whose thread does not count.
    """
    query = select(threads).where(
        threads.c.bridge == bridge, threads.c.state == "open", threads.c.session_id != besides
    )
    return _value(connection.execute(query.order_by(threads.c.used_at).limit(1)).mappings().first())


def keep_thread(db: Database, bridge: str, session_id: str, channel: str, thread_id: str) -> KnownThread:
    """Store the thread of a conversation, in place of one that is gone."""
    now = clock.now()
    mine = (threads.c.bridge == bridge, threads.c.session_id == session_id)
    new: dict[str, Any] = {
        "channel": channel,
        "thread_id": thread_id,
        "state": "open",
        "head_id": None,
        "newest_id": None,
        "claim_shown": False,
        "warned": False,
        "opened_at": now,
        "used_at": now,
    }
    with db.transaction() as tx:
        if not tx.execute(update(threads).where(*mine).values(new)).rowcount:
            known = {"bridge": bridge, "session_id": session_id, "claimed_by": _claimant(tx, session_id)}
            tx.execute(insert(threads), {**new, **known})
        found = thread_of(tx.connection, bridge, session_id)
    assert found is not None
    return found


def change_thread(tx: Transaction, bridge: str, session_id: str, **values: Any) -> None:
    """Change columns of a conversation's thread."""
    mine = (threads.c.bridge == bridge, threads.c.session_id == session_id)
    tx.execute(update(threads).where(*mine).values(values))


def touch(tx: Transaction, known: KnownThread, **values: Any) -> None:
    """Record that a thread was used now.

    :param values: other columns that change.
    """
    change_thread(tx, known.bridge, known.session_id, used_at=clock.now(), state="open", **values)


def note_newest(db: Database, bridge: str, channel: str, thread_id: str, newest_id: str) -> None:
    """Record the newest message that came in."""
    place = (threads.c.bridge == bridge, threads.c.channel == channel, threads.c.thread_id == thread_id)
    with db.transaction() as tx:
        tx.execute(update(threads).where(*place).values(newest_id=newest_id, used_at=clock.now()))


def move_threads(tx: Transaction, bridge: str, channel: str, moved_to: str) -> None:
    """Record that a chat with its threads has a new id."""
    tx.execute(update(threads).where(threads.c.bridge == bridge, threads.c.channel == channel).values(channel=moved_to))


def claim(tx: Transaction, session_id: str, name: str, bridge: str | None = None) -> None:
    """Note who answered first, unless somebody did before.

    :param name: the operator.
    :param bridge: where the answer was written. Everybody there has seen it.
    """
    unclaimed = (threads.c.session_id == session_id, threads.c.claimed_by.is_(None))
    if bridge is not None:
        tx.execute(update(threads).where(*unclaimed, threads.c.bridge == bridge).values(claim_shown=True))
    tx.execute(update(threads).where(*unclaimed).values(claimed_by=name))


def release_claim(tx: Transaction, session_id: str) -> None:
    """Let somebody else answer first."""
    tx.execute(update(threads).where(threads.c.session_id == session_id).values(claimed_by=None, claim_shown=False))


def _claimant(tx: Transaction, session_id: str) -> str | None:
    """Return who answered before there was a thread here."""
    elsewhere = select(threads.c.claimed_by).where(
        threads.c.session_id == session_id, threads.c.claimed_by.is_not(None)
    )
    first = (
        select(messages.c.operator_name)
        .where(
            messages.c.session_id == session_id,
            messages.c.type == MessageType.OPERATOR,
            messages.c.operator_name.is_not(None),
        )
        .order_by(messages.c.seq)
        .limit(1)
    )
    return tx.execute(elsewhere.limit(1)).scalar() or tx.execute(first).scalar()


def _value(row: Any) -> KnownThread | None:
    if row is None:
        return None
    return KnownThread(
        bridge=row["bridge"],
        session_id=row["session_id"],
        channel=row["channel"],
        thread_id=row["thread_id"],
        state=row["state"],
        head_id=row["head_id"],
        newest_id=row["newest_id"],
        claimed_by=row["claimed_by"],
        claim_shown=bool(row["claim_shown"]),
        warned=bool(row["warned"]),
    )
