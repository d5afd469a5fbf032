"""OpenAI's chat completions, which Ollama, vLLM, LM Studio, Mistral, Groq and many others speak too."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .endpoint import MALFORMED, Endpoint, in_stream_error, invalid
from .protocol import (
    Answer,
    Image,
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

#: The server of OpenAI, and the path of the call.
BASE_URL = "https://api.openai.com/v1"
PATH = "/chat/completions"

#: How many calls of tools an answer may have.
MAX_CALLS = 128

_STOPS: dict[str, Stop] = {"tool_calls": "tools", "length": "length", "content_filter": "filtered"}


class OpenAIProvider:
    """A model behind OpenAI's protocol.

    :param model: the name of the model.
    :param tokens_parameter: the parameter that limits the answer. Newer models of OpenAI refuse `max_tokens`, and some
        other servers know only that.
    :param temperature: sent only if set, because newer models refuse it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        tokens_parameter: str = "max_completion_tokens",
        temperature: float | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._tokens_parameter = tokens_parameter
        self._temperature = temperature

    def answer(self, request: Request) -> Answer:
        """Return the whole answer."""
        found = self._endpoint.post(PATH, self._body(request), request.timeout)
        try:
            choice = found["choices"][0]
            return _answer(choice["message"], choice.get("finish_reason"), _usage(found))
        except MALFORMED:
            raise invalid() from None

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield parts of the text, and at last the whole answer."""
        body = {**self._body(request), "stream": True, "stream_options": {"include_usage": True}}
        message: dict[str, Any] = {"role": "assistant"}
        finish: str | None = None
        usage: Usage | None = None
        for _, event in self._endpoint.events(PATH, body, request.timeout):
            if "error" in event:
                raise in_stream_error(event)
            try:
                usage = _usage(event) or usage
                # The event with the usage has no choices.
                for choice in event.get("choices") or ():
                    delta = choice.get("delta") or {}
                    merge(message, delta)
                    if text := _text(delta.get("content")):
                        yield text
                    finish = choice.get("finish_reason") or finish
            except MALFORMED:
                raise invalid() from None
        if finish is None:
            raise ProviderError("The model's server ended the answer early.", transient=True)
        try:
            for call in message.get("tool_calls") or ():
                call.pop("index", None)
            answer = _answer(message, finish, usage)
        except MALFORMED:
            raise invalid() from None
        yield answer

    def _body(self, request: Request) -> dict[str, Any]:
        system = [{"role": "system", "content": request.system}] if request.system else []
        said = [item for turn in alternating(request.turns) for item in _messages(turn)]
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [*system, *said],
            self._tokens_parameter: request.max_tokens,
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in request.tools
            ]
        if self._temperature is not None:
            body["temperature"] = self._temperature
        return body


def merge(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add a delta of a stream to the message so far. Fields that are unknown here are kept too."""
    for key, value in delta.items():
        if value is None or key == "role":
            continue
        if key == "tool_calls":
            _merge_calls(message.setdefault(key, []), value)
        elif isinstance(value, str):
            message[key] = message.get(key, "") + value
        elif isinstance(value, list):
            message.setdefault(key, []).extend(value)
        else:
            message[key] = value


def _merge_calls(calls: list[dict[str, Any]], deltas: list[dict[str, Any]]) -> None:
    for delta in deltas:
        # Some servers leave the index out, because they send each call whole.
        index = delta.get("index", len(calls))
        known = next((call for call in calls if call["index"] == index), None)
        if known is None:
            if len(calls) >= MAX_CALLS:
                raise invalid()
            known = {"index": index, "type": "function", "function": {"name": "", "arguments": ""}}
            calls.append(known)
        for key, value in delta.items():
            if key == "function":
                for name in ("name", "arguments"):
                    known["function"][name] += value.get(name) or ""
            elif value is not None:
                known[key] = value


def _messages(turn: Turn) -> list[dict[str, Any]]:
    if isinstance(turn, ToolTurn):
        return [{"role": "tool", "tool_call_id": result.call.id, "content": result.content} for result in turn.results]
    if isinstance(turn, ModelTurn):
        return [turn.raw if turn.raw is not None else {"role": "assistant", "content": turn.text}]
    if not turn.images:
        return [{"role": "user", "content": turn.text}]
    text = [{"type": "text", "text": turn.text}] if turn.text else []
    return [{"role": "user", "content": [*text, *map(_picture, turn.images)]}]


def _picture(image: Image) -> dict[str, Any]:
    data = base64.b64encode(image.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{image.mime_type};base64,{data}"}}


def _answer(message: Mapping[str, Any], finish: str | None, usage: Usage | None) -> Answer:
    kept = {key: value for key, value in message.items() if value is not None}
    calls = tuple(
        ToolCall(str(call["id"]), str(call["function"]["name"]), _arguments(call["function"].get("arguments")))
        for call in kept.get("tool_calls") or ()
    )
    # Some servers give another reason beside the calls.
    stop = "tools" if calls else _STOPS.get(finish or "", "end")
    text = _text(kept.get("content"))
    if kept.get("refusal") and not text:
        stop = "refusal"
    return Answer(text, calls, "end" if stop == "tools" and not calls else stop, usage, kept)


def _text(content: Any) -> str:
    """Return the text of a content, which some servers send in parts, beside what the model thought."""
    if isinstance(content, list):
        return "".join(str(part["text"]) for part in content if part.get("type") == "text")
    return str(content or "")


def _arguments(text: Any) -> Mapping[str, Any] | None:
    try:
        return as_arguments(json.loads(text or "{}"))
    except (ValueError, TypeError, RecursionError):
        return None


def _usage(found: Mapping[str, Any]) -> Usage | None:
    usage = found.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
