"""Makes an answer: asks the model, calls the tools that it asks for, and checks what comes of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..bounds import MAX_CONTENT, storable_part
from ..values import AISource, Session
from .budgets import Budget
from .claims import claims_hand_over, is_raw_json
from .grounding import FoundPassage, Knowledge, search, source_of
from .links import Links, complete_part
from .prompt import View, estimate_turns
from .providers.protocol import (
    Answer,
    ModelTurn,
    Provider,
    ProviderError,
    Request,
    ToolCall,
    ToolResult,
    ToolSpec,
    ToolTurn,
    Turn,
    Usage,
)
from .tools import NotSignedIn, Tool, WrongArguments

logger = logging.getLogger("flask_pocketping")

#: How often the model may call tools for an answer, and search.
MAX_ROUNDS = 6
MAX_CALLS_PER_ROUND = 8
MAX_SEARCHES = 3
#: How many passages a search returns.
PASSAGES = 5
MAX_QUERY = 300
#: The most tokens that a call can have used.
MAX_USAGE = 10_000_000

HAND_OVER = ToolSpec(
    "hand_over",
    "Hand the conversation over to a person of the team. Call this if you can't answer from what you know, if the "
    "visitor asks for a person, or if something needs a person's decision. The team is told at once. You may tell the "
    "visitor in the same answer that a person will reply here.",
    {
        "type": "object",
        "properties": {"reason": {"type": "string", "description": "What the person needs to know, in one sentence."}},
        "required": ["reason"],
    },
)
SEARCH = ToolSpec(
    "search_knowledge",
    "Search the texts of this site for something that the passages do not answer. Use the words that such a text would "
    "have, in the language of the site.",
    {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "A few words or a question."}},
        "required": ["query"],
    },
)
BUILT_IN = (HAND_OVER.name, SEARCH.name)


@dataclass(frozen=True, slots=True)
class Pending:
    """A call of a tool with effects that somebody has to confirm."""

    tool: Tool
    arguments: dict[str, Any]
    question: str


@dataclass(slots=True)
class Result:
    """What came of asking the model.

    :ivar text: what to tell the visitor, which may be empty.
    :ivar hand_over: why a person is to go on, if one is.
    :ivar pending: a call to ask for.
    :ivar sources: the passages that the model was given.
    :ivar calls: the tools that it called.
    """

    text: str = ""
    hand_over: str | None = None
    pending: Pending | None = None
    sources: list[AISource] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the caller is told while an answer is made.

    :ivar grew: called with the text so far, from which unknown links are removed already.
    :ivar check: called before each request and about every second; it raises if the answer is not wanted any more.
    """

    grew: Callable[[str], None] = lambda text: None
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Answering:
    """Makes answers.

    :ivar run: makes a function of the host callable, which may be async.
    :ivar timeout: seconds for a whole answer.
    """

    provider: Provider
    tools: Sequence[Tool]
    knowledge: Knowledge | None
    links: Links
    max_tokens: int
    timeout: float
    run: Callable[..., Any] = lambda function: function

    def make(
        self, session: Session, view: View, passages: Sequence[FoundPassage], budget: Budget, watch: Watch
    ) -> Result:
        """Make an answer.

        :param passages: those that the view shows already.
        :param budget: what the calls may use.
        :raises ProviderError: if the model gives none.
        :raises BudgetExhausted: if a call would use too much.
        """
        return _Making(self, session, view, passages, budget, watch).make()


