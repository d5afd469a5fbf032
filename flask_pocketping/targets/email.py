"""Sends mail to visitors who left, with the operators' replies that they did not read in the meantime."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select

from ..chat.log import sessions
from ..chat.messages import messages
from ..db import Transaction
from ..delivery.batch import Batch
from ..delivery.target import Outcome, Target
from ..outbox import deliveries
from ..values import Cancel, Deliver, DeliveryState, Event, Message, MessageStatus, MessageType, Session

_EMAIL_OF = select(sessions.c.email).where(sessions.c.id == bindparam("session_id"))
_TYPE_OF = select(messages.c.type).where(messages.c.id == bindparam("message_id"))

_FIRST_DUE = (
    select(deliveries.c.due_at)
    .where(
        *(deliveries.c.subject == bindparam("session_id"), deliveries.c.target == bindparam("name")),
        deliveries.c.state == DeliveryState.PENDING,
    )
    .order_by(deliveries.c.id)
    .limit(1)
)

#: One plain address, without comments or quotes.
_ADDRESS = re.compile(r"[^\s\x00-\x20\x7f\"'(),:;<>@\[\\\]]{1,64}@[^\s\x00-\x20\x7f\"'(),:;<>@\[\\\]]{1,255}")
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")

#: The types of messages that are sent.
_ANSWERS = {MessageType.OPERATOR, MessageType.AI}


class EmailTarget(Target):
    """Sends operators' replies by mail to visitors who did not read them in the chat.

    A mail is due `delay` seconds after the first unread reply, and contains all replies since then. It is not sent if
    the visitor reads them, returns to the site or writes first. It waits while their page is open. The recipient is the
    verified address of the customer, or the one that the visitor entered.

    :param host: the host of the SMTP server.
    :param port: the port. The default is 587 for `starttls`, 465 for `tls`, and 25 for `none`.
    :param security: `starttls`, `tls` from the first byte on, or `none` for a server on the same machine.
    :param username: the user name, if the server needs one.
    :param password: the password, if the server needs one.
    :param sender: the sender's address, such as `Hearth & Leaf <chat@shop.example>`.
    :param reply_to: the address for replies to the mail, if not the sender.
    :param page: the page of the site with the chat. The mail links to the visitor's last page instead if it has the
        same origin. Other pages are not linked, because a browser may report any address.
    :param subject: the subject of the mails.
    :param delay: seconds from a reply to its mail.
    :param context: the TLS settings. By default, the system's certificates are trusted.
    """

    name = "email"
    batch_size = 50
    at_once = 2
    timeout = 60.0
    delays: Sequence[float] = (0, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600)

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        page: str,
        port: int | None = None,
        security: Literal["starttls", "tls", "none"] = "starttls",
        username: str | None = None,
        password: str | None = None,
        reply_to: str | None = None,
        subject: str = "We replied to your message",
        delay: float = 300.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port or {"starttls": 587, "tls": 465}.get(security, 25)
        self._security = security
        self._username = username
        self._password = password
        self._sender = sender
        self._reply_to = reply_to
        self._page = page
        self._subject = subject
        self._delay = delay
        self._context = context
        # Raise an error for invalid settings when the app starts, not with the first mail.
        headers = _new_mail(sender, reply_to, subject)
        self._domain = headers["From"].addresses[0].domain

    def follow(self, event: Event, tx: Transaction) -> Iterable[Deliver | Cancel]:
        """Schedule a mail for a reply to a visitor with an address. Cancel it if they return, read or write."""
        if event.type == "visitor.connected":
            return [Cancel()]
        if event.type == "message.read":
            read = tx.execute(_TYPE_OF, {"message_id": event.payload["message_ids"][0]}).scalar()
            return [Cancel()] if event.payload["status"] == MessageStatus.READ and read != MessageType.VISITOR else []
        if event.type != "message.created":
            return []
        message: Message = event.payload["message"]
        if message.type == MessageType.VISITOR:
            return [Cancel()]
        if message.type not in _ANSWERS or not tx.execute(_EMAIL_OF, {"session_id": event.session_id}).scalar():
            return []
        # Due with the first pending one, so that one mail has all replies.
        first = tx.execute(_FIRST_DUE, {"session_id": event.session_id, "name": self.name}).scalar()
        return [Deliver(due=first or timedelta(seconds=self._delay))]

    def send(self, batch: Batch) -> Outcome:
        """Send the unread replies in one mail."""
        session = batch.session()
        if session is None or session.identity is None or not _is_address(session.identity.email):
            return Outcome.cancelled("There is no address to send it to.")
        if session.visitor_online:
            return Outcome.throttled(self._delay, "The visitor's page is open.")
        unread = [
            message for message in batch.messages() if message.status != MessageStatus.READ and not message.deleted_at
        ]
        if not unread:
            return Outcome.cancelled("Everything was read or deleted.")
        mail = self._mail(session, unread, batch.first.id)
        if not batch.still_wanted():
            return Outcome.cancelled("The visitor was faster.")
        started = time.monotonic()
        return self._hand_over(mail).timed(round((time.monotonic() - started) * 1000))

    def _mail(self, session: Session, unread: Sequence[Message], delivery_id: int) -> EmailMessage:
        assert session.identity is not None
        mail = _new_mail(self._sender, self._reply_to, self._subject)
        mail["To"] = str(session.identity.email)
        # The same at each attempt, so that mail clients show duplicates once. References group a conversation's mails.
        mail["Message-ID"] = f"<pocketping-{delivery_id}-{unread[0].id}@{self._domain}>"
        mail["References"] = f"<pocketping-{session.id}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        said = "\n\n".join(map(_said, unread))
        mail.set_content(f"{said}\n\n-- \nReply in the chat: {self._link(session)}\n")
        return mail

    def _link(self, session: Session) -> str:
        """Return the link to the chat, where the visitor's browser continues the conversation."""
        last = session.metadata.get("pageUrl")
        if isinstance(last, str) and not _LINE_BREAKS.search(last) and " " not in last:
            try:
                if urlsplit(last)[:2] == urlsplit(self._page)[:2]:
                    return last
            except ValueError:
                pass
        return self._page

    def _hand_over(self, mail: EmailMessage) -> Outcome:
        try:
            with self._connect() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            # The server refused the only recipient.
            [(code, _)] = error.recipients.values()
            return _refused(code)
        except smtplib.SMTPNotSupportedError:
            return Outcome.failed("The server can't do what is needed: STARTTLS, sign-in or international names.")
        except smtplib.SMTPAuthenticationError as error:
            return Outcome.retry(f"The server refused the sign-in ({error.smtp_code}).")
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            return Outcome.retry(f"The server can't be reached, or broke off: {type(error).__name__}")
        return Outcome.succeeded(status_code=250)

    def _connect(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        # The timeout of each step. A server may need several steps.
        wait = self.timeout / 4
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=wait, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=wait)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
            if self._username is not None:
                server.login(self._username, self._password or "")
        except BaseException:
            server.close()
            raise
        return server


