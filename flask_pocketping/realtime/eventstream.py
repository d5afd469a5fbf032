"""An event stream: an endless HTTP response of server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from typing import Any

from .connection import Connection

#: Seconds between empty comments, because proxies and browsers close idle connections.
KEEPALIVE_INTERVAL = 15.0
KEEPALIVE = b":\n\n"


class EventStream(Connection):
    """An event stream. It has the parameters of `Connection`, and ignores what its client sends."""

    __slots__ = ()

    def __init__(self, sock: Any, **options: Any) -> None:
        self.interval = KEEPALIVE_INTERVAL
        super().__init__(sock, **options)

    def _keepalive_frame(self) -> bytes | None:
        return KEEPALIVE
