"""Facts about the web server of this process."""

from __future__ import annotations

import signal
import sys
from typing import Any


def gunicorn_worker() -> Any:
    """Return the gunicorn worker of this process, or `None`. Its SIGTERM handler leads to it."""
    worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return worker if hasattr(worker, "cfg") and hasattr(worker, "alive") else None


def server_stops() -> bool:
    """Return whether gunicorn has told this process to stop."""
    worker = gunicorn_worker()
    return worker is not None and not worker.alive


def is_gevent_patched() -> bool:
    """Return whether gevent makes threads greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def open_files_limit() -> int:
    """Return how many files, including sockets, this process may open."""
    if sys.platform == "win32":
        return 512
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft
