"""Posts in threads: the texts of posts, how they are recognised later, and their files.

Slack posts a message again whenever it is asked to, so each post carries our key in its metadata. After a request that
got no response, the thread is read and the key looked for.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..platform import OutgoingFile, PlatformError, Post, Posted, Refused, Thread, ThreadGone, Unanswered
from .client import MessageOptions, SlackClient
from .contents import contents, key_of, metadata, object_of, payload_of, root_contents
from .errors import SlackRefused
from .markup import Blocks, escape
from .uploading import MARK, TRANSFER_TIMEOUT, share_of, title_of, upload

#: The longest name of an author in characters.
MAX_USERNAME = 80
#: Errors of a thread whose root does not exist.
NO_THREAD = {"thread_not_found", "message_not_found"}
#: Seconds between looking whether shared files have appeared.
POLLS = (0.2, 0.4, 0.8, 1.6, 3.0)
#: How many of the newest messages of a channel are searched.
SEARCHED = 200
#: What is left of a root whose message was deleted.
DELETED = "This message was deleted."

Json = Mapping[str, Any]
#: The ids and titles of uploaded files.
Files = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Files that were uploaded but not shared yet, and lines about those that Slack did not take."""

    files: Files
    problems: tuple[str, ...]


class Poster:
    """Makes, finds and changes posts.

    :param client: calls Slack.
    :param sleep: waits a number of seconds.
    """

    def __init__(self, client: SlackClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def post(self, thread: Thread, post: Post) -> Posted:
        """Post in a thread.

        :raises ThreadGone: if the thread is dead: Slack then posts into the channel, from where the post is removed.
        """
        upload = self._upload(post.files)
        text, blocks = contents(post, upload.problems)
        answer = self._send(thread.channel, text, blocks, {**_options(post, upload), "thread_ts": thread.id})
        ts = _posted_ts(answer)
        if object_of(answer, "message").get("thread_ts") != thread.id:
            self._remove(thread.channel, ts)
            raise ThreadGone("The thread's first message was deleted in Slack.")
        return self._with_files(thread, ts, upload.files)

    def open(self, channel: str, title: str, header: str, first: Post | None) -> tuple[Thread, Posted]:
        """Post a root, which shows the visitor's first message below the title and header."""
        post = first or Post(key="", text="")
        upload = self._upload(post.files)
        text, blocks = root_contents(title, header, post, upload.problems)
        options = _options(post, upload, heading={"title": title, "header": header})
        ts = _posted_ts(self._send(channel, text, blocks, options))
        thread = Thread(channel, ts)
        return thread, self._with_files(thread, ts, upload.files)

    def note(self, thread: Thread, state: str, text: str) -> None:
        """Post that the conversation has a new state, unless the thread says so already.

        :raises ThreadGone: if the thread is dead.
        """
        try:
            states = [payload_of(message).get("state") for message in self._thread(thread)]
        except SlackRefused as error:
            if error.code not in NO_THREAD:
                raise
            raise ThreadGone("The thread's first message was deleted in Slack.") from None
        if next((known for known in reversed(states) if known), "open") != state:
            options = MessageOptions(thread_ts=thread.id, metadata=metadata("", state=state))
            self._send(thread.channel, escape(text), [], options)

    def find(self, thread: Thread, post: Post) -> Posted | None:
        """Return what an earlier attempt has posted. If only its files are missing, this shares them.

        :raises ThreadGone: if the thread is dead.
        """
        try:
            found = next((message for message in self._thread(thread) if key_of(message) == post.key), None)
        except SlackRefused as error:
            if error.code not in NO_THREAD:
                raise
            self._remove_strays(thread.channel, post.key)
            raise ThreadGone("The thread's first message was deleted in Slack.") from None
        if found is None:
            return None
        ids = payload_of(found).get("files")
        known = [file_id for file_id in ids if isinstance(file_id, str)] if isinstance(ids, list) else []
        uploaded = list(zip(known, (title_of(file.name) for file in post.files), strict=False))
        return self._with_files(thread, str(found.get("ts")), uploaded, again=True)

    def find_root(self, channel: str, key: str) -> Thread | None:
        """Return the thread that an earlier attempt has opened with this post."""
        recent = list(itertools.islice(self._client.history(channel), SEARCHED))
        ts = next((str(message.get("ts")) for message in recent if key_of(message) == key), None)
        return Thread(channel, ts) if ts is not None else None

    def edit(self, thread: Thread, ts: str, post: Post) -> None:
        """Change the text of a post, unless somebody has deleted it. Of a root, title and header stay."""
        if ts == thread.id:
            heading = self._heading(thread)
            text, blocks = root_contents(heading.get("title", ""), post.header or heading.get("header", ""), post)
        else:
            text, blocks = contents(post)
        try:
            self._client.update(thread.channel, ts, text, blocks)
        except SlackRefused as error:
            if error.code not in NO_THREAD:
                raise

    def delete(self, thread: Thread, ids: Sequence[str]) -> None:
        """Delete a post. A root stays, because the thread hangs on it, but not its text."""
        for ts in ids:
            try:
                if ts == thread.id:
                    self.edit(thread, ts, Post(key="", text=DELETED))
                else:
                    self._client.delete(thread.channel, ts)
            except SlackRefused as error:
                if error.code not in NO_THREAD:
                    raise

    def _send(self, channel: str, text: str, blocks: Blocks, options: MessageOptions) -> Json:
        if blocks:
            options["blocks"] = blocks
        return self._client.post(channel, text, **options)

    def _upload(self, files: Sequence[OutgoingFile]) -> Uploaded:
        """Upload files, which nobody sees before they are shared, so that a failure leaves nothing behind.

        A file that Slack does not take is no reason to keep back the text, which then says so. Nor is one that takes
        too long: by then, another worker could begin with the same post.
        """
        made, problems = [], []
        ends_at = time.monotonic() + TRANSFER_TIMEOUT
        for file in files:
            left = ends_at - time.monotonic()
            try:
                if left <= 0:
                    raise Refused("The upload took too long.")
                made.append((upload(self._client, file, left), title_of(file.name)))
            except Refused as error:
                problems.append(f"{file.name} was not posted. {error}")
        return Uploaded(tuple(made), tuple(problems))

    def _with_files(self, thread: Thread, ts: str, files: Files, again: bool = False) -> Posted:
        """Share uploaded files, and return all that was posted. The text is there already.

        :param again: whether an earlier attempt may have shared them.
        :raises Unanswered: if something failed, so that the next attempt looks for the text.
        """
        if not files:
            return Posted((ts,))
        try:
            shared = self._shared(thread, files) if again else ()
            if not shared:
                self._client.complete_upload(files, thread.channel, thread.id)
                shared = self._shared(thread, files)
            if not shared and again:
                self._tell_missing(thread, files, "Slack does not show them.")
        except Refused as error:
            self._tell_missing(thread, files, str(error))
            return Posted((ts,), calls=2)
        except PlatformError as error:
            raise Unanswered(f"The text was posted, but not its files. {error}") from None
        if not shared and not again:
            raise Unanswered("Slack has taken the files, but did not show them in time.")
        return Posted((ts, *shared), calls=2)

    def _tell_missing(self, thread: Thread, files: Files, reason: str) -> None:
        names = ", ".join(title.removesuffix(MARK) for _, title in files)
        options = MessageOptions(thread_ts=thread.id, metadata=metadata(""))
        try:
            self._send(thread.channel, escape(f"Files are missing here: {names}. {reason}"), [], options)
        except PlatformError as error:
            raise Unanswered(f"The text was posted, but not its files. {error}") from None

    def _shared(self, thread: Thread, files: Files) -> tuple[str, ...]:
        """Wait until files have appeared in a thread, and return the messages that have them."""
        waiting = [file_id for file_id, _ in files]
        found: list[str] = []
        for delay in (0.0, *POLLS):
            if delay:
                self._sleep(delay)
            shares = {file_id: share_of(self._client.file(file_id), thread) for file_id in waiting}
            found += [ts for ts in shares.values() if ts is not None]
            waiting = [file_id for file_id, ts in shares.items() if ts is None]
            if not waiting:
                return tuple(dict.fromkeys(found))
        return ()

    def _thread(self, thread: Thread) -> Iterator[Json]:
        return self._client.replies(thread.channel, thread.id)

    def _heading(self, thread: Thread) -> dict[str, str]:
        root = next(self._thread(thread), {})
        heading = payload_of(root).get("heading")
        return {name: str(value) for name, value in heading.items()} if isinstance(heading, dict) else {}

    def _remove_strays(self, channel: str, key: str) -> None:
        """Remove posts that went into the channel because their thread is dead."""
        for message in list(itertools.islice(self._client.history(channel), SEARCHED)):
            if key_of(message) == key:
                self._remove(channel, str(message.get("ts")))

    def _remove(self, channel: str, ts: str) -> None:
        try:
            self._client.delete(channel, ts)
        except SlackRefused as error:
            if error.code not in NO_THREAD:
                raise


def _options(post: Post, uploaded: Uploaded, heading: Mapping[str, str] | None = None) -> MessageOptions:
    ids = [file_id for file_id, _ in uploaded.files]
    options = MessageOptions(metadata=metadata(post.key, ids, heading))
    if post.author:
        options["username"] = post.author[:MAX_USERNAME]
    if post.avatar and post.avatar.startswith("https://"):
        options["icon_url"] = post.avatar
    return options


def _posted_ts(answer: Json) -> str:
    ts = answer.get("ts")
    if not isinstance(ts, str):
        raise Unanswered("Slack's answer does not name the message.")
    return ts
