"""Socket Mode: WebSockets that the app opens, over which events come until they are confirmed."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import socket
import threading
from collections.abc import Mapping
from typing import Any

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class SocketMode:
    """All connections of the app, and the events that it has not confirmed.

    :param confirm_within: seconds after which an event is sent again.
    """

    def __init__(self, confirm_within: float = 1.0) -> None:
        self.lock = threading.RLock()
        self.confirm_within = confirm_within
        self.tickets: set[str] = set()
        self.open: list[OpenSocket] = []
        #: How many connections were opened so far.
        self.opened = 0
        #: Events by envelope that are not confirmed, and those that are.
        self.waiting: dict[str, dict[str, Any]] = {}
        self.confirmed: list[dict[str, Any]] = []
        #: Answer pings, but send no events, as a connection that went silent.
        self.silent = False
        #: Answer nothing at all.
        self.dead = False
        self._stopping = threading.Event()
        self._timers: set[threading.Timer] = set()

    def issue_ticket(self) -> str:
        ticket = secrets.token_hex(8)
        with self.lock:
            self.tickets.add(ticket)
        return ticket

    def send(self, envelope: dict[str, Any], attempt: int = 0) -> None:
        """Send an event over one of the connections, as Slack does."""
        envelope_id = secrets.token_hex(8)
        frame = {
            "envelope_id": envelope_id,
            "type": "events_api",
            "payload": envelope,
            "accepts_response_payload": False,
            "retry_attempt": attempt,
            "retry_reason": "timeout" if attempt else "",
        }
        with self.lock:
            if self._stopping.is_set():
                return
            self.waiting[envelope_id] = envelope
            if self.open and not self.silent:
                self.open[-1].send(frame)
            if attempt < 3:
                timer = threading.Timer(self.confirm_within, self._repeat, (envelope_id, attempt + 1))
                timer.daemon = True
                self._timers.add(timer)
                timer.start()

    def _repeat(self, envelope_id: str, attempt: int) -> None:
        with self.lock:
            self._timers = {timer for timer in self._timers if timer.is_alive()}
            envelope = self.waiting.pop(envelope_id, None)
        if envelope is not None:
            self.send(envelope, attempt)

    def confirm(self, envelope_id: str) -> None:
        with self.lock:
            envelope = self.waiting.pop(envelope_id, None)
            if envelope is not None:
                self.confirmed.append(envelope)

    def refresh(self) -> None:
        """Ask the app to connect anew, as Slack does every hour or so."""
        for connection in list(self.open):
            connection.send({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})

    def cut(self) -> None:
        """Lose all connections."""
        for connection in list(self.open):
            connection.abort()

    def stop(self) -> None:
        self._stopping.set()
        with self.lock:
            timers = list(self._timers)
        for timer in timers:
            timer.cancel()
        self.cut()
        for timer in timers:
            timer.join()

    def accept(self, sock: socket.socket, headers: Mapping[str, str], ticket: str) -> None:
        """Shake hands and serve a connection until it ends."""
        with self.lock:
            known = ticket in self.tickets
            self.tickets.discard(ticket)
        key = headers.get("Sec-WebSocket-Key", "")
        if not known or headers.get("Upgrade", "").lower() != "websocket" or len(base64.b64decode(key)) != 16:
            sock.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        proof = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        head = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
        sock.sendall("\r\n".join([*head, f"Sec-WebSocket-Accept: {proof}", "", ""]).encode())
        connection = OpenSocket(self, sock)
        with self.lock:
            self.open.append(connection)
            self.opened += 1
        connection.send({"type": "hello", "num_connections": len(self.open), "debug_info": {}, "connection_info": {}})
        try:
            connection.serve()
        finally:
            with self.lock:
                self.open.remove(connection)


class OpenSocket:
    """One connection."""

    def __init__(self, mode: SocketMode, sock: socket.socket) -> None:
        self._mode = mode
        self._sock = sock
        self._lock = threading.Lock()
        self._protocol = Connection(ConnectionType.SERVER)

    def send(self, frame: dict[str, Any]) -> None:
        self._send(TextMessage(json.dumps(frame)))

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        try:
            while data := self._sock.recv(65536):
                self._protocol.receive_data(data)
                for event in self._protocol.events():
                    if isinstance(event, CloseConnection):
                        self._send(event.response())
                        return
                    if isinstance(event, Ping) and not self._mode.dead:
                        self._send(event.response())
                    elif isinstance(event, TextMessage):
                        self._mode.confirm(json.loads(event.data)["envelope_id"])
                    else:
                        assert not isinstance(event, BytesMessage), "Socket Mode has no binary frames"
        except (OSError, RemoteProtocolError):
            pass

    def _send(self, event: Any) -> None:
        try:
            with self._lock:
                self._sock.sendall(self._protocol.send(event))
        except (OSError, LocalProtocolError):
            pass
