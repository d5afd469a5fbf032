"""Attachments: announced, stored, made part of a message, and forgotten where that never happens.

The bytes are with the storage (`flask_pocketping.files`); here is what is known of them.
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

#: Who a file comes from. Neither side can send what the other uploaded.
Side = Literal["visitor", "office"]

#: The status of a row that nobody can reach; no value shows it.
DELETED = "deleted"

#: How many are removed at a time: the worker has other things to do.
BATCH = 500

_NOT_YOURS = "Not a file of this conversation that can be sent."


#: The type of a file that is none of those that are known.
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The small picture of a file.

    :ivar path: where the storage has it, or will.
    :ivar since: when somebody began to draw it, in seconds since 1970, 0 if nobody has; nothing when it is there.
    """

    path: str
    since: int | None = 0

    @property
    def noted(self) -> str:
        """As the file's row has it."""
        return self.path if self.since is None else f"{self.since}:{self.path}"

    def may_be_drawn(self, lease: timedelta) -> bool:
        """Whether it is not there, and nobody is at it."""
        # A clock may have gone back meanwhile.
        return self.since is not None and abs(clock.now().timestamp() - self.since) >= lease.total_seconds()


def side_of(type: MessageType | str) -> Side:
    """Who uploads what messages of this type carry: the visitor, or the office."""
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
    """Note a file that is about to come.

    :param lifetime: how long it may take.
    :param project_id: the project that the session must belong to, if any must.
    :param path: where the storage will have it, if that is known.
    :return: its row, with the secret of its address.
    :raises SessionNotFound: if there is no such session.
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
    """The row of a file whose bytes may come now.

    :raises AttachmentNotFound: if there is none, its time is over, or the key is not its own.
    """
    row = _by_key(db, attachment_id, key)
    if row is None or row["status"] != AttachmentStatus.PENDING or row["expires_at"] <= clock.now():
        raise AttachmentNotFound
    return row


def find_by_key(db: Database, attachment_id: str, key: str) -> Row:
    """The row of a file that can be had.

    :raises AttachmentNotFound: if there is none, or the key is not its own.
    """
    row = _by_key(db, attachment_id, key)
    if row is None or row["status"] != AttachmentStatus.READY:
        raise AttachmentNotFound
    return row


def announced(db: Database, session_id: str, attachment_id: str, by: Side) -> Row:
    """The row of a file that this side announced in this session, whether it has come or not.

    :raises AttachmentNotFound: if there is none.
    """
    row = _row(db, attachment_id)
    if row is None or (row["session_id"], row["by"]) != (session_id, by) or row["status"] == DELETED:
        raise AttachmentNotFound
    return row


def get(db: Database, attachment_id: str) -> Attachment:
    """A file that has come.

    :raises AttachmentNotFound: if there is none.
    """
    row = _row(db, attachment_id)
    if row is None or row["status"] != AttachmentStatus.READY:
        raise AttachmentNotFound
    return attachment_value(row)


def point(db: Database, attachment_id: str, path: str) -> str:
    """Note where the storage is about to have an expected file.

    :return: where it was to be before; empty at the first try.
    :raises AttachmentNotFound: if it is expected no more.
    """
    pending = (attachments.c.id == attachment_id, attachments.c.status == AttachmentStatus.PENDING)
    with db.transaction() as tx:
        before = tx.execute(select(attachments.c.path).where(*pending).with_for_update()).scalar_one_or_none()
        if before is None:
            raise AttachmentNotFound
        tx.execute(update(attachments).where(*pending).values(path=path))
    return str(before)


def is_at(db: Database, attachment_id: str, path: str) -> bool:
    """Whether that is still where the storage has the file."""
    row = _row(db, attachment_id)
    return row is not None and row["path"] == path and row["status"] != DELETED


def complete(db: Database, attachment_id: str, path: str, facts: Mapping[str, Any]) -> bool:
    """Make a file ready to be sent.

    :param path: where the storage has what the facts are about.
    :param facts: columns that are known now.
    :return: whether it was pending, and still at that path.
    """
    with db.transaction() as tx:
        made = (
            update(attachments).where(*_pending_at(attachment_id, path)).values(status=AttachmentStatus.READY, **facts)
        )
        return tx.execute(made).rowcount == 1


def thumbnail_of(row: Row) -> Thumbnail | None:
    """The thumbnail of a file, if it has one or is to have one."""
    since, colon, path = str(row["thumbnail_path"] or "").rpartition(":")
    return Thumbnail(path, int(since) if colon else None) if path else None


def claim_thumbnail(db: Database, attachment_id: str, suffix: str, lease: timedelta) -> tuple[Row, Thumbnail] | None:
    """Begin to draw a thumbnail, if nobody is at it.

    :param suffix: of the path where the storage is about to have it; its beginning is that of the file.
    :param lease: how long it is this caller's to draw; who died over it has no longer either.
    :return: the file's row, as it was before, and the thumbnail as it is noted now.
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
    """Note that the storage has a thumbnail.

    :return: whether it is still wanted there.
    """
    return _change_thumbnail(db, row, claimed, thumbnail_path=claimed.path)


