"""Tests the local Telegram with python-telegram-bot, so that the bridge is measured against what others rely on too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from telegram import Bot, InputFile, InputMediaPhoto, ReplyParameters, Update
from telegram.error import BadRequest, ChatMigrated, Conflict, InvalidToken, NetworkError, RetryAfter

from ..support.pictures import drawn
from ..support.telegram import GROUP, TOKEN, TelegramServer


def drive(server: TelegramServer, work: Callable[[Bot], Awaitable[Any]], token: str = TOKEN) -> Any:
    """Let the library work with the server."""
    logging.getLogger("httpx").setLevel(logging.WARNING)

    async def run() -> Any:
        async with Bot(token, base_url=f"{server.url}/bot", base_file_url=f"{server.url}/file/bot") as bot:
            return await work(bot)

    return asyncio.run(run())


def test_a_topic_and_its_messages(telegram: TelegramServer) -> None:
    async def work(bot: Bot) -> None:
        assert (await bot.get_me()).username == "shop_bot"
        assert (await bot.get_chat(GROUP)).is_forum
        assert (await bot.get_chat_member(GROUP, bot.id)).status == "administrator"
        topic = await bot.create_forum_topic(GROUP, "Ada")
        sent = await bot.send_message(
            GROUP,
            "<b>Hi</b> &amp; <a href='https://a.example'>here</a>",
            "HTML",
            message_thread_id=topic.message_thread_id,
        )
        assert sent.text == "Hi & here"
        assert [(entity.type, entity.offset, entity.length) for entity in sent.entities] == [
            ("bold", 0, 2),
            ("text_link", 5, 4),
        ]
        reply = await bot.send_message(
            GROUP,
            "And this",
            message_thread_id=topic.message_thread_id,
            reply_parameters=ReplyParameters(sent.message_id),
        )
        assert reply.reply_to_message is not None
        assert reply.reply_to_message.message_id == sent.message_id
        edited = await bot.edit_message_text("New", GROUP, sent.message_id)
        assert not isinstance(edited, bool)
        assert edited.text == "New"
        with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
            await bot.edit_message_text("New", GROUP, sent.message_id)
        assert await bot.delete_message(GROUP, sent.message_id)
        with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
            await bot.delete_message(GROUP, sent.message_id)
        assert await bot.send_chat_action(GROUP, "typing", topic.message_thread_id)

    drive(telegram, work)


def test_closed_deleted_and_moved(telegram: TelegramServer) -> None:
    async def work(bot: Bot) -> None:
        topic = (await bot.create_forum_topic(GROUP, "Ada")).message_thread_id
        assert await bot.close_forum_topic(GROUP, topic)
        with pytest.raises(BadRequest, match=r"(?i)TOPIC_NOT_MODIFIED"):
            await bot.close_forum_topic(GROUP, topic)
        with pytest.raises(BadRequest, match=r"(?i)TOPIC_CLOSED"):
            await bot.send_message(GROUP, "Hi", message_thread_id=topic)
        assert await bot.reopen_forum_topic(GROUP, topic)
        sent = await bot.send_message(GROUP, "Hi", message_thread_id=topic)
        telegram.delete_topic(topic)
        with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
            await bot.send_message(GROUP, "Hi", message_thread_id=topic)
        with pytest.raises(BadRequest, match=r"(?i)TOPIC_DELETED"):
            await bot.send_message(
                GROUP, "Hi", message_thread_id=topic, reply_parameters=ReplyParameters(sent.message_id)
            )
        telegram.migrate(-1009999)
        with pytest.raises(ChatMigrated) as moved:
            await bot.send_message(GROUP, "Hi", message_thread_id=topic)
        assert moved.value.new_chat_id == -1009999

    drive(telegram, work)


@pytest.mark.parametrize(
    ("source", "where"),
    [
        ("a < b", "byte offset 2"),
        ("ü <b>x</i>", "byte offset 7"),
        ("<h1>x</h1>", "byte offset 0"),
        ("<b>x", "end tag"),
    ],
)
def test_html_that_can_not_be_parsed(telegram: TelegramServer, source: str, where: str) -> None:
    async def work(bot: Bot) -> None:
        with pytest.raises(BadRequest, match=f"(?i)can't parse entities.*{where}"):
            await bot.send_message(GROUP, source, "HTML")

    drive(telegram, work)


def test_limits_of_texts_and_captions_are_counted_after_parsing(telegram: TelegramServer) -> None:
    async def work(bot: Bot) -> None:
        await bot.send_message(GROUP, "<b>" + "&lt;" * 4096 + "</b>", "HTML")
        with pytest.raises(BadRequest, match=r"(?i)message is too long"):
            # Two code units each.
            await bot.send_message(GROUP, "😀" * 2049)
        await bot.send_photo(GROUP, InputFile(drawn(size=(8, 8)), "a.png"), caption="c" * 1024)
        with pytest.raises(BadRequest, match=r"(?i)caption is too long"):
            await bot.send_photo(GROUP, InputFile(drawn(size=(8, 8)), "a.png"), caption="c" * 1025)

    drive(telegram, work)


def test_files_go_out_and_come_in(telegram: TelegramServer) -> None:
    picture = drawn(size=(8, 8))
    file_id = telegram.add_file(b"from a person")

    async def work(bot: Bot) -> None:
        album = await bot.send_media_group(GROUP, [InputMediaPhoto(picture), InputMediaPhoto(picture)], caption="Two")
        assert len({message.media_group_id for message in album}) == 1
        assert [message.caption for message in album] == ["Two", None]
        document = await bot.send_document(GROUP, InputFile(b"data", "a.txt"))
        assert document.document is not None
        assert document.document.file_name == "a.txt"
        file = await bot.get_file(file_id)
        assert bytes(await file.download_as_bytearray()) == b"from a person"

    drive(telegram, work)


def test_an_update_is_gone_only_when_it_is_confirmed(telegram: TelegramServer) -> None:
    async def work(bot: Bot) -> None:
        topic = (await bot.create_forum_topic(GROUP, "Ada")).message_thread_id
        first = telegram.write(topic, "Hello")
        telegram.edit(first, "Hello!")
        telegram.react(first, "🗑")
        wanted = ["message", "edited_message"]
        found = await bot.get_updates(allowed_updates=wanted, timeout=0)
        assert [update.effective_message and update.effective_message.text for update in found] == ["Hello", "Hello!"]
        assert await bot.get_updates(allowed_updates=wanted, timeout=0) == found
        rest = await bot.get_updates(offset=found[-1].update_id + 1, allowed_updates=Update.ALL_TYPES, timeout=0)
        assert [update.message_reaction is not None for update in rest] == [True]

    drive(telegram, work)


def test_two_pollers_a_webhook_and_a_wrong_token(telegram: TelegramServer) -> None:
    async def both(bot: Bot) -> None:
        # One bot makes one such request at a time.
        async with Bot(TOKEN, base_url=f"{telegram.url}/bot") as other:
            asked = (bot.get_updates(timeout=1), other.get_updates(timeout=1))
            found = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(isinstance(one, Conflict) for one in found) == [False, True]
        await bot.set_webhook("https://www.example.com/bridges/telegram", secret_token="a" * 20)
        with pytest.raises(Conflict, match="webhook"):
            await bot.get_updates(timeout=0)
        assert (await bot.get_webhook_info()).url == "https://www.example.com/bridges/telegram"

    drive(telegram, both)

    async def wrong(bot: Bot) -> None:
        raise AssertionError("It must not get here.")

    with pytest.raises(InvalidToken):
        drive(telegram, wrong, "1:wrong-token-wrong-token-wrong")


def test_the_limit_of_a_group_is_shared_by_its_topics(
    telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    telegram.limit = 2

    async def work(bot: Bot) -> None:
        first = (await bot.create_forum_topic(GROUP, "Ada")).message_thread_id
        second = (await bot.create_forum_topic(GROUP, "Bo")).message_thread_id
        await bot.send_message(GROUP, "1", message_thread_id=first)
        await bot.send_message(GROUP, "2", message_thread_id=second)
        with pytest.raises(RetryAfter) as wait:
            await bot.send_message(GROUP, "3", message_thread_id=second)
        assert wait.value.retry_after in {timedelta(seconds=59), timedelta(seconds=60)}

    drive(telegram, work)


def test_the_line_breaks_after_a_message_was_accepted(telegram: TelegramServer) -> None:
    telegram.before = lambda method, given: "cut" if method == "sendMessage" else None

    async def work(bot: Bot) -> None:
        with pytest.raises(NetworkError):
            await bot.send_message(GROUP, "Hello")

    drive(telegram, work)
    assert telegram.texts() == ["Hello"]
