"""The rows of attachments: announced, stored, sent in a message, and deleted.

The storage (`flask_pocketping.files`) has the bytes.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update

from .. import clock
from ..db import Database, Transaction
from ..errors import AttachmentNotFound, InvalidRequest, SessionNotFound
from ..models import Session, table
from ..values import Attachment, AttachmentStatus, Message, MessageType
from .mappers import Row, attachment_value, attachments

sessions = table(Session)

#: The side that uploaded a file. The other side can't send it.
Side = Literal["visitor", "office"]

#: The status of a row that no address reaches and no value shows.
DELETED = "deleted"

#: How many files to remove at a time, because the worker has other tasks.
BATCH = 500

_NOT_YOURS = "Not a file of this conversation that can be sent."


#: The media type of unknown files.
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The thumbnail of a file.

    :ivar path: its path in the storage, now or later.
    :ivar since: when a process began to draw it, in seconds since 1970; 0 if none has; `None` if it is ready.
    """

    path: str
    since: int | None = 0

    @property
    def noted(self) -> str:
        """Return the form in which the file's row stores this."""
        return self.path if self.since is None else f"{self.since}:{self.path}"

    def may_be_drawn(self, lease: timedelta) -> bool:
        """Return whether it is missing and no process is drawing it."""
        # The clock may have gone back.
        return self.since is not None and abs(clock.now().timestamp() - self.since) >= lease.total_seconds()


def side_of(type: MessageType | str) -> Side:
    """Return which side uploads the files for messages of this type: the visitor or the office."""
    return "visitor" if type == MessageType.VISITOR else "office"


def announce(
    db: Database,
    session_id: str,
    *,
    filename: str,
    size: int,
    by: Side,
    lifetime: timedelta,
    project_id: str | None = None,
    path: str = "",
) -> Row:
    """Add the row of an announced file.

    :param lifetime: how long the upload may take.
    :param project_id: the project that the session must belong to, if any.
    :param path: the path in the storage, if known.
    :return: the row, with the secret of the file's address.
    :raises SessionNotFound: if the session does not exist.
    """
    now = clock.now()
    row = {
        "id": clock.new_id("att"),
        "session_id": session_id,
        "by": by,
        "key": secrets.token_hex(20),
        "filename": filename,
        "mime_type": UNKNOWN,
        "size": size,
        "status": AttachmentStatus.PENDING,
        "path": path,
        "created_at": now,
        "expires_at": now + lifetime,
    }
    with db.transaction() as tx:
        found = tx.execute(select(sessions.c.project_id).where(sessions.c.id == session_id)).scalar_one_or_none()
        if found is None or project_id not in {None, found}:
            raise SessionNotFound
        tx.execute(insert(attachments), row)
    return row


def expected(db: Database, attachment_id: str, key: str) -> Row:
    """Return the row of a file that accepts its bytes now.

    :raises AttachmentNotFound: if it does not exist, has expired or has another key.
    """
    row = _by_key(db, attachment_id, key)
    if row is None or row["status"] != AttachmentStatus.PENDING or row["expires_at"] <= clock.now():
        raise AttachmentNotFound
    return row


def find_by_key(db: Database, attachment_id: str, key: str) -> Row:
    """Return the row of a stored file.

    :raises AttachmentNotFound: if it does not exist or has another key.
    """
    row = _by_key(db, attachment_id, key)
    if row is None or row["status"] != AttachmentStatus.READY:
        raise AttachmentNotFound
    return row


def announced(db: Database, session_id: str, attachment_id: str, by: Side) -> Row:
    """Return the row of a file that this side announced in this session, stored or not.

    :raises AttachmentNotFound: if it does not exist.
    """
    row = _row(db, attachment_id)
    if row is None or (row["session_id"], row["by"]) != (session_id, by) or row["status"] == DELETED:
        raise AttachmentNotFound
    return row


