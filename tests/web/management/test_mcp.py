"""MCP over HTTP, judged by the official client, and asked what that would never ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from flask_pocketping.web.management.mcp import VERSIONS
from flask_pocketping.web.management.tools import TOOLS

from ...conftest import LOCAL, Serve
from ...support.clients import Api
from ...support.servers import KEY, make_app

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def converse(api: Api, talk: Callable[[Client], Awaitable[Any]], *, mode: str = "legacy") -> Any:
    """Talk to a server through the official client."""

    async def main() -> Any:
        headers = {"Authorization": f"Bearer {api.key}"}
        async with create_mcp_http_client(headers=headers) as http:
            transport = streamable_http_client(f"{api.url}/api/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await talk(client)

    return asyncio.run(asyncio.wait_for(main(), 30))


def tool(api: Api, name: str, **arguments: Any) -> Any:
    """What a tool returns, which must be no error."""
    result = converse(api, lambda client: client.call_tool(name, arguments))
    assert not result.is_error, result
    return json.loads(result.content[0].text)


def post(api: Api, message: Any, **headers: str) -> requests.Response:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post("/api/mcp", data=body, headers={"Content-Type": "application/json", **named})


def error_of(answer: requests.Response) -> int:
    return int(answer.json()["error"]["code"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_official_client_connects(shared: Api, mode: str) -> None:
    async def talk(client: Client) -> Any:
        return client.protocol_version, client.server_info, await client.list_tools(), await client.list_prompts()

    version, info, tools, prompts = converse(shared, talk, mode=mode)
    assert version == VERSIONS[-1]
    assert info.name == "flask-pocketping"
    names = ["list_projects", "get_project", "update_project", "list_sessions", "get_conversation", "get_stats"]
    assert [item.name for item in tools.tools] == [*names, "send_reply"]
    assert [item.name for item in prompts.prompts] == ["triage_unanswered", "draft_reply"]
    assert [item.name for item in tools.tools if not item.annotations.read_only_hint] == [
        "update_project",
        "send_reply",
    ]


def test_the_tools_do_what_the_routes_do(shared: Api) -> None:
    visitor = shared.visitor()
    visitor.say("Where is my parcel?")
    (project,) = tool(shared, "list_projects")["projects"]
    assert project in shared.ok("GET", "/api/v1/projects")["projects"]
    changed = tool(shared, "update_project", projectId=project["id"], hubspotNotifyPresence=True)
    assert changed["project"]["hubspotNotifyPresence"] is True
    assert tool(shared, "get_project", projectId=project["id"]) == changed
    found = tool(shared, "list_sessions", unanswered=True, q="parcel", limit=5)["sessions"]
    assert [session["id"] for session in found] == [visitor.session_id]
    sent = tool(shared, "send_reply", sessionId=visitor.session_id, content="On its way", operatorName="Ana")
    assert sent["message"]["operatorName"] == "Ana"
    read = tool(shared, "get_conversation", sessionId=visitor.session_id)
    assert [item["content"] for item in read["messages"]] == ["Where is my parcel?", "On its way"]
    assert read == shared.ok("GET", f"/api/v1/sessions/{visitor.session_id}")
    told = tool(shared, "get_stats", period="30d")
    assert told.keys() == shared.ok("GET", "/api/v1/stats").keys()
    assert [item["content"] for item in visitor.messages()][-1] == "On its way"


def test_what_a_tool_refuses_is_told_to_the_assistant(shared: Api) -> None:
    for name, arguments, reason in (
        ("get_conversation", {"sessionId": "sess_nothing"}, "Error: Session not found"),
        ("get_conversation", {}, "Error: sessionId: Missing data for required field."),
        ("get_project", {"projectId": "proj_other"}, "Error: Project not found"),
        ("list_sessions", {"limit": 1000}, "Error: limit: "),
        ("send_reply", {"sessionId": "sess_nothing", "content": " "}, "Error: content: "),
    ):
        result = converse(shared, lambda client, n=name, a=arguments: client.call_tool(n, a))  # type: ignore[misc]
        assert result.is_error
        assert result.content[0].text.startswith(reason)


def test_a_fault_of_ours_shows_nothing_of_it(
    shared: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: Any, **keywords: Any) -> Any:
        raise RuntimeError("the password is 123")

    monkeypatch.setattr("flask_pocketping.chat.projects.get_project", fail)
    result = post(shared, {**PING, "method": "tools/call", "params": {"name": "list_projects"}}).json()["result"]
    text = "Error: Something went wrong on the server."
    assert result == {"content": [{"type": "text", "text": text}], "isError": True}
    assert "the password is 123" in caplog.text


def test_prompts_name_what_they_are_about(shared: Api) -> None:
    async def talk(client: Client) -> Any:
        return [
            await client.get_prompt("triage_unanswered"),
            await client.get_prompt("triage_unanswered", {"projectId": "proj_1"}),
            await client.get_prompt("draft_reply", {"sessionId": "sess_1"}),
        ]

    everything, one, draft = (found.messages[0].content.text for found in converse(shared, talk))
    assert "proj_1" in one
    assert "proj_1" not in everything
    assert "sess_1" in draft


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_is_described_with_all_that_it_takes(name: str) -> None:
    schema = TOOLS[name].describe()["inputSchema"]
    known = {field.data_key or key: field for key, field in TOOLS[name].arguments().fields.items()}
    assert schema["properties"].keys() == known.keys()
    assert schema.get("required", []) == [key for key, field in known.items() if field.required]


def test_messages_that_are_none(shared: Api) -> None:
    for message, code in (
        (b"{", -32700),
        (b"", -32700),
        (b"\xff", -32700),
        (b"[" * 5000, -32600),
        ([PING], -32600),
        ({**PING, "jsonrpc": "1.0"}, -32600),
        ({**PING, "method": 5}, -32600),
        ({**PING, "id": None}, -32600),
        ({**PING, "id": True}, -32600),
        ({**PING, "id": "\ud800"}, -32600),
        ({"jsonrpc": "2.0"}, -32600),
    ):
        answer = post(shared, message)
        assert (answer.status_code, error_of(answer), answer.json()["id"]) == (400, code, None), message
    for message, code in (
        ({**PING, "method": "resources/list"}, -32601),
        ({**PING, "params": []}, -32602),
        ({**PING, "method": "tools/call"}, -32602),
        ({**PING, "method": "tools/call", "params": {"name": "drop_tables"}}, -32602),
        ({**PING, "method": "tools/call", "params": {"name": "get_stats", "arguments": []}}, -32602),
        ({**PING, "method": "prompts/get", "params": {"name": "draft_reply"}}, -32602),
        (
            {**PING, "method": "prompts/get", "params": {"name": "draft_reply", "arguments": {"sessionId": "\ud800"}}},
            -32602,
        ),
        ({**PING, "method": "prompts/get", "params": {"name": "draft_reply", "arguments": {"sessionId": 1}}}, -32602),
    ):
        answer = post(shared, message)
        assert (answer.status_code, error_of(answer), answer.json()["id"]) == (200, code, 1), message


def test_notifications_and_responses_are_accepted(shared: Api) -> None:
    for message in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/unknown", "params": {}},
        {"jsonrpc": "2.0", "id": 5, "result": {}},
    ):
        answer = post(shared, message)
        assert (answer.status_code, answer.content) == (202, b"")
    assert post(shared, PING).json() == {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_versions(shared: Api) -> None:
    for asked, answered in ((VERSIONS[0], VERSIONS[0]), ("1999-01-01", VERSIONS[-1]), (None, VERSIONS[-1])):
        params = {} if asked is None else {"protocolVersion": asked}
        found = post(shared, {**PING, "method": "initialize", "params": params}).json()["result"]
        assert found["protocolVersion"] == answered
    assert post(shared, PING, MCP_Protocol_Version=VERSIONS[0]).status_code == 200
    refused = post(shared, PING, MCP_Protocol_Version="1999-01-01")
    assert (refused.status_code, refused.json()["id"]) == (400, 1)
    assert refused.json()["error"]["data"] == {"supported": list(VERSIONS)}


def test_who_may_not_ask_gets_http_errors(shared: Api) -> None:
    nobody = post(shared.with_key(None), PING)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "UNAUTHORIZED")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    assert post(shared, PING, Origin="https://elsewhere.example").status_code == 403
    assert post(shared, PING, Origin=shared.url).status_code == 200
    assert post(shared, PING, Content_Type="text/plain").status_code == 415
    assert post(shared, {**PING, "x": "y" * 70_000}).status_code == 413
    for method in ("GET", "DELETE"):
        answer = shared.request(method, "/api/mcp")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_each_call_counts_for_the_key(tmp_path: Path, serve: Serve) -> None:
    api = serve(make_app(tmp_path, **LOCAL, rate_limit="2/minute"))
    assert api.key == KEY
    assert [post(api, PING).status_code for _ in range(3)] == [200, 200, 429]
