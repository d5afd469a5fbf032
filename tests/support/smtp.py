"""A real SMTP server on this machine that keeps the mails it gets."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from .servers import free_port, wait_until

USER, PASSWORD = "shop", "a password of the test"


class Mailbox:
    """What came, in order, and what the server answers to a recipient and to a mail."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        #: Answers to use up first; then all is well.
        self.to_recipients: list[str] = []
        self.to_mails: list[str] = []

    async def handle_RCPT(
        self, server: object, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipients:
            return self.to_recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=default))
        self.recipients.append([str(address) for address in envelope.rcpt_tos])
        return self.to_mails.pop(0) if self.to_mails else "250 OK"

    def wait(self, count: int) -> list[EmailMessage]:
        """Wait until so many mails came."""
        wait_until(lambda: len(self.mails) >= count, f"{count} mails", 15, lambda: len(self.mails))
        return list(self.mails)


def text_of(mail: EmailMessage) -> str:
    """The text of a mail."""
    return str(mail.get_content()).replace("\r\n", "\n")


@contextmanager
def mail_server(security: str = "none", context: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """An SMTP server on a free port.

    :param security: `none`, or `starttls` or `tls` with a sign-in by `USER` and `PASSWORD`.
    :param context: of the server, for TLS.
    """
    mailbox = Mailbox()
    options: dict[str, Any] = {"hostname": "127.0.0.1", "port": mailbox.port}
    if security != "none":
        options |= {"authenticator": _check, "auth_require_tls": security == "starttls"}
    if security == "starttls":
        options |= {"auth_required": True, "tls_context": context, "require_starttls": True}
    if security == "tls":
        options["ssl_context"] = context
    controller = Controller(mailbox, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def _check(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)
