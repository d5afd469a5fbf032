"""The two tokens that a browser carries: the signed identity of a customer, and the token of an operator."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ..errors import InvalidRequest, TokenExpired, Unauthorized
from ..values import Identity, Operator
from .signing import Expired, NotSigned, Signed

#: The beginning of operators' tokens. API keys begin differently.
PREFIX = "ppo_"


class Identities:
    """Signs and reads the identities of customers.

    :param secrets: the app's secrets, oldest first.
    :param lifetime: of a signature, in seconds.
    """

    def __init__(self, secrets: Sequence[bytes], lifetime: int) -> None:
        self._signed = Signed(secrets, "identity", lifetime)
        self._name_key = hmac.digest(secrets[-1], b"flask-pocketping.user", "sha256")

    def make(self, identity: Identity) -> str:
        """Return a token for an identity that the host app has confirmed."""
        facts = {
            "id": identity.customer_id,
            "email": identity.email,
            "name": identity.name,
            "metadata": dict(identity.metadata) if identity.metadata else None,
        }
        return self._signed.sign({name: value for name, value in facts.items() if value is not None})

    def read(self, token: object) -> Identity:
        """Return the identity in a token.

        :raises InvalidRequest: if the token is invalid or expired; the details say which.
        """
        try:
            facts, _ = self._signed.read(token)
        except Expired:
            raise InvalidRequest("The identity has expired.", details={"identityToken": ["expired"]}) from None
        except NotSigned:
            raise InvalidRequest(
                "The identity was not signed by this app.", details={"identityToken": ["invalid"]}
            ) from None
        return Identity(facts["id"], facts.get("email"), facts.get("name"), facts.get("metadata"), verified=True)

    def name_of(self, identity: Identity) -> str:
        """What a page may know a customer by: the same for the same one, and telling nothing."""
        return hmac.new(self._name_key, str(identity.customer_id).encode(), hashlib.sha256).hexdigest()[:16]


class OperatorClaims(NamedTuple):
    """The content of an operator's token."""

    operator: Operator
    project_id: str
    expires_at: datetime


class OperatorTokens:
    """Creates and reads operators' tokens. They are not stored, and each one expires.

    :param secrets: the app's secrets, oldest first.
    :param lifetime: in seconds.
    """

    def __init__(self, secrets: Sequence[bytes], lifetime: int) -> None:
        self._signed = Signed(secrets, "operator", lifetime)

    def make(self, operator: Operator, project_id: str) -> str:
        """Return a token for an operator of a project."""
        facts = {"id": operator.id, "name": operator.name, "avatar": operator.avatar, "project": project_id}
        return PREFIX + self._signed.sign(facts)

    def read(self, token: str) -> OperatorClaims:
        """Return the claims of a token.

        :raises Unauthorized: if the token is invalid or expired.
        """
        try:
            facts, expires_at = self._signed.read(token.removeprefix(PREFIX))
        except Expired:
            raise TokenExpired("The operator's token has expired.") from None
        except NotSigned:
            raise Unauthorized("The operator's token is not valid.") from None
        return OperatorClaims(Operator(facts["id"], facts["name"], facts["avatar"]), facts["project"], expires_at)
