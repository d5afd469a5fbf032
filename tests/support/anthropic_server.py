"""Anthropic's Messages API, as strict as the real server, for `models.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .models import KEY, Asked, ModelServer, Refusal, Reply, pieces, sse

_PARAMETERS = {
    *("model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "temperature", "top_p", "top_k"),
    *("stop_sequences", "metadata", "thinking"),
}
_MODELS = {"claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-1"}
_STOPS = {"end": "end_turn", "length": "max_tokens", "filtered": "refusal", "refusal": "refusal"}


class AnthropicServer:
    """The protocol."""

    def check(self, server: ModelServer, asked: Asked) -> None:
        if asked.path != "/v1/messages":
            raise Refusal("Not found", 404)
        if asked.headers.get("x-api-key") != KEY or "authorization" in asked.headers:
            raise Refusal("invalid x-api-key", 401)
        if asked.headers.get("anthropic-version") != "2023-06-01":
            raise Refusal("anthropic-version: header is required")
        body = asked.body
        if body.get("model") not in _MODELS:
            raise Refusal(f"model: {body.get('model')}", 404)
        if unknown := body.keys() - _PARAMETERS:
            raise Refusal(f"{min(unknown)}: Extra inputs are not permitted")
        if not isinstance(body.get("max_tokens"), int):
            raise Refusal("max_tokens: Field required")
        if "temperature" in body and "top_p" in body:
            raise Refusal("`temperature` and `top_p` cannot both be specified for this model.")
        if body.get("temperature") is not None and not 0 <= body["temperature"] <= 1:
            raise Refusal("temperature: range: 0..1")
        for tool in body.get("tools", []):
            if tool.keys() - {"name", "description", "input_schema"} or tool["input_schema"].get("type") != "object":
                raise Refusal("tools.0.custom.input_schema.type: Input should be 'object'")
        self._check_messages(server, body.get("messages"))

    def _check_messages(self, server: ModelServer, messages: Any) -> None:
        if not messages:
            raise Refusal("messages: at least one message is required")
        calls: list[str] = []
        for number, message in enumerate(messages):
            if message.keys() != {"role", "content"}:
                raise Refusal(f"messages.{number}: Extra inputs are not permitted")
            if message["role"] != ("user", "assistant")[number % 2]:
                raise Refusal("messages: roles must alternate between 'user' and 'assistant'")
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            if not blocks or any(block["type"] == "text" and not block["text"].strip() for block in blocks):
                raise Refusal(f"messages.{number}: all messages must have non-empty content")
            results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
            if results != calls or (results and blocks[0]["type"] != "tool_result"):
                raise Refusal(
                    f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after, or "
                    "a `tool_result` without its `tool_use`"
                )
            calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if calls and blocks != server.given.get(calls[0]):
                raise Refusal(f"messages.{number}: `thinking` blocks in the latest message cannot be modified")
        if messages[-1]["role"] != "user":
            raise Refusal("This model does not support assistant message prefill.")

    def is_stream(self, asked: Asked) -> bool:
        return bool(asked.body.get("stream"))

    def whole(self, server: ModelServer, asked: Asked, reply: Reply) -> dict[str, Any]:
        return {
            **self._head(server, asked),
            "content": self._blocks(server, reply),
            "stop_reason": self._stop(reply),
            "usage": _usage(asked, reply),
        }

    def streamed(self, server: ModelServer, asked: Asked, reply: Reply) -> Iterator[bytes]:
        usage = _usage(asked, reply)
        head = {**self._head(server, asked), "content": [], "stop_reason": None}
        yield sse(
            {"type": "message_start", "message": {**head, "usage": {**usage, "output_tokens": 1}}}, "message_start"
        )
        yield sse({"type": "ping"}, "ping")
        for index, block in enumerate(self._blocks(server, reply)):
            empty, deltas = _in_parts(block, reply.pieces)
            start = {"type": "content_block_start", "index": index, "content_block": empty}
            yield sse(start, "content_block_start")
            for number, delta in enumerate(deltas):
                if number == 1 and reply.error_in_stream:
                    error = {"type": "overloaded_error", "message": "Overloaded"}
                    yield sse({"type": "error", "error": error}, "error")
                    return
                if number == 1:
                    server.wait_for(reply.stall)
                raw = sse({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
                yield raw[: len(raw) * 2 // 3]
                yield raw[len(raw) * 2 // 3 :]
            yield sse({"type": "content_block_stop", "index": index}, "content_block_stop")
        delta = {"stop_reason": self._stop(reply), "stop_sequence": None}
        written = {"output_tokens": usage["output_tokens"]}
        yield sse({"type": "message_delta", "delta": delta, "usage": written}, "message_delta")
        yield sse({"type": "message_stop"}, "message_stop")

    def error(self, status: int, message: str) -> dict[str, Any]:
        kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    def _head(self, server: ModelServer, asked: Asked) -> dict[str, Any]:
        made = {"id": f"msg_{server.number()}", "type": "message", "role": "assistant", "stop_sequence": None}
        return {**made, "model": asked.body["model"]}

    def _stop(self, reply: Reply) -> str:
        return "tool_use" if reply.calls else _STOPS[reply.stop]

    def _blocks(self, server: ModelServer, reply: Reply) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if reply.thought:
            blocks.append({"type": "thinking", "thinking": "", "signature": reply.thought})
        if reply.text:
            blocks.append({"type": "text", "text": reply.text})
        ids = []
        for name, arguments in reply.calls:
            ids.append(f"toolu_{server.number()}")
            blocks.append({"type": "tool_use", "id": ids[-1], "name": name, "input": dict(arguments)})
        if ids:
            server.given[ids[0]] = blocks
        return blocks


def _in_parts(block: dict[str, Any], count: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the beginning of a block and the deltas after it."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in pieces(block["text"], count)]
    if block["type"] == "thinking":
        return {**block, "signature": ""}, [{"type": "signature_delta", "signature": block["signature"]}]
    parts = pieces(json.dumps(block["input"]), count)
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _usage(asked: Asked, reply: Reply) -> dict[str, int]:
    written = len(reply.text) // 4 + 10 * len(reply.calls) + 1
    return {
        "input_tokens": len(json.dumps(asked.body)) // 4,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 3,
        "output_tokens": written,
    }
