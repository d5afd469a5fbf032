"""Ratings: ask visitors for one, and store it once per conversation."""

from __future__ import annotations

from .. import clock
from ..bounds import MAX_COMMENT, check_text
from ..db import Database
from ..errors import Forbidden, InvalidRequest
from ..values import Session
from .log import change_session
from .projects import is_switched_on
from .sessions import current


def request(db: Database, session_id: str, project_id: str | None = None) -> Session:
    """Ask the visitor for a rating and log `csat.requested`. A visitor who has rated is not asked again.

    :raises Forbidden: if the project's switch `csatEnabled` is off.
    """
    with change_session(db, session_id, project_id) as change:
        if not is_switched_on(change.tx.connection, change.row["project_id"], "csatEnabled"):
            raise Forbidden("Ratings are switched off for this project.")
        if change.row["csat_score"] is None:
            change.set(csat_requested_at=change.now)
            change.log("csat.requested", {"requestedAt": clock.format_utc(change.now)}, requested_at=change.now)
        return current(change)


def submit(
    db: Database, session_id: str, score: int, comment: str | None = None, *, project_id: str | None = None
) -> bool:
    """Store a visitor's rating and log `csat.submitted`. Only the first one counts.

    :param score: 1 (bad) to 5 (good).
    :param comment: up to 1000 characters; a blank comment counts as none.
    :return: whether the rating was stored.
    :raises InvalidRequest: if a value is invalid.
    """
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
        raise InvalidRequest.field("score", "Must be a whole number from 1 to 5.")
    comment = comment if comment and comment.strip() else None
    check_text("comment", comment or "", MAX_COMMENT)
    with change_session(db, session_id, project_id) as change:
        if change.row["csat_score"] is not None:
            return False
        change.set(csat_score=score, csat_comment=comment, csat_at=change.now)
        payload = {"score": score, **({"comment": comment} if comment else {})}
        change.log("csat.submitted", payload, score=score, comment=comment)
        return True
