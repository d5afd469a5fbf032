"""Wrong API keys and tokens, counted for each address: whoever guesses has to stop long before it leads anywhere."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..config_parsers import Rules
from .rate_limits import Limiter

#: Keys that are remembered to be in use at an address.
REMEMBERED = 1000


class Guesses:
    """The failed attempts of each address, and which keys are in use there.

    A key that was let in from an address goes on to be, however many wrong ones come from there: behind one proxy or
    router, somebody who guesses must not lock the others out.

    :param rules: how many failures an address may have.
    """

    def __init__(self, limiter: Limiter, rules: Rules) -> None:
        self._limiter = limiter
        self._rules = rules
        self._in_use: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str, key_hash: str) -> None:
        """Refuse an attempt, right or wrong, of an address with too many failures.

        Asked before the key is looked at, so how long the answer takes tells nothing of it.

        :raises RateLimited: if it has too many, unless the key is in use there.
        """
        if (address, key_hash) not in self._in_use:
            self._limiter.check(self._rules, "guesses", address)

    def fail(self, address: str, key_hash: str) -> None:
        """Count a failure.

        :raises RateLimited: if it is one too many.
        """
        with self._lock:
            self._in_use.pop((address, key_hash), None)
        self._limiter.hit(self._rules, "guesses", address)

    def succeed(self, address: str, key_hash: str) -> None:
        """Note that a key was let in."""
        with self._lock:
            self._in_use[address, key_hash] = None
            self._in_use.move_to_end((address, key_hash))
            if len(self._in_use) > REMEMBERED:
                self._in_use.popitem(last=False)
