"""`Telegram`, the outgoing calls: topics, posts, files, edits, and the check of the settings."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any, BinaryIO, Literal

from ...delivery.target import Pace
from ..platform import (
    Check,
    IncomingFile,
    Opened,
    OutgoingFile,
    Platform,
    PlatformError,
    Post,
    Posted,
    Refused,
    Thread,
    Unanswered,
)
from . import formatting
from .client import BadToken, BotAPI, Unchanged

#: Files of these types are sent as photos up to this size in bytes; all others as documents.
_PHOTOS = {"image/jpeg", "image/png", "image/webp"}
_MAX_PHOTO = 10 * 1000 * 1000
#: What Telegram says of pictures that it does not show.
_NO_PHOTO = ("PHOTO_", "IMAGE_PROCESS_FAILED")
#: The most files of an album.
_ALBUM = 10

#: How many posts a group takes in a minute, a chat and all chats together in a second.
GROUP_LIMIT = (20, 60.0)
CHAT_LIMIT = (1, 1.0)
BOT_LIMIT = (30, 1.0)

_NO_PREVIEW = {"is_disabled": True}


class Telegram(Platform):
    """Telegram's Bot API.

    :param chat_id: a supergroup with topics, or a person who has topics with the bot.
    :param group_limit: how many posts a group takes, and in how many seconds.
    """

    name = "telegram"
    label = "Telegram"
    max_text = 4096
    max_caption = 1024
    max_title = 128
    max_file_size = 50 * 1000 * 1000
    on_unanswered: Literal["repeat", "find", "never"] = "never"

    def __init__(self, api: BotAPI, chat_id: str, *, group_limit: tuple[int, float] = GROUP_LIMIT) -> None:
        self._api = api
        self.channel = chat_id
        self._group_limit = group_limit

    def measure(self, text: str, *, markdown: bool) -> int:
        """Return the length of a text in UTF-16 code units, after its markup is parsed."""
        return formatting.measure(text, markdown=markdown)

    def paces(self, thread: Thread | None) -> Sequence[Pace]:
        """Return the rate limits: those of the bot, and those of the group or the private chat."""
        bot, chat = f"telegram {self._api.bot_id}", self.channel if thread is None else thread.channel
        of_chat = self._group_limit if chat.startswith(("-", "@")) else CHAT_LIMIT
        return Pace(bot, *BOT_LIMIT), Pace(f"{bot} {chat}"[:100], *of_chat)

    def open_thread(self, title: str, header: str, first: Post | None) -> Opened:
        """Create a topic. Its first post has the header."""
        made = self._api.call("createForumTopic", {"chat_id": self.channel, "name": title or "Visitor"})
        return Opened(Thread(self.channel, str(made["message_thread_id"])), has_header=False)

    def post(self, thread: Thread, post: Post) -> Posted:
        """Send a message, a file or an album."""
        if not post.files:
            sent = self._api.call("sendMessage", {**self._text(thread, post), "link_preview_options": _NO_PREVIEW})
            return Posted((str(sent["message_id"]),))
        ids: list[str] = []
        calls = 0
        for start in range(0, len(post.files), _ALBUM):
            part = post.files[start : start + _ALBUM]
            try:
                sent = self._send_files(thread, post, part, with_text=start == 0)
            except PlatformError:
                if not ids:
                    raise
                # The first album is there, so a repeat would post it twice.
                raise Unanswered("Not all files were posted.") from None
            ids += [str(message["message_id"]) for message in sent]
            calls += len(sent)
        return Posted(tuple(ids), calls)

    def edit(self, thread: Thread, ids: Sequence[str], post: Post) -> Posted:
        """Change the text of a message, or the caption of a file."""
        place = {"chat_id": thread.channel, "message_id": int(ids[0]), "parse_mode": "HTML"}
        text = formatting.to_html(post)
        with suppress(Unchanged):
            try:
                self._api.call("editMessageText", {**place, "text": text, "link_preview_options": _NO_PREVIEW})
            except Unchanged:
                raise
            except Refused as error:
                if "no text in the message" not in str(error):
                    raise
                self._api.call("editMessageCaption", {**place, "caption": text})
        return Posted(tuple(ids))

    def delete(self, thread: Thread, ids: Sequence[str]) -> None:
        """Delete messages."""
        for message_id in ids:
            with suppress(Unchanged):
                self._api.call("deleteMessage", {"chat_id": thread.channel, "message_id": int(message_id)})

    def close(self, thread: Thread) -> None:
        """Close the topic, where topics can be closed."""
        self._switch("closeForumTopic", thread)

    def reopen(self, thread: Thread) -> None:
        """Open the topic again."""
        self._switch("reopenForumTopic", thread)

    def typing(self, thread: Thread) -> None:
        """Show "typing…" in the topic."""
        self._api.call("sendChatAction", {**_place(thread), "action": "typing"})

    def link(self, thread: Thread) -> str | None:
        """Return the address of the topic, in a supergroup."""
        if not thread.channel.startswith("-100"):
            return None
        return f"https://t.me/c/{thread.channel.removeprefix('-100')}/{thread.id}"

    def fetch(self, file: IncomingFile, limit: int) -> Iterator[bytes]:
        """Fetch a file by its id."""
        yield from self._api.fetch(file.reference, limit)

    def check(self) -> Iterator[Check]:
        """Check the token, the chat and the bot's rights in it."""
        me: dict[str, Any] = {}
        try:
            me = self._api.call("getMe", {})
        except BadToken as error:
            yield Check("The bot token works", str(error))
            return
        yield Check("The bot token works", facts={"bot": f"@{me.get('username')}"})
        chat = yield from self._check_chat(me)
        if chat is None or chat.get("type") == "private":
            return
        yield from self._check_rights(me)

    def close_client(self) -> None:
        """Close idle connections."""
        self._api.close()

    def _text(self, thread: Thread, post: Post) -> dict[str, Any]:
        return {**_place(thread), **_options(post), "text": formatting.to_html(post), "parse_mode": "HTML"}

    def _send_files(
        self, thread: Thread, post: Post, files: Sequence[OutgoingFile], *, with_text: bool
    ) -> list[dict[str, Any]]:
        given: dict[str, Any] = {**_place(thread), **(_options(post) if with_text else {})}
        caption = formatting.to_html(post) if with_text else ""
        captioned = {"caption": caption, "parse_mode": "HTML"} if caption else {}
        if all(_is_photo(file) for file in files):
            try:
                return self._send_as("photo", given, captioned, files)
            except Refused as error:
                # Telegram takes no picture that is too long or too small to be shown as one.
                if not any(sign in str(error) for sign in _NO_PHOTO):
                    raise
        return self._send_as("document", given, captioned, files)

    def _send_as(
        self, kind: str, given: dict[str, Any], captioned: dict[str, Any], files: Sequence[OutgoingFile]
    ) -> list[dict[str, Any]]:
        with ExitStack() as stack:
            bodies = {f"file{number}": _body(stack, file) for number, file in enumerate(files)}
            if len(files) == 1:
                method = "sendPhoto" if kind == "photo" else "sendDocument"
                return [self._api.call(method, {**given, **captioned}, files={kind: bodies["file0"]})]
            media = [{"type": kind, "media": f"attach://{name}"} for name in bodies]
            media[0] |= captioned
            return list(self._api.call("sendMediaGroup", {**given, "media": json.dumps(media)}, files=bodies))

    def _switch(self, method: str, thread: Thread) -> None:
        # Topics of a private chat can't be closed.
        if thread.channel.startswith(("-", "@")):
            with suppress(Unchanged):
                self._api.call(method, _place(thread))

    def _check_chat(self, me: dict[str, Any]) -> Generator[Check, None, dict[str, Any] | None]:
        name = "The chat takes topics"
        try:
            chat = self._api.call("getChat", {"chat_id": self.channel})
        except Refused as error:
            yield Check(
                "The bot is in the chat",
                f"Telegram refused it: {error}. Add the bot to the group, or write to it once.",
            )
            return None
        title = chat.get("title") or chat.get("first_name")
        yield Check("The bot is in the chat", facts={"chat": title})
        if chat.get("type") == "private":
            problem = "Switch on topics for the bot: @BotFather, Bot Settings, Threads Settings."
            yield Check(name, None if me.get("has_topics_enabled") else problem)
        else:
            problem = "Switch on Topics in the settings of the group."
            yield Check(name, None if chat.get("is_forum") else problem)
        return dict(chat)

    def _check_rights(self, me: dict[str, Any]) -> Iterator[Check]:
        member = self._api.call("getChatMember", {"chat_id": self.channel, "user_id": me["id"]})
        is_admin = member.get("status") == "administrator"
        problem = "Make the bot an administrator of the group with the right to manage topics."
        yield Check("The bot may manage topics", None if is_admin and member.get("can_manage_topics") else problem)
        problem = "Give the bot the right to delete messages, so that messages of visitors disappear when they do."
        yield Check("The bot may delete messages", None if is_admin and member.get("can_delete_messages") else problem)


def _place(thread: Thread) -> dict[str, Any]:
    return {"chat_id": thread.channel, "message_thread_id": int(thread.id)}


def _options(post: Post) -> dict[str, Any]:
    made: dict[str, Any] = {"disable_notification": True} if post.silent else {}
    if post.reply_to is not None:
        made["reply_parameters"] = {"message_id": int(post.reply_to), "allow_sending_without_reply": True}
    return made


def _is_photo(file: OutgoingFile) -> bool:
    return file.mime_type in _PHOTOS and file.size <= _MAX_PHOTO


def _body(stack: ExitStack, file: OutgoingFile) -> tuple[str, bytes | BinaryIO, str]:
    return file.name, stack.enter_context(closing(file.open())), file.mime_type
