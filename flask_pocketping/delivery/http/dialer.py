"""Opens TCP connections for `adapter.py`, only to checked addresses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from .addresses import Address, Network, Origin, check_addresses
from .errors import NameNotResolved
from .watchdog import Deadline

#: Returns the IP addresses of a host name as text, or raises `OSError` if there are none.
Resolver = Callable[[str], Sequence[str]]

#: The maximum number of concurrent lookups. A lookup can't be cancelled, so hanging ones must be limited.
LOOKUPS = 16


def system_addresses(host: str) -> list[str]:
    """Resolve a name with the operating system.

    :raises OSError: if it has no address.
    """
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class Dialer:
    """Resolves a name once, refuses it if any of its addresses is not allowed, and connects to one of these addresses.

    So changing the addresses of a name in between (DNS rebinding) has no effect.
    """

    def __init__(self, allow_networks: Sequence[Network], resolve: Resolver) -> None:
        self._allow_networks = allow_networks
        self._resolve = resolve
        self._free = threading.BoundedSemaphore(LOOKUPS)

    def connect(self, origin: Origin, deadline: Deadline) -> socket.socket:
        """Open a connection to the first address that accepts it.

        :raises HTTPClientError: if the name has no address, or one that is not allowed.
        :raises OSError: if no connection could be made. `TimeoutError` is a subclass.
        """
        addresses = [origin.address] if origin.address else self._look_up(origin, deadline)
        check_addresses(origin, addresses, self._allow_networks)
        failure: OSError | None = None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                sock = socket.create_connection((str(address), origin.port), deadline.remaining() / left)
            except OSError as error:
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(deadline.remaining())
                return sock
        raise failure or OSError("no address to connect to")

    def _look_up(self, origin: Origin, deadline: Deadline) -> list[Address]:
        found: list[str] = []

        def look_up() -> None:
            try:
                with contextlib.suppress(OSError, UnicodeError):
                    found.extend(self._resolve(origin.host))
            finally:
                self._free.release()

        if not self._free.acquire(timeout=deadline.remaining()):
            raise TimeoutError
        # getaddrinfo has no timeout, so a hanging lookup is left running.
        thread = threading.Thread(target=look_up, name="pocketping-resolve", daemon=True)
        try:
            thread.start()
        except BaseException:
            self._free.release()
            raise
        thread.join(deadline.remaining())
        if thread.is_alive():
            raise TimeoutError
        if not found:
            raise NameNotResolved(f"The name {origin.host} could not be resolved.")
        return [ip_address(address) for address in found]
