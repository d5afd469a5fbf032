"""Draws thumbnails in separate processes, a few at once, with limits on time and memory.

No request waits for a thumbnail: `files/store.py` asks for one and serves the image until it is ready. Each process is
a new interpreter that runs `decode.py`, never a fork, because a fork would copy the host's threads and connections.
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

#: The longer side of a thumbnail in pixels.
LONGEST = 480
MIME_TYPE = "image/webp"

#: What one picture may take: seconds of processor time, seconds by the clock, and bytes of address space. The largest
#: that `measure.py` lets through take a quarter of it.
MOST_SECONDS = 5
MOST_WAIT = 30.0
MOST_MEMORY = 512 * 1024 * 1024
#: The largest thumbnail in bytes. Real ones have at most a tenth.
MOST_BYTES = 1024 * 1024

#: How many thumbnails one serving process draws at once, and how many may wait.
AT_ONCE = 2
WAITING = 200

_SCRIPT = Path(__file__).with_name("decode.py")
_FEATURES = {"PNG": "zlib", "JPEG": "jpg", "WEBP": "webp", "AVIF": "avif"}

# A process that reads malicious bytes gets nothing else of the environment, which may contain the host's secrets.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP")

# These signals are caused by the image. Other signals come from the program that stops the server.
_FATAL = {
    -getattr(signal, name)
    for name in ("SIGXCPU", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGKILL")
    if hasattr(signal, name)
}


class Refused(Exception):
    """The image is broken, or its thumbnail would exceed a limit."""


class Interrupted(Exception):
    """The drawing was interrupted, not by the image. It may be tried again."""


def can_draw(mime_type: str) -> bool:
    """Return whether this machine can draw thumbnails of such images."""
    return _interpreter() is not None and _knows(IMAGES[mime_type])


class Thumbnails:
    """Draws thumbnails in the background. Its threads exist only while there is something to draw.

    :param draw: called in one of `AT_ONCE` threads with the arguments of `want`.
    """

    def __init__(self, draw: Callable[[str], None]) -> None:
        self._draw = draw
        self._lock = threading.Lock()
        self._reset()

    def want(self, id: str) -> None:
        """Draw a thumbnail soon, without waiting. If more than `WAITING` wait, forget it; the caller may ask again.

        :param id: the id of the attachment.
        """
        with self._lock:
            if self._process != os.getpid():
                # The threads belong to the parent process.
                self._reset()
            if id in self._known or len(self._waiting) >= WAITING:
                return
            if len(self._threads) < AT_ONCE:
                thread = threading.Thread(target=self._work, name="pocketping-thumbnails", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # Too many thumbnails wait. The caller may ask again.
                    logger.warning("No thread can be started to draw thumbnails.")
                    return
                self._threads.add(thread)
            self._known.add(id)
            self._waiting.append(id)

    def draw(self, picture: BinaryIO, mime_type: str) -> bytes:
        """Draw a thumbnail in a separate process.

        :param picture: a file of the system, at its beginning.
        :param mime_type: one of `media_types.IMAGES` for which `can_draw` is true.
        :return: the thumbnail as WebP.
        :raises Refused: if the image is the reason.
        :raises Interrupted: for any other reason, including `close`.
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
        # The exit code alone is no proof: it is always 0 if the host ignores SIGCHLD.
        if code == 0 and _is_whole(drawn):
            return drawn
        if code == REFUSED or code in _FATAL or len(drawn) > MOST_BYTES:
            raise Refused(f"exit code {code}")
        raise Interrupted(f"exit code {code}")

    def close(self) -> None:
        """Forget the waiting thumbnails and stop the running processes."""
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
                # Memory arenas of threads would count toward the limit.
                env={**kept, "MALLOC_ARENA_MAX": "1"},
            )
        except OSError as error:
            raise Interrupted(str(error)) from error
        with self._lock:
            # `close` may have been called while the process was starting.
            if self._closing:
                process.kill()
            else:
                self._processes.add(process)
        return process


def _is_whole(drawn: bytes) -> bool:
    return drawn[:4] == b"RIFF" and drawn[8:12] == b"WEBP" and int.from_bytes(drawn[4:8], "little") + 8 == len(drawn)


@cache
def _interpreter() -> str | None:
    """Find the Python interpreter. In uWSGI, mod_wsgi or a frozen app, `sys.executable` is another program."""
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
    """Return whether Pillow can read this format and write thumbnails."""
    from PIL import features

    missing = [name for name in {_FEATURES.get(format), "webp"} if name and not features.check(name)]
    if missing:
        logger.warning("Pillow was built without %s: %s pictures have no thumbnails.", ", ".join(missing), format)
    return not missing
