"""`Provider`, the interface of a model, with the values that it takes and returns.

A host app may pass its own: `PocketPing(app, ai=my_provider)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from ...errors import PocketPingError

#: Why an answer ended: it is complete, it calls tools, it is too long, or the model or a filter refused it.
Stop = Literal["end", "tools", "length", "filtered", "refusal"]


class ProviderError(PocketPingError):
    """A model gave no answer. The message is for operators, and contains no key and no address.

    :ivar transient: whether another attempt may succeed.
    :ivar retry_after: the seconds that the server asked to wait, if it did.
    :ivar status: the status of the response, if there was one.
    """

    def __init__(
        self, message: str, *, transient: bool, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after
        self.status = status


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for the model.

    :ivar mime_type: such as `image/png`.
    :ivar data: its bytes.
    """

    mime_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that the model may call.

    :ivar name: letters, digits and `_`.
    :ivar description: what it does and when to call it.
    :ivar parameters: a JSON schema of type `object`.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the model.

    :ivar id: the provider's id of the call.
    :ivar arguments: the arguments, not checked; `None` if they were not a JSON object.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool returned for a call.

    :ivar content: text for the model.
    :ivar is_error: whether the tool failed or was refused.
    """

    call: ToolCall
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What the visitor said."""

    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What was answered, by the model or by an operator.

    :ivar raw: the provider's own form of it, which goes back unchanged; only within one answer.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    raw: Any = None


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """The results of all calls of the turn before."""

    results: tuple[ToolResult, ...]


Turn = UserTurn | ModelTurn | ToolTurn


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked.

    :ivar system: the instructions.
    :ivar turns: the conversation, oldest first. The last turn is not the model's.
    :ivar tools: the tools that it may call.
    :ivar max_tokens: the maximum number of tokens of the answer.
    :ivar timeout: the maximum duration in seconds.
    """

    system: str
    turns: Sequence[Turn]
    tools: Sequence[ToolSpec] = ()
    max_tokens: int = 1000
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Usage:
    """How many tokens a call used."""

    input_tokens: int
    output_tokens: int

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered.

    :ivar text: the text, which may be empty.
    :ivar calls: the tools that it calls.
    :ivar stop: why it ended.
    :ivar usage: the tokens, if the server tells them.
    :ivar raw: the answer in the provider's own form, for `ModelTurn.raw`.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    usage: Usage | None = None
    raw: Any = field(default=None, repr=False)


@runtime_checkable
class Provider(Protocol):
    """A model. Several threads use it at once. Both methods raise `ProviderError`."""

    def answer(self, request: Request) -> Answer:
        """Return the whole answer."""

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield parts of the text as they arrive, and at last the whole answer."""


def as_arguments(found: Any) -> Mapping[str, Any] | None:
    """Return the arguments of a call, or `None` if they are no JSON object."""
    return found if isinstance(found, dict) else None


def alternating(turns: Sequence[Turn]) -> list[Turn]:
    """Return turns whose roles alternate and that begin with the visitor, as models require it."""
    found: list[Turn] = []
    for turn in turns:
        last = found[-1] if found else None
        if isinstance(turn, UserTurn) and isinstance(last, UserTurn):
            found[-1] = UserTurn(f"{last.text}\n\n{turn.text}".strip(), (*last.images, *turn.images))
        elif _is_said(turn) and _is_said(last):
            assert isinstance(turn, ModelTurn)
            assert isinstance(last, ModelTurn)
            found[-1] = ModelTurn(f"{last.text}\n\n{turn.text}".strip())
        elif found or isinstance(turn, UserTurn):
            found.append(turn)
    return found


def _is_said(turn: Turn | None) -> bool:
    """Return whether a turn is a text of the other side that calls nothing."""
    return isinstance(turn, ModelTurn) and not turn.calls and turn.raw is None
