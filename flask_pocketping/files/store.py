"""`Files` stores the files of conversations, finds their types and opens them for responses.

The routes in `web/uploads.py`, the host's own calls and the periodic tasks use it. Every stored file has its row
first. So a process may die at any point, and the periodic task finds the leftovers.
"""

from __future__ import annotations

import contextlib
import io
import logging
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO, cast

from ..chat import attachments
from ..chat.attachments import UNKNOWN, Thumbnail
from ..chat.mappers import Row
from ..db import Database, retried
from ..errors import AttachmentNotFound, InvalidRequest, PayloadTooLarge, Unavailable
from ..values import Attachment, AttachmentStatus
from . import thumbnails
from .measure import Measure, NotMeasured, measure
from .media_types import HEAD, IMAGES, clean_filename, kind_of
from .storage import CHUNK, Readable, Storage, Stored
from .thumbnails import Interrupted, Refused, Thumbnails

logger = logging.getLogger("flask_pocketping")

#: How long the address of an announced file accepts its bytes.
UPLOAD_LIFETIME = timedelta(minutes=15)
#: How long a file without a message is kept.
UNSENT_LIFETIME = timedelta(hours=24)
#: How long one process may take for a thumbnail: `thumbnails.MOST_WAIT` and some time to store it.
THUMBNAIL_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Upload:
    """An announced file.

    :ivar attachment_id: its public id.
    :ivar path: the end of the address that accepts its bytes.
    :ivar expires_at: when the address expires.
    """

    attachment_id: str
    path: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Served:
    """A file for a response.

    :ivar filename: its name.
    :ivar mime_type: its media type.
    :ivar size: its size in bytes, if known.
    :ivar stream: its bytes; the caller closes the stream.
    :ivar final: whether the content never changes. It is false for an image that replaces its missing thumbnail.
    """

    filename: str
    mime_type: str
    size: int | None
    stream: Stored
    final: bool = True


