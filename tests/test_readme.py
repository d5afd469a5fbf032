"""Tests the code in README.md and docs/*.md by running it."""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, render_template_string

import example_app
import flask_pocketping
from flask_pocketping import PocketPing, signals
from flask_pocketping.bridges.commands import BridgeCommand
from flask_pocketping.models import DEFAULT_PROJECT, Base, Session
from flask_pocketping.realtime.hub import Topic
from flask_pocketping.state import state_of
from flask_pocketping.testing import Refused, Visitor, api, deliver_all
from flask_pocketping.values import MessageType

from .conftest import LOCAL, Serve
from .support.clients import BROWSER, Api
from .support.pages import DOCS, README, Block, blocks, pages, sections, write_files
from .support.plugin import LOAD
from .support.receiver import Receiver
from .support.scripts import environment, imported, replaced, run_node, run_shell
from .support.servers import KEY, Process, free_port, make_app, wait_until
from .support.smtp import mail_server, text_of
from .support.travel import Travel

SETTINGS = {"POCKETPING_" + name.upper(): value for name, value in LOCAL.items()}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which somebody tries out what a page says."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def answers(output: str) -> list[Any]:
    """The JSON that a script printed, an answer a line."""
    return [json.loads(line) for line in output.splitlines() if line]


def execute(found: list[Block], **names: Any) -> dict[str, Any]:
    """Run blocks one after the other, as one module that begins with these names."""
    namespace: dict[str, Any] = {"__name__": "page", **names}
    for block in found:
        exec(compile("\n" * block.line + block.text, block.page.name, "exec"), namespace)
    return namespace


def unnamed(page: Path) -> list[Block]:
    return [block for block in blocks(page, "python") if block.name is None]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_all_python_code_can_be_parsed(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block.text, str(block), "exec")


def test_code_blocks_have_a_language() -> None:
    known = {"python", "javascript", "bash", "console", "json", "ini", "nginx", "html", "jinja", "text"}
    directives = {"{toctree}", "{eval-rst}", "{include} ../CHANGELOG.md"}
    for page in pages():
        assert {block.language for block in blocks(page)} - known - directives == set(), page.name


# --- README.md


