"""Identities of visitors and custom events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bounds import MAX_EVENT_NAME, check_identity, check_json, check_line
from ..db import Database
from ..errors import InvalidRequest
from ..schemas.values import dump_identity
from ..values import Identity, Session
from .contact import with_contact
from .idempotency import IdempotentRequest
from .log import Change, change_session
from .sessions import current, identity_columns, session_value

_EMPTY = "Send at least one of email, name, customerId and metadata."


def identify(
    db: Database,
    session_id: str,
    identity: Identity,
    *,
    project_id: str | None = None,
) -> Session:
    """Store who a visitor is and log `visitor.identified`.

    Fields that the new identity omits keep their values. An unverified identity does not replace a verified one.

    :raises InvalidRequest: if the identity is empty.
    """
    check_identity(identity)
    if _given(identity).keys() <= {"identity_verified"}:
        raise InvalidRequest(_EMPTY)
    with change_session(db, session_id, project_id) as change:
        note_identity(change, identity)
        return current(change)


def note_identity(change: Change, identity: Identity) -> None:
    """Store a checked identity within a change, like `identify`."""
    given = _given(identity)
    if change.row["identity_verified"] and not identity.verified:
        return
    if identity.verified and not change.row["identity_verified"]:
        # Unverified facts from the page must not mix with verified ones.
        given = identity_columns(identity)
    elif not identity.verified:
        given = with_contact(given, change.row["identity_metadata"])
    known = session_value({**change.row, **given}, None).identity
    if known is None:
        raise InvalidRequest(_EMPTY)
    if given.items() <= change.row.items():
        return
    change.set(**given)
    change.log("visitor.identified", {"identity": dump_identity(known)}, session=current(change))


def _given(identity: Identity) -> dict[str, Any]:
    return {name: value for name, value in identity_columns(identity).items() if value is not None}


def send_event(
    db: Database,
    session_id: str,
    name: str,
    data: Any = None,
    *,
    project_id: str | None = None,
    idempotency: IdempotentRequest | None = None,
) -> None:
    """Send a custom event to the visitor's page (`event.sent` in the log)."""
    with change_session(db, session_id, project_id) as change:
        if idempotency:
            idempotency.claim(change.tx)
        change.log("event.sent", _event(name, data), name=name, data=data)
        if idempotency:
            idempotency.keep(change.tx, None)


def receive_event(db: Database, session_id: str, name: str, data: Any = None) -> None:
    """Log a custom event of the visitor's page as `event.received`."""
    with change_session(db, session_id) as change:
        change.log("event.received", _event(name, data), name=name, data=data)


def _event(name: str, data: Any) -> Mapping[str, Any]:
    check_line("name", name, MAX_EVENT_NAME)
    check_json("data", data)
    return {"name": name, "data": data}
