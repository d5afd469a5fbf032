"""`BotAPI`, the methods of Telegram's Bot API that the bridge needs, with its errors as those of bridges."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ...config_parsers import Network
from ...delivery.http.client import BadResponse
from ..platform import (
    ChannelMoved,
    PlatformError,
    Refused,
    ThreadClosed,
    ThreadGone,
    Throttled,
    Unanswered,
    Unreachable,
)
from ..rest import Files, Rest

#: Methods that change nothing if they are repeated.
_REPEATABLE = re.compile("get|edit|delete|close|reopen|setWebhook|deleteWebhook|sendChatAction")

#: What Telegram says of a topic that was deleted. The second one is of posts that reply to it.
_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
#: What it says of changes that change nothing.
_UNCHANGED = ("message is not modified", "topic_not_modified", "message to delete not found")


class BadToken(Refused):
    """Telegram does not know the bot's token."""


class Conflict(PlatformError):
    """Another program reads the bot's updates, or a webhook is set."""


class BotAPI:
    """A bot.

    :param token: the bot's token. No error and no log shows it.
    :param base: the address of the Bot API server.
    """

    def __init__(self, token: str, base: str, *, allow_networks: Sequence[Network] = ()) -> None:
        self._token = token
        self._base = base.rstrip("/")
        self._rest = Rest("Telegram", f"{self._base}/bot{token}", allow_networks=allow_networks)
        self._in_doubt = False

    def __repr__(self) -> str:
        return f"BotAPI({self.bot_id})"

    @property
    def bot_id(self) -> str:
        """The id of the bot, which its token begins with."""
        return self._token.partition(":")[0]

    def call(
        self, method: str, parameters: Mapping[str, Any], *, files: Files | None = None, timeout: float | None = None
    ) -> Any:
        """Call a method and return its result.

        :param parameters: its parameters. Without files they are sent as JSON.
        :param files: files of a multipart form, whose other fields are text.
        :raises PlatformError: if it failed.
        """
        if _REPEATABLE.match(method):
            return self._call(method, parameters, files, timeout)
        if self._in_doubt:
            # While Telegram is out of order, posts wait. Otherwise each would be one that nobody knows about.
            self._call("getMe", {}, None, None)
            self._in_doubt = False
        try:
            return self._call(method, parameters, files, timeout)
        except Unanswered:
            self._in_doubt = True
            raise

    def _call(self, method: str, parameters: Mapping[str, Any], files: Files | None, timeout: float | None) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        repeatable = _REPEATABLE.match(method) is not None
        response = self._rest.call(
            "POST",
            f"/{method}",
            json=None if files else given,
            fields={name: _field(value) for name, value in given.items()} if files else None,
            files=files,
            timeout=timeout,
            repeatable=repeatable,
        )
        try:
            found = response.json()
        except BadResponse:
            found = None
        if isinstance(found, dict) and found.get("ok") is True and "result" in found:
            return found["result"]
        if isinstance(found, dict) and found.get("ok") is False:
            raise self._error(response.status_code, found)
        # Something between us and Telegram has answered.
        error = Unreachable if repeatable or response.status_code >= 400 else Unanswered
        raise error(f"Telegram gave an answer that can't be read (HTTP {response.status_code}).")

    def fetch(self, file_id: str, limit: int) -> Iterator[bytes]:
        """Fetch a file.

        :param limit: the maximum size in bytes.
        """
        found = self.call("getFile", {"file_id": file_id})
        path = str(found.get("file_path", ""))
        if not path or (found.get("file_size") or 0) > limit:
            raise Refused("The file is too large.")
        yield from self._rest.fetch(f"{self._base}/file/bot{self._token}/{quote(path)}", limit)

    def close(self) -> None:
        """Close idle connections."""
        self._rest.close()

    def _error(self, status: int, found: Mapping[str, Any]) -> PlatformError:
        parameters = found.get("parameters") or {}
        said = str(found.get("description") or f"HTTP {status}").replace(self._token, "***")[:300]
        lowered = said.lower()
        if status == 429:
            return Throttled(float(parameters.get("retry_after", 5)))
        if parameters.get("migrate_to_chat_id"):
            return ChannelMoved(str(parameters["migrate_to_chat_id"]))
        if status in {401, 404}:
            return BadToken("Telegram does not know this bot token. Copy it again from @BotFather.")
        if status == 409:
            return Conflict(said)
        if any(sign in lowered for sign in _GONE):
            return ThreadGone(said)
        if "topic_closed" in lowered:
            return ThreadClosed(said)
        return Unchanged(said) if any(sign in lowered for sign in _UNCHANGED) else Refused(said)


class Unchanged(Refused):
    """The change was made before, so there is nothing to do."""


def _field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
