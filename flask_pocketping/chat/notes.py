"""Notes in a conversation that only operators see."""

from __future__ import annotations

from .. import clock
from ..bounds import MAX_NAME, check_content, check_line
from ..db import Database
from ..schemas.values import dump_message
from ..values import Message, MessageType
from .log import change_session
from .mappers import insert_message


def add_note(
    db: Database,
    session_id: str,
    content: str,
    *,
    operator_name: str | None = None,
    source_bridge: str | None = None,
) -> Message:
    """Store a system message that visitors do not see, and log `message.created`.

    It is neither a reply nor the last message of the conversation, and a closed conversation takes it too.

    :param content: 1 to 4000 characters.
    :param operator_name: who wrote it, if somebody did.
    :param source_bridge: the bridge that it came from; it is not posted there.
    :raises SessionNotFound: if the session does not exist.
    """
    check_content(content)
    check_line("operatorName", operator_name, MAX_NAME)
    with change_session(db, session_id, origin=source_bridge) as change:
        message = Message(
            id=clock.new_id("msg"),
            session_id=session_id,
            seq=change.row["seq"] + 1,
            content=content,
            type=MessageType.SYSTEM,
            created_at=change.now,
            operator_name=operator_name,
            source_bridge=source_bridge,
            internal=True,
        )
        insert_message(change.tx.connection, message)
        change.log("message.created", {"message": dump_message(message)}, message=message)
        return message
