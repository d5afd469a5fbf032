"""Tests the three protocols of models against strict servers."""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from flask_pocketping.ai.models import make_client, make_provider
from flask_pocketping.ai.providers.eventstream import EventTooLong, read_events
from flask_pocketping.ai.providers.openai import merge
from flask_pocketping.ai.providers.protocol import (
    Answer,
    Image,
    ModelTurn,
    Provider,
    ProviderError,
    Request,
    ToolResult,
    ToolSpec,
    ToolTurn,
    Turn,
    UserTurn,
)
from flask_pocketping.config import Config

from ..support.anthropic_server import AnthropicServer
from ..support.gemini_server import GeminiServer
from ..support.models import KEY, ModelServer, Reply, model_server, sse
from ..support.openai_server import OpenAIServer
from ..support.pictures import png_of

TEXT = "Grüße! 👋 It costs 5 €."
FIND = ToolSpec(
    "find",
    "Find an order.",
    {"type": "object", "properties": {"number": {"type": "integer", "description": "Its number."}}},
)
NOTHING = ToolSpec("now", "Tell the time.", {"type": "object", "properties": {}})
HI = (UserTurn("Hi"),)


@dataclass
class Line:
    """A server and what asks it."""

    kind: str
    server: ModelServer
    provider: Provider

    def ask(self, turns: tuple[Turn, ...] = HI, *, stream: bool = True, **more: Any) -> tuple[list[str], Answer]:
        """Ask, and return the parts of the text and the answer."""
        request = Request("Be kind.", turns, **{"timeout": 5.0, **more})
        if not stream:
            return [], self.provider.answer(request)
        *parts, answer = list(self.provider.stream(request))
        assert isinstance(answer, Answer)
        return [str(part) for part in parts], answer


KINDS: dict[str, tuple[Any, str, str]] = {
    "openai": (OpenAIServer, "gpt-5", "/v1"),
    "anthropic": (AnthropicServer, "claude-sonnet-4-5", ""),
    "gemini": (GeminiServer, "gemini-2.5-flash", ""),
}


@contextmanager
def connected(server: ModelServer, kind: str = "openai") -> Iterator[Line]:
    """Connect a provider to a server."""
    _, model, path = KINDS[kind]
    config = Config(
        ai_provider=kind,
        ai_model=model,
        ai_api_key=KEY,
        ai_base_url=server.url + path,
        ai_allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    )
    client = make_client(config)
    provider = make_provider(config, client)
    assert provider is not None
    yield Line(kind, server, provider)
    client.close()


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    with model_server(KINDS[request.param][0]()) as server, connected(server, request.param) as made:
        yield made


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_has_its_text_and_its_cost(line: Line, stream: bool) -> None:
    line.server.reply = lambda asked: Reply(TEXT)
    parts, answer = line.ask(stream=stream)
    assert (answer.text, answer.stop, answer.calls) == (TEXT, "end", ())
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    if stream:
        assert "".join(parts) == TEXT
        assert len(parts) == 3
    assert line.server.refusals == []


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("thought", ["b3BhcXVl", None])
def test_tools_are_called_and_opaque_blocks_come_back_unchanged(line: Line, stream: bool, thought: str | None) -> None:
    calls: list[Any] = [("find", {"number": 17}), ("find", {"number": 18})]
    line.server.replies = [Reply("Let me see.", calls=calls, thought=thought), Reply("Found")]
    _, first = line.ask(stream=stream, tools=(FIND, NOTHING))
    assert first.stop == "tools"
    assert first.text == "Let me see."
    assert [(call.name, call.arguments) for call in first.calls] == calls
    results = tuple(ToolResult(call, f"there {number}") for number, call in enumerate(first.calls))
    turns = (*HI, ModelTurn(first.text, first.calls, first.raw), ToolTurn(results))
    _, second = line.ask(turns, stream=stream, tools=(FIND, NOTHING))
    assert second.text == "Found"
    assert line.server.refusals == []


def test_a_conversation_of_people_is_made_to_alternate(line: Line) -> None:
    turns = (
        *(
            ModelTurn("Welcome!"),
            UserTurn("Hello"),
            UserTurn("Anybody?"),
            ModelTurn("Yes"),
            ModelTurn("How can I help?"),
        ),
        UserTurn("I wait", (Image("image/png", png_of(4, 4)),)),
    )
    line.ask(turns)
    assert line.server.refusals == []


@pytest.mark.parametrize(
    ("reply", "stop"),
    [(Reply(stop="length"), "length"), (Reply(stop="filtered"), "filtered"), (Reply(stop="refusal"), "refusal")],
    ids=["length", "filtered", "refusal"],
)
@pytest.mark.parametrize("stream", [True, False])
def test_an_empty_answer_says_why(line: Line, stream: bool, reply: Reply, stop: str) -> None:
    line.server.replies = [reply]
    _, answer = line.ask(stream=stream)
    assert answer.text == ""
    # Not every protocol tells a refusal from a filter.
    assert answer.stop in {stop, "filtered" if stop == "refusal" else stop, "refusal" if stop == "filtered" else stop}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
