"""Replays recorded conversations, and says what the AI would have done: `flask pocketping ai eval`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..bounds import MAX_PAGE_SIZE
from ..chat.ai_budget import BudgetExhausted
from ..chat.messages import list_messages
from ..chat.sessions import list_sessions
from ..db import Database
from ..errors import PocketPingError
from ..values import Identity, Message, MessageType, Session, SessionStatus
from .answering import PASSAGES, Watch
from .budgets import Budget
from .cassette import read_lines
from .grounding import search
from .prompt import View, conversation, system_text
from .providers.protocol import Provider, ProviderError
from .setup import AI

#: The time of all replays, so that the same conversation makes the same request.
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


#: What an export keeps of a page.
_KEPT = ("pageUrl", "pageTitle", "language")


class WrongCase(PocketPingError):
    """A line of the file is no conversation. The message says which one and why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation up to a message of the visitor that nobody has answered.

    :ivar name: its name in the report.
    :ivar messages: what was said, oldest first.
    :ivar expected: what the answer must have: `contains`, `excludes`, `calls` (lists of texts) and `handOver` (true or
        false).
    """

    name: str
    session: Session
    messages: Sequence[Message]
    expected: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What the AI would have done in a case.

    :ivar said: what it would have said.
    :ivar retrieved: the titles of the passages that it was given.
    :ivar called: the tools that it called.
    :ivar asks: the question of a call that would wait for a yes.
    :ivar hand_over: why it would have handed over, if it would.
    :ivar tokens: how many it used.
    :ivar duration_ms: how long it took.
    :ivar error: why there is no answer.
    :ivar problems: which expectations it does not meet.
    """

    name: str
    said: str = ""
    retrieved: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    asks: str | None = None
    hand_over: str | None = None
    tokens: int = 0
    duration_ms: int = 0
    error: str | None = None
    problems: list[str] = field(default_factory=list)


def read_cases(path: Path) -> Iterator[Case]:
    """Read a file with one conversation per line, as JSON.

    A conversation has `messages`, each with `type` and `content` as in the REST API, and perhaps `id`, `identity`,
    `metadata` and `expect`. With several questions, each is a case; `expect` is for the last one.

    :raises WrongCase: if a line is no conversation.
    """
    for number, line in read_lines(path):
        try:
            found = json.loads(line)
            session = _session(found)
            said = [one for one in found["messages"] if not (one.get("deletedAt") or one.get("internal"))]
            messages = [_message(one, seq) for seq, one in enumerate(said, 1)]
            expected = _expected(found.get("expect") or {})
            name = str(found.get("id") or f"line {number}")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise WrongCase(f"Line {number} is no conversation: {type(error).__name__} ({error}).") from None
        ends = [
            seq
            for seq, one in enumerate(messages, 1)
            if one.type == MessageType.VISITOR
            and (seq == len(messages) or messages[seq].type not in {MessageType.VISITOR, MessageType.SYSTEM})
        ]
        for end in ends:
            label = name if len(ends) == 1 else f"{name}, message {end}"
            yield Case(label, session, messages[:end], expected if end == ends[-1] else {})


def export_cases(db: Database, project_id: str, limit: int) -> Iterator[dict[str, Any]]:
    """Yield the newest conversations of a project in the form that `read_cases` reads.

    Notes, system messages and deleted messages are left out, and so are names and email addresses of visitors. What
    they wrote is there.

    :param limit: the most conversations.
    """
    cursor: str | None = None
    while limit > 0:
        page = list_sessions(db, project_id, started=True, limit=min(limit, MAX_PAGE_SIZE), cursor=cursor)
        for session in page.sessions:
            yield _exported(db, session)
        limit -= len(page.sessions)
        cursor = page.next_cursor
        if cursor is None:
            return


def _exported(db: Database, session: Session) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    after, has_more = 0, True
    while has_more:
        page = list_messages(db, session.id, after=after, limit=MAX_PAGE_SIZE, internal=False)
        messages += [
            {"type": str(one.type), "content": one.content}
            for one in page.messages
            if one.type != MessageType.SYSTEM and one.deleted_at is None and one.content
        ]
        after, has_more = page.messages[-1].seq if page.messages else after, page.has_more
    metadata = {name: session.metadata[name] for name in _KEPT if session.metadata.get(name)}
    identity = session.identity
    known = {"customerId": identity.customer_id, "verified": identity.verified} if identity is not None else None
    return {
        "id": session.id,
        "messages": messages,
        **({"metadata": metadata} if metadata else {}),
        **({"identity": known} if known else {}),
    }


def evaluate(ai: AI, provider: Provider, case: Case) -> Report:
    """Answer a case. Nothing is stored or sent; tools with effects are not called.

    :param provider: the model to ask.
    """
    answering = replace(ai.answering, provider=provider)
    turns, question = conversation(case.messages, ai.voice.history, None)
    knowledge = answering.knowledge
    passages = search(knowledge, case.session.project_id, question, PASSAGES) if knowledge and question else ()
    system = system_text(ai.voice.prompt, case.session, ai.around.facts(case.session), passages, MOMENT)
    try:
        made = answering.make(case.session, View(system, turns, question), passages, Budget(), Watch())
    except (ProviderError, BudgetExhausted) as error:
        return Report(case.name, error=str(error), problems=["There is no answer."])
    report = Report(
        case.name,
        said=made.text,
        retrieved=[source.title for source in made.sources],
        called=[call["name"] for call in made.calls],
        asks=made.pending.question if made.pending else None,
        hand_over=made.hand_over,
        tokens=made.input_tokens + made.output_tokens,
        duration_ms=made.duration_ms,
    )
    return replace(report, problems=list(_problems(report, case.expected)))


def _problems(report: Report, expected: Mapping[str, Any]) -> Iterator[str]:
    said = report.said.lower()
    for text in expected.get("contains", ()):
        if str(text).lower() not in said:
            yield f"It does not say {text!r}."
    for text in expected.get("excludes", ()):
        if str(text).lower() in said:
            yield f"It says {text!r}."
    for name in expected.get("calls", ()):
        if name not in report.called:
            yield f"It does not call {name}."
    if "handOver" in expected and bool(expected["handOver"]) != (report.hand_over is not None):
        yield "It does not hand over." if expected["handOver"] else "It hands over."


def _expected(found: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := found.keys() - {"contains", "excludes", "calls", "handOver"}:
        raise ValueError(f"unknown expectations: {', '.join(sorted(unknown))}")
    for name, value in found.items():
        if name == "handOver" and not isinstance(value, bool):
            raise ValueError("handOver must be true or false")
        if name != "handOver" and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            raise ValueError(f"{name} must be a list of texts")
    return dict(found)


def _session(found: Mapping[str, Any]) -> Session:
    known = found.get("identity")
    identity = None
    if known:
        identity = Identity(
            known.get("customerId"), known.get("email"), known.get("name"), None, bool(known.get("verified"))
        )
    return Session(
        id="sess_replay",
        visitor_id="vis_replay",
        project_id=str(found.get("projectId") or "proj_default"),
        status=SessionStatus.ACTIVE,
        created_at=MOMENT,
        last_activity=MOMENT,
        metadata=dict(found.get("metadata") or {}),
        identity=identity,
        ai_enabled=True,
        ai_active=True,
        unread=0,
        last_message=None,
        closed_at=None,
        seq=1,
    )


def _message(found: Mapping[str, Any], seq: int) -> Message:
    return Message(f"msg_{seq}", "sess_replay", seq, str(found["content"]), MessageType(found["type"]), MOMENT)
