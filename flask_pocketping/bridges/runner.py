"""`InboundRunner` runs the inbound road of one bridge in a thread, in one process at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from ..chat import bridge_state
from ..db import Database, retried
from ..errors import SchemaError
from .platform import Inbound, PlatformError, Receiver, Throttled, Unanswered, Unreachable

logger = logging.getLogger("flask_pocketping")

#: Seconds after which another process takes over from one that died.
LEASE = 15.0
#: Seconds between two attempts to take the lease.
TRY_AGAIN = 2.0
#: Seconds between two renewals at the least.
RENEWAL = 3.0
#: Seconds to wait after an error, doubled up to the longest; and after one that only new settings end.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
HOPELESS_PAUSE = 300.0


class InboundRunner:
    """Receives what operators write, while this process has the lease.

    :param owner: the name of the process.
    :param run: calls a function in the app's context.
    :param lease: seconds after which another process takes over.
    """

    def __init__(
        self,
        db: Database,
        name: str,
        inbound: Inbound,
        receiver: Receiver,
        *,
        owner: str,
        run: Callable[[Callable[[], None]], None] = lambda work: work(),
        lease: float = LEASE,
    ) -> None:
        self._name = name
        self._inbound = inbound
        self._receiver = receiver
        self._run = run
        self._seconds = lease
        self._lease = bridge_state.lease_of(db, name, owner, lease)
        self._stopping = threading.Event()
        self._renewed_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name=f"pocketping-{self._name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the thread end, without waiting for it."""
        self._stopping.set()

    def stop(self, timeout: float = 6.0) -> None:
        """End the thread and return the lease.

        :param timeout: seconds to wait for the request that is under way.
        """
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        with suppress(SQLAlchemyError, SchemaError):
            self._lease.give_back()

    def is_wanted(self, seconds: float = 0.0) -> bool:
        """Wait up to some seconds, and return whether to go on. This renews the lease."""
        if self._stopping.wait(seconds) if seconds else self._stopping.is_set():
            return False
        if time.monotonic() - self._renewed_at < min(RENEWAL, self._seconds / 4):
            return True
        return self._note(retried(self._lease.renew))

    def _note(self, held: bool) -> bool:
        if held:
            self._renewed_at = time.monotonic()
        return held

    def _work(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                if not self._note(retried(self._lease.take)):
                    self._stopping.wait(min(TRY_AGAIN, self._seconds / 2))
                    continue
                started = time.monotonic()
                self._run(lambda: self._inbound.run(self._receiver, self.is_wanted))
                if time.monotonic() - started > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
                self._stopping.wait(0.05)
            except (Unreachable, Unanswered, Throttled) as error:
                logger.warning("Receiving from %s was interrupted: %s", self._name, error)
                self._stopping.wait(max(pause, error.after) if isinstance(error, Throttled) else pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except PlatformError as error:
                logger.error("The bridge %s receives nothing: %s", self._name, error)
                self._stopping.wait(HOPELESS_PAUSE)
            except Exception as error:
                # Its text may have an address with a token, if it is from a library.
                logger.error("Receiving from %s failed (%s). It goes on soon.", self._name, type(error).__name__)
                self._stopping.wait(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
