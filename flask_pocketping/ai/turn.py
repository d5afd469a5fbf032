"""One turn of the AI in a conversation: reads it, makes an answer, and stores what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from .. import clock
from ..chat import ai_actions, ai_answers, ai_drafts, ai_turns
from ..chat.ai_turns import Confirm, Position
from ..chat.messages import list_messages
from ..db import Database, Transaction
from ..values import AIAction, Message, MessageDraft, MessageType, Session
from .answering import PASSAGES, Answering, Result, Watch
from .budgets import Budget, Limits
from .consent import ask_for_yes, says_yes
from .grounding import FoundPassage, search
from .prompt import OpenFile, View, conversation, system_text
from .providers.protocol import UserTurn
from .tools import NotSignedIn

logger = logging.getLogger("flask_pocketping")

#: How many messages are read.
MOST_MESSAGES = 400


@dataclass(frozen=True, slots=True)
class Voice:
    """How the AI speaks on this site.

    :ivar prompt: the owner's instructions.
    :ivar history: the tokens of the conversation that the model reads.
    :ivar drafts: whether it writes drafts for operators.
    :ivar disclosure: what tells the visitor that an AI answers.
    :ivar failure: what tells the visitor that it could not answer.
    :ivar zone: the time zone of the team.
    :ivar limits: how many tokens may be used.
    """

    prompt: str | None = None
    history: int = 8000
    drafts: bool = False
    disclosure: str | None = None
    failure: str | None = None
    zone: tzinfo = UTC
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a turn needs of the app.

    :ivar facts: what the host app knows of a visitor.
    :ivar open_file: opens a picture; `None` if the model can't see.
    :ivar before: as for `send_message`.
    :ivar stream: announces the growing text of an answer: project, session, id of the stream, text, whether it ended.
    :ivar drafted: announces a new draft to operators.
    :ivar acted: announces to operators that a call waits for a yes, or that one was decided on or made.
    """

    facts: Callable[[Session], Sequence[dict[str, Any]]] = lambda session: ()
    open_file: OpenFile | None = None
    before: Callable[[MessageDraft], None] | None = None
    stream: Callable[[str, str, str, str, bool], None] = lambda project, session, stream, text, done: None
    drafted: Callable[[Session], None] = lambda session: None
    acted: Callable[[Session], None] = lambda session: None


