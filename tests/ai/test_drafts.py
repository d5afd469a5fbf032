"""Tests drafts for operators and the routes of the AI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flask_pocketping.bridges.built_in_commands import BuiltInCommands
from flask_pocketping.bridges.commands import BridgeCommand
from flask_pocketping.chat import ai_drafts

from ..support.clients import Api
from ..support.desk import Desk
from ..support.models import Reply
from ..support.servers import serving
from ..support.travel import Travel
from .conftest import Open


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    return open_desk(ai_mode="draft", ai_delay=0)


@pytest.fixture
def api(desk: Desk) -> Iterator[Api]:
    with serving(desk.app) as made:
        yield made


def drafted(desk: Desk, travel: Travel, *contents: str) -> str:
    session_id = desk.begin(*(contents or ("Do you ship to Norway?",)))
    travel.forward(seconds=3)
    desk.deliver()
    return session_id


def drafts(api: Api, session_id: str) -> list[dict[str, Any]]:
    return list(api.ok("GET", f"/sessions/{session_id}/ai/drafts")["drafts"])


def test_a_draft_is_shown_to_operators_only_and_sent_by_them(desk: Desk, api: Api, travel: Travel) -> None:
    with api.socket() as office:
        session_id = drafted(desk, travel)
        assert office.expect("ai_draft")["sessionId"] == session_id
    assert desk.said(session_id) == [("visitor", "Do you ship to Norway?")]
    assert desk.notices(session_id, internal=False) == []
    assert desk.notices(session_id, internal=True) == ["Draft of the AI:\nHello!"]
    assert not desk.session(session_id).ai_active
    assert "ai.takeover" not in desk.events(session_id)
    [draft] = drafts(api, session_id)
    assert (draft["content"], draft["state"], draft["passages"]) == ("Hello!", "pending", [])
    path = f"/sessions/{session_id}/ai/drafts/{draft['id']}"
    message = api.ok("POST", f"{path}/send", {"content": "Yes, we do.", "operatorName": "Ana"})["message"]
    assert (message["type"], message["content"], message["operatorName"]) == ("operator", "Yes, we do.", "Ana")
    [draft] = drafts(api, session_id)
    assert (draft["state"], draft["messageId"]) == ("sent", message["id"])
    for again in (api.post(f"{path}/send"), api.delete(path)):
        assert (again.status_code, again.json()["code"]) == (409, "ALREADY_DECIDED")
    assert [kind for kind, _ in desk.said(session_id)] == ["visitor", "operator"]
    [answer] = api.ok("GET", f"/sessions/{session_id}/ai/answers")["answers"]
    assert (answer["outcome"], answer["draftId"]) == ("drafted", draft["id"])


def test_a_draft_is_dropped(desk: Desk, api: Api, travel: Travel) -> None:
    session_id = drafted(desk, travel)
    [draft] = drafts(api, session_id)
    path = f"/sessions/{session_id}/ai/drafts/{draft['id']}"
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 204
    assert api.post(f"{path}/send").status_code == 409
    assert drafts(api, session_id)[0]["state"] == "dropped"
    assert api.delete(f"/sessions/{session_id}/ai/drafts/drf_1").status_code == 404


def test_a_draft_is_stale_once_somebody_has_answered(desk: Desk, api: Api, travel: Travel) -> None:
    session_id = drafted(desk, travel)
    [draft] = drafts(api, session_id)
    desk.reply(session_id)
    assert drafts(api, session_id)[0]["state"] == "stale"
    assert api.post(f"/sessions/{session_id}/ai/drafts/{draft['id']}/send").status_code == 409
    assert ai_drafts.pending_draft(desk.db, session_id) is None


def test_another_question_gets_another_draft(desk: Desk, api: Api, travel: Travel) -> None:
    session_id = drafted(desk, travel)
    desk.ask(session_id, "And to Sweden?")
    desk.model.replies = [Reply("Yes, to both.")]
    travel.forward(seconds=3)
    desk.deliver()
    assert [(one["content"], one["state"]) for one in drafts(api, session_id)] == [
        ("Yes, to both.", "pending"),
        ("Hello!", "stale"),
    ]


def test_a_model_that_would_hand_over_goes_on_writing_drafts(desk: Desk, api: Api, travel: Travel) -> None:
    desk.model.replies = [Reply(calls=[("hand_over", {"reason": "I don't know"})]), Reply("Now I do.")]
    session_id = drafted(desk, travel)
    assert desk.notices(session_id, internal=True) == ["The AI would hand over to you: I don't know"]
    desk.ask(session_id, "Hello?")
    travel.forward(seconds=3)
    desk.deliver()
    assert drafts(api, session_id)[0]["content"] == "Now I do."


def test_a_draft_is_sent_changed_or_dropped_from_a_thread(desk: Desk, travel: Travel) -> None:
    rewritten: list[str] = []
    commands = BuiltInCommands(
        desk.db, "telegram", lambda chat, id: False, lambda session: "", lambda draft: rewritten.append(draft.content)
    ).all()

    def write(name: str, argument: str, session_id: str) -> str:
        return str(commands[name](BridgeCommand(name, argument, session_id, "7", "Ana", "telegram")))

    first, second, third = (drafted(desk, travel) for _ in range(3))
    assert write("send", "", first) == "Sent."
    assert write("send", "Yes, we do.", second) == "Sent."
    assert write("drop", "", third) == "Dropped."
    assert desk.said(first)[-1] == ("operator", "Hello!")
    assert desk.said(second)[-1] == ("operator", "Yes, we do.")
    assert [kind for kind, _ in desk.said(third)] == ["visitor"]
    assert rewritten == ["Hello!", "Yes, we do."]
    for session_id in (first, second, third):
        assert write("send", "", session_id) == "There is no draft to send."
        assert write("drop", "", session_id) == "There is no draft to drop."


def test_the_status_tells_what_was_used(desk: Desk, api: Api, travel: Travel) -> None:
    before = api.ok("GET", "/ai")
    assert before == {
        "enabled": True,
        "model": "openai gpt-5",
        "mode": "draft",
        "usedToday": 0,
        "dailyBudget": 5_000_000,
    }
    drafted(desk, travel)
    assert api.ok("GET", "/ai")["usedToday"] > 0
    assert api.ok("GET", "/presence", params={})["aiEnabled"] is False


def test_without_an_ai_the_status_says_so(shared: Api) -> None:
    assert shared.ok("GET", "/ai") == {"enabled": False, "usedToday": 0}
