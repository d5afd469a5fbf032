"""Records the answers of a model in a file, and plays them back without a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import PocketPingError
from .providers.protocol import Answer, ModelTurn, Provider, ProviderError, Request, ToolCall, ToolTurn, Turn, Usage


class WrongCassette(PocketPingError):
    """A line of the file is no recorded answer. The message says which one."""


class Cassette:
    """A provider that answers from a file, and asks another one for what the file does not have.

    :param path: the file, with one JSON object per line. It is made if it does not exist.
    :param provider: the model to ask; `None` to play back only.
    :raises WrongCassette: if a line of the file is no recorded answer.
    """

    def __init__(self, path: Path, provider: Provider | None = None) -> None:
        self._path = path
        self._provider = provider
        self._kept: dict[str, dict[str, Any]] = {}
        if path.exists():
            for number, line in read_lines(path):
                try:
                    found = json.loads(line)
                    _loaded(found["answer"])
                    self._kept[str(found["request"])] = found["answer"]
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    raise WrongCassette(
                        f"Line {number} of {path} is no recorded answer: {type(error).__name__}."
                    ) from None

    def answer(self, request: Request) -> Answer:
        """Return the recorded answer, or ask for it and record it.

        :raises ProviderError: if it is not recorded, and there is nobody to ask.
        """
        key = fingerprint(request)
        if key not in self._kept:
            if self._provider is None:
                raise ProviderError("The cassette does not have this request. Record it again.", transient=False)
            self._kept[key] = _dumped(self._provider.answer(request))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"request": key, "answer": self._kept[key]}, ensure_ascii=False) + "\n")
        return _loaded(self._kept[key])

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield the whole answer."""
        yield self.answer(request)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line of a file that is not blank.

    Only line feeds end a line. JSON may have other line separators of Unicode within a text. Bytes that are not UTF-8
    become U+FFFD.
    """
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def fingerprint(request: Request) -> str:
    """Return what identifies a request. Pictures, ids of calls and time limits are not part of it."""
    tools = [[tool.name, tool.description, tool.parameters] for tool in request.tools]
    asked = [request.system, [_plain(turn) for turn in request.turns], tools, request.max_tokens]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _plain(turn: Turn) -> list[Any]:
    if isinstance(turn, ToolTurn):
        return ["tool", *([result.call.name, result.content] for result in turn.results)]
    if isinstance(turn, ModelTurn):
        return ["model", turn.text, *([call.name, call.arguments] for call in turn.calls)]
    return ["user", turn.text, len(turn.images)]


def _dumped(answer: Answer) -> dict[str, Any]:
    usage = answer.usage
    return {
        "text": answer.text,
        "calls": [[call.id, call.name, call.arguments] for call in answer.calls],
        "stop": answer.stop,
        "usage": [usage.input_tokens, usage.output_tokens] if usage else None,
        "raw": answer.raw,
    }


def _loaded(found: dict[str, Any]) -> Answer:
    calls = tuple(ToolCall(*call) for call in found["calls"])
    return Answer(found["text"], calls, found["stop"], Usage(*found["usage"]) if found["usage"] else None, found["raw"])