def get(db: Database, attachment_id: str) -> Attachment:
    """Return a stored file.

    :raises AttachmentNotFound: if it does not exist.
    """
    row = _row(db, attachment_id)
    if row is None or row["status"] != AttachmentStatus.READY:
        raise AttachmentNotFound
    return attachment_value(row)


def stored(db: Database, attachment_id: str) -> Row:
    """Return the row of a stored file.

    :raises AttachmentNotFound: if it does not exist.
    """
    row = _row(db, attachment_id)
    if row is None or row["status"] != AttachmentStatus.READY:
        raise AttachmentNotFound
    return row


def point(db: Database, attachment_id: str, path: str) -> str:
    """Record the path at which the storage will have an expected file.

    :return: the previous path; empty for the first upload.
    :raises AttachmentNotFound: if the file is no longer expected.
    """
    pending = (attachments.c.id == attachment_id, attachments.c.status == AttachmentStatus.PENDING)
    with db.transaction() as tx:
        before = tx.execute(select(attachments.c.path).where(*pending).with_for_update()).scalar_one_or_none()
        if before is None:
            raise AttachmentNotFound
        tx.execute(update(attachments).where(*pending).values(path=path))
    return str(before)


def is_at(db: Database, attachment_id: str, path: str) -> bool:
    """Return whether the row still has this path."""
    row = _row(db, attachment_id)
    return row is not None and row["path"] == path and row["status"] != DELETED


def complete(db: Database, attachment_id: str, path: str, facts: Mapping[str, Any]) -> bool:
    """Mark a file as ready to be sent.

    :param path: the path of the bytes that the facts describe.
    :param facts: the columns that are known now.
    :return: whether the file was pending and still had this path.
    """
    with db.transaction() as tx:
        made = (
            update(attachments).where(*_pending_at(attachment_id, path)).values(status=AttachmentStatus.READY, **facts)
        )
        return tx.execute(made).rowcount == 1


def thumbnail_of(row: Row) -> Thumbnail | None:
    """Return the thumbnail of a file, or `None` if it has none."""
    since, colon, path = str(row["thumbnail_path"] or "").rpartition(":")
    return Thumbnail(path, int(since) if colon else None) if path else None


def claim_thumbnail(db: Database, attachment_id: str, suffix: str, lease: timedelta) -> tuple[Row, Thumbnail] | None:
    """Claim the drawing of a thumbnail, unless another process is drawing it.

    :param suffix: the end of the thumbnail's path, after the path of the file.
    :param lease: how long the claim is valid, even if the process dies.
    :return: the file's row before the claim, and the thumbnail after it.
    """
    row = _row(db, attachment_id)
    if (
        row is None
        or row["status"] != AttachmentStatus.READY
        or not (before := thumbnail_of(row))
        or not before.may_be_drawn(lease)
    ):
        return None
    claimed = Thumbnail(f"{row['path']}-{suffix}", int(clock.now().timestamp()))
    return (row, claimed) if _change_thumbnail(db, row, before, thumbnail_path=claimed.noted) else None


def finish_thumbnail(db: Database, row: Row, claimed: Thumbnail) -> bool:
    """Record that the storage has a thumbnail.

    :return: whether the thumbnail is still wanted at its path.
    """
    return _change_thumbnail(db, row, claimed, thumbnail_path=claimed.path)


def refuse_picture(db: Database, row: Row, claimed: Thumbnail) -> None:
    """Turn an image that can't be drawn into an ordinary file."""
    plain = {"mime_type": UNKNOWN, "thumbnail_path": None, "width": None, "height": None}
    _change_thumbnail(db, row, claimed, **plain)


def give_up(db: Database, attachment_id: str) -> Row | None:
    """Make a file that was not uploaded unavailable.

    :return: its row, to delete its leftovers in the storage.
    """
    with db.transaction() as tx:
        pending = (attachments.c.id == attachment_id, attachments.c.status == AttachmentStatus.PENDING)
        tx.execute(update(attachments).where(*pending).values(status=DELETED))
    return _row(db, attachment_id)


