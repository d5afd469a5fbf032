"""Lets the official packages of the providers judge the servers of `tests/support`: they must speak as these expect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic.types import ContentBlockParam
from anthropic.types.message_create_params import (
    MessageCreateParamsBase,
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsBase,
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

from flask_pocketping.ai.providers.protocol import Image, ModelTurn, ToolResult, ToolSpec, ToolTurn, Turn, UserTurn

from ..support.anthropic_server import AnthropicServer
from ..support.gemini_server import GeminiServer
from ..support.models import KEY, ModelServer, Reply, model_server
from ..support.openai_server import OpenAIServer
from ..support.pictures import png_of
from .test_providers import KINDS, connected

TEXT = "Grüße! 👋 It costs 5 €."
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}


@pytest.fixture
def openai_model() -> Iterator[ModelServer]:
    with model_server(OpenAIServer()) as made:
        yield made


@pytest.fixture
def anthropic_model() -> Iterator[ModelServer]:
    with model_server(AnthropicServer()) as made:
        yield made


@pytest.fixture
def gemini_model() -> Iterator[ModelServer]:
    with model_server(GeminiServer()) as made:
        yield made


# --- OpenAI ---


@pytest.fixture
def chat(openai_model: ModelServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=f"{openai_model.url}/v1", max_retries=0) as client:
        yield client


def test_openai_reads_an_answer_and_a_stream(openai_model: ModelServer, chat: openai.OpenAI) -> None:
    openai_model.reply = lambda asked: Reply(TEXT)
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    whole = chat.chat.completions.create(model="gpt-5", messages=asked, max_completion_tokens=50)
    assert whole.choices[0].message.content == TEXT
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    with chat.chat.completions.create(model="gpt-5", messages=asked, stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert all(chunk.usage is None for chunk in chunks), "usage comes only if it is asked for"
    with chat.chat.completions.create(
        model="gpt-5", messages=asked, stream=True, stream_options={"include_usage": True}
    ) as stream:
        last = list(stream)[-1]
    assert last.usage is not None
    assert last.choices == []


def test_openai_calls_a_tool(openai_model: ModelServer, chat: openai.OpenAI) -> None:
    tools: list[Any] = [{"type": "function", "function": {"name": "find", "description": "x", "parameters": SCHEMA}}]
    openai_model.replies = [Reply(calls=[("find", {"number": 17})]), Reply("Found")]
    asked: list[Any] = [{"role": "user", "content": "Where is 17?"}]
    first = chat.chat.completions.create(model="gpt-5", messages=asked, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    [call] = first.message.tool_calls or []
    asked += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "there"}]
    assert (
        chat.chat.completions.create(model="gpt-5", messages=asked, tools=tools).choices[0].message.content == "Found"
    )
    with pytest.raises(openai.BadRequestError, match="must be followed by tool messages"):
        chat.chat.completions.create(model="gpt-5", messages=asked[:2], tools=tools)
    with pytest.raises(openai.BadRequestError, match="must be a response to a preceding"):
        chat.chat.completions.create(model="gpt-5", messages=[asked[0], asked[2]], tools=tools)


def test_openai_refuses_what_the_real_server_refuses(openai_model: ModelServer, chat: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        chat.chat.completions.create(model="gpt-5", messages=asked, max_tokens=5)
    with pytest.raises(openai.BadRequestError, match="temperature"):
        chat.chat.completions.create(model="gpt-5", messages=asked, temperature=0.2)
    chat.chat.completions.create(model="gpt-4o", messages=asked, max_tokens=5, temperature=0.2)
    with pytest.raises(openai.NotFoundError):
        chat.chat.completions.create(model="gpt-3.5-turbo-0301", messages=asked)
    with pytest.raises(openai.BadRequestError, match="Unrecognized"):
        chat.chat.completions.create(model="gpt-5", messages=asked, extra_body={"max_output": 5})
    with pytest.raises(openai.AuthenticationError):
        chat.with_options(api_key="sk-wrong").chat.completions.create(model="gpt-5", messages=asked)
    openai_model.replies = [Reply(status=429, retry_after="7")]
    with pytest.raises(openai.RateLimitError) as raised:
        chat.chat.completions.create(model="gpt-5", messages=asked)
    assert raised.value.response.headers["retry-after"] == "7"


def test_openai_breaks_off_as_the_real_server_does(openai_model: ModelServer, chat: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    openai_model.replies = [Reply(TEXT, error_in_stream=True)]
    with (
        pytest.raises(openai.APIError, match="The server had an error"),
        chat.chat.completions.create(model="gpt-5", messages=asked, stream=True) as stream,
    ):
        list(stream)
    openai_model.replies = [Reply("👋" * 200, cut=700)]
    with (
        pytest.raises((httpx.RemoteProtocolError, openai.APIError)),
        chat.chat.completions.create(model="gpt-5", messages=asked, stream=True) as stream,
    ):
        list(stream)


# --- Anthropic ---


@pytest.fixture
def claude(anthropic_model: ModelServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEY, base_url=anthropic_model.url, max_retries=0) as client:
        yield client


CLAUDE: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 50}


def test_anthropic_reads_an_answer_and_a_stream(anthropic_model: ModelServer, claude: anthropic.Anthropic) -> None:
    anthropic_model.reply = lambda asked: Reply(TEXT)
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    whole = claude.messages.create(messages=asked, **CLAUDE)
    assert [block.text for block in whole.content if block.type == "text"] == [TEXT]
    assert whole.usage.output_tokens > 0
    with claude.messages.stream(messages=asked, **CLAUDE) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().usage.output_tokens == whole.usage.output_tokens


def test_anthropic_calls_a_tool_with_its_thoughts(anthropic_model: ModelServer, claude: anthropic.Anthropic) -> None:
    tools: list[Any] = [{"name": "find", "description": "x", "input_schema": SCHEMA}]
    anthropic_model.replies = [Reply("Let me see", calls=[("find", {"number": 17})], thought="c2ln"), Reply("Found")]
    asked: list[Any] = [{"role": "user", "content": "Where is 17?"}]
    with claude.messages.stream(messages=asked, tools=tools, **CLAUDE) as stream:
        first = stream.get_final_message()
    assert first.stop_reason == "tool_use"
    content = [block.model_dump(exclude_none=True, exclude={"caller", "parsed_output"}) for block in first.content]
    asked.append({"role": "assistant", "content": content})
    result = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "there"}
    asked.append({"role": "user", "content": [result]})
    claude.messages.create(messages=asked, tools=tools, **CLAUDE)
    for wrong in (
        [*asked[:2], {"role": "user", "content": "And?"}],
        [asked[0], {"role": "user", "content": "Twice"}],
        [asked[0], {"role": "assistant", "content": content[1:]}, asked[2]],
    ):
        with pytest.raises(anthropic.BadRequestError):
            claude.messages.create(messages=wrong, tools=tools, **CLAUDE)


def test_anthropic_refuses_what_the_real_server_refuses(
    anthropic_model: ModelServer, claude: anthropic.Anthropic
) -> None:
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    with pytest.raises(anthropic.BadRequestError, match="cannot both"):
        claude.messages.create(messages=asked, temperature=1, top_p=0.5, **CLAUDE)
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(messages=asked, model="claude-2", max_tokens=5)
    with pytest.raises(anthropic.AuthenticationError):
        claude.with_options(api_key="sk-wrong").messages.create(messages=asked, **CLAUDE)
    anthropic_model.replies = [Reply(status=529)]
    with pytest.raises(anthropic.APIStatusError) as raised:
        claude.messages.create(messages=asked, **CLAUDE)
    assert raised.value.status_code == 529
    anthropic_model.replies = [Reply(TEXT, error_in_stream=True)]
    with pytest.raises(anthropic.APIError, match="Overloaded"), claude.messages.stream(messages=asked, **CLAUDE) as one:
        one.get_final_message()


# --- Gemini ---


@pytest.fixture
def gemini(gemini_model: ModelServer) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=gemini_model.url, api_version="v1beta")
    client = genai.Client(api_key=KEY, http_options=options)
    yield client
    client.close()


FLASH = "gemini-2.5-flash"


def test_gemini_reads_an_answer_and_a_stream(gemini_model: ModelServer, gemini: genai.Client) -> None:
    gemini_model.reply = lambda asked: Reply(TEXT)
    config = types.GenerateContentConfig(system_instruction="Be kind.", max_output_tokens=50)
    whole = gemini.models.generate_content(model=FLASH, contents="Hi", config=config)
    assert whole.text == TEXT
    assert whole.usage_metadata is not None
    stream = list(gemini.models.generate_content_stream(model=FLASH, contents="Hi", config=config))
    assert "".join(part.text or "" for part in stream) == TEXT
    assert stream[-1].usage_metadata is not None


def test_gemini_calls_a_tool_with_its_signature(gemini_model: ModelServer, gemini: genai.Client) -> None:
    declared = types.FunctionDeclaration.model_validate({"name": "find", "description": "x", "parameters": SCHEMA})
    off = types.AutomaticFunctionCallingConfig(disable=True)
    tools: list[Any] = [types.Tool(function_declarations=[declared])]
    config = types.GenerateContentConfig(tools=tools, automatic_function_calling=off)
    gemini_model.replies = [Reply(calls=[("find", {"number": 17})], thought="c2ln"), Reply("Found")]
    asked: list[Any] = [types.Content(role="user", parts=[types.Part(text="Where is 17?")])]
    first = gemini.models.generate_content(model=FLASH, contents=list(asked), config=config)
    assert first.candidates
    said = first.candidates[0].content
    assert said is not None
    assert first.function_calls
    call = first.function_calls[0]
    response = types.FunctionResponse(id=call.id, name=call.name, response={"result": "there"})
    result = types.Content(role="user", parts=[types.Part(function_response=response)])
    found = gemini.models.generate_content(model=FLASH, contents=[*asked, said, result], config=config)
    assert found.text == "Found"
    for wrong in ([*asked, said, asked[0]], [*asked, result]):
        with pytest.raises(genai_errors.ClientError):
            gemini.models.generate_content(model=FLASH, contents=list(wrong), config=config)
    parts = [part.model_copy(update={"thought_signature": None}) for part in said.parts or []]
    with pytest.raises(genai_errors.ClientError, match="thought_signature"):
        gemini.models.generate_content(
            model=FLASH, contents=[*asked, types.Content(role="model", parts=parts), result], config=config
        )


def test_gemini_refuses_what_the_real_server_refuses(gemini_model: ModelServer, gemini: genai.Client) -> None:
    with pytest.raises(genai_errors.ClientError) as raised:
        gemini.models.generate_content(model="gemini-1.0-pro", contents="Hi")
    assert raised.value.code == 404
    gemini_model.replies = [Reply(status=429), Reply(stop="filtered"), Reply(status=503)]
    with pytest.raises(genai_errors.ClientError):
        gemini.models.generate_content(model=FLASH, contents="Hi")
    blocked = gemini.models.generate_content(model=FLASH, contents="Hi")
    assert blocked.candidates
    assert blocked.candidates[0].finish_reason == types.FinishReason.SAFETY
    with pytest.raises(genai_errors.ServerError):
        gemini.models.generate_content(model=FLASH, contents="Hi")


# --- What we send ---

#: A conversation with all that a request can have: pictures, calls with opaque blocks, results and errors.
FIND = ToolSpec("find", "Find an order.", SCHEMA)
NOTHING = ToolSpec("now", "Tell the time.", {"type": "object", "properties": {}})


def sent_by(kind: str) -> list[dict[str, Any]]:
    """The bodies that our provider sends for a question with a picture, and for the results of its calls."""
    with model_server(KINDS[kind][0]()) as server, connected(server, kind) as line:
        server.replies = [
            Reply("Let me see.", calls=[("find", {"number": 17}), ("now", {})], thought="b3BhcXVl"),
            Reply("Found"),
        ]
        turns: tuple[Turn, ...] = (
            UserTurn("Hi"),
            ModelTurn("Hello"),
            UserTurn("Where is this?", (Image("image/png", png_of(4, 4)),)),
        )
        _, first = line.ask(turns, tools=(FIND, NOTHING))
        results = (ToolResult(first.calls[0], "there"), ToolResult(first.calls[1], "failed", is_error=True))
        line.ask((*turns, ModelTurn(first.text, first.calls, first.raw), ToolTurn(results)), tools=(FIND, NOTHING))
        line.ask(turns, tools=(FIND,), stream=False)
        assert server.refusals == []
        return [asked.body for asked in server.accepted]


def test_openai_parses_what_we_send() -> None:
    known = {**CompletionCreateParamsBase.__annotations__, "stream": None}
    for body in sent_by("openai"):
        assert body.keys() <= known.keys()
        form = CompletionCreateParamsStreaming if body.get("stream") else CompletionCreateParamsNonStreaming
        parsed: Any = TypeAdapter(form).validate_python(body)
        # The messages are checked one by one, as they are read.
        assert len(list(parsed["messages"])) == len(body["messages"])
        assert len(list(parsed["tools"])) == len(body["tools"])


def test_anthropic_parses_what_we_send() -> None:
    for body in sent_by("anthropic"):
        form = MessageCreateParamsStreaming if body.get("stream") else MessageCreateParamsNonStreaming
        assert body.keys() <= {*form.__annotations__, *MessageCreateParamsBase.__annotations__}
        parsed: Any = TypeAdapter(form).validate_python(body)
        assert len(list(parsed["messages"])) == len(body["messages"])
        for message in body["messages"]:
            # Pydantic can't read lists within lists that it checks one by one.
            for block in message["content"] if isinstance(message["content"], list) else ():
                TypeAdapter(ContentBlockParam).validate_python(block)
        assert len(list(parsed["tools"])) == len(body["tools"])


def test_gemini_parses_what_we_send() -> None:
    for body in sent_by("gemini"):
        assert body.keys() <= {"contents", "systemInstruction", "tools", "generationConfig"}
        # These models refuse fields that they do not know.
        contents = [types.Content.model_validate(one) for one in body["contents"]]
        assert [one.role for one in contents][::2] == ["user"] * len(contents[::2])
        types.Content.model_validate(body["systemInstruction"])
        types.GenerationConfig.model_validate(body["generationConfig"])
        for tool in body["tools"]:
            assert types.Tool.model_validate(tool).function_declarations


def test_the_packages_refuse_what_is_wrong() -> None:
    """So the tests above can fail."""
    asked: Any = {"model": "m", "max_tokens": 5, "messages": [{"role": "tool", "content": 5}]}
    for form in (CompletionCreateParamsNonStreaming, MessageCreateParamsNonStreaming):
        parsed: Any = TypeAdapter(form).validate_python(asked)
        with pytest.raises(ValidationError):
            list(parsed["messages"])
    with pytest.raises(ValidationError):
        TypeAdapter(ContentBlockParam).validate_python({"type": "tool_result", "content": 5})
    with pytest.raises(ValidationError):
        types.Content.model_validate({"role": "user", "parts": [{"texts": "x"}]})