def refuse_picture(db: Database, row: Row, claimed: Thumbnail) -> None:
    """Make a file of a picture that can't be drawn."""
    plain = {"mime_type": UNKNOWN, "thumbnail_path": None, "width": None, "height": None}
    _change_thumbnail(db, row, claimed, **plain)


def give_up(db: Database, attachment_id: str) -> Row | None:
    """Take a file that did not come out of reach.

    :return: its row, for what is left of it in the storage.
    """
    with db.transaction() as tx:
        pending = (attachments.c.id == attachment_id, attachments.c.status == AttachmentStatus.PENDING)
        tx.execute(update(attachments).where(*pending).values(status=DELETED))
    return _row(db, attachment_id)


def to_be_removed(db: Database, lifetime: timedelta) -> Sequence[Row]:
    """Rows of files that the storage may forget: those of deleted messages, and those that no message has.

    :param lifetime: how long a file may wait for its message.
    """
    late = (attachments.c.message_id.is_(None), attachments.c.created_at < clock.now() - lifetime)
    with db.transaction() as tx:
        # From here on no message can claim them.
        tx.execute(
            update(attachments)
            .where(attachments.c.status.in_((AttachmentStatus.PENDING, AttachmentStatus.READY)), *late)
            .values(status=DELETED)
        )
    with db.read() as connection:
        query = select(attachments).where(attachments.c.status == DELETED).limit(BATCH)
        return connection.execute(query).mappings().all()


def remove(db: Database, attachment_id: str) -> None:
    """Forget a file that is out of reach, after the storage did."""
    with db.transaction() as tx:
        tx.execute(delete(attachments).where(attachments.c.id == attachment_id, attachments.c.status == DELETED))


def find_unsent(
    db: Database, session_id: str, type: MessageType, attachment_ids: Sequence[str]
) -> tuple[Attachment, ...]:
    """The stored files with these ids, in that order.

    :param type: of the message that is to carry them.
    :raises AttachmentNotFound: if there is none such at all.
    :raises InvalidRequest: if one is of another session, of the other side, not stored yet or in a message already.
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
    """Make files part of the message that is being stored.

    :raises InvalidRequest: if another message was faster.
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
    """Take the files of a message that is being deleted out of reach; the storage loses them later."""
    tx.execute(update(attachments).where(attachments.c.message_id == message_id).values(status=DELETED))


def _pending_at(attachment_id: str, path: str) -> tuple[Any, ...]:
    return (
        attachments.c.id == attachment_id,
        attachments.c.path == path,
        attachments.c.status == AttachmentStatus.PENDING,
    )


def _change_thumbnail(db: Database, row: Row, noted: Thumbnail, **values: Any) -> bool:
    """Change a row if its file can be had, and its thumbnail is as it was noted."""
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
    """The row, if the key is its own; how long that takes tells nothing of the key."""
    row = _row(db, attachment_id)
    own = row["key"] if row is not None else secrets.token_hex(20)
    return row if hmac.compare_digest(own.encode(), key.encode()) else None
