"""A small Matrix homeserver with one room, over real HTTP: what a bot may send, and what people do in their apps."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .http_server import QuietHandler, http_server
from .servers import wait_until

TOKEN = "syt_c2hvcA_secret-token-of-the-bot"
BOT = "@shop:localhost"
ROOM = "!tea:localhost"

Query = dict[str, str]


class Refusal(Exception):
    """An error of the homeserver."""

    def __init__(self, status: int, code: str, text: str = "No.", **more: str) -> None:
        super().__init__(text)
        self.status, self.body, self.headers = status, {"errcode": code, "error": text}, more


class Homeserver:
    """What the homeserver knows, and how a test makes it behave.

    :ivar before: called with method and path before a request is carried out. It may raise a `Refusal`, or return `cut`
        to carry it out and break the line, or `drop` to break it at once.
    :ivar page: the most events of one page of `/messages`.
    """

    def __init__(self) -> None:
        self.port = 0
        self.news = threading.Condition(threading.RLock())
        self.events: list[dict[str, Any]] = []
        self.transactions: dict[str, str] = {}
        self.media: dict[str, tuple[bytes, str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.before: Callable[[str, str], str | None] = lambda method, path: None
        self.page = 3
        self.stopping = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- What people do, and what a test sees

    def write(self, root: str, body: str, sender: str = "@ana:localhost", **more: Any) -> str:
        """Somebody writes in a thread."""
        place = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True, "m.in_reply_to": {"event_id": root}}
        content = {"msgtype": "m.text", "body": body, "m.relates_to": place, **more}
        return self.add("m.room.message", sender, content)

    def edit(self, event_id: str, body: str, sender: str = "@ana:localhost") -> None:
        """Somebody edits what they wrote."""
        new = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        self.add("m.room.message", sender, {**new, "body": f"* {body}", "m.new_content": new, "m.relates_to": relation})

    def redact(self, event_id: str, sender: str = "@ana:localhost") -> None:
        """Somebody deletes a message."""
        with self.news:
            self._find(event_id)["content"] = {}
            self.add("m.room.redaction", sender, {"redacts": event_id})

    def upload(self, data: bytes, media_type: str = "text/plain") -> str:
        """Somebody uploads a file."""
        media_id = secrets.token_urlsafe(12)
        self.media[media_id] = (data, media_type)
        return f"mxc://localhost/{media_id}"

    def add(self, kind: str, sender: str, content: dict[str, Any]) -> str:
        """An event of the room."""
        with self.news:
            event_id = "$" + secrets.token_urlsafe(32)
            self.events.append({"event_id": event_id, "type": kind, "sender": sender, "content": content})
            self.news.notify_all()
        return event_id

    def roots(self) -> list[dict[str, Any]]:
        """The messages of the bot that are in no thread."""
        with self.news:
            found = [event for event in self.events if event["type"] == "m.room.message" and event["sender"] == BOT]
            return [event for event in found if event["content"] and "m.relates_to" not in event["content"]]

    def thread(self, root: str) -> list[dict[str, Any]]:
        """The messages in a thread as an app shows them: with their newest text, and without what was deleted."""
        with self.news:
            shown = []
            for event in self.events:
                place = event["content"].get("m.relates_to", {})
                if event["type"] != "m.room.message" or (place.get("rel_type"), place.get("event_id")) != (
                    "m.thread",
                    root,
                ):
                    continue
                edits = [
                    one["content"]["m.new_content"]
                    for one in self.events
                    if one["sender"] == event["sender"]
                    and one["content"].get("m.relates_to", {}).get("rel_type") == "m.replace"
                    and one["content"]["m.relates_to"]["event_id"] == event["event_id"]
                ]
                shown.append({**event, "content": {**event["content"], **(edits[-1] if edits else {})}})
            return shown

    def texts(self, root: str) -> list[str]:
        """The texts in a thread."""
        return [event["content"]["body"] for event in self.thread(root)]

    def wait_text(self, root: str, part: str) -> dict[str, Any]:
        """Wait for a message with a text in it, and return it."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self.thread(root) if part in event["content"]["body"]), None)

        return dict(wait_until(found, f"a message with {part!r}", 15, lambda: self.texts(root)))

    def is_locked(self, root: str) -> bool:
        """Whether the bot has put a lock on a thread."""
        with self.news:
            return any(self._annotates(event, root) for event in self.events)

    # --- The calls

    def serve(self, method: str, path: str, query: Query, headers: Any, body: bytes) -> tuple[int, bytes, str]:
        """Answer a request: status, body and media type."""
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "M_UNKNOWN_TOKEN")
        for pattern, answer in (
            (r"GET /_matrix/client/v1/media/download/localhost/([\w-]+)", self._download),
            (r"POST /_matrix/media/v3/upload", self._upload),
            (r"GET /_matrix/client/v3/account/whoami", lambda *_: {"user_id": BOT}),
            (r"GET /_matrix/client/v3/joined_rooms", lambda *_: {"joined_rooms": [ROOM]}),
            (r"GET /_matrix/client/v3/sync", self._sync),
            (rf"PUT /_matrix/client/v3/rooms/{ROOM}/send/([\w.]+)/([\w-]+)", self._send),
            (rf"PUT /_matrix/client/v3/rooms/{ROOM}/redact/([^/]+)/([^/]+)", self._redact),
            (rf"GET /_matrix/client/v3/rooms/{ROOM}/event/([^/]+)", lambda query, given, name: self._find(name)),
            (rf"GET /_matrix/client/v3/rooms/{ROOM}/messages", self._messages),
            (rf"GET /_matrix/client/v1/rooms/{ROOM}/relations/([^/]+)/m.annotation/m.reaction", self._relations),
        ):
            if match := re.fullmatch(pattern, f"{method} {path}"):
                given: Any = (body, headers) if "upload" in path else json.loads(body or b"{}")
                found = answer(query, given, *match.groups())
                return (
                    (200, *found) if isinstance(found, tuple) else (200, json.dumps(found).encode(), "application/json")
                )
        raise Refusal(404, "M_UNRECOGNIZED", f"No such call: {method} {path}")

    def _download(self, query: Query, given: Any, media_id: str) -> tuple[bytes, str]:
        if media_id not in self.media:
            raise Refusal(404, "M_NOT_FOUND")
        return self.media[media_id]

    def _upload(self, query: Query, given: Any) -> dict[str, str]:
        body, headers = given
        if not body or not query.get("filename") or "/" not in headers.get("Content-Type", ""):
            raise Refusal(400, "M_BAD_JSON")
        return {"content_uri": self.upload(body, headers["Content-Type"])}

    def _send(self, query: Query, content: dict[str, Any], kind: str, transaction: str) -> dict[str, str]:
        with self.news:
            key = f"{kind} {transaction}"
            if key not in self.transactions:
                self._check(kind, content)
                self.transactions[key] = self.add(kind, BOT, content)
            return {"event_id": self.transactions[key]}

    def _check(self, kind: str, content: dict[str, Any]) -> None:
        if len(json.dumps(content, ensure_ascii=False).encode()) > 65_000:
            raise Refusal(413, "M_TOO_LARGE")
        place = content.get("m.relates_to", {})
        if place:
            target = self._find(place["event_id"])
            if place["rel_type"] == "m.thread" and "m.relates_to" in target["content"]:
                raise Refusal(400, "M_UNKNOWN", "Cannot start threads from an event with a relation")
            if place["rel_type"] == "m.annotation" and self._annotates(target, place["event_id"]):
                raise Refusal(400, "M_DUPLICATE_ANNOTATION")
            if place["rel_type"] == "m.replace":
                self._check(kind, content["m.new_content"])
        if kind == "m.room.message":
            if content.get("msgtype") not in {"m.text", "m.notice", "m.image", "m.file"} or not content.get("body"):
                raise Refusal(400, "M_BAD_JSON", "A message has a type and a body")
            if content["msgtype"] in {"m.image", "m.file"} and not content["url"].startswith("mxc://"):
                raise Refusal(400, "M_BAD_JSON", "A file has an address")

    def _redact(self, query: Query, given: Any, event_id: str, transaction: str) -> dict[str, str]:
        with self.news:
            if transaction not in self.transactions:
                self.redact(event_id, BOT)
                self.transactions[transaction] = self.events[-1]["event_id"]
            return {"event_id": self.transactions[transaction]}

    def _sync(self, query: Query, given: Any) -> dict[str, Any]:
        rooms = json.loads(query["filter"])["room"]["rooms"]
        if rooms != [ROOM]:
            raise Refusal(400, "M_BAD_JSON")
        since = self._position(query.get("since"))
        deadline = time.monotonic() + (min(float(query.get("timeout", 0)) / 1000, 0.3) if since is not None else 0)
        with self.news:
            while since == len(self.events) and time.monotonic() < deadline and not self.stopping:
                self.news.wait(0.05)
            return {"next_batch": f"s{len(self.events)}"}

    def _messages(self, query: Query, given: Any) -> dict[str, Any]:
        start, end = self._position(query["from"]), self._position(query["to"])
        if query["dir"] != "f" or start is None or end is None:
            raise Refusal(400, "M_INVALID_PARAM")
        with self.news:
            chunk = self.events[start:end][: min(self.page, int(query["limit"]))]
            return {"chunk": chunk, "start": query["from"], "end": f"s{start + len(chunk)}"}

    def _relations(self, query: Query, given: Any, root: str) -> dict[str, Any]:
        with self.news:
            return {"chunk": [event for event in self.events if self._annotates(event, root)]}

    def _annotates(self, event: dict[str, Any], root: str) -> bool:
        place = event["content"].get("m.relates_to", {})
        return bool(event["type"] == "m.reaction" and place.get("event_id") == root and event["sender"] == BOT)

    def _find(self, event_id: str) -> dict[str, Any]:
        found = next((event for event in self.events if event["event_id"] == event_id), None)
        if found is None:
            raise Refusal(404, "M_NOT_FOUND", "Event not found.")
        return found

    def _position(self, token: str | None) -> int | None:
        if token is None:
            return None
        if not re.fullmatch(r"s\d+", token):
            raise Refusal(400, "M_INVALID_PARAM")
        return int(token[1:])


@contextmanager
def homeserver() -> Iterator[Homeserver]:
    """The homeserver on a free port."""
    state = Homeserver()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            path, body = unquote(parts.path), self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            state.requests.append((self.command, path))
            more: dict[str, str] = {}
            try:
                action = state.before(self.command, path)
                if action != "drop":
                    status, found, kind = state.serve(self.command, path, query, self.headers, body)
                if action:
                    self.close_connection = True
                    return
            except Refusal as refusal:
                status, found, kind = refusal.status, json.dumps(refusal.body).encode(), "application/json"
                more = refusal.headers
            with suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(found)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found)

        do_GET = do_POST = do_PUT = answer

    with http_server(Handler, "matrix", waits=False) as server:
        state.port = server.server_port
        try:
            yield state
        finally:
            state.stopping = True
