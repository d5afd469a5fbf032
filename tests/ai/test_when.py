"""Tests when the AI answers, with a set clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flask_pocketping import clock
from flask_pocketping.ai.schedule import BURST, Schedule
from flask_pocketping.chat import ai_actions, messages, presence, sessions
from flask_pocketping.chat.ai_turns import note_typing, read_position, take_over
from flask_pocketping.config import NOTICE
from flask_pocketping.config_parsers import parse_hours
from flask_pocketping.values import MessageType

from ..support.desk import Desk
from ..support.models import Asked, Reply
from ..support.travel import Travel
from .conftest import Open


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


def test_it_waits_for_less_long_while_nobody_is_there(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_delay=300, ai_offline_delay=10)
    session_id = desk.begin("Hello?")
    travel.forward(seconds=11)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")
    assert '"reason":"offline"' in desk.data(session_id, "ai.takeover")


def test_an_operator_who_comes_gets_their_time(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_delay=300, ai_offline_delay=10)
    session_id = desk.begin("Hello?")
    travel.forward(seconds=5)
    desk.operator_comes()
    travel.forward(seconds=30)
    desk.deliver()
    assert desk.model.asked == []
    for _ in range(10):
        travel.forward(seconds=28)
        desk.operator_comes()
        desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")
    assert '"reason":"delay"' in desk.data(session_id, "ai.takeover")


def test_an_operator_who_leaves_is_not_waited_for(open_desk: Open, travel: Travel) -> None:
    desk = open_desk(ai_delay=300, ai_offline_delay=10)
    there = desk.operator_comes()
    session_id = desk.begin("Hello?")
    travel.forward(seconds=11)
    desk.deliver()
    presence.leave(desk.db, there)
    travel.forward(seconds=31)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


def test_a_burst_of_messages_gets_one_answer(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin(*(f"Message {number}" for number in range(10)))
    travel.forward(seconds=61)
    desk.deliver()
    assert [kind for kind, _ in desk.said(session_id)] == ["visitor"] * 10 + ["ai"]
    [asked] = desk.model.asked
    assert all(f"Message {number}" in str(asked.body) for number in range(10))


def test_the_delay_counts_from_the_first_unanswered_message(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")
    travel.forward(seconds=40)
    desk.ask(session_id, "Anybody?")
    travel.forward(seconds=21)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


def test_the_ai_waits_while_an_operator_is_typing(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")
    travel.forward(seconds=58)
    desk.state.announcer.typing("proj_default", session_id, "operator", True)
    travel.forward(seconds=4)
    desk.deliver()
    assert desk.model.asked == []
    travel.forward(seconds=8)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


def test_an_operator_who_begins_to_type_stops_the_answer(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")

    def reply(asked: Asked) -> Reply:
        note_typing(desk.db, session_id)
        return Reply("Too late")

    desk.model.reply = reply
    travel.forward(seconds=61)
    desk.deliver()
    assert [kind for kind, _ in desk.said(session_id)] == ["visitor"]
    assert desk.notices(session_id, internal=False) == []


def close(desk: Desk, session_id: str) -> None:
    sessions.close_session(desk.db, session_id)


def delete(desk: Desk, session_id: str) -> None:
    for message in messages.list_messages(desk.db, session_id).messages:
        messages.delete_message(desk.db, session_id, message.id)


def answer_by_program(desk: Desk, session_id: str) -> None:
    messages.send_message(desk.db, session_id, "From our own bot", type=MessageType.AI)


def switch_off(desk: Desk, session_id: str) -> None:
    sessions.set_ai(desk.db, session_id, False)


@pytest.mark.parametrize("what", [Desk.reply, close, delete, answer_by_program, switch_off])
def test_whatever_ends_the_waiting_cancels_the_answer(
    desk: Desk, travel: Travel, what: Callable[[Desk, str], object]
) -> None:
    session_id = desk.begin("Hello?")
    what(desk, session_id)
    # In the same transaction; only a deletion is found out when the answer is due.
    assert desk.states() == ["pending" if what is delete else "cancelled"]
    travel.forward(seconds=90)
    desk.deliver()
    assert desk.model.asked == []
    assert set(desk.states()) == {"cancelled"}


@pytest.mark.parametrize("moment", ["due", "first token", "last token"])
def test_an_operators_answer_at_any_moment_comes_last(
    open_desk: Open, any_database: str, travel: Travel, moment: str
) -> None:
    desk = open_desk(any_database)
    session_id = desk.begin("Hello?")
    replied = threading.Event()

    def speak(*anything: Any) -> None:
        if not replied.is_set():
            replied.set()
            desk.reply(session_id)

    if moment == "due":

        def at_once(asked: Asked) -> Reply:
            speak()
            return Reply("I am a robot")

        desk.model.reply = at_once
    else:
        desk.model.reply = lambda asked: Reply("I am a robot that talks for long. " * 20, pieces=40)
        around = desk.state.ai.around if desk.state.ai else None
        assert around is not None
        show = around.stream

        def stream(project: str, session: str, stream_id: str, text: str, done: bool) -> None:
            show(project, session, stream_id, text, done)
            if not done and moment == "first token":
                speak()

        object.__setattr__(around, "stream", stream)
        if moment == "last token":
            object.__setattr__(around, "before", speak)
    travel.forward(seconds=61)
    desk.deliver()
    travel.forward(seconds=61)
    desk.deliver()
    assert replied.is_set()
    assert desk.said(session_id) == [("visitor", "Hello?"), ("operator", "Here I am")]
    assert not desk.session(session_id).ai_active
    assert desk.events(session_id).count("message.created") == 2 + len(desk.notices(session_id, internal=False))


def test_a_visitor_who_writes_meanwhile_gets_one_answer_to_all(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")

    def reply(asked: Asked) -> Reply:
        if len(desk.model.asked) == 1:
            desk.ask(session_id, "And another question")
        return Reply(f"Answer {len(desk.model.asked)}")

    desk.model.reply = reply
    travel.forward(seconds=61)
    desk.deliver()
    assert [kind for kind, _ in desk.said(session_id)] == ["visitor", "visitor"]
    travel.forward(seconds=3)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Answer 2")
    assert "another question" in str(desk.model.asked[-1].body)


def test_a_message_that_comes_while_the_ai_gives_up_is_answered(
    desk: Desk, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = desk.begin("Never mind")
    delete(desk, session_id)
    decided = ai_actions.decided

    def write_then_read(connection: Any, session_id: str) -> Any:
        monkeypatch.undo()
        desk.ask(session_id, "Or do mind")
        return decided(connection, session_id)

    monkeypatch.setattr(ai_actions, "decided", write_then_read)
    travel.forward(seconds=61)
    desk.deliver()
    assert desk.model.asked == []
    travel.forward(seconds=61)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


def test_an_edited_question_is_read_again(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")
    [message] = messages.list_messages(desk.db, session_id).messages

    def reply(asked: Asked) -> Reply:
        if len(desk.model.asked) == 1:
            messages.edit_message(desk.db, session_id, message.id, "Goodbye")
        return Reply(f"Answer {len(desk.model.asked)}")

    desk.model.reply = reply
    for _ in range(2):
        travel.forward(seconds=61)
        desk.deliver()
    assert desk.said(session_id) == [("visitor", "Goodbye"), ("ai", "Answer 2")]


def test_moving_to_another_page_does_not_stop_the_answer(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("Hello?")

    def reply(asked: Asked) -> Reply:
        presence.arrive(desk.db, "proj_default", session_id)
        messages.mark_messages(desk.db, session_id, reader=MessageType.OPERATOR)
        return Reply("Hello!")

    desk.model.reply = reply
    travel.forward(seconds=61)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


# --- Hours ---

BERLIN = ZoneInfo("Europe/Berlin")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("hours", "asked", "answered"),
    [
        ("", "2026-08-05 12:00", "2026-08-05 12:00"),
        ("18:00-08:00", "2026-08-05 12:00", "2026-08-05 18:00"),
        ("18:00-08:00", "2026-08-05 19:00", "2026-08-05 19:00"),
        ("18:00-08:00", "2026-08-05 07:59", "2026-08-05 07:59"),
        ("18:00-08:00", "2026-08-05 08:00", "2026-08-05 18:00"),
        ("mon-fri 18:00-08:00", "2026-08-08 07:00", "2026-08-08 07:00"),
        ("mon-fri 18:00-08:00", "2026-08-08 09:00", "2026-08-10 18:00"),
        ("sun 10:00-11:00", "2026-08-09 11:00", "2026-08-16 10:00"),
        ("sat-sun 00:00-24:00", "2026-08-07 12:00", "2026-08-08 00:00"),
        ("sat-sun 00:00-24:00", "2026-08-09 23:59", "2026-08-09 23:59"),
        # The clocks go forward at 2:00 and back at 3:00.
        ("02:30-04:00", "2026-03-29 00:00", "2026-03-29 03:30"),
        ("09:00-10:00", "2026-10-25 00:30", "2026-10-25 09:00"),
    ],
)
def test_answers_wait_for_the_hours(hours: str, asked: str, answered: str) -> None:
    schedule = Schedule(timedelta(), timedelta(), parse_hours(hours), BERLIN)
    assert schedule.open_from(moment(asked).astimezone(UTC)) == moment(answered)


def test_a_message_outside_of_the_hours_is_answered_when_they_begin(open_desk: Open, travel: Travel) -> None:
    travel.to(moment("2026-08-05 17:00"))
    desk = open_desk(ai_hours="18:00-08:00", ai_timezone="Europe/Berlin")
    session_id = desk.begin("Hello?")
    travel.to(moment("2026-08-05 17:59"))
    desk.deliver()
    assert desk.model.asked == []
    travel.to(moment("2026-08-05 18:00"))
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")


def stop_the_clock(at: datetime) -> None:
    clock.set_clock(lambda: at.astimezone(UTC))


@pytest.mark.parametrize("offline_delay", [None, 10])
@pytest.mark.parametrize("hours", ["", "18:00-08:00"])
def test_the_whole_table_of_when(open_desk: Open, offline_delay: int | None, hours: str) -> None:
    """Who is there, whether the AI may answer, whether it does already, its delays and its hours."""
    desk = open_desk(ai_delay=60, ai_offline_delay=offline_delay, ai_hours=hours, ai_timezone="Europe/Berlin")
    for day, (attended, enabled, active) in enumerate(product((False, True), repeat=3), 3):
        asked = moment(f"2026-08-{day:02} 17:59:30")
        stop_the_clock(asked)
        there = [desk.operator_comes()] if attended else []
        session_id = desk.begin()
        if active:
            with desk.db.read() as connection:
                seen = read_position(connection, session_id)
            take_over(desk.db, session_id, seen=seen, reason="delay", disclosure=None)
        desk.ask(session_id, "Hello?")
        if not enabled:
            sessions.set_ai(desk.db, session_id, False)
        delay = 60 if attended or offline_delay is None else offline_delay
        due = asked + (BURST if active else timedelta(seconds=delay))
        due = max(due, moment(f"2026-08-{day:02} 18:00")) if hours else due
        row = f"attended={attended} enabled={enabled} active={active}"
        # The worker looks now and then before it is time.
        for early in (asked + (due - asked) / 2, due - timedelta(milliseconds=1)):
            stop_the_clock(early)
            there += [desk.operator_comes()] if attended else []
            desk.deliver()
            assert [kind for kind, _ in desk.said(session_id)] == ["visitor"], row
        # A worker that looked just before looks again within a fraction of a second.
        stop_the_clock(due + timedelta(milliseconds=50))
        desk.deliver()
        assert [kind for kind, _ in desk.said(session_id)] == ["visitor", *(["ai"] if enabled else [])], row
        for one in there:
            presence.leave(desk.db, one)


def test_a_restart_neither_forgets_an_answer_nor_repeats_it(open_desk: Open, any_database: str, travel: Travel) -> None:
    before = open_desk(any_database)
    session_id = before.begin("Hello?")
    travel.forward(seconds=30)
    before.deliver()
    before.state.runtime.close()
    travel.forward(seconds=31)
    for _ in range(2):
        after = open_desk(any_database)
        after.deliver()
        assert after.said(session_id) == [("visitor", "Hello?"), ("ai", "Hello!")]
        after.state.runtime.close()
        travel.forward(seconds=120)
    assert len(before.model.asked) == 1


# --- Hand-over ---


def test_after_a_hand_over_only_switching_it_on_wakes_the_ai(desk: Desk, travel: Travel) -> None:
    session_id = desk.begin("I want a person")
    desk.model.replies = [Reply("A colleague will reply here.", calls=[("hand_over", {"reason": "Wants a person"})])]
    travel.forward(seconds=61)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "A colleague will reply here.")
    assert desk.notices(session_id, internal=True) == ["The AI hands over to you: Wants a person"]
    found = desk.session(session_id)
    assert (found.ai_active, found.ai_enabled, found.unanswered) == (False, True, True)
    assert '"aiHandedOver":true' in desk.data(session_id, "session.updated")
    desk.ask(session_id, "Hello?")
    desk.reply(session_id)
    desk.ask(session_id, "And now?")
    travel.forward(seconds=90)
    desk.deliver()
    assert len(desk.model.asked) == 1
    assert desk.session(session_id).ai_handed_over
    sessions.set_ai(desk.db, session_id, True)
    assert not desk.session(session_id).ai_handed_over
    travel.forward(seconds=2)
    desk.deliver()
    assert desk.said(session_id)[-1] == ("ai", "Hello!")
    assert desk.events(session_id).count("ai.toggled") == 1