class Files:
    """The files of one app.

    :param max_size: the largest file, in bytes.
    """

    def __init__(self, db: Database, storage: Storage, max_size: int) -> None:
        self._db = db
        self._storage = storage
        self.max_size = max_size
        self._thumbnails = Thumbnails(self._draw)

    def close(self) -> None:
        """Stop drawing thumbnails. The next request for an unfinished one draws it."""
        self._thumbnails.close()

    def announce(self, session_id: str, filename: str, size: int, *, by: attachments.Side) -> Upload:
        """Announce a file.

        :param size: the exact size in bytes.
        :raises PayloadTooLarge: if the file is too large.
        """
        if size < 1:
            raise InvalidRequest.field("size", "Must be at least 1: there is nothing in the file.")
        if size > self.max_size:
            raise self._too_large()
        row = self._announce(session_id, filename, size, by)
        return Upload(row["id"], f"{row['id']}/{row['key']}", row["expires_at"])

    def receive(self, attachment_id: str, key: str, stream: Callable[[int], Readable]) -> None:
        """Store the bytes of an announced file. A client may repeat this until the file is completed.

        :param stream: opens the bytes, given the limit of their number.
        :raises AttachmentNotFound: if no file is expected there, or a repeated upload came in between.
        :raises PayloadTooLarge: if there are more bytes than announced.
        :raises InvalidRequest: if there are fewer bytes than announced.
        :raises Unavailable: if the storage fails; the client may repeat the upload.
        """
        expected = attachments.expected(self._db, attachment_id, key)
        incoming = Counted(stream(expected["size"]), expected["size"], "More bytes came than were announced.")
        path = _new_path()
        self._point(attachment_id, path)
        try:
            with _answering("store", incoming):
                self._storage.write(path, Exactly(incoming, expected["size"]))
        except FileNotFoundError:
            raise AttachmentNotFound from None
        if not attachments.is_at(self._db, attachment_id, path):
            with _answering("remove"):
                self._storage.delete(path)
            raise AttachmentNotFound

    def complete(self, session_id: str, attachment_id: str, *, by: attachments.Side) -> Attachment:
        """Complete an upload and find the file's type. Completing it again changes nothing.

        This measures an image without decoding it. Its thumbnail is drawn later.

        :raises AttachmentNotFound: if this side announced no such file in the session.
        :raises InvalidRequest: if the upload is incomplete.
        :raises Unavailable: if the storage can't read the file.
        """
        row = attachments.announced(self._db, session_id, attachment_id, by)
        if row["status"] == AttachmentStatus.READY:
            return attachments.get(self._db, attachment_id)
        return self._finish(attachment_id, row["path"], row["size"])

    def add(
        self,
        session_id: str,
        filename: str,
        stream: Readable,
        *,
        by: attachments.Side,
        project_id: str | None = None,
    ) -> Attachment:
        """Store a complete file in one step.

        :param project_id: the project that the session must belong to, if any.
        :raises PayloadTooLarge: if the file is too large.
        :raises InvalidRequest: if the file is empty.
        :raises Unavailable: if the storage fails; then nothing is left of the file.
        """
        path = _new_path()
        row = self._announce(session_id, filename, 0, by, project_id, path)
        counted = Counted(stream, self.max_size, self._too_large().message)
        try:
            with _answering("store", counted):
                self._storage.write(path, counted)
            if not counted.size:
                raise InvalidRequest("There is nothing in the file.")
        except BaseException:
            self._forget(row["id"])
            raise
        return self._finish(row["id"], path, counted.size)

    def find(self, attachment_id: str, key: str, *, thumbnail: bool = False) -> Served:
        """Open the file of an address.

        :param thumbnail: whether to open the thumbnail. Until it is ready, this opens the image.
        :raises AttachmentNotFound: if the file does not exist, is deleted or has another key.
        :raises Unavailable: if the storage can't read the file.
        """
        row = attachments.find_by_key(self._db, attachment_id, key)
        if not thumbnail:
            return Served(row["filename"], row["mime_type"], row["size"], self._open(row, row["path"]))
        small = attachments.thumbnail_of(row)
        if small is None:
            raise AttachmentNotFound
        if small.since is None:
            return Served(f"{row['filename']}.webp", thumbnails.MIME_TYPE, None, self._open(row, small.path))
        if small.may_be_drawn(THUMBNAIL_LEASE):
            self._thumbnails.want(attachment_id)
        return Served(row["filename"], row["mime_type"], row["size"], self._open(row, row["path"]), final=False)

    def open(self, attachment_id: str) -> Stored:
        """Open the bytes of a stored file. The caller closes them.

        :raises AttachmentNotFound: if the file does not exist or is deleted.
        :raises Unavailable: if the storage can't read the file.
        """
        row = attachments.stored(self._db, attachment_id)
        return self._open(row, row["path"])

    def sweep(self) -> int:
        """Delete some hundred files of deleted messages, and files that belong to no message after a day.

        :return: the number of deleted files.
        :raises OSError: if some files could not be deleted; the others are.
        :raises Unavailable: if the bucket is unreachable, so further attempts make no sense.
        """
        found = attachments.to_be_removed(self._db, UNSENT_LIFETIME)
        failed: OSError | None = None
        for row in found:
            try:
                self._remove(row)
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed
        return len(found)

    def _announce(
        self,
        session_id: str,
        filename: str,
        size: int,
        by: attachments.Side,
        project_id: str | None = None,
        path: str = "",
    ) -> Row:
        named = clean_filename(filename)
        return retried(
            lambda: attachments.announce(
                self._db,
                session_id,
                filename=named,
                size=size,
                by=by,
                lifetime=UPLOAD_LIFETIME,
                project_id=project_id,
                path=path,
            )
        )

    def _finish(self, attachment_id: str, path: str, size: int) -> Attachment:
        if not path:
            raise _not_here()
        try:
            with _answering("read"):
                facts = self._facts(path, size)
        except FileNotFoundError:
            raise _not_here() from None
        if retried(lambda: attachments.complete(self._db, attachment_id, path, {**facts, "size": size})):
            if facts.get("thumbnail_path"):
                self._thumbnails.want(attachment_id)
        # Another request has repeated the upload or completed it.
        elif not attachments.is_at(self._db, attachment_id, path):
            raise _not_here()
        return attachments.get(self._db, attachment_id)

    def _facts(self, path: str, size: int) -> dict[str, Any]:
        stored = self._storage.open(path)
        try:
            head = _read_head(stored)
            kind = kind_of(head)
            if kind not in IMAGES:
                return {"mime_type": kind}
            measured = _measured(Rejoined(head, stored), kind, size)
        finally:
            stored.close()
        if measured is None:
            return {"mime_type": UNKNOWN}
        facts = {"mime_type": kind, "width": measured.width, "height": measured.height}
        if thumbnails.can_draw(kind):
            facts["thumbnail_path"] = Thumbnail(f"{path}-{secrets.token_hex(4)}").noted
        return facts

    def _draw(self, attachment_id: str) -> None:
        """Draw and store a thumbnail, unless another process is drawing it."""
        suffix = secrets.token_hex(4)
        found = retried(lambda: attachments.claim_thumbnail(self._db, attachment_id, suffix, THUMBNAIL_LEASE))
        if found is None:
            return
        row, claimed = found
        try:
            self._forget_thumbnail(row)
            drawn = self._drawn(row)
            self._storage.write(claimed.path, io.BytesIO(drawn))
        except Refused as refused:
            logger.info("Attachment %s is no picture that can be drawn: %s.", attachment_id, refused)
            retried(lambda: attachments.refuse_picture(self._db, row, claimed))
        except (Interrupted, OSError, Unavailable) as error:
            # The first request after the lease tries again.
            logger.warning("The thumbnail of attachment %s could not be made now: %s.", attachment_id, error)
        else:
            if not retried(lambda: attachments.finish_thumbnail(self._db, row, claimed)):
                self._storage.delete(claimed.path)

    def _drawn(self, row: Row) -> bytes:
        # The drawing process needs a file of the system, with any storage.
        with tempfile.TemporaryFile() as file:
            stored = self._storage.open(row["path"])
            try:
                while part := stored.read(CHUNK):
                    file.write(part)
                    # Under gevent, this lets other requests run.
                    time.sleep(0)
            finally:
                stored.close()
            file.seek(0)
            return self._thumbnails.draw(cast(BinaryIO, file), row["mime_type"])

    def _forget_thumbnail(self, row: Row) -> None:
        """Delete what a process that died may have stored as the thumbnail."""
        before = attachments.thumbnail_of(row)
        if before is not None and before.since:
            self._storage.delete(before.path)

    def _open(self, row: Row, path: str) -> Stored:
        try:
            with _answering("read"):
                return self._storage.open(path)
        except FileNotFoundError:
            logger.error("The storage has lost the file of attachment %s.", row["id"])
            raise AttachmentNotFound from None

    def _point(self, attachment_id: str, path: str) -> None:
        """Record the new path of the file, and delete the previous upload."""
        before = retried(lambda: attachments.point(self._db, attachment_id, path))
        if before:
            with _answering("remove"):
                self._storage.delete(before)

    def _forget(self, attachment_id: str) -> None:
        row = attachments.give_up(self._db, attachment_id)
        if row is not None:
            # If this fails, no address leads to the file, and the sweep deletes it later.
            with contextlib.suppress(OSError, Unavailable):
                self._remove(row)

    def _remove(self, row: Row) -> None:
        """Delete the bytes first. If the process dies in between, the periodic task finds the row again."""
        small = attachments.thumbnail_of(row)
        for path in (row["path"], small.path if small else ""):
            if path:
                self._storage.delete(path)
        attachments.remove(self._db, row["id"])

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"Files can be up to {format_size(self.max_size)}.")


