"""Tests `/updates`: a polling client of the back office gets the same frames as sockets, and counts as connected."""

from __future__ import annotations

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_pocketping.chat import presence
from flask_pocketping.chat.log import change_session
from flask_pocketping.chat.projects import create_key, create_project
from flask_pocketping.realtime import log_position
from flask_pocketping.web.backoffice import updates

from ...conftest import LOCAL, Serve
from ...support.clients import Api, Socket, Visitor
from ...support.servers import gunicorn, make_app, wait_until
from ...support.travel import Travel
from ..visitor.test_polling import live_through
from .test_operators import TOM, as_operator
from .test_presence import database_of, online, rows


def poll(api: Api, **query: Any) -> dict[str, Any]:
    return dict(api.ok("GET", "/updates", params=query))


def poll_all(api: Api, after: str, limit: int = 100) -> list[dict[str, Any]]:
    """Frames up to the end, page by page."""
    frames: list[dict[str, Any]] = []
    while True:
        found = poll(api, after=after, limit=limit)
        frames += found["frames"]
        after = found["cursor"]
        if not found["hasMore"]:
            return frames


def said(frames: list[dict[str, Any]]) -> list[str]:
    """The messages that frames tell of."""
    return [frame["message"]["content"] for frame in frames if frame["type"] == "message.created"]


def heard(socket: Socket) -> list[dict[str, Any]]:
    """What a socket has told so far."""
    socket.send({"type": "ping"})
    return [frame for frame in socket.collect(lambda frames: frames[-1]["type"] == "pong") if "cursor" in frame]


def live_stream(page: Visitor) -> Socket:
    """A page's stream that hears what is in no log, too: it is open a moment before the server listens to the rest."""
    stream = page.stream()
    page.say("Hello")
    stream.expect("message")
    return stream


# --- What it tells ---


def test_without_a_cursor_polling_starts_now(any_shared: Api) -> None:
    page = any_shared.visitor()
    page.say("before")
    begun = poll(any_shared)
    assert (begun["frames"], begun["hasMore"]) == ([], False)
    with any_shared.socket(available=False) as office:
        assert begun["cursor"] == office.hello["cursor"]
    page.say("after")
    found = poll(any_shared, after=begun["cursor"])
    assert said(found["frames"]) == ["after"]
    assert found["cursor"] == found["frames"][-1]["cursor"]
    assert poll(any_shared, after=found["cursor"])["frames"] == []


