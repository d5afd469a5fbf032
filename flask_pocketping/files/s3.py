"""The storage in a bucket of Amazon S3 or a compatible server. It needs the extra `flask-pocketping[s3]`."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import Unavailable
from ..version import user_agent
from .storage import CHUNK, Readable, Stored

logger = logging.getLogger("flask_pocketping")

#: Bytes of a file to keep in memory. A larger file goes to a temporary file.
IN_MEMORY = 1024 * 1024


class S3Storage:
    """A bucket, or the part of it below a prefix. It connects at its first use, and again in a forked process.

    boto3 finds the credentials and the region in the environment, in shared files or in the machine's role.

    :param bucket: the name of the bucket.
    :param prefix: the beginning of each path, without slashes at its ends.
    :param endpoint: the URL of a server that is not Amazon's.
    """

    def __init__(self, bucket: str, prefix: str = "", endpoint: str | None = None) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.endpoint = endpoint
        self._client: Any = None
        self._made_in = 0
        self._lock = threading.Lock()

    def write(self, path: str, stream: Readable) -> None:
        """See `Storage.write`. This reads the whole file before it sends the first byte."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            shutil.copyfileobj(stream, file, CHUNK)
            file.seek(0)
            with self.handle_errors("write", path):
                self._connect().put_object(
                    Bucket=self.bucket, Key=self._key(path), Body=file, ContentType="application/octet-stream"
                )

    def open(self, path: str) -> Stored:
        """See `Storage.open`."""
        with self.handle_errors("read", path):
            found = self._connect().get_object(Bucket=self.bucket, Key=self._key(path))
        return _Body(self, path, found["Body"])

    def delete(self, path: str) -> None:
        """See `Storage.delete`."""
        with self.handle_errors("delete", path):
            self._connect().delete_object(Bucket=self.bucket, Key=self._key(path))

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    @contextmanager
    def handle_errors(self, what: str, path: str) -> Iterator[None]:
        """Log errors of the bucket's server, and raise `Unavailable` for the client."""
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (BotoCoreError, ClientError, HTTPError) as error:
            answer = getattr(error, "response", {}).get("Error", {})
            if answer.get("Code") in {"NoSuchKey", "404"}:
                raise FileNotFoundError(path) from None
            logger.error("The bucket %s can't be used to %s a file: %s", self.bucket, what, error)
            raise Unavailable("Files are unavailable right now. Try again soon.") from error

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None or self._made_in != os.getpid():
                self._client, self._made_in = self._new_client(), os.getpid()
            return self._client

    def _new_client(self) -> Any:
        import boto3
        from botocore.config import Config

        # Many compatible servers do not know the checksums that boto3 adds. Such a server has the bucket in the
        # path, because the DNS need not contain its name.
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if self.endpoint else None,
        )
        client = boto3.session.Session().client("s3", endpoint_url=self.endpoint, config=config)
        # boto3 would otherwise append its own name.
        client.meta.events.register("before-send.s3", _name_ourselves)
        return client


def _name_ourselves(request: Any, **extra: Any) -> None:
    request.headers["User-Agent"] = user_agent()


class _Body:
    """An object in the bucket. Reading it may fail at any time."""

    def __init__(self, storage: S3Storage, path: str, body: Any) -> None:
        self._storage = storage
        self._path = path
        self._body = body

    def read(self, size: int | None = None, /) -> bytes:
        with self._storage.handle_errors("read", self._path):
            return bytes(self._body.read(size))

    def close(self) -> None:
        self._body.close()
