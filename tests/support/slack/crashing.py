"""The host app of tests whose worker dies at a chosen step of a post to Slack, by SIGKILL as a crash would be.

`TEST_KILL` names the step: `before` the request, `after` it was accepted, or before it is recorded (`settle`).
`TEST_KILL_TEXT` is in the text of the post that it happens with. It happens once, which the file `killed` tells.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_pocketping.bridges.slack.client import SlackClient
from flask_pocketping.bridges.target import BridgeTarget
from tests.support.wsgi import app as app

_STEP, _TEXT = os.environ["TEST_KILL"], os.environ["TEST_KILL_TEXT"]
_MARK = Path(os.environ["TEST_FOLDER"]) / "killed"
_settle = BridgeTarget.settle


def die() -> None:
    """Die as a crash would have it, once."""
    if not _MARK.exists():
        _MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def dying(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a request, or die before or after it."""

    def call(self: SlackClient, channel: str, text: str, **options: Any) -> Any:
        if _STEP == "before" and _TEXT in text:
            die()
        answer = method(self, channel, text, **options)
        if _STEP == "after" and _TEXT in text:
            die()
        return answer

    return call


def settle_or_die(self: BridgeTarget, tx: Any, batch: Any, outcome: Any) -> Any:
    """Record an attempt, or die instead."""
    if _STEP == "settle" and any(_TEXT in (event.data or "") for event in batch.events):
        die()
    return _settle(self, tx, batch, outcome)


SlackClient.post = dying(SlackClient.post)  # type: ignore[method-assign]
BridgeTarget.settle = settle_or_die  # type: ignore[method-assign]
# The lease of a killed worker is as long as an attempt may take, which no test waits for.
BridgeTarget.timeout = 2.0
