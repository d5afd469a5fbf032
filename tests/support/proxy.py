"""A TCP proxy between an app and a server, with which a test takes the server away and gives it back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Proxy:
    """Forwards connections to an address while it is `up`.

    :param target: host and port.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.port = 0
        self.up()

    def up(self) -> None:
        """Take connections, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._run(self._accept, listener)

    def down(self) -> None:
        """Refuse connections and cut those that there are."""
        with self._lock:
            listener, self._listener = self._listener, None
            pairs, self._pairs = [*self._pairs, *self._frozen], []
            self._frozen = []
        if listener is not None:
            _cut(listener)
        for pair in pairs:
            for sock in pair:
                _cut(sock)

    def freeze(self) -> None:
        """Let those connections that there are go dead without a word, as when a cable is pulled."""
        with self._lock:
            self._frozen.extend(self._pairs)
            self._pairs = []

    def close(self) -> None:
        self.down()
        for thread in self._threads:
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._target, 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._pairs.append((near, far))
                gone = self._listener is not listener
            if gone:
                _cut(near)
                _cut(far)
            self._run(self._forward, near, far)
            self._run(self._forward, far, near)

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    frozen = any(source in pair for pair in self._frozen)
                if not frozen:
                    sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        source.close()

    def _run(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="test-proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def proxying(host: str, port: int) -> Iterator[Proxy]:
    """A proxy on a free port."""
    proxy = Proxy((host, port))
    try:
        yield proxy
    finally:
        proxy.close()
