"""`DiscordClient` calls Discord's REST API and turns its error codes into the errors of `platform.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from ...config_parsers import Network
from ...delivery.http.client import Response, StreamedResponse
from ...version import user_agent
from ..platform import PlatformError, Refused, ThreadClosed, ThreadGone, ThreadsFull, Throttled, Unreachable
from ..rest import Rest
from .rate_limits import LONGEST, RateLimits

#: Discord wants this form: https://docs.discord.com/developers/reference#user-agent
USER_AGENT = "DiscordBot (https://pypi.org/project/flask-pocketping/, {version})"
#: Seconds without requests after Discord refused the token.
TOKEN_REFUSED = 600.0

# Discord's error codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
MISSING_ACCESS = 50001
MISSING_PERMISSIONS = 50013
THREAD_ARCHIVED = 50083
THREAD_LOCKED = 160005
TOO_MANY_THREADS = 160006

_BAD_TOKEN = (
    "Discord refused the bot token. Create a new one in the Developer Portal (Bot, Reset Token) and set "
    "POCKETPING_DISCORD_BOT_TOKEN."
)
_EXPLANATIONS = {
    MISSING_ACCESS: "The bot can't see the channel. Let it view the channel and its message history.",
    MISSING_PERMISSIONS: "The bot lacks a permission in the channel. `flask pocketping doctor` says which.",
}


class Rejected(Refused):
    """Discord refused a request with an error code.

    :ivar status: the HTTP status.
    :ivar code: Discord's error code, or 0.
    """

    def __init__(self, message: str, status: int, code: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Expired(Refused):
    """The address of a file is not valid any more, or the file is gone."""


class DiscordClient:
    """Makes the requests of one bot. Threads may share it. The token is in no error.

    :param token: the bot's token.
    :param url: the address of the API, without a slash at its end.
    :param allow_networks: networks that the address may be in besides public ones.
    :ivar user_agent: the `User-Agent` of requests to Discord.
    """

    def __init__(self, token: str, url: str, *, allow_networks: Sequence[Network] = ()) -> None:
        self.user_agent = USER_AGENT.format(version=user_agent().rpartition("/")[2])
        headers = {"Authorization": f"Bot {token}", "User-Agent": self.user_agent}
        self._rest = DiscordRest("Discord", url, allow_networks=allow_networks, headers=headers)
        self._token = token
        self._limits = RateLimits()
        self._token_refused_at: float | None = None

    @property
    def token(self) -> str:
        """The bot's token, for the Gateway."""
        return self._token

    def get(self, path: str, **params: str) -> Any:
        """Make a GET request and return the JSON of its response. This raises the same errors as `call`."""
        return self.call("GET", path, params=params)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        files: Sequence[tuple[str, BinaryIO, str]] = (),
    ) -> Any:
        """Make a request and return the JSON of its response, or `None` if it has none.

        :param path: the path after the address of the API.
        :param files: name, content and media type of each file, for a multipart request.
        :raises PlatformError: if it failed.
        """
        self._check_token()
        self._limits.take(method, path)
        body: dict[str, Any] = {"files": _form(json, files)} if files else {"json": json}
        # A repeat of all other methods changes nothing.
        response = self._rest.call(method, path, params=params, repeatable=method != "POST", **body)
        self._limits.update(method, path, response.status_code, response.headers)
        if 200 <= response.status_code < 300:
            return _parse(response)
        raise self._failure(method, path, response)

    def fetch(self, url: str, limit: int) -> Iterator[bytes]:
        """Fetch a file without the bot's token.

        :param url: its address, which the caller has checked.
        :param limit: the maximum size in bytes.
        :raises Expired: if the address is not valid any more.
        :raises PlatformError: if it fails otherwise.
        """
        return self._rest.fetch(url, limit, {"User-Agent": self.user_agent})

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._rest.close()

    def _check_token(self) -> None:
        refused_at = self._token_refused_at
        if refused_at is not None and time.monotonic() < refused_at + TOKEN_REFUSED:
            raise Rejected(_BAD_TOKEN, 401, 0)

    def _failure(self, method: str, path: str, response: Response) -> PlatformError:
        status = response.status_code
        body = _parse(response)
        found = body if isinstance(body, dict) else {}
        if status == 401:
            self._token_refused_at = time.monotonic()
            return Rejected(_BAD_TOKEN, status, 0)
        if status == 429:
            return self._throttled(method, path, response, found)
        code = found["code"] if isinstance(found.get("code"), int) else 0
        if code == UNKNOWN_CHANNEL:
            return ThreadGone("The thread or its channel does not exist any more, or the bot can't see it.")
        if code in {THREAD_ARCHIVED, THREAD_LOCKED}:
            return ThreadClosed("The thread is archived or locked.")
        if code == TOO_MANY_THREADS:
            return ThreadsFull("The server has as many active threads as Discord allows.")
        return Rejected(_EXPLANATIONS.get(code) or _reason(status, found), status, code)

    def _throttled(self, method: str, path: str, response: Response, body: Mapping[str, Any]) -> Throttled:
        # Without JSON, it comes from the network in front of Discord and holds for everything.
        everywhere = not body or bool(body.get("global")) or "X-RateLimit-Global" in response.headers
        after = _seconds(body.get("retry_after")) or _seconds(response.headers.get("Retry-After")) or 5.0
        self._limits.wait(method, path, after, everywhere=everywhere)
        return Throttled(after, everywhere=everywhere)


class DiscordRest(Rest):
    """Requests to Discord and its file servers."""

    def check_file(self, response: StreamedResponse) -> None:
        """Check the head of a file's response."""
        if response.status_code in {401, 403, 404, 410}:
            raise Expired("The file does not exist on Discord any more.")
        if response.status_code == 429:
            raise Unreachable("Discord's file server asked to wait.")
        super().check_file(response)


def _form(payload: Any, files: Sequence[tuple[str, BinaryIO, str]]) -> dict[str, Any]:
    parts: dict[str, Any] = {"payload_json": (None, json.dumps(payload).encode(), "application/json")}
    for index, (name, content, mime_type) in enumerate(files):
        parts[f"files[{index}]"] = (name, content, mime_type)
    return parts


def _parse(response: Response) -> Any:
    try:
        return json.loads(response.body) if response.body else None
    except (ValueError, RecursionError):
        return None


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return min(seconds, LONGEST) if seconds > 0 else None


def _reason(status: int, body: Mapping[str, Any]) -> str:
    """Return what Discord says about a refused request, with the first field that is wrong."""
    message = str(body.get("message") or f"HTTP {status}")[:200].rstrip(".")
    field, problem = _first_error(body.get("errors"))
    details = f": {field} {problem}"[:200].rstrip(".") if problem else ""
    return f"Discord refused this: {message}{details}."


def _first_error(errors: Any, path: str = "", depth: int = 0) -> tuple[str, str]:
    if not isinstance(errors, dict) or depth > 8:
        return "", ""
    problems = errors.get("_errors")
    if isinstance(problems, list) and problems and isinstance(problems[0], dict):
        return path, str(problems[0].get("message", ""))
    for name, inner in errors.items():
        found = _first_error(inner, f"{path}.{name}".strip("."), depth + 1)
        if found[1]:
            return found
    return "", ""
