"""The hub: who in this process wants which events, and handing each event to them, encoded once a form."""

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

#: Makes what a subscriber gets of an event (with the cursor behind it), or nothing if it is not for this form.
Encoder = Callable[[Event, int], Any]

_NOT_MADE = object()


class Topic(NamedTuple):
    """What a subscriber listens to: a whole project, or one session."""

    kind: str
    id: str


class Subscriber(Protocol):
    """A connection, as the hub sees it."""

    @property
    def encoder(self) -> Encoder: ...

    def offer(self, encoded: Any) -> None:
        """Take something to send. Called with the hub's lock held, so it must not wait."""


class Hub:
    """Feeds the subscribers of one process from the log.

    Events reach it only in the order in which the log shows them, so each subscriber gets the events of a
    session in the order of their `seq`, whatever process wrote them.

    :param poll: seconds between looks for what other processes wrote.
    :param tick: called at least as often, while anybody is subscribed.
    """

    def __init__(self, db: Database, bus: Bus, *, poll: float, tick: Callable[[], None] = lambda: None) -> None:
        self._db = db
        self._bus = bus
        self._poll = poll
        self._tick = tick
        self._position = Position()
        #: When the log was last read to its end, by the monotonic clock.
        self._read_at = -GAP_WAIT
        self._gaps = Gaps()
        self._forget()
        begin_anew_after_fork(self, Hub._forget)

    def _forget(self) -> None:
        """Begin with no thread and nobody who listens."""
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._subscribers: dict[Topic, list[Subscriber]] = defaultdict(list)
        self._inbox: list[Event] = []
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._look = False

    def subscribe(self, topic: Topic, subscriber: Subscriber) -> Snapshot:
        """Hand events to a subscriber from now on.

        :return: what it will not be handed, since the hub is past it: the log up to `newest`, but for `gaps`.
        """
        with self._lock:
            if self._thread is None:
                self._start()
            self._subscribers[topic].append(subscriber)
            return self._position.snapshot()

    def join(self, topic: Topic, subscriber: Subscriber) -> None:
        """Have a subscriber hear what is whispered on one more topic."""
        with self._lock:
            self._subscribers[topic].append(subscriber)

    def unsubscribe(self, topic: Topic, subscriber: Subscriber) -> None:
        with self._lock:
            self._subscribers[topic].remove(subscriber)
            if not self._subscribers[topic]:
                del self._subscribers[topic]

    def count(self, topic: Topic) -> int:
        """How many subscribers a topic has in this process."""
        with self._lock:
            return len(self._subscribers.get(topic, ()))

    def notice(self, written: list[Event]) -> None:
        """Deliver events that this process has committed.

        What follows the newest goes out at once, in the thread that wrote it: handing it over would cost more than the
        few sends that there usually are. The rest is the tail's.
        """
        with self._lock:
            if self._thread is None:
                return
            if self._inbox or self._deliver_in_order(written):
                self._inbox.extend(written)
                self._wake.set()
            elif not self._subscribers:
                # Nobody listens any more, so the tail can end.
                self._wake.set()

    def wake(self) -> None:
        """Another process has committed something."""
        self._look = True
        self._wake.set()

    def broadcast(
        self, topics: list[Topic], encode: Callable[[Encoder], Any], *, exclude: Subscriber | None = None
    ) -> None:
        """Hand something to the subscribers of topics that is in no log.

        :param encode: makes it for each form; nothing is sent where it returns nothing.
        :param exclude: the subscriber that sent it.
        """
        with self._lock:
            made: dict[Hashable, Any] = {}
            for topic in topics:
                self._hand_out(topic, made, encode, exclude)

    def replay(self, topic: Topic, after: int, until: Snapshot, *, page: int = 100) -> Iterator[tuple[Event, int]]:
        """What the log has behind a cursor, up to where `subscribe` began: events with the cursor of each.

        :param after: for a project a cursor that the hub gave, for a session a seq.
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

        :return: up to where `replay` has everything, and which ids below that may still appear.
        """
        with self._lock:
            # What was read a while ago knows nothing of the transactions that were open since.
            if self._thread is None and time.monotonic() - self._read_at >= GAP_WAIT:
                self._begin()
        self._catch_up()
        with self._lock:
            return self._position.snapshot()

    def close(self, timeout: float = 5.0) -> None:
        """End the tail."""
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
        """Begin at the end of the log. What is missing among the newest ids may be on its way."""
        page = 1000
        query = select(events.c.id, events.c.created_at).order_by(events.c.id.desc()).limit(page)
        with self._db.read() as connection:
            rows = connection.execute(query).all()
            missing: dict[int, float] = {}
            beginning = rows[-1].id if len(rows) == page else 0
            for row, below in zip(rows, [*(row.id for row in rows[1:]), beginning], strict=False):
                # Whoever has an id below this one had it before this one was written.
                age = max(0.0, (clock.now() - row.created_at).total_seconds())
                missing |= dict.fromkeys(range(max(below + 1, row.id - page), row.id), age)
            self._position.start(rows[0].id if rows else 0, missing)
            self._gaps = Gaps()
            hopeless = set(self._gaps.hopeless(connection, missing))
            if hopeless:
                # What was committed since the first look is news; the tail finds it.
                there = connection.execute(select(events.c.id).where(events.c.id.in_(hopeless))).scalars()
                self._position.give_up(hopeless.difference(there))
        self._read_at = time.monotonic()

    def _tail(self) -> None:
        while True:
            look = not self._wake.wait(self._poll)
            self._wake.clear()
            with self._lock:
                if self._stopping or not self._subscribers:
                    self._thread = None
                    return
                look, self._look = look or self._look, False
                inbox, self._inbox = self._inbox, []
                look |= self._deliver_in_order(inbox)
            try:
                if look:
                    self._catch_up()
                self._tick()
            except Exception:
                logger.exception("The log could not be read for live updates; trying again.")
                self._wake.wait(self._poll)

    def _deliver_in_order(self, inbox: list[Event]) -> bool:
        """Deliver what follows the newest without a gap; tell whether anything is left to look up."""
        for event in sorted(inbox, key=lambda event: event.id):
            if self._position.is_next(event.id):
                self._deliver(event)
            elif self._position.is_new(event.id):
                return True
        return False

    def _catch_up(self) -> None:
        """Deliver what the log has and nobody has seen. The tail does this, and requests that poll, at the same time:
        each event is delivered by the first of them, and each of them has read all that came before it."""
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
                # Where the page is full, some of them may be on the next.
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
        """Hand something to the subscribers of a topic, made once for each form.

        :param made: what was made already.
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
                logger.exception("A live update could not be handed over.")
