"""`Rewriting` shows in a thread that a message was edited or deleted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ..chat import bridge_posts
from ..chat.bridge_posts import Item
from ..delivery.batch import Batch
from ..values import Message
from .calls import ThreadCalls
from .conversation import speaker
from .planning import digest, plan
from .platform import Post, Refused, ThreadGone

if TYPE_CHECKING:
    from .target import BridgeTarget


class Rewriting:
    """One attempt to change the posts of a message."""

    def __init__(self, target: BridgeTarget, batch: Batch, calls: ThreadCalls) -> None:
        self._target = target
        self._platform = target.platform
        self._batch = batch
        self._calls = calls
        event = batch.first.event
        assert event is not None
        self._message_id: str = json.loads(event.data)["message"]["id"]

    def run(self) -> None:
        """Make the requests.

        :raises PlatformError: if one failed. Repeating all of them is safe.
        """
        known = self._calls.known
        assert known is not None
        with self._target.db.read() as connection:
            items = bridge_posts.items_of(connection, self._target.name, self._message_id)
        here = [item for item in items if item.channel == known.channel]
        if not here:
            # It is not posted, or it is in a thread that is gone.
            return
        try:
            if here[0].incoming:
                self._change_theirs(here)
            else:
                self._change_ours(here)
        except ThreadGone:
            return

    def _change_theirs(self, items: list[Item]) -> None:
        """Show that what an operator wrote here was changed elsewhere. Bots can't edit it."""
        message = self._current([self._message_id])[0]
        ids = [item.external_id for item in items]
        if message.deleted_at is not None:
            try:
                self._delete(items)
                return
            except Refused:
                line = "This message was deleted for the visitor."
        else:
            line = f"{speaker(message) or 'The visitor'} changed this message: {message.content}"
        post = Post(key=f"{self._batch.first.id}-0", text=line, reply_to=ids[0], silent=True)
        if not (self._batch.uncertain and self._platform.on_unanswered == "never"):
            self._target.post_line(self._batch, self._calls, post)

    def _change_ours(self, items: list[Item]) -> None:
        messages = self._joined(items)
        left = [message for message in messages if message.deleted_at is None]
        if not left:
            self._delete(items)
            return
        shown = digest(left)
        with self._target.db.read() as connection:
            if bridge_posts.shown_text(connection, self._target.name, self._message_id) == shown:
                return
        self._edit(items, left)
        with self._target.db.transaction() as tx:
            bridge_posts.note_shown(tx, self._target.name, [message.id for message in messages], shown)

    def _joined(self, items: list[Item]) -> list[Message]:
        """Return the messages that share these posts, in order."""
        with self._target.db.read() as connection:
            first = items[0]
            parts = bridge_posts.find_item(connection, self._target.name, first.channel, first.external_id)
        return self._current([part.message_id for part in parts if part.message_id is not None])

    def _edit(self, items: list[Item], messages: list[Message]) -> None:
        ids = list(dict.fromkeys(item.external_id for item in items))
        posts = [post for post in self._plan(ids, messages) if post.text]
        files = sum(len(message.attachments) for message in messages)
        # Files are posts of their own where the text was too long for a caption.
        texts = ids if not files else ids[: max(1, len(ids) - files)]
        for external_id, post in zip(texts, posts, strict=False):
            self._calls.call(lambda i=external_id, p=post: self._platform.edit(self._calls.thread, [i], p))  # type: ignore[misc]
        for index, post in enumerate(posts[len(texts) :], len(ids)):
            self._add(post, index, messages)
        surplus = texts[len(posts) :] if not files else []
        if surplus:
            self._calls.call(lambda: self._platform.delete(self._calls.thread, surplus))
            with self._target.db.transaction() as tx:
                bridge_posts.remove_items(tx, self._target.name, self._calls.thread.channel, surplus)

    def _plan(self, ids: list[str], messages: list[Message]) -> list[Post]:
        identity = hashlib.sha256(self._message_id.encode()).hexdigest()[:6]
        planned = plan(
            self._platform,
            messages,
            key=f"{self._batch.first.id}-{identity}",
            open_file=self._target.open_file,
            header=self._header(ids),
        )
        return [replace(post, files=()) for post in planned]

    def _header(self, ids: list[str]) -> str | None:
        """Return the lines about the visitor, if one of these posts shows them."""
        known, session = self._calls.known, self._batch.session()
        shows_it = known is not None and known.head_id in ids
        return self._target.header(session) if shows_it and session is not None else None

    def _add(self, post: Post, position: int, messages: list[Message]) -> None:
        posted = self._calls.call(lambda: self._platform.post(self._calls.thread, post))
        thread = self._calls.thread
        with self._target.db.transaction() as tx:
            for external_id in self._calls.keepable(posted.ids):
                for part, message in enumerate(messages):
                    bridge_posts.add_item(
                        *(tx, self._target.name, thread.channel, external_id, self._batch.subject, message.id),
                        part=part,
                        position=position,
                    )

    def _delete(self, items: list[Item]) -> None:
        ids = list(dict.fromkeys(item.external_id for item in items))
        post = Post(key=f"{self._batch.first.id}-0", text="(deleted)", silent=True, header=self._header(ids))
        try:
            if post.header is None:
                self._calls.call(lambda: self._platform.delete(self._calls.thread, ids))
            else:
                # Some threads end with their first message.
                self._calls.call(lambda: self._platform.edit(self._calls.thread, ids[:1], post))
        except Refused:
            if items[0].incoming:
                raise
            # It is too old to be deleted.
            self._calls.call(lambda: self._platform.edit(self._calls.thread, ids[:1], post))
        with self._target.db.transaction() as tx:
            bridge_posts.remove_items(tx, self._target.name, items[0].channel, ids)

    def _current(self, message_ids: list[str]) -> list[Message]:
        reader = self._batch.reader
        assert reader is not None
        return reader.messages(self._batch.subject, message_ids)
