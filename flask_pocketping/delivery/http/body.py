"""The bytes of an answer: head and body of HTTP/1.1, read strictly and within bounds. `adapter.py` reads through it."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

# Without the bound, or with what `int` takes besides ("-1", "1_0"), a size could ask for any number of bytes.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LENGTH = re.compile("[0-9]{1,18}")

#: Bytes of a status line, headers and trailers.
MAX_HEAD = 64 * 1024
#: Bytes of a chunk's first line: the size, and extensions that nobody uses.
MAX_CHUNK_LINE = 1024


class TooManyBytes(HTTPException):
    """The other side sent more than any honest answer needs."""


def max_bytes(max_body: int) -> int:
    """How many bytes an answer may have for a body of that size: small chunks take several times their content."""
    return 2 * MAX_HEAD + 2 * max_body


class BoundedSource(io.RawIOBase):
    """What arrives on a socket, up to a number of bytes; `http.client` takes it for the socket.

    :ivar received: bytes so far.
    :ivar ended: whether the other side has sent its last byte.
    """

    def __init__(self, sock: socket.socket, most: int) -> None:
        self._raw = cast(io.RawIOBase, sock.makefile("rb", buffering=0))
        self._most = most
        self.received = 0
        self.ended = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return itself as a buffered file."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at least one byte unless the other side has ended.

        :raises TooManyBytes: when the bound is passed.
        """
        size = self._raw.readinto(buffer) or 0
        self.received += size
        self.ended = not size
        if self.received > self._most:
            raise TooManyBytes
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class Body:
    """The body of an answer, in the role of urllib3's response for `requests`.

    :param response: its head was read.
    :param check: called after each read; raises if the time was over, since what was cut off can look like an end.
    :param guard: makes the context in which errors become those of `errors.py`.
    :param release: told at the end whether the connection can be used again.
    :ivar finished: whether all of it was read.
    """

    def __init__(
        self,
        response: HTTPResponse,
        check: Callable[[], object],
        guard: Callable[[], AbstractContextManager[None]],
        release: Callable[[bool], None],
    ) -> None:
        lengths = set(response.headers.get_all("Content-Length", []))
        if not response.chunked and (len(lengths) > 1 or any(not _LENGTH.fullmatch(length) for length in lengths)):
            raise HTTPException("a Content-Length that is no number")
        self._response = response
        self._stream = response.fp
        self._check = check
        self._guard = guard
        self._release = release
        self.finished = response.length == 0
        self._chunked = response.chunked
        #: Bytes that follow, of the chunk or of the whole; `None` where the end of the connection is the end.
        self._left = 0 if self._chunked else response.length
        self._delimited = self._left is not None
        self.closed = False

    def read(self, size: int) -> bytes:
        """Read what has arrived, at least one byte unless the body has ended.

        :param size: how many bytes at the most.
        :raises HTTPClientError: if the answer is not whole, or the time is over.
        """
        with self._guard():
            if self._chunked and not self._left and not self.finished:
                self._left = self._read_chunk_size()
                self._check()
            if self.finished:
                return b""
            return self._read_part(size)

    def close(self) -> None:
        """Give the connection back."""
        if not self.closed:
            self.closed = True
            reusable = self.finished and self._delimited and not self._response.will_close
            self._response.close()
            self._release(reusable)

    def _read_part(self, size: int) -> bytes:
        # Not by `http.client`: it takes a negative size of a chunk for "all that comes".
        data = self._stream.read1(size if self._left is None else min(size, self._left))
        self._check()
        if self._left is None:
            self.finished = not data
            return data
        if not data:
            raise IncompleteRead(data, self._left)
        self._left -= len(data)
        if not self._left and not self._chunked:
            self.finished = True
        elif not self._left and self._stream.readline(3) not in {b"\r\n", b"\n"}:
            raise HTTPException("a chunk that is longer than its size")
        return data

    def _read_chunk_size(self) -> int:
        """Begin a chunk (RFC 9112, section 7.1), or read the trailers after the last."""
        match = _CHUNK_SIZE.fullmatch(self._stream.readline(MAX_CHUNK_LINE))
        if match is None:
            raise HTTPException("a chunk without a size")
        size = int(match[1], 16)
        if not size:
            while self._stream.readline(MAX_HEAD) not in {b"\r\n", b"\n", b""}:
                pass
            self.finished = True
        return size
