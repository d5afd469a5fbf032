"""Tests clocks that are set forward or back, and processes with different clocks: order and deliveries still work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flask_pocketping import clock

from ..conftest import LOCAL, Serve
from ..support.clients import Api
from ..support.hooks import Hook, moment
from ..support.receiver import Answer, Receiver
from ..support.servers import gunicorn, make_app, wait_until
from ..support.travel import Travel


def times(api: Api, session_id: str) -> list[str]:
    """All times that a conversation shows, in the order of its numbers."""
    found = api.ok("GET", f"/sessions/{session_id}/messages", params={"after": "0", "limit": 100})["messages"]
    return [message["createdAt"] for message in found]


@pytest.mark.parametrize("step", [-3.0, -3600.0, 3600.0])
def test_later_edits_stay_later_when_the_clock_is_set(any_api: Api, travel: Travel, step: float) -> None:
    visitor = any_api.visitor()
    first, second = (visitor.say(f"Message {number}")["messageId"] for number in range(2))
    path = f"/sessions/{visitor.session_id}/messages/{{}}"

    def edit(message_id: str, content: str) -> str:
        body = {"sessionId": visitor.handle, "content": content}
        answer = visitor.request("PATCH", f"/message/{message_id}", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["message"]["editedAt"])

    edited = [edit(first, "Edit 1")]
    with any_api.socket(after="0") as socket:
        travel.forward(seconds=step)
        edited += [edit(second, "Edit 2"), edit(first, "Edit 3")]
        any_api.ok("DELETE", path.format(second))
        frames = socket.collect(lambda seen: seen[-1]["type"] == "message.deleted")
    assert edited == sorted(edited)
    told = [frame for frame in frames if frame.get("sessionId") == visitor.session_id]
    assert [frame["seq"] for frame in told] == sorted(frame["seq"] for frame in told)
    assert [frame["timestamp"] for frame in told] == sorted(frame["timestamp"] for frame in told)

    # A page that polls by time, and has seen all up to the first edit, is told of every later one.
    changed = visitor.messages(after=edited[0])
    contents = {message["id"]: message["content"] for message in changed}
    assert contents == {first: "Edit 3", second: ""}
    visitor.say("After that")
    assert times(any_api, visitor.session_id) == sorted(times(any_api, visitor.session_id))


@pytest.mark.parametrize("failing", [False, True], ids=["a first attempt", "a retry"])
def test_a_delivery_does_not_wait_after_a_clock_is_set_back(
    api: Api, receiver: Receiver, travel: Travel, failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answers = [Answer(500)] if failing else []
    travel.forward(hours=1)
    if failing:
        hook = Hook(api, receiver.url, ["message.created"])
        api.visitor().say("Hello")
        [waiting] = hook.wait_for("pending", attempts=1)
        assert moment(waiting["nextAttemptAt"]) > clock.ago(minutes=-0.01)
        travel.forward(hours=-1)
        wait_until(lambda: len(receiver.received) == 2, "the retry", 20)
        hook.wait_for("succeeded", attempts=2)
    else:
        visitor = api.visitor()
        visitor.say("Before")
        hook = Hook(api, receiver.url, ["message.created"])
        travel.forward(hours=-1)
        # The conversation's own time stays ahead.
        visitor.say("Hello")
        receiver.wait(1, 5)
        hook.wait_for("succeeded", attempts=1)


def test_deliveries_of_a_process_with_a_fast_clock_are_made_at_once(
    any_database: str, tmp_path: Path, receiver: Receiver, serve: Serve
) -> None:
    make_app(tmp_path, any_database).extensions["pocketping"].runtime.close()
    settings: dict[str, Any] = {**LOCAL, "worker": "off"}
    with gunicorn(tmp_path, database=any_database, clock_ahead=3600, **settings) as (ahead, _):
        Hook(ahead, receiver.url, ["message.created"])
        ahead.visitor().say("Hello")
    serve(make_app(tmp_path, any_database, **LOCAL)).get("/health")
    receiver.wait(1, 20)


def test_two_processes_with_different_clocks_keep_one_order(
    postgresql: str, tmp_path: Path, receiver: Receiver
) -> None:
    make_app(tmp_path, postgresql).extensions["pocketping"].runtime.close()
    with (
        gunicorn(tmp_path, database=postgresql, clock_ahead=20, **LOCAL) as (ahead, _),
        gunicorn(tmp_path, database=postgresql, worker="off", **LOCAL) as (right, _),
    ):
        Hook(right, receiver.url, ["message.created"])
        visitor = ahead.visitor()
        with right.socket() as socket:
            for number in range(20):
                visitor.url = (ahead, right)[number % 2].url
                visitor.say(f"Message {number}")
            frames = socket.collect(lambda seen: seen[-1]["type"] == "message.created" and len(seen) > 19)
        said = [frame["message"]["content"] for frame in frames if frame["type"] == "message.created"]
        assert said == [f"Message {number}" for number in range(20)]
        found = times(right, visitor.session_id)
        assert found == sorted(found)
        assert len(set(found)) == 20
        receiver.wait(20)
        posted = [received.json["data"]["message"]["content"] for received in receiver.received]
        assert posted == said
