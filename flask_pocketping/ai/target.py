"""`AITarget`: lets the AI answer when a visitor has waited for too long.

An answer is a delivery that is due later. Whatever else answers the visitor cancels it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from .. import clock
from ..chat import ai_actions, ai_answers, ai_budget, ai_turns
from ..chat.ai_budget import BudgetExhausted
from ..chat.ai_turns import OperatorTypes, Outdated, Standing
from ..db import Database, Transaction
from ..delivery.batch import Batch
from ..delivery.leases import still_held
from ..delivery.target import Outcome, Target
from ..errors import DeliveryCancelled, InvalidRequest, SessionClosed, SessionNotFound
from ..models import Delivery, table
from ..values import Cancel, Deliver, DeliveryState, Event, Message, MessageType, Session
from .answering import Answering
from .providers.protocol import ProviderError
from .schedule import BURST, Schedule
from .turn import Surroundings, Turn, Voice

logger = logging.getLogger("flask_pocketping")

deliveries = table(Delivery)

#: The longest wait in seconds that a model's server can ask for, before the visitor gets no answer.
LONGEST_WAIT = 60.0
#: Seconds until the AI looks again whether an operator is still typing.
TYPING_AGAIN = 3.0
#: The note of a delivery whose failure everybody knows of.
TOLD = "told"
#: Seconds that host functions may take beside the model.
MARGIN = 60.0


class AITarget(Target):
    """Answers visitors whom nobody else answers.

    :param answering: makes the answers.
    :param model: names the model, for its circuit breaker.
    :param around: what it needs of the app.
    """

    name = ai_actions.TARGET
    strict_order = True
    delays: Sequence[float] = (0, 2, 10, 30)

    def __init__(
        self, db: Database, answering: Answering, schedule: Schedule, voice: Voice, around: Surroundings, model: str
    ) -> None:
        self._db = db
        self._answering = answering
        self._schedule = schedule
        self._voice = voice
        self._around = around
        self._model = model[:40]
        self.timeout = answering.timeout + MARGIN

    # --- When ---

    def follow(self, event: Event, tx: Transaction) -> Iterable[Deliver | Cancel]:
        """Schedule an answer to the first unanswered message, and cancel it when somebody answers."""
        if event.type == "message.created":
            message: Message = event.payload["message"]
            if message.type == MessageType.VISITOR:
                return self._answer_later(event, tx)
            return [] if message.type == MessageType.SYSTEM else [Cancel()]
        if event.type == "session.closed":
            return [Cancel()]
        if event.type == "ai.toggled":
            session: Session = event.payload["session"]
            return self._answer_later(event, tx, woken=True) if session.ai_enabled else [Cancel()]
        return []

    def _answer_later(self, event: Event, tx: Transaction, *, woken: bool = False) -> Iterable[Deliver | Cancel]:
        standing = ai_turns.read_standing(tx.connection, event.session_id)
        if standing is None or standing.first is None or standing.last is None:
            return []
        # The row of the session is not written yet in this transaction; a visitor's message opens a closed one.
        if not (standing.permitted or woken) or self._is_scheduled(event.session_id, tx):
            return []
        now = clock.now()
        return [Deliver(ai_actions.recipient_of(event.session_id), due=max(self._next_look(standing), now))]

    def _is_scheduled(self, session_id: str, tx: Transaction) -> bool:
        mine = (deliveries.c.subject == session_id, deliveries.c.target == self.name)
        # Not one that is running: it may have read the conversation before this message.
        query = select(deliveries.c.id).where(*mine, deliveries.c.state == DeliveryState.PENDING).limit(1)
        return tx.execute(query).first() is not None

    def _next_look(self, standing: Standing) -> datetime:
        assert standing.first is not None
        assert standing.last is not None
        return self._schedule.next_look(
            standing.first, standing.last, clock.now(), active=standing.active, attended=standing.attended
        )

    # --- How ---

    def send(self, batch: Batch) -> Outcome:
        """Answer, if it is time to and nobody else has."""
        session = batch.session()
        if session is None:
            return Outcome.cancelled("The conversation is gone.")
        with self._db.read() as connection:
            standing = ai_turns.read_standing(connection, session.id)
            decided = bool(ai_actions.decided(connection, session.id))
        if standing is None or not standing.allowed:
            return Outcome.cancelled("The AI may not answer here.")
        if standing.first is None and not decided:
            return Outcome.cancelled("Nobody waits for an answer.")
        if standing.operator_types:
            return Outcome.throttled(TYPING_AGAIN, "An operator is typing.")
        if standing.first is not None and standing.last is not None:
            due = self._schedule.due(standing.first, standing.last, active=standing.active, attended=standing.attended)
            if due > (now := clock.now()):
                wait = min(due, max(self._next_look(standing), now + timedelta(milliseconds=50))) - now
                return Outcome.throttled(wait.total_seconds(), "It is not time to answer yet.")
        if not ai_budget.may_try(self._db, self._model):
            return self._fail(batch, session, "The model has failed too often, and is asked once a minute only.")
        return self._answer(batch, session, standing)

    def _answer(self, batch: Batch, session: Session, standing: Standing) -> Outcome:
        def check() -> None:
            if not batch.still_wanted():
                raise DeliveryCancelled
            with self._db.read() as connection:
                now = ai_turns.read_standing(connection, session.id)
            if now is None or not now.allowed or now.position != standing.position:
                raise Outdated

        turn = Turn(
            *(self._db, self._answering, self._voice, self._around, session, standing.position),
            reason="delay" if standing.attended else "offline",
            confirm=batch.finish,
            check=check,
            stream_id=f"ai_{batch.first.id}_{batch.attempt}",
        )
        started = time.monotonic()
        try:
            turn.make()
        except Outdated:
            # Whoever spoke: a person has cancelled this delivery, and a visitor gets one answer to all of it.
            return Outcome.throttled(BURST.total_seconds(), "Something was said meanwhile.")
        except OperatorTypes:
            return Outcome.throttled(TYPING_AGAIN, "An operator is typing.")
        except (SessionClosed, SessionNotFound):
            return Outcome.cancelled("The conversation is closed.")
        except InvalidRequest:
            # A receiver of `message_received` refused the answer.
            return self._fail(batch, session, "The app refused the AI's answer.")
        except BudgetExhausted as error:
            return self._fail(batch, session, str(error))
        except ProviderError as error:
            ai_budget.note_failure(self._db, self._model)
            return self._retry(batch, session, error)
        ai_budget.note_success(self._db, self._model)
        return Outcome.succeeded(duration_ms=round((time.monotonic() - started) * 1000))

    def _retry(self, batch: Batch, session: Session, error: ProviderError) -> Outcome:
        is_last = batch.attempt - batch.first.throttled >= len(self.delays)
        if not error.transient or is_last or (error.retry_after or 0.0) > LONGEST_WAIT:
            return self._fail(batch, session, str(error))
        return Outcome.retry(str(error), after=error.retry_after, status_code=error.status)

    def _fail(self, batch: Batch, session: Session, reason: str) -> Outcome:
        """Tell operators that there is no answer, and the visitor what the owner says."""

        def confirm(tx: Transaction) -> None:
            if not still_held(tx.connection, batch):
                raise DeliveryCancelled

        self._record_failure(session.id, session.project_id, reason, confirm)
        return Outcome.failed(reason, note=TOLD)

    def given_up(self, batch: Batch, outcome: Outcome) -> None:
        """Tell operators too if an error of ours was the reason."""
        if outcome.note == TOLD:
            return
        try:
            reason = outcome.error or "An internal error."
            self._record_failure(batch.subject, batch.first.project_id, reason, lambda tx: None)
        except SessionNotFound:
            pass

    def _record_failure(
        self, session_id: str, project_id: str, reason: str, confirm: Callable[[Transaction], None]
    ) -> None:
        logger.warning("The AI could not answer in %s: %s", session_id, reason)
        ai_turns.fail(
            self._db,
            session_id,
            reason,
            confirm=confirm,
            sentence=None if self._voice.drafts else self._voice.failure,
            stored=lambda tx: ai_answers.record(tx, project_id, session_id, "failed", reason=reason),
        )
