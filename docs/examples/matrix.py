"""A bridge to Matrix: a thread for each conversation, in a room that is private and not encrypted."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import quote

from flask_pocketping import Pace
from flask_pocketping.bridges import markup, platform
from flask_pocketping.bridges.rest import Rest

TAGS, LOCK = {"bold": "strong", "italic": "em", "strike": "del", "code": "code", "block": "pre"}, "🔒"


class Matrix(platform.Platform):
    name, label, max_title, max_file_size = "matrix", "Matrix", 200, 50_000_000
    max_text = max_caption = 30_000  # an event has at most 65,536 bytes
    on_unanswered = "repeat"  # the homeserver knows the transaction id

    def __init__(self, homeserver: str, token: str, room: str, networks: Sequence[Any] = ()) -> None:
        self.channel, self.homeserver, self.headers = room, homeserver, {"Authorization": f"Bearer {token}"}
        self.rest = Rest("Matrix", homeserver, allow_networks=networks, headers=self.headers)

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.rest.json(method, f"/_matrix/{path}", repeatable=True, **options)

    def in_room(self, method: str, path: str, version: str = "v3", **options: Any) -> Any:
        return self.call(method, f"client/{version}/rooms/{quote(self.channel)}/{path}", **options)

    def send(self, transaction: str, content: Any, kind: str = "m.room.message") -> str:
        return str(self.in_room("PUT", f"send/{kind}/{transaction}", json=content)["event_id"])

    @cached_property
    def me(self) -> str:
        return str(self.call("GET", "client/v3/account/whoami")["user_id"])

    def measure(self, text: str, *, markdown: bool) -> int:
        return len(json.dumps(content_of(platform.Post("", text, markdown=markdown)), ensure_ascii=False).encode())

    def paces(self, thread: platform.Thread | None) -> Sequence[Pace]:
        return (Pace(f"matrix {self.channel}"[:100], 10, 50.0),)  # what Synapse allows by default

    def open_thread(self, title: str, header: str, first: platform.Post | None) -> platform.Opened:
        post = platform.Post(first.key if first else secrets.token_hex(8), header, author=title)
        return platform.Opened(platform.Thread(self.channel, self.send(f"{post.key}-root", content_of(post))))

    def post(self, thread: platform.Thread, post: platform.Post) -> platform.Posted:
        reply = {"is_falling_back": post.reply_to is None, "m.in_reply_to": {"event_id": post.reply_to or thread.id}}
        place = {"m.relates_to": {"rel_type": "m.thread", "event_id": thread.id, **reply}}
        contents = [self.upload(file) for file in post.files] or [content_of(post)]
        if post.files and post.text:
            contents[0] |= {**content_of(post), "msgtype": contents[0]["msgtype"]}
        return platform.Posted(tuple(self.send(f"{post.key}-{n}", one | place) for n, one in enumerate(contents)))

    def upload(self, file: platform.OutgoingFile) -> dict[str, Any]:
        headers, kind = {"Content-Type": file.mime_type}, "m.image" if file.mime_type.startswith("image/") else "m.file"
        with file.open() as body:
            sent = {"params": {"filename": file.name}, "headers": headers, "fields": body.read()}
        url, info = self.call("POST", "media/v3/upload", **sent)["content_uri"], {"mimetype": file.mime_type}
        return {"msgtype": kind, "body": file.name, "filename": file.name, "url": url, "info": info}

    def edit(self, thread: platform.Thread, ids: Sequence[str], post: platform.Post) -> platform.Posted:
        before = self.in_room("GET", f"event/{quote(ids[0])}")["content"]
        kept = {name: before[name] for name in ("msgtype", "filename", "url", "info") if name in before}
        content = content_of(post) | kept
        relation = {"m.new_content": content, "m.relates_to": {"rel_type": "m.replace", "event_id": ids[0]}}
        self.send(secrets.token_hex(8), {**content, **relation})
        return platform.Posted(tuple(ids))

    def delete(self, thread: platform.Thread, ids: Sequence[str]) -> None:
        for found in map(quote, ids):
            self.in_room("PUT", f"redact/{found}/redact-{found}", json={})

    def close(self, thread: platform.Thread) -> None:
        if not self.locks(thread):
            lock = {"rel_type": "m.annotation", "event_id": thread.id, "key": LOCK}
            self.send(secrets.token_hex(8), {"m.relates_to": lock}, "m.reaction")

    def reopen(self, thread: platform.Thread) -> None:
        self.delete(thread, self.locks(thread))

    def locks(self, thread: platform.Thread) -> list[str]:
        found = self.in_room("GET", f"relations/{quote(thread.id)}/m.annotation/m.reaction", "v1")["chunk"]
        return [one["event_id"] for one in found if LOCK in str(one["content"]) and one["sender"] == self.me]

    def fetch(self, file: platform.IncomingFile, limit: int) -> Iterator[bytes]:
        if not re.fullmatch(r"mxc://\w[\w.:-]*/[\w-]+", file.reference):
            raise platform.Refused("The file has no address of Matrix.")
        path = f"/_matrix/client/v1/media/download/{file.reference.removeprefix('mxc://')}"
        return self.rest.fetch(self.homeserver + path, limit, self.headers)

    def close_client(self) -> None:
        self.rest.close()

    def check(self) -> Iterator[platform.Check]:
        joined = self.channel in self.call("GET", "client/v3/joined_rooms")["joined_rooms"]
        yield platform.Check(f"{self.me} is in the room", None if joined else "Invite it, and accept the invitation.")

    def run(self, receiver: platform.Receiver, is_wanted: Callable[[float], bool]) -> None:
        since, rooms = receiver.cursor(), json.dumps({"room": {"rooms": [self.channel], "timeline": {"limit": 1}}})
        while is_wanted(0.0):
            asked = {"filter": rooms, **({"since": since, "timeout": "4000"} if since else {})}
            until = self.call("GET", "client/v3/sync", params=asked)["next_batch"]
            for incoming in self.read(since, until):
                receiver.receive(incoming)
            receiver.save_cursor(since := until)

    def read(self, since: str | None, until: str) -> Iterator[platform.Incoming]:
        while since:
            page = self.in_room("GET", "messages", params={"dir": "f", "from": since, "to": until, "limit": "100"})
            for event in page["chunk"]:
                with suppress(KeyError, TypeError, AttributeError):  # what is malformed tells nothing
                    yield from [] if event["sender"] == self.me else list(tell(self.channel, event, event["content"]))
            since = page.get("end") if page["chunk"] else None


def tell(channel: str, event: dict[str, Any], content: dict[str, Any]) -> Iterator[platform.Incoming]:
    place, redacted = content.get("m.relates_to") or {}, content.get("redacts") or event.get("redacts")
    sender, is_bot = str(event["sender"]), content.get("msgtype") == "m.notice"
    author = platform.Author(sender, sender[1:].partition(":")[0], is_bot)
    if event["type"] == "m.room.redaction" and redacted:
        yield platform.IncomingDelete(channel, redacted, author)
        yield platform.IncomingThreadChange(platform.Thread(channel, redacted), "deleted", author)
    elif event["type"] == "m.room.message" and place.get("rel_type") == "m.replace":
        text, edited = str(content["m.new_content"]["body"]), str(place["event_id"])
        yield platform.IncomingEdit(channel, None, edited, author, text)
    elif event["type"] == "m.room.message" and place.get("rel_type") == "m.thread":
        body, url = str(content["body"]), content.get("url")
        name = str(content.get("filename", body))
        files = (platform.IncomingFile(str(url), name, content.get("info", {}).get("mimetype")),) if url else ()
        replied = None if place.get("is_falling_back") else place.get("m.in_reply_to", {}).get("event_id")
        thread, text = platform.Thread(channel, str(place["event_id"])), "" if url and body == name else body
        yield platform.IncomingMessage(thread, event["event_id"], author, text, replied, files)


def content_of(post: platform.Post) -> dict[str, Any]:
    author = f"<b>{escape(post.author)}</b>\n" if post.author else ""
    formatted = author + (markup.to_html(post.text, TAGS) if post.markdown else escape(post.text))
    body = "\n".join(part for part in (post.author, post.text) if part)
    shown = {"format": "org.matrix.custom.html", "formatted_body": formatted.replace("\n", "<br>")}
    # With no mentions, "@room" in a visitor's text notifies nobody.
    return {"msgtype": "m.notice" if post.silent else "m.text", "body": body, **shown, "m.mentions": {}}