def to_be_removed(db: Database, lifetime: timedelta) -> Sequence[Row]:
    """Return rows of files to delete from the storage: those of deleted messages, and those without a message.

    :param lifetime: how long a file may wait for its message.
    """
    late = (attachments.c.message_id.is_(None), attachments.c.created_at < clock.now() - lifetime)
    with db.transaction() as tx:
        # After this, no message can claim them.
        tx.execute(
            update(attachments)
            .where(attachments.c.status.in_((AttachmentStatus.PENDING, AttachmentStatus.READY)), *late)
            .values(status=DELETED)
        )
    with db.read() as connection:
        query = select(attachments).where(attachments.c.status == DELETED).limit(BATCH)
        return connection.execute(query).mappings().all()


def remove(db: Database, attachment_id: str) -> None:
    """Delete the row of an unavailable file, after its bytes."""
    with db.transaction() as tx:
        tx.execute(delete(attachments).where(attachments.c.id == attachment_id, attachments.c.status == DELETED))


def find_unsent(
    db: Database, session_id: str, type: MessageType, attachment_ids: Sequence[str]
) -> tuple[Attachment, ...]:
    """Return the stored files with these ids, in this order.

    :param type: the type of the message that will have them.
    :raises AttachmentNotFound: if one does not exist at all.
    :raises InvalidRequest: if one is of another session or side, not stored yet, or in a message already.
    """
    wanted = list(attachment_ids)
    with db.read() as connection:
        rows = connection.execute(select(attachments).where(attachments.c.id.in_(wanted))).mappings().all()
    if {row["id"] for row in rows} != set(wanted):
        raise AttachmentNotFound
    unsent = {
        row["id"]: attachment_value(row)
        for row in rows
        if row["session_id"] == session_id
        and row["by"] == side_of(type)
        and row["status"] == AttachmentStatus.READY
        and row["message_id"] is None
    }
    if len(unsent) != len(wanted):
        raise InvalidRequest.field("attachmentIds", _NOT_YOURS)
    return tuple(unsent[attachment_id] for attachment_id in wanted)


def claim(tx: Transaction, message: Message) -> None:
    """Add files to the message that is being stored.

    :raises InvalidRequest: if another message has claimed one first.
    """
    for position, attachment in enumerate(message.attachments):
        mine = update(attachments).where(
            attachments.c.id == attachment.id,
            attachments.c.message_id.is_(None),
            attachments.c.status == AttachmentStatus.READY,
        )
        if tx.execute(mine.values(message_id=message.id, position=position)).rowcount != 1:
            raise InvalidRequest.field("attachmentIds", _NOT_YOURS)


def discard(tx: Transaction, message_id: str) -> None:
    """Make the files of a deleted message unavailable. The storage deletes them later."""
    tx.execute(update(attachments).where(attachments.c.message_id == message_id).values(status=DELETED))


def _pending_at(attachment_id: str, path: str) -> tuple[Any, ...]:
    return (
        attachments.c.id == attachment_id,
        attachments.c.path == path,
        attachments.c.status == AttachmentStatus.PENDING,
    )


def _change_thumbnail(db: Database, row: Row, noted: Thumbnail, **values: Any) -> bool:
    """Change a row if its file is available and its thumbnail is unchanged."""
    same = (
        attachments.c.id == row["id"],
        attachments.c.thumbnail_path == noted.noted,
        attachments.c.status == AttachmentStatus.READY,
    )
    with db.transaction() as tx:
        return tx.execute(update(attachments).where(*same).values(**values)).rowcount == 1


def _row(db: Database, attachment_id: str) -> Row | None:
    with db.read() as connection:
        return connection.execute(select(attachments).where(attachments.c.id == attachment_id)).mappings().first()


def _by_key(db: Database, attachment_id: str, key: str) -> Row | None:
    """Return the row if the key is right. The time of the comparison says nothing about the key."""
    row = _row(db, attachment_id)
    own = row["key"] if row is not None else secrets.token_hex(20)
    return row if hmac.compare_digest(own.encode(), key.encode()) else None
