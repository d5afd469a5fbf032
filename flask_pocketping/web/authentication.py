"""Who is calling the back office: a program by the API key of a project, or an operator by their token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from flask import request

from ..chat.projects import hash_key, project_of_key
from ..errors import TokenExpired, Unauthorized
from ..security.rate_limits import address_key
from ..security.tokens import PREFIX
from ..state import State
from ..values import Operator


@dataclass(frozen=True)
class Client:
    """Who was let in.

    :ivar project_id: whose conversations are open to it.
    :ivar counted: what its requests count for; tells nothing of a key.
    :ivar key_hash: that of its API key, if it has one.
    :ivar operator: who it is, if it is a person.
    :ivar expires_at: when a person's token ends.
    """

    project_id: str
    counted: tuple[str, ...]
    key_hash: str | None = None
    operator: Operator | None = None
    expires_at: datetime | None = None


def authenticate(state: State) -> Client:
    """Find out whose the request is.

    :raises Unauthorized: if there is no key or token, or none that is in force.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized
    return client_of(state, key.strip(), request.remote_addr)


def client_of(state: State, key: str, address: str | None) -> Client:
    """As `authenticate`, for a key or token that came otherwise.

    :param address: whom a failure counts for.
    :raises Unauthorized: if it is none that is in force.
    :raises RateLimited: if too many of the address were not.
    """
    hashed, counted = hash_key(key), address_key(address)
    state.guesses.check(counted, hashed)
    try:
        client = _find_client(state, key, hashed)
    except TokenExpired:
        # Nobody guessed it: it was good once, and a page that slept brings it.
        raise
    except Unauthorized:
        state.guesses.fail(counted, hashed)
        raise
    state.guesses.succeed(counted, hashed)
    return client


def _find_client(state: State, key: str, hashed: str) -> Client:
    if state.api_key_hash is not None and hmac.compare_digest(hashed, state.api_key_hash):
        return Client(state.default_project, ("key", hashed), hashed)
    if key.startswith(PREFIX):
        found = state.operator_tokens.read(key)
        counted = ("operator", found.project_id, found.operator.id)
        return Client(found.project_id, counted, operator=found.operator, expires_at=found.expires_at)
    # The index is searched for a hash, so the time that takes tells nothing of any key.
    project_id = project_of_key(state.db, key)
    if project_id is None:
        raise Unauthorized("The API key is not valid.")
    return Client(project_id, ("key", hashed), hashed)