class _Making:
    """One answer on its way."""

    def __init__(
        self,
        parts: Answering,
        session: Session,
        view: View,
        passages: Sequence[FoundPassage],
        budget: Budget,
        watch: Watch,
    ) -> None:
        self._parts = parts
        self._session = session
        self._view = view
        self._budget = budget
        self._watch = watch
        self._turns: list[Turn] = list(view.turns)
        self._result = Result()
        self._searches = 0
        # The passages are in the instructions.
        self._links = parts.links.with_addresses((), [view.system, *map(_text_of, view.turns)])
        self._ends_at = time.monotonic() + parts.timeout
        self._started = time.monotonic()
        self._tools = {tool.name: tool for tool in parts.tools}
        for passage in passages:
            self._note(passage)

    def make(self) -> Result:
        answer = Answer("")
        for number in range(MAX_ROUNDS + 1):
            answer = self._ask(last=number == MAX_ROUNDS)
            if not answer.calls or self._result.hand_over is not None:
                break
            self._turns.append(ModelTurn(answer.text, answer.calls, answer.raw))
            self._turns.append(ToolTurn(tuple(map(self._call, self._cut(answer.calls)))))
            if self._result.hand_over is not None or self._result.pending is not None:
                break
        self._conclude(answer)
        self._result.duration_ms = round((time.monotonic() - self._started) * 1000)
        return self._result

    def _ask(self, *, last: bool) -> Answer:
        """Ask the model once, within the budget.

        :param last: whether it may call no more tools but hand over.
        """
        self._watch.check()
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise ProviderError(f"The answer took longer than {self._parts.timeout:g} s.", transient=True)
        request = Request(
            self._view.system, tuple(self._turns), self._specs(last), self._parts.max_tokens, timeout=left
        )
        estimated = estimate_turns(request.system, request.turns)
        with self._budget.call(estimated + self._parts.max_tokens) as call:
            answer = self._stream(request)
            usage = answer.usage or Usage(estimated, estimate_turns("", [ModelTurn(answer.text, raw=answer.raw)]))
            read, written = _counted(usage.input_tokens), _counted(usage.output_tokens)
            call.used = read + written
        self._result.input_tokens += read
        self._result.output_tokens += written
        return answer

    def _stream(self, request: Request) -> Answer:
        text, checked, shown = "", time.monotonic(), 0.0
        for part in streamed(self._parts.provider, request):
            if isinstance(part, Answer):
                return part
            text += part
            now = time.monotonic()
            if now > self._ends_at:
                raise ProviderError(f"The answer took longer than {self._parts.timeout:g} s.", transient=True)
            if now - checked >= 1.0:
                checked = now
                self._watch.check()
            if now - shown >= 0.15 and not is_raw_json(text):
                shown = now
                # What is behind this is not shown, and need not be read again and again.
                beginning = storable_part(complete_part(text[: 2 * MAX_CONTENT]))
                if growing := self._links.clean(beginning).strip():
                    self._watch.grew(growing[:MAX_CONTENT])
        raise ProviderError("The model gave no answer.", transient=True)

    def _specs(self, last: bool) -> tuple[ToolSpec, ...]:
        if last:
            return (HAND_OVER,)
        search = (SEARCH,) if self._parts.knowledge is not None else ()
        return (HAND_OVER, *search, *(tool.spec for tool in self._parts.tools))

    def _cut(self, calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
        # Each call needs its result, so calls beyond the limit are refused one by one.
        self._allowed = MAX_CALLS_PER_ROUND
        return calls

    def _call(self, call: ToolCall) -> ToolResult:
        self._allowed -= 1
        if self._allowed < 0 or (self._result.pending is not None and call.name != HAND_OVER.name):
            return ToolResult(call, "Not called: too many calls at once.", is_error=True)
        content, ok = self._answer_call(call)
        self._links = self._links.with_addresses((), [content])
        self._result.calls.append({"name": storable_part(call.name)[:64], "ok": ok})
        return ToolResult(call, content, is_error=not ok)

    def _answer_call(self, call: ToolCall) -> tuple[str, bool]:
        if call.name == HAND_OVER.name:
            reason = (call.arguments or {}).get("reason")
            self._result.hand_over = storable_part(str(reason or "It did not say why."))[:500]
            return "The team is told.", True
        if call.name == SEARCH.name and self._parts.knowledge is not None:
            return self._search(str((call.arguments or {}).get("query") or ""))
        tool = self._tools.get(call.name)
        if tool is None:
            return "There is no such tool.", False
        try:
            arguments = tool.check(call.arguments)
        except WrongArguments as error:
            return str(error), False
        if tool.asks is not None:
            self._result.pending = Pending(tool, arguments, tool.question_for(arguments))
            return "Not called yet: it waits for a yes.", True
        return self._run(tool, arguments)

    def _run(self, tool: Tool, arguments: dict[str, Any]) -> tuple[str, bool]:
        self._watch.check()
        try:
            content = tool.call(arguments, self._session, self._parts.run)
        except NotSignedIn:
            return "The visitor is not signed in, so this is not possible. Ask them to sign in on the site.", False
        except Exception:
            # What went wrong is for the log; the model could repeat it to the visitor.
            logger.exception("The AI tool %s failed.", tool.name)
            return "The tool failed.", False
        return content, True

    def _search(self, query: str) -> tuple[str, bool]:
        self._searches += 1
        if self._searches > MAX_SEARCHES:
            return "No more searches. Answer from what you have, or call hand_over.", False
        assert self._parts.knowledge is not None
        found = search(self._parts.knowledge, self._session.project_id, query[:MAX_QUERY], PASSAGES)
        for passage in found:
            self._note(passage)
        if not found:
            return "Nothing was found.", True
        return "\n\n".join(f"{one.title} ({one.url or 'no address'})\n{one.text}" for one in found), True

    def _note(self, passage: FoundPassage) -> None:
        source = source_of(passage)
        if source not in self._result.sources:
            self._result.sources.append(source)
        if passage.url:
            self._links = self._links.with_addresses([passage.url])

    def _conclude(self, answer: Answer) -> None:
        """Check the text of the answer, and hand over where it is none."""
        result = self._result
        text = storable_part(answer.text).strip()
        if is_raw_json(text):
            text, result.hand_over = "", result.hand_over or "The model answered with raw data instead of a text."
        text = self._links.clean(text).strip()
        if answer.stop == "length" and text:
            text = f"{text.rstrip()} …"
        result.text = _cut_off(text)
        if result.pending is not None or result.hand_over is not None:
            return
        if answer.calls:
            result.hand_over = "It asked for tools again and again, without an answer."
        elif not text:
            result.hand_over = {
                "length": "The model's answer was too long and had no text.",
                "filtered": "A filter of the model's server held the answer back.",
                "refusal": "The model refused to answer.",
            }.get(answer.stop, "The model's answer was empty.")
        elif answer.stop in {"filtered", "refusal"}:
            result.text, result.hand_over = "", "The model or a filter of its server stopped the answer."
        elif claims_hand_over(text):
            result.hand_over = "It told the visitor that a person takes over."


def _text_of(turn: Turn) -> str:
    return "" if isinstance(turn, ToolTurn) else turn.text


def streamed(provider: Provider, request: Request) -> Iterator[str | Answer]:
    """Stream an answer. Whatever a provider of the host raises counts as a failure of the model."""
    try:
        yield from provider.stream(request)
    except (ProviderError, GeneratorExit):
        raise
    except Exception as error:
        logger.exception("The AI provider %s failed.", type(provider).__name__)
        raise ProviderError(f"The provider failed: {type(error).__name__}.", transient=True) from None


def _counted(tokens: int) -> int:
    """Return a number of tokens as budgets count it, whatever a server says."""
    return min(max(tokens, 0), MAX_USAGE)


def _cut_off(text: str) -> str:
    """Return a text of at most `MAX_CONTENT` characters, which ends with a paragraph or sentence if possible."""
    if len(text) <= MAX_CONTENT:
        return text
    part = text[: MAX_CONTENT - 2]
    end = max(part.rfind("\n"), part.rfind(". ") + 1)
    return f"{part[:end] if end > MAX_CONTENT // 2 else part} …"
