"""`BridgeTarget`, the target of a chat platform: what of a conversation is posted to its thread, and how it goes on
after failures.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..chat import bridge_posts, bridge_state, bridge_threads, messages
from ..chat.bridge_posts import IN, OUT
from ..chat.projects import get_project, is_switched_on
from ..db import Database, Transaction
from ..delivery.batch import Batch, Job
from ..delivery.target import Outcome, Pace, Target
from ..errors import DeliveryCancelled
from ..models import DEFAULT_PROJECT
from ..values import Deliver, Event, Message, MessageType, PostState, Session, SessionStatus
from . import conversation
from .calls import ThreadCalls
from .lines import add_line
from .planning import Opener
from .platform import (
    Platform,
    PlatformError,
    Post,
    Refused,
    Thread,
    ThreadGone,
    Throttled,
    Unanswered,
    Unreachable,
)
from .posting import Posting
from .rewriting import Rewriting

logger = logging.getLogger("flask_pocketping")

#: Seconds between attempts grow up to this while the platform can't be reached, for so many attempts: two days.
LONGEST_DELAY = 30.0
ATTEMPTS = 5760
#: Attempts to take in what came in, if errors of ours or of the host's prevent it: two and a half minutes.
INTERNAL_ATTEMPTS = 10
#: Seconds for which the bridge counts as working after a success, so that failures are those of one thread.
WORKS_FOR = 60.0
#: Messages whose posts only edits, closings and the like follow.
_TO_THREAD = {"message.updated", "message.deleted", "session.closed", "session.reopened"}
_LINES = {"visitor.identified", "event.received", "csat.submitted"}
_DO_INSTEAD = "Send it again, or answer in the inbox."
_PRESENCE = {"visitor.connected": "The visitor is online.", "visitor.disconnected": "The visitor left."}


class BridgeTarget(Target):
    """Posts conversations to the threads of a platform.

    :param platform: makes the calls.
    :param work: does the work of deliveries to the chat, which came in from the platform.
    :param open_file: opens the bytes of an attachment.
    :param context: returns what the host app says of a visitor.
    :param announce: told the ids of a conversation and its messages whose state here has changed.
    :param give_notice: called with the id of a conversation and a sentence for operators about its trouble here.
    """

    strict_order = True
    batch_size = 50
    at_once = 8
    timeout = 60.0

    def __init__(
        self,
        db: Database,
        platform: Platform,
        *,
        work: Callable[[Batch], Outcome],
        open_file: Opener,
        context: Callable[[Session], Sequence[Mapping[str, Any]]] = lambda session: (),
        announce: Callable[[str, Sequence[str]], None] = lambda session_id, message_ids: None,
        give_notice: Callable[[str, str], None] = lambda session_id, notice: None,
    ) -> None:
        self.name = platform.name
        self.db = db
        self.platform = platform
        self.open_file = open_file
        self.configured = platform.channel
        self._work = work
        self._context = context
        self._announce = announce
        self._give_notice = give_notice
        self._worked_at = -WORKS_FOR
        self._channel_known = False

    # --- What follows from an event

    def follow(self, event: Event, tx: Transaction) -> Iterable[Deliver]:
        """Return the delivery of an event that the thread shows."""
        if event.type == "message.created":
            return self._follow_message(event, tx)
        if event.type == "session.closed":
            bridge_threads.release_claim(tx, event.session_id)
        shown = event.type in _TO_THREAD or event.type in _LINES
        if event.type in _PRESENCE:
            shown = is_switched_on(tx.connection, event.project_id, f"{self.name}NotifyPresence")
        return [Deliver(OUT)] if shown and self._has_thread(tx, event.session_id) else []

    def _follow_message(self, event: Event, tx: Transaction) -> Iterable[Deliver]:
        message: Message = event.payload["message"]
        # Closing and reopening are events of their own.
        if message.kind is not None:
            return []
        # The visitor's first message opens the thread.
        if message.type != MessageType.VISITOR and not self._has_thread(tx, event.session_id):
            return []
        if message.type == MessageType.OPERATOR and message.operator_name:
            bridge_threads.claim(tx, event.session_id, message.operator_name)
        bridge_posts.note_queued(tx, self.name, event.session_id, message.id, event.id)
        return [Deliver(OUT)]

    def _has_thread(self, tx: Transaction, session_id: str) -> bool:
        """Return whether the conversation has a thread, or will have one."""
        found = bridge_threads.thread_of(tx.connection, self.name, session_id)
        return found is not None or bridge_posts.has_open(tx.connection, self.name, session_id)

    # --- Joining, pace and retries

    def joins(self, earlier: Job, later: Job) -> bool:
        """Return whether two messages of a visitor may be one post, or two parts of an album one message."""
        if earlier.target_id == IN:
            groups = [json.loads(job.payload or "{}").get("group") for job in (earlier, later)]
            return groups[0] is not None and groups[0] == groups[1]
        return all(map(_is_plain, (earlier, later)))

    def paces(self, target_id: str) -> Sequence[Pace]:
        """Return the rate limits of the channel. What comes in has none."""
        return self.platform.paces(None) if target_id == OUT else ()

    def next_delay(self, attempts: int, retry_after: float | None) -> float | None:
        """Return the seconds until the next attempt: soon at first, then every half minute for two days."""
        if attempts >= ATTEMPTS:
            return None
        return max(min(LONGEST_DELAY, 0.5 * 2.0 ** min(attempts, 10)), retry_after or 0.0)

    # --- Delivering

    def send(self, batch: Batch) -> Outcome:
        """Post one event, or several joined messages of a visitor; or store what came in."""
        if batch.target_id == IN:
            return self._take_in(batch)
        self._find_channel()
        calls = ThreadCalls(self.db, self.platform, batch.subject, self.configured)
        started = time.monotonic()
        try:
            outcome = self._post(batch, calls)
            self._worked_at = time.monotonic()
            if calls.reopened:
                self._close_again(batch, calls)
        except PlatformError as error:
            outcome = self._outcome_of(error, batch, calls)
        return outcome.timed(round((time.monotonic() - started) * 1000))

    def _take_in(self, batch: Batch) -> Outcome:
        try:
            return self._work(batch)
        except DeliveryCancelled:
            raise
        except Exception as error:
            if batch.attempt - batch.first.throttled < INTERNAL_ATTEMPTS:
                raise
            # What comes after it has waited long enough.
            logger.exception("What came in from %s with delivery %s is set aside.", self.name, batch.first.id)
            return Outcome.failed(f"Internal fault: {type(error).__name__}")

    def _post(self, batch: Batch, calls: ThreadCalls) -> Outcome:
        event = batch.first.event
        if event is not None and event.type == "message.created":
            return Posting(self, batch, calls).run()
        if calls.known is None:
            return Outcome.cancelled("The conversation has no thread.")
        if event is None:
            self._post_line(batch, calls, **json.loads(batch.first.payload or "{}"))
        elif event.type in {"message.updated", "message.deleted"}:
            Rewriting(self, batch, calls).run()
        elif event.type in {"session.closed", "session.reopened"}:
            self._show_state(batch, calls, closed=event.type == "session.closed")
        else:
            text = self._line_of(event, batch.session())
            self._post_line(batch, calls, line=text)
        return Outcome.succeeded(calls=max(1, calls.calls))

    def _post_line(self, batch: Batch, calls: ThreadCalls, line: str, reply_to: str | None = None) -> None:
        post = Post(key=f"{batch.first.id}-0", text=line, reply_to=reply_to, silent=True)
        if batch.uncertain and self.platform.on_unanswered == "never":
            # It may be there, and nobody misses it much if it is not.
            return
        self.post_line(batch, calls, post)

    def post_line(self, batch: Batch, calls: ThreadCalls, post: Post) -> None:
        """Make a post of the bridge itself, unless an earlier attempt has made it."""
        looks = batch.uncertain and self.platform.on_unanswered == "find"
        if looks and calls.call(lambda: self.platform.find(calls.thread, post)) is not None:
            return
        calls.call(lambda: self.platform.post(calls.thread, post))

    def _show_state(self, batch: Batch, calls: ThreadCalls, *, closed: bool) -> None:
        try:
            calls.call(lambda: (self.platform.close if closed else self.platform.reopen)(calls.thread))
        except (ThreadGone, Refused) as error:
            # It is shown with the next post, if there is one.
            logger.info("The thread of %s on %s can't show that: %s", batch.subject, self.name, error)
        with self.db.transaction() as tx:
            bridge_threads.change_thread(tx, self.name, batch.subject, state="closed" if closed else "open")

    def _close_again(self, batch: Batch, calls: ThreadCalls) -> None:
        """Close the thread of a closed conversation after something was added, such as a rating."""
        session = batch.session()
        if session is None or session.status != SessionStatus.CLOSED:
            return
        try:
            self.platform.close(calls.thread)
        except PlatformError as error:
            logger.info("The thread of %s on %s stays open: %s", batch.subject, self.name, error)

    def _line_of(self, event: Event, session: Session | None) -> str:
        payload = event.payload
        if event.type == "visitor.identified" and session is not None:
            return conversation.identity_line(session)
        if event.type == "event.received":
            return conversation.event_line(payload["name"], payload["data"])
        if event.type == "csat.submitted":
            return conversation.rating_line(payload["score"], payload.get("comment"))
        return _PRESENCE.get(event.type, event.type)

    def _outcome_of(self, error: PlatformError, batch: Batch, calls: ThreadCalls) -> Outcome:
        more: dict[str, Any] = {"calls": max(1, calls.calls)}
        if isinstance(error, Throttled):
            holds = tuple(pace.key for pace in self.paces(OUT)) if error.everywhere else ()
            # What was begun must go on with the same messages.
            return Outcome.throttled(error.after, str(error), holds=holds, unknown=_begun(batch), **more)
        if isinstance(error, Unanswered):
            return Outcome.retry(str(error), unknown=True, **more)
        if isinstance(error, Unreachable):
            return self._unreachable(error, batch, more)
        return Outcome.failed(str(error), **more)

    def _unreachable(self, error: Unreachable, batch: Batch, more: Mapping[str, Any]) -> Outcome:
        works = time.monotonic() - self._worked_at < WORKS_FOR
        tries = batch.attempt - batch.first.throttled
        holds: tuple[str, ...] = ()
        after = None
        if not works and tries > 1:
            # No thread gets through, so that all of them wait, and only one of them tries.
            after = self.next_delay(tries, None)
            holds = tuple(pace.key for pace in self.paces(OUT))
        return Outcome.retry(str(error), after=after, holds=holds, unknown=_begun(batch), **more)

    def _find_channel(self) -> None:
        if not self._channel_known:
            self.platform.channel = bridge_state.current_channel(self.db, self.name, self.configured)
            self._channel_known = True

    # --- Afterwards

    def settle(self, tx: Transaction, batch: Batch, outcome: Outcome) -> Callable[[], None] | None:
        """Record what became of messages."""
        ids = _message_ids(batch)
        if not ids:
            return None
        if outcome.obsolete is not None:
            bridge_posts.drop(tx, self.name, ids)
        elif outcome.ok:
            bridge_posts.set_state(tx, self.name, ids, PostState.SENT)
        elif outcome.give_up is not None:
            state = PostState.MAYBE if outcome.unknown else PostState.FAILED
            bridge_posts.set_state(tx, self.name, ids, state, outcome.error)
        else:
            bridge_posts.set_state(tx, self.name, ids, PostState.QUEUED, outcome.error)
        return lambda: self._announce(batch.subject, ids)

    def given_up(self, batch: Batch, outcome: Outcome) -> None:
        """Tell operators elsewhere that a message is not here, or that one from here did not arrive."""
        label = self.platform.label
        if batch.target_id == IN:
            self._tell_not_taken_in(batch, outcome)
            return
        ids = _message_ids(batch)
        if not ids or (outcome.give_up is not None and outcome.unknown):
            return
        if outcome.give_up is None:
            with self.db.transaction() as tx:
                bridge_posts.set_state(tx, self.name, ids, PostState.FAILED, outcome.error)
            self._announce(batch.subject, ids)
        self._give_notice(batch.subject, f"A message was not posted to {label}: {outcome.error}")

    def _tell_not_taken_in(self, batch: Batch, outcome: Outcome) -> None:
        """Tell operators, in the thread and elsewhere, that what they wrote there did not reach the visitor."""
        payload = json.loads(batch.first.payload or "{}")
        what = {"edit": "edit", "delete": "deletion"}.get(payload.get("kind"), "message")
        article = "An" if what == "edit" else "A"
        notice = f"did not reach the visitor: {outcome.error}"
        self._give_notice(batch.subject, f"{article} {what} from {self.platform.label} {notice}")
        line = f"Your {what} {notice}\n{_DO_INSTEAD}"
        answered = payload.get("message", payload).get("id")
        with self.db.transaction() as tx:
            add_line(tx, batch.first.project_id, self.name, batch.subject, line, answered)

    # --- For `posting.py`

    def header(self, session: Session) -> str:
        """Return the lines about a visitor."""
        try:
            facts = self._context(session)
        except Exception:
            logger.exception("The host's facts about %s could not be loaded for the bridge %s.", session.id, self.name)
            facts = ()
        project = None
        if session.project_id != DEFAULT_PROJECT:
            project = get_project(self.db, session.project_id).name
        return conversation.header_of(session, facts, project)

    def earlier(self, session_id: str, before: int) -> str:
        """Return the lines that repeat the messages before a number, for a thread in place of one that is gone."""
        page = messages.list_messages(self.db, session_id, before=before, limit=2 * conversation.TRANSCRIPT)
        return conversation.transcript_of(page.messages)

    def show_typing(self, session_id: str) -> None:
        """Show in the thread that the visitor is typing, if it is easily done."""
        with self.db.read() as connection:
            known = bridge_threads.thread_of(connection, self.name, session_id)
        if known is not None and known.state == "open":
            self.platform.typing(Thread(known.channel, known.thread_id))


def _is_plain(job: Job) -> bool:
    """Return whether a delivery is a message of a visitor without files and without a reply."""
    if job.event is None or job.event.type != "message.created":
        return False
    message = json.loads(job.event.data)["message"]
    return message["type"] == MessageType.VISITOR and not message.get("attachments") and not message.get("replyTo")


def _message_ids(batch: Batch) -> list[str]:
    """Return the ids of the messages that a batch posts."""
    created = [event for event in batch.events if event.type == "message.created"]
    return [json.loads(event.data)["message"]["id"] for event in created]


def _begun(batch: Batch) -> bool:
    from .progress import Progress

    return Progress.read(batch.note).begun
