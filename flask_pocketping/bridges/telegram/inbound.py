"""What comes in from Telegram: updates by long polling or by webhook, as the values of bridges."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..platform import (
    Author,
    Incoming,
    IncomingDelete,
    IncomingEdit,
    IncomingFile,
    IncomingMessage,
    IncomingThreadChange,
    PlatformError,
    Receiver,
    Thread,
    Throttled,
)
from . import formatting
from .client import BadToken, BotAPI, Conflict

logger = logging.getLogger("flask_pocketping")

#: What the bot asks for. Reactions come only if they are named.
UPDATES = ("message", "edited_message", "message_reaction", "my_chat_member")
#: Seconds for which Telegram holds a request without news. The lease is renewed in between.
POLL = 4
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
#: The reaction that deletes a message, which only administrators' bots see.
BIN = "🗑"

_FILES = ("document", "photo", "video", "audio", "voice", "animation", "video_note", "sticker")
_ENDINGS = {
    "photo": ("photo.jpg", "image/jpeg"),
    "voice": ("voice.ogg", "audio/ogg"),
    "video": ("video.mp4", "video/mp4"),
    "video_note": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "sticker": ("sticker.webp", "image/webp"),
    "document": ("file", None),
}


class TelegramPolling:
    """Receives updates by `getUpdates`.

    :param poll: seconds for which a request waits for news.
    """

    def __init__(self, api: BotAPI, poll: int = POLL) -> None:
        self._api = api
        self._poll = poll
        self._webhook_removed = False

    def run(self, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Receive until it is no longer wanted. An update is confirmed with the request after it is stored."""
        cursor = receiver.cursor()
        offset = int(cursor) if cursor else 0
        while is_wanted(0.0):
            try:
                updates = self._get(offset)
            except BadToken:
                raise
            except Throttled as error:
                is_wanted(min(error.after, 5.0))
                continue
            except Conflict as error:
                self._resolve(error)
                is_wanted(2.0)
                continue
            except PlatformError as error:
                logger.warning("Receiving from Telegram was interrupted: %s", error)
                is_wanted(2.0)
                continue
            for update in updates:
                for received in read_update(update, self._api.bot_id):
                    receiver.receive(received)
                offset = int(update["update_id"]) + 1
                receiver.save_cursor(str(offset))

    def _get(self, offset: int) -> list[dict[str, Any]]:
        asked = {"offset": offset or None, "timeout": self._poll, "allowed_updates": list(UPDATES)}
        return list(self._api.call("getUpdates", asked, timeout=self._poll + 10.0))

    def _resolve(self, error: Conflict) -> None:
        """Remove a webhook that was set before; another program that polls is only waited for."""
        if "webhook" in str(error).lower() and not self._webhook_removed:
            self._api.call("deleteWebhook", {})
            self._webhook_removed = True
            return
        logger.warning("Another program receives the messages of the Telegram bot: %s", error)


class TelegramWebhook:
    """Receives updates by requests of Telegram.

    :param secret: the secret that Telegram sends with each request.
    """

    def __init__(self, secret: str, bot_id: str) -> None:
        self._secret = secret
        self._bot_id = bot_id

    def admits(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Return whether the secret is right."""
        given = headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._secret.encode())

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Return whether the secret is right."""
        return self.admits(headers, now)

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Sequence[Incoming], Mapping[str, Any]]:
        """Return what an update tells."""
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return (), {}
        return (tuple(read_update(found, self._bot_id)) if isinstance(found, dict) else ()), {}


def read_update(update: Mapping[str, Any], bot_id: str) -> Iterator[Incoming]:
    """Yield what an update tells. One that is not understood tells nothing.

    :param bot_id: our own bot, whose messages and service messages are left out.
    """
    try:
        yield from list(_read(update, bot_id))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        logger.warning("An update of Telegram was not understood (%s).", type(error).__name__)


