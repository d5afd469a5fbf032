"""The whole conversation on Telegram, Slack and Discord at once, with the widget and the inbox open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flask_pocketping.bridges.slack import platform as slack_platform

from ..bridges.conftest import settings_for as telegram_settings
from ..bridges.discord.test_conversation import settings_for as discord_settings
from ..bridges.slack.test_conversation import settings_for as slack_settings
from ..support.browsers import wait_for
from ..support.discord import FakeDiscord, discord_server
from ..support.pictures import drawn
from ..support.slack import FakeSlack, slack_server
from ..support.telegram import TelegramServer, telegram_server
from .chat import Chat
from .conftest import NewContext, OpenShop
from .inbox import Inbox
from .shop import Shop, only_session
from .test_inbox_more import signed_in

#: Lines of the bridges themselves.
OWN = re.compile(r"The conversation was (closed|reopened)\.|.* has this conversation\.|Closed\.|Open again\.|[/!]\w+")

#: Lines of the widget and the inbox.
PAGES_OWN = re.compile(": (Message deleted|Conversation closed|Conversation reopened)$")


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with telegram_server() as made:
        yield made


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with slack_server() as made:
        made.uses_sockets = True
        yield made


@pytest.fixture
def discord() -> Iterator[FakeDiscord]:
    with discord_server() as made:
        yield made


class Everywhere:
    """One conversation, in the widget, in the inbox, and in a thread of each platform.

    :ivar telling: what each place should show: who wrote it, and the text.
    """

    def __init__(
        self,
        shop: Shop,
        chat: Chat,
        inbox: Inbox,
        telegram: TelegramServer,
        slack: FakeSlack,
        discord: FakeDiscord,
    ) -> None:
        self.shop, self.chat, self.inbox = shop, chat, inbox
        self.telegram, self.slack, self.discord = telegram, slack, discord
        self.topic = telegram.wait_topic()
        [root] = self._wait(lambda: slack.workspace.roots(slack.channel), "a thread in Slack")
        self.root = root["ts"]
        [thread] = self._wait(lambda: discord.threads(), "a thread in Discord")
        self.thread: str = thread["id"]

    def _wait(self, condition: Callable[[], Any], what: str) -> Any:
        wait_for(self.chat.page, lambda: bool(condition()), what, 20, condition)
        return condition()

    def threads(self) -> dict[str, list[str]]:
        """The texts of each thread, without names above them and without lines of the bridges."""
        return {
            "telegram": _texts(self.telegram.texts(self.topic)),
            "slack": _texts([one["text"] for one in self.slack.workspace.thread(self.slack.channel, self.root)]),
            "discord": _texts(self.discord.texts(self.thread)),
        }

    def files(self) -> dict[str, list[str]]:
        """The names of the files in each thread."""
        sent = self.telegram.in_topic(self.topic)
        written = self.slack.workspace.thread(self.slack.channel, self.root)
        shown = self.discord.messages(self.thread)
        return {
            # Telegram keeps no names of pictures.
            "telegram": [
                one["document"]["file_name"] if "document" in one else "picture"
                for one in sent
                if {"document", "photo"} & set(one)
            ],
            "slack": [file["name"] for one in written for file in one.get("files", [])],
            "discord": [file["filename"] for one in shown for file in one["attachments"]],
        }

    def expect(self, *telling: str) -> None:
        """Wait until exactly this is shown everywhere, in order.

        :param telling: `visitor: …` or `operator: …`.
        """
        texts = [line.partition(": ")[2] for line in telling]
        want = {"telegram": texts, "slack": texts, "discord": texts}

        def shown() -> dict[str, list[str]]:
            return {name: [one for one in found if one] for name, found in self.threads().items()}

        wait_for(self.chat.page, lambda: shown() == want, f"the threads show {texts}", 40, shown)

        def left(lines: list[str]) -> list[str]:
            found = [line.partition(": ") for line in lines if not PAGES_OWN.search(line)]
            # The widget shows files above the text.
            return [f"{who}: {re.sub(r'^[a-z]+[.]txt', '', text)}" for who, _, text in found]

        def says(pane: Any) -> bool:
            return left(pane.said()) == list(telling)

        for pane in (self.chat, self.inbox):
            wait_for(self.chat.page, partial(says, pane), f"{telling} in {pane}", 20, pane.said)


def _texts(texts: list[str]) -> list[str]:
    found = [text.rpartition("\n")[2].strip() for text in texts]
    return [text for text in found if text and not OWN.fullmatch(text) and text != "(deleted)"]


@pytest.fixture
def everywhere(
    open_shop: OpenShop,
    new_context: NewContext,
    page: Page,
    telegram: TelegramServer,
    slack: FakeSlack,
    discord: FakeDiscord,
    monkeypatch: pytest.MonkeyPatch,
) -> Everywhere:
    monkeypatch.setattr(slack_platform, "PERIOD", 0.05)
    shop = open_shop(**telegram_settings(telegram), **slack_only(slack), **discord_only(discord))
    # A real group takes 20 posts a minute.
    shop.app.extensions["pocketping"].bridges.bridges["telegram"].platform._group_limit = (1000, 60.0)
    shop.api.get("/health")
    discord.wait_connected()
    page.goto(shop.url)
    chat = Chat(page).open()
    chat.tell("Is the green one there?")
    inbox = signed_in(shop, new_context).visit(only_session(shop.api))
    made = Everywhere(shop, chat, inbox, telegram, slack, discord)
    wait_for(page, lambda: bool(slack.sockets.open), "Slack's socket", 20)
    made.expect("visitor: Is the green one there?")
    return made


def slack_only(slack: FakeSlack) -> dict[str, Any]:
    return {name: value for name, value in slack_settings(slack).items() if name.startswith("slack_")}


def discord_only(discord: FakeDiscord) -> dict[str, Any]:
    return {name: value for name, value in discord_settings(discord).items() if name.startswith("discord_")}


@pytest.mark.timeout(240)
def test_one_conversation_everywhere(everywhere: Everywhere) -> None:
    talk, chat, inbox = everywhere, everywhere.chat, everywhere.inbox
    telegram, slack, discord = talk.telegram, talk.slack, talk.discord
    said = ["visitor: Is the green one there?"]

    def then(line: str) -> None:
        said.append(line)
        talk.expect(*said)

    # An answer from each place, and the visitor's questions between them.
    from_telegram = telegram.write(talk.topic, "From Telegram")
    then("operator: From Telegram")
    from_slack = slack.workspace.write(slack.channel, talk.root, "From Slack")
    then("operator: From Slack")
    from_discord = discord.say(talk.thread, "From Discord")
    then("operator: From Discord")
    inbox.say("From the inbox")
    then("operator: From the inbox")
    chat.tell("Thank you all")
    then("visitor: Thank you all")

    # Edits on each side.
    telegram.edit(from_telegram, "Telegram, changed")
    slack.workspace.edit(slack.channel, from_slack, "Slack, changed")
    discord.edit(talk.thread, from_discord, "Discord, changed")
    change(inbox, "From the inbox", "Inbox, changed")
    said[1:5] = [f"operator: {place}, changed" for place in ("Telegram", "Slack", "Discord", "Inbox")]
    talk.expect(*said)

    # Deletions on each side: Slack's and Discord's own, the inbox's, the visitor's.
    slack.workspace.remove(slack.channel, from_slack)
    discord.delete(talk.thread, from_discord)
    inbox.message("Inbox, changed").hover()
    inbox.message("Inbox, changed").get_by_role("button", name="Delete").click()
    inbox.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    message = chat.message("Thank you all")
    message.hover()
    message.get_by_role("button", name="Delete").click()
    message.get_by_role("button", name="Delete this message?").click()
    del said[2:6]
    talk.expect(*said)

    # Files from each side. Slack shows them a little after the text.
    names: list[str] = []

    def with_file(line: str, name: str) -> None:
        then(line)
        names.append(name)
        wait_for(chat.page, lambda: all(found == names for found in talk.files().values()), name, 20, talk.files)
        expect(chat.log.get_by_role("link", name=re.compile(name))).to_be_visible()
        expect(inbox.messages.get_by_role("link", name=re.compile(name))).to_be_visible()

    chat.attach("visitor.txt", "text/plain", b"of the visitor")
    chat.tell("My file")
    with_file("visitor: My file", "visitor.txt")
    inbox.attach("inbox.txt", "text/plain", b"of the inbox")
    inbox.say("File of the inbox")
    with_file("operator: File of the inbox", "inbox.txt")
    assert b"of the inbox" in telegram.uploads.values()
    document = {"file_id": telegram.add_file(b"of Telegram"), "file_name": "telegram.txt", "file_size": 11}
    telegram.write(talk.topic, "", document=document, caption="File of Telegram")
    with_file("operator: File of Telegram", "telegram.txt")
    about = slack.workspace.add_file("slack.txt", "text/plain", b"of Slack")
    slack.workspace.write(slack.channel, talk.root, "File of Slack", files=[about])
    with_file("operator: File of Slack", "slack.txt")
    discord.say(talk.thread, "File of Discord", files=[("discord.txt", b"of Discord", "text/plain")])
    with_file("operator: File of Discord", "discord.txt")

    # An album, whose parts come in the wrong order.
    captions = ("An album", "", "")
    pictures = [(f"{n}.png", drawn(size=(60 + n, 40)), caption) for n, caption in enumerate(captions)]
    telegram.write_album(talk.topic, *pictures, order=[2, 0, 1])
    then("operator: An album")
    wait_for(chat.page, lambda: [len(found) for found in talk.files().values()] == [8] * 3, "the album", 20, talk.files)

    # Closed and opened from each place.
    session = f"/sessions/{only_session(talk.shop.api)}"

    def status() -> str:
        return str(talk.shop.api.ok("GET", session)["session"]["status"])

    def reached(state: str) -> None:
        wait_for(chat.page, lambda: status() == state, f"it is {state}", 20, status)
        expect(inbox.page.get_by_role("button", name="Close conversation")).to_have_count(1 if state == "active" else 0)
        closed = state == "closed"
        wait_for(chat.page, lambda: telegram.topics[talk.topic]["closed"] is closed, "Telegram's topic", 20)
        sign = ["white_check_mark"] if closed else []

        def root() -> list[str]:
            return slack.workspace.thread(slack.channel, talk.root)[0].get("reactions") or []

        wait_for(chat.page, lambda: root() == sign, "Slack's sign", 20, root)

        def thread() -> dict[str, Any]:
            return dict(next(one for one in discord.threads() if one["id"] == talk.thread))

        wait_for(chat.page, lambda: thread()["thread_metadata"]["archived"] is closed, "Discord's thread", 20, thread)

    for close, reopen in (
        (lambda: telegram.write(talk.topic, "/close"), lambda: telegram.write(talk.topic, "/reopen")),
        (
            lambda: slack.workspace.write(slack.channel, talk.root, "!close"),
            lambda: slack.workspace.write(slack.channel, talk.root, "!reopen"),
        ),
        (lambda: discord.say(talk.thread, "/close"), lambda: discord.say(talk.thread, "/reopen")),
        (
            lambda: inbox.page.get_by_role("button", name="Close conversation").click(),
            lambda: inbox.page.get_by_role("button", name="Reopen conversation").click(),
        ),
    ):
        close()
        reached("closed")
        reopen()
        reached("active")
    talk.expect(*said)
    for line in ("Conversation closed", "Conversation reopened"):
        assert chat.said().count(f"operator: {line}") == 4, chat.said()
    # There is one thread each.
    assert len(telegram.topics) == len(slack.workspace.roots(slack.channel)) == len(discord.threads()) == 1


def change(inbox: Inbox, before: str, after: str) -> None:
    """Edit a message in the inbox."""
    inbox.message(before).hover()
    inbox.message(before).get_by_role("button", name="Edit").click()
    editor = inbox.page.get_by_role("textbox", name="Edit message")
    editor.fill(after)
    editor.press("Enter")
