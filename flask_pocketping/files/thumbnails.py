"""Thumbnails of pictures: drawn in processes of their own, with bounds on time and memory, a few at once.

Nobody waits for one: `files/store.py` asks for it, and serves the picture itself until it is there. The process is a
new interpreter that runs `decode.py`, never a fork: the host has threads and connections, which a fork would copy.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import BinaryIO

from .decode import REFUSED
from .media_types import IMAGES

logger = logging.getLogger("flask_pocketping")

#: Pixels of the longer side.
LONGEST = 480
MIME_TYPE = "image/webp"

#: What one picture may take: seconds of processor time, seconds by the clock, and bytes of address space. The largest
#: that `measure.py` lets through take a quarter of it.
MOST_SECONDS = 5
MOST_WAIT = 30.0
MOST_MEMORY = 512 * 1024 * 1024
#: Bytes of a thumbnail; one of the largest has a tenth.
MOST_BYTES = 1024 * 1024

#: How many are drawn at once in one serving process, and how many may wait for it.
AT_ONCE = 2
WAITING = 200

_SCRIPT = Path(__file__).with_name("decode.py")
_FEATURES = {"PNG": "zlib", "JPEG": "jpg", "WEBP": "webp", "AVIF": "avif"}

# Nothing else of the environment, which may hold secrets of the host, is told to a process that reads hostile bytes.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP")

# How a process ends by what it was given to read. Other signals come from whoever stops the server.
_FATAL = {
    -getattr(signal, name)
    for name in ("SIGXCPU", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGKILL")
    if hasattr(signal, name)
}


class Refused(Exception):
    """The picture is broken, or its thumbnail would cost more than it may."""


class Interrupted(Exception):
    """The thumbnail was not drawn, through no fault of the picture; it may be tried again."""


def can_draw(mime_type: str) -> bool:
    """Whether thumbnails of such pictures can be drawn here at all."""
    return _interpreter() is not None and _knows(IMAGES[mime_type])


class Thumbnails:
    """Draws thumbnails in the background. Threads are there only while there is something to draw.

    :param draw: called with what `want` was given, in one of `AT_ONCE` threads.
    """

    def __init__(self, draw: Callable[[str], None]) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._reset()

    def want(self, id: str) -> None:
        """Have a thumbnail drawn soon. Never waits; beyond `WAITING` it is forgotten, and may be asked for again.

        :param id: of the attachment.
        """
        with self._lock:
            if self._process != os.getpid():
                # The threads were the parent's.
                self._reset()
            if id in self._known or len(self._waiting) >= WAITING:
                return
            if len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._work, name="pocketping-thumbnails", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # There are as many threads as there may be. It may be asked for again.
                    logger.warning("No thread can be started to draw thumbnails.")
                    return
                self._threads.add(thread)
            self._known.add(id)
            self._waiting.append(id)

    def draw(self, picture: BinaryIO, mime_type: str) -> bytes:
        """Draw a thumbnail, in a process of its own.

        :param picture: a file of the system, at its beginning.
        :param mime_type: one of `kinds.IMAGES` for which `can_draw` is true.
        :return: it as WebP.
        :raises Refused: if the picture is at fault.
        :raises Interrupted: if it is not, or `close` was called.
        """
        process = self._start(picture, IMAGES[mime_type])
        late = threading.Event()
        drawn = b""

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(MOST_WAIT, end)
        timer.daemon = True
        timer.start()
        try:
            with process:
                assert process.stdout is not None
                drawn = process.stdout.read(MOST_BYTES + 1)
                if len(drawn) > MOST_BYTES:
                    process.kill()
        finally:
            timer.cancel()
            with self._lock:
                stopped = process not in self._processes
                self._processes.discard(process)
        code = process.returncode
        if stopped or late.is_set():
            raise Interrupted("it was stopped")
        # The exit code alone proves nothing: where the host ignores SIGCHLD it is always 0.
        if code == 0 and _is_whole(drawn):
            return drawn
        if code == REFUSED or code in _FATAL or len(drawn) > MOST_BYTES:
            raise Refused(f"exit code {code}")
        raise Interrupted(f"exit code {code}")

    def close(self) -> None:
        """Forget what waits, and end what is being drawn."""
        with self._lock:
            if self._process != os.getpid():
                return
            self._closing += 1
            self._known -= set(self._waiting)
            self._waiting.clear()
            threads = list(self._threads)
            for process in self._processes:
                process.kill()
            self._processes.clear()
        try:
            for thread in threads:
                if thread is not threading.current_thread():
                    thread.join(MOST_WAIT)
        finally:
            with self._lock:
                self._closing -= 1

    def _reset(self) -> None:
        self._process = os.getpid()
        self._closing = 0
        self._waiting: deque[str] = deque()
        self._known: set[str] = set()
        self._threads: set[threading.Thread] = set()
        self._processes: set[subprocess.Popen[bytes]] = set()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.discard(threading.current_thread())
                    return
                id = self._waiting.popleft()
            try:
                self._draw(id)
            except Exception:
                logger.exception("The thumbnail of attachment %s can't be made.", id)
            finally:
                with self._lock:
                    self._known.discard(id)

    def _start(self, picture: BinaryIO, format: str) -> subprocess.Popen[bytes]:
        interpreter = _interpreter()
        if interpreter is None:
            raise Interrupted("no Python interpreter was found")
        limits = (LONGEST, MOST_SECONDS, MOST_MEMORY)
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            process = subprocess.Popen(
                [interpreter, "-I", "-S", str(_SCRIPT), format, *map(str, limits), _libraries()],
                stdin=picture,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Arenas for threads would count as memory.
                env={**kept, "MALLOC_ARENA_MAX": "1"},
            )
        except OSError as error:
            raise Interrupted(str(error)) from error
        with self._lock:
            # `close` may have come while it was being started.
            if self._closing:
                process.kill()
            else:
                self._processes.add(process)
        return process


def _is_whole(drawn: bytes) -> bool:
    return drawn[:4] == b"RIFF" and drawn[8:12] == b"WEBP" and int.from_bytes(drawn[4:8], "little") + 8 == len(drawn)


@cache
def _interpreter() -> str | None:
    """The Python to run; within uWSGI or mod_wsgi, or in a frozen app, `sys.executable` is something else."""
    folder = Path(sys.exec_prefix)
    guesses = (sys.executable, folder / "bin" / "python3", folder / "bin" / "python", folder / "python.exe")
    for guess in map(str, filter(None, guesses)):
        named = os.path.basename(guess).lower().startswith(("python", "pypy"))
        if named and not getattr(sys, "frozen", False) and os.access(guess, os.X_OK) and _SCRIPT.is_file():
            return guess
    logger.warning("No Python interpreter was found to draw thumbnails with. Pictures are shown without.")
    return None


@cache
def _libraries() -> str:
    found = importlib.util.find_spec("PIL")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parents[1])


@cache
def _knows(format: str) -> bool:
    """Whether Pillow was built with what it takes to read this format and to write thumbnails."""
    from PIL import features

    missing = [name for name in {_FEATURES.get(format), "webp"} if name and not features.check(name)]
    if missing:
        logger.warning("Pillow was built without %s: %s pictures have no thumbnails.", ", ".join(missing), format)
    return not missing
