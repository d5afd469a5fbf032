"""The methods of Slack's Web API that the bridge uses, on the guarded HTTP client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack

from ... import clock
from ...delivery.http.addresses import parse_origin
from ...delivery.http.client import (
    AddressNotAllowed,
    BadHeader,
    BadURL,
    GuardedClient,
    HTTPClientError,
    Response,
)
from ...delivery.retry import parse_retry_after
from ..platform import PlatformError, Refused, Throttled, Unanswered, Unreachable
from .errors import DEFAULT_WAIT, error_of

#: The largest answer that is read, in bytes. A page of messages with blocks is well below.
MAX_ANSWER = 4 * 1024 * 1024
#: The number of messages per page.
PAGE = 200
#: The maximum number of pages of one thread or channel, so that no answer can keep a worker forever.
MAX_PAGES = 50

Answer = Mapping[str, Any]


class MessageOptions(TypedDict):
    """What `chat.postMessage` takes besides channel and text, see `SlackClient.post`."""

    thread_ts: NotRequired[str]
    blocks: NotRequired[Sequence[Mapping[str, Any]]]
    metadata: NotRequired[Mapping[str, Any]]
    username: NotRequired[str]
    icon_url: NotRequired[str]


class SlackClient:
    """Calls Slack. Threads may share a client.

    Each method raises a `PlatformError`. No error contains a token or an address.

    :param http: sends the requests.
    :param bot_token: the bot's token, `xoxb-…`.
    :param api_url: the address of the Web API.
    :param app_token: the app-level token for Socket Mode, `xapp-…`.
    :param timeout: the timeout of a request in seconds.
    """

    def __init__(
        self,
        http: GuardedClient,
        bot_token: str,
        *,
        api_url: str = "https://slack.com/api",
        app_token: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.http = http
        self.api_url = api_url.rstrip("/")
        self.origin = parse_origin(self.api_url, allow_http=True)
        self.bot_authorization = {"Authorization": f"Bearer {bot_token}"}
        self._app_authorization = {"Authorization": f"Bearer {app_token}"}
        self._timeout = timeout

    # Who we are

    def test_auth(self) -> tuple[Answer, frozenset[str]]:
        """Return who the token belongs to (`auth.test`), and the scopes that it has."""
        answer, response = self._exchange("auth.test", {}, repeatable=True)
        scopes = response.headers.get("x-oauth-scopes", "")
        return answer, frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())

    def open_connection(self) -> str:
        """Return the address of a new WebSocket for Socket Mode (`apps.connections.open`). It contains a secret."""
        answer, _ = self._exchange("apps.connections.open", {}, headers=self._app_authorization, repeatable=True)
        return _text(answer, "url")

    # Messages

    def post(self, channel: str, text: str, **options: Unpack[MessageOptions]) -> Answer:
        """Post a message, and return the answer with `ts` and `message` (`chat.postMessage`).

        :param channel: the id of the channel.
        :param text: escaped text.
        :param options: `thread_ts` is the root to reply to; `blocks` are shown in place of the text; `metadata` is
            what the message is recognised by; `username` and `icon_url` are shown as its author.
        """
        fields = {"channel": channel, "text": text, "unfurl_links": False, "unfurl_media": False, **options}
        return self._exchange("chat.postMessage", {**fields, "link_names": False, "parse": "none"}, as_json=True)[0]

    def update(self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Change the text and blocks of a message, and keep its metadata (`chat.update`)."""
        fields = {"channel": channel, "ts": ts, "text": text, "blocks": blocks, "link_names": False, "parse": "none"}
        self._exchange("chat.update", fields, as_json=True, repeatable=True)

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message (`chat.delete`)."""
        self._exchange("chat.delete", {"channel": channel, "ts": ts}, as_json=True, repeatable=True)

    def react(self, channel: str, ts: str, name: str) -> None:
        """Add a reaction to a message (`reactions.add`)."""
        self._exchange("reactions.add", {"channel": channel, "timestamp": ts, "name": name}, as_json=True)

    def unreact(self, channel: str, ts: str, name: str) -> None:
        """Remove our reaction from a message (`reactions.remove`)."""
        self._exchange("reactions.remove", {"channel": channel, "timestamp": ts, "name": name}, as_json=True)

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message for people (`chat.getPermalink`)."""
        return _text(self._read("chat.getPermalink", {"channel": channel, "message_ts": ts}), "permalink")

    # Reading

    def replies(self, channel: str, ts: str, oldest: str | None = None) -> Iterator[Answer]:
        """Return the messages of a thread, oldest first (`conversations.replies`). The root is the first.

        :param ts: the root.
        :param oldest: return only the root and messages after this one.
        """
        fields = {"channel": channel, "ts": ts, "include_all_metadata": "true"}
        if oldest is not None:
            fields["oldest"] = oldest
        return self._pages("conversations.replies", fields)

    def history(self, channel: str, oldest: str | None = None) -> Iterator[Answer]:
        """Return the messages of a channel that are in no thread, newest first (`conversations.history`)."""
        fields = {"channel": channel, "include_all_metadata": "true"}
        if oldest is not None:
            fields |= {"oldest": oldest, "inclusive": "true"}
        return self._pages("conversations.history", fields)

    def channel(self, channel: str, timeout: float | None = None) -> Answer:
        """Return a channel (`conversations.info`)."""
        return _object(self._read("conversations.info", {"channel": channel}, timeout), "channel")

    def user(self, user_id: str, timeout: float | None = None) -> Answer:
        """Return a user (`users.info`)."""
        return _object(self._read("users.info", {"user": user_id}, timeout), "user")

    # Files

    def file(self, file_id: str) -> Answer:
        """Return a file with its `shares` (`files.info`)."""
        return _object(self._read("files.info", {"file": file_id}), "file")

    def begin_upload(self, name: str, size: int) -> tuple[str, str]:
        """Begin to upload a file (`files.getUploadURLExternal`).

        :param size: the size in bytes.
        :return: the id of the file, and the address to post its bytes to, which is secret.
        """
        answer = self._read("files.getUploadURLExternal", {"filename": name, "length": str(size)})
        return _text(answer, "file_id"), _text(answer, "upload_url")

    def complete_upload(self, files: Sequence[tuple[str, str]], channel: str, thread_ts: str) -> None:
        """Share uploaded files in a thread (`files.completeUploadExternal`). The messages appear some time later.

        :param files: the id and title of each.
        """
        fields = {
            "files": [{"id": file_id, "title": title} for file_id, title in files],
            "channel_id": channel,
            "thread_ts": thread_ts,
        }
        self._exchange("files.completeUploadExternal", fields, as_json=True)

    # Requests

    def _pages(self, method: str, fields: Mapping[str, str]) -> Iterator[Answer]:
        cursor = ""
        for _ in range(MAX_PAGES):
            page = {"cursor": cursor} if cursor else {}
            answer = self._read(method, {**fields, "limit": str(PAGE), **page})
            messages = answer.get("messages")
            yield from (message for message in messages or () if isinstance(message, dict))
            more = answer.get("response_metadata")
            cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
            if not cursor:
                return

    def _read(self, method: str, fields: Mapping[str, str], timeout: float | None = None) -> Answer:
        return self._exchange(method, fields, repeatable=True, timeout=timeout)[0]

    def _exchange(
        self,
        method: str,
        fields: Mapping[str, Any],
        *,
        as_json: bool = False,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        timeout: float | None = None,
    ) -> tuple[Answer, Response]:
        """Call a method.

        :param fields: its arguments. Reading methods take forms, writing ones JSON.
        :param headers: the authorization, by default that of the bot.
        """
        try:
            response = self.http.request(
                "POST",
                f"{self.api_url}/{method}",
                max_response=MAX_ANSWER,
                headers=self.bot_authorization if headers is None else headers,
                timeout=timeout or self._timeout,
                repeatable=repeatable,
                **({"json": fields} if as_json else {"data": dict(fields)}),
            )
        except HTTPClientError as error:
            raise failure_of(error) from None
        answer = _answer_of(response)
        if answer.get("ok") is not True:
            raise error_of(answer, _wait(response))
        return answer, response


