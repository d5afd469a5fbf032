"""Tests when the AI answers, with a set clock."""

from __future__ import annotations

from flask_pocketping.chat import sessions
from flask_pocketping.config import NOTICE

from ..support.desk import Desk
from ..support.travel import Travel


def test_a_visitor_waits_the_ai_answers_and_a_person_takes_over(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Do you ship to Norway?")
    travel.forward(seconds=59)
    desk.deliver()
    assert desk.model.asked == []
    travel.forward(seconds=2)
    desk.deliver()
    assert desk.said(session_id) == [("visitor", "Do you ship to Norway?"), ("ai", "Hello!")]
    assert desk.session(session_id).ai_active
    assert desk.notices(session_id, internal=False) == [NOTICE]
    assert desk.events(session_id).count("ai.takeover") == 1
    # While it is active it answers at once, and tells nobody again.
    desk.ask(session_id, "And to Sweden?")
    travel.forward(seconds=2)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")
    assert desk.events(session_id).count("ai.takeover") == 1
    desk.ask(session_id, "Thanks!")
    desk.reply(session_id, "You're welcome")
    travel.forward(seconds=120)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("operator", "You're welcome")
    assert not desk.session(session_id).ai_active
    # A person has answered, so the next wait begins anew, and the AI takes over again.
    desk.ask(session_id, "One more thing")
    travel.forward(seconds=59)
    desk.deliver()
    assert len(desk.model.asked) == 2
    travel.forward(seconds=2)
    desk.deliver()
    assert len(desk.model.asked) == 3
    assert desk.events(session_id).count("ai.takeover") == 2
    assert desk.model.refusals == []


def test_a_switch_that_is_off_keeps_the_ai_out(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")
    sessions.set_ai(desk.db, session_id, False)
    travel.forward(seconds=90)
    desk.deliver()
    desk.ask(session_id, "Anybody?")
    travel.forward(seconds=90)
    desk.deliver()
    assert desk.model.asked == []
    sessions.set_ai(desk.db, session_id, True)
    desk.deliver()
    assert [kind for kind, _ in desk.said(session_id)] == ["visitor", "visitor", "ai"]
