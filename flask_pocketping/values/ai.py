"""What the AI wrote, asked for and used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AISource:
    """A passage of the knowledge base that the AI was given.

    :ivar id: the id of the passage.
    :ivar version: the version of its document, so that a later change can be told.
    :ivar title: its title.
    :ivar url: the address of its source, if it has one.
    """

    id: str
    version: str
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AIDraft:
    """An answer of the AI that waits for an operator.

    :ivar id: the public id, `drf_…`.
    :ivar session_id: the public id of its session.
    :ivar content: 1 to 4000 characters.
    :ivar state: pending, sent, dropped, or stale if somebody has answered meanwhile.
    :ivar passages: the passages that it is based on.
    :ivar message_id: the message that it became.
    :ivar created_at: when it was written.
    """

    id: str
    session_id: str
    content: str
    state: str
    passages: tuple[AISource, ...]
    message_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AIAction:
    """A call of a tool with effects by the AI.

    :ivar id: the public id, `act_…`.
    :ivar session_id: the public id of its session.
    :ivar tool: the name of the tool.
    :ivar arguments: the arguments that the model chose.
    :ivar question: what is asked before it is called.
    :ivar asks: whose yes it needs: visitor or operator.
    :ivar state: waiting, running, done, failed, refused or stale.
    :ivar result: what the tool returned, as text, once it was called.
    :ivar created_at: when it was asked for.
    """

    id: str
    session_id: str
    tool: str
    arguments: Mapping[str, Any]
    question: str
    asks: str
    state: str
    result: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AIAnswer:
    """An attempt of the AI to answer.

    :ivar id: the public id, `ans_…`.
    :ivar session_id: the public id of its session.
    :ivar message_id: the message that it became, if it did.
    :ivar draft_id: the draft that it became, if it did.
    :ivar outcome: answered, drafted, asked, handed_over, outdated or failed.
    :ivar reason: why it handed over or failed.
    :ivar input_tokens: the tokens that the model read.
    :ivar output_tokens: the tokens that it wrote.
    :ivar duration_ms: its duration in milliseconds.
    :ivar passages: the passages that it was given.
    :ivar calls: the tools that it called, each with `name` and `ok`.
    :ivar created_at: when it began.
    """

    id: str
    session_id: str
    message_id: str | None
    draft_id: str | None
    outcome: str
    reason: str | None
    input_tokens: int
    output_tokens: int
    duration_ms: int
    passages: tuple[AISource, ...]
    calls: tuple[Mapping[str, Any], ...]
    created_at: datetime
