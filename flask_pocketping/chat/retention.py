"""Deletes conversations without activity after some days, if the host app wants this. The periodic tasks call it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import delete, select, update

from .. import clock
from ..db import Database, retried
from ..errors import SessionNotFound
from ..models import (
    AIAction,
    AIAnswer,
    AIDraft,
    Attachment,
    Attempt,
    Message,
    OperatorTyping,
    PageVisit,
    Presence,
    Project,
    table,
)
from ..outbox import deliveries
from .log import events, lock_session, sessions

attachments = table(Attachment)
attempts = table(Attempt)
messages = table(Message)
presence = table(Presence)
projects = table(Project)
visits = table(PageVisit)
_OF_AI = tuple(map(table, (AIAnswer, AIDraft, AIAction, OperatorTyping)))

#: How many conversations one run deletes, each in its own transaction.
BATCH = 200


def forget_quiet_sessions(db: Database, days: float, remove_files: Callable[[], object] | None) -> int:
    """Delete conversations without activity, with their messages, events, files, pages and deliveries.

    If the storage can't delete the files of a conversation, it stays until the next run.

    :param days: days without activity. A conversation with a connected visitor stays.
    :param remove_files: deletes unavailable files from the storage; `None` without a storage.
    :return: the number of deleted conversations.
    """
    limit = clock.ago(days=days)
    with db.read() as connection:
        quiet: list[str] = []
        for project_id in connection.execute(select(projects.c.id)).scalars().all():
            mine = (sessions.c.project_id == project_id, sessions.c.last_activity < limit, ~sessions.c.visitor_online)
            query = select(sessions.c.id).where(*mine).order_by(sessions.c.last_activity)
            quiet += connection.execute(query.limit(BATCH - len(quiet))).scalars() if len(quiet) < BATCH else ()
    if not quiet:
        return 0
    if remove_files is not None:
        with db.transaction(long=True) as tx:
            theirs = (attachments.c.session_id.in_(quiet), attachments.c.status != "deleted")
            tx.execute(update(attachments).where(*theirs).values(status="deleted"))
        remove_files()
    return sum(retried(partial(_forget, db, session_id, limit, remove_files)) for session_id in quiet)


def _forget(db: Database, session_id: str, limit: datetime, remove_files: Callable[[], object] | None) -> bool:
    with db.transaction(long=True) as tx:
        try:
            row = lock_session(tx, session_id).row
        except SessionNotFound:
            return False
        # The visitor may have come back after the list was made.
        if row["last_activity"] >= limit or row["visitor_online"]:
            return False
        stored = select(attachments.c.id).where(attachments.c.session_id == session_id)
        if remove_files is not None and tx.execute(stored.limit(1)).first() is not None:
            return False
        # A host's engine may not enforce foreign keys in SQLite, so delete every row explicitly.
        of_session = select(events.c.id).where(events.c.session_id == session_id)
        theirs = select(deliveries.c.id).where(deliveries.c.event_id.in_(of_session))
        tx.execute(delete(attempts).where(attempts.c.delivery_id.in_(theirs)))
        tx.execute(delete(deliveries).where(deliveries.c.event_id.in_(of_session)))
        for model in (attachments, visits, presence, messages, events, *_OF_AI):
            tx.execute(delete(model).where(model.c.session_id == session_id))
        tx.execute(delete(sessions).where(sessions.c.id == session_id))
    return True
