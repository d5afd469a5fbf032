"""The host app of tests whose worker dies at a chosen step of a post, by SIGKILL as a crash would be.

`TEST_KILL` names the step: `before` the request, `after` it was accepted, or before it is recorded (`settle`); when a
thread was just `opened`; or when what an operator wrote was just `stored`, and is not confirmed yet.
`TEST_KILL_TEXT` is in the text of the post that it happens with. It happens once, which the file `killed` tells.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from flask_pocketping.bridges.intake import Intake
from flask_pocketping.bridges.platform import IncomingMessage, Opened, Post, Posted, Thread
from flask_pocketping.bridges.target import BridgeTarget
from flask_pocketping.bridges.telegram.platform import Telegram

from .wsgi import app as app

_STEP, _TEXT = os.environ["TEST_KILL"], os.environ["TEST_KILL_TEXT"]
_MARK = Path(os.environ["TEST_FOLDER"]) / "killed"
_post, _settle, _open, _store = Telegram.post, BridgeTarget.settle, Telegram.open_thread, Intake.store


def die() -> None:
    """Die as a crash would have it, once."""
    if not _MARK.exists():
        _MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def post_or_die(self: Telegram, thread: Thread, post: Post) -> Posted:
    """Post, or die before or after it."""
    if _STEP == "before" and _TEXT in post.text:
        die()
    posted = _post(self, thread, post)
    if _STEP == "after" and _TEXT in post.text:
        die()
    return posted


def settle_or_die(self: BridgeTarget, tx: Any, batch: Any, outcome: Any) -> Any:
    """Record an attempt, or die instead."""
    if _STEP == "settle" and any(_TEXT in (event.data or "") for event in batch.events):
        die()
    return _settle(self, tx, batch, outcome)


def open_or_die(self: Telegram, title: str, header: str, first: Post | None) -> Opened:
    """Open a thread, and die before anybody knows."""
    opened = _open(self, title, header, first)
    if _STEP == "opened" and first is not None and _TEXT in first.text:
        die()
    return opened


def store_or_die(self: Intake, session_id: str, message: IncomingMessage, *rest: Any) -> None:
    """Store what an operator wrote, and die before the platform is told."""
    _store(self, session_id, message, *rest)
    if _STEP == "stored" and _TEXT in message.text:
        die()


Telegram.open_thread = open_or_die  # type: ignore[method-assign]
Intake.store = store_or_die  # type: ignore[method-assign,assignment]
Telegram.post = post_or_die  # type: ignore[method-assign]
BridgeTarget.settle = settle_or_die  # type: ignore[method-assign]
# The lease of a killed worker is as long as an attempt may take, which no test waits for.
BridgeTarget.timeout = 2.0
