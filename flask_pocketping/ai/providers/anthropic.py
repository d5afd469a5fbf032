"""Anthropic's Messages API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .endpoint import MALFORMED, Endpoint, in_stream_error, invalid
from .protocol import (
    Answer,
    ModelTurn,
    ProviderError,
    Request,
    Stop,
    ToolCall,
    ToolTurn,
    Turn,
    Usage,
    alternating,
    as_arguments,
)

#: The server of Anthropic, the path of the call and the version that it is made for.
BASE_URL = "https://api.anthropic.com"
PATH = "/v1/messages"
VERSION = "2023-06-01"

_STOPS: dict[str, Stop] = {
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
#: The counters of the input: new, written to the cache and read from it.
_INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class AnthropicProvider:
    """A model of Anthropic.

    :param model: the name of the model.
    :param temperature: sent only if set.
    """

    def __init__(self, endpoint: Endpoint, model: str, *, temperature: float | None = None) -> None:
        self._endpoint = endpoint
        self._model = model
        self._temperature = temperature

    def answer(self, request: Request) -> Answer:
        """Return the whole answer."""
        found = self._endpoint.post(PATH, self._body(request), request.timeout)
        try:
            return _answer(list(found["content"]), found.get("stop_reason"), _usage(found.get("usage") or {}))
        except MALFORMED:
            raise invalid() from None

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield parts of the text, and at last the whole answer."""
        made = _Streamed()
        for _, event in self._endpoint.events(PATH, {**self._body(request), "stream": True}, request.timeout):
            if event.get("type") == "error":
                raise in_stream_error(event)
            try:
                text = made.add(event)
            except MALFORMED:
                raise invalid() from None
            if text:
                yield text
        if made.stop is None:
            raise ProviderError("The model's server ended the answer early.", transient=True)
        try:
            answer = _answer(made.finished(), made.stop, _usage(made.usage))
        except MALFORMED:
            raise invalid() from None
        yield answer

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "messages": [_message(turn) for turn in alternating(request.turns)],
        }
        if request.system:
            body["system"] = request.system
        if request.tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in request.tools
            ]
        if self._temperature is not None:
            body["temperature"] = self._temperature
        return body


class _Streamed:
    """An answer that arrives in events."""

    def __init__(self) -> None:
        self.stop: str | None = None
        self.usage: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}

    def add(self, event: Mapping[str, Any]) -> str:
        """Add an event, and return the text in it."""
        kind = event.get("type")
        if kind == "message_start":
            self.usage.update(event["message"].get("usage") or {})
        elif kind == "content_block_start":
            self._blocks[event["index"]] = dict(event["content_block"])
            return str(event["content_block"].get("text") or "")
        elif kind == "content_block_delta":
            return self._change(event["index"], event["delta"])
        elif kind == "message_delta":
            self.stop = event["delta"].get("stop_reason") or self.stop
            self.usage.update({key: value for key, value in (event.get("usage") or {}).items() if value is not None})
        return ""

    def finished(self) -> list[dict[str, Any]]:
        """Return the blocks, with the input of calls read from its JSON."""
        for index, text in self._inputs.items():
            try:
                self._blocks[index]["input"] = json.loads(text or "{}")
            except (ValueError, RecursionError):
                # The API wants an object, and the call will be refused with what was wrong.
                self._blocks[index]["input"] = {}
                self._blocks[index]["_broken"] = True
        return [self._blocks[index] for index in sorted(self._blocks)]

    def _change(self, index: int, delta: Mapping[str, Any]) -> str:
        block = self._blocks[index]
        kind = delta["type"]
        if kind == "input_json_delta":
            self._inputs[index] = self._inputs.get(index, "") + delta["partial_json"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
        else:
            # text_delta, thinking_delta and signature_delta carry a text of the name of their field.
            name = str(kind).removesuffix("_delta")
            if isinstance(delta.get(name), str):
                block[name] = str(block.get(name) or "") + delta[name]
        return str(delta["text"]) if kind == "text_delta" else ""


def _message(turn: Turn) -> dict[str, Any]:
    if isinstance(turn, ToolTurn):
        results = [
            {
                "type": "tool_result",
                "tool_use_id": result.call.id,
                "content": result.content,
                **({"is_error": True} if result.is_error else {}),
            }
            for result in turn.results
        ]
        return {"role": "user", "content": results}
    if isinstance(turn, ModelTurn):
        return {"role": "assistant", "content": turn.raw if turn.raw is not None else turn.text}
    if not turn.images:
        return {"role": "user", "content": turn.text}
    pictures = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.mime_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in turn.images
    ]
    return {"role": "user", "content": [*pictures, *([{"type": "text", "text": turn.text}] if turn.text else [])]}


def _answer(blocks: list[dict[str, Any]], stop: str | None, usage: Usage | None) -> Answer:
    text = "".join(str(block.get("text") or "") for block in blocks if block["type"] == "text")
    calls = tuple(
        ToolCall(
            str(block["id"]), str(block["name"]), None if block.pop("_broken", False) else as_arguments(block["input"])
        )
        for block in blocks
        if block["type"] == "tool_use"
    )
    return Answer(text, calls, "tools" if calls else _STOPS.get(stop or "", "end"), usage, blocks)


def _usage(found: Mapping[str, Any]) -> Usage | None:
    if "output_tokens" not in found:
        return None
    return Usage(sum(int(found.get(name) or 0) for name in _INPUT), int(found["output_tokens"] or 0))
