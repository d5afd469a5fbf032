"""Refuses requests that are no WebSocket handshake, while HTTP can still respond (RFC 6455, section 4.2)."""

from __future__ import annotations

import base64
import binascii

from flask import Request

from ...errors import InvalidRequest, UpgradeRequired

VERSION = "13"


def check_upgrade(incoming: Request) -> str:
    """Check that a request can become a WebSocket.

    :return: its key.
    :raises UpgradeRequired: if it has another version.
    :raises InvalidRequest: if its key is missing or invalid.
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
    """Make the part of a request that a library needs for the handshake.

    The real request may have very long cookies or other values that the library can't parse. It also asks for
    compression, which costs each connection a hundred times what it saves.

    :param key: the result of `check_upgrade`.
    """
    return {
        "HTTP_HOST": "localhost",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_VERSION": VERSION,
        "HTTP_SEC_WEBSOCKET_KEY": key,
    }
