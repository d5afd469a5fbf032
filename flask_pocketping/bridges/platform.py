"""`Platform`, the interface between bridges and a chat platform, with the values that go out and come in.

A bridge decides what to post, in which order and how often. A platform only knows how: it makes one or a few requests
for each call and raises one of the errors below. A new platform is one subclass of `Platform` and one of `Inbound`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Literal, Protocol

from ..delivery.target import Pace


class PlatformError(Exception):
    """A request to a platform failed. The message is for operators, and contains no token and no address."""


class Unreachable(PlatformError):
    """The platform was not reached, or had an error of its own. Nothing was posted, so a repeat is safe."""


class Unanswered(PlatformError):
    """The request was sent and got no response, so it may have been carried out."""


class Refused(PlatformError):
    """The platform refused the request, and would refuse it again."""


class Throttled(PlatformError):
    """The platform asked to wait.

    :ivar after: the delay in seconds.
    :ivar everywhere: whether it holds for all threads, not only for this one.
    """

    def __init__(self, after: float, *, everywhere: bool = True) -> None:
        super().__init__(f"The platform asked to wait {after:g} s.")
        self.after = after
        self.everywhere = everywhere


class ThreadGone(PlatformError):
    """The thread does not exist any more, so the conversation needs a new one."""


class ThreadClosed(PlatformError):
    """The thread is closed or locked. It can be posted to after `Platform.reopen`."""


class ChannelMoved(PlatformError):
    """The chat has a new id, as a Telegram group that became a supergroup.

    :ivar channel: the new id.
    """

    def __init__(self, channel: str) -> None:
        super().__init__("The chat has a new id.")
        self.channel = channel


class ThreadsFull(PlatformError):
    """The platform allows no further open thread until another one is archived."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread on a platform.

    :ivar channel: the id of the chat or channel that it is in.
    :ivar id: its id in there.
    """

    channel: str
    id: str


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to post.

    :ivar id: the id of the attachment.
    :ivar name: the file name.
    :ivar mime_type: the media type.
    :ivar size: the size in bytes.
    :ivar open: opens the bytes. The caller closes what it returns.
    """

    id: str
    name: str
    mime_type: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Post:
    """One post in a thread. Its text fits into the platform's limit already.

    :ivar key: up to 25 characters, the same for each attempt of this post and for no other one. Platforms that can
        recognise a repeat use it.
    :ivar text: plain text from a visitor, or Markdown from an operator, see `markdown`. Not escaped.
    :ivar author: the name to show, or `None` for the bridge's own lines.
    :ivar avatar: the address of the author's picture.
    :ivar markdown: whether `text` is Markdown. If not, every character is shown as it is.
    :ivar reply_to: the id of the post in this thread that it replies to.
    :ivar quote: the beginning of the message that it replies to, for platforms without replies in threads.
    :ivar files: the files to post with it, in order.
    :ivar silent: whether nobody should be notified.
    :ivar header: lines about the visitor to show above `text`, as plain text. Only the first post of a thread has them,
        where `Opened.has_header` is false.
    """

    key: str
    text: str
    author: str | None = None
    avatar: str | None = None
    markdown: bool = False
    reply_to: str | None = None
    quote: str | None = None
    files: tuple[OutgoingFile, ...] = ()
    silent: bool = False
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What a platform made of a post.

    :ivar ids: the ids of its messages there, in order. There may be several, for example one for each file.
    :ivar calls: the number of requests that count for the platform's limits.
    """

    ids: tuple[str, ...]
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A new thread.

    :ivar thread: where it is.
    :ivar ids: the ids of the messages that opened it, if `first` was posted with it.
    :ivar calls: the number of requests that count for the platform's limits.
    :ivar has_header: whether the thread shows the header already. If not, the first post has it in `Post.header`.
    """

    thread: Thread
    ids: tuple[str, ...] = ()
    calls: int = 1
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One step of checking the settings against the platform.

    :ivar name: what was checked, such as "The bot may manage topics".
    :ivar problem: what is wrong and what to do, in plain words, or `None` if nothing is.
    :ivar facts: what the check found, such as the bot's name.
    """

    name: str
    problem: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Platform(Protocol):
    """The outgoing calls to a platform. All of them raise `PlatformError`s.

    Subclass it: `find_thread`, `find`, `typing`, `link` and `close_client` have defaults.
    """

    #: The name of the bridge, such as `telegram`: up to 20 lowercase letters, digits and hyphens. Also the
    #: `sourceBridge` of its messages.
    name: str
    #: What people call it.
    label: str
    #: The channel in which new threads are opened.
    channel: str
    #: The longest text of a post, as `measure` counts it.
    max_text: int
    #: The longest text of a post with files, as `measure` counts it.
    max_caption: int
    #: The longest title of a thread, in characters.
    max_title: int
    #: The largest file that can be posted, in bytes.
    max_file_size: int
    #: What to do after a post that got no response: post it again because the platform drops the repeat, look for it
    #: with `find`, or never repeat it.
    on_unanswered: Literal["repeat", "find", "never"]
    #: For how many seconds the platform drops a repeat, where `on_unanswered` is `repeat`. A post that got no response
    #: longer ago is looked for with `find` first.
    repeatable_for: float = math.inf

    def measure(self, text: str, *, markdown: bool) -> int:
        """Return the length of a text as the platform counts it, including what escaping adds."""

    def paces(self, thread: Thread | None) -> Sequence[Pace]:
        """Return the rate limits of posts to a thread, or with `None` those of the whole channel.

        The worker keeps those of the channel over all processes. A limit of a single thread is obeyed by `Throttled`
        with `everywhere=False`.
        """

    def open_thread(self, title: str, header: str, first: Post | None) -> Opened:
        """Open a thread in `channel`.

        If something fails after the thread exists, return it all the same, with what was done: the bridge posts the
        rest.

        :param title: the title, up to `max_title` characters.
        :param header: lines about the visitor, as plain text.
        :param first: the visitor's first message, for platforms whose threads begin with it. Without `ids` in the
            result, the bridge posts it.
        """

    def find_thread(self, title: str, first: Post | None) -> Opened | None:
        """Return the thread that an earlier attempt has opened, where `on_unanswered` is `find`.

        The default returns `None`, so the bridge opens another one.
        """
        return None

    def post(self, thread: Thread, post: Post) -> Posted:
        """Post to a thread."""

    def find(self, thread: Thread, post: Post) -> Posted | None:
        """Return what an earlier attempt has posted, or `None`.

        Called where `on_unanswered` is `find`, and after `repeatable_for`. The result may be an equal post of another
        message. The bridge checks that.
        """
        return None

    def edit(self, thread: Thread, ids: Sequence[str], post: Post) -> Posted:
        """Change the text of a post. Its files stay.

        :param ids: its messages on the platform. The text is in the first one.
        """

    def delete(self, thread: Thread, ids: Sequence[str]) -> None:
        """Delete a post. One that is gone already is no error."""

    def close(self, thread: Thread) -> None:
        """Show that the conversation is closed."""

    def reopen(self, thread: Thread) -> None:
        """Show that the conversation is open again."""

    def typing(self, thread: Thread) -> None:
        """Show that the visitor is typing, where the platform can."""
        return None

    def link(self, thread: Thread) -> str | None:
        """Return the address of a thread, for operators."""
        return None

    def fetch(self, file: IncomingFile, limit: int) -> Iterator[bytes]:
        """Fetch a file that an operator has posted, from the platform's own hosts only.

        :param limit: the maximum size in bytes. A larger file raises `Refused`.
        """

    def check(self) -> Iterator[Check]:
        """Check the settings step by step. Ends with the first problem that makes the next steps pointless."""

    def close_client(self) -> None:
        """Close the connections that are kept open. Called when the worker stops."""
        return None


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something on a platform.

    :ivar id: their id there.
    :ivar name: the name to show to the visitor.
    :ivar is_bot: whether it is a bot other than ours.
    """

    id: str
    name: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that an operator has posted.

    :ivar reference: what `Platform.fetch` needs. It may be secret: it is in no log.
    :ivar name: the file name, as the platform tells it.
    :ivar mime_type: the media type, as the platform tells it.
    :ivar size: the size in bytes, if the platform tells it.
    """

    reference: str
    name: str
    mime_type: str | None = None
    size: int | None = None

    def __repr__(self) -> str:
        return f"IncomingFile({self.name!r})"


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that an operator wrote in a thread.

    :ivar thread: where. Its `channel` is checked by the receiver.
    :ivar id: its id there.
    :ivar author: who wrote it.
    :ivar text: Markdown of ours: mentions are names, and the platform's markup is converted.
    :ivar reply_to: the id of the post in this thread that it replies to.
    :ivar files: the files, in order.
    :ivar sent_at: when it was written.
    :ivar more_ids: the ids of the other messages of an album, if the platform sends it as one.
    :ivar group: the id of the album that it is a part of, if the platform sends the parts one by one. The receiver
        gathers them for about a second, in any order.
    """

    thread: Thread
    id: str
    author: Author
    text: str
    reply_to: str | None = None
    files: tuple[IncomingFile, ...] = ()
    sent_at: datetime | None = None
    more_ids: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingEdit:
    """An operator changed the text of a message.

    :ivar thread: where, if the platform tells it.
    :ivar version: the platform's sign of this edit in up to 40 characters, which sorts by time, such as a timestamp. An
        edit that is not newer than the last one is ignored. Without it, every edit counts.
    """

    channel: str
    thread: Thread | None
    id: str
    author: Author | None
    text: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingDelete:
    """A message was deleted, or marked to be deleted. `author` is who did it, if the platform tells it."""

    channel: str
    id: str
    author: Author | None = None


