"""Mail to customers who left before they were answered, where the environment names a server for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_pocketping.targets.email import EmailTarget


def mail_target(environ: Mapping[str, str]) -> list[EmailTarget]:
    """The shop's mail, or none while `SMTP_HOST` is not set.

    `SMTP_PORT`, `SMTP_SECURITY` (starttls, tls or none), `SMTP_USER`, `SMTP_PASSWORD`, `SMTP_SENDER` and `SHOP_URL` say
    the rest.
    """
    host = environ.get("SMTP_HOST")
    if not host:
        return []
    options: dict[str, Any] = {
        "security": environ.get("SMTP_SECURITY", "starttls"),
        "username": environ.get("SMTP_USER"),
        "password": environ.get("SMTP_PASSWORD"),
        "sender": environ.get("SMTP_SENDER", "Hearth & Leaf <chat@localhost>"),
        "page": environ.get("SHOP_URL", "http://localhost:3001/"),
    }
    port = environ.get("SMTP_PORT")
    return [EmailTarget(host, port=int(port) if port else None, **options)]