def _new_mail(sender: str, reply_to: str | None, subject: str) -> EmailMessage:
    ascii_only = f"{sender}{reply_to or ''}".isascii()
    mail = EmailMessage(policy=SMTP if ascii_only else SMTPUTF8)
    try:
        mail["From"] = sender
        mail["Subject"] = subject
        if reply_to is not None:
            mail["Reply-To"] = reply_to
        found = [*mail["From"].addresses, *(mail["Reply-To"].addresses if reply_to is not None else ())]
    except (ValueError, MessageError):
        found = []
    if len(found) != 1 + (reply_to is not None) or not all(_is_address(address.addr_spec) for address in found):
        raise ValueError("sender and reply_to must each be one address, such as Shop <chat@shop.example>.")
    return mail


def _is_address(text: str | None) -> bool:
    """Return whether text is exactly one plain address, also for headers and servers."""
    if text is None or not _ADDRESS.fullmatch(text):
        return False
    try:
        return Address(addr_spec=text).addr_spec == text
    except (ValueError, IndexError, MessageError):
        return False


def _said(message: Message) -> str:
    name = _LINE_BREAKS.sub(" ", message.operator_name or "")
    files = [f"{attachment.filename}: {attachment.url}" for attachment in message.attachments]
    text = "\n".join([*([message.content] if message.content else []), *files])
    return f"{name}:\n{text}" if name else text


def _refused(code: int) -> Outcome:
    reason = f"The server refused the mail ({code})."
    # Codes that start with 4 are temporary errors (RFC 5321, section 4.2.1).
    if 400 <= code < 500:
        return Outcome.retry(reason, status_code=code)
    return Outcome.failed(reason, status_code=code)
