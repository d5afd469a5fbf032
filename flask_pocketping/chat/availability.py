"""Operators who are set online without a connection: by the host's code, or by programs that answer by the API only.

They are rows of the presence table like connections, but nobody renews them: their `seen_at` is ahead of the clock by
as long as they are to count.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from .. import clock
from ..db import Database, Transaction
from ..errors import InvalidRequest
from ..values import Operator
from .presence import LIFETIME, Attendance, attendance, presence

#: Seconds for which somebody may be set online; without a time they stay so until they are set offline.
MAX_SECONDS = 30 * 86400
_FOR_EVER = timedelta(days=36500)


def set_online(
    db: Database,
    project_id: str,
    whose: tuple[str, ...],
    online: bool,
    *,
    operator: Operator | None = None,
    seconds: float | None = None,
) -> tuple[Attendance, Attendance]:
    """Let somebody count as online, or no longer.

    :param whose: what tells them from others who are set online.
    :param operator: who it is, where that is known.
    :param seconds: how long it is to hold, 1 to `MAX_SECONDS`; until it is changed if unset.
    :return: who was there before, and who is there now.
    :raises InvalidRequest: if the time is too short or too long.
    """
    if seconds is not None and not 1 <= seconds <= MAX_SECONDS:
        raise InvalidRequest.field("seconds", f"Must be 1–{MAX_SECONDS}.")
    before = attendance(db, project_id)
    name = name_of(project_id, *whose)
    span = _FOR_EVER if seconds is None else timedelta(seconds=seconds - LIFETIME)
    row = {
        "id": name,
        "project_id": project_id,
        "session_id": None,
        "operator_id": operator and operator.id,
        "operator_name": operator and operator.name,
        "operator_avatar": operator and operator.avatar,
        "available": True,
        "seen_at": clock.now() + span,
    }
    try:
        with db.transaction() as tx:
            withdraw(tx, name)
            if online:
                tx.execute(insert(presence), row)
    except IntegrityError:
        # Another request of theirs was faster, and says the same.
        pass
    return before, attendance(db, project_id)


def withdraw(tx: Transaction, name: str) -> None:
    """Set somebody offline.

    :param name: what `name_of` made.
    """
    tx.execute(delete(presence).where(presence.c.id == name))


def name_of(project_id: str, *whose: str) -> str:
    """The id of the row of somebody who is set online. It tells nothing of a key."""
    return "set_" + hashlib.sha256("\0".join((project_id, *whose)).encode()).hexdigest()[:32]