@pytest.fixture
def shop_app(here: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """What `make run` serves."""
    monkeypatch.setenv("EXAMPLE_INSTANCE", str(here))
    return example_app.create_app({"POCKETPING_API_KEY": KEY, **SETTINGS})


@pytest.fixture
def shop(shop_app: Flask, serve: Serve) -> Api:
    return serve(shop_app)


def test_the_commands_of_the_readme_work(shop: Api, here: Path, receiver: Receiver) -> None:
    (script,) = blocks(README, "bash")
    output = run_shell(
        script.text,
        here,
        {
            "http://localhost:3001": shop.url,
            "the-key-that-make-run-printed": KEY,
            "https://shop.example/webhook": receiver.url,
        },
    )
    sent, listed, answered, read, registered = answers(output)
    assert set(sent) == {"messageId", "timestamp"}
    assert listed["sessions"][0]["metadata"]["pageUrl"] == "https://shop.example/pricing"
    assert listed["sessions"][0]["lastMessage"]["content"] == "Hello, I have a question"
    assert answered["message"]["type"] == "operator"
    assert [message["content"] for message in read["messages"]] == ["Hello, I have a question", "Hi! How can I help?"]
    assert registered["webhook"]["secret"].startswith("whsec_")
    shop.session()
    assert receiver.wait(1)[0].event == "session.created"


def test_the_snippet_of_the_readme_gets_live_events(shop_app: Flask, shop: Api, here: Path) -> None:
    (snippet,) = blocks(README, "javascript")
    script = here / "snippet.mjs"
    script.write_text(
        replaced(snippet.text, {"ws://localhost:3001": shop.url.replace("http", "ws", 1), "your_api_key": KEY})
    )
    with run_node(script) as node:
        wait_until(lambda: connected(shop_app), "the snippet is connected", seen=node.log.read_text)
        visitor = shop.visitor()
        visitor.say("Hello from a page")
        shop.ok("POST", f"/sessions/{visitor.session_id}/close")
        wait_until(lambda: "Session closed:" in node.log.read_text(), "all three lines", seen=node.log.read_text)
        output = node.log.read_text()
    assert "New session:" in output
    assert "content: 'Hello from a page'" in output
    assert f"Session closed: {visitor.session_id}" in output


def connected(app: Flask) -> bool:
    """Whether a back office has its socket open."""
    return state_of(app).hub.count(Topic("project", DEFAULT_PROJECT)) > 0


def test_the_app_of_the_readme_and_its_hooks_work(here: Path) -> None:
    write_files(README, here)
    with imported(here, "app", "hooks", "people") as (app_module, *_):
        app: Flask = app_module.app
        app.add_url_rule("/", "page", lambda: render_template_string("{{ pocketping_widget() }}"))
        with running(app):
            client = app.test_client()
            before = client.get("/").text
            assert client.get("/pocketping/identity").json == {"identityToken": None, "user": None}
            assert client.get("/pocketping/inbox").status_code == 403
            with client.session_transaction() as session:
                session.update(user_id="7", name="Ana", staff=True)
            assert client.get("/pocketping/identity").get_json()["user"]
            assert client.get("/").text == before, "nothing private is in a page"
            assert client.get("/pocketping/inbox").status_code == 200
            visitor = Visitor(app)
            with pytest.raises(Refused, match="Please mind your language"):
                visitor.send("That dratted kettle")
            visitor.send("Hello")
            assert [message["content"] for message in visitor.messages()][-1].startswith("Hello! Somebody")
            made = app.test_cli_runner().invoke(args=["pocketping", "keys", "create"])
            bearer = {"Authorization": f"Bearer {made.output.splitlines()[0]}"}
            assert app.test_client().get("/pocketping/sessions", headers=bearer).status_code == 200
    assert (here / "instance" / "pocketping.db").exists()


def test_embedding_takes_five_lines() -> None:
    first = blocks(README, "python")[0]
    assert len([line for line in first.text.splitlines() if line and not line.startswith("#")]) == 5


@contextlib.contextmanager
def running(*apps: Flask) -> Iterator[None]:
    """End what runs beside the requests of apps, whatever happens."""
    try:
        yield
    finally:
        for app in apps:
            state_of(app).runtime.close()


# --- docs/start.md


def test_the_tutorial_works_from_an_empty_folder(here: Path) -> None:
    page = DOCS / "start.md"
    write_files(page, here)
    port = free_port()
    shown = "".join(block.text for block in blocks(page, "console"))
    assert "$ flask --app app run --port 3001\n" in shown
    listener = here / "listen.py"
    listener.write_text(replaced(listener.read_text(), {"127.0.0.1:3001": f"127.0.0.1:{port}"}))
    server = Process(["flask", "--app", "app", "run", "--port", str(port)], environment(), here / "server.log", here)
    try:
        wait_until(lambda: "Running on" in server.log.read_text(), "the app is served", 20, server.log.read_text)
        output = run_shell(tutorial(page), here, {"localhost:3001": f"127.0.0.1:{port}"})
    finally:
        server.stop()
    health, sessions, hello, asked, answered, read, thanked, last = answers(output)
    assert (health, sessions) == ({"status": "ok"}, {"sessions": [], "nextCursor": None})
    assert hello["cursor"] == "1"
    assert asked["messageId"] != thanked["messageId"]
    assert answered["message"]["operatorName"] == "Ada"
    assert [message["sender"] for message in read["messages"]] == ["visitor", "operator"]
    assert last["messages"][-1]["content"] == "You are welcome!"
    assert (here / "listen.log").read_text().splitlines()[:3] == [
        "auth.ok ",
        "message.created Is the blue one in stock?",
        "message.created It is, since this morning.",
    ]


def tutorial(page: Path) -> str:
    """The shell lines of the tutorial, in order; what it has run in the background is ended with the script."""
    lines = []
    for block in blocks(page, "bash", "console"):
        if block.language == "bash":
            lines.append(block.text)
        elif block.text.startswith("$ python listen.py $KEY &"):
            lines.append("python listen.py $KEY > listen.log & trap 'kill $!' EXIT")
            lines.append("for i in {1..100}; do grep -q auth.ok listen.log && break; sleep 0.1; done")
    return "\n".join(lines)


# --- docs/embedding.md and docs/deploying.md


def test_the_shop_of_the_guide_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = DOCS / "embedding.md"
    write_files(page, here)
    with imported(here):
        names = execute(unnamed(page))
        try:
            assert re.fullmatch(r"C-17 in Leeds waits since \d\d:\d\d\n", capsys.readouterr().out)
            customer = names["Customer"]
            with names["app"].app_context():
                assert names["db"].session.query(customer).one().chats == 1
            visitor = Visitor(names["app"], sessionId=names["handle"])
            assert [message["content"] for message in visitor.messages()] == ["My parcel is late."]
            assert not Path(names["app"].instance_path, "pocketping.db").exists()
        finally:
            for app in (names["app"], names["north"], names["south"]):
                with app.app_context():
                    names["db"].engine.dispose()
                state_of(app).runtime.close()
            names["engine"].dispose()


def test_the_sign_in_checks_of_the_guide_let_the_chat_through(here: Path) -> None:
    write_files(DOCS / "embedding.md", here)
    (here / "shop" / "__init__.py").write_text("")
    with imported(here, "shop.guards") as (guards,):
        app = Flask("guarded", root_path=str(here))
        app.config.update(SECRET_KEY="s", **SETTINGS)
        pocketping = PocketPing(app)
        pocketping.operator_loader(lambda: {"id": 1, "name": "Ana"})
        guards.guard(app)
        app.add_url_rule("/", "home", lambda: render_template_string("{{ pocketping_widget() }}"))
        with running(app), app.test_client() as client:
            assert client.get("/").location == "/sign-in"
            visitor = Visitor(client)
            visitor.send("Hello")
            assert client.get("/pocketping/identity").status_code == 200
            own = "default-src 'self'; img-src 'self' blob:"
            assert client.get("/pocketping/inbox").headers["Content-Security-Policy"] != own
            with client.session_transaction() as session:
                session["person"] = 7
            assert client.get("/").headers["Content-Security-Policy"] == own


def test_the_customers_and_operators_of_the_guide_work(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", "a secret of the shop")
    monkeypatch.setenv("FLASK_POCKETPING_WORKER", "off")
    write_files(DOCS / "users.md", here)
    with imported(here):
        from shop import (  # type: ignore[import-not-found]  # the page's
            app,
            shift_begins,
            shift_ends,
        )

        with running(app), app.test_client() as client:
            for act, online in ((shift_begins, True), (shift_ends, False)):
                with app.app_context():
                    act({"id": 8, "name": "Ana"})
                assert client.get("/pocketping/presence").json["online"] is online
            banned = {"REMOTE_ADDR": "203.0.113.9"}
            assert client.get("/pocketping/presence", environ_overrides=banned).status_code == 403
            assert client.get("/pocketping/inbox").location == "/sign-in"
            assert client.get("/api/chat-token").status_code == 401
            found = {}
            for person, name in ((7, "Ada"), (8, "Ana")):
                with client.session_transaction() as session:
                    session["person"] = person
                token = client.get("/api/chat-token").get_json()["token"]
                assert state_of(app).identities.read(token).name == name
                found[person] = client.get("/pocketping/inbox").status_code
            assert found == {7: 403, 8: 200}
            token = client.post("/pocketping/inbox/token").json["token"]
            bearer = {"Authorization": f"Bearer {token}"}
            body = {"identity": {"customerId": "7", "name": "Ada"}}
            opened = client.post("/pocketping/sessions", json=body, headers=bearer).json["session"]
            facts = client.get(f"/pocketping/sessions/{opened['id']}/context", headers=bearer).json["context"]
            assert facts == [
                {"label": "Plan", "value": "pro"},
                {"label": "Orders", "value": 3},
                {"label": "Account", "value": "Open", "url": "/accounts/7"},
            ]


def test_the_storage_of_the_guide_works(here: Path) -> None:
    names = execute(unnamed(DOCS / "uploads.md"))
    app = names["app"]
    with running(app), app.app_context():
        visitor = Visitor(app)
        names["send_prices"](visitor.session_id)
        (message,) = visitor.messages()
        (file,) = message["attachments"]
        assert (message["content"], file["filename"]) == ("Here they are.", "prices.txt")
        assert app.test_client().get(file["url"]).data == b"Assam 9.50\nSencha 14.80\n"


def test_the_column_type_for_migrations_can_be_imported() -> None:
    assert "import flask_pocketping.models\n" in [block.text for block in blocks(DOCS / "embedding.md", "text")]
    assert type(Base.metadata.tables["pocketping_session"].c.created_at.type).__module__ == Session.__module__


def test_the_app_behind_a_proxy_sees_the_visitors_addresses(here: Path) -> None:
    write_files(DOCS / "embedding.md", here)
    with imported(here), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASK_POCKETPING_VISITOR_SILENT_SESSION_LIMIT", "1/hour")
        patch.setenv("FLASK_POCKETPING_WORKER", "off")
        patch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite:///shop.db")
        patch.setenv("FLASK_SECRET_KEY", "a secret of the shop")
        write_files(DOCS / "deploying.md", here)
        from wsgi import app  # type: ignore[import-not-found]  # the page's

        with running(app):
            state_of(app).db.create_tables()
            from shop.models import db  # type: ignore[import-not-found]  # the page's

            with app.app_context():
                db.create_all()
            assert [opened(app, f"203.0.113.{last}") for last in (7, 7, 8)] == [200, 429, 200]
            with app.app_context():
                db.engine.dispose()


def opened(app: Flask, address: str) -> int:
    """The status of a visitor's first request that a proxy passes on; what the visitor forged comes first."""
    headers = {"User-Agent": BROWSER, "X-Forwarded-For": f"198.51.100.99, {address}"}
    return app.test_client().post("/pocketping/connect", json={}, headers=headers).status_code


def test_gunicorn_as_configured_closes_sockets_with_1012_soon(here: Path) -> None:
    write_files(DOCS / "embedding.md", here)
    write_files(DOCS / "deploying.md", here)
    port = free_port()
    configuration = here / "gunicorn.conf.py"
    configuration.write_text(replaced(configuration.read_text(), {"127.0.0.1:8000": f"127.0.0.1:{port}"}))
    shown = "".join(block.text for block in blocks(DOCS / "deploying.md", "console"))
    assert "$ gunicorn wsgi:app\n" in shown
    settings = environment(
        FLASK_SECRET_KEY="s",
        FLASK_POCKETPING_API_KEY=KEY,
        FLASK_POCKETPING_DATABASE_URI=f"sqlite:///{here}/chat.db",
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{here}/shop.db",
    )
    subprocess.run(["flask", "--app", "shop", "pocketping", "init-db"], env=settings, check=True, capture_output=True)
    server = Process(["gunicorn", "--no-control-socket", "wsgi:app"], settings, here / "gunicorn.log", here)
    try:
        office = Api(f"http://127.0.0.1:{port}/pocketping", KEY)
        wait_until(lambda: answering(office), "gunicorn answers", 20, server.log.read_text)
        with office.socket() as socket:
            server.popen.send_signal(signal.SIGTERM)
            assert socket.close_code(5) == 1012
        assert server.popen.wait(10) == 0, server.log.read_text()
    finally:
        if server.popen.poll() is None:
            server.stop()


def answering(api: Api) -> bool:
    try:
        return api.get("/health").status_code == 200
    except requests.RequestException:
        return False


def test_the_systemd_units_are_valid() -> None:
    units = blocks(DOCS / "deploying.md", "ini")
    assert len(units) == 2
    for block in units:
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(block.text)
        command = unit["Service"]["ExecStart"]
        assert Path(command.split()[0]).name in os.listdir(Path(sys.executable).parent)
        assert int(unit["Service"]["TimeoutStopSec"]) >= 20


def test_the_backup_can_be_taken_while_the_app_runs(here: Path) -> None:
    (script,) = blocks(DOCS / "deploying.md", "bash")
    app = make_app(here / "instance", worker="off")
    visitor = Visitor(app)
    visitor.send("Keep me")
    run_shell(script.text, here, {})
    with contextlib.closing(sqlite3.connect(here / "backup.db")) as copy:
        assert copy.execute("SELECT content FROM pocketping_message").fetchall() == [("Keep me",)]


# --- docs/signals.md


def test_each_hook_of_the_guide_is_called(here: Path, caplog: pytest.LogCaptureFixture, receiver: Receiver) -> None:
    app = Flask("app", root_path=str(here))
    app.config.update(SECRET_KEY="s", POCKETPING_WORKER="off", **SETTINGS)
    pocketping = PocketPing(app)
    first, *others = unnamed(DOCS / "signals.md")
    with_app = Block(
        first.page, first.line, first.language, replaced(first.text, {"from app import app, pocketping": ""})
    )
    names = execute([with_app, *others], app=app, pocketping=pocketping)
    assert names["log_message"] is not None

    office = api(app)
    office.post("/pocketping/webhooks", json={"url": receiver.url, "events": ["session.closed"]})
    visitor = Visitor(app, metadata={"url": "https://shop.example/teapots"})
    with pytest.raises(Refused, match="Please mind your language"):
        visitor.send("That dratted kettle")
    visitor.send("My card is 1234 5678 1234 5678")
    contents = [message["content"] for message in visitor.messages()]
    assert contents[:2] == ["Welcome! You came from https://shop.example/teapots.", "My card is [card number removed]"]
    with app.app_context():
        pocketping.close_session(visitor.session_id)
    assert deliver_all(app) == 1
    assert "took" in caplog.text
    assert f"{visitor.session_id} ended after" in caplog.text

    now = datetime.now()
    with app.app_context():
        session = pocketping.get_session(visitor.session_id)
    quiet: dict[str, dict[str, Any]] = {
        "visitor_connected": {"session_id": session.id},
        "visitor_disconnected": {"session_id": session.id},
        "messages_read": {"session_id": session.id, "message_ids": ["msg_1"], "status": "read", "at": now},
        "csat_submitted": {"session_id": session.id, "score": 5, "comment": "Good"},
        "ai_toggled": {"session": session},
        "ai_takeover": {"session_id": session.id, "reason": "nobody is here"},
        "session_reopened": {"session": session},
        "session_updated": {"session": session},
    }
    for name, payload in quiet.items():
        caplog.clear()
        getattr(signals, name).send(app, event=None, **payload)
        assert session.id in caplog.text or session.visitor_id in caplog.text, name


# --- docs/webhooks.md


@pytest.mark.parametrize("name", ["receiver", "plain_receiver"])
def test_the_receivers_of_the_guide_accept_only_signed_requests(
    name: str, here: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(DOCS / "webhooks.md", here)
    with imported(here, name) as (module,):
        hook = serve(module.app).url + "/hook"
        app = make_app(here, None, worker="off", **LOCAL)
        office = api(app)
        webhook = office.post("/webhooks", json={"url": hook, "events": ["*"]}).get_json()["webhook"]
        monkeypatch.setenv("WEBHOOK_SECRET", webhook["secret"])
        Visitor(app).send("Hello")
        assert deliver_all(app) == 2
        assert states(office, webhook["id"]) == ["succeeded", "succeeded"]
        assert "message.created" in capsys.readouterr().out
        assert requests.post(hook, json={"event": "message.created", "data": {}}, timeout=10).status_code == 400

        office.post(f"/webhooks/{webhook['id']}/rotate")
        office.post(f"/webhooks/{webhook['id']}/test")
        deliver_all(app)
        # With the old secret: the standard signature still fits, the plain one does not.
        assert states(office, webhook["id"])[0] == ("succeeded" if name == "receiver" else "pending")


def states(office: Any, webhook_id: str) -> list[str]:
    found = office.get(f"/webhooks/{webhook_id}/deliveries").get_json()["deliveries"]
    return [delivery["state"] for delivery in found]


def test_the_local_app_of_the_guide_may_reach_this_machine(here: Path) -> None:
    local = execute(unnamed(DOCS / "webhooks.md"))["local"]
    answer = api(local).post("/pocketping/webhooks", json={"url": "http://127.0.0.1:1/", "events": ["*"]})
    assert answer.status_code == 201
    with running(local):
        pass


# --- docs/websocket.md and docs/visitor-api.md


@pytest.mark.timeout(30)
def test_the_listener_in_python_misses_nothing(here: Path, app: Flask, api: Api) -> None:
    write_files(DOCS / "websocket.md", here)
    url = api.url.replace("http", "ws", 1) + "/ws"
    with imported(here, "listen") as (listen,):
        visitor = api.visitor()
        stream = listen.events(url, KEY, "0")
        assert next(stream)["type"] == "session.created"
        state_of(app).runtime.close()
        for number in range(3):
            visitor.say(str(number))
        assert [next(stream)["message"]["content"] for _ in range(3)] == ["0", "1", "2"]
        stream.close()
        with pytest.raises(PermissionError):
            next(listen.events(url, "wrong"))


def test_the_listener_in_javascript_misses_nothing(here: Path, app: Flask, api: Api) -> None:
    write_files(DOCS / "websocket.md", here)
    script = here / "listen.mjs"
    address = {"ws://127.0.0.1:3001/ws": api.url.replace("http", "ws", 1) + "/ws", "your_api_key": KEY}
    script.write_text(replaced(script.read_text(), address))
    with run_node(script) as node:
        wait_until(lambda: connected(app), "the listener is connected", seen=node.log.read_text)
        visitor = api.visitor()
        wait_until(lambda: "session.created" in node.log.read_text(), "the first event", seen=node.log.read_text)
        state_of(app).runtime.close()
        for number in range(3):
            visitor.say(str(number))
        wait_until(lambda: node.log.read_text().count("message.created") == 3, "the rest", seen=node.log.read_text)
        assert len(node.log.read_text().splitlines()) == 4


def test_the_page_in_javascript_works(here: Path, app: Flask, api: Api) -> None:
    write_files(DOCS / "visitor-api.md", here)
    script = here / "page.mjs"
    script.write_text(
        f"""
        import {{ chat }} from './chat.mjs';

        const kept = new Map();
        const storage = {{ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) }};
        const show = (message) => console.log(message.sender, message.content);
        const send = await chat('{api.url}', show, storage);
        await send('Hello');
        """
    )
    with run_node(script) as node:
        wait_until(lambda: "visitor Hello" in node.log.read_text(), "the page shows it", seen=node.log.read_text)
        (session,) = api.ok("GET", "/sessions")["sessions"]
        state_of(app).runtime.close()
        api.ok("POST", f"/sessions/{session['id']}/messages", {"content": "Hi there"})
        wait_until(lambda: "operator Hi there" in node.log.read_text(), "it resumes", seen=node.log.read_text)
        assert node.log.read_text().splitlines() == ["visitor Hello", "operator Hi there"]


# --- docs/testing.md


def test_the_tests_of_the_guide_pass_and_can_fail(here: Path) -> None:
    write_files(DOCS / "testing.md", here)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *LOAD,
        "test_shop.py",
        "test_chat.py",
    ]
    passed = subprocess.run(command, cwd=here, env=environment(), capture_output=True, text=True, timeout=60)
    assert passed.returncode == 0, passed.stdout
    assert "6 passed" in passed.stdout
    hook = here / "shop.py"
    hook.write_text(replaced(hook.read_text(), {'"dratted" in': '"blasted" in'}))
    failed = subprocess.run(command, cwd=here, env=environment(), capture_output=True, text=True, timeout=60)
    assert "1 failed, 5 passed" in failed.stdout, failed.stdout


def test_the_clock_of_the_guide_can_be_set() -> None:
    execute(unnamed(DOCS / "testing.md"))


# --- docs/targets.md


def test_the_mail_and_the_pager_of_the_guide_deliver(
    here: Path, travel: Travel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = DOCS / "targets.md"
    write_files(page, here)
    monkeypatch.setenv("SECRET_KEY", "of the test")
    with mail_server() as mailbox:
        for name, value in {"HOST": "127.0.0.1", "PORT": str(mailbox.port), "SECURITY": "none"}.items():
            monkeypatch.setenv(f"SMTP_{name}", value)
        with imported(here, "app", "pager") as (shop, pager):
            app = Flask("shop", instance_path=str(here))
            app.config.update(SECRET_KEY="of the test", POCKETPING_WORKER="off", POCKETPING_URL_PREFIX="")
            pocketping = PocketPing(app, targets=[shop.mail, pager.Pager(receiver.url)])
            (paces,) = [block for block in unnamed(page) if "def paces" in block.text]
            names = execute([paces], Pace=flask_pocketping.Pace)
            assert [pace.limit for pace in names["paces"](None, "one")] == [30, 20]
            with app.app_context():
                session_id = pocketping.open_session(identity=flask_pocketping.Identity(email="ada@example.com")).id
                pocketping.send_message(session_id, "Hello?", type=MessageType.VISITOR)
                travel.forward(minutes=4)
                assert deliver_all(app) == 1
                pocketping.send_message(session_id, "Hello!")
                travel.forward(minutes=6)
                assert deliver_all(app) == 1
        pocketping.close(app)
        assert [received.json for received in receiver.received] == [{"text": "Hello?"}]
        assert text_of(mailbox.mails[0]).startswith("Hello!")


# --- docs/ai.md


def test_the_tools_of_the_guide_are_described_to_the_model() -> None:
    pocketping = PocketPing()
    names: dict[str, Any] = {"pocketping": pocketping, "Order": None}
    for block in blocks(DOCS / "ai.md", "python"):
        if "ai_tool" in block.text:
            exec(compile(block.text, "ai.md", "exec", dont_inherit=True), names)
    tools = {tool.name: tool for tool in pocketping._ai_tools}
    assert list(tools) == ["order_status", "cancel_order"]
    for tool in tools.values():
        # The model never names the customer.
        assert list(tool.spec.parameters["properties"]) == ["number"]


# --- docs/bridges.md


def test_the_command_of_the_guide_answers_operators(here: Path) -> None:
    write_files(DOCS / "bridges.md", here)
    (here / "shop" / "__init__.py").write_text("")
    with imported(here, "shop.chat") as (chat,):
        app = Flask("shop", instance_path=str(here))
        app.config.update(SECRET_KEY="s", POCKETPING_WORKER="off", **SETTINGS)
        chat.pocketping.init_app(app)
        (stock,) = chat.pocketping._loaders.commands.values()
        command = BridgeCommand("stock", "lamps", "sess_1", "U1", "Ana", "telegram", None)
        assert stock(command) == "Of lamps we have 12 left."
        chat.pocketping.close(app)


def test_every_page_with_python_has_a_test() -> None:
    run = {
        "README",
        "start",
        "embedding",
        "users",
        "uploads",
        "deploying",
        "signals",
        "webhooks",
        "targets",
        "websocket",
        "testing",
        "ai",
        "bridges",
    }
    # Run by tests/knowledge/test_commands.py.
    run.add("knowledge")
    # Each of its sections is an app of its own, run by tests/test_integrations.py.
    run.add("integrations")
    assert {page.stem for page in pages() if blocks(page, "python")} == run
    assert sections(README)["Embed it"]
