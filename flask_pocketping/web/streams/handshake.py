"""Refusing what is no handshake of a WebSocket, as long as that can be said in HTTP (RFC 6455, section 4.2)."""

from __future__ import annotations

import base64
import binascii

from flask import Request

from ...errors import InvalidRequest, UpgradeRequired

VERSION = "13"


def check_upgrade(incoming: Request) -> str:
    """Check that a request can become a WebSocket.

    :return: its key.
    :raises UpgradeRequired: if it is of another version.
    :raises InvalidRequest: if its key is missing or none.
    """
    if incoming.headers.get("Sec-WebSocket-Version", "").strip() != VERSION:
        raise UpgradeRequired(
            "This server speaks version 13 of the WebSocket protocol.", headers={"Sec-WebSocket-Version": VERSION}
        )
    key = incoming.headers.get("Sec-WebSocket-Key", "").strip()
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != 16:
        raise InvalidRequest("Sec-WebSocket-Key must be 16 bytes in base64.")
    return key


def minimal_environ(key: str) -> dict[str, str]:
    """Make what a library needs of a request to shake hands.

    The real request may have cookies longer than it reads, or other things that it can't parse, and asks for
    compression, which would cost each connection a hundred times what it saves.

    :param key: as `check_upgrade` returned it.
    """
    return {
        "HTTP_HOST": "localhost",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": VERSION,
        "HTTP_SEC_WEBSOCKET_KEY": key,
    }
