"""OpenAI's chat completions, as strict as the real server, for `models.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .models import KEY, Asked, ModelServer, Refusal, Reply, pieces, sse

_PARAMETERS = {
    *("model", "messages", "tools", "tool_choice", "stream", "stream_options", "max_completion_tokens", "max_tokens"),
    *("temperature", "top_p", "n", "stop", "user", "parallel_tool_calls", "response_format", "reasoning_effort"),
}
_MODELS = {"gpt-4o": "old", "gpt-4o-mini": "old", "gpt-5": "new", "gpt-5-mini": "new", "o4-mini": "new"}
_RETIRED = {"gpt-3.5-turbo-0301"}
_FINISH = {"end": "stop", "length": "length", "filtered": "content_filter", "refusal": "stop"}


class OpenAIServer:
    """The protocol."""

    def check(self, server: ModelServer, asked: Asked) -> None:
        if asked.path != "/v1/chat/completions":
            raise Refusal("Invalid URL", 404)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            raise Refusal(f"Incorrect API key provided: {KEY[:7]}***", 401)
        body = asked.body
        model = body.get("model")
        if model in _RETIRED or model not in _MODELS:
            raise Refusal(f"The model `{model}` does not exist or has been deprecated", 404)
        if unknown := body.keys() - _PARAMETERS:
            raise Refusal(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
        if _MODELS[model] == "new":
            if "max_tokens" in body:
                raise Refusal("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
            if body.get("temperature") not in {None, 1}:
                raise Refusal("Unsupported value: 'temperature' does not support it with this model.")
        if "stream_options" in body and not body.get("stream"):
            raise Refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        for tool in body.get("tools", []):
            if tool.get("type") != "function" or tool["function"]["parameters"].get("type") != "object":
                raise Refusal("Invalid schema for function")
        if "tools" in body and not body["tools"]:
            raise Refusal("[] is too short - 'tools'")
        self._check_messages(server, body.get("messages"))

    def _check_messages(self, server: ModelServer, messages: Any) -> None:
        if not messages:
            raise Refusal("[] is too short - 'messages'")
        open_calls: list[str] = []
        for message in messages:
            role, content = message.get("role"), message.get("content")
            if role == "tool":
                if message.get("tool_call_id") not in open_calls:
                    raise Refusal(
                        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                    )
                open_calls.remove(message["tool_call_id"])
                continue
            if open_calls:
                raise Refusal("An assistant message with 'tool_calls' must be followed by tool messages.")
            if role not in {"system", "developer", "user", "assistant"}:
                raise Refusal(f"Invalid value: '{role}'.")
            if role == "assistant" and message.get("tool_calls"):
                open_calls = [call["id"] for call in message["tool_calls"]]
                for call in message["tool_calls"]:
                    if server.given.get(call["id"]) != call["function"]:
                        raise Refusal("The tool call did not come back as it was given")
                    json.loads(call["function"]["arguments"])
                if message.get("reasoning") != server.given.get(f"reasoning {open_calls[0]}"):
                    raise Refusal("The reasoning did not come back as it was given")
            elif not isinstance(content, str | list):
                raise Refusal("Invalid type for 'messages.content': expected a string or an array.")
            if isinstance(content, list):
                for part in content:
                    if part["type"] == "image_url" and not part["image_url"]["url"].startswith("data:image/"):
                        raise Refusal("Invalid image URL")
        if open_calls:
            raise Refusal("An assistant message with 'tool_calls' must be followed by tool messages.")

    def is_stream(self, asked: Asked) -> bool:
        return bool(asked.body.get("stream"))

    def whole(self, server: ModelServer, asked: Asked, reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
        if reply.stop == "refusal":
            message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
        if reply.calls:
            message["tool_calls"] = self._calls(server, reply)
        if reply.thought:
            message["reasoning"] = reply.thought
        finish = "tool_calls" if reply.calls else _FINISH[reply.stop]
        return {
            **self._head(server, asked, "chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            "usage": _usage(asked, reply),
        }

    def streamed(self, server: ModelServer, asked: Asked, reply: Reply) -> Iterator[bytes]:
        head = self._head(server, asked, "chat.completion.chunk")

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        yield b": keep-alive\n\n"
        yield chunk({"role": "assistant", "content": "", "refusal": None})
        if reply.thought:
            yield chunk({"reasoning": reply.thought})
        for number, part in enumerate(pieces(reply.text, reply.pieces)):
            if number == 1 and reply.error_in_stream:
                yield sse({"error": {"message": "The server had an error", "type": "server_error", "code": None}})
                return
            if number == 1:
                server.wait_for(reply.stall)
            # Cut inside of characters, as networks do.
            raw = chunk({"content": part})
            yield raw[: len(raw) // 2]
            yield raw[len(raw) // 2 :]
        if reply.stop == "refusal":
            yield chunk({"refusal": "I can't help with that."})
        for index, call in enumerate(self._calls(server, reply)):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            begin = {"index": index, "id": call["id"], "type": "function", "function": {"name": name, "arguments": ""}}
            yield chunk({"tool_calls": [begin]})
            for part in pieces(arguments, 3):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        yield chunk({}, "tool_calls" if reply.calls else _FINISH[reply.stop])
        if (asked.body.get("stream_options") or {}).get("include_usage"):
            yield sse({**head, "choices": [], "usage": _usage(asked, reply)})
        yield b"data: [DONE]\n\n"

    def error(self, status: int, message: str) -> dict[str, Any]:
        code = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}

    def _head(self, server: ModelServer, asked: Asked, kind: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{server.number()}", "object": kind, "created": 1, "model": asked.body["model"]}

    def _calls(self, server: ModelServer, reply: Reply) -> list[dict[str, Any]]:
        made = []
        for name, arguments in reply.calls:
            call_id = f"call_{server.number()}"
            server.given[call_id] = {"name": name, "arguments": json.dumps(arguments)}
            made.append({"id": call_id, "type": "function", "function": server.given[call_id]})
        if made and reply.thought:
            server.given[f"reasoning {made[0]['id']}"] = reply.thought
        return made


def _usage(asked: Asked, reply: Reply) -> dict[str, int]:
    read = len(json.dumps(asked.body)) // 4
    written = len(reply.text) // 4 + 10 * len(reply.calls) + 1
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
