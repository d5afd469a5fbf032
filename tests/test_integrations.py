"""Tests the code of docs/integrations.md: each block runs with the real package."""

from __future__ import annotations

import gzip
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url

from flask_pocketping.state import state_of
from flask_pocketping.testing import Visitor, api
from flask_pocketping.web.pages.assets import find_assets

from .support.clients import Visitor as Page
from .support.pages import DOCS, Block, blocks, sections
from .support.receiver import Answer, Receiver
from .support.scripts import environment, imported, replaced
from .support.servers import Process, free_port, wait_until
from .support.services import redis_url as find_redis

PAGE = DOCS / "integrations.md"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which somebody tries out what the page says."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def code_of(section: str) -> list[Block]:
    """The Python of a section."""
    lines = PAGE.read_text().splitlines()
    start = lines.index(f"# {section}" if section == "Integrations" else f"## {section}")
    end = next((at for at, line in enumerate(lines) if at > start and line.startswith("## ")), len(lines))
    return [block for block in blocks(PAGE, "python") if start < block.line < end]


@contextmanager
def running(section: str) -> Iterator[dict[str, Any]]:
    """Run the page's first block and those of a section; what runs beside the requests is ended afterwards."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in [*code_of("Integrations"), *code_of(section)]:
        exec(compile("\n" * block.line + block.text, PAGE.name, "exec"), names)
    try:
        yield names
    finally:
        for found in list(names.values()):
            if isinstance(found, Flask):
                state_of(found).runtime.close()


def client_of(names: dict[str, Any]) -> FlaskClient:
    app: Flask = names["app"]
    return app.test_client()


def talk(app: Flask) -> Visitor:
    """A visitor who says something and is answered."""
    visitor = Visitor(app)
    visitor.send("Hello")
    prefix = state_of(app).config.url_prefix
    answered = api(app).post(f"{prefix}/sessions/{visitor.session_id}/messages", json={"content": "Hi!"})
    assert answered.status_code == 201, answered.text
    assert [message["content"] for message in visitor.messages()] == ["Hello", "Hi!"]
    return visitor


def test_every_section_has_a_test() -> None:
    source = Path(__file__).read_text()
    with_code = [name for name in sections(PAGE) if name != "Integrations" and code_of(name)]
    assert len(with_code) >= 12
    assert [name for name in with_code if f'"{name}"' not in source] == []
    named = {"Flask-Migrate", "Flask-Limiter", "Flask-Caching", "Flask-Babel", "Flask-CORS", "Flask-Talisman"}
    named |= {"Flask-Login", "Flask-Security", "Flask-DebugToolbar", "Flask-SocketIO", "Sentry", "Celery"}
    assert named | {"DispatcherMiddleware"} <= set(sections(PAGE))


def test_limiter() -> None:
    with running("Flask-Limiter") as names:
        client = client_of(names)
        visitor = talk(names["app"])
        for _ in range(21):
            visitor.messages()
        assert [client.get("/").status_code for _ in range(21)] == [200] * 20 + [429]


def test_csrf_protect() -> None:
    with running("Flask-WTF") as names:
        names["app"].add_url_rule("/order", "order", lambda: "Ordered", methods=["POST"])
        talk(names["app"])
        assert client_of(names).post("/order").status_code == 400


def test_caching() -> None:
    with running("Flask-Caching") as names:
        client = client_of(names)
        first, again = client.get("/").text, client.get("/").text
        assert first == again
        assert len(names["cache"].cache._cache) == 1
        (script,) = re.findall(r'src="([^"]+)"', first)
        assert "immutable" in client.get(script).headers["Cache-Control"]
        answer = client.get("/pocketping/messages?sessionId=none")
        assert answer.headers["Cache-Control"] == "no-store"
        talk(names["app"])


def test_babel() -> None:
    with running("Flask-Babel") as names:
        client = client_of(names)
        for accepted, language in (("pt-BR,en;q=0.5", "pt-BR"), ("de-AT", "de"), ("en", "en")):
            shown = client.get("/", headers={"Accept-Language": accepted}).text
            assert f'data-language="{language}"' in shown
        talk(names["app"])


def test_cors() -> None:
    with running("Flask-CORS") as names:
        client = client_of(names)
        allowed = "Access-Control-Allow-Origin"
        headers = {"Origin": "https://partner.example"}
        assert client.get("/api/teas", headers=headers).headers[allowed] == "https://partner.example"
        for path in ("/pocketping/presence", "/pocketping/sessions"):
            assert allowed not in client.get(path, headers=headers).headers
        talk(names["app"])


def test_talisman() -> None:
    with running("Flask-Talisman") as names:
        client = client_of(names)
        assert client.get("/").location == "https://localhost/"
        page = client.get("/", base_url="https://localhost")
        nonce = re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
        assert re.findall(r'nonce="([^"]+)"', page.text) == nonce
        names["pocketping"].operator_loader(lambda: {"id": 1, "name": "Ana"})
        inbox = client.get("/pocketping/inbox", base_url="https://localhost")
        assert inbox.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert inbox.headers["X-Frame-Options"] == "DENY"
        script = f"/pocketping/assets/{find_assets().build}/widget/widget.js"
        assert client.get(script, base_url="https://localhost").status_code == 200
        # A policy is for the site's pages; that of a file stays what it is, a sandbox.
        with names["app"].app_context():
            session = names["pocketping"].open_session()
            added = names["pocketping"].add_attachment(session.id, "note.txt", b"Hello")
        with client.get(added.url, base_url="https://localhost") as file:
            assert (file.data, file.headers["Content-Security-Policy"]) == (b"Hello", "default-src 'none'; sandbox")


def sign_in(client: FlaskClient, user_id: str) -> None:
    """As Flask-Login notes it."""
    with client.session_transaction() as session:
        session.update(_user_id=user_id, _fresh=True)


def token_of(client: FlaskClient) -> Any:
    """What says who the client is, if anybody is signed in."""
    answer = client.get("/pocketping/identity")
    assert answer.json is not None
    return answer.json["identityToken"]


def test_login() -> None:
    with running("Flask-Login") as names:
        client = client_of(names)
        assert client.get("/pocketping/inbox").location == "/sign-in?next=%2Fpocketping%2Finbox"
        assert token_of(client) is None
        found = {}
        for user_id in ("7", "8"):
            sign_in(client, user_id)
            found[user_id] = client.get("/pocketping/inbox").status_code
            token = token_of(client)
            identity = state_of(names["app"]).identities.read(token)
            assert (identity.customer_id, identity.name) == (user_id, names["USERS"][user_id].name)
        assert found == {"7": 403, "8": 200}


def test_security() -> None:
    with running("Flask-Security") as names:
        app, db, security = names["app"], names["db"], names["security"]
        with app.app_context():
            db.create_all()
            role = security.datastore.create_role(name="support")
            ada = security.datastore.create_user(email="ada@example.com", password="x", roles=[])
            ana = security.datastore.create_user(email="ana@example.com", password="x", roles=[role])
            db.session.commit()
            people = {user.email: (user.id, user.fs_uniquifier) for user in (ada, ana)}
            app.extensions["pocketping"].db.create_tables()
        client = app.test_client()
        assert client.get("/pocketping/inbox").location == "/login?next=/pocketping/inbox"
        found = {}
        for email, (number, uniquifier) in people.items():
            client = app.test_client()
            sign_in(client, uniquifier)
            found[email] = client.get("/pocketping/inbox").status_code
            identity = state_of(app).identities.read(token_of(client))
            assert (identity.customer_id, identity.email) == (str(number), email)
        assert found == {"ada@example.com": 403, "ana@example.com": 200}
        talk(app)
        with app.app_context():
            db.engine.dispose()


def test_debug_toolbar() -> None:
    with running("Flask-DebugToolbar") as names:
        assert "/pocketping/sessions" in client_of(names).get("/").text
        names["pocketping"].operator_loader(lambda: {"id": 1, "name": "Ana"})
        assert "script-src 'self';" in client_of(names).get("/pocketping/inbox").headers["Content-Security-Policy"]
        talk(names["app"])


def test_socketio(here: Path) -> None:
    (block,) = code_of("Flask-SocketIO")
    (here / "chat_and_rooms.py").write_text(block.text)
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "chat_and_rooms", "run", "--port", str(port)]
    server = Process(command, environment(), here / "server.log", here)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: "Running on" in server.log.read_text(), "the app is served", 30, server.log.read_text)
        rooms = socketio.SimpleClient()
        rooms.connect(url)
        page = Page(f"{url}/pocketping")
        with page.stream() as stream:
            page.say("Hello")
            assert stream.expect("message")["data"]["content"] == "Hello"
            assert rooms.call("tea", "Assam") == "One Assam, please"
        rooms.disconnect()
    finally:
        server.stop()


def test_sentry(here: Path, receiver: Receiver) -> None:
    first, (block,) = code_of("Integrations"), code_of("Sentry")
    script = here / "sentry_app.py"
    dsn = f"http://key@127.0.0.1:{receiver.port}/1"
    script.write_text(
        "\n".join([*(item.text for item in first), replaced(block.text, {"https://key@sentry.example/1": dsn})])
        + """
