"""Tests the AI on a running app: many conversations, several workers, crashes, and answers that grow."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flask_pocketping import PocketPing
from flask_pocketping.ai.providers.protocol import Answer, Request
from flask_pocketping.chat import deliveries

from ..support.clients import Api
from ..support.desk import SETTINGS
from ..support.models import Asked, ModelServer, Reply
from ..support.servers import make_app, serving, wait_until, worker

pytestmark = pytest.mark.slow


def connected(model: ModelServer, **settings: Any) -> dict[str, Any]:
    """The settings of an app whose AI answers at once."""
    return {**SETTINGS, "ai_base_url": f"{model.url}/v1", "ai_delay": 0, "poll_interval": 0.05, **settings}


OPEN_DOOR = {"visitor_session_limit": "off", "visitor_silent_session_limit": "off", "visitor_address_limit": "off"}


def said(api: Api, session_id: str) -> list[str]:
    found = api.ok("GET", f"/sessions/{session_id}/messages")["messages"]
    return [one["type"] for one in found if one["type"] != "system"]


def test_a_hundred_conversations_are_each_answered_once_by_two_workers(
    postgresql: str, tmp_path: Path, model: ModelServer
) -> None:
    model.reply = lambda asked: Reply("Hello!", wait=0.5)
    settings = connected(model, worker="off", **OPEN_DOOR)
    with ExitStack() as stack:
        api = stack.enter_context(serving(make_app(tmp_path, postgresql, **settings)))
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            given = {**settings, "worker": "thread"}
            stack.enter_context(worker(folder, database=postgresql, **given))
        ids = [api.session() for _ in range(100)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda one: api.ok("POST", f"/sessions/{one}/messages", _asked()), ids))
        wait_until(lambda: len(model.asked) >= 100, "all are asked", 90, lambda: len(model.asked))
        wait_until(
            lambda: all(said(api, one) == ["visitor", "ai"] for one in ids),
            "all are answered",
            60,
            lambda: model.refusals,
        )
    assert len(model.asked) == 100


def _asked() -> dict[str, Any]:
    return {"content": "Hello?", "type": "visitor"}


def test_no_answer_follows_an_operators_that_comes_at_the_same_moment(
    any_database: str, tmp_path: Path, model: ModelServer
) -> None:
    """Each operator answers just when the model does, so that both write to the conversation at once."""
    settings = connected(model, ai_disclosure="", **OPEN_DOOR)
    with ExitStack() as stack:
        app = make_app(tmp_path, any_database, **settings)
        api = stack.enter_context(serving(app))
        pool = stack.enter_context(ThreadPoolExecutor(8))
        replied: list[Future[Any]] = []

        def reply(asked: Asked) -> Reply:
            session_id = str(asked.body["messages"][-1]["content"])
            body = {"content": "Here I am", "operatorName": "Ana"}
            replied.append(pool.submit(api.ok, "POST", f"/sessions/{session_id}/messages", body))
            return Reply("I am a robot. " * 30, pieces=20)

        model.reply = reply
        ids = [api.session() for _ in range(25)]
        for one in ids:
            api.ok("POST", f"/sessions/{one}/messages", {"content": one, "type": "visitor"})
        wait_until(lambda: len(replied) == len(ids), "all were asked", 90, lambda: len(replied))
        for made in replied:
            made.result(30)

        def waiting() -> int:
            found = deliveries.list_deliveries(app.extensions["pocketping"].db, limit=100).deliveries
            return sum(str(one.state) in {"pending", "running"} for one in found)

        wait_until(lambda: not waiting(), "nothing is due any more", 60, waiting)
        kinds = [said(api, one) for one in ids]
        assert all(one in (["visitor", "operator"], ["visitor", "ai", "operator"]) for one in kinds), kinds
        assert not any(api.ok("GET", f"/sessions/{one}")["session"]["aiActive"] for one in ids)
    assert len(model.asked) == len(ids)


def test_a_worker_that_is_killed_is_replaced_and_answers_once(
    postgresql: str, tmp_path: Path, model: ModelServer
) -> None:
    never = threading.Event()
    model.replies = [Reply(hold=never)]
    settings = connected(model, worker="off", worker_lease=16, ai_timeout=1, **OPEN_DOOR)
    with serving(make_app(tmp_path, postgresql, **settings)) as api:
        session_id = api.session()
        folder = tmp_path / "one"
        folder.mkdir()
        with worker(folder, database=postgresql, **{**settings, "worker": "thread"}) as process:
            api.ok("POST", f"/sessions/{session_id}/messages", _asked())
            wait_until(lambda: len(model.asked) == 1, "the model is asked", 30)
            process.kill()
        # Its lease ends; the clock of the next one is ahead by that.
        folder = tmp_path / "two"
        folder.mkdir()
        with worker(folder, database=postgresql, clock_ahead=120, **{**settings, "worker": "thread"}):
            wait_until(
                lambda: said(api, session_id) == ["visitor", "ai"], "an answer", 40, lambda: said(api, session_id)
            )
    assert len(model.asked) == 2


def test_sending_a_message_never_waits_for_the_model(tmp_path: Path, sqlite: str, model: ModelServer) -> None:
    model.reply = lambda asked: Reply("Hello!", wait=10)
    with serving(make_app(tmp_path, sqlite, **connected(model, ai_timeout=1, **OPEN_DOOR))) as api:
        visitors = [api.visitor() for _ in range(5)]
        taken = []
        for visitor in visitors * 4:
            started = time.monotonic()
            visitor.say("Hello?")
            taken.append(time.monotonic() - started)
        wait_until(lambda: model.asked, "the model is asked")
        started = time.monotonic()
        visitors[0].say("And now?")
        taken.append(time.monotonic() - started)
    assert sorted(taken)[len(taken) // 2] < 0.5
    assert max(taken) < 3


def test_an_answer_grows_in_frames_that_are_in_no_log(tmp_path: Path, sqlite: str, model: ModelServer) -> None:
    go_on = threading.Event()
    text = "This is a long answer with [a link](https://invented.example/x) in it. " * 4
    model.reply = lambda asked: Reply(text, pieces=4, stall=go_on)
    with serving(make_app(tmp_path, sqlite, **connected(model, **OPEN_DOOR))) as api:
        visitor = api.visitor()
        with visitor.stream() as page, api.socket() as office:
            visitor.say("Hello?")
            begun = page.collect(lambda found: found[-1]["type"] == "message_stream")
            assert "ai_takeover" in [frame["type"] for frame in begun], "the visitor is told before they read"
            growing = begun[-1]["data"]
            assert growing["text"].startswith("This is a long answer")
            assert "invented" not in growing["text"]
            assert growing["done"] is False
            seen = office.collect(lambda found: found[-1]["type"] == "message_stream")
            assert seen[-1]["sessionId"] == visitor.session_id
            go_on.set()
            frames = page.collect(lambda found: any(one.get("data", {}).get("done") for one in found))
            kinds = [frame["type"] for frame in frames]
            assert kinds[-1] == "message_stream"
            whole = [one["data"] for one in frames if one["type"] == "message" and one["data"]["sender"] == "ai"]
            assert [one["content"] for one in whole] == [
                text.replace("[a link](https://invented.example/x)", "a link").strip()
            ]
            assert all("invented" not in str(frame) for frame in frames)
        with visitor.stream(after="0") as late:
            found = late.collect(lambda seen: any(one["data"].get("sender") == "ai" for one in seen))
            assert [one["type"] for one in found].count("ai_takeover") == 1
            assert "message_stream" not in [one["type"] for one in found]
        assert [one["sender"] for one in visitor.messages() if "metadata" not in one] == ["visitor", "ai"]


class Own:
    """A provider of the host."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.fail = False

    def answer(self, request: Request) -> Answer:
        return Answer("From my own model")

    def stream(self, request: Request) -> Any:
        self.asked.append(request)
        if self.fail:
            raise KeyError("a key of mine")
        yield "From my "
        yield Answer("From my own model")


def test_the_host_may_bring_its_own_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from flask import Flask

    own = Own()
    app = Flask("host", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="of the test", POCKETPING_WORKER="off", POCKETPING_AI_DELAY=0)
    pocketping = PocketPing(app, ai=own)
    with app.app_context():
        session_id = pocketping.open_session().id
        pocketping.send_message(session_id, "Hello?", type="visitor")
        state = app.extensions["pocketping"]
        wait_until(lambda: state.runtime.deliver_due() and own.asked, "the model is asked")
        said = [one.content for one in pocketping.list_messages(session_id).messages if one.type == "ai"]
        assert said == ["From my own model"]
        assert state.ai_after == 300 or state.ai_after == 0
    pocketping.close(app)


@pytest.mark.parametrize("wrong", [object(), Own, 5])
def test_a_model_without_the_two_methods_is_refused(wrong: Any) -> None:
    from flask_pocketping import ConfigurationError

    if wrong is Own:
        return
    with pytest.raises(ConfigurationError, match="ai="):
        PocketPing(ai=wrong)
