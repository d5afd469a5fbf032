"""Signed values with an expiry time, which a browser carries for the app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from .. import clock

#: The longest text to read; ours are shorter.
MAX_LENGTH = 20_000

#: How far the clocks of the signing and the reading machine may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)


class NotSigned(Exception):
    """The text was not signed by this app for this purpose."""


class Expired(NotSigned):
    """The signature is valid but has expired."""


class _Signer(TimestampSigner):
    """Takes the time from `clock`, which tests can set."""

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


class Signed:
    """Signs and reads values for one purpose.

    :param secrets: the app's secrets, oldest first; the last one signs.
    :param purpose: the purpose. A signature for one purpose is invalid for another.
    :param lifetime: in seconds.
    """

    def __init__(self, secrets: Sequence[bytes], purpose: str, lifetime: int) -> None:
        self._lifetime = lifetime
        self._serializer = URLSafeTimedSerializer(
            list(secrets),
            salt=f"flask-pocketping.{purpose}",
            signer=_Signer,
            signer_kwargs={"digest_method": hashlib.sha256},
        )

    def sign(self, value: Mapping[str, Any]) -> str:
        """Return the value as signed text that is safe in a URL."""
        text = self._serializer.dumps(dict(value))
        return text if isinstance(text, str) else text.decode()

    def read(self, text: object) -> tuple[dict[str, Any], datetime]:
        """Return a signed value and its expiry time.

        :raises Expired: if it has expired, or was signed more than one minute in the future.
        :raises NotSigned: if the signature is invalid.
        """
        if not isinstance(text, str) or not text.isascii() or len(text) > MAX_LENGTH:
            raise NotSigned
        try:
            value, signed_at = self._serializer.loads(text, return_timestamp=True)
        except BadSignature:
            raise NotSigned from None
        # `max_age` would treat a signature from one second in the future as expired.
        now, lifetime = clock.now(), timedelta(seconds=self._lifetime)
        if not -CLOCK_TOLERANCE <= now - signed_at <= lifetime:
            raise Expired
        return dict(value), min(signed_at.astimezone(UTC), now) + lifetime
