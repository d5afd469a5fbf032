"""Lines that a bridge writes in a thread by itself, such as the answer to a command."""

from __future__ import annotations

import json

from ..chat.bridge_posts import OUT, add_job
from ..db import Transaction
from .text import cut

#: Characters that fit into one post of every platform.
_MOST = 1500


def add_line(
    tx: Transaction, project_id: str, bridge: str, session_id: str, line: str, reply_to: str | None = None
) -> None:
    """Let a bridge post a line in the thread of a conversation, behind what waits there. A long line is cut.

    :param bridge: its name.
    :param reply_to: the platform's id of the message that the line answers.
    """
    payload = {"line": cut(line, _MOST)[0], "reply_to": reply_to}
    add_job(tx, project_id, bridge, OUT, session_id, json.dumps(payload))