from flask_pocketping.testing import Visitor

def broken(sender, message, **extra):
    what_was_written = message.content
    raise RuntimeError("out of paper")

signals.message_created.connect(broken, app)
visitor = Visitor(app)
visitor.send("my password is " + "".join(["sword", "fish"]))
print(visitor.handle)
sentry_sdk.flush(10)
sentry_sdk.get_client().close()
pocketping.close(app)
"""
    )
    receiver.answer = lambda received: Answer(body=b"{}")
    done = subprocess.run(
        [sys.executable, str(script)], env=environment(), cwd=here, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    bodies = [gzip.decompress(item.body) if item.body[:2] == b"\x1f\x8b" else item.body for item in receiver.wait(1)]
    events = [json.loads(line) for body in bodies for line in body.splitlines() if b'"exception"' in line]
    assert "out of paper" in json.dumps(events)
    assert "a receiver of message_created" in json.dumps(events)
    everything = b"".join(bodies).decode()
    assert "swordfish" not in everything
    assert done.stdout.strip() not in everything


def test_celery(here: Path) -> None:
    (block,) = code_of("Celery")
    assert "$ celery --app tasks.celery worker\n" in [item.text for item in blocks(PAGE, "console")]
    broker = make_url(find_redis()).set(database="14").render_as_string(hide_password=False)
    queue = f"test-{secrets.token_hex(6)}"
    text = replaced(block.text, {"redis://localhost:6379/0": broker})
    (here / "tasks.py").write_text(f'{text}\ncelery.conf.task_default_queue = "{queue}"\n')
    with imported(here, "tasks") as (tasks,):
        visitor = Visitor(tasks.app)
        command = [
            "celery",
            "--app",
            "tasks.celery",
            "worker",
            "--pool",
            "solo",
            "--without-gossip",
            "--without-mingle",
        ]
        worker = Process(command, environment(), here / "worker.log", here)
        try:
            visitor.send("Where is my parcel?")

            def answered() -> bool:
                with tasks.app.app_context():
                    found = tasks.pocketping.list_messages(visitor.session_id).messages
                return [message.content for message in found] == ["Where is my parcel?", "We have it."]

            wait_until(answered, "the task has answered", 60, worker.log.read_text)
            # The message of a task that runs again is there already.
            before = visitor.messages()
            tasks.answer(visitor.session_id, before[0]["id"])
            assert visitor.messages() == before
        finally:
            worker.stop()
            tasks.celery.close()
            state_of(tasks.app).runtime.close()


def test_dispatcher_middleware() -> None:
    with running("DispatcherMiddleware") as names:
        page = client_of(names).get("/shop/").text
        assert 'data-endpoint="/shop/pocketping"' in page
        (script,) = re.findall(r'src="([^"]+)"', page)
        assert client_of(names).get(script).status_code == 200
        with names["shop"].app_context():
            state = state_of(names["shop"])
            assert state.urls.root == "/shop/pocketping"
        assert client_of(names).get("/shop/pocketping/health").status_code == 200
        talk(names["shop"])
