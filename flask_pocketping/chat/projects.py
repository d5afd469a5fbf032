"""Projects and their API keys. A key is shown once; the database has only its SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from .. import clock
from ..bounds import MAX_NAME, storable
from ..db import Database, Transaction
from ..errors import APIKeyNotFound, InvalidRequest, ProjectNotFound
from ..models import DEFAULT_PROJECT, table
from ..models import APIKey as APIKeyModel
from ..models import Project as ProjectModel
from ..values import PROJECT_SWITCHES, APIKey, Project
from .availability import name_of, withdraw
from .log import sessions

projects = table(ProjectModel)
keys = table(APIKeyModel)

_FIND_KEY = select(keys.c.project_id).where(keys.c.key_hash == bindparam("key_hash"), keys.c.revoked_at.is_(None))

# This lock lets others write rows that only refer to the project.
_LOCK = select(projects.c.id).where(projects.c.id == bindparam("id")).with_for_update(key_share=True)


def create_project(db: Database, name: str) -> Project:
    """Create a project.

    :param name: a label, 1 to 200 characters.
    """
    _check_name(name)
    project = Project(clock.new_id("proj"), name, clock.now())
    with db.transaction() as tx:
        tx.execute(insert(projects), {"id": project.id, "name": name, "created_at": project.created_at})
    return project


def list_projects(db: Database) -> list[Project]:
    """Return all projects, oldest first."""
    with db.read() as connection:
        rows = connection.execute(select(projects).order_by(projects.c.created_at, projects.c.id)).all()
    return [_project_value(row) for row in rows]


def get_project(db: Database, project_id: str) -> Project:
    """Find a project.

    :raises ProjectNotFound: if there is none such.
    """
    with db.read() as connection:
        row = connection.execute(select(projects).where(projects.c.id == project_id)).one_or_none()
    if row is None:
        raise ProjectNotFound
    return _project_value(row)


def find_projects(db: Database, project_ids: Sequence[str]) -> list[Project]:
    """Return those of some projects that exist, in the given order."""
    query = select(projects).where(projects.c.id.in_(list(project_ids)))
    with db.read() as connection:
        found = {row.id: _project_value(row) for row in connection.execute(query)}
    return [found[project_id] for project_id in dict.fromkeys(project_ids) if project_id in found]


def set_switches(db: Database, project_id: str, changes: Mapping[str, bool]) -> Project:
    """Set some of a project's switches; the others stay.

    :param changes: by their names in `PROJECT_SWITCHES`.
    :raises ProjectNotFound: if there is no such project.
    :raises InvalidRequest: if there is no such switch.
    """
    for name in changes:
        if name not in PROJECT_SWITCHES:
            raise InvalidRequest.field(name, f"Must be one of {', '.join(PROJECT_SWITCHES)}.")
    with db.transaction() as tx:
        lock_project(tx, project_id)
        row = tx.execute(select(projects).where(projects.c.id == project_id)).one()
        switches = {**(row.switches or {}), **changes}
        tx.execute(update(projects).where(projects.c.id == project_id).values(switches=switches))
    return Project(row.id, row.name, row.created_at, switches)


def is_switched_on(connection: Connection, project_id: str, name: str) -> bool:
    """Return one of a project's switches.

    :param name: its name in `PROJECT_SWITCHES`. Others are off, such as those of a bridge of the host.
    """
    switches = connection.execute(select(projects.c.switches).where(projects.c.id == project_id)).scalar_one_or_none()
    return bool((switches or {}).get(name, PROJECT_SWITCHES.get(name, False)))


def count_sessions(db: Database, project_id: str) -> int:
    """Count the conversations of a project, closed ones too."""
    query = select(func.count()).select_from(sessions).where(sessions.c.project_id == project_id)
    with db.read() as connection:
        return connection.execute(query).scalar_one()


def lock_project(tx: Transaction, project_id: str) -> None:
    """Lock a project until the end of the transaction. Only callers of this function wait, not conversations.

    :raises ProjectNotFound: if the project does not exist.
    """
    if tx.execute(_LOCK, {"id": project_id}).first() is None:
        raise ProjectNotFound


def create_key(db: Database, name: str, project_id: str = DEFAULT_PROJECT) -> APIKey:
    """Create an API key. The returned value has the `key`, which can't be read again.

    :param name: a label, 1 to 200 characters.
    :raises ProjectNotFound: if the project does not exist.
    """
    _check_name(name)
    key = "pp_" + secrets.token_urlsafe(32)
    value = APIKey(clock.new_id("key"), project_id, name, key[:7] + "…" + key[-4:], clock.now(), key=key)
    row = {
        "id": value.id,
        "project_id": project_id,
        "name": name,
        "hint": value.hint,
        "key_hash": hash_key(key),
        "created_at": value.created_at,
    }
    with db.transaction() as tx:
        if tx.execute(select(projects.c.id).where(projects.c.id == project_id)).one_or_none() is None:
            raise ProjectNotFound
        tx.execute(insert(keys), row)
    return value


def list_keys(db: Database, project_id: str | None = None) -> list[APIKey]:
    """Return the keys of a project, or of all projects, oldest first and including revoked ones."""
    query = select(keys).order_by(keys.c.created_at, keys.c.id)
    if project_id is not None:
        query = query.where(keys.c.project_id == project_id)
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [APIKey(row.id, row.project_id, row.name, row.hint, row.created_at, row.revoked_at) for row in rows]


def revoke_key(db: Database, key_id: str) -> None:
    """Revoke a key. Requests are refused now, and open sockets are closed within `presence.RENEWAL` seconds.

    :raises APIKeyNotFound: if the key does not exist or is revoked already.
    """
    with db.transaction() as tx:
        result = tx.execute(
            update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=clock.now())
        )
        if result.rowcount != 1:
            raise APIKeyNotFound
        row = tx.execute(select(keys.c.project_id, keys.c.key_hash).where(keys.c.id == key_id)).one()
        withdraw(tx, name_of(row.project_id, "key", row.key_hash))


def project_of_key(db: Database, key: str) -> str | None:
    """Return the project of an active key, or `None`."""
    with db.read() as connection:
        return connection.execute(_FIND_KEY, {"key_hash": hash_key(key)}).scalar_one_or_none()


def revoked(db: Database, key_hashes: Collection[str]) -> list[str]:
    """Return which of these hashes belong to revoked keys."""
    if not key_hashes:
        return []
    query = select(keys.c.key_hash).where(keys.c.key_hash.in_(list(key_hashes)), keys.c.revoked_at.is_not(None))
    with db.read() as connection:
        return list(connection.execute(query).scalars())


def is_ready(db: Database) -> bool:
    """Return whether the tables and the default project exist."""
    query = select(projects.c.id).where(projects.c.id == DEFAULT_PROJECT)
    with db.read() as connection:
        return connection.execute(query).first() is not None


def hash_key(key: str) -> str:
    """Return the stored form of a key. A plain SHA-256 is safe for keys with 256 random bits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _project_value(row: Row[Any]) -> Project:
    return Project(row.id, row.name, row.created_at, row.switches or {})


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not storable(name):
        raise InvalidRequest.field("name", f"Must be 1–{MAX_NAME} characters, without NUL.")
