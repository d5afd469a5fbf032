"""`Posting` posts messages to a thread, one request after the other, and opens the thread if there is none.

It notes each step before and after its request. So a worker that goes on for a killed one knows whether a request may
have been sent, and repeats none that the platform can't recognise.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from .. import clock
from ..chat import bridge_posts, bridge_threads
from ..delivery.batch import Batch
from ..delivery.target import Outcome
from ..values import Message, MessageType, Session
from . import conversation
from .calls import ThreadCalls
from .planning import digest, plan
from .platform import Opened, Post, Posted, ThreadGone, Throttled, Unanswered
from .progress import Progress

if TYPE_CHECKING:
    from .target import BridgeTarget

#: How often a conversation gets a new thread within one attempt.
_THREADS = 2
#: Seconds after which an attempt makes no further request.
_LONG = 20.0

_MAYBE = "It may have been posted: the answer never came."


class Posting:
    """One attempt to post messages of a conversation."""

    def __init__(self, target: BridgeTarget, batch: Batch, calls: ThreadCalls) -> None:
        self._target = target
        self._platform = target.platform
        self._batch = batch
        self._calls = calls
        self._progress = Progress.read(batch.note)
        self._started = time.monotonic()
        self._messages = [message for message in batch.messages() if message.deleted_at is None]
        session = batch.session()
        self._session = session

    def run(self) -> Outcome:
        """Make the remaining requests.

        :raises PlatformError: if one failed, after the progress is noted.
        """
        if self._session is None or not self._messages:
            return Outcome.cancelled("The message was deleted before it was posted.")
        if not self._progress.begun and not self._batch.still_wanted():
            return Outcome.cancelled("It is not wanted any more.")
        for _ in range(_THREADS):
            try:
                self._post_all(self._session)
                break
            except ThreadGone:
                self._calls.forget()
                self._progress = Progress(maybe=self._progress.maybe)
        else:
            return Outcome.failed("The thread is gone, and so is the one that was opened instead.")
        calls = max(1, self._calls.calls)
        if self._progress.maybe:
            return Outcome.maybe(self._progress.maybe, calls=calls)
        return Outcome.succeeded(calls=calls)

    def _post_all(self, session: Session) -> None:
        header = self._open(session) if self._calls.known is None else self._missing_header(session)
        posts = self._plan(header)
        progress = self._progress
        if progress.calling and progress.step >= 0 and self._batch.uncertain:
            self._resolve(posts)
        while progress.step < len(posts):
            if time.monotonic() - self._started > _LONG:
                # The next attempt goes on here.
                raise Throttled(0.1, everywhere=False)
            self._post(posts[progress.step])
        self._finish()

    # --- The thread

    def _open(self, session: Session) -> str | None:
        """Open a thread.

        :return: the header, if the thread does not show it yet.
        """
        title = conversation.title_of(session, self._platform.max_title)
        header = self._header(session)
        first = self._plan(None)[0]
        again = self._progress.calling and self._progress.step == -1 and self._batch.uncertain
        self._progress = Progress(-1, True, maybe=self._progress.maybe)
        self._batch.save(self._progress.note())
        opened: Opened | None = None
        if again and self._platform.on_unanswered == "find":
            opened = self._calls.call(lambda: self._platform.find_thread(title, first))
        if opened is None:
            opened = self._calls.call(lambda: self._platform.open_thread(title, header, first))
        self._calls.calls += opened.calls - 1
        self._calls.keep(opened.thread)
        self._progress = Progress(maybe=self._progress.maybe)
        with self._target.db.transaction() as tx:
            if opened.has_header:
                head = next(iter(self._calls.keepable(opened.ids)), opened.thread.id)
                bridge_threads.change_thread(tx, self._target.name, session.id, head_id=head)
            self._batch.save(self._progress.note(), tx)
        if opened.ids:
            self._note_posted(Posted(opened.ids), first)
        return None if opened.has_header else header

    def _missing_header(self, session: Session) -> str | None:
        """Return the header for a thread whose first post was never made."""
        known = self._calls.known
        return None if known is not None and known.head_id is not None else self._header(session)

    def _header(self, session: Session) -> str:
        """Return the lines about the visitor, and those that repeat what was said before."""
        earlier = self._target.earlier(session.id, self._messages[0].seq)
        return "\n\n".join(part for part in (self._target.header(session), earlier) if part)

    # --- The posts

    def _plan(self, header: str | None) -> list[Post]:
        first = self._messages[0]
        replied, quoted = self._reply(first)
        identity = hashlib.sha256(first.id.encode()).hexdigest()[:6]
        return plan(
            self._platform,
            self._messages,
            key=f"{self._batch.first.id}-{identity}",
            open_file=self._target.open_file,
            header=header,
            lead=self._claim_line(first),
            reply_to=replied,
            quoted=quoted,
        )

    def _reply(self, message: Message) -> tuple[str | None, Message | None]:
        if message.reply_to is None:
            return None, None
        known = self._calls.known
        with self._target.db.read() as connection:
            found = bridge_posts.items_of(connection, self._target.name, message.reply_to)
        here = [item.external_id for item in found if known is not None and item.channel == known.channel]
        reader = self._batch.reader
        quoted = reader.messages(self._batch.subject, [message.reply_to]) if reader is not None else []
        return (here[0] if here else None), (quoted[0] if quoted else None)

    def _claim_line(self, first: Message) -> str | None:
        """Return the line that tells who has the conversation, before the claimant's first answer."""
        known = self._calls.known
        if known is None or known.claim_shown or first.type != MessageType.OPERATOR or not known.claimed_by:
            return None
        return f"{known.claimed_by} has this conversation." if known.claimed_by == first.operator_name else None

    def _post(self, post: Post) -> None:
        progress = self._progress
        if not progress.calling:
            progress.calling = True
            progress.called_at = clock.now().timestamp()
        self._batch.save(progress.note())
        try:
            posted = self._calls.call(lambda: self._platform.post(self._calls.thread, post))
        except Unanswered:
            if self._platform.on_unanswered == "never":
                self._skip()
                return
            raise
        except Exception:
            # It was certainly not posted.
            progress.calling = False
            self._batch.save(progress.note())
            raise
        self._calls.calls += posted.calls - 1
        self._note_posted(posted, post)

    def _resolve(self, posts: list[Post]) -> None:
        """Decide about a post whose request may have been sent by an earlier attempt."""
        progress = self._progress
        if progress.step >= len(posts):
            return
        age = clock.now().timestamp() - progress.called_at
        if self._platform.on_unanswered == "never":
            self._skip()
        elif self._platform.on_unanswered == "find" or age > self._platform.repeatable_for:
            post = posts[progress.step]
            found = self._calls.call(lambda: self._platform.find(self._calls.thread, post))
            if found is not None and not self._is_known(found):
                self._note_posted(found, post)

    def _is_known(self, posted: Posted) -> bool:
        """Return whether something belongs to another message, which may have the same text."""
        name, channel = self._target.name, self._calls.thread.channel
        with self._target.db.read() as connection:
            ids = self._calls.keepable(posted.ids)
            return any(bridge_posts.find_item(connection, name, channel, found) for found in ids)

    def _skip(self) -> None:
        progress = self._progress
        progress.maybe = _MAYBE
        progress.step += 1
        progress.calling = False
        self._batch.save(progress.note())

    def _note_posted(self, posted: Posted, post: Post) -> None:
        """Record the messages of the platform with the progress, in one transaction."""
        progress, known = self._progress, self._calls.known
        assert known is not None
        name, position = self._target.name, len(progress.ids)
        ids = self._calls.keepable(posted.ids)
        progress.step += 1
        progress.calling = False
        progress.ids += ids
        with self._target.db.transaction() as tx:
            for offset, external_id in enumerate(ids):
                for part, message in enumerate(self._messages):
                    bridge_posts.add_item(
                        *(tx, name, known.channel, external_id, known.session_id, message.id),
                        part=part,
                        position=position + offset,
                    )
            if post.header and posted.ids:
                head = next(iter(ids), known.thread_id)
                bridge_threads.change_thread(tx, name, known.session_id, head_id=head)
            self._batch.save(progress.note(), tx)

    def _finish(self) -> None:
        known, ids = self._calls.known, [message.id for message in self._messages]
        assert known is not None
        shown = {"claim_shown": True} if self._claim_line(self._messages[0]) else {}
        with self._target.db.transaction() as tx:
            bridge_threads.touch(tx, known, **shown)
            bridge_posts.note_shown(tx, self._target.name, ids, digest(self._messages))
