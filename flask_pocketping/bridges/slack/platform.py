"""`SlackPlatform`: the outgoing calls of the bridge to Slack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from ...delivery.target import Pace
from ..platform import (
    Check,
    IncomingFile,
    Opened,
    Platform,
    Post,
    Posted,
    Thread,
)
from .checking import check
from .client import SlackClient
from .errors import SlackRefused
from .markup import MAX_TEXT, escape, to_mrkdwn
from .posting import NO_THREAD, Poster
from .uploading import fetch

#: Seconds between two messages to a channel.
PERIOD = 1.0
#: The reaction that marks a closed conversation.
CLOSED = "white_check_mark"
#: Errors of reactions after which everything is as wanted, or that the app may do without.
_NO_MATTER = {"already_reacted", "no_reaction", "missing_scope", "too_many_reactions", "too_many_emoji"}


class SlackPlatform(Platform):
    """Posts to one channel of Slack.

    :param client: calls Slack.
    :param channel: the id of the channel in which threads are opened.
    :param uses_socket_mode: whether events come by Socket Mode, for `check`.
    :param sleep: waits a number of seconds.
    """

    name = "slack"
    label = "Slack"
    # The rest of what Slack takes is for the line that quotes an earlier message.
    max_text = MAX_TEXT - 200
    max_caption = MAX_TEXT - 200
    max_title = 150
    max_file_size = 1024**3
    on_unanswered: Literal["repeat", "find", "never"] = "find"

    def __init__(
        self,
        client: SlackClient,
        channel: str,
        *,
        uses_socket_mode: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.channel = channel
        self._uses_socket_mode = uses_socket_mode
        self._poster = Poster(client, sleep)

    def measure(self, text: str, *, markdown: bool) -> int:
        """Return the number of characters of the text that Slack gets."""
        return len(to_mrkdwn(text) if markdown else escape(text))

    def paces(self, thread: Thread | None) -> Sequence[Pace]:
        """Return Slack's limit: about one message per second in a channel, which its threads share."""
        return [Pace(f"slack {self.channel if thread is None else thread.channel}"[:100], limit=1, period=PERIOD)]

    def open_thread(self, title: str, header: str, first: Post | None) -> Opened:
        """Post the root of a new thread. The visitor's first message stands in it."""
        thread, posted = self._poster.open(self.channel, title, header, first)
        return Opened(thread, posted.ids if first is not None else (), posted.calls)

    def find_thread(self, title: str, first: Post | None) -> Opened | None:
        """Return the thread that an earlier attempt has opened with the visitor's first message."""
        if first is None:
            return None
        thread = self._poster.find_root(self.channel, first.key)
        if thread is None:
            return None
        found = self._poster.find(thread, first)
        return Opened(thread, found.ids, found.calls) if found is not None else None

    def post(self, thread: Thread, post: Post) -> Posted:
        """Post to a thread. Files are a message of their own below the text."""
        return self._poster.post(thread, post)

    def find(self, thread: Thread, post: Post) -> Posted | None:
        """Return what an earlier attempt has posted, which its metadata tells. Shares files that are missing."""
        return self._poster.find(thread, post)

    def edit(self, thread: Thread, ids: Sequence[str], post: Post) -> Posted:
        """Change the text of a post. In a root, the lines about the visitor stay."""
        if ids:
            self._poster.edit(thread, ids[0], post)
        return Posted(tuple(ids))

    def delete(self, thread: Thread, ids: Sequence[str]) -> None:
        """Delete a post. The root stays without the visitor's text, because the thread hangs on it."""
        self._poster.delete(thread, ids)

    def close(self, thread: Thread) -> None:
        """Mark the root with a reaction, and say so in the thread."""
        self._poster.note(thread, "closed", "The conversation was closed.")
        self._tolerating(lambda: self.client.react(thread.channel, thread.id, CLOSED))

    def reopen(self, thread: Thread) -> None:
        """Remove the reaction, and say so in the thread."""
        self._poster.note(thread, "open", "The conversation was reopened.")
        self._tolerating(lambda: self.client.unreact(thread.channel, thread.id, CLOSED))

    def typing(self, thread: Thread) -> None:
        """Do nothing, because Slack can't show that a visitor is typing."""

    def link(self, thread: Thread) -> str | None:
        """Return the address of the root."""
        try:
            return self.client.permalink(thread.channel, thread.id)
        except SlackRefused as error:
            if error.code in NO_THREAD:
                return None
            raise

    def fetch(self, file: IncomingFile, limit: int) -> Iterator[bytes]:
        """Fetch a file with the bot's token, from Slack's hosts and that of the Web API only."""
        return fetch(self.client, file, limit)

    def check(self) -> Iterator[Check]:
        """Check token, scopes, channel and membership, and the token for Socket Mode."""
        return check(self.client, self.channel, uses_socket_mode=self._uses_socket_mode)

    def close_client(self) -> None:
        """Close idle connections."""
        self.client.http.close()

    def _tolerating(self, call: Callable[[], None]) -> None:
        try:
            call()
        except SlackRefused as error:
            if error.code not in _NO_MATTER | NO_THREAD:
                raise
