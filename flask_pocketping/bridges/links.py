"""The addresses of threads, for operators. A platform may have to be asked for one, so nobody waits for it for long."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict

from .platform import Platform, PlatformError, Thread

logger = logging.getLogger("flask_pocketping")

#: Seconds that a caller waits for an address, and seconds until a platform that had none is asked again.
WAIT = 1.0
AGAIN = 60.0
#: How many addresses are remembered.
REMEMBERED = 2000


class Links:
    """The addresses of the threads of one platform, each asked for once.

    :param wait: the seconds that a caller waits for a new address.
    """

    def __init__(self, platform: Platform, *, wait: float = WAIT) -> None:
        self._platform = platform
        self._wait = wait
        self._lock = threading.Lock()
        self._known: OrderedDict[Thread, tuple[str | None, float]] = OrderedDict()

    def of(self, thread: Thread) -> str | None:
        """Return the address of a thread, or `None` if it has none or is not known yet."""
        now = time.monotonic()
        with self._lock:
            link, until = self._known.get(thread, (None, 0.0))
            if now < until:
                return link
            # Other callers do not ask meanwhile.
            self._keep(thread, None, now + AGAIN)
        asking = threading.Thread(target=self._ask, args=(thread,), name="pocketping-bridge-link", daemon=True)
        asking.start()
        asking.join(self._wait)
        with self._lock:
            return self._known.get(thread, (None, 0.0))[0]

    def _ask(self, thread: Thread) -> None:
        try:
            link = self._platform.link(thread)
        except PlatformError as error:
            logger.info("%s has no address of a thread: %s", self._platform.label, error)
        except Exception:
            logger.exception("The address of a thread on %s could not be found.", self._platform.label)
        else:
            if link is not None:
                with self._lock:
                    self._keep(thread, link, float("inf"))

    def _keep(self, thread: Thread, link: str | None, until: float) -> None:
        self._known[thread] = (link, until)
        self._known.move_to_end(thread)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