def test_frames_equal_those_of_the_socket(any_shared: Api) -> None:
    begun = poll(any_shared)["cursor"]
    with any_shared.socket(after=begun, available=False) as live:
        page = any_shared.visitor()
        live_through(any_shared, page, f"/sessions/{page.session_id}", random.Random(7))
        page.say("the end")
        told = live.collect(lambda frames: said(frames[-1:]) == ["the end"])
    assert len(told) > 30
    assert poll_all(any_shared, begun) == told
    assert poll_all(any_shared, begun, limit=3) == told
    middle = told[len(told) // 2]["cursor"]
    assert poll_all(any_shared, middle) == told[len(told) // 2 + 1 :]
    with any_shared.socket(after=middle, available=False) as resumed:
        assert heard(resumed) == told[len(told) // 2 + 1 :]


def test_a_client_changes_transports_without_missing_events(any_shared: Api) -> None:
    session_id = any_shared.session()
    path = f"/sessions/{session_id}/messages"
    cursor = poll(any_shared)["cursor"]
    told: list[str] = []
    for number in range(6):
        any_shared.ok("POST", path, {"content": f"between {number}"})
        if number % 2:
            found = poll(any_shared, after=cursor)
            told += said(found["frames"])
            cursor = found["cursor"]
        else:
            with any_shared.socket(after=cursor, available=False) as office:
                frames = heard(office)
                any_shared.ok("POST", path, {"content": f"live {number}"})
                frames.append(office.receive())
            told += said(frames)
            cursor = frames[-1]["cursor"]
    assert told == [
        *("between 0", "live 0", "between 1", "between 2", "live 2", "between 3", "between 4", "live 4", "between 5"),
    ]


def test_a_project_gets_no_events_of_another(shared_app: Flask, shared: Api) -> None:
    database = database_of(shared_app)
    other = shared.with_key(create_key(database, "other", create_project(database, "Other").id).key)
    begun = poll(other)
    shared.visitor().say("Not for others")
    found = poll(other, after=begun["cursor"])
    assert found["frames"] == []
    # What is not for this project is passed, too, so that it is read once only.
    assert int(found["cursor"]) > int(begun["cursor"])
    assert said(poll(shared, after=begun["cursor"])["frames"]) == ["Not for others"]


def test_a_cursor_from_before_a_restore_is_reset(shared: Api) -> None:
    page = shared.visitor()
    found = poll(shared, after="999999999")
    assert found["frames"] == []
    page.say("Hello")
    assert said(poll(shared, after=found["cursor"])["frames"]) == ["Hello"]


@pytest.mark.parametrize(
    "query",
    [
        *({"after": "nonsense"}, {"after": "-1"}, {"after": "9" * 19}, {"limit": 0}, {"limit": 501}),
        *({"available": "perhaps"}, {"client": "a b"}, {"client": "x" * 65}, {"client": "a\n"}, {"other": "1"}),
    ],
)
def test_invalid_parameters_are_refused(shared: Api, query: dict[str, Any]) -> None:
    answer = shared.get("/updates", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_a_key_is_required(shared: Api) -> None:
    for nobody in (shared.with_key(None), shared.with_key("wrong"), shared.with_key(shared.visitor().handle)):
        for method, path in (("GET", "/updates"), ("DELETE", "/updates"), ("POST", "/sessions/sess_1/typing")):
            assert nobody.request(method, path).status_code == 401


def test_pages_have_a_maximum_size(shared: Api) -> None:
    session_id = shared.session()
    begun = poll(shared)["cursor"]
    texts = [f"{number:03}" + "ü" * 3997 for number in range(60)]
    for text in texts:
        shared.ok("POST", f"/sessions/{session_id}/messages", {"content": text})
    found: list[str] = []
    sizes: list[int] = []
    cursor, more = begun, True
    while more:
        answer = shared.get("/updates", params={"after": cursor, "limit": 500})
        page = answer.json()
        found += said(page["frames"])
        cursor, more = page["cursor"], page["hasMore"]
        sizes.append(len(answer.content))
    assert found == texts
    assert len(sizes) > 1
    assert max(sizes) < updates.PAGE_BYTES * 1.1


# --- Transactions that are open ---


@pytest.fixture(params=["postgresql", "mariadb"])
def server_database(request: pytest.FixtureRequest) -> str:
    """A database in which transactions may overlap."""
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("is_tailed", [False, True], ids=["by polls alone", "beside a socket"])
def test_a_cursor_never_passes_an_open_transaction(
    server_database: str, tmp_path: Path, serve: Serve, is_tailed: bool
) -> None:
    app = make_app(tmp_path, server_database)
    api = serve(app)
    slow, quick = api.session(), api.session()
    if is_tailed:
        listener = api.socket(available=False)
    begun = poll(api)["cursor"]
    with change_session(database_of(app), slow) as change:
        change.log("event.sent", {"name": "late", "data": None})
        for number in range(5):
            api.ok("POST", f"/sessions/{quick}/messages", {"content": f"overtakes {number}"})
        for limit in (1, 2, 100):
            found = poll(api, after=begun, limit=limit)
            assert said(found["frames"]) == [f"overtakes {number}" for number in range(5)], "nothing waits"
            assert (found["cursor"], found["hasMore"]) == (begun, False)
    found = poll(api, after=begun)
    assert [frame["type"] for frame in found["frames"]] == ["event.sent", *["message.created"] * 5]
    assert int(found["cursor"]) == int(begun) + 6
    assert found["frames"][0]["cursor"] == str(int(begun) + 1)
    if is_tailed:
        listener.close()


def test_a_transaction_open_at_the_first_poll_is_not_missed(postgresql: str, tmp_path: Path, serve: Serve) -> None:
    writer, app = make_app(tmp_path, postgresql), make_app(tmp_path, postgresql)
    slow = serve(writer).session()
    api = serve(app)
    with change_session(database_of(writer), slow) as change:
        change.log("event.sent", {"name": "late", "data": None})
        api.session()
        begun = poll(api)["cursor"]
    found = poll(api, after=begun)
    assert [frame["type"] for frame in found["frames"]] == ["event.sent", "session.created"]


def test_a_rolled_back_transaction_delays_the_cursor_only_briefly(
    server_database: str, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_position, "GAP_WAIT", 0.5)
    app = make_app(tmp_path, server_database)
    api = serve(app)
    session_id = api.session()
    begun = poll(api)["cursor"]
    with contextlib.suppress(ZeroDivisionError), change_session(database_of(app), session_id) as change:
        change.log("event.sent", {"name": "never", "data": None})
        raise ZeroDivisionError
    api.ok("POST", f"/sessions/{session_id}/messages", {"content": "Hello"})
    assert poll(api, after=begun)["cursor"] == begun
    wait_until(lambda: int(poll(api, after=begun)["cursor"]) == int(begun) + 2, "the gap is given up")


def test_no_event_is_missed_while_many_write(server_database: str, tmp_path: Path) -> None:
    """Two processes write and answer polls in turn, and each cursor of one is good for the other."""
    make_app(tmp_path, server_database)
    with gunicorn(tmp_path, database=server_database, workers=2, worker_class="gthread", threads=8) as (api, _):
        sessions = [api.session() for _ in range(6)]
        begun = poll(api)["cursor"]

        def write(session_id: str) -> None:
            for number in range(25):
                api.ok("POST", f"/sessions/{session_id}/messages", {"content": f"{number}"})

        got: dict[str, dict[str, Any]] = {}
        order: list[dict[str, Any]] = []
        cursor = begun
        with ThreadPoolExecutor(len(sessions)) as pool:
            writers = [pool.submit(write, session_id) for session_id in sessions]
            done = more = False
            while not done or more:
                done = all(writer.done() for writer in writers)
                page = poll(api, after=cursor, limit=7)
                for frame in page["frames"]:
                    if frame["id"] not in got:
                        got[frame["id"]] = frame
                        order.append(frame)
                cursor, more = page["cursor"], page["hasMore"]
            for writer in writers:
                writer.result()
    for session_id in sessions:
        mine = [frame for frame in order if frame["sessionId"] == session_id]
        assert [frame["seq"] for frame in mine] == list(range(2, 27))
        assert said(mine) == [str(number) for number in range(25)]


# --- Who is there ---


def test_a_polling_operator_is_online(any_database: str, tmp_path: Path, serve: Serve, travel: Travel) -> None:
    app = make_app(tmp_path, any_database, worker="off")
    api = serve(app)
    ana = as_operator(api, app)
    page = api.visitor()
    assert not online(api, page)
    assert poll(ana)["operators"] == [
        {"id": "7", "name": "Ana", "avatar": "https://shop.example/ana.png", "available": True}
    ]
    for _ in range(6):
        travel.forward(seconds=presence.LIFETIME / 2)
        ana = as_operator(api, app)
        assert poll(ana)["online"] is True
        assert online(api, page)
    assert rows(app) == 1
    travel.forward(seconds=presence.LIFETIME * 1.1)
    assert not online(api, page)
    assert api.ok("GET", "/operators")["operators"] == []


def test_a_polling_client_that_is_not_available_is_not_online(any_shared: Api) -> None:
    # Other tests polled here as well.
    any_shared.ok("DELETE", "/updates")
    page = any_shared.visitor()
    listener = {"client": "listener", "available": "false"}
    assert poll(any_shared, **listener)["online"] is False
    assert poll(any_shared, client="person")["online"] is True
    assert poll(any_shared, **listener)["online"] is True
    assert online(any_shared, page)
    any_shared.ok("DELETE", "/updates", params={"client": "person"})
    assert not online(any_shared, page)
    assert poll(any_shared, client="person", available=True)["online"] is True
    assert poll(any_shared, client="person", available=False)["online"] is False
    assert not online(any_shared, page)
    for client in ("person", "listener", "nobody"):
        assert any_shared.delete("/updates", params={"client": client}).status_code == 204


def test_an_operator_with_two_windows_is_listed_once(app: Flask, api: Api) -> None:
    ana = as_operator(api, app)
    for client in ("one", "two"):
        assert len(poll(ana, client=client)["operators"]) == 1
    assert rows(app) == 2
    assert poll(ana, client="one", available=False)["operators"][0]["available"] is True
    assert poll(ana, client="two", available=False)["operators"][0]["available"] is False
    ana.ok("DELETE", "/updates", params={"client": "one"})
    assert len(poll(ana, client="two", available=False)["operators"]) == 1
    ana.ok("DELETE", "/updates", params={"client": "two"})
    assert api.ok("GET", "/operators")["operators"] == []


def test_a_client_cannot_disconnect_another(app: Flask, api: Api) -> None:
    ana, tom = as_operator(api, app), as_operator(api, app, TOM)
    poll(ana, client="tab")
    for other in (tom, api):
        other.ok("DELETE", "/updates", params={"client": "tab"})
    assert [operator["name"] for operator in api.ok("GET", "/operators")["operators"]] == ["Ana"]


def test_concurrent_requests_of_one_client_are_recorded_once(any_database: str, tmp_path: Path, serve: Serve) -> None:
    app = make_app(tmp_path, any_database)
    api = serve(app)
    api.session()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: api.get("/updates", params={"available": number % 2 == 0}), range(32)))
    assert {answer.status_code for answer in found} == {200}
    assert rows(app) == 1


def test_operators_and_pages_are_told_when_an_operator_connects_or_leaves(app: Flask, api: Api) -> None:
    tom = as_operator(api, app, TOM)
    with api.socket(available=False) as office, live_stream(api.visitor()) as page:

        def told() -> tuple[bool, list[tuple[str, bool]]]:
            frame = office.expect("presence")
            return frame["online"], [(operator["name"], operator["available"]) for operator in frame["operators"]]

        poll(tom)
        assert told() == (True, [("Tom", True)])
        assert page.receive() == {"type": "presence", "data": {"online": True}}
        poll(tom)
        poll(tom, available=False)
        assert told() == (False, [("Tom", False)])
        assert page.receive() == {"type": "presence", "data": {"online": False}}
        poll(as_operator(api, app), available=False)
        assert sorted(told()[1]) == [("Ana", False), ("Tom", False)]
        tom.ok("DELETE", "/updates")
        assert told() == (False, [("Ana", False)])
        page.silent(0.2)


def test_operators_and_pages_are_told_when_an_operator_disappears(app: Flask, api: Api, travel: Travel) -> None:
    upkeep = app.extensions["pocketping"].hub._tick
    with api.socket(available=False) as office, live_stream(api.visitor()) as page:
        poll(as_operator(api, app, TOM))
        assert office.expect("presence")["online"] is True
        assert page.receive()["data"] == {"online": True}
        travel.forward(seconds=presence.LIFETIME * 1.1)
        # The sockets are alive; they say so with the next round of the hub's thread.
        upkeep._next_renewal = 0.0
        frame = office.expect("presence", 20)
        assert (frame["online"], frame["operators"]) == (False, [])
        assert page.expect("presence", 20)["data"] == {"online": False}


def test_operators_at_a_socket_and_by_polling_see_each_other(app: Flask, api: Api) -> None:
    with as_operator(api, app).socket() as ana:
        names = [operator["name"] for operator in poll(as_operator(api, app, TOM))["operators"]]
        assert sorted(names) == ["Ana", "Tom"]
        frame = ana.expect("presence")
        assert sorted(operator["name"] for operator in frame["operators"]) == ["Ana", "Tom"]


# --- Typing ---


def test_typing_needs_no_socket(any_shared: Api) -> None:
    page = any_shared.visitor()
    with live_stream(page) as stream, any_shared.socket(available=False, events=["typing"]) as office:
        for body, is_typing in ((None, True), ({"isTyping": True}, True), ({"isTyping": False}, False)):
            assert any_shared.ok("POST", f"/sessions/{page.session_id}/typing", body) == {"ok": True}
            assert stream.expect("typing")["data"] == {"sender": "operator", "isTyping": is_typing}
            facts = {"sessionId": page.session_id, "sender": "operator", "isTyping": is_typing}
            assert office.receive() == {"type": "typing", **facts}


def test_an_operators_typing_has_their_name(shared_app: Flask, shared: Api) -> None:
    page = shared.visitor()
    with live_stream(page) as stream:
        as_operator(shared, shared_app, TOM).ok("POST", f"/sessions/{page.session_id}/typing")
        assert stream.expect("typing")["data"] == {"sender": "operator", "isTyping": True, "operatorName": "Tom"}


def test_typing_in_an_unknown_session_is_refused(shared_app: Flask, shared: Api) -> None:
    database = database_of(shared_app)
    other = shared.with_key(create_key(database, "other", create_project(database, "Other").id).key)
    for path in (f"/sessions/{shared.session()}/typing", "/sessions/sess_none/typing"):
        assert other.post(path).json()["code"] == "SESSION_NOT_FOUND"
    answer = shared.post(f"/sessions/{shared.session()}/typing", {"isTyping": "yes"})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["isTyping"])


def test_each_poll_counts_against_the_rate_limit(serve: Serve, tmp_path: Path) -> None:
    api = serve(make_app(tmp_path, **LOCAL, rate_limit="3/minute"))
    assert [api.get("/updates").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(api.get("/updates").headers["Retry-After"]) > 0
