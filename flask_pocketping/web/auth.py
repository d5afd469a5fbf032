"""Who is calling the back office: the project of an API key."""

from __future__ import annotations

import hmac

from flask import request

from ..chat.projects import hash_key, project_of_key
from ..errors import Unauthorized
from .state import State


def authenticate(state: State) -> tuple[str, str]:
    """Find out whose the request is.

    :return: the project, and a name of the key that tells nothing of it.
    :raises Unauthorized: if there is no key or none that is in force.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized
    return project_of(state, key.strip())


def project_of(state: State, key: str) -> tuple[str, str]:
    """As `authenticate`, for a key that came otherwise."""
    hashed = hash_key(key)
    if state.api_key_hash is not None and hmac.compare_digest(hashed, state.api_key_hash):
        return state.default_project, hashed
    # The index is searched for a hash, so the time that takes tells nothing of any key.
    project_id = project_of_key(state.db, key)
    if project_id is None:
        raise Unauthorized("The API key is not valid.")
    return project_id, hashed
