"""Continues conversations: which one a browser may open, and what the page reports when it does.

`POST /connect` calls this. A customer's conversation opens only for this customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..db import Database
from ..errors import SessionNotFound
from ..values import Identity, Session
from .log import Change, change_session
from .mappers import Row
from .pages import note_visit
from .sessions import current, note_metadata, open_of
from .visitors import note_identity


def resume(
    db: Database,
    session_id: str,
    metadata: Mapping[str, Any],
    *,
    user: Identity | None = None,
    said: Identity | None = None,
    unless_silent: bool = False,
    project_id: str | None = None,
) -> Session | None:
    """Continue a conversation, and record what the page reports.

    :param metadata: facts about the visitor's page, with the keys of the API.
    :param user: the customer who is signed in; the conversation becomes theirs.
    :param said: the unverified identity from the page.
    :param unless_silent: skip an anonymous conversation without messages.
    :param project_id: the project that it must belong to, if any.
    :return: `None` if the conversation does not exist or belongs to another customer or project.
    """
    try:
        with change_session(db, session_id, project_id) as change:
            if not _opens_for(change.row, user) or (unless_silent and _is_silent(change.row)):
                return None
            if user is not None and not change.row["signed_in"]:
                change.set(signed_in=True)
            if (identity := user or said) is not None:
                note_identity(change, identity)
            _note_page(change, metadata)
            return current(change)
    except SessionNotFound:
        return None


def find_open(db: Database, project_id: str, customer_id: str) -> str | None:
    """Return the newest open conversation of a customer."""
    with db.read() as connection:
        return connection.execute(open_of(project_id, customer_id)).scalar_one_or_none()


def _opens_for(row: Row, user: Identity | None) -> bool:
    if user is None:
        return not row["signed_in"]
    # A customer whom the back office has verified counts too.
    bound = row["customer_id"] if row["identity_verified"] or row["signed_in"] else None
    return bound in {None, user.customer_id}


def _is_silent(row: Row) -> bool:
    return row["last_message_id"] is None and not row["signed_in"]


def _note_page(change: Change, metadata: Mapping[str, Any]) -> None:
    url = metadata.get("pageUrl")
    if url and url != change.row["metadata"].get("pageUrl"):
        note_visit(change, url, metadata.get("pageTitle"))
    note_metadata(change, metadata)