def failure_of(error: HTTPClientError) -> PlatformError:
    """Return the error of a platform for a request without a response."""
    if isinstance(error, AddressNotAllowed | BadURL | BadHeader):
        return Refused(str(error))
    return Unanswered(str(error)) if error.maybe_sent else Unreachable(str(error))


def _answer_of(response: Response) -> Answer:
    """Return the JSON object that was answered. The body of a 429 is perhaps no JSON."""
    if response.status_code == 429:
        wait = _wait(response)
        raise Throttled(DEFAULT_WAIT if wait is None else wait)
    if response.status_code >= 500:
        raise Unanswered(f"Slack had an error of its own (HTTP {response.status_code}).")
    try:
        answer = response.json()
    except HTTPClientError:
        answer = None
    if isinstance(answer, dict) and "ok" in answer:
        return answer
    if response.status_code == 200:
        raise Unanswered("Slack's answer is no JSON object.")
    raise Refused(f"Slack refused it: HTTP {response.status_code}.")


def _wait(response: Response) -> float | None:
    return parse_retry_after(response.headers.get("Retry-After"), clock.now())


def _text(answer: Answer, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise Unanswered(f"Slack's answer has no {name}.")
    return value


def _object(answer: Answer, name: str) -> Answer:
    value = answer.get(name)
    if not isinstance(value, dict):
        raise Unanswered(f"Slack's answer has no {name}.")
    return value
