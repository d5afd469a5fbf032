"""Handles: session ids with a signature. Only a handle opens the routes for visitors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from itsdangerous import BadSignature, Signer

from ..errors import SessionNotFound


class Handles:
    """Signs and reads handles.

    :param secrets: the app's secrets, oldest first; the last one signs.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        derived = Signer(list(secrets), salt="flask-pocketping.session", digest_method=hashlib.sha256)
        # Derive the keys only once, not for each handle.
        keys = [derived.derive_key(secret) for secret in derived.secret_keys]
        self._signer = Signer(keys, key_derivation="none", digest_method=hashlib.sha256)
        # A page shows its handle with every request. Only those with a good signature are kept.
        self._read = lru_cache(maxsize=4096)(self._signer.unsign)

    def sign(self, session_id: str) -> str:
        """Return the handle of a session, which is always the same."""
        return self._signer.sign(session_id).decode()

    def read(self, handle: object) -> str:
        """Return the id of the session that a handle opens.

        :raises SessionNotFound: if the handle is invalid.
        """
        if not isinstance(handle, str) or not handle.isascii() or len(handle) > 200:
            raise SessionNotFound
        try:
            return self._read(handle).decode()
        except BadSignature:
            raise SessionNotFound from None
