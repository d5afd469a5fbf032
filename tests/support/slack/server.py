"""The HTTP server of the local Slack, with the faults that a test may ask for."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..http_server import QuietHandler, http_server
from . import methods
from .events import EventSender
from .sockets import SocketMode
from .workspace import APP_TOKEN, BOT_TOKEN, ApiError, Workspace


@dataclass
class Fault:
    """What goes wrong with the next call of a method.

    :ivar status: the HTTP status, with `body` and `headers`.
    :ivar after: whether the call is carried out all the same.
    :ivar cut: whether the connection ends without an answer.
    :ivar hold: waits for this, after the call was carried out.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    cut: bool = False
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Call:
    """A request to the Web API."""

    method: str
    args: dict[str, Any]


class FakeSlack:
    """A Slack with one workspace and one app.

    :ivar calls: the calls of the Web API that had the right token.
    :ivar requests: all requests, with method, address and headers.
    """

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.sockets = SocketMode()
        self.events = EventSender()
        self.workspace.listeners += [self.events.offer, self._send_over_socket]
        self.calls: list[Call] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.port = 0
        self.stopping = threading.Event()
        self.uses_sockets = False
        self.connections: set[socket.socket] = set()
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def channel(self) -> str:
        return self.workspace.support.id

    def fail(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of a method fail."""
        with self._lock:
            self._faults.setdefault(method, []).extend([fault] * times)

    def refuse(self, method: str, code: str, times: int = 1, **more: Any) -> None:
        """Answer the next calls of a method with `ok: false`, and HTTP 200."""
        body = json.dumps({"ok": False, "error": code, **more}).encode()
        self.fail(method, Fault(body=body, headers={"Content-Type": "application/json; charset=utf-8"}), times)

    def throttle(self, method: str, seconds: int, times: int = 1) -> None:
        """Answer the next calls with 429, whose body is no JSON."""
        headers = {"Retry-After": str(seconds), "Content-Type": "text/plain"}
        self.fail(method, Fault(429, b"You are sending too many requests.", headers), times)

    def called(self, method: str) -> list[dict[str, Any]]:
        """The arguments of each call of a method."""
        return [call.args for call in list(self.calls) if call.method == method]

    def take_fault(self, method: str) -> Fault | None:
        with self._lock:
            waiting = self._faults.get(method)
            return waiting.pop(0) if waiting else None

    def answer(self, method: str, args: dict[str, Any], token: str) -> dict[str, Any]:
        """Carry out a call."""
        if method == "apps.connections.open":
            if token != APP_TOKEN:
                raise ApiError("not_allowed_token_type" if token == BOT_TOKEN else "invalid_auth")
            ticket = self.sockets.issue_ticket()
            return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/link/?ticket={ticket}&app_id=A0001"}
        if not token:
            raise ApiError("not_authed")
        if token != BOT_TOKEN:
            raise ApiError("invalid_auth")
        if method not in methods.NEEDS:
            raise ApiError("unknown_method")
        self.calls.append(Call(method, args))
        return methods.call(self.workspace, method, args, self.url)

    def _send_over_socket(self, envelope: dict[str, Any]) -> None:
        if self.uses_sockets:
            self.sockets.send(envelope)


@contextmanager
def slack_server() -> Iterator[FakeSlack]:
    """A Slack on a free port."""
    slack = FakeSlack()

    def cut_connections() -> None:
        for connection in list(slack.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    with http_server(_handler(slack), "slack", before_close=cut_connections) as server:
        slack.port = server.server_port
        slack.events.start()
        try:
            yield slack
        finally:
            slack.stopping.set()
            slack.events.stop()
            slack.sockets.stop()


def _handler(slack: FakeSlack) -> type[BaseHTTPRequestHandler]:
    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            slack.connections.add(self.connection)
            if slack.stopping.is_set():
                # Taken at the last moment, so that the end may have found it among them or not.
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)

        def finish(self) -> None:
            slack.connections.discard(self.connection)
            with contextlib.suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            slack.requests.append((self.command, self.path, dict(self.headers.items())))
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if parts.path == "/link/":
                self.close_connection = True
                self.connection.settimeout(None)
                slack.sockets.accept(
                    self.connection, dict(self.headers.items()), dict(parse_qsl(parts.query)).get("ticket", "")
                )
            elif parts.path.startswith("/api/"):
                self._api(parts.path.removeprefix("/api/"), parts.query, body)
            elif parts.path.startswith("/upload/v1/secret-of-"):
                self._upload(parts.path.removeprefix("/upload/v1/secret-of-"), body)
            elif parts.path.startswith("/files-pri/"):
                self._download(parts.path.split("/")[2])
            else:
                page = b"<!DOCTYPE html><html><title>Sign in | Slack</title></html>"
                self._answer(200, page, {"Content-Type": "text/html; charset=utf-8"})

        def _api(self, method: str, query: str, body: bytes) -> None:
            args, token = _arguments(method, self.headers, query, body)
            fault = slack.take_fault(method)
            if fault is not None and not fault.after and not fault.cut and fault.hold is None:
                self._answer(fault.status, fault.body, fault.headers)
                return
            if fault is not None and fault.cut and not fault.after:
                self.close_connection = True
                return
            headers = {"Content-Type": "application/json; charset=utf-8"}
            try:
                answer = slack.answer(method, args, token)
            except ApiError as error:
                answer = error.answer
            if answer["ok"] and token == BOT_TOKEN:
                headers["x-oauth-scopes"] = ",".join(sorted(slack.workspace.scopes))
            if fault is not None and fault.hold is not None:
                _wait(fault.hold, slack.stopping)
            if fault is not None and fault.cut:
                self.close_connection = True
                return
            if fault is not None and fault.after:
                self._answer(fault.status, fault.body, fault.headers)
                return
            self._answer(200, json.dumps(answer).encode(), headers)

        def _upload(self, file_id: str, body: bytes) -> None:
            fault = slack.take_fault("upload")
            if fault is not None:
                self._answer(fault.status, fault.body, fault.headers)
                return
            file = slack.workspace.files.get(file_id)
            if file is None or not file.get("open"):
                self._answer(404, b"file not found", {})
                return
            if len(body) != file["about"]["size"]:
                self._answer(400, b"wrong length", {})
                return
            file["data"] = body
            self._answer(200, f"OK - {len(body)}".encode(), {"Content-Type": "text/plain"})

        def _download(self, file_id: str) -> None:
            fault = slack.take_fault("download")
            if fault is not None:
                self._answer(fault.status, fault.body, fault.headers)
                return
            file = slack.workspace.files.get(file_id)
            allowed = self.headers.get("Authorization") == f"Bearer {BOT_TOKEN}"
            if not allowed or "files:read" not in slack.workspace.scopes:
                # Not an error, but a page to sign in.
                self._answer(302, b"", {"Location": f"{slack.url}/?redir=%2Ffiles-pri%2F{file_id}"})
            elif file is None or "data" not in file:
                self._answer(404, b"", {})
            else:
                headers = {"Content-Type": file["about"].get("mimetype", "application/octet-stream")}
                self._answer(200, file["data"], {**headers, "Content-Disposition": "attachment"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

    return Handler


def _arguments(method: str, headers: Any, query: str, body: bytes) -> tuple[dict[str, Any], str]:
    """The arguments of a call and its token. JSON counts only for methods that take it."""
    args: dict[str, Any] = dict(parse_qsl(query))
    kind = headers.get("Content-Type", "").partition(";")[0]
    if kind == "application/x-www-form-urlencoded":
        args |= dict(parse_qsl(body.decode()))
    elif kind == "application/json" and method in methods.TAKES_JSON:
        args |= json.loads(body or b"{}")
    for name in ("metadata", "blocks", "files"):
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    bearer = headers.get("Authorization", "").removeprefix("Bearer ")
    return args, bearer or str(args.pop("token", ""))


def _wait(hold: threading.Event, stopping: threading.Event) -> None:
    while not hold.wait(0.02) and not stopping.is_set():
        pass
