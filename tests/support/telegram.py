"""A server like Telegram's Bot API, over real HTTP: what it keeps, how strictly it checks, and where it refuses."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.parser import BytesParser
from email.policy import HTTP
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .http_server import QuietHandler, http_server
from .servers import wait_until

TOKEN = "424242:AAtest-token_0123456789abcdefghij"
BOT_ID = 424242
GROUP = -1001234567890

_TAGS = {"b", "strong", "i", "em", "u", "s", "strike", "del", "code", "pre", "a", "blockquote", "tg-spoiler", "span"}


#: Characters that do not count for a name.
_INVISIBLE = " \n\u200b\u200d\u2060\u3164\u2800"


class Refusal(Exception):
    """An answer with `ok` false."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
        if parameters:
            self.body["parameters"] = parameters


class _Parser(HTMLParser):
    """Telegram's HTML: few tags, each closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.text = ""
        self.open: list[tuple[str, int, str | None]] = []
        self.entities: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise self._error(f'Unsupported start tag "{tag}"')
        self.open.append((tag, _units(self.text), dict(attributes).get("href")))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise self._error(f'Unexpected end tag "{tag}"')
        name, start, href = self.open.pop()
        kinds = {"b": "bold", "i": "italic", "s": "strikethrough", "code": "code", "pre": "pre", "a": "text_link"}
        entity = {"type": kinds.get(name, name), "offset": start, "length": _units(self.text) - start}
        self.entities.append({**entity, "url": href} if href else entity)

    def handle_data(self, data: str) -> None:
        self.text += data

    def _error(self, what: str) -> Refusal:
        line, column = self.getpos()
        lines = self.source.split("\n")
        offset = len("\n".join([*lines[: line - 1], lines[line - 1][:column]]).encode())
        return Refusal(400, f"Bad Request: can't parse entities: {what} at byte offset {offset}")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """The text and the entities of HTML, or the refusal of what Telegram can't parse."""
    # `HTMLParser` takes a bare < for text, Telegram does not.
    if bare := re.search(r"<(?![a-z/])", source):
        offset = len(source[: bare.start()].encode())
        raise Refusal(400, f'Bad Request: can\'t parse entities: Unsupported start tag "" at byte offset {offset}')
    parser = _Parser(source)
    parser.feed(source)
    parser.close()
    if parser.open:
        missing = f'Can\'t find end tag corresponding to start tag "{parser.open[-1][0]}"'
        raise Refusal(400, f"Bad Request: can't parse entities: {missing}")
    return parser.text.strip(), sorted(parser.entities, key=lambda entity: entity["offset"])


