"""Reads the head and body of an HTTP/1.1 response for `adapter.py`, strictly and with limits."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, cast

# Longer numbers, and others that `int` accepts ("-1", "1_0"), could ask for any number of bytes.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LENGTH = re.compile("[0-9]{1,18}")

#: The maximum size of status line, headers and trailers in bytes.
MAX_HEAD = 64 * 1024
#: The maximum size in bytes of a chunk's first line, which has its size and extensions.
MAX_CHUNK_LINE = 1024


class TooManyBytes(HTTPException):
    """The server sent more bytes than a valid response needs."""


def max_bytes(max_body: int) -> int:
    """Return the maximum size of a response with a body of that size. Small chunks need several times their content."""
    return 2 * MAX_HEAD + 2 * max_body


class BoundedSource(io.RawIOBase):
    """Reads from a socket up to a number of bytes. `http.client` uses it in place of the socket.

    :ivar received: the number of bytes so far.
    :ivar ended: whether the server has sent its last byte.
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
        """Read available bytes, at least one unless the server has sent its last byte.

        :raises TooManyBytes: if the limit is exceeded.
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
    """The body of a response. `requests` uses it in place of urllib3's response.

    :param response: the response, whose head was read.
    :param check: called after each read. It raises an error after the deadline, because an aborted connection can look
        like the end.
    :param guard: returns the context that converts errors to those of `errors.py`.
    :param release: called at the end with whether the connection can be reused.
    :ivar finished: whether the whole body was read.
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
        #: The remaining bytes of the chunk or the body, or `None` if the body ends with the connection.
        self._left = 0 if self._chunked else response.length
        self._delimited = self._left is not None
        self.closed = False

    def read(self, size: int) -> bytes:
        """Read available bytes, at least one unless the body has ended.

        :param size: the maximum number of bytes.
        :raises HTTPClientError: if the response is incomplete, or the time is over.
        """
        with self._guard():
            if self._chunked and not self._left and not self.finished:
                self._left = self._read_chunk_size()
                self._check()
            if self.finished:
                return b""
            return self._read_part(size)

    def close(self) -> None:
        """Release the connection."""
        if not self.closed:
            self.closed = True
            reusable = self.finished and self._delimited and not self._response.will_close
            self._response.close()
            self._release(reusable)

    def _read_part(self, size: int) -> bytes:
        # Not with `http.client`, which reads everything for a negative chunk size.
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
        """Read the size of a chunk (RFC 9112, section 7.1), or the trailers after the last chunk."""
        match = _CHUNK_SIZE.fullmatch(self._stream.readline(MAX_CHUNK_LINE))
        if match is None:
            raise HTTPException("a chunk without a size")
        size = int(match[1], 16)
        if not size:
            while self._stream.readline(MAX_HEAD) not in {b"\r\n", b"\n", b""}:
                pass
            self.finished = True
        return size
