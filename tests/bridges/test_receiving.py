"""Tests who is heard in a topic, that each message is stored once, and which process reads them."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.exc import OperationalError

from flask_pocketping.bridges import runner
from flask_pocketping.bridges.platform import Author, IncomingMessage, Thread

from ..conftest import Serve
from ..support.clients import Api
from ..support.servers import Process, check_log, gunicorn, make_app, serving, wait_until, worker
from ..support.telegram import BOT_ID, GROUP, TelegramServer
from .conftest import Talk, settings_for

SECRET = "a-secret-of-the-webhook-0123"


@pytest.fixture
def talk(bridged: Api, telegram: TelegramServer) -> Talk:
    return Talk(bridged, telegram)


def test_only_people_in_our_topics_are_heard(talk: Talk, telegram: TelegramServer) -> None:
    robot = {"id": 99, "is_bot": True, "first_name": "Robot"}
    telegram.write(None, "In General")
    telegram.write(4711, "In a topic of others")
    telegram.write(talk.topic, "From another bot", **{"from": robot})
    telegram.write(talk.topic, "From us", **{"from": {"id": BOT_ID, "is_bot": True, "first_name": "Shop"}})
    telegram.write(talk.topic, "From another group", chat={"id": -1005, "type": "supergroup", "title": "x"})
    telegram.write(talk.topic, "", new_chat_title="Service message")
    telegram.write(talk.topic, "", pinned_message={"message_id": 1})
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    group = {"id": GROUP, "type": "supergroup", "title": "Support"}
    telegram.write(talk.topic, "From an anonymous administrator", sender_chat=group, **{"from": anonymous})
    telegram.write(talk.topic, "From Ana")
    talk.wait_shown(3)
    assert talk.shown() == ["Hello", "From an anonymous administrator", "From Ana"]
    assert [message.get("operatorName") for message in talk.office()] == [None, "Support", "Ana"]


def test_bots_of_tests_count_as_operators(serve: Serve, telegram: TelegramServer) -> None:
    talk = Talk(serve(**settings_for(telegram, bridge_test_bot_ids="99, 98")), telegram)
    telegram.write(talk.topic, "No", **{"from": {"id": 97, "is_bot": True, "first_name": "Other"}})
    talk.answer("Yes", **{"from": {"id": 99, "is_bot": True, "first_name": "Robot"}})
    assert talk.shown() == ["Hello", "Yes"]


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"update_id": 1},
        {"message": None},
        {"message": {"chat": {"id": GROUP}}},
        {"message": {"message_id": "x", "chat": {"id": GROUP}, "message_thread_id": 1, "from": 5, "text": "a"}},
        {"message": {"message_id": 1, "chat": {"id": GROUP}, "date": 10**20, "message_thread_id": 1, "text": "a"}},
        {"message": {"message_id": 1, "chat": {"id": GROUP}, "text": 5, "from": {"id": 1}, "message_thread_id": 1}},
        {"edited_message": []},
        {"message_reaction": {"chat": {"id": GROUP}, "message_id": 1, "new_reaction": None}},
    ],
    ids=json.dumps,
)
def test_an_update_that_makes_no_sense_holds_nothing_up(
    talk: Talk, telegram: TelegramServer, update: dict[str, Any]
) -> None:
    with telegram.lock:
        telegram._update_ids += 1
        telegram.updates.append({**update, "update_id": telegram._update_ids})
    talk.answer("Next")


def test_what_an_operator_wrote_is_stored_once_however_often_it_comes(
    serve: Serve, telegram: TelegramServer, tmp_path: Path
) -> None:
    app = make_app(tmp_path, **settings_for(telegram))
    talk = Talk(serve(app), telegram)
    receiver = app.extensions["pocketping"].bridges.bridges["telegram"].receiver
    thread = Thread(str(GROUP), str(talk.topic))
    text = "word " * 1500
    message = IncomingMessage(thread, "900", Author("7", "Ana"), text)
    ready = threading.Barrier(6)

    def repeat() -> None:
        ready.wait()
        with app.app_context():
            receiver.receive(message)

    started = [threading.Thread(target=repeat) for _ in range(6)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    with app.app_context():
        receiver.receive(message)
    assert " ".join(talk.shown()[1:]).split() == text.split()
    assert len(talk.shown()) == 3


def test_an_update_is_confirmed_only_after_it_is_stored(
    serve: Serve, telegram: TelegramServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE", 0.2)
    app = make_app(tmp_path, **settings_for(telegram))
    talk = Talk(serve(app), telegram)
    receiver = app.extensions["pocketping"].bridges.bridges["telegram"].receiver
    enqueue, failures = receiver._enqueue, ["once", "twice"]

    def fail(*args: Any) -> None:
        raise RuntimeError("It can't be stored at once.")

    def fail_too(*args: Any) -> None:
        """While the database is away, it can't be set aside either."""
        if failures:
            raise OperationalError("INSERT", {}, Exception(failures.pop()))
        monkeypatch.undo()
        enqueue(*args)

    monkeypatch.setattr(receiver._intake, "store", fail)
    monkeypatch.setattr(receiver, "_enqueue", fail_too)
    talk.answer("In the end")
    assert failures == []
    assert talk.shown() == ["Hello", "In the end"]