@dataclass(frozen=True, slots=True)
class IncomingTyping:
    """An operator is typing."""

    thread: Thread
    author: Author


@dataclass(frozen=True, slots=True)
class IncomingThreadChange:
    """Somebody closed, reopened or deleted a thread on the platform, or the chat has a new id (`moved_to`)."""

    thread: Thread
    change: Literal["closed", "reopened", "deleted", "moved"]
    author: Author | None = None
    moved_to: str | None = None


Incoming = IncomingMessage | IncomingEdit | IncomingDelete | IncomingTyping | IncomingThreadChange


class Receiver(Protocol):
    """What the bridge gives to `Inbound`. It ignores what is not for it, stores each message once, and never blocks
    long: files are fetched later.
    """

    def receive(self, incoming: Incoming) -> None:
        """Take something in. When this returns, it is stored or need not be.

        :raises Exception: if it could not be stored, so that the caller confirms nothing and tries again.
        """

    def cursor(self) -> str | None:
        """Return the position that was last saved, such as an update's id."""

    def save_cursor(self, cursor: str) -> None:
        """Save a position, for whichever process goes on."""

    def open_threads(self) -> Sequence[tuple[Thread, str | None]]:
        """Return the open threads, each with the id of the newest message of it that is known, to catch up."""


class Inbound(Protocol):
    """Receives what operators write without a public address: by long polling or a WebSocket.

    One process runs it at a time, under a lease.
    """

    def run(self, receiver: Receiver, is_wanted: Callable[[float], bool]) -> None:
        """Receive until it is no longer wanted.

        :param receiver: takes what comes in.
        :param is_wanted: waits up to a number of seconds, and returns whether to go on. It also renews the lease, so
            call it at least every 5 seconds; after `False`, return without confirming anything further.
        :raises Unreachable, Unanswered, Throttled: if it should be run again in a moment.
        :raises PlatformError: if going on makes no sense until the settings change.
        """


class WebhookInbound(Protocol):
    """Receives what operators write by requests of the platform to `POST /bridges/<name>`."""

    def admits(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Return whether the headers alone allow that the request is genuine. Otherwise, its body is not read."""
        return True

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Return whether a request comes from the platform. Hostile input gives `False`, never an exception."""

    def read(self, headers: Mapping[str, str], body: bytes) -> tuple[Sequence[Incoming], Mapping[str, Any]]:
        """Return what a verified request tells, and the JSON object to answer with.

        It must be answered at once, so this makes no requests.
        """


@dataclass(frozen=True, slots=True)
class Connection:
    """A platform, and how what is written there comes in.

    :ivar platform: makes the calls.
    :ivar inbound: receives without a public address.
    :ivar webhook: receives by `POST /bridges/<name>`.
    """

    platform: Platform
    inbound: Inbound | None = None
    webhook: WebhookInbound | None = None
