"""Google's Gemini API."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

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

#: The server of Google, and the version of the API in the path.
BASE_URL = "https://generativelanguage.googleapis.com"
VERSION = "v1beta"

_FILTERED = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE"}


class GeminiProvider:
    """A model of Google.

    :param model: the name of the model.
    :param temperature: sent only if set.
    """

    def __init__(self, endpoint: Endpoint, model: str, *, temperature: float | None = None) -> None:
        self._endpoint = endpoint
        self._path = f"/{VERSION}/models/{quote(model, safe='')}"
        self._temperature = temperature

    def answer(self, request: Request) -> Answer:
        """Return the whole answer."""
        made = _Collected()
        made.add(self._endpoint.post(f"{self._path}:generateContent", self._body(request), request.timeout))
        return made.answer()

    def stream(self, request: Request) -> Iterator[str | Answer]:
        """Yield parts of the text, and at last the whole answer."""
        path = f"{self._path}:streamGenerateContent?alt=sse"
        made = _Collected()
        for _, event in self._endpoint.events(path, self._body(request), request.timeout):
            if "error" in event:
                raise in_stream_error(event)
            if text := made.add(event):
                yield text
        yield made.answer()

    def _body(self, request: Request) -> dict[str, Any]:
        config: dict[str, Any] = {"maxOutputTokens": request.max_tokens}
        if self._temperature is not None:
            config["temperature"] = self._temperature
        body: dict[str, Any] = {
            "contents": [_content(turn) for turn in alternating(request.turns)],
            "generationConfig": config,
        }
        if request.system:
            body["systemInstruction"] = {"parts": [{"text": request.system}]}
        if request.tools:
            # The API refuses a schema of an object without properties.
            body["tools"] = [
                {
                    "functionDeclarations": [
                        {
                            "name": tool.name,
                            "description": tool.description,
                            **({"parameters": tool.parameters} if tool.parameters.get("properties") else {}),
                        }
                        for tool in request.tools
                    ]
                }
            ]
        return body


class _Collected:
    """An answer that arrives in one or several parts."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._finish: str | None = None
        self._blocked = False
        self._usage: Usage | None = None

    def add(self, found: Mapping[str, Any]) -> str:
        """Add a response, and return the text in it."""
        try:
            self._usage = _usage(found.get("usageMetadata")) or self._usage
            self._blocked |= bool((found.get("promptFeedback") or {}).get("blockReason"))
            candidates = found.get("candidates") or ()
            if not candidates:
                return ""
            self._finish = candidates[0].get("finishReason") or self._finish
            # Kept as they came: their signatures belong to exactly these parts.
            parts = list((candidates[0].get("content") or {}).get("parts") or ())
            self._parts += parts
            return _text(parts)
        except MALFORMED:
            raise invalid() from None

    def answer(self) -> Answer:
        """Return the whole answer."""
        if self._finish is None and not self._blocked:
            raise ProviderError("The model's server ended the answer early.", transient=True)
        try:
            calls = tuple(
                ToolCall(
                    str(call.get("id") or f"call-{number}"), str(call["name"]), as_arguments(call.get("args") or {})
                )
                for number, part in enumerate(self._parts)
                if (call := part.get("functionCall"))
            )
        except MALFORMED:
            raise invalid() from None
        stop: Stop = "tools" if calls else "end"
        if self._finish == "MAX_TOKENS":
            stop = stop if calls else "length"
        elif self._blocked or self._finish in _FILTERED:
            stop = "filtered"
        return Answer(_text(self._parts), calls, stop, self._usage, self._parts)


def _content(turn: Turn) -> dict[str, Any]:
    if isinstance(turn, ToolTurn):
        return {
            "role": "user",
            "parts": [_result(result.call, result.content, result.is_error) for result in turn.results],
        }
    if isinstance(turn, ModelTurn):
        return {"role": "model", "parts": turn.raw if turn.raw is not None else [{"text": turn.text}]}
    pictures = [
        {"inlineData": {"mimeType": image.mime_type, "data": base64.b64encode(image.data).decode()}}
        for image in turn.images
    ]
    return {"role": "user", "parts": [*pictures, *([{"text": turn.text}] if turn.text or not pictures else [])]}


def _result(call: ToolCall, content: str, is_error: bool) -> dict[str, Any]:
    response: dict[str, Any] = {"name": call.name, "response": {"error" if is_error else "result": content}}
    # An id of ours is none of theirs.
    if not call.id.startswith("call-"):
        response["id"] = call.id
    return {"functionResponse": response}


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))


def _usage(found: Any) -> Usage | None:
    if not isinstance(found, dict):
        return None
    spent = int(found.get("candidatesTokenCount") or 0) + int(found.get("thoughtsTokenCount") or 0)
    return Usage(int(found.get("promptTokenCount") or 0) + int(found.get("toolUsePromptTokenCount") or 0), spent)