# --- One reader at a time


def test_one_of_several_processes_reads_and_another_takes_over(tmp_path: Path, sqlite: str) -> None:
    from ..support.telegram import telegram_server

    with telegram_server() as telegram, ExitStack() as stack:
        settings = settings_for(telegram)
        api = stack.enter_context(serving(make_app(tmp_path, sqlite, worker="off", **settings)))
        workers: list[Process] = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            environment = {**settings, "bridge_allow_networks": "127.0.0.0/8"}
            workers.append(stack.enter_context(worker(folder, database=sqlite, uploads=str(tmp_path), **environment)))
        talk = Talk(api, telegram)
        talk.answer("First")
        readers = [process for process in workers if reads(api, process)]
        assert len(readers) == 1
        readers[0].kill()
        telegram.write(talk.topic, "Second")
        wait_until(lambda: len(talk.shown()) == 3, "another process goes on", runner.LEASE + 10, talk.shown)
        assert telegram.conflicts == 0
        assert talk.shown() == ["Hello", "First", "Second"]


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_the_processes_of_gunicorn_share_the_work(
    worker_class: str, tmp_path: Path, sqlite: str, telegram: TelegramServer
) -> None:
    make_app(tmp_path, sqlite).extensions["pocketping"].runtime.close()
    settings = settings_for(telegram)
    with gunicorn(tmp_path, database=sqlite, workers=2, worker_class=worker_class, **settings) as (api, process):
        talk = Talk(api, telegram)
        for number in range(3):
            talk.answer(f"Answer {number}")
            talk.settled(talk.visitor.say(f"Question {number}")["messageId"])
        assert process.stop() == 0
    check_log(process)
    assert telegram.conflicts == 0
    assert sum("Question" in text for text in telegram.texts()) == 3


def reads(api: Api, process: Process) -> bool:
    """Whether a worker holds the lease: its name begins with the number of its process."""
    from sqlalchemy import create_engine, text

    database = api_database(process)
    engine = create_engine(database)
    with engine.connect() as connection:
        owner = connection.execute(text("SELECT owner FROM pocketping_lease")).scalar()
    engine.dispose()
    return str(owner).startswith(f"{process.popen.pid}-")


def api_database(process: Process) -> str:
    for entry in Path(f"/proc/{process.popen.pid}/environ").read_bytes().split(b"\0"):
        if entry.startswith(b"POCKETPING_DATABASE_URI="):
            return entry.partition(b"=")[2].decode()
    raise AssertionError("The worker has no database.")


def test_a_stopped_app_returns_the_lease_at_once(tmp_path: Path, sqlite: str, telegram: TelegramServer) -> None:
    settings = settings_for(telegram)
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        talk = Talk(api, telegram)
    with serving(make_app(tmp_path, sqlite, **settings)) as api:
        talk.api, talk.visitor.url = api, api.url
        telegram.write(talk.topic, "Quick")
        assert talk.visitor.messages()
        wait_until(lambda: len(talk.shown()) == 2, "the answer", 5, talk.shown)


def test_another_program_that_polls_is_waited_for(talk: Talk, telegram: TelegramServer) -> None:
    with telegram.lock:
        telegram.polling += 1
    wait_until(lambda: telegram.conflicts, "the conflict", 10)
    with telegram.lock:
        telegram.polling -= 1
    talk.answer("After the conflict")


def test_a_webhook_that_was_set_before_is_removed(telegram: TelegramServer, serve: Serve) -> None:
    telegram.webhook = {"url": "https://old.example/hook"}
    talk = Talk(serve(**settings_for(telegram)), telegram)
    talk.answer("Hello")
    assert telegram.webhook is None


# --- By webhook


@pytest.fixture
def hooked(serve: Serve, telegram: TelegramServer) -> Talk:
    return Talk(serve(**settings_for(telegram, telegram_webhook_secret=SECRET)), telegram)


def call(talk: Talk, secret: str | None = SECRET, body: bytes | None = None) -> requests.Response:
    """Deliver the next update as Telegram would."""
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["X-Telegram-Bot-Api-Secret-Token"] = secret
    data = json.dumps(talk.telegram.updates.popleft()).encode() if body is None else body
    return requests.post(f"{talk.api.url}/bridges/telegram", data=data, headers=headers, timeout=30)


def test_updates_by_webhook(hooked: Talk, telegram: TelegramServer) -> None:
    telegram.write(hooked.topic, "By webhook")
    repeated = json.dumps(telegram.updates[0]).encode()
    assert call(hooked).status_code == 200
    assert call(hooked, body=repeated).status_code == 200
    assert hooked.shown() == ["Hello", "By webhook"]
    assert not telegram.calls("getUpdates")


