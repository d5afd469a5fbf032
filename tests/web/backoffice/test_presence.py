"""Tests presence over all processes: operators who are online, and visitors who connect, change pages and leave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text

from flask_pocketping import clock
from flask_pocketping.chat import presence
from flask_pocketping.chat.projects import create_key, create_project
from flask_pocketping.db import Database
from flask_pocketping.models import DEFAULT_PROJECT, Event, table
from flask_pocketping.realtime import websocket

from ...conftest import Serve
from ...support.clients import Api, Visitor
from ...support.servers import make_app, plain, wait_until
from ...support.travel import Travel

GRACE = 1.0


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return make_app(tmp_path, disconnect_grace=GRACE)


def database_of(app: Flask) -> Database:
    database: Database = app.extensions["pocketping"].db
    return database


def online(api: Api, page: Visitor) -> bool:
    """What a page is told of the operators."""
    answer = page.request("POST", "/connect", {"sessionId": page.handle})
    return bool(answer.json()["operatorOnline"])


def log_of(app: Flask, page: Visitor) -> list[str]:
    """The types of all that is logged of a conversation, but for its beginning."""
    events = table(Event)
    with database_of(app).read() as connection:
        query = select(events.c.type).where(events.c.session_id == page.session_id).order_by(events.c.seq)
        return list(connection.execute(query).scalars())[1:]


def seen_log(api: Api, page: Visitor) -> list[str]:
    """What an operator who opens a socket has seen of it so far. What is new may come a moment later."""
    with api.socket(after="0", sessionId=page.session_id) as office:
        office.send({"type": "ping"})
        frames = office.collect(lambda frames: frames[-1]["type"] == "pong")
    return [frame["type"] for frame in frames if "seq" in frame][1:]


def expect_log(api: Api, page: Visitor, *types: str) -> None:
    wait_until(lambda: seen_log(api, page) == list(types), f"{types}", 10, lambda: seen_log(api, page))


def rows(app: Flask) -> int:
    with database_of(app).read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pocketping_presence")).scalar_one())


def test_renewing_reports_connections_that_had_expired(any_database: str, tmp_path: Path) -> None:
    """There are more of them than one statement renews."""
    app = make_app(tmp_path, any_database)
    db = database_of(app)
    living = [presence.Presence(f"conn_{number:04}", DEFAULT_PROJECT, None) for number in range(1100)]
    long_ago = clock.ago(seconds=presence.LIFETIME)
    with db.transaction() as tx:
        tx.execute(
            insert(presence.presence),
            [{"id": one.id, "project_id": one.project_id, "available": True, "seen_at": long_ago} for one in living],
        )
    assert presence.renew(db, living) == set()
    lost = {living[3], living[4], living[1050]}
    for one in lost:
        presence.leave(db, one)
    assert presence.renew(db, living) == lost
    with db.read() as connection:
        fresh = select(presence.presence.c.id).where(presence.presence.c.seen_at > long_ago)
        assert len(connection.execute(fresh).all()) == len(living) - len(lost)
    app.extensions["pocketping"].runtime.close()


# --- Operators ---


def test_an_operator_is_online_while_a_socket_is_open(any_shared: Api) -> None:
    page = any_shared.visitor()
    assert not online(any_shared, page)
    with any_shared.socket(), any_shared.socket() as second:
        assert online(any_shared, page)
        assert any_shared.visitor().hello["operatorOnline"] is True
        second.close()
        assert online(any_shared, page)
    wait_until(lambda: not online(any_shared, page), "all are gone")


def test_other_connections_do_not_count_as_operators(app: Flask, api: Api) -> None:
    page = api.visitor()
    database = database_of(app)
    key = create_key(database, "other", create_project(database, "Other").id).key
    with api.socket(auth=False), page.stream(), api.with_key(key).socket():
        wait_until(lambda: rows(app) == 2, "the visitor and the other project's operator", seen=lambda: rows(app))
        assert not online(api, page)


def test_operators_are_visible_from_another_process(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    here = serve(make_app(tmp_path, postgresql))
    with plain(tmp_path, database=postgresql) as (there, _):
        page = there.visitor()
        assert not online(there, page)
        with here.socket():
            assert online(there, page)
        wait_until(lambda: not online(there, page), "the operator left")
        with there.socket():
            assert online(here, Visitor(here.url))


def test_a_long_connection_stays_online(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    upkeep = app.extensions["pocketping"].hub._tick
    with api.socket() as office:
        for _ in range(4):
            travel.forward(seconds=presence.LIFETIME * 0.9)
            # The next look of the hub's thread renews, as it would do by itself after a third of that time.
            upkeep._next_renewal = 0.0
            wait_until(lambda: upkeep._next_renewal > 0, "the renewal")
            assert online(api, page)
        office.send({"type": "ping"})
        assert office.expect("pong") == {"type": "pong"}


def test_pages_and_operators_are_told_when_presence_changes(app: Flask, api: Api) -> None:
    database = database_of(app)
    other = api.with_key(create_key(database, "other", create_project(database, "Other").id).key)
    with api.visitor().stream() as page:
        wait_until(lambda: rows(app) == 1, "the page is there")
        with other.socket() as stranger, api.socket() as first:
            assert page.receive() == {"type": "presence", "data": {"online": True}}
            with api.socket():
                wait_until(lambda: rows(app) == 4, "two of them, the stranger, the page", seen=lambda: rows(app))
            wait_until(lambda: rows(app) == 3, "one left")
            for office in (stranger, first):
                office.send({"type": "ping"})
                assert office.receive() == {"type": "pong"}, "nothing has changed for anyone"
        assert page.receive() == {"type": "presence", "data": {"online": False}}
        page.silent(0.2)


def test_pages_of_another_process_are_told_through_redis(
    postgresql: str, tmp_path: Path, serve: Serve, redis_url: str
) -> None:
    here, there = (serve(make_app(tmp_path, postgresql, redis_url=redis_url, poll_interval=20)) for _ in range(2))
    with there.visitor().stream() as page:

        def told() -> bool:
            with here.socket():
                pass
            try:
                return bool(page.expect("presence", 0.3)["data"]["online"])
            except AssertionError:
                return False

        wait_until(told, "it is told", 10)
        page.collect(lambda frames: frames[-1] == {"type": "presence", "data": {"online": False}})


# --- Visitors ---


def test_a_visitor_connects_and_disconnects(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    with api.socket() as office:
        with page.stream():
            frame = office.receive()
            assert (frame["type"], frame["sessionId"], frame["seq"]) == ("visitor.connected", page.session_id, 2)
            assert frame.keys() == {"type", "id", "sessionId", "seq", "timestamp", "cursor"}
        travel.forward(seconds=GRACE + 0.1)
        frame = office.receive()
        assert (frame["type"], frame["sessionId"], frame["seq"]) == ("visitor.disconnected", page.session_id, 3)
        with page.stream():
            assert office.receive()["type"] == "visitor.connected"


def test_moving_to_another_page_does_not_count_as_leaving(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    database = database_of(app)
    for number in range(4):
        with page.stream():
            wait_until(lambda: rows(app) == 1, "the page is there")
            travel.forward(seconds=GRACE * 30)
            if number == 2:
                presence.sweep(database, GRACE)
        wait_until(lambda: rows(app) == 0, "the page is gone")
        # Going to the next page takes a moment, in which others look who left.
        travel.forward(seconds=GRACE * 0.3)
        presence.sweep(database, GRACE)
    expect_log(api, page, "visitor.connected")
    travel.forward(seconds=GRACE)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")


def test_a_visitor_with_another_open_page_has_not_left(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    with page.stream():
        with page.stream():
            wait_until(lambda: rows(app) == 2, "both are there")
        wait_until(lambda: rows(app) == 1, "one is gone")
        travel.forward(seconds=GRACE * 20)
        presence.sweep(database_of(app), GRACE)
        assert log_of(app, page) == ["visitor.connected"]


def test_a_page_that_disappears_counts_as_left(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    stream = page.stream()
    wait_until(lambda: rows(app) == 1, "it is there")
    stream.drop()
    wait_until(lambda: rows(app) == 0, "it is gone")
    travel.forward(seconds=GRACE + 0.1)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")


def test_a_visitor_without_a_stream_does_not_count_as_connected(app: Flask, api: Api, travel: Travel) -> None:
    page = api.visitor()
    page.say("Hello")
    travel.forward(hours=1)
    presence.sweep(database_of(app), GRACE)
    assert log_of(app, page) == ["message.created"]


def test_concurrent_sweeps_record_one_disconnect(
    any_database: str, tmp_path: Path, serve: Serve, travel: Travel
) -> None:
    app = make_app(tmp_path, any_database, disconnect_grace=3600, worker="off")
    api = serve(app)
    pages = [api.visitor() for _ in range(3)]
    for page in pages:
        with page.stream():
            wait_until(lambda: rows(app) == 1, "the page is there")
        wait_until(lambda: rows(app) == 0, "the page is gone")
    travel.forward(seconds=GRACE + 1)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: presence.sweep(database_of(app), GRACE), range(6)))
    for page in pages:
        assert log_of(app, page) == ["visitor.connected", "visitor.disconnected"]


def test_many_pages_at_once_are_one_connect(any_shared: Api) -> None:
    page = any_shared.visitor()
    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(lambda number: page.stream(), range(8)))
        expect_log(any_shared, page, "visitor.connected")
        list(pool.map(lambda stream: stream.close(), streams))


# --- Processes that die ---


def test_connections_of_a_killed_process_expire(
    any_database: str, tmp_path: Path, serve: Serve, travel: Travel
) -> None:
    app = make_app(tmp_path, any_database, disconnect_grace=GRACE)
    here = serve(app)
    with plain(tmp_path, database=any_database, disconnect_grace=GRACE) as (there, process):
        page = there.visitor()
        office, stream = there.socket(), page.stream()
        expect_log(here, page, "visitor.connected")
        process.kill()
        office.drop()
        stream.drop()
    # Counted from their last sign of life, however long all this took.
    with database_of(app).read() as connection:
        seen_at = connection.execute(select(func.max(presence.presence.c.seen_at))).scalar_one()
    travel.to(seen_at + timedelta(seconds=presence.LIFETIME * 0.5))
    assert online(here, Visitor(here.url)), "they might still live"
    assert log_of(app, page) == ["visitor.connected"]
    travel.to(seen_at + timedelta(seconds=presence.LIFETIME * 1.1))
    assert not online(here, Visitor(here.url))
    with here.socket(after="0", sessionId=page.session_id) as later:
        later.expect("visitor.disconnected")


def test_an_expired_connection_is_added_again(app: Flask, api: Api, travel: Travel) -> None:
    """A process that was stopped, or cut off from the database, finds its connections swept away by another."""
    page = api.visitor()
    upkeep = app.extensions["pocketping"].hub._tick
    with api.socket() as office, page.stream():
        assert office.receive()["type"] == "visitor.connected"

        def swept() -> bool:
            travel.forward(seconds=presence.LIFETIME * 2)
            presence.sweep(database_of(app), GRACE)
            return not online(api, page)

        wait_until(swept, "they count as dead")
        assert office.receive()["type"] == "visitor.disconnected"
        upkeep._next_renewal = 0.0
        assert office.receive()["type"] == "visitor.connected"
        wait_until(lambda: online(api, page), "the operator is back")
        assert rows(app) == 2
    wait_until(lambda: rows(app) == 0, "nothing is left", seen=lambda: rows(app))


def test_a_dead_connection_does_not_count_as_present(
    app: Flask, api: Api, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "PING_INTERVAL", 0.3)
    page = api.visitor()
    # Neither client reads, so neither answers a ping.
    office, stream = api.socket(), page.stream()
    wait_until(lambda: rows(app) == 2, "both are there")
    wait_until(lambda: rows(app) == 0, "both are found out", seen=lambda: rows(app))
    travel.forward(seconds=GRACE + 0.1)
    expect_log(api, page, "visitor.connected", "visitor.disconnected")
    office.drop()
    stream.drop()
