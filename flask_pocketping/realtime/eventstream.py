"""An event stream: an HTTP answer that never ends, of server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from typing import Any

from .connection import Connection

#: Seconds between comments that say nothing: proxies and browsers end what is silent.
KEEPALIVE_INTERVAL = 15.0
KEEPALIVE = b":\n\n"


class EventStream(Connection):
    """An event stream. Its parameters are those of `Connection`; what its client sends is not looked at."""

    __slots__ = ()

    def __init__(self, sock: Any, **options: Any) -> None:
        self.interval = KEEPALIVE_INTERVAL
        super().__init__(sock, **options)

    def _sign_of_life(self) -> bytes | None:
        return KEEPALIVE
