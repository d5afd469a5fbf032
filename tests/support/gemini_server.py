"""Google's Gemini API, as strict as the real server, for `models.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .models import KEY, Asked, ModelServer, Refusal, Reply, pieces, sse

_PATH = re.compile(r"/v1beta/models/(?P<model>[\w.-]+):(?P<method>generateContent|streamGenerateContent\?alt=sse)")
_FIELDS = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"}
_CONFIG = {"maxOutputTokens", "temperature", "topP", "topK", "stopSequences", "candidateCount", "thinkingConfig"}
_SCHEMA = {"type", "properties", "required", "description", "enum", "items", "format", "nullable"}
_MODELS = {"gemini-2.5-flash", "gemini-3-pro"}
_FINISH = {"end": "STOP", "length": "MAX_TOKENS", "filtered": "SAFETY", "refusal": "PROHIBITED_CONTENT"}


class GeminiServer:
    """The protocol."""

    def check(self, server: ModelServer, asked: Asked) -> None:
        match = _PATH.fullmatch(asked.path)
        if match is None or match["model"] not in _MODELS:
            raise Refusal("models/x is not found for API version v1beta", 404)
        if asked.headers.get("x-goog-api-key") != KEY:
            raise Refusal("API key not valid. Please pass a valid API key.")
        body = asked.body
        if unknown := body.keys() - _FIELDS:
            raise Refusal(f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.')
        if unknown := body.get("generationConfig", {}).keys() - _CONFIG:
            raise Refusal(f"Unknown name \"{min(unknown)}\" at 'generation_config': Cannot find field.")
        for tool in body.get("tools", []):
            for declaration in tool["functionDeclarations"]:
                if "parameters" in declaration:
                    self._check_schema(declaration["parameters"])
                    if not declaration["parameters"].get("properties"):
                        raise Refusal("parameters.properties: should be non-empty for OBJECT type")
        self._check_contents(server, body.get("contents"))

    def _check_schema(self, schema: dict[str, Any]) -> None:
        if unknown := schema.keys() - _SCHEMA:
            raise Refusal(f"Unknown name \"{min(unknown)}\" at 'tools[0].function_declarations[0].parameters'")
        if str(schema.get("type")).upper() not in {"OBJECT", "STRING", "INTEGER", "NUMBER", "BOOLEAN", "ARRAY"}:
            raise Refusal("Invalid value at 'type'")
        for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
            self._check_schema(inner)

    def _check_contents(self, server: ModelServer, contents: Any) -> None:
        if not contents:
            raise Refusal("* GenerateContentRequest.contents: contents is not specified")
        calls: list[tuple[str, Any]] = []
        for number, content in enumerate(contents):
            if content.get("role") not in {"user", "model"}:
                raise Refusal("Please use a valid role: user, model.")
            if not content.get("parts"):
                raise Refusal("* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.")
            found = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
            if [(one["name"], one.get("id")) for one in found] != calls:
                raise Refusal(
                    "Please ensure that the number of function response parts is equal to the number of function call "
                    "parts of the function call turn."
                )
            if any(not isinstance(one["response"], dict) for one in found):
                raise Refusal("Invalid value at 'response'")
            made = [part for part in content["parts"] if "functionCall" in part]
            calls = [(part["functionCall"]["name"], part["functionCall"].get("id")) for part in made]
            if calls and (content["role"] != "model" or number == 0):
                raise Refusal("Please ensure that function call turn comes immediately after a user turn")
            if made and content["parts"] != server.given.get(json.dumps(calls)):
                raise Refusal("Function call is missing a thought_signature in functionCall parts.")

    def is_stream(self, asked: Asked) -> bool:
        return ":streamGenerateContent" in asked.path

    def whole(self, server: ModelServer, asked: Asked, reply: Reply) -> dict[str, Any]:
        parts = self._parts(server, reply)
        return self._response(asked, reply, parts, finish=self._finish(reply), usage=True)

    def streamed(self, server: ModelServer, asked: Asked, reply: Reply) -> Iterator[bytes]:
        parts = self._parts(server, reply, reply.pieces)
        for number, part in enumerate(parts):
            if number == 1 and reply.error_in_stream:
                yield sse(self.error(503, "The model is overloaded."))
                return
            if number == 1:
                server.wait_for(reply.stall)
            raw = sse(self._response(asked, reply, [part]))
            yield raw[: len(raw) // 2]
            yield raw[len(raw) // 2 :]
        yield sse(self._response(asked, reply, [], finish=self._finish(reply), usage=True))

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
        return {"error": {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}}

    def _finish(self, reply: Reply) -> str:
        return "STOP" if reply.calls else _FINISH[reply.stop]

    def _parts(self, server: ModelServer, reply: Reply, count: int = 1) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"text": "Let me think.", "thought": True}] if reply.thought else []
        parts += [{"text": part} for part in pieces(reply.text, count)] if reply.text else []
        calls: list[dict[str, Any]] = []
        for name, arguments in reply.calls:
            call = {"functionCall": {"name": name, "args": dict(arguments)}}
            # Newer models give an id, older ones none.
            if reply.thought:
                call["functionCall"]["id"] = f"fc_{server.number()}"
            calls.append(call)
        if calls and reply.thought:
            # The first call of a step carries the signature.
            calls[0] = {**calls[0], "thoughtSignature": reply.thought}
        parts += calls
        made = [(call["functionCall"]["name"], call["functionCall"].get("id")) for call in calls]
        server.given[json.dumps(made)] = parts
        return parts

    def _response(
        self, asked: Asked, reply: Reply, parts: list[dict[str, Any]], finish: str | None = None, usage: bool = False
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
        if not parts:
            candidate["content"] = {"role": "model"}
        if finish:
            candidate["finishReason"] = finish
        made: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini", "responseId": "r1"}
        if usage:
            read = len(json.dumps(asked.body)) // 4
            written = len(reply.text) // 4 + 10 * len(reply.calls) + 1
            made["usageMetadata"] = {
                "promptTokenCount": read,
                "candidatesTokenCount": written,
                "thoughtsTokenCount": 2,
                "totalTokenCount": read + written + 2,
            }
        return made
