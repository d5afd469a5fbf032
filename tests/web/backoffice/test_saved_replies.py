"""Tests saved replies: they are created, listed, changed and deleted, and shortcuts are unique in a project."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert

from flask_pocketping import clock
from flask_pocketping.chat.projects import project_of_key
from flask_pocketping.chat.saved_replies import MAX_REPLIES, replies

from ...support.contract import CheckedApi
from ...support.office import Office


@pytest.fixture
def api(any_office: Office) -> CheckedApi:
    """The back office of a project of its own."""
    return any_office.new_project()


def keep(api: CheckedApi, shortcut: str, content: str = "Thank you!") -> dict[str, Any]:
    return dict(api.ok("POST", "/saved-replies", {"shortcut": shortcut, "content": content})["savedReply"])


def listed(api: CheckedApi) -> list[dict[str, Any]]:
    return list(api.ok("GET", "/saved-replies")["savedReplies"])


def test_replies_are_listed_by_shortcut(api: CheckedApi) -> None:
    assert listed(api) == []
    made = [keep(api, shortcut) for shortcut in ("thanks", "Hello", "a_1", "über", "hello")]
    assert all(answer["id"].startswith("can_") for answer in made)
    assert [answer["shortcut"] for answer in listed(api)] == ["a_1", "Hello", "hello", "thanks", "über"]
    assert sorted(listed(api), key=lambda answer: answer["id"]) == sorted(made, key=lambda answer: answer["id"])


def test_a_reply_can_be_changed_in_part_or_completely(api: CheckedApi) -> None:
    answer = keep(api, "thanks", "Thank you!")
    path = f"/saved-replies/{answer['id']}"
    assert api.ok("PATCH", path, {"content": "Thanks,\nbye!"})["savedReply"] == {**answer, "content": "Thanks,\nbye!"}
    changed = api.ok("PATCH", path, {"shortcut": "bye", "content": "Bye!"})["savedReply"]
    assert listed(api) == [changed] == [{**answer, "shortcut": "bye", "content": "Bye!"}]
    # Its own shortcut is not taken.
    assert api.ok("PATCH", path, {"shortcut": "bye"})["savedReply"] == changed


def test_a_reply_can_be_deleted(api: CheckedApi) -> None:
    answer = keep(api, "thanks")
    assert api.delete(f"/saved-replies/{answer['id']}").status_code == 204
    assert listed(api) == []
    assert api.delete(f"/saved-replies/{answer['id']}").json()["code"] == "SAVED_REPLY_NOT_FOUND"
    keep(api, "thanks")


def test_a_shortcut_is_unique(api: CheckedApi) -> None:
    first, second = keep(api, "thanks", "One"), keep(api, "bye", "Two")
    for taken in (
        api.post("/saved-replies", {"shortcut": "thanks", "content": "Three"}),
        api.patch(f"/saved-replies/{second['id']}", {"shortcut": "thanks", "content": "Three"}),
    ):
        assert (taken.status_code, taken.json()["code"]) == (400, "INVALID_REQUEST")
        assert list(taken.json()["details"]) == ["shortcut"]
    assert listed(api) == [second, first]


def test_concurrent_replies_with_one_shortcut_are_stored_once(api: CheckedApi) -> None:
    def attempt(number: int) -> int:
        return api.post("/saved-replies", {"shortcut": "same", "content": f"No. {number}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [201] + [400] * 7
    assert len(listed(api)) == 1


def test_shortcuts_are_compared_in_a_normal_form(api: CheckedApi) -> None:
    keep(api, "gru\u0308ezi")
    assert api.post("/saved-replies", {"shortcut": "gr\u00fcezi", "content": "Hi"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": "Hi"}, "shortcut"),
        ({"shortcut": "hi"}, "content"),
        ({"shortcut": "", "content": "Hi"}, "shortcut"),
        ({"shortcut": "/hi", "content": "Hi"}, "shortcut"),
        ({"shortcut": "hi there", "content": "Hi"}, "shortcut"),
        ({"shortcut": "hi\n", "content": "Hi"}, "shortcut"),
        ({"shortcut": "x" * 41, "content": "Hi"}, "shortcut"),
        ({"shortcut": 5, "content": "Hi"}, "shortcut"),
        ({"shortcut": "hi", "content": "  "}, "content"),
        ({"shortcut": "hi", "content": "x" * 4001}, "content"),
        ({"shortcut": "hi", "content": "\0"}, "content"),
        ({"shortcut": "hi", "content": "Hi", "color": "red"}, "color"),
    ],
)
def test_an_invalid_reply_is_refused(api: CheckedApi, body: dict[str, Any], field: str) -> None:
    answer = api.post("/saved-replies", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert list(answer.json()["details"]) == [field]
    assert listed(api) == []


def test_an_empty_change_is_refused(api: CheckedApi) -> None:
    assert api.patch(f"/saved-replies/{keep(api, 'hi')['id']}", {}).status_code == 400


def test_replies_belong_to_one_project(any_office: Office, api: CheckedApi) -> None:
    answer, other = keep(api, "thanks"), any_office.new_project()
    assert listed(other) == []
    path = f"/saved-replies/{answer['id']}"
    for refused in (other.patch(path, {"content": "Mine"}), other.delete(path)):
        assert (refused.status_code, refused.json()["code"]) == (404, "SAVED_REPLY_NOT_FOUND")
    keep(other, "thanks", "Their own")
    assert listed(api) == [answer]
    assert api.with_key(None).get("/saved-replies").status_code == 401


def test_a_project_can_have_500_replies(any_office: Office, api: CheckedApi) -> None:
    assert api.key is not None
    rows = [
        {
            "id": clock.new_id("can"),
            "project_id": project_of_key(any_office.db, api.key),
            "shortcut": f"no-{number}",
            "content": "Hi",
            "created_at": clock.now(),
        }
        for number in range(MAX_REPLIES - 1)
    ]
    with any_office.db.transaction() as tx:
        tx.execute(insert(replies), rows)
    keep(api, "the-last")
    refused = api.post("/saved-replies", {"shortcut": "one-more", "content": "Hi"})
    assert (refused.status_code, str(MAX_REPLIES) in refused.json()["message"]) == (400, True)
    assert len(listed(api)) == MAX_REPLIES


def test_a_repeated_request_creates_one_reply(api: CheckedApi) -> None:
    body, headers = {"shortcut": "thanks", "content": "Thank you!"}, {"Idempotency-Key": "key"}
    first = api.post("/saved-replies", body, headers=headers)
    again = api.post("/saved-replies", body, headers=headers)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert len(listed(api)) == 1
