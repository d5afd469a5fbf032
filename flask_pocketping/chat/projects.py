"""Projects and their API keys. A key is shown when it is made; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection

from sqlalchemy import bindparam, insert, select, update

from .. import clock
from ..bounds import MAX_NAME, storable
from ..db import Database, Transaction
from ..errors import APIKeyNotFound, InvalidRequest, ProjectNotFound
from ..models import DEFAULT_PROJECT, table
from ..models import APIKey as APIKeyModel
from ..models import Project as ProjectModel
from ..values import APIKey, Project

projects = table(ProjectModel)
keys = table(APIKeyModel)

_FIND_KEY = select(keys.c.project_id).where(keys.c.key_hash == bindparam("key_hash"), keys.c.revoked_at.is_(None))

# Keeps nobody from writing rows that only refer to the project.
_LOCK = select(projects.c.id).where(projects.c.id == bindparam("id")).with_for_update(key_share=True)


def create_project(db: Database, name: str) -> Project:
    """Make a project.

    :param name: for people, 1 to 200 characters.
    """
    _check_name(name)
    project = Project(clock.new_id("proj"), name, clock.now())
    with db.transaction() as tx:
        tx.execute(insert(projects), {"id": project.id, "name": name, "created_at": project.created_at})
    return project


def list_projects(db: Database) -> list[Project]:
    """All projects, oldest first."""
    with db.read() as connection:
        rows = connection.execute(select(projects).order_by(projects.c.created_at, projects.c.id)).all()
    return [Project(row.id, row.name, row.created_at) for row in rows]


def lock_project(tx: Transaction, project_id: str) -> None:
    """Let nobody else who calls this go on until the end of the transaction; conversations are not held up.

    :raises ProjectNotFound: if there is no such project.
    """
    if tx.execute(_LOCK, {"id": project_id}).first() is None:
        raise ProjectNotFound


def create_key(db: Database, name: str, project_id: str = DEFAULT_PROJECT) -> APIKey:
    """Make an API key; the value's `key` can't be had again.

    :param name: for people, 1 to 200 characters.
    :raises ProjectNotFound: if there is no such project.
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
    """The keys of a project, or of all, revoked ones too, oldest first."""
    query = select(keys).order_by(keys.c.created_at, keys.c.id)
    if project_id is not None:
        query = query.where(keys.c.project_id == project_id)
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [APIKey(row.id, row.project_id, row.name, row.hint, row.created_at, row.revoked_at) for row in rows]


def revoke_key(db: Database, key_id: str) -> None:
    """End a key: requests are refused from now on, and open sockets are closed within `presence.RENEWAL` seconds.

    :raises APIKeyNotFound: if there is none such, or it is revoked already.
    """
    with db.transaction() as tx:
        result = tx.execute(
            update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=clock.now())
        )
        if result.rowcount != 1:
            raise APIKeyNotFound


def project_of_key(db: Database, key: str) -> str | None:
    """The project of a key that is in force, or nothing."""
    with db.read() as connection:
        return connection.execute(_FIND_KEY, {"key_hash": hash_key(key)}).scalar_one_or_none()


def revoked(db: Database, key_hashes: Collection[str]) -> list[str]:
    """Which of these hashes are of keys that were revoked."""
    if not key_hashes:
        return []
    query = select(keys.c.key_hash).where(keys.c.key_hash.in_(list(key_hashes)), keys.c.revoked_at.is_not(None))
    with db.read() as connection:
        return list(connection.execute(query).scalars())


def is_ready(db: Database) -> bool:
    """Whether the tables are there, with the default project in them."""
    query = select(projects.c.id).where(projects.c.id == DEFAULT_PROJECT)
    with db.read() as connection:
        return connection.execute(query).first() is not None


def hash_key(key: str) -> str:
    """The form in which a key is kept: keys have 256 random bits, so a plain SHA-256 tells nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > MAX_NAME or not storable(name):
        raise InvalidRequest.field("name", f"Must be 1–{MAX_NAME} characters, without NUL.")
