"""The pages that a visitor viewed. `POST /connect` records them, because a page connects when it loads."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from ..bounds import check_limit
from ..db import Database
from ..models import PageVisit as PageVisitModel
from ..models import table
from ..values import PageVisit, PageVisits
from .log import Change
from .paging import fit, json_size
from .sessions import get_session

#: How many pages of a conversation are kept.
KEPT = 50

visits = table(PageVisitModel)


def note_visit(change: Change, url: str, title: str | None = None) -> None:
    """Record the page that the visitor views now. The same address again, as after a reload, adds nothing.

    A change holds the session's lock, so two tabs can't record the same page twice.

    :param url: up to 2048 characters.
    :param title: up to 500 characters.
    """
    mine = select(visits.c.url).where(visits.c.session_id == change.session_id)
    last = change.tx.execute(mine.order_by(visits.c.id.desc()).limit(1)).scalar_one_or_none()
    if last != url:
        note_first_visit(change, url, title)
        _forget_oldest(change)


def note_first_visit(change: Change, url: str, title: str | None = None) -> None:
    """Record the page like `note_visit`, for a conversation without any page."""
    row = {"session_id": change.session_id, "url": url, "title": title or None, "visited_at": change.now}
    change.tx.execute(insert(visits), row)


def list_pages(db: Database, session_id: str, *, project_id: str | None = None, limit: int = KEPT) -> PageVisits:
    """Return the pages of a conversation, newest first.

    :raises SessionNotFound: if the session does not exist in the project.
    """
    check_limit(limit)
    get_session(db, session_id, project_id)
    query = select(visits).where(visits.c.session_id == session_id).order_by(visits.c.id.desc())
    with db.read() as connection:
        rows = connection.execute(query.limit(limit + 1)).all()
    kept = fit(rows[:limit], lambda row: json_size(row.url, row.title))
    return PageVisits([PageVisit(row.url, row.title, row.visited_at) for row in kept], len(rows) > len(kept))


def _forget_oldest(change: Change) -> None:
    mine = visits.c.session_id == change.session_id
    order = select(visits.c.id).where(mine).order_by(visits.c.id.desc())
    first_too_many = change.tx.execute(order.offset(KEPT).limit(1)).scalar_one_or_none()
    if first_too_many is not None:
        change.tx.execute(delete(visits).where(mine, visits.c.id <= first_too_many))
