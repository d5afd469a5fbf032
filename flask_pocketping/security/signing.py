"""Values with a signature and an end: what the app once said, carried by a browser, believed until it runs out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

from .. import clock

#: Longer than any that we make.
MAX_LENGTH = 20_000

#: How far the clocks of the machines that sign and read may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)


class NotSigned(Exception):
    """The text is none that this app signed for the purpose."""


class Expired(NotSigned):
    """It is, but its time is over."""


class _Signer(TimestampSigner):
    """Tells the time by the one clock."""

    def get_timestamp(self) -> int:
        return int(clock.now().timestamp())


class Signed:
    """Signs and reads values of one purpose.

    :param secrets: the app's secrets, oldest first; the last one signs.
    :param purpose: what one purpose signs, no other one takes.
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
        """The value as text that can stand in an address."""
        text = self._serializer.dumps(dict(value))
        return text if isinstance(text, str) else text.decode()

    def read(self, text: object) -> tuple[dict[str, Any], datetime]:
        """A value that was signed, and when its time is over.

        :raises Expired: if that was before now, or it was signed more than a minute after now.
        :raises NotSigned: if it is none of ours.
        """
        if not isinstance(text, str) or not text.isascii() or len(text) > MAX_LENGTH:
            raise NotSigned
        try:
            value, signed_at = self._serializer.loads(text, return_timestamp=True)
        except BadSignature:
            raise NotSigned from None
        # Not by `max_age`, which takes a signature of a clock that is one second ahead for an expired one.
        now, lifetime = clock.now(), timedelta(seconds=self._lifetime)
        if not -CLOCK_TOLERANCE <= now - signed_at <= lifetime:
            raise Expired
        return dict(value), min(signed_at.astimezone(UTC), now) + lifetime
