"""Authenticates callers of the REST API: a program by the API key of a project, or an operator by a token."""

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
    """An authenticated caller.

    :ivar project_id: the project whose conversations it may open.
    :ivar counted: the key for counting its requests; it says nothing about the API key.
    :ivar key_hash: the hash of its API key, if it has one.
    :ivar operator: the operator, for a person.
    :ivar expires_at: when the operator's token expires.
    """

    project_id: str
    counted: tuple[str, ...]
    key_hash: str | None = None
    operator: Operator | None = None
    expires_at: datetime | None = None


def authenticate(state: State) -> Client:
    """Authenticate a request.

    :raises Unauthorized: if it has no valid key or token.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthorized
    return client_of(state, key.strip(), request.remote_addr)


def client_of(state: State, key: str, address: str | None) -> Client:
    """Authenticate a key or token from outside a request header, like `authenticate`.

    :param address: the address whose failures are counted.
    :raises Unauthorized: if the key or token is invalid.
    :raises RateLimited: if the address had too many failures.
    """
    hashed, counted = hash_key(key), address_key(address)
    state.guesses.check(counted, hashed)
    try:
        client = _find_client(state, key, hashed)
    except TokenExpired:
        # This is no guess. The token was valid once, and a page that was suspended still sends it.
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
    # The index is searched for a hash, so its timing reveals nothing about a key.
    project_id = project_of_key(state.db, key)
    if project_id is None:
        raise Unauthorized("The API key is not valid.")
    return Client(project_id, ("key", hashed), hashed)