def test_edits_by_webhook_are_applied_once_and_in_order(serve: Serve, telegram: TelegramServer) -> None:
    """Telegram repeats what got no good answer, and may do so after it has sent something later."""
    settings = settings_for(telegram, telegram_webhook_secret=SECRET, operators_edit="all")
    hooked = Talk(serve(**settings), telegram)
    written = telegram.write(hooked.topic, "One")
    call(hooked)
    for text in ("Two", "Three"):
        # Within one second, perhaps.
        telegram.edit(written, text)
    first, second = (json.dumps(update).encode() for update in list(telegram.updates)[-2:])
    for body in (second, first, second):
        assert call(hooked, body=body).status_code == 200
        assert hooked.shown() == ["Hello", "Three"]
    path = f"/sessions/{hooked.session_id}/messages/{hooked.office()[-1]['id']}"
    hooked.api.ok("PATCH", path, {"content": "Of the inbox"})
    for body in (second, first):
        assert call(hooked, body=body).status_code == 200
    assert hooked.shown() == ["Hello", "Of the inbox"]


def test_a_slow_update_holds_up_nobody(hooked: Talk, telegram: TelegramServer) -> None:
    import socket

    telegram.write(hooked.topic, "Slowly")
    telegram.write(hooked.topic, "Quickly")
    slowly = json.dumps(telegram.updates.popleft()).encode()
    host, _, port = hooked.api.url.removeprefix("http://").partition(":")
    secret = f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: {len(slowly)}\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        sock.sendall(f"POST /bridges/telegram HTTP/1.1\r\nHost: x\r\n{secret}\r\n".encode() + slowly[:10])
        assert call(hooked).status_code == 200
        assert hooked.shown() == ["Hello", "Quickly"]
        sock.sendall(slowly[10:])
        assert sock.recv(100).split(b" ")[1] == b"200"
    assert hooked.shown() == ["Hello", "Quickly", "Slowly"]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "\u00e4" * 20])
def test_a_request_without_the_secret_is_refused(hooked: Talk, telegram: TelegramServer, secret: str | None) -> None:
    telegram.write(hooked.topic, "Forged")
    answer = call(hooked, secret and secret.encode("latin-1").decode("latin-1"))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    assert hooked.shown() == ["Hello"]


def test_the_body_of_a_refused_request_is_not_read(hooked: Talk) -> None:
    host, _, port = hooked.api.url.removeprefix("http://").partition(":")
    import socket

    with socket.create_connection((host, int(port)), timeout=10) as sock:
        # The body that is announced never comes.
        sock.sendall(b"POST /bridges/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        assert sock.recv(100).split(b" ")[1] == b"401"


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"\xff", b"[" * 100_000, b'{"message": 5}'])
def test_a_hostile_body_with_the_secret_is_taken_for_nothing(hooked: Talk, body: bytes) -> None:
    assert call(hooked, body=body).status_code == 200


def test_a_body_that_is_too_large_is_refused(hooked: Talk) -> None:
    assert call(hooked, body=b" " * (1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize("name", ["telegram", "slack", "nothing", "x%00"])
def test_bridges_that_are_not_called_have_no_address(bridged: Api, name: str) -> None:
    answer = requests.post(f"{bridged.url}/bridges/{name}", data=b"{}", timeout=30)
    assert answer.status_code == 404


def test_many_wrong_secrets_are_slowed_down(serve: Serve, telegram: TelegramServer) -> None:
    settings = settings_for(telegram, telegram_webhook_secret=SECRET, failed_key_limit="3/minute")
    talk = Talk(serve(**settings), telegram)
    found = [call(talk, "wrong", b"{}").status_code for _ in range(5)]
    assert found == [401, 401, 401, 429, 429]
    telegram.write(talk.topic, "Still heard")
    assert call(talk).status_code == 200


# --- Taking back, and alerts


def test_an_answer_can_be_taken_back_for_some_seconds(serve: Serve, telegram: TelegramServer) -> None:
    talk = Talk(serve(**settings_for(telegram, bridge_undo_seconds="2")), telegram)
    wrong = telegram.write(talk.topic, "Wrong window")
    typo = telegram.write(talk.topic, "Helo")
    telegram.write(talk.topic, "/delete", reply_to_message={"message_id": 1})
    telegram.edit(typo, "Hello!")
    telegram.react(wrong, "🗑")
    assert talk.wait_shown(2) == ["Hello", "Hello!"]
    assert not talk.visitor.messages()[-1].get("editedAt")
    assert len(talk.office()) == 2


def test_an_answer_comes_at_once_unless_that_is_set(talk: Talk, telegram: TelegramServer) -> None:
    telegram.write(talk.topic, "At once")
    wait_until(lambda: len(talk.shown()) == 2, "the answer", 1.9, talk.shown)


def test_a_bridge_for_alerts_only_answers_nobody(serve: Serve, telegram: TelegramServer) -> None:
    talk = Talk(serve(**settings_for(telegram, bridge_alerts_only="telegram")), telegram)
    telegram.write(talk.topic, "Hello from here")
    telegram.write(talk.topic, "And again")
    telegram.wait_text("This thread is for alerts only", talk.topic)
    telegram.write(talk.topic, "/info")
    telegram.wait_text("active", talk.topic)
    assert len([text for text in talk.texts() if "alerts only" in text]) == 1
    assert talk.shown() == ["Hello"]
