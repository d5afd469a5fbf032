"""Tests mail to visitors who left, with an SMTP server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import update

from flask_pocketping import Identity
from flask_pocketping.chat import deliveries as all_deliveries
from flask_pocketping.chat import messages, presence, sessions
from flask_pocketping.chat.conversation_reader import ConversationReader
from flask_pocketping.chat.log import sessions as sessions_table
from flask_pocketping.db import Database
from flask_pocketping.delivery.worker import Worker
from flask_pocketping.schemas.public_urls import PublicURLs
from flask_pocketping.targets.email import EmailTarget
from flask_pocketping.values import MessageType

from ..support.servers import free_port, make_app
from ..support.smtp import PASSWORD, USER, Mailbox, mail_server, text_of
from ..support.travel import Travel

ADA = Identity(email="ada@example.com", name="Ada")
PAGE = "https://shop.example/"


class Post:
    """A database with one target of mails."""

    def __init__(self, db: Database, port: int, **options: Any) -> None:
        self.db = db
        given: dict[str, Any] = {"security": "none", "sender": "Hearth & Leaf <chat@shop.example>", "page": PAGE}
        target = EmailTarget("127.0.0.1", port=port, **{**given, **options})
        db.targets[:] = [target]
        self._worker = Worker(
            db, [target], poll=0.05, lease=90, reader=ConversationReader(db, PublicURLs("/pocketping"))
        )

    def deliver(self) -> None:
        self._worker.drain()

    def states(self) -> list[str]:
        return [str(delivery.state) for delivery in reversed(all_deliveries.list_deliveries(self.db).deliveries)]

    def errors(self) -> list[str | None]:
        found = all_deliveries.list_deliveries(self.db).deliveries
        return [attempt.error for delivery in reversed(found) for attempt in delivery.attempts]

    def begin(self, identity: Identity | None = ADA, **metadata: str) -> str:
        return sessions.open_session(self.db, identity=identity, metadata=metadata).id

    def answer(self, session_id: str, *contents: str) -> None:
        for content in contents:
            messages.send_message(self.db, session_id, content, operator_name="Ana")


Open = Callable[..., Post]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def open_post(any_database: str, tmp_path: Path) -> Iterator[Open]:
    state = make_app(tmp_path, any_database, worker="off").extensions["pocketping"]
    yield lambda port, **options: Post(state.db, port, **options)
    state.runtime.close()


@pytest.fixture
def post(sqlite: str, tmp_path: Path, mailbox: Mailbox) -> Iterator[Post]:
    state = make_app(tmp_path, sqlite, worker="off").extensions["pocketping"]
    yield Post(state.db, mailbox.port)
    state.runtime.close()


def test_unread_replies_are_sent_in_one_mail(open_post: Open, mailbox: Mailbox, travel: Travel) -> None:
    post = open_post(mailbox.port, reply_to="help@shop.example")
    session_id = post.begin(pageUrl="https://shop.example/tea?id=1")
    post.answer(session_id, "Grüße! 👋")
    travel.forward(minutes=4)
    post.answer(session_id, "It is in stock.")
    post.deliver()
    assert mailbox.mails == []
    travel.forward(minutes=2)
    post.deliver()
    [mail] = mailbox.mails
    assert mailbox.recipients == [["ada@example.com"]]
    assert (mail["To"], mail["From"], mail["Reply-To"]) == (
        "ada@example.com",
        "Hearth & Leaf <chat@shop.example>",
        "help@shop.example",
    )
    assert text_of(mail) == (
        "Ana:\nGrüße! 👋\n\nAna:\nIt is in stock.\n\n-- \nReply in the chat: https://shop.example/tea?id=1\n"
    )
    assert post.states() == ["succeeded", "succeeded"]


def leave_and_come_back(post: Post, session_id: str) -> None:
    presence.arrive(post.db, "proj_default", session_id)


def read_it(post: Post, session_id: str) -> None:
    messages.mark_messages(post.db, session_id, reader=MessageType.VISITOR)


def write(post: Post, session_id: str) -> None:
    messages.send_message(post.db, session_id, "Never mind", type=MessageType.VISITOR)


def delete(post: Post, session_id: str) -> None:
    for message in messages.list_messages(post.db, session_id).messages:
        messages.delete_message(post.db, session_id, message.id)


@pytest.mark.parametrize("what", [leave_and_come_back, read_it, write, delete])
def test_a_visitor_who_does_not_need_it_gets_no_mail(
    post: Post, mailbox: Mailbox, travel: Travel, what: Callable[[Post, str], None]
) -> None:
    session_id = post.begin()
    post.answer(session_id, "Hello", "Are you there?")
    what(post, session_id)
    travel.forward(minutes=6)
    post.deliver()
    assert mailbox.mails == []
    assert post.states() == ["cancelled", "cancelled"]


def test_receipts_of_operators_do_not_cancel_a_mail(post: Post, mailbox: Mailbox, travel: Travel) -> None:
    session_id = post.begin()
    messages.send_message(post.db, session_id, "Hello?", type=MessageType.VISITOR)
    post.answer(session_id, "Hello")
    messages.mark_messages(post.db, session_id, reader=MessageType.OPERATOR)
    travel.forward(minutes=6)
    post.deliver()
    assert len(mailbox.mails) == 1


def test_a_mail_waits_while_the_page_is_open(post: Post, mailbox: Mailbox, travel: Travel) -> None:
    session_id = post.begin()
    page = presence.arrive(post.db, "proj_default", session_id)
    post.answer(session_id, "Hello")
    for _ in range(12):
        travel.forward(minutes=6)
        presence.renew(post.db, [page])
        post.deliver()
    assert mailbox.mails == []
    presence.leave(post.db, page)
    travel.forward(minutes=6)
    presence.sweep(post.db, 30)
    post.deliver()
    assert len(mailbox.mails) == 1


def test_a_visitor_without_an_address_gets_no_delivery(post: Post) -> None:
    post.answer(post.begin(None), "Hello")
    post.answer(post.begin(Identity(name="Ada")), "Hello")
    assert post.states() == []


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: all@example.com",
        "ada@example.com, ben@example.com",
        "Ada <ada@example.com>",
        '"a b"@example.com',
        "ada@example.com\x00",
        "@example.com",
        "ada",
    ],
)
def test_an_invalid_address_gets_no_mail(post: Post, mailbox: Mailbox, travel: Travel, address: str) -> None:
    session_id = post.begin()
    # Past all checks of what comes in.
    with post.db.transaction() as tx:
        tx.execute(update(sessions_table).values(email=address.replace("\x00", "\x01")))
    post.answer(session_id, "Hello")
    travel.forward(minutes=6)
    post.deliver()
    assert mailbox.mails == []
    assert post.states() == ["cancelled"]


def test_a_mail_has_only_replies_and_no_injected_headers(post: Post, mailbox: Mailbox, travel: Travel) -> None:
    session_id = post.begin(Identity(email="ada@example.com", name="You won: https://evil.example"))
    messages.send_message(post.db, session_id, "Your account is closed", type=MessageType.VISITOR)
    messages.send_message(post.db, session_id, "Bcc: x@example.com\n.\nQUIT", operator_name="Ana")
    travel.forward(minutes=6)
    post.deliver()
    [mail] = mailbox.mails
    assert mail["Bcc"] is None
    assert text_of(mail) == f"Ana:\nBcc: x@example.com\n.\nQUIT\n\n-- \nReply in the chat: {PAGE}\n"


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "http://shop.example/",
        "javascript:alert(1)",
        "https://shop.example@evil.example/",
        "https://shop.example/\nhttps://evil.example",
        "https://[",
    ],
)
def test_the_link_leads_only_to_the_site(post: Post, mailbox: Mailbox, travel: Travel, page: str) -> None:
    post.answer(post.begin(pageUrl=page), "Hello")
    travel.forward(minutes=6)
    post.deliver()
    assert text_of(mailbox.mails[0]).endswith(f"Reply in the chat: {PAGE}\n")


def test_a_deferred_mail_is_sent_later_with_the_same_id(post: Post, mailbox: Mailbox, travel: Travel) -> None:
    mailbox.to_mails = ["451 Try again later"]
    post.answer(post.begin(), "Hello")
    travel.forward(minutes=6)
    post.deliver()
    assert post.states() == ["pending"]
    travel.forward(minutes=2)
    post.deliver()
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert post.states() == ["succeeded"]
    assert post.errors() == ["The server refused the mail (451).", None]


def test_a_refused_address_is_not_retried(post: Post, mailbox: Mailbox, travel: Travel) -> None:
    mailbox.to_recipients = ["550 No such user"]
    post.answer(post.begin(), "Hello")
    travel.forward(minutes=6)
    post.deliver()
    assert post.states() == ["failed"]


def test_an_unreachable_server_is_retried(sqlite: str, tmp_path: Path, travel: Travel) -> None:
    state = make_app(tmp_path, sqlite, worker="off").extensions["pocketping"]
    post = Post(state.db, free_port())
    post.answer(post.begin(), "Hello")
    travel.forward(minutes=6)
    post.deliver()
    assert post.states() == ["pending"]
    assert post.errors() == ["The server can't be reached, or broke off: ConnectionRefusedError"]
    state.runtime.close()


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
def test_mail_is_sent_encrypted_and_authenticated_to_a_trusted_server(
    sqlite: str, tmp_path: Path, travel: Travel, security: str, trusted: bool
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(theirs)
    (authority if trusted else trustme.CA()).configure_trust(ours)
    state = make_app(tmp_path, sqlite, worker="off").extensions["pocketping"]
    with mail_server(security, theirs) as mailbox:
        for password, states in (("wrong", "pending"), (PASSWORD, "succeeded" if trusted else "pending")):
            post = Post(state.db, mailbox.port, security=security, username=USER, password=password, context=ours)
            post.answer(post.begin(), "Hello")
            travel.forward(minutes=6)
            post.deliver()
            assert post.states()[-1] == states
        assert bool(mailbox.mails) == trusted
        assert PASSWORD not in repr(post.errors())
    state.runtime.close()


@pytest.mark.parametrize("sender", ["nobody", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", ""])
def test_an_invalid_sender_is_refused_when_the_app_starts(sender: str) -> None:
    with pytest.raises(ValueError, match="one address"):
        EmailTarget("127.0.0.1", sender=sender, page=PAGE)
