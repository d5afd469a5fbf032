"""Tests what visitors and operators see when a model fails, costs too much, or says what nobody should read."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from flask_pocketping import signals
from flask_pocketping.chat import ai_budget
from flask_pocketping.chat.ai_budget import BudgetExhausted, budget_keys, reserve, settle, used_on
from flask_pocketping.clock import now
from flask_pocketping.config import Config

from ..support.desk import Desk
from ..support.models import KEY, Asked, Reply
from ..support.servers import make_app
from ..support.travel import Travel
from .conftest import Open

SORRY = Config().ai_failure_message


def waits(desk: Desk, travel: Travel, *contents: str) -> str:
    """A visitor waits until the AI is due."""
    session_id = desk.begin(*(contents or ("Hello?",)))
    travel.forward(seconds=61)
    desk.deliver()
    return session_id


def test_a_model_that_is_away_for_a_moment_is_asked_again(desk: Desk, travel: Travel) -> None:
    desk.model.replies = [Reply(status=503), Reply(status=529)]
    session_id = waits(desk, travel)
    assert desk.notices(session_id, internal=False) == []
    for _ in range(2):
        travel.forward(seconds=13)
        desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")
    assert len(desk.model.asked) == 3


def test_a_pause_that_the_server_asks_for_is_kept(desk: Desk, travel: Travel) -> None:
    desk.model.replies = [Reply(status=429, retry_after="40")]
    session_id = waits(desk, travel)
    travel.forward(seconds=35)
    desk.deliver()
    assert len(desk.model.asked) == 1
    travel.forward(seconds=6)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [(Reply(status=503), 4), (Reply(status=401), 1), (Reply(status=429, retry_after="3600"), 1), (Reply(raw=b"?"), 4)],
    ids=["away", "key", "long pause", "nonsense"],
)
def test_a_model_that_fails_is_visible_and_the_visitor_gets_the_owners_sentence(
    desk: Desk, travel: Travel, reply: Reply, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.model.reply = lambda asked: reply
    session_id = waits(desk, travel)
    for _ in range(5):
        travel.forward(seconds=45)
        desk.deliver()
    assert len(desk.model.asked) == attempts
    assert desk.notices(session_id, internal=False) == [SORRY]
    [told] = desk.notices(session_id, internal=True)
    assert told.startswith("The AI could not answer: The model's server")
    found = desk.session(session_id)
    assert (found.ai_active, found.unanswered) == (False, True)
    assert desk.states() == ["failed"]
    assert "could not answer" in caplog.text
    assert KEY[:7] not in caplog.text + told
    # The sentence is not repeated with every message.
    desk.ask(session_id, "Hello??")
    for _ in range(6):
        travel.forward(seconds=45)
        desk.deliver()
    assert desk.notices(session_id, internal=False) == [SORRY]


def test_no_sentence_is_shown_if_the_owner_wants_none(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_failure_message="")
    desk.model.reply = lambda asked: Reply(status=401)
    session_id = waits(desk, travel)
    assert desk.notices(session_id, internal=False) == []
    assert len(desk.notices(session_id, internal=True)) == 1


def test_a_dead_model_is_asked_once_a_minute_only(open_desk: Open, any_database: str, travel: Travel) -> None:
    desk = open_desk(any_database)
    desk.model.reply = lambda asked: Reply(status=401)
    for _ in range(8):
        waits(desk, travel)
        travel.forward(seconds=-61)
    assert len(desk.model.asked) == 5
    session_id = waits(desk, travel)
    assert "once a minute" in desk.notices(session_id, internal=True)[0]
    travel.forward(seconds=61)
    desk.model.reply = lambda asked: Reply("I am back")
    session_id = waits(desk, travel)
    assert desk.said(session_id)[-1] == ("ai", "I am back")
    for _ in range(3):
        assert desk.said(waits(desk, travel))[-1] == ("ai", "I am back")


def test_of_many_processes_one_tries_a_dead_model(desk: Desk) -> None:
    for _ in range(ai_budget.FAILURES):
        ai_budget.note_failure(desk.db, "m")
    ai_budget.note_success(desk.db, "other")
    assert not ai_budget.may_try(desk.db, "m")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(stop="length"), "too long"),
        (Reply(stop="filtered"), "filter"),
        (Reply(stop="refusal"), "refused"),
        (Reply(""), "empty"),
        (Reply('{"action": "answer", "text": "Hi"}'), "raw data"),
        (Reply("The answer is", stop="filtered"), "stopped"),
    ],
    ids=["length", "filter", "refusal", "empty", "json", "half"],
)
def test_an_answer_that_is_none_is_handed_over(desk: Desk, travel: Travel, reply: Reply, reason: str) -> None:
    desk.model.reply = lambda asked: reply
    session_id = waits(desk, travel)
    assert desk.said(session_id) == [("visitor", "Hello?")]
    assert desk.notices(session_id, internal=False)[-1] == SORRY
    assert reason in desk.notices(session_id, internal=True)[0]
    assert desk.answers(session_id)[-1].outcome == "handed_over"


def test_a_promise_of_a_person_without_the_tool_hands_over_all_the_same(desk: Desk, travel: Travel) -> None:
    desk.model.reply = lambda asked: Reply("I will connect you with a colleague.")
    session_id = waits(desk, travel)
    assert desk.said(session_id)[-1][0] == "ai"
    assert "a person takes over" in desk.notices(session_id, internal=True)[0]
    desk.ask(session_id, "Thanks")
    travel.forward(seconds=90)
    desk.deliver()
    assert len(desk.model.asked) == 1


def test_invented_links_are_taken_out(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_link_hosts="shop.example", ai_prompt="Our returns: https://help.example/returns.")
    desk.model.reply = lambda asked: Reply(
        "[Tea](https://shop.example/tea), [returns](https://help.example/returns), [more](https://made-up.example/x)."
    )
    session_id = waits(desk, travel)
    said = desk.said(session_id)[-1][1]
    assert said == "[Tea](https://shop.example/tea), [returns](https://help.example/returns), more."


def test_an_answer_that_is_too_long_is_cut_at_a_sentence(desk: Desk, travel: Travel) -> None:
    desk.model.reply = lambda asked: Reply("This is one sentence. " * 400)
    said = desk.said(waits(desk, travel))[-1][1]
    assert len(said) <= 4000
    assert said.endswith("sentence. …")


def test_the_app_may_refuse_an_answer(desk: Desk, travel: Travel) -> None:
    from flask_pocketping import MessageRejected

    def refuse(sender: Any, draft: Any, **more: Any) -> None:
        if draft.type == "ai":
            raise MessageRejected("Not that")

    with signals.message_received.connected_to(refuse):
        session_id = waits(desk, travel)
    assert desk.said(session_id) == [("visitor", "Hello?")]
    assert "refused" in desk.notices(session_id, internal=True)[0]


# --- Budgets ---


def test_a_budget_is_never_exceeded_by_processes_together(desk: Desk, any_database: str, tmp_path: Any) -> None:
    state = make_app(tmp_path, any_database, worker="off").extensions["pocketping"]
    limits: dict[str, tuple[str, int | None]] = {"day:x": ("budget of today", 1000), "session:y": ("other", None)}
    barrier = threading.Barrier(8)
    won: list[int] = []

    def take() -> None:
        barrier.wait()
        for _ in range(5):
            try:
                reserve(state.db, limits, 60)
                won.append(60)
            except BudgetExhausted:
                pass

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 16, "16 times 60 is the most below 1000"
    settle(state.db, ai_budget.Reservation(("day:x", "session:y"), 60), 10)
    assert reserve(state.db, limits, 60).tokens == 60
    state.runtime.close()


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("ai_session_budget", "of this conversation"),
        ("ai_visitor_budget", "of this visitor"),
        ("ai_daily_budget", "of today"),
    ],
)
def test_an_exhausted_budget_asks_nobody_and_tells_operators(
    open_desk: Open, travel: Travel, setting: str, name: str
) -> None:
    desk = open_desk(**{setting: 1200})
    session_id = waits(desk, travel)
    assert desk.model.asked == []
    assert desk.notices(session_id, internal=False) == [SORRY]
    assert name in desk.notices(session_id, internal=True)[0]


def test_what_was_used_is_settled_after_the_call(desk: Desk, travel: Travel) -> None:
    session_id = waits(desk, travel)
    [answer] = desk.answers(session_id)
    used = answer.input_tokens + answer.output_tokens
    assert used_on(desk.db, now().date()) == used
    keys = budget_keys("proj_default", session_id, desk.session(session_id).visitor_id)
    with desk.db.read() as connection:
        found = {row.key: row.used for row in connection.execute(ai_budget.budgets.select())}
    assert found == dict.fromkeys(keys.values(), used)


def test_a_conversation_that_uses_up_its_budget_ends_with_a_person(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_session_budget=6000, ai_max_tokens=500)
    desk.model.reply = lambda asked: Reply("A short answer.")
    session_id = waits(desk, travel)
    for number in range(20):
        desk.ask(session_id, f"Question {number}")
        travel.forward(seconds=61)
        desk.deliver()
    assert 1 < len(desk.model.asked) < 15
    assert SORRY in desk.notices(session_id, internal=False)


def test_the_model_gets_at_most_the_tokens_of_an_answer(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_max_tokens=321)
    waits(desk, travel)
    asked: Asked = desk.model.asked[0]
    assert asked.body["max_completion_tokens"] == 321
