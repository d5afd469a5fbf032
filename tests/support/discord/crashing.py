"""The host app of tests whose worker dies at a step of a post to Discord, by SIGKILL as a crash would be.

`TEST_KILL` is `before` the request, or `after` it was accepted. `TEST_KILL_TEXT` is in the text of the post that it
happens with. It happens once: the file `killed` in the folder tells.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from flask_pocketping.bridges.discord.platform import DiscordPlatform
from flask_pocketping.bridges.platform import Post, Posted, Thread
from flask_pocketping.bridges.target import BridgeTarget

from ..wsgi import app as app

_MARK = Path(os.environ["TEST_FOLDER"]) / "killed"
_post = DiscordPlatform.post


def die(step: str, post: Post) -> None:
    """Die as a crash would have it, once."""
    if os.environ["TEST_KILL"] == step and os.environ["TEST_KILL_TEXT"] in post.text and not _MARK.exists():
        _MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def post_or_die(self: DiscordPlatform, thread: Thread, post: Post) -> Posted:
    """Post, or die before or after it."""
    die("before", post)
    posted = _post(self, thread, post)
    die("after", post)
    return posted


# So the next worker goes on soon.
BridgeTarget.timeout = 3.0
DiscordPlatform.post = post_or_die  # type: ignore[method-assign]