def test_errors_say_whether_to_try_again_and_show_no_key(
    line: Line, stream: bool, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    line.server.replies = [Reply(status=status, retry_after="7" if status in {429, 529} else None)]
    with pytest.raises(ProviderError) as raised:
        line.ask(stream=stream)
    error = raised.value
    assert error.transient == (status >= 429)
    assert error.retry_after == (7.0 if status in {429, 529} else None)
    assert error.status == status
    assert f"HTTP {status}" in str(error)
    shown = f"{error!r} {error.__cause__!r} {caplog.text}"
    assert KEY[:7] not in shown
    assert line.server.url not in shown


def test_keys_stand_in_no_address_and_no_repr(line: Line) -> None:
    line.ask()
    [asked] = line.server.asked
    assert KEY not in asked.path
    assert KEY in " ".join(asked.headers.values())
    assert KEY not in repr(line.provider.__dict__)


def test_an_error_in_the_middle_of_a_stream_is_an_error(line: Line) -> None:
    line.server.replies = [Reply(TEXT, error_in_stream=True)]
    with pytest.raises(ProviderError) as raised:
        line.ask()
    assert raised.value.transient


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("cut", [60, 700, 1500])
def test_a_stream_that_is_cut_off_is_no_answer(line: Line, cut: int, ends: bool) -> None:
    # Also where it ends within a character.
    line.server.replies = [Reply("👋" * 400, cut=cut, pieces=40, ends=ends)]
    with pytest.raises(ProviderError) as raised:
        line.ask()
    assert raised.value.transient


@pytest.mark.parametrize("stream", [True, False])
def test_a_server_that_stalls_is_given_up(line: Line, stream: bool) -> None:
    never = threading.Event()
    line.server.replies = [Reply(TEXT, stall=never) if stream else Reply(TEXT, hold=never)]
    started = time.monotonic()
    with pytest.raises(ProviderError) as raised:
        line.ask(stream=stream, timeout=0.5)
    assert time.monotonic() - started < 5
    assert raised.value.transient


@pytest.mark.parametrize("raw", [b"<html>", b"[1]", b"{}", b'{"choices": 5, "content": 5, "candidates": 5}'])
def test_answers_of_another_form_are_errors(line: Line, raw: bytes) -> None:
    for stream in (True, False):
        line.server.replies = [Reply(raw=raw)]
        with pytest.raises(ProviderError):
            line.ask(stream=stream)


# --- Servers that mean harm, or are broken ---

#: An event of each protocol with a text, and what a whole answer looks like.
EVENTS_OF: dict[str, dict[str, Any]] = {
    "openai": {"choices": [{"delta": {"content": "x"}}]},
    "anthropic": {"type": "ping"},
    "gemini": {"candidates": [{"content": {"parts": [{"text": "x"}]}}]},
}


def expect_given_up(line: Line, raw: bytes) -> None:
    """By its size or by its time."""
    line.server.replies = [Reply(raw=raw, repeat=10**9)]
    started = time.monotonic()
    with pytest.raises(ProviderError) as raised:
        line.ask(timeout=1.0)
    assert raised.value.transient
    assert time.monotonic() - started < 5


def test_an_endless_answer_is_given_up(line: Line) -> None:
    expect_given_up(line, sse(EVENTS_OF[line.kind]) * 200)


@pytest.mark.parametrize("raw", [b": keep-alive\n\n" * 5000, b"data: " + b"x" * 65_536, b"x", b"\n" * 65_536, b"\0"])
def test_an_endless_stream_of_anything_is_given_up(raw: bytes) -> None:
    with model_server(OpenAIServer()) as server, connected(server) as line:
        expect_given_up(line, raw)


@pytest.mark.parametrize("stream", [True, False])
def test_a_compressed_answer_is_not_decompressed(line: Line, stream: bool) -> None:
    bomb = gzip.compress(b'{"x": "' + b"0" * 20_000_000)
    line.server.replies = [Reply(raw=bomb, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(ProviderError):
        line.ask(stream=stream)


@pytest.mark.parametrize("stream", [True, False])
def test_a_redirect_is_not_followed(line: Line, stream: bool) -> None:
    with model_server(OpenAIServer()) as other:
        line.server.replies = [Reply(raw=b"", status=307, headers={"Location": f"{other.url}/v1/chat/completions"})]
        with pytest.raises(ProviderError, match="HTTP 307"):
            line.ask(stream=stream)
        assert other.asked == []


def whole_of(kind: str, text: str, usage: Any, args: Any = None) -> dict[str, Any]:
    """A whole answer with values of any type."""
    if kind == "openai":
        call = {"id": 5, "function": {"name": 7, "arguments": json.dumps(args)}}
        message = {"content": text, **({"tool_calls": [call]} if args is not None else {})}
        return {"choices": [{"message": message}], "usage": {"prompt_tokens": usage, "completion_tokens": usage}}
    if kind == "anthropic":
        calls = [{"type": "tool_use", "id": 5, "name": 7, "input": args}] if args is not None else []
        blocks = [{"type": "text", "text": text}, *calls]
        return {"content": blocks, "stop_reason": "end_turn", "usage": {"input_tokens": usage, "output_tokens": usage}}
    called = [{"functionCall": {"name": 7, "args": args}}] if args is not None else []
    return {
        "candidates": [{"content": {"parts": [{"text": text}, *called]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": usage, "candidatesTokenCount": usage},
    }


@pytest.mark.parametrize("usage", ["many", [1], {"a": 1}, float("inf"), float("nan")], ids=str)
def test_a_cost_that_is_no_number_is_an_error_of_the_server(line: Line, usage: Any) -> None:
    line.server.replies = [Reply(raw=json.dumps(whole_of(line.kind, "Hi", usage)).encode())]
    with pytest.raises(ProviderError, match="unknown form"):
        line.ask(stream=False)


@pytest.mark.parametrize("args", ["text", [1, 2], 5, True], ids=str)
def test_arguments_that_are_no_object_are_none(line: Line, args: Any) -> None:
    line.server.replies = [Reply(raw=json.dumps(whole_of(line.kind, "Hi", 1, args)).encode())]
    _, answer = line.ask(stream=False)
    [call] = answer.calls
    assert (call.name, call.arguments) == ("7", None)


def test_deeply_nested_json_is_an_error(line: Line) -> None:
    deep = b"[" * 200_000
    for raw, stream in ((deep, False), (b"data: " + deep + b"\n\n", True)):
        line.server.replies = [Reply(raw=raw)]
        with pytest.raises(ProviderError):
            line.ask(stream=stream)


def test_bytes_that_are_no_utf_8_are_replaced(line: Line) -> None:
    raw = json.dumps(whole_of(line.kind, "A@@B", 1)).encode().replace(b"@@", b"\xff\xfe")
    line.server.replies = [Reply(raw=raw)]
    with pytest.raises(ProviderError):
        line.ask(stream=False)
    if line.kind == "openai":
        event = b'data: {"choices": [{"delta": {"content": "A\xffB"}, "finish_reason": "stop"}]}\n\n'
        line.server.replies = [Reply(raw=event)]
        assert line.ask()[1].text == "A\ufffdB"


def test_an_answer_with_too_many_calls_is_an_error() -> None:
    calls = [{"index": number, "function": {"name": "x"}} for number in range(100_000)]
    message: dict[str, Any] = {}
    started = time.process_time()
    with pytest.raises(ProviderError):
        merge(message, {"tool_calls": calls})
    assert time.process_time() - started < 1


def test_a_long_line_in_small_parts_takes_no_longer_than_its_length() -> None:
    parts = itertools.chain([b"data: "], itertools.repeat(b"x" * 16, 200_000), [b"\n\n"])
    started = time.process_time()
    [(_, data)] = read_events(parts)
    assert len(data) == 3_200_000
    assert time.process_time() - started < 5


def test_a_content_in_parts_has_the_text_of_them() -> None:
    with model_server(OpenAIServer()) as server, connected(server) as line:
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "Hello"}]
        server.replies = [
            Reply(raw=json.dumps({"choices": [{"message": {"content": parts}}]}).encode()),
            Reply(raw=sse({"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]})),
        ]
        assert line.ask(stream=False)[1].text == "Hello"
        assert line.ask() == (["Hello"], Answer("Hello", raw={"role": "assistant", "content": parts}))


def test_an_address_that_is_not_allowed_is_not_asked() -> None:
    config = Config(ai_provider="openai", ai_model="m", ai_base_url="https://127.0.0.1:1/v1")
    client = make_client(config)
    provider = make_provider(config, client)
    assert provider is not None
    with pytest.raises(ProviderError, match="AddressNotAllowed"):
        provider.answer(Request("", HI))
    client.close()


def test_openai_sends_the_parameters_of_the_settings() -> None:
    with model_server(OpenAIServer()) as server:
        config = Config(
            ai_provider="openai",
            ai_model="gpt-4o",
            ai_api_key=KEY,
            ai_base_url=f"{server.url}/v1",
            ai_tokens_parameter="max_tokens",
            ai_temperature=0.2,
            ai_allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        client = make_client(config)
        provider = make_provider(config, client)
        assert provider is not None
        provider.answer(Request("", HI, max_tokens=77))
        client.close()
        body = server.accepted[0].body
    assert (body["max_tokens"], body["temperature"]) == (77, 0.2)
    assert "max_completion_tokens" not in body


# --- Server-sent events ---

EVENTS = (
    "\ufeff: a comment\r\n\r\ndata: one\r\n\r\nevent: named\ndata:two\ndata: lines\n\n"
    "id: 7\nretry: 5\ndata\n\ndata: Grüße 👋\r\rdata: never complete"
).encode()
READ = [("message", "one"), ("named", "two\nlines"), ("message", ""), ("message", "Grüße 👋")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_from_parts_of_any_size(size: int) -> None:
    parts = [EVENTS[start : start + size] for start in range(0, len(EVENTS), size)]
    assert list(read_events(parts)) == READ


def test_an_endless_event_is_refused() -> None:
    with pytest.raises(EventTooLong):
        list(read_events([b"data: "] + [b"x" * 100_000] * 100))
