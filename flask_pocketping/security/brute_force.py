"""Counts wrong API keys and tokens per address, to stop people who guess."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..config_parsers import Rules
from .rate_limits import Limiter

#: How many accepted keys to remember.
REMEMBERED = 1000


class Guesses:
    """The failed attempts of each address, and the keys that work there.

    A key that was accepted from an address stays accepted there, even after many wrong ones. So one person who guesses
    can't lock out others behind the same proxy or router.

    :param rules: the limits of failures per address.
    """

    def __init__(self, limiter: Limiter, rules: Rules) -> None:
        self._limiter = limiter
        self._rules = rules
        self._in_use: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str, key_hash: str) -> None:
        """Refuse any attempt from an address with too many failures.

        This happens before the key is compared, so the response time says nothing about the key.

        :raises RateLimited: if there were too many failures, unless the key works there.
        """
        if (address, key_hash) not in self._in_use:
            self._limiter.check(self._rules, "guesses", address)

    def fail(self, address: str, key_hash: str) -> None:
        """Count a failure.

        :raises RateLimited: if the address exceeds its limit.
        """
        with self._lock:
            self._in_use.pop((address, key_hash), None)
        self._limiter.hit(self._rules, "guesses", address)

    def succeed(self, address: str, key_hash: str) -> None:
        """Remember that a key was accepted."""
        with self._lock:
            self._in_use[address, key_hash] = None
            self._in_use.move_to_end((address, key_hash))
            if len(self._in_use) > REMEMBERED:
                self._in_use.popitem(last=False)