class Turn:
    """One attempt to answer.

    :param seen: what was said when the turn began.
    :param reason: why the AI answers: `delay` or `offline`.
    :param confirm: called within the transaction that stores the result. It raises if that is no longer wanted.
    :param check: raises if the answer is no longer wanted.
    :param stream_id: names the growing text.
    """

    def __init__(
        self,
        db: Database,
        answering: Answering,
        voice: Voice,
        around: Surroundings,
        session: Session,
        seen: Position,
        *,
        reason: str,
        confirm: Confirm,
        check: Callable[[], None],
        stream_id: str,
    ) -> None:
        self._db = db
        self._answering = answering
        self._voice = voice
        self._around = around
        self._session = session
        self._seen = seen
        self._reason = reason
        self._confirm = confirm
        self._check = check
        self._stream_id = stream_id
        self._began = False
        self._shown = False

    def make(self) -> str:
        """Answer, and return the outcome, as `AIAnswer` has it.

        :raises ProviderError: if the model gives no answer.
        :raises BudgetExhausted: if a budget does not allow it.
        :raises Outdated: if something was said meanwhile.
        :raises OperatorTypes: if an operator is typing.
        :raises DeliveryCancelled: if the answer is no longer wanted.
        """
        started = clock.now()
        history = self._read()
        actions = self._decided(history)
        turns, question = conversation(history, self._voice.history, self._around.open_file)
        turns = (*turns, *(UserTurn(_told(action)) for action in actions))
        passages = self._search(question)
        now = clock.now().astimezone(self._voice.zone)
        system = system_text(self._voice.prompt, self._session, self._facts(), passages, now)
        budget = Budget.of(self._db, self._voice.limits, self._session)
        watch = Watch(grew=self._grew, check=self._check)
        try:
            result = self._answering.make(self._session, View(system, turns, question), passages, budget, watch)
            outcome = self._store(result, started)
            if result.pending is not None:
                self._around.acted(self._session)
            return outcome
        finally:
            if self._shown:
                self._around.stream(self._session.project_id, self._session.id, self._stream_id, "", True)

    def _read(self) -> list[Message]:
        """Return the newest messages that the visitor sees, oldest first."""
        found: list[Message] = []
        before: int | None = None
        while len(found) < MOST_MESSAGES:
            page = list_messages(self._db, self._session.id, limit=100, before=before, internal=False)
            found = [*page.messages, *found]
            if not page.has_more or sum(len(message.content) for message in found) > self._voice.history * 6:
                break
            before = page.messages[0].seq
        return found

    def _search(self, question: str) -> Sequence[FoundPassage]:
        if self._answering.knowledge is None or not question:
            return ()
        return search(self._answering.knowledge, self._session.project_id, question, PASSAGES)

    def _facts(self) -> Sequence[dict[str, Any]]:
        return self._around.facts(self._session)

    # --- Tools with effects ---

    def _decided(self, history: Sequence[Message]) -> list[AIAction]:
        """Make the calls that were confirmed, and return them with all others that were decided on."""
        with self._db.read() as connection:
            waiting = ai_actions.undecided(connection, self._session.id)
        said = next((one for one in reversed(history) if one.type != MessageType.SYSTEM and not one.deleted_at), None)
        if waiting is not None and said is not None and said.type == MessageType.VISITOR:
            ai_actions.move(self._db, waiting.id, "waiting", "accepted" if says_yes(said.content) else "refused")
            self._around.acted(self._session)
        with self._db.read() as connection:
            found = ai_actions.decided(connection, self._session.id)
        return [self._run(action) if action.state == "accepted" else action for action in found]

    def _run(self, action: AIAction) -> AIAction:
        """Make a call, at most once: if this process dies meanwhile, nobody repeats it."""
        self._check()
        if not ai_actions.move(self._db, action.id, "accepted", "running"):
            return action
        state, result = "failed", "The tool failed."
        tool = next((one for one in self._answering.tools if one.name == action.tool), None)
        try:
            if tool is None:
                result = "There is no such tool any more."
            else:
                arguments = tool.check(action.arguments)
                state, result = "done", tool.call(arguments, self._session, self._answering.run)
        except NotSignedIn:
            result = "The visitor is not signed in."
        except Exception:
            logger.exception("The AI tool %s failed.", action.tool)
        ai_actions.move(self._db, action.id, "running", state, result)
        self._around.acted(self._session)
        return replace(action, state=state, result=result)

    # --- What comes of it ---

    def _begin(self) -> None:
        """Take over, before the visitor sees anything of the answer."""
        if not self._began and not self._voice.drafts:
            ai_turns.take_over(
                self._db, self._session.id, seen=self._seen, reason=self._reason, disclosure=self._voice.disclosure
            )
            self._began = True

    def _grew(self, text: str) -> None:
        if self._voice.drafts:
            return
        self._begin()
        self._shown = True
        self._around.stream(self._session.project_id, self._session.id, self._stream_id, text, False)

    def _store(self, result: Result, started: datetime) -> str:
        text, session_id = self._text_of(result), self._session.id
        # A call with effects is for the visitor's or an operator's yes, also where answers are drafts.
        outcome = "asked" if result.pending is not None else "handed_over" if result.hand_over else "answered"

        def record(tx: Transaction, **ids: str) -> None:
            if result.pending is not None:
                pending = result.pending
                # In a draft, the visitor has not been asked.
                asks = "operator" if self._voice.drafts else str(pending.tool.asks)
                ai_actions.ask(tx, session_id, pending.tool.name, pending.arguments, pending.question, asks)
            ai_answers.record(
                tx,
                self._session.project_id,
                session_id,
                "drafted" if "draft_id" in ids else outcome,
                reason=result.hand_over,
                input_tokens=result.input_tokens,
                output_tokens=result.output_tokens,
                duration_ms=result.duration_ms,
                passages=ai_answers.passage_rows(result.sources),
                calls=result.calls,
                created_at=started,
                **ids,
            )

        if self._voice.drafts and text:
            ai_drafts.write_draft(
                self._db,
                session_id,
                text,
                sources=result.sources,
                seen=self._seen,
                confirm=self._confirm,
                stored=lambda tx, draft_id: record(tx, draft_id=draft_id),
                hand_over=result.hand_over,
            )
            self._around.drafted(self._session)
            return "drafted"
        if not text:
            ai_turns.hand_over(
                self._db,
                session_id,
                str(result.hand_over),
                seen=self._seen,
                confirm=self._confirm,
                silent=not self._voice.drafts,
                sentence=None if self._voice.drafts else self._voice.failure,
                stored=record,
            )
            return "handed_over"
        self._begin()
        note = None
        if result.pending is not None and result.pending.tool.asks == "operator":
            note = f"The AI asks for your yes: {result.pending.question}"
        ai_turns.answer(
            self._db,
            session_id,
            text,
            seen=self._seen,
            confirm=self._confirm,
            hand_over=result.hand_over,
            note=note,
            before=self._around.before,
            stored=lambda tx, message: record(tx, message_id=message.id),
        )
        return outcome

    def _text_of(self, result: Result) -> str:
        """Return what to say, with the question of a call that waits for a yes."""
        if result.pending is None:
            return result.text
        if self._voice.drafts or result.pending.tool.asks == "operator":
            return result.text or "I have asked our team to confirm this."
        language = str(self._session.metadata.get("language") or "")
        asked = f"{result.pending.question}\n\n{ask_for_yes(language)}"
        return f"{result.text[:2000]}\n\n{asked}".strip()[:4000]


def _told(action: AIAction) -> str:
    """Return what the model is told of a call that was decided on."""
    states = {
        "done": f"was confirmed and made. Result: {action.result}",
        "failed": f"was confirmed, and failed. {action.result}",
        "refused": "was not confirmed, so it was not made.",
        "running": "was confirmed, but it is not known whether it was carried out. Do not repeat it: call hand_over.",
    }
    return f"[From the server, not from the visitor: the call of {action.tool} {states.get(action.state, '')}]"