def format_size(size: int) -> str:
    """Write a size for people, such as `10 MB` or `1.5 kB`.

    :param size: in bytes.
    """
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} bytes"


class Counted:
    """Counts the bytes that it reads, and raises if there are too many."""

    def __init__(self, stream: Readable, most: int, refusal: str) -> None:
        self._stream = stream
        self._most = most
        self._refusal = refusal
        self.size = 0
        self.broken = False

    def read(self, size: int = CHUNK, /) -> bytes:
        try:
            data = self._stream.read(size)
        except BaseException:
            self.broken = True
            raise
        self.size += len(data)
        if self.size > self._most:
            raise PayloadTooLarge(self._refusal)
        return data


class Exactly:
    """Raises if a stream ends too early."""

    def __init__(self, stream: Counted, size: int) -> None:
        self._stream = stream
        self._size = size

    def read(self, size: int = CHUNK, /) -> bytes:
        data = self._stream.read(size)
        if not data and self._stream.size < self._size:
            raise InvalidRequest(f"Only {self._stream.size} of {self._size} bytes came.")
        return data


class Rejoined:
    """A stream whose first bytes were already read, from its beginning."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = CHUNK, /) -> bytes:
        if not self._head:
            return self._rest.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


@contextmanager
def _answering(what: str, incoming: Counted | None = None) -> Iterator[None]:
    """Log a failure of the storage, such as a full disk, and ask the client to try again.

    :param what: what the storage does with the file, for the log.
    :param incoming: the source of the bytes. Its errors are not failures of the storage.
    :raises Unavailable: instead of an `OSError`, except if the file does not exist.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if incoming is not None and incoming.broken:
            raise
        logger.error("The storage can't %s a file: %s", what, error)
        raise Unavailable(
            f"Files can't be {'read' if what == 'read' else 'stored'} right now. Try again soon.",
            headers={"Retry-After": "30"},
        ) from error


def _measured(stream: Readable, mime_type: str, size: int) -> Measure | None:
    try:
        return measure(stream, mime_type, size)
    except NotMeasured as reason:
        logger.info("A file is not shown as %s: %s.", mime_type, reason)
        return None


def _read_head(stream: Readable) -> bytes:
    head = b""
    while len(head) < HEAD and (part := stream.read(HEAD - len(head))):
        head += part
    return head


def _new_path() -> str:
    """Make a random path that says nothing about the owner. Folders of two letters keep each folder small."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name}"


def _not_here() -> InvalidRequest:
    return InvalidRequest.field("attachmentId", "The file has not arrived yet. Send it to its uploadUrl first.")
