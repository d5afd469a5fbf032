"""The WebSocket of Socket Mode, by slack_sdk's built-in client (extra `slack`).

Nothing else uses slack_sdk: our own client asks for the address, and slack_sdk only connects, frames and pings.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...delivery.http.client import default_tls
from ..platform import Refused, Unreachable
from .client import SlackClient

if TYPE_CHECKING:
    from slack_sdk.socket_mode.builtin import SocketModeClient

#: The number of frames that may wait. Slack sends no more than it has had confirmed within seconds.
MAX_WAITING = 10_000


class SlackSocket:
    """A connection that receives events.

    :ivar messages: the frames that came, as text.
    """

    def __init__(self, client: SocketModeClient, messages: queue.Queue[str]) -> None:
        self._client = client
        self.messages = messages

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return self._client.is_connected()

    def confirm(self, envelope_id: str) -> None:
        """Tell Slack that an event was taken in.

        :raises Unreachable: if the connection is lost. Slack then repeats the event.
        """
        from slack_sdk.errors import SlackClientError

        try:
            self._client.send_message(json.dumps({"envelope_id": envelope_id}))
        except (SlackClientError, OSError):
            raise Unreachable("The connection to Slack was lost.") from None


class EndingSocket:
    """A socket whose end is an error. slack_sdk would read it over and over until a ping fails."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def recv(self, size: int) -> bytes:
        """Receive available bytes.

        :raises ConnectionResetError: at the end of the stream.
        """
        data: bytes = self._sock.recv(size)
        if not data:
            raise ConnectionResetError("the other side has closed the connection")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@contextlib.contextmanager
def open_socket(client: SlackClient, ping: float) -> Iterator[SlackSocket]:
    """Open a connection, which is closed at the end of the block.

    :param client: asks for the address of the connection.
    :param ping: seconds between pings. After four pings without an answer, the connection counts as lost.
    :raises PlatformError: if it can't be opened.
    """
    from slack_sdk import WebClient
    from slack_sdk.socket_mode.builtin import SocketModeClient

    class Client(SocketModeClient):
        def connect(self) -> None:
            super().connect()
            session = self.current_session
            if session is not None and session.sock is not None:
                session.sock = EndingSocket(session.sock)  # type: ignore[assignment]

        def issue_new_wss_url(self) -> str:
            url = client.open_connection()
            _check_address(client, url)
            return url

    made = Client(
        app_token="",
        # It logs answers, and when traced the address with its secret.
        logger=_silent_logger(),
        # Only its TLS settings are used. It makes no requests.
        web_client=WebClient(ssl=default_tls(), retry_handlers=[]),
        auto_reconnect_enabled=False,
        ping_interval=ping,
        concurrency=1,
    )
    # The environment must not choose where our connections go.
    made.proxy = None
    messages: queue.Queue[str] = queue.Queue(MAX_WAITING)
    made.message_listeners.append(_keep(messages))
    try:
        made.connect()
        if not made.is_connected():
            raise Unreachable("Slack's WebSocket can't be opened.")
        yield SlackSocket(made, messages)
    finally:
        _wake_reader(made)
        made.close()


def _wake_reader(client: SocketModeClient) -> None:
    """End the reading thread's wait, for which closing would wait too."""
    session = client.current_session
    sock = session.sock if session is not None else None
    if sock is not None:
        with contextlib.suppress(OSError, ValueError):
            sock.shutdown(socket.SHUT_RDWR)


def _keep(messages: queue.Queue[str]) -> Any:
    def keep(client: Any, message: dict[str, Any], text: str | None = None) -> None:
        # What does not fit is not confirmed, so Slack repeats it.
        with contextlib.suppress(queue.Full):
            messages.put_nowait(text or "")

    return keep


def _check_address(client: SlackClient, url: str) -> None:
    """Refuse an address without TLS, unless it is that of the Web API."""
    parts = urlsplit(url)
    scheme = {"https": "wss", "http": "ws"}[client.origin.scheme]
    is_api = parts.scheme == scheme and parts.netloc == client.origin.authority
    if not is_api and not (parts.scheme == "wss" and parts.port in {None, 443}):
        raise Refused("Slack named an address for Socket Mode that has no TLS.")


def _silent_logger() -> logging.Logger:
    logger = logging.Logger("flask_pocketping.slack_sdk", logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    return logger
