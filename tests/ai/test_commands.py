"""Tests `flask pocketping ai check` and `flask pocketping ai eval`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_pocketping import Identity, PocketPing
from flask_pocketping.chat import messages, notes

from ..support.desk import Desk
from ..support.models import KEY, Reply
from ..support.servers import make_app


def run(desk: Desk, *arguments: str) -> Result:
    return desk.app.test_cli_runner().invoke(args=["pocketping", "ai", *arguments])


def test_the_check_shows_the_answer_its_cost_and_its_time(desk: Desk) -> None:
    desk.model.replies = [Reply("It works.")]
    shown = run(desk, "check")
    assert shown.exit_code == 0
    assert shown.output.startswith("openai gpt-5 answered: It works.\n")
    assert " tokens, " in shown.output


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=401), "POCKETPING_AI_API_KEY"),
        (Reply(status=404), "POCKETPING_AI_MODEL"),
        (Reply(status=400), "POCKETPING_AI_TOKENS_PARAMETER"),
        (Reply(stop="length"), "without a text"),
    ],
)
def test_the_check_says_what_to_do(desk: Desk, reply: Reply, said: str) -> None:
    desk.model.replies = [reply]
    shown = run(desk, "check")
    assert shown.exit_code == 1
    assert said in shown.output
    assert KEY[:7] not in shown.output


def test_the_check_of_a_provider_of_the_host_shows_no_traceback(tmp_path: Path) -> None:
    class Broken:
        def answer(self, request: Any) -> Any: ...

        def stream(self, request: Any) -> Any:
            raise KeyError("a key of mine")

    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="of the test", POCKETPING_WORKER="off")
    pocketping = PocketPing(app, ai=Broken())
    shown = app.test_cli_runner().invoke(args=["pocketping", "ai", "check"])
    assert (shown.exit_code, "Broken: The provider failed: KeyError." in shown.output) == (1, True)
    assert isinstance(shown.exception, SystemExit)
    pocketping.close(app)


def test_without_an_ai_the_commands_say_so(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    shown = app.test_cli_runner().invoke(args=["pocketping", "ai", "check"])
    assert (shown.exit_code, "POCKETPING_AI_PROVIDER" in shown.output) == (1, True)


CASES: list[dict[str, Any]] = [
    {
        "id": "order",
        "messages": [
            {"type": "visitor", "content": "Hello"},
            {"type": "operator", "content": "Hi!"},
            {"type": "visitor", "content": "Where is order 17?"},
        ],
        "identity": {"customerId": "7", "verified": True},
        "expect": {"contains": ["on its way"], "calls": ["order_status"], "handOver": False},
    },
    {
        "id": "person",
        "messages": [{"type": "visitor", "content": "A person, please"}],
        "expect": {"handOver": False, "excludes": ["colleague"]},
    },
]


@pytest.fixture
def cases(tmp_path: Path) -> str:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)) + "\n")
    return str(path)


def test_conversations_are_replayed_and_recorded(desk: Desk, cases: str, tmp_path: Path) -> None:
    looked: list[int] = []

    @desk.pocketping.ai_tool
    def order_status(number: int, customer: Identity) -> str:
        """Tell where an order is."""
        looked.append(number)
        return "It is on its way."

    desk.model.replies = [
        Reply("Hello!"),
        Reply(calls=[("order_status", {"number": 17})]),
        Reply("It is on its way."),
        Reply("A colleague will reply.", calls=[("hand_over", {"reason": "Wants a person"})]),
    ]
    cassette = tmp_path / "cassette.jsonl"
    first = run(desk, "eval", cases, "--cassette", str(cassette), "--record", "--json")
    assert first.exit_code == 1
    said = {one["name"]: one for one in json.loads(first.output)}
    assert list(said) == ["order, message 1", "order, message 3", "person"]
    assert said["order, message 3"]["called"] == ["order_status"]
    assert said["order, message 3"]["problems"] == []
    assert said["person"]["handOver"] == "Wants a person"
    assert said["person"]["problems"] == ["It says 'colleague'.", "It hands over."]
    assert all(one["tokens"] > 0 for one in said.values())
    asked = len(desk.model.asked)
    second = run(desk, "eval", cases, "--cassette", str(cassette))
    assert second.exit_code == 1
    assert "ok      order, message 3" in second.output
    assert "FAILED  person" in second.output
    assert "3 cases, 1 failed, 1 handed over" in second.output
    assert "0 passages retrieved, 2 tools called" in second.output
    assert len(desk.model.asked) == asked, "no model is asked"
    assert looked == [17, 17]
    assert KEY not in cassette.read_text()
    assert desk.states() == []


def test_a_request_that_is_not_recorded_fails(desk: Desk, cases: str, tmp_path: Path) -> None:
    cassette = tmp_path / "cassette.jsonl"
    assert "does not exist" in run(desk, "eval", cases, "--cassette", str(cassette)).output
    cassette.write_text("")
    shown = run(desk, "eval", cases, "--cassette", str(cassette))
    assert "Record it again" in shown.output
    assert shown.exit_code == 1
    assert run(desk, "eval", cases, "--record").exit_code == 2


SAID = '"messages": [{"type": "visitor", "content": "x"}]'


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", '{"messages": [{"type": "robot", "content": "x"}]}', '{"messages": 5}', "[" * 100_000, "null"),
        f'{{{SAID}, "expect": {{"contains": "Norway"}}}}',
        f'{{{SAID}, "expect": {{"contain": ["Norway"]}}}}',
        f'{{{SAID}, "expect": {{"handOver": "no"}}}}',
        f'{{{SAID}, "metadata": "x"}}',
        f'{{{SAID}, "identity": "x"}}',
    ],
    ids=lambda line: line[-40:],
)
def test_a_line_that_is_no_conversation_is_named(desk: Desk, tmp_path: Path, line: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n" + line)
    shown = run(desk, "eval", str(path))
    assert shown.exit_code == 1
    assert "Line 2 is no conversation" in shown.output


def test_texts_may_have_any_separator_of_unicode(desk: Desk, tmp_path: Path) -> None:
    """Only line feeds end a line of the files."""
    content = "One\u2028two\x85three\x0cfour"
    cases, cassette = tmp_path / "cases.jsonl", tmp_path / "cassette.jsonl"
    case = {"id": "odd", "messages": [{"type": "visitor", "content": content}]}
    cases.write_bytes(json.dumps(case, ensure_ascii=False).encode() + b"\r\n\n")
    desk.model.replies = [Reply(f"You said {content}")]
    first = run(desk, "eval", str(cases), "--cassette", str(cassette), "--record", "--json")
    again = run(desk, "eval", str(cases), "--cassette", str(cassette), "--json")
    for shown in (first, again):
        assert json.loads(shown.output)[0]["said"] == f"You said {content}"


def test_notes_and_deleted_messages_are_not_replayed(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    said = [
        {"type": "visitor", "content": "My PIN is 4711", "deletedAt": "2026-01-01T00:00:00Z"},
        {"type": "system", "content": "A difficult customer", "internal": True},
        {"type": "visitor", "content": "Hello?"},
        {"type": "visitor", "content": "", "deletedAt": "2026-01-01T00:00:00Z"},
    ]
    path.write_text(json.dumps({"messages": said}))
    assert "1 cases, 0 failed" in run(desk, "eval", str(path)).output
    [asked] = desk.model.asked
    assert "4711" not in str(asked.body)
    assert "difficult" not in str(asked.body)


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", '{"request": "x"}', '{"request": "x", "answer": {}}', '{"request": "x", "answer": 5}'),
        *("[" * 100_000, '{"request": "x", "answer": {"text": "", "calls": [5], "stop": "end", "usage": null}}'),
    ],
    ids=lambda line: line[:30],
)
def test_a_cassette_with_another_line_is_refused(desk: Desk, cases: str, tmp_path: Path, line: str) -> None:
    cassette = tmp_path / "cassette.jsonl"
    cassette.write_text(f"\n{line}\n")
    shown = run(desk, "eval", cases, "--cassette", str(cassette))
    assert (shown.exit_code, "Line 2 of" in shown.output) == (1, True)
    assert isinstance(shown.exception, SystemExit)


def test_binary_files_are_refused(desk: Desk, cases: str, tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\x7fELF\xff\0\0")
    for arguments in ([str(path)], [cases, "--cassette", str(path)]):
        shown = run(desk, "eval", *arguments)
        assert "Line 1" in shown.output
        assert isinstance(shown.exception, SystemExit)


def test_the_owners_own_conversations_are_exported_and_replayed(desk: Desk, tmp_path: Path) -> None:
    ada = Identity(customer_id="7", name="Ada Marsh", email="ada@shop.example", verified=True)
    page = {"pageUrl": "https://shop.example/tea", "language": "en", "ip": "192.0.2.7"}
    first = desk.begin("My PIN is 4711", "Do you ship?", identity=ada, metadata=page)
    [deleted, *_] = messages.list_messages(desk.db, first).messages
    messages.delete_message(desk.db, first, deleted.id)
    desk.reply(first, "We do.\u2028Anything else?")
    notes.add_note(desk.db, first, "A difficult customer", operator_name="Ana")
    desk.ask(first, *(f"Question {number}" for number in range(120)))
    second = desk.begin("Hello?")
    desk.begin()
    shown = run(desk, "export")
    assert shown.exit_code == 0
    newest, oldest = map(json.loads, shown.output.removesuffix("\n").split("\n"))
    assert newest == {"id": second, "messages": [{"type": "visitor", "content": "Hello?"}]}
    assert (oldest["id"], oldest["identity"]) == (first, {"customerId": "7", "verified": True})
    assert oldest["metadata"] == {"pageUrl": "https://shop.example/tea", "language": "en"}
    assert [one["content"] for one in oldest["messages"][:2]] == ["Do you ship?", "We do.\u2028Anything else?"]
    assert len(oldest["messages"]) == 122
    for secret in ("4711", "difficult", "Marsh", "ada@", "192.0.2.7"):
        assert secret not in shown.output
    path = tmp_path / "cases.jsonl"
    path.write_text(shown.output, encoding="utf-8")
    replayed = run(desk, "eval", str(path))
    assert "3 cases, 0 failed" in replayed.output
    assert "0 passages retrieved, 0 tools called" in replayed.output
    assert run(desk, "export", "--limit", "1").output.count("\n") == 1
    assert run(desk, "export", "--project", "proj_other").output == ""
