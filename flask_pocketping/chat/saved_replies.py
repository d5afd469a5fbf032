"""Saved replies: texts for frequent questions, with a shortcut that is unique in the project."""

from __future__ import annotations

import base64
import re
import unicodedata

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from .. import clock
from ..bounds import MAX_SHORTCUT, check_content
from ..db import Database, Transaction
from ..errors import InvalidRequest, SavedReplyNotFound
from ..models import DEFAULT_PROJECT, table
from ..models import SavedReply as SavedReplyModel
from ..values import SavedReply, SavedReplyPage
from .idempotency import IdempotentRequest
from .mappers import Row
from .paging import fit
from .projects import lock_project

#: How many a project may have.
MAX_REPLIES = 500

#: The bytes of JSON of a saved reply without its text.
ANSWER_BYTES = 250

replies = table(SavedReplyModel)

_SHORTCUT = re.compile(rf"[\w-]{{1,{MAX_SHORTCUT}}}")


def list_saved_replies(db: Database, project_id: str = DEFAULT_PROJECT, *, cursor: str | None = None) -> SavedReplyPage:
    """Return a page of the saved replies of a project, sorted by shortcut.

    :param cursor: `next_cursor` of the previous page.
    :raises InvalidRequest: if the cursor is invalid.
    """
    beyond = None if cursor is None else _order(_read_cursor(cursor))
    query = select(replies.c.id, replies.c.shortcut, func.length(replies.c.content).label("size"))
    with db.read() as connection:
        rows = connection.execute(query.where(replies.c.project_id == project_id)).all()
        # Databases sort text differently.
        listed = sorted(rows, key=lambda row: _order(row.shortcut))
        left = [row for row in listed if beyond is None or _order(row.shortcut) > beyond]
        # A character may have four bytes.
        page = [row.id for row in fit(left, lambda row: ANSWER_BYTES + 4 * row.size)]
        found = connection.execute(select(replies).where(replies.c.id.in_(page))).mappings().all() if page else []
    shown = sorted((_value(row) for row in found), key=lambda reply: _order(reply.shortcut))
    return SavedReplyPage(shown, _cursor(shown[-1].shortcut) if len(page) < len(left) and shown else None)


def create_saved_reply(
    db: Database,
    shortcut: str,
    content: str,
    *,
    project_id: str = DEFAULT_PROJECT,
    idempotency: IdempotentRequest | None = None,
) -> SavedReply:
    """Create a saved reply.

    :param shortcut: 1 to 40 letters, digits, `-` and `_`.
    :param content: 1 to 4000 characters.
    :raises InvalidRequest: if a value is invalid, the shortcut is taken, or the project has 500 already.
    """
    shortcut = _checked(shortcut)
    check_content(content)
    row = {
        "id": clock.new_id("can"),
        "project_id": project_id,
        "shortcut": shortcut,
        "content": content,
        "created_at": clock.now(),
    }
    with db.transaction() as tx:
        if idempotency:
            idempotency.claim(tx)
        lock_project(tx, project_id)
        _check_free(tx, project_id, shortcut)
        if tx.execute(select(func.count()).where(replies.c.project_id == project_id)).scalar_one() >= MAX_REPLIES:
            raise InvalidRequest(f"There are {MAX_REPLIES} saved replies already.")
        tx.execute(insert(replies), row)
        made = _value(row)
        if idempotency:
            idempotency.keep(tx, made)
    return made


def update_saved_reply(
    db: Database,
    reply_id: str,
    *,
    shortcut: str | None = None,
    content: str | None = None,
    project_id: str = DEFAULT_PROJECT,
) -> SavedReply:
    """Change the shortcut, the text or both.

    :raises InvalidRequest: if a value is invalid or the shortcut is taken.
    :raises SavedReplyNotFound: if the saved reply does not exist in the project.
    """
    changes: dict[str, str] = {}
    if shortcut is not None:
        changes["shortcut"] = _checked(shortcut)
    if content is not None:
        check_content(content)
        changes["content"] = content
    with db.transaction() as tx:
        lock_project(tx, project_id)
        row = tx.execute(select(replies).where(*_this(reply_id, project_id))).mappings().one_or_none()
        if row is None:
            raise SavedReplyNotFound
        if changes.get("shortcut", row["shortcut"]) != row["shortcut"]:
            _check_free(tx, project_id, changes["shortcut"])
        if changes:
            tx.execute(update(replies).where(*_this(reply_id, project_id)).values(changes))
        return _value({**row, **changes})


def delete_saved_reply(db: Database, reply_id: str, project_id: str = DEFAULT_PROJECT) -> None:
    """Delete a saved reply.

    :raises SavedReplyNotFound: if it does not exist in the project.
    """
    with db.transaction() as tx:
        if tx.execute(delete(replies).where(*_this(reply_id, project_id))).rowcount != 1:
            raise SavedReplyNotFound


def _order(shortcut: str) -> tuple[str, str]:
    return shortcut.casefold(), shortcut


def _cursor(shortcut: str) -> str:
    return base64.urlsafe_b64encode(shortcut.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        return _checked(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
    except (ValueError, InvalidRequest):
        raise InvalidRequest.field("cursor", "Not a cursor that this server gave.") from None


def _checked(shortcut: str) -> str:
    # One letter may be written as one character or as two; they look the same.
    text = unicodedata.normalize("NFC", shortcut) if isinstance(shortcut, str) else ""
    if not _SHORTCUT.fullmatch(text):
        raise InvalidRequest.field("shortcut", f"Must be 1–{MAX_SHORTCUT} letters, digits, - and _.")
    return text


def _check_free(tx: Transaction, project_id: str, shortcut: str) -> None:
    taken = select(replies.c.id).where(replies.c.project_id == project_id, replies.c.shortcut == shortcut)
    if tx.execute(taken).first() is not None:
        raise InvalidRequest.field("shortcut", "Another saved reply has it.")


def _this(reply_id: str, project_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return replies.c.id == reply_id, replies.c.project_id == project_id


def _value(row: Row) -> SavedReply:
    return SavedReply(row["id"], row["shortcut"], row["content"], row["created_at"])