def _read(update: Mapping[str, Any], bot_id: str) -> Iterator[Incoming]:
    if "message" in update:
        yield from _message(update["message"], bot_id)
    elif "edited_message" in update:
        message = update["edited_message"]
        if _author(message, bot_id) is not None and ("text" in message or "caption" in message):
            chat = str(message["chat"]["id"])
            # Two edits of one second are told apart by their updates.
            version = f"{int(message.get('edit_date', 0)):012d}.{int(update.get('update_id', 0)):020d}"
            yield IncomingEdit(
                *(chat, _thread(message), str(message["message_id"]), _author(message, bot_id), _text(message)),
                version=version[:40],
            )
    elif "message_reaction" in update:
        reaction = update["message_reaction"]
        emojis = {str(item.get("emoji", "")).rstrip("\ufe0f") for item in reaction["new_reaction"]}
        if BIN in emojis:
            author = _author({"from": reaction.get("user"), "chat": reaction["chat"]}, bot_id)
            yield IncomingDelete(str(reaction["chat"]["id"]), str(reaction["message_id"]), author)


def _message(message: Mapping[str, Any], bot_id: str) -> Iterator[Incoming]:
    chat = str(message["chat"]["id"])
    if "migrate_to_chat_id" in message:
        yield IncomingThreadChange(Thread(chat, ""), "moved", moved_to=str(message["migrate_to_chat_id"]))
        return
    thread, author = _thread(message), _author(message, bot_id)
    if thread is None or author is None:
        return
    for name, change in (("forum_topic_closed", "closed"), ("forum_topic_reopened", "reopened")):
        if name in message:
            yield IncomingThreadChange(thread, change, author)  # type: ignore[arg-type]
            return
    files, text = tuple(_files(message)), _text(message)
    if not files and not text:
        text = _otherwise(message)
    if not files and not text:
        return
    replied = message.get("reply_to_message") or {}
    # In a topic, a message that is no reply "replies" to the service message that opened the topic.
    reply_to = None if "forum_topic_created" in replied else replied.get("message_id")
    yield IncomingMessage(
        thread=thread,
        id=str(message["message_id"]),
        author=author,
        text=text,
        reply_to=None if reply_to is None or str(reply_to) == thread.id else str(reply_to),
        files=files,
        sent_at=datetime.fromtimestamp(message["date"], UTC) if "date" in message else None,
        group=message.get("media_group_id"),
    )


def _thread(message: Mapping[str, Any]) -> Thread | None:
    thread_id = message.get("message_thread_id")
    return None if thread_id is None else Thread(str(message["chat"]["id"]), str(thread_id))


def _author(message: Mapping[str, Any], bot_id: str) -> Author | None:
    """Return who wrote a message, or `None` for our own bot. An anonymous administrator is the group itself."""
    found = message.get("sender_chat") or message.get("from")
    if found is None:
        chat = message["chat"]
        return Author(str(chat["id"]), str(chat.get("title") or "Operator"))
    if str(found["id"]) == bot_id:
        return None
    parts = [found.get("first_name"), found.get("last_name")]
    name = " ".join(part for part in parts if part) or found.get("title") or found.get("username") or "Operator"
    return Author(str(found["id"]), str(name), bool(found.get("is_bot")) and "sender_chat" not in message)


def _text(message: Mapping[str, Any]) -> str:
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        if text in message:
            return formatting.to_markdown(message[text], message.get(entities) or ())
    return ""


def _otherwise(message: Mapping[str, Any]) -> str:
    """Return the text of messages that have neither text nor files."""
    if "venue" in message or "location" in message:
        place = message.get("venue", {}).get("location") or message["location"]
        return f"https://www.openstreetmap.org/?mlat={float(place['latitude'])}&mlon={float(place['longitude'])}"
    if "contact" in message:
        contact = message["contact"]
        return f"{contact.get('first_name', '')} {contact.get('phone_number', '')}".strip()
    return ""


def _files(message: Mapping[str, Any]) -> Iterator[IncomingFile]:
    for kind in _FILES:
        # An animation is also a document.
        if kind not in message or (kind == "document" and "animation" in message):
            continue
        found = message[kind]
        if kind == "photo":
            found = max(found, key=lambda size: (size.get("width") or 0) * (size.get("height") or 0))
        name, mime_type = _ENDINGS[kind]
        yield IncomingFile(
            reference=str(found["file_id"]),
            name=str(found.get("file_name") or name),
            mime_type=found.get("mime_type") or mime_type,
            size=found.get("file_size"),
        )
