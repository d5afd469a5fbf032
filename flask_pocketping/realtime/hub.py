"""The hub of a process: it passes each event to its subscribers, encoded once per format."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple, Protocol

from sqlalchemy import or_, select

from .. import clock
from ..chat.log import events, read_events
from ..db import Database
from ..host.forks import begin_anew_after_fork
from ..values import Event
from .bus import Bus
from .log_gaps import Gaps
from .log_position import GAP_WAIT, LONGEST_WAIT, Position, Snapshot

logger = logging.getLogger("flask_pocketping")

#: Encodes an event, with the cursor after it, for a subscriber. It returns `None` if the event is not for this format.
Encoder = Callable[[Event, int], Any]

_NOT_MADE = object()


class Topic(NamedTuple):
    """A project, a session, or all visitors of a project."""

    kind: str
    id: str


class Subscriber(Protocol):
    """What the hub needs of a connection."""

    @property
    def encoder(self) -> Encoder: ...

    def offer(self, encoded: Any) -> None:
        """Take an encoded event or announcement to send. The hub holds its lock, so this must not block."""


class Hub:
    """Passes the events of the log to the subscribers of one process.

    It delivers events in the order of the log. So each subscriber gets the events of a session in the order of their
    `seq`, even if several processes wrote them.

    :param poll: seconds between reads of the log for events of other processes.
    :param tick: called at least that often while there are subscribers.
    """

    def __init__(self, db: Database, bus: Bus, *, poll: float, tick: Callable[[], None] = lambda: None) -> None:
        self._db = db
        self._bus = bus
        self._poll = poll
        self._tick = tick
        self._position = Position()
        #: The monotonic time of the last read to the end of the log.
        self._read_at = -GAP_WAIT
        self._gaps = Gaps()
        self._forget()
        begin_anew_after_fork(self, Hub._forget)

    def _forget(self) -> None:
        """Start without a thread and without subscribers."""
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._subscribers: dict[Topic, list[Subscriber]] = defaultdict(list)
        self._inbox: list[Event] = []
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._poll_now = False

    def subscribe(self, topic: Topic, subscriber: Subscriber) -> Snapshot:
        """Pass the events of a topic to a subscriber from now on.

        :return: the part of the log that the subscriber does not get: up to `newest`, except `gaps`.
        """
        with self._lock:
            if self._thread is None:
                self._start()
            self._subscribers[topic].append(subscriber)
            return self._position.snapshot()

    def join(self, topic: Topic, subscriber: Subscriber) -> None:
        """Pass the announcements of another topic to a subscriber."""
        with self._lock:
            self._subscribers[topic].append(subscriber)

    def unsubscribe(self, topic: Topic, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers[topic].remove(subscriber)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    def count(self, topic: Topic) -> int:
        """Return how many subscribers a topic has in this process."""
        with self._lock:
            return len(self._subscribers.get(topic, ()))

    def notice(self, written: list[Event]) -> None:
        """Deliver events that this process has committed.

        If they directly follow the newest event, this delivers them in the calling thread, because passing them to
        another thread would cost more than the few sends. Else, the hub's thread delivers them.
        """
        with self._lock:
            if self._thread is None:
                return
            if self._inbox or self._deliver_in_order(written):
                self._inbox.extend(written)
                self._wake.set()
            elif not self._subscribers:
                # There are no subscribers, so the hub's thread can end.
                self._wake.set()

    def wake(self) -> None:
        """Read the log soon, because another process has committed an event."""
        self._poll_now = True
        self._wake.set()

    def broadcast(
        self, topics: list[Topic], encode: Callable[[Encoder], Any], *, exclude: Subscriber | None = None
    ) -> None:
        """Pass an announcement, which is not in the log, to the subscribers of topics.

        :param encode: returns the announcement in the format of an encoder, or `None` to send nothing.
        :param exclude: a subscriber that does not get it.
        """
        with self._lock:
            made: dict[Hashable, Any] = {}
            for topic in topics:
                self._hand_out(topic, made, encode, exclude)

    def replay(self, topic: Topic, after: int, until: Snapshot, *, page: int = 100) -> Iterator[tuple[Event, int]]:
        """Read the events of a topic between a cursor and the start of a subscription, with the cursor after each.

        :param after: a cursor of the hub for a project, or a `seq` for a session.
        :param until: the result of `subscribe` or `snapshot`.
        :param page: how many events each query reads.
        """
        of_project = topic.kind == "project"
        mine = (events.c.project_id if of_project else events.c.session_id) == topic.id
        order = events.c.id if of_project else events.c.seq
        while True:
            query = select(events).where(mine, order > after, events.c.id <= until.newest).order_by(order).limit(page)
            with self._db.read() as connection:
                found = read_events(connection, query)
            for event in found:
                if event.id not in until.gaps:
                    yield event, min(event.id, until.cursor)
            if len(found) < page:
                return
            after = found[-1].id if of_project else found[-1].seq

    def snapshot(self) -> Snapshot:
        """Read the log to its end, for a caller that polls instead of subscribing.

        :return: the newest event that `replay` can return, and the missing ids below it.
        """
        with self._lock:
            # An old position does not include the transactions that have started since then.
            if self._thread is None and time.monotonic() - self._read_at >= GAP_WAIT:
                self._begin()
        self._catch_up()
        with self._lock:
            return self._position.snapshot()

    def close(self, timeout: float = 5.0) -> None:
        """End the hub's thread.

        :param timeout: seconds to wait for it.
        """
        with self._lock:
            thread = self._thread
            self._stopping = True
            self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _start(self) -> None:
        self._begin()
        self._inbox = []
        self._stopping = False
        self._bus.listen()
        self._thread = threading.Thread(target=self._tail, name="pocketping-tail", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        """Start at the end of the log. Open transactions may still commit ids that are missing among the newest."""
        page = 1000
        query = select(events.c.id, events.c.created_at).order_by(events.c.id.desc()).limit(page)
        with self._db.read() as connection:
            rows = connection.execute(query).all()
            missing: dict[int, float] = {}
            beginning = rows[-1].id if len(rows) == page else 0
            for row, below in zip(rows, [*(row.id for row in rows[1:]), beginning], strict=False):
                # A transaction with an id below this one took it before this row was written.
                age = max(0.0, (clock.now() - row.created_at).total_seconds())
                missing |= dict.fromkeys(range(max(below + 1, row.id - page), row.id), age)
            self._position.start(rows[0].id if rows else 0, missing)
            self._gaps = Gaps()
            hopeless = set(self._gaps.hopeless(connection, missing))
            if hopeless:
                # Ids that were committed since the query above are new events. The hub's thread delivers them.
                there = connection.execute(select(events.c.id).where(events.c.id.in_(hopeless))).scalars()
                self._position.give_up(hopeless.difference(there))
        self._read_at = time.monotonic()

    def _tail(self) -> None:
        while True:
            poll_now = not self._wake.wait(self._poll)
            self._wake.clear()
            with self._lock:
                if self._stopping or not self._subscribers:
                    self._thread = None
                    return
                poll_now, self._poll_now = poll_now or self._poll_now, False
                inbox, self._inbox = self._inbox, []
                poll_now |= self._deliver_in_order(inbox)
            try:
                if poll_now:
                    self._catch_up()
                self._tick()
            except Exception:
                logger.exception("The log could not be read for live updates. Trying again.")
                self._wake.wait(self._poll)

    def _deliver_in_order(self, inbox: list[Event]) -> bool:
        """Deliver events that follow the newest one without a gap.

        :return: whether there are other events, for which the log has to be read.
        """
        for event in sorted(inbox, key=lambda event: event.id):
            if self._position.is_next(event.id):
                self._deliver(event)
            elif self._position.is_new(event.id):
                return True
        return False

    def _catch_up(self) -> None:
        """Read the log to its end and deliver new events.

        The hub's thread and polling requests may do this at the same time. The first that reads an event delivers it,
        after all earlier ones.
        """
        page = 1000
        found: list[Event] = []
        started_at = time.monotonic()
        while not found or len(found) >= page:
            with self._lock:
                missing = self._position.missing(LONGEST_WAIT if self._gaps.exact else None)
                newest, waiting = self._position.newest, self._position.waiting()
            wanted = or_(events.c.id > newest, events.c.id.in_(missing))
            query = select(events).where(wanted).order_by(events.c.id).limit(page)
            with self._db.read() as connection:
                hopeless = self._gaps.hopeless(connection, waiting)
                found = read_events(connection, query)
            with self._lock:
                for event in found:
                    self._deliver(event)
                # If the page is full, the next one may have some of these ids.
                if len(found) < page:
                    self._position.give_up(hopeless)
                self._read_at = started_at
            if not found:
                return

    def _deliver(self, event: Event) -> None:
        if not self._position.see(event.id):
            return
        cursor = min(event.id, self._position.cursor)
        made: dict[Hashable, Any] = {}
        for topic in (Topic("project", event.project_id), Topic("session", event.session_id)):
            self._hand_out(topic, made, lambda encoder: encoder(event, cursor))

    def _hand_out(
        self,
        topic: Topic,
        made: dict[Hashable, Any],
        encode: Callable[[Encoder], Any],
        exclude: Subscriber | None = None,
    ) -> None:
        """Pass an event or announcement to the subscribers of a topic, encoded once per format.

        :param made: the results of encoding so far.
        """
        for subscriber in self._subscribers.get(topic, ()):
            try:
                encoder = subscriber.encoder
                encoded = made.get(encoder, _NOT_MADE)
                if encoded is _NOT_MADE:
                    encoded = made[encoder] = encode(encoder)
                if encoded is not None and subscriber is not exclude:
                    subscriber.offer(encoded)
            except Exception:
                logger.exception("A live update could not be passed to a connection.")