class TelegramServer:
    """What the server knows, and how a test makes it behave.

    :ivar limit: posts to one group within `period` seconds; `None` for no limit.
    :ivar before: called with the method and its parameters before it is carried out; it may raise a `Refusal`, or
        return `cut` to carry it out and break the line without an answer, `drop` to break the line at once, or a status
        such as `502` to carry it out and answer with that and a page of HTML.
    :ivar refused: how many posts were over the limit.
    :ivar requests: method and parameters of each request, in order.
    """

    def __init__(self) -> None:
        self.port = 0
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.topics: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, dict[str, Any]] = {}
        self.deleted: set[int] = set()
        self.chats: dict[int, dict[str, Any]] = {
            GROUP: {"id": GROUP, "type": "supergroup", "title": "Support", "is_forum": True}
        }
        self.member: dict[str, Any] = {
            "status": "administrator",
            "can_manage_topics": True,
            "can_delete_messages": True,
        }
        self.moved: dict[int, int] = {}
        self.files: dict[str, bytes] = {}
        self.uploads: dict[int, bytes] = {}
        self.updates: deque[dict[str, Any]] = deque()
        self.webhook: dict[str, Any] | None = None
        self.polling = 0
        self.conflicts = 0
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.times: list[tuple[float, int]] = []
        self.limit: int | None = None
        self.refused = 0
        self.period = 60.0
        self.before: Callable[[str, dict[str, Any]], str | None] = lambda method, given: None
        self.stopping = threading.Event()
        self._ids = 100
        self._update_ids = 5000
        self._sent_at: dict[int, deque[float]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- What a person does in the app

    def write(self, topic: int | None, text: str = "", **more: Any) -> int:
        """An operator writes in a topic. The bot gets an update."""
        return int(self._person_message("message", topic, text, **more)["message_id"])

    def write_album(self, topic: int, *files: tuple[str, bytes, str], order: list[int] | None = None) -> list[int]:
        """An operator sends photos as an album. Each is an update of its own, in the given order."""
        group = secrets.token_hex(6)
        made = []
        for name, data, caption in files:
            file_id = self.add_file(data)
            photo = [{"file_id": file_id, "file_unique_id": name, "width": 90, "height": 60, "file_size": len(data)}]
            captioned = {"caption": caption} if caption else {}
            message = self._new_message(topic, {"photo": photo, "media_group_id": group, **captioned})
            made.append(message)
        for index in order or range(len(made)):
            self._update("message", made[index])
        return [message["message_id"] for message in made]

    def edit(self, message_id: int, text: str, **more: Any) -> None:
        """An operator edits a message."""
        with self.lock:
            message = self.messages[message_id]
            message |= {"text" if "text" in message else "caption": text, "edit_date": int(time.time()), **more}
            self._update("edited_message", message)

    def react(self, message_id: int, emoji: str, person: int = 7, name: str = "Ana") -> None:
        """An operator reacts to a message. The update has no topic."""
        with self.lock:
            self._update(
                "message_reaction",
                {
                    "chat": self.chats[GROUP],
                    "message_id": message_id,
                    "user": {"id": person, "is_bot": False, "first_name": name},
                    "date": int(time.time()),
                    "old_reaction": [],
                    "new_reaction": [{"type": "emoji", "emoji": emoji}],
                },
            )

    def add_file(self, data: bytes) -> str:
        """Make a file that a message can have."""
        file_id = "file-" + secrets.token_hex(8)
        self.files[file_id] = data
        return file_id

    def close_topic(self, topic: int, *, told: bool = True) -> None:
        """A person closes a topic."""
        with self.lock:
            self.topics[topic]["closed"] = True
            if told:
                self._person_message("message", topic, "", forum_topic_closed={})

    def delete_topic(self, topic: int) -> None:
        """A person deletes a topic with all that is in it. The bot is not told."""
        with self.lock:
            del self.topics[topic]
            for message_id in [known for known, message in self.messages.items() if _topic_of(message) == topic]:
                del self.messages[message_id]

    def migrate(self, new: int) -> None:
        """The group gets a new id."""
        with self.lock:
            self.chats[new] = {**self.chats[GROUP], "id": new}
            self.moved[GROUP] = new

    # --- What a test sees

    def in_topic(self, topic: int) -> list[dict[str, Any]]:
        """The messages in a topic, oldest first, without service messages."""
        with self.lock:
            found = [message for message in self.messages.values() if _topic_of(message) == topic]
            return [message for message in found if "forum_topic_created" not in message]

    def texts(self, topic: int | None = None) -> list[str]:
        """The texts and captions in a topic, or of all topics."""
        with self.lock:
            found = [
                message
                for message in self.messages.values()
                if (topic is None or _topic_of(message) == topic) and "forum_topic_created" not in message
            ]
            return [message.get("text") or message.get("caption") or "" for message in found]

    def wait_topic(self, count: int = 1, timeout: float = 15.0) -> int:
        """Wait for a number of topics, and return the newest."""
        wait_until(lambda: len(self.topics) >= count, f"{count} topics", timeout, lambda: self.requests[-5:])
        return max(self.topics)

    def wait_text(self, part: str, topic: int | None = None, timeout: float = 15.0) -> dict[str, Any]:
        """Wait for a message with a text in it, and return it."""

        def found() -> dict[str, Any] | None:
            with self.lock:
                return next(
                    (
                        message
                        for message in self.messages.values()
                        if part in (message.get("text") or message.get("caption") or "")
                        and (topic is None or _topic_of(message) == topic)
                    ),
                    None,
                )

        return dict(wait_until(found, f"a message with {part!r}", timeout, lambda: self.texts()[-10:]))

    def calls(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the requests of a method."""
        return [given for called, given in list(self.requests) if called == method]

    # --- The methods

    def call(self, method: str, given: dict[str, Any]) -> Any:
        made: Callable[[dict[str, Any]], Any] | None = getattr(self, f"do_{method}", None)
        if made is None:
            raise Refusal(404, "Not Found: method not found")
        return made(given)

    def do_getMe(self, given: dict[str, Any]) -> Any:
        return {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Shop",
            "username": "shop_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": False,
            "has_topics_enabled": True,
        }

    def do_getChat(self, given: dict[str, Any]) -> Any:
        chat = self._chat(given)
        return {**chat, "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _GIFTS}

    def do_getChatMember(self, given: dict[str, Any]) -> Any:
        self._chat(given)
        return {"user": self._bot(), **_RIGHTS, **self.member}

    def do_createForumTopic(self, given: dict[str, Any]) -> Any:
        chat = self._chat(given)
        if not chat.get("is_forum"):
            raise Refusal(400, "Bad Request: the chat is not a forum")
        if self.member["status"] != "administrator" or not self.member["can_manage_topics"]:
            raise Refusal(400, "Bad Request: not enough rights to create a topic")
        name = str(given.get("name", ""))
        if not 1 <= len(name.strip(_INVISIBLE)) <= 128:
            raise Refusal(400, "Bad Request: TOPIC_TITLE_INVALID")
        created = self._store(chat["id"], {"forum_topic_created": {"name": name, "icon_color": 7322096}})
        topic = created["message_id"]
        created["message_thread_id"] = topic
        self.topics[topic] = {"name": name, "closed": False, "chat": chat["id"]}
        return {"message_thread_id": topic, "name": name, "icon_color": 7322096}

    def do_closeForumTopic(self, given: dict[str, Any]) -> Any:
        topic = self._topic(given)
        if topic["closed"]:
            raise Refusal(400, "Bad Request: TOPIC_NOT_MODIFIED")
        topic["closed"] = True
        return True

    def do_reopenForumTopic(self, given: dict[str, Any]) -> Any:
        topic = self._topic(given)
        if not topic["closed"]:
            raise Refusal(400, "Bad Request: TOPIC_NOT_MODIFIED")
        topic["closed"] = False
        return True

    def do_sendMessage(self, given: dict[str, Any]) -> Any:
        text, entities = self._text(given, "text", 4096)
        if not text:
            raise Refusal(400, "Bad Request: message text is empty")
        return self._post(given, {"text": text, **({"entities": entities} if entities else {})})

    def do_sendPhoto(self, given: dict[str, Any]) -> Any:
        return self._post_file(given, "photo")

    def do_sendDocument(self, given: dict[str, Any]) -> Any:
        return self._post_file(given, "document")

    def do_sendMediaGroup(self, given: dict[str, Any]) -> Any:
        media = json.loads(given["media"]) if isinstance(given["media"], str) else given["media"]
        if not 2 <= len(media) <= 10:
            raise Refusal(400, "Bad Request: wrong number of media")
        group = secrets.token_hex(6)
        made = []
        for item in media:
            name = item["media"].removeprefix("attach://")
            place: dict[str, Any] = {
                key: given[key] for key in ("chat_id", "message_thread_id", "reply_parameters") if key in given
            }
            made.append(
                self._post_file({**place, **item, item["type"]: given["@" + name]}, item["type"], media_group_id=group)
            )
        return made

    def do_editMessageText(self, given: dict[str, Any]) -> Any:
        message = self._message(given)
        text, entities = self._text(given, "text", 4096)
        if "text" not in message:
            raise Refusal(400, "Bad Request: there is no text in the message to edit")
        return self._rewrite(message, text, entities, "text")

    def do_editMessageCaption(self, given: dict[str, Any]) -> Any:
        message = self._message(given)
        text, entities = self._text(given, "caption", 1024)
        return self._rewrite(message, text, entities, "caption")

    def do_deleteMessage(self, given: dict[str, Any]) -> Any:
        chat, number = self._chat(given), int(given["message_id"])
        message = self.messages.get(number)
        if message is None or message["chat"]["id"] != chat["id"]:
            raise Refusal(400, "Bad Request: message to delete not found")
        if message["from"]["id"] != BOT_ID and not self.member["can_delete_messages"]:
            raise Refusal(400, "Bad Request: message can't be deleted")
        del self.messages[number]
        self.deleted.add(number)
        return True

    def do_sendChatAction(self, given: dict[str, Any]) -> Any:
        self._topic(given)
        if given.get("action") != "typing":
            raise Refusal(400, "Bad Request: wrong parameter action in request")
        return True

    def do_getFile(self, given: dict[str, Any]) -> Any:
        data = self.files.get(str(given.get("file_id")))
        if data is None:
            raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(data) > 20 * 1024 * 1024:
            raise Refusal(400, "Bad Request: file is too big")
        found = str(given["file_id"])
        return {"file_id": found, "file_unique_id": found, "file_size": len(data), "file_path": f"photos/{found}.bin"}

    def do_setWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = dict(given)
        return True

    def do_deleteWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = None
        return True

    def do_getWebhookInfo(self, given: dict[str, Any]) -> Any:
        url = (self.webhook or {}).get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    def do_getUpdates(self, given: dict[str, Any]) -> Any:
        if self.webhook:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        if self.polling:
            self.conflicts += 1
            raise Refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot runs")
        wanted = given.get("allowed_updates")
        offset = int(given.get("offset") or 0)
        self.polling += 1
        try:
            # An update is gone when a later one is asked for, and not before.
            while self.updates and offset and self.updates[0]["update_id"] < offset:
                self.updates.popleft()
            # A real server holds the request for longer; a test would wait for that at its end.
            deadline = time.monotonic() + min(float(given.get("timeout") or 0), 0.3)
            while not self.updates and time.monotonic() < deadline and not self.stopping.is_set():
                self.news.wait(0.05)
        finally:
            self.polling -= 1
        return [update for update in self.updates if not wanted or update.keys() & set(wanted)][:100]

    # --- Inside

    def serve(self, path: str, body: bytes, content_type: str) -> tuple[int, bytes, str, str | None]:
        """Answer a request: status, body, media type, and what to do to the line."""
        match = re.fullmatch(r"/bot([^/]+)/(\w+)", path)
        if match is None or match[1] != TOKEN:
            return 401, json.dumps(Refusal(401, "Unauthorized").body).encode(), "application/json", None
        method = match[2]
        given = _parameters(body, content_type)
        action: str | None = None
        try:
            action = self.before(method, given)
            if action == "drop":
                return 200, b"", "application/json", "cut"
            with self.lock:
                self.requests.append((method, given))
                result = self.call(method, given)
            if action is not None and action.isdigit():
                return int(action), b"<html><h1>nginx</h1></html>", "text/html", None
            answer = {"ok": True, "result": result}
            return 200, json.dumps(answer).encode(), "application/json", "cut" if action == "cut" else None
        except Refusal as refusal:
            return refusal.status, json.dumps(refusal.body).encode(), "application/json", None

    def _bot(self) -> dict[str, Any]:
        return {"id": BOT_ID, "is_bot": True, "first_name": "Shop", "username": "shop_bot"}

    def _chat(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id = int(given.get("chat_id", 0))
        if chat_id in self.moved:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=self.moved[chat_id],
            )
        if chat_id not in self.chats:
            raise Refusal(400, "Bad Request: chat not found")
        return self.chats[chat_id]

    def _topic(self, given: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(given)
        topic = self.topics.get(int(given.get("message_thread_id", 0)))
        if topic is None or chat["id"] not in {topic["chat"], self.moved.get(topic["chat"])}:
            replies = "reply_parameters" in given
            raise Refusal(400, "Bad Request: TOPIC_DELETED" if replies else "Bad Request: message thread not found")
        return topic

    def _text(self, given: dict[str, Any], name: str, limit: int) -> tuple[str, list[dict[str, Any]]]:
        source = str(given.get(name, ""))
        if given.get("parse_mode") == "HTML":
            text, entities = parse_html(source)
        else:
            text, entities = source.strip(), []
        if _units(text) > limit:
            what = "message is too long" if name == "text" else "message caption is too long"
            raise Refusal(400, f"Bad Request: {what}")
        return text, entities

    def _post(self, given: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(given)
        self._count(chat["id"])
        if "message_thread_id" in given:
            if self._topic(given)["closed"] and self.member["status"] != "creator":
                raise Refusal(400, "Bad Request: TOPIC_CLOSED")
            content["message_thread_id"] = int(given["message_thread_id"])
            content["is_topic_message"] = True
        reply = given.get("reply_parameters")
        reply = json.loads(reply) if isinstance(reply, str) else reply
        if reply:
            replied = self.messages.get(int(reply["message_id"]))
            if replied is None and not reply.get("allow_sending_without_reply"):
                raise Refusal(400, "Bad Request: message to be replied not found")
            if replied is not None:
                content["reply_to_message"] = {key: replied[key] for key in ("message_id", "date", "chat")}
        self.times.append((time.monotonic(), content.get("message_thread_id", 0)))
        return self._store(chat["id"], content)

    def _count(self, chat_id: int) -> None:
        """The limit of a group, which all of its topics share."""
        if self.limit is None:
            return
        times, now = self._sent_at.setdefault(chat_id, deque()), time.monotonic()
        while times and times[0] <= now - self.period:
            times.popleft()
        if len(times) >= self.limit:
            self.refused += 1
            wait = max(1, round(times[0] + self.period - now))
            raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        times.append(now)

    def _post_file(self, given: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
        caption, entities = self._text(given, "caption", 1024)
        found = given.get("@" + kind) or given.get(kind)
        if not isinstance(found, tuple):
            raise Refusal(400, f"Bad Request: there is no {kind} in the request")
        name, mime_type, data = found
        file_id = self.add_file(data)
        if kind == "photo":
            if len(data) > 10 * 1024 * 1024 or not data.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
                raise Refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
            stored: Any = [{"file_id": file_id, "file_unique_id": file_id, "width": 90, "height": 60}]
        else:
            stored = {"file_id": file_id, "file_unique_id": file_id, "file_name": name, "mime_type": mime_type}
        content = {kind: stored, **more, **({"caption": caption} if caption else {})}
        if entities:
            content["caption_entities"] = entities
        message = self._post(given, content)
        self.uploads[message["message_id"]] = data
        return message

    def _message(self, given: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat(given)
        message = self.messages.get(int(given["message_id"]))
        if message is None or message["chat"]["id"] != chat["id"]:
            raise Refusal(400, "Bad Request: message to edit not found")
        if message["from"]["id"] != BOT_ID:
            raise Refusal(400, "Bad Request: message can't be edited")
        return message

    def _rewrite(self, message: dict[str, Any], text: str, entities: list[dict[str, Any]], name: str) -> Any:
        key = "entities" if name == "text" else "caption_entities"
        if message.get(name) == text and message.get(key, []) == entities:
            raise Refusal(400, "Bad Request: message is not modified: specified new message content is the same")
        message |= {name: text, key: entities, "edit_date": int(time.time())}
        return message

    def _store(self, chat_id: int, content: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        message = {"message_id": self._ids, "date": int(time.time()), "chat": self.chats[chat_id], "from": self._bot()}
        self.messages[self._ids] = {**message, **content}
        return self.messages[self._ids]

    def _new_message(self, topic: int | None, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        with self.lock:
            chat_id = self.moved.get(GROUP, GROUP)
            person = {"id": 7, "is_bot": False, "first_name": "Ana"}
            message = self._store(chat_id, {"from": person, **content, **more})
            if topic is not None:
                message |= {"message_thread_id": topic, "is_topic_message": True}
            return message

    def _person_message(self, kind: str, topic: int | None, text: str, **more: Any) -> dict[str, Any]:
        with self.lock:
            message = self._new_message(topic, {"text": text} if text else {}, **more)
            self._update(kind, message)
            return message

    def _update(self, kind: str, content: dict[str, Any]) -> None:
        with self.lock:
            self._update_ids += 1
            self.updates.append({"update_id": self._update_ids, kind: json.loads(json.dumps(content))})
            self.news.notify_all()


_RIGHTS = dict.fromkeys(
    (
        *("can_be_edited", "is_anonymous", "can_manage_chat", "can_manage_video_chats", "can_restrict_members"),
        *("can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories"),
        *("can_delete_stories", "can_pin_messages"),
    ),
    False,
)
_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


def _topic_of(message: dict[str, Any]) -> int | None:
    return message.get("message_thread_id")


def _parameters(body: bytes, content_type: str) -> dict[str, Any]:
    if content_type.startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    if content_type.startswith("application/x-www-form-urlencoded"):
        found = {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return {name: _value(value) for name, value in found.items()}
    if content_type.startswith("multipart/form-data"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        given: dict[str, Any] = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            if part.get_filename() is not None:
                given["@" + name] = (str(part.get_filename()), part.get_content_type(), data)
            else:
                given[name] = _value(data.decode())
        return given
    return {}


def _value(text: str) -> Any:
    if text in {"true", "True"}:
        return True
    if text in {"false", "False"}:
        return False
    if text[:1] in {"{", "["}:
        return json.loads(text)
    return text


@contextmanager
def telegram_server(port: int = 0) -> Iterator[TelegramServer]:
    """The server on a free port."""
    state = TelegramServer()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(*state.serve(urlsplit(self.path).path, body, self.headers.get("Content-Type", "")))

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            match = re.fullmatch(r"/file/bot([^/]+)/photos/(.+)\.bin", path)
            if match is None or match[1] != TOKEN or match[2] not in state.files:
                self._answer(404, b'{"ok":false,"error_code":404,"description":"Not Found"}', "application/json", None)
                return
            self._answer(200, state.files[match[2]], "application/octet-stream", None)

        def _answer(self, status: int, body: bytes, media_type: str, action: str | None) -> None:
            if action == "cut":
                self.close_connection = True
                self.connection.close()
                return
            try:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def handle(self) -> None:
            # The line is cut on purpose.
            with suppress(OSError, ValueError):
                super().handle()

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    with http_server(Handler, "telegram", port, waits=False) as server:
        state.port = server.server_port
        try:
            yield state
        finally:
            state.stopping.set()
            with state.news:
                state.news.notify_all()
